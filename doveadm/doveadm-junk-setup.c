/* doveadm junk setup: runs the script junk-feedback-setup, which packages can
   run without doveadm. */

#include "lib.h"
#include "array.h"

#include "doveadm-junk.h"

#include <unistd.h>
#include <sys/wait.h>

static void
setup_arguments(struct doveadm_cmd_context *cctx,
		ARRAY_TYPE(const_string) *argv)
{
	static const char program[] = JUNK_LIBEXECDIR"/junk-feedback-setup";
	const char *words[] = {
		program, "--config",
		doveadm_junk_config_path(), "--yes", "--remove", "--examples"
	};
	const char *examples;
	bool set = FALSE;

	array_append(argv, words, 3);
	if (doveadm_cmd_param_bool(cctx, "yes", &set) && set)
		array_push_back(argv, &words[3]);
	set = FALSE;
	if (doveadm_cmd_param_bool(cctx, "remove", &set) && set)
		array_push_back(argv, &words[4]);
	if (doveadm_cmd_param_str(cctx, "examples", &examples)) {
		array_push_back(argv, &words[5]);
		array_push_back(argv, &examples);
	}
	array_append_zero(argv);
}

static void cmd_junk_setup(struct doveadm_cmd_context *cctx)
{
	ARRAY_TYPE(const_string) argv;
	const char *const *args;
	int status;
	pid_t pid;

	/* the command prints a difference that an administrator has to read */
	if (doveadm_server) {
		i_error("junk setup: this command works only on the host "
			"itself");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	t_array_init(&argv, 8);
	setup_arguments(cctx, &argv);
	args = array_front(&argv);
	pid = fork();
	if (pid == 0) {
		(void)execv(args[0], (char **)args);
		i_error("junk setup: execv(%s) failed: %m", args[0]);
		_exit(EX_UNAVAILABLE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		i_error("junk setup: %s: %m", args[0]);
		doveadm_exit_code = EX_OSERR;
	} else {
		doveadm_exit_code = WIFEXITED(status) ? WEXITSTATUS(status) :
			EX_SOFTWARE;
	}
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_setup = {
	.name = "junk setup",
	.usage = "[-r] [-y] [-e <examples>]",
	.cmd = cmd_junk_setup,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('r', "remove", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('y', "yes", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('e', "examples", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};

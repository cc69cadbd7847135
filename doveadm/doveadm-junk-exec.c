#include "lib.h"
#include "env-util.h"
#include "path-util.h"
#include "str.h"

#include "doveadm-junk.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/wait.h>

/* Longer output of a program is cut off. */
#define EXEC_OUTPUT_MAX_BYTES (16*1024)
/* Folders to search for Postfix' programs, and for Dovecot's if they aren't in
   doveadm's folder. doveadm may have no PATH. */
#define EXEC_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define EXEC_HOME "/nonexistent"

/* Returns the search path for programs: the bin folder of doveadm's own
   installation comes first, under any prefix, since doveconf and sievec of
   another Dovecot know other settings. doveadm itself is in that folder; the
   doveadm server is in libexec/dovecot or lib/dovecot of the same prefix. */
static const char *exec_path(void)
{
	static const char *const from_exe[] = { "", "/../../bin", "/../bin" };
	const char *exe, *dir, *error, *p;

	if (t_readlink("/proc/self/exe", &exe, &error) < 0 ||
	    (p = strrchr(exe, '/')) == NULL)
		return EXEC_PATH;
	for (unsigned int i = 0; i < N_ELEMENTS(from_exe); i++) {
		dir = t_strconcat(t_strdup_until(exe, p), from_exe[i], NULL);
		if (access(t_strconcat(dir, "/doveconf", NULL), X_OK) == 0)
			return t_strconcat(dir, ":"EXEC_PATH, NULL);
	}
	return EXEC_PATH;
}

static void ATTR_NORETURN
exec_child(int fd, const char *path, const char *const argv[],
	   bool with_stderr)
{
	int null_fd = open("/dev/null", O_RDWR);

	/* a server process has no stdin: move the descriptor out of the range
	   that the child's standard descriptors use */
	null_fd = fcntl(null_fd, F_DUPFD, STDERR_FILENO + 1);
	fd = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
	if (null_fd == -1 || fd == -1 || dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(fd, STDOUT_FILENO) < 0 ||
	    dup2(with_stderr ? fd : null_fd, STDERR_FILENO) < 0)
		_exit(127);
	/* remove the variables that the master process has set for this
	   process */
	env_clean();
	env_put("PATH", path);
	/* sievec refuses a mail location with %h if there is no home */
	env_put("HOME", EXEC_HOME);
	execvp(argv[0], (char **)argv);
	_exit(127);
}

static int exec_read(int fd, string_t *output)
{
	char buf[1024];
	ssize_t ret;

	while ((ret = read(fd, buf, sizeof(buf))) > 0) {
		if (str_len(output) < EXEC_OUTPUT_MAX_BYTES)
			str_append_data(output, buf, ret);
	}
	return ret < 0 ? -1 : 0;
}

int doveadm_junk_exec(const char *const argv[], bool with_stderr,
		      string_t *output, int *status_r, const char **error_r)
{
	const char *path = exec_path();
	int fds[2], status, ret = 0;
	pid_t pid;

	if (pipe(fds) < 0) {
		*error_r = t_strdup_printf("pipe() failed: %m");
		return -1;
	}
	pid = fork();
	if (pid == 0)
		exec_child(fds[1], path, argv, with_stderr);
	i_close_fd(&fds[1]);
	if (pid < 0) {
		*error_r = t_strdup_printf("fork() failed: %m");
		i_close_fd(&fds[0]);
		return -1;
	}
	if (exec_read(fds[0], output) < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m", argv[0]);
		ret = -1;
	}
	i_close_fd(&fds[0]);
	if (waitpid(pid, &status, 0) < 0) {
		*error_r = t_strdup_printf("waitpid(%s) failed: %m", argv[0]);
		return -1;
	}
	*status_r = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return ret;
}

/* Finds the Sieve scripts that Dovecot runs for all users, and checks that they
   compile as in a delivery: with the plugins of its protocol, and readable for
   a user. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"

#include "junk-compat.h"
#include "doveadm-junk.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The maximum number of scripts of a directory, and of all scripts. */
#define SCRIPTS_MAX 50
#define SCRIPT_MAX_BYTES (1024*1024)
#define SUFFIX ".sieve"

/*
 * Configuration
 */

static void
add_path(ARRAY_TYPE(doveadm_junk_scripts) *scripts, const char *name,
	 const char *path)
{
	struct doveadm_junk_script script = { name, path };

	if (array_count(scripts) < SCRIPTS_MAX)
		array_push_back(scripts, &script);
}

static int script_name_cmp(const char *const *name1, const char *const *name2)
{
	return strcmp(*name1, *name2);
}

/* Pigeonhole runs all scripts of a directory, in the order of their names. */
static void
add_directory(ARRAY_TYPE(doveadm_junk_scripts) *scripts, const char *name,
	      const char *path)
{
	ARRAY_TYPE(const_string) found;
	const char *fname;
	struct dirent *d;
	DIR *dir = opendir(path);
	size_t len;

	t_array_init(&found, 8);
	while (dir != NULL && (d = readdir(dir)) != NULL &&
	       array_count(&found) < SCRIPTS_MAX) {
		len = strlen(d->d_name);
		if (len > strlen(SUFFIX) && strcmp(d->d_name + len -
						   strlen(SUFFIX),
						   SUFFIX) == 0) {
			fname = t_strconcat(path, "/", d->d_name, NULL);
			array_push_back(&found, &fname);
		}
	}
	if (dir != NULL)
		(void)closedir(dir);
	array_sort(&found, script_name_cmp);
	array_foreach_elem(&found, fname)
		add_path(scripts, name, fname);
}

/* A location is file:PATH;option=... or a path. Paths with variables or in a
   home directory belong to single users and are skipped. */
static void
add_location(ARRAY_TYPE(doveadm_junk_scripts) *scripts, const char *name,
	     const char *location)
{
	struct stat st;

	if (strncmp(location, "file:", 5) == 0)
		location += 5;
	location = t_strcut(location, ';');
	if (*location != '/' || strchr(location, '%') != NULL)
		return;
	if (stat(location, &st) == 0 && S_ISDIR(st.st_mode))
		add_directory(scripts, name, location);
	else
		add_path(scripts, name, location);
}

/* "  name = value" */
static bool split_line(const char *line, const char **name_r,
		       const char **value_r)
{
	const char *equals;

	while (*line == ' ' || *line == '\t')
		line++;
	equals = strstr(line, " = ");
	if (equals == NULL)
		return FALSE;
	*name_r = t_strdup_until(line, equals);
	*value_r = equals + 3;
	return TRUE;
}

#ifdef HAVE_SETTINGS_GET

/* sieve_script NAME {
     path = ...
     type = before
   } */
static void
parse_scripts(const char *const *lines,
	      ARRAY_TYPE(doveadm_junk_scripts) *scripts)
{
	const char *block = NULL, *path = "", *type = "personal";
	const char *name, *value;

	for (; *lines != NULL; lines++) {
		if (strncmp(*lines, "sieve_script ", 13) == 0) {
			block = t_str_trim(t_strcut(*lines, '{'), " ");
			path = "";
			type = "personal";
		} else if (**lines == '}' && block != NULL) {
			if (strcmp(type, "before") == 0 ||
			    strcmp(type, "after") == 0 ||
			    strcmp(type, "default") == 0)
				add_location(scripts, block, path);
			block = NULL;
		} else if (split_line(*lines, &name, &value)) {
			if (strcmp(name, "path") == 0 ||
			    strcmp(name, "sieve_script_path") == 0)
				path = value;
			else if (strcmp(name, "type") == 0 ||
				 strcmp(name, "sieve_script_type") == 0)
				type = value;
		}
	}
}
#define SCRIPTS_SETTING "sieve_script"

/* Only lists of plugins are overridden. A default list of extensions is printed
   as words, and an override would replace it. */
static const char *const protocol_lists[] = { "sieve_plugins" };

/* A list is either words, or lines name = yes. */
static void
add_override(ARRAY_TYPE(const_string) *argv, const char *name,
	     const char *value)
{
	const char *const *words = t_strsplit_spaces(value, " \t\n{}");
	string_t *arg = t_str_new(128);
	const char *str = "-o";

	array_push_back(argv, &str);
	str_printfa(arg, "%s=", name);
	if (strchr(value, '=') == NULL)
		str_append(arg, value);
	else for (; words[0] != NULL && words[1] != NULL && words[2] != NULL;
		  words++) {
		if (strcmp(words[1], "=") == 0 && strcmp(words[2], "yes") == 0)
			str_printfa(arg, "%s ", words[0]);
	}
	str = str_c(arg);
	array_push_back(argv, &str);
}

#else

static bool is_script_setting(const char *name)
{
	static const char *const names[] = {
		"sieve_before", "sieve_after", "sieve_default"
	};
	size_t len;

	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		len = strlen(names[i]);
		/* sieve_before2, but not sieve_default_name */
		if (strncmp(name, names[i], len) == 0 &&
		    strspn(name + len, "0123456789") == strlen(name + len))
			return TRUE;
	}
	return FALSE;
}

static void
parse_scripts(const char *const *lines,
	      ARRAY_TYPE(doveadm_junk_scripts) *scripts)
{
	const char *name, *value;

	for (; *lines != NULL; lines++) {
		if (split_line(*lines, &name, &value) &&
		    is_script_setting(name))
			add_location(scripts, name, value);
	}
}
#define SCRIPTS_SETTING "plugin"

static const char *const protocol_lists[] = {
	"sieve_plugins", "sieve_extensions", "sieve_global_extensions"
};

static void
add_override(ARRAY_TYPE(const_string) *argv, const char *name,
	     const char *value)
{
	const char *arg = "-o";

	array_push_back(argv, &arg);
	arg = t_strdup_printf("plugin/%s=%s", name, value);
	array_push_back(argv, &arg);
}
#endif

int doveadm_junk_scripts_find(const char *protocol,
			      ARRAY_TYPE(doveadm_junk_scripts) *scripts,
			      const char **error_r)
{
	const char *argv[] = {
		"doveconf", "-c", doveadm_junk_config_path(),
		"-f", t_strconcat("protocol=", protocol, NULL),
		SCRIPTS_SETTING, NULL
	};
	string_t *output = t_str_new(1024);
	int status;

	if (doveadm_junk_exec(argv, FALSE, output, &status, error_r) < 0)
		return -1;
	parse_scripts(t_strsplit(str_c(output), "\n"), scripts);
	return 0;
}

bool doveadm_junk_script_scores(const struct doveadm_junk_script *script)
{
	static const char *const words[] = {
		"vnd.junk-feedback", "X-Junk-Score"
	};
	struct istream *input;
	const unsigned char *data;
	size_t size;
	const char *text;
	bool ret = FALSE;

	/* O_NONBLOCK: opening a FIFO must not block */
	int fd = open(script->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return FALSE;
	input = i_stream_create_fd_autoclose(&fd, SCRIPT_MAX_BYTES);
	while (i_stream_read(input) > 0) ;
	data = i_stream_get_data(input, &size);
	text = t_strndup(data, size);
	for (unsigned int i = 0; i < N_ELEMENTS(words); i++) {
		if (strstr(text, words[i]) != NULL)
			ret = TRUE;
	}
	i_stream_unref(&input);
	return ret;
}

/*
 * Compiling
 */

int doveadm_junk_script_compile(const char *protocol, const char *path,
				const char *bin_path, const char **error_r)
{
	ARRAY_TYPE(const_string) argv;
	const char *args[] = { "sievec", "-c", doveadm_junk_config_path() };
	const char *value;
	string_t *output = t_str_new(256);
	int status;

	t_array_init(&argv, 32);
	array_append(&argv, args, N_ELEMENTS(args));
	/* sievec reads the settings outside of protocol blocks, so pass those
	   of the protocol */
	for (unsigned int i = 0; i < N_ELEMENTS(protocol_lists); i++) {
		if (doveadm_junk_config_get(protocol, protocol_lists[i], TRUE,
					    &value, error_r) < 0)
			return -1;
		value = t_str_trim(value, " \t\r\n");
		if (*value != '\0' || i == 0)
			add_override(&argv, protocol_lists[i], value);
	}
	array_push_back(&argv, &path);
	array_push_back(&argv, &bin_path);
	array_append_zero(&argv);
	if (doveadm_junk_exec(array_front(&argv), TRUE, output, &status,
			      error_r) < 0)
		return -1;
	if (status == 0)
		return 0;
	*error_r = status == 127 ? "sievec isn't installed" :
		t_str_replace(t_str_trim(str_c(output), "\n"), '\n', ' ');
	return -1;
}

/* Find the uid that reads scripts: that of all mail users if it is the same,
   else any unprivileged one. */
static void find_uid(const char *protocol, uid_t *uid_r, gid_t *gid_r)
{
	const char *value, *error;
	const struct passwd *pw;

	pw = getpwnam("nobody");
	*uid_r = pw == NULL ? 65534 : pw->pw_uid;
	*gid_r = pw == NULL ? 65534 : pw->pw_gid;
	if (doveadm_junk_config_get(protocol, "mail_uid", FALSE, &value,
				    &error) < 0)
		return;
	value = t_str_trim(value, " \t\r\n");
	pw = getpwnam(value);
	if (pw != NULL) {
		*uid_r = pw->pw_uid;
		*gid_r = pw->pw_gid;
	} else if (str_to_uid(value, uid_r) == 0) {
		*gid_r = (gid_t)*uid_r;
	}
}

int doveadm_junk_script_readable(const char *protocol, const char *path)
{
	uid_t uid;
	gid_t gid;
	int status = 0, fd;
	pid_t pid;

	if (geteuid() != 0)
		return 0;
	find_uid(protocol, &uid, &gid);
	pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(gid) < 0 ||
		    setuid(uid) < 0)
			_exit(0);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		_exit(fd != -1 ? 0 : errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 0;
	if (WEXITSTATUS(status) == 0)
		return 0;
	errno = WEXITSTATUS(status);
	return -1;
}

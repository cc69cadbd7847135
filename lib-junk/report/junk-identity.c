/* The file has JUNK_REPORTER_BYTES random bytes as hexadecimal digits and a
   line feed, so that an administrator can read, copy and delete it. */

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "hex-binary.h"
#include "randgen.h"
#include "safe-mkstemp.h"
#include "write-full.h"
#include "junk-user-file.h"
#include "junk-identity.h"

#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>

#define IDENTITY_FILE_BYTES (JUNK_REPORTER_BYTES * 2 + 1)

static const char *junk_identity_path(const char *control_dir)
{
	return t_strconcat(control_dir, "/"JUNK_IDENTITY_FNAME, NULL);
}

static int
junk_identity_parse(const char *path, const char *text, ssize_t size,
		    unsigned char *reporter_r, const char **error_r)
{
	buffer_t *dest = t_buffer_create(JUNK_REPORTER_BYTES);

	if (size != IDENTITY_FILE_BYTES ||
	    text[IDENTITY_FILE_BYTES - 1] != '\n' ||
	    hex_to_binary(t_strndup(text, IDENTITY_FILE_BYTES - 1),
			  dest) < 0) {
		*error_r = t_strdup_printf("%s isn't a valid identity: "
			"delete the file, and the user gets a new identity",
			path);
		return -1;
	}
	memcpy(reporter_r, dest->data, JUNK_REPORTER_BYTES);
	return 1;
}

int junk_identity_read(const char *control_dir,
		       unsigned char reporter_r[JUNK_REPORTER_BYTES],
		       const char **error_r)
{
	const char *path = junk_identity_path(control_dir);
	/* one byte more, to detect a longer file */
	char text[IDENTITY_FILE_BYTES + 1];
	struct stat st;
	ssize_t ret;
	int fd;

	fd = junk_user_file_open(path, O_RDONLY, UOFF_T_MAX, &st, error_r);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	ret = read(fd, text, sizeof(text));
	if (ret < 0)
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
	i_close_fd(&fd);
	if (ret < 0)
		return -1;
	return junk_identity_parse(path, text, ret, reporter_r, error_r);
}

static int
junk_identity_write(const char *control_dir,
		    const unsigned char reporter[JUNK_REPORTER_BYTES],
		    string_t *temp_path, const char **error_r)
{
	const char *text;
	int fd, ret = 0;

	str_printfa(temp_path, "%s/"JUNK_IDENTITY_FNAME".", control_dir);
	fd = safe_mkstemp(temp_path, 0600, (uid_t)-1, (gid_t)-1);
	if (fd == -1) {
		*error_r = t_strdup_printf("creating a file in %s failed: %m",
					   control_dir);
		return -1;
	}
	text = t_strconcat(binary_to_hex(reporter, JUNK_REPORTER_BYTES),
			   "\n", NULL);
	if (write_full(fd, text, strlen(text)) < 0 || fdatasync(fd) < 0) {
		*error_r = t_strdup_printf("writing %s failed: %m",
					   str_c(temp_path));
		ret = -1;
	}
	i_close_fd(&fd);
	return ret;
}

/* Create the file. It appears complete: link() doesn't replace another process's
   file, and rename() does. */
static int
junk_identity_create(const char *control_dir,
		     const unsigned char reporter[JUNK_REPORTER_BYTES],
		     bool replace, const char **error_r)
{
	const char *path = junk_identity_path(control_dir);
	string_t *temp_path = t_str_new(128);
	int ret;

	ret = junk_identity_write(control_dir, reporter, temp_path, error_r);
	if (ret == 0) {
		ret = replace ? rename(str_c(temp_path), path) :
			link(str_c(temp_path), path);
		if (ret < 0 && errno == EEXIST)
			ret = 0;
		if (ret < 0) {
			*error_r = t_strdup_printf("creating %s failed: %m",
						   path);
		}
	}
	if (str_len(temp_path) > 0)
		i_unlink_if_exists(str_c(temp_path));
	return ret;
}

int junk_identity_get(const char *control_dir,
		      unsigned char reporter_r[JUNK_REPORTER_BYTES],
		      const char **error_r)
{
	unsigned char random[JUNK_REPORTER_BYTES];
	int ret;

	ret = junk_identity_read(control_dir, reporter_r, error_r);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	random_fill(random, sizeof(random));
	if (junk_identity_create(control_dir, random, FALSE, error_r) < 0)
		return -1;
	/* read the file of the process that was first */
	ret = junk_identity_read(control_dir, reporter_r, error_r);
	if (ret == 0) {
		*error_r = t_strdup_printf("%s disappeared",
					   junk_identity_path(control_dir));
		return -1;
	}
	return ret < 0 ? -1 : 0;
}

static const char *another_identity(const char *control_dir)
{
	return t_strdup_printf("%s is another identity: to replace it, add "
			       "--replace (the reports under it then count as "
			       "another person's)",
			       junk_identity_path(control_dir));
}

int junk_identity_copy(const char *from_dir, const char *control_dir,
		       bool replace, const char **error_r)
{
	unsigned char from[JUNK_REPORTER_BYTES], to[JUNK_REPORTER_BYTES];
	int ret;

	ret = junk_identity_read(from_dir, from, error_r);
	if (ret == 0) {
		*error_r = t_strdup_printf("%s doesn't exist",
					   junk_identity_path(from_dir));
	}
	if (ret <= 0)
		return -1;
	ret = junk_identity_read(control_dir, to, error_r);
	if (ret > 0 && memcmp(from, to, sizeof(from)) == 0)
		return 0;
	if (ret != 0 && !replace) {
		if (ret > 0)
			*error_r = another_identity(control_dir);
		return -1;
	}
	if (junk_identity_create(control_dir, from, replace, error_r) < 0)
		return -1;
	/* another process may have been first */
	ret = junk_identity_read(control_dir, to, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0 || memcmp(from, to, sizeof(from)) != 0) {
		*error_r = another_identity(control_dir);
		return -1;
	}
	return 1;
}

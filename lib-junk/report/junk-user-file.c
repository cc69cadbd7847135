#include "lib.h"
#include "junk-user-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int
junk_user_file_refuse(const char *path, int refuse_errno, const char *why,
		      const char **error_r)
{
	*error_r = t_strdup_printf("%s %s: remove it", path, why);
	errno = refuse_errno;
	return -1;
}

static int
junk_user_file_check(const char *path, int flags, uoff_t max_bytes,
		     const struct stat *st, const char **error_r)
{
	if (!S_ISREG(st->st_mode)) {
		return junk_user_file_refuse(path, EINVAL,
			"isn't a regular file", error_r);
	}
	if (st->st_uid != geteuid()) {
		return junk_user_file_refuse(path, EPERM, t_strdup_printf(
			"belongs to uid %ld instead of %ld",
			(long)st->st_uid, (long)geteuid()), error_r);
	}
	/* by the other name, somebody may not expect us to write */
	if ((flags & O_ACCMODE) != O_RDONLY && st->st_nlink > 1) {
		return junk_user_file_refuse(path, EMLINK,
			"has more than one hard link", error_r);
	}
	if (st->st_size < 0 || (uoff_t)st->st_size > max_bytes) {
		return junk_user_file_refuse(path, EFBIG, t_strdup_printf(
			"has more than %"PRIuUOFF_T" bytes", max_bytes),
			error_r);
	}
	return 0;
}

int junk_user_file_open(const char *path, int flags, uoff_t max_bytes,
			struct stat *st_r, const char **error_r)
{
	int fd, check_errno;

	fd = open(path, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
		  0600);
	if (fd == -1) {
		switch (errno) {
		case ELOOP:	/* a symlink */
		case ENXIO:	/* a FIFO, socket or device */
		case ENODEV:
		case EISDIR:
			return junk_user_file_refuse(path, EINVAL,
				"isn't a regular file", error_r);
		case ENOTDIR:
			errno = ENOENT;
			break;
		}
		check_errno = errno;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		errno = check_errno;
		return -1;
	}
	if (fstat(fd, st_r) < 0) {
		check_errno = errno;
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
	} else if (junk_user_file_check(path, flags, max_bytes, st_r,
					error_r) < 0) {
		check_errno = errno;
	} else {
		return fd;
	}
	i_close_fd(&fd);
	errno = check_errno;
	return -1;
}

bool junk_user_file_is_unfit(int open_errno)
{
	return open_errno == EINVAL || open_errno == EPERM ||
		open_errno == EMLINK || open_errno == EFBIG;
}

int junk_user_file_set_aside(const char *path, const char **error_r)
{
	const char *aside = t_strconcat(path, ".aside", NULL);

	if (rename(path, aside) < 0 && errno != ENOENT) {
		*error_r = t_strdup_printf("rename(%s, %s) failed: %m",
					   path, aside);
		return -1;
	}
	return 0;
}

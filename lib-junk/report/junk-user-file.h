#ifndef JUNK_USER_FILE_H
#define JUNK_USER_FILE_H

#include <sys/stat.h>

/* Files in folders that a user controls. The user may put anything in their
   place: a FIFO, a device, a link to another's file, a terabyte of nothing. So
   they are opened by this function only, which never waits, follows no link and
   accepts nothing but a regular file that belongs to the user whom we act for. */

/* flags: as for open(2), mode is 0600. Returns the descriptor and st_r, or -1,
   error_r and errno: ENOENT if there is none (a folder that is missing
   included), EINVAL if it isn't a regular file, EPERM if it belongs to somebody
   else, EMLINK if it is to be written and has another name as well, EFBIG if it
   is larger than max_bytes (UOFF_T_MAX = any size will do). */
int junk_user_file_open(const char *path, int flags, uoff_t max_bytes,
			struct stat *st_r, const char **error_r);
/* TRUE if what an open has failed with is the kind of the file, not the state of
   the system: then another file can take its place. */
bool junk_user_file_is_unfit(int open_errno);

/* Rename it to "PATH.aside", in whose place there may be an older one, without
   looking at what it is. Returns 0, or -1 and error_r. */
int junk_user_file_set_aside(const char *path, const char **error_r);

#endif

#ifndef JUNK_SPOOL_H
#define JUNK_SPOOL_H

#include "junk-frame.h"

/* Reports that couldn't be sent, in a file of the user's control directory: a
   sequence of report frames, appended to under a lock, read from the start,
   and unlinked when the service has acknowledged all of it. Several processes
   of the user may use it at once: a report that is sent twice counts once. */

#define JUNK_SPOOL_FNAME "junk-feedback.spool"

struct junk_spool;

/* Touches no file. The path is copied. */
struct junk_spool *junk_spool_init(const char *control_dir);
void junk_spool_deinit(struct junk_spool **spool);

const char *junk_spool_get_path(const struct junk_spool *spool);
/* TRUE if there is a spool file with something in it. */
bool junk_spool_exists(struct junk_spool *spool);
/* What was found in the spool's place, or behind its end, is renamed to
   "PATH.aside" and no error: the line for the log since the last call, NULL if
   there is none. */
const char *junk_spool_get_notice(struct junk_spool *spool);

/* Append whole frames, all or nothing. Returns 1 if written, 0 if it would
   grow beyond JUNK_MAX_SPOOL_BYTES, -1 and error_r if writing failed. Waits
   at most a second for the lock. */
int junk_spool_append(struct junk_spool *spool, const void *data, size_t size,
		      const char **error_r);

/* Append the next whole frames, about max_bytes of them, to dest. What isn't a
   report frame is skipped and counted in skipped_bytes_r. Returns 1 if it has
   read on (nothing is appended if nothing valid was there), 0 at the end, which
   is after JUNK_MAX_SPOOL_BYTES at the latest, -1 and error_r on an error. One
   call looks at a part of the file only, and takes some milliseconds. */
int junk_spool_read(struct junk_spool *spool, buffer_t *dest, size_t max_bytes,
		    uoff_t *skipped_bytes_r, const char **error_r);
/* Start reading from the beginning again. */
void junk_spool_rewind(struct junk_spool *spool);
/* All that junk_spool_read() gave was acknowledged: remove the file, or if it is
   larger than a spool may be, rename it to "PATH.aside". Returns 1
   if it is gone, 0 if there is more to be read now, -1 and error_r on an
   error. */
int junk_spool_finish(struct junk_spool *spool, const char **error_r);

/* The next report frame in data from *offset on; a broken or truncated one is
   skipped: *offset is moved to the frame. at_end: the data ends here, there is
   no more to come. Returns the frame's size, or 0 if there is none (*offset is
   moved to where reading has to go on with more data). */
size_t junk_spool_next(const unsigned char *data, size_t size, bool at_end,
		       size_t *offset);

#endif

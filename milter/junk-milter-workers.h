#ifndef JUNK_MILTER_WORKERS_H
#define JUNK_MILTER_WORKERS_H

#include <stddef.h>

/* Scores are computed by processes of their own. libmilter has a thread for each
   connection, and libdovecot, which reads the messages, isn't made for threads: one
   lock around it would let whoever sends a few expensive messages keep all other
   sessions waiting. A thread takes a worker that is idle, or starts one. What a
   message does to its worker is no matter of the others'. */

/* The longest reason, with its NUL. */
#define JUNK_MILTER_REASON_SIZE 200

/* Remember where scores come from, and start a first worker, to see that it works.
   threshold: the lowest score that something is done at, 0 = none; for the counters.
   The strings belong to the caller for as long as the process lives; authserv_id
   may be NULL. Returns 0, or -1 with a line in the log. */
int junk_milter_workers_init(const char *segment_path, unsigned int threshold,
			     const char *authserv_id);
/* Score a message: 0-100 or JUNK_SCORES_UNKNOWN, and why. Called by any thread.
   Blocks until that is known, for so long at most. */
#define JUNK_MILTER_SCORE_MSECS 20000
int junk_milter_workers_score(const void *data, size_t size,
			      char reason_r[JUNK_MILTER_REASON_SIZE]);

/* The worker itself, argv being what init has made of it: FALSE if it isn't for a
   worker. Returns when the milter is gone. */
int junk_milter_worker_main(int argc, char *argv[]);

#endif

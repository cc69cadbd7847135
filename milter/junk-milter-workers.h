#ifndef JUNK_MILTER_WORKERS_H
#define JUNK_MILTER_WORKERS_H

#include <stddef.h>

/* Scores are computed by worker processes. libmilter runs each connection in a
   thread, and libdovecot, which parses the messages, is not thread-safe. A
   single lock would let a sender of a few expensive messages block all other
   sessions. A thread takes an idle worker or starts a new one. If a message
   crashes its worker, no other session is affected. */

/* The longest reason in bytes, with its NUL. */
#define JUNK_MILTER_REASON_SIZE 200

/* Set where scores come from, and start a first worker to check that workers
   can run. threshold: the lowest score at which the milter acts, 0 = none; it
   is for the counter page. authserv_id, mx and allow_file are as in the settings
   and may be "". The caller owns the strings, which must stay valid as long as the
   process runs. Returns 0, or -1 after logging an error. */
int junk_milter_workers_init(const char *segment_path, unsigned int threshold,
			     const char *authserv_id, const char *mx,
			     const char *allow_file);
/* Score a message: returns 0-100 or JUNK_SCORES_UNKNOWN, and the reason. Any
   thread may call it. It blocks for up to JUNK_MILTER_SCORE_MSECS. */
#define JUNK_MILTER_SCORE_MSECS 20000
int junk_milter_workers_score(const void *data, size_t size,
			      char reason_r[JUNK_MILTER_REASON_SIZE]);

/* Run as a worker, if argv has the arguments that the milter starts its workers
   with, and return 1 after the milter has ended. Returns 0 at once
   otherwise. */
int junk_milter_worker_main(int argc, char *argv[]);

#endif

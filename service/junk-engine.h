#ifndef JUNK_ENGINE_H
#define JUNK_ENGINE_H

#include "junk-report.h"
#include "junk-frame.h"

/* Everything behind the connections: lock, key, database, learner, segment,
   and what to do when one of them fails. Knows neither sockets nor ioloop.

   A fault never ends the service: reports wait unacknowledged, readers keep
   their last scores, the log names the fix once, and it is tried again. */

struct event;
struct junk_engine;

struct junk_engine_settings {
	/* as the process sees it, and where that is seen from outside: a
	   chroot, or "" */
	const char *state_dir, *chroot_dir;
	const char *segment_path;
	/* what junk_publisher_prepare() has returned, which the engine closes;
	   -1: it is called again */
	int segment_fd;
	/* who may read it, and how long shared weights wait */
	unsigned int segment_mode, publish_delay_secs;
	unsigned int rate, uid_identities, retention_days;
	uint64_t database_size;
	unsigned int min_reporters, min_reports, threshold;
	/* see junk-learner.h */
	bool unlimited_shares;
	struct event *event_parent;
};

struct junk_engine *junk_engine_init(const struct junk_engine_settings *set);
/* What is pending is lost (it wasn't acknowledged); call commit before. */
void junk_engine_deinit(struct junk_engine **engine);

/* Start, or start again after a fault. Returns TRUE if reports can be
   committed now. Another process that is still ending may hold the lock: that
   isn't logged for some seconds. */
bool junk_engine_start(struct junk_engine *engine, time_t now);
bool junk_engine_is_ready(struct junk_engine *engine);
/* After how long to start again, if it isn't ready. */
unsigned int junk_engine_retry_msecs(struct junk_engine *engine);

/* TRUE if no more reports should be added before a commit. */
bool junk_engine_is_full(struct junk_engine *engine);
/* The report is copied. */
void junk_engine_add(struct junk_engine *engine,
		     const struct junk_report *report);
/* Make all that was added durable. Returns TRUE if it is: acknowledge it.
   FALSE: call it again after junk_engine_start(). */
bool junk_engine_commit(struct junk_engine *engine, time_t now);
/* Call it when there is nothing else to do. Returns TRUE if there is more. */
bool junk_engine_maintain(struct junk_engine *engine, time_t now);
/* TRUE if what is to be maintained grows faster than it is maintained. */
bool junk_engine_is_behind(struct junk_engine *engine);
/* FALSE if the segment's file was taken away: the service has to be started
   again to make another. */
bool junk_engine_segment_is_current(struct junk_engine *engine);

/* Answer an administrator's frame: append "key=value" lines. Nothing may be
   pending. Blocks until it is done: learning anew takes a while. Returns -1 and
   error_r if it isn't valid or failed. */
int junk_engine_admin(struct junk_engine *engine,
		      const struct junk_frame *frame, time_t now,
		      string_t *answer, const char **error_r);

/* Append "key=value" lines. */
void junk_engine_status(struct junk_engine *engine, string_t *str);

#endif

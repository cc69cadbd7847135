#ifndef JUNK_ENGINE_H
#define JUNK_ENGINE_H

#include "junk-report.h"
#include "junk-frame.h"

/* Everything behind the connections: lock, key, database, learner and segment,
   and what to do if one of them fails. It knows neither clients nor, without a
   cluster, the ioloop.

   A fault never ends the service: reports wait unacknowledged, readers keep
   their last scores, the log names the fix once, and the operation is tried
   again. */

struct event;
struct junk_engine;

struct junk_engine_settings {
	/* the directory as the process sees it, and the prefix of its path
	   outside of a chroot, "" without one */
	const char *state_dir, *chroot_dir;
	const char *segment_path;
	/* descriptor from junk_publisher_prepare(), which the engine closes;
	   -1: the engine prepares it */
	int segment_fd;
	/* mode of the segment, and the delay of shared weights */
	unsigned int segment_mode, publish_delay_secs;
	unsigned int rate, uid_identities, retention_days;
	uint64_t database_size;
	unsigned int min_reporters, min_reports, threshold;
	/* see junk-learner.h */
	bool unlimited_shares;
	/* the connection string of the cluster's log (junk-log.h); "" or NULL =
	   this host alone */
	const char *cluster;
	/* with a cluster: the reports of the last commit are durable
	   (committed), or another commit should be tried */
	void (*wake)(bool committed);
	struct event *event_parent;
};

struct junk_engine *junk_engine_init(const struct junk_engine_settings *set);
/* Pending reports are lost, but they weren't acknowledged; call commit
   before. */
void junk_engine_deinit(struct junk_engine **engine);

/* Start, or start again after a fault. Returns TRUE if reports can be committed
   now. Another process that is still ending may hold the lock: this isn't
   logged for some seconds. */
bool junk_engine_start(struct junk_engine *engine, time_t now);
bool junk_engine_is_ready(struct junk_engine *engine);
/* Returns the delay before the next start, if the engine isn't ready. */
unsigned int junk_engine_retry_msecs(struct junk_engine *engine);

/* TRUE if no more reports should be added before a commit. */
bool junk_engine_is_full(struct junk_engine *engine);
/* Add a copy of a report. */
void junk_engine_add(struct junk_engine *engine,
		     const struct junk_report *report);
enum junk_engine_commit {
	/* call it again after junk_engine_start() */
	JUNK_ENGINE_COMMIT_FAILED,
	/* all added reports are durable and may be acknowledged */
	JUNK_ENGINE_COMMIT_DONE,
	/* with a cluster: all added reports are on their way, and durable when
	   wake(TRUE) is called */
	JUNK_ENGINE_COMMIT_SENT,
	/* nothing was done: others are on their way, or the cluster's log is
	   away. Call it again after wake() */
	JUNK_ENGINE_COMMIT_BUSY,
};

/* Make all added reports durable. */
enum junk_engine_commit
junk_engine_commit(struct junk_engine *engine, time_t now);
/* Do a piece of maintenance, when there is nothing else to do. Returns TRUE if
   there is more. */
bool junk_engine_maintain(struct junk_engine *engine, time_t now);
/* Returns TRUE if the work for maintenance grows faster than it is done. */
bool junk_engine_is_behind(struct junk_engine *engine);
/* Returns FALSE if the segment's file was removed: the service must be
   restarted to create another. */
bool junk_engine_segment_is_current(struct junk_engine *engine);

/* Execute an administrator's frame and append "key=value" lines to the answer.
   Nothing may be pending. It blocks until it is done, which takes a while for a
   rebuild. Returns 0, or -1 and error_r if the frame is invalid or the command
   failed. */
int junk_engine_admin(struct junk_engine *engine,
		      const struct junk_frame *frame, time_t now,
		      string_t *answer, const char **error_r);

/* Append the status as "key=value" lines. */
void junk_engine_status(struct junk_engine *engine, string_t *str);

#endif

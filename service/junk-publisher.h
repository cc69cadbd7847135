#ifndef JUNK_PUBLISHER_H
#define JUNK_PUBLISHER_H

#include <sys/types.h>

/* Writer of the score segment (junk-segment.h). Only the process that owns the
   database may have one.

   The service can't create files in Dovecot's base_dir, nor see it from a
   chroot, once it has dropped its privileges: the file is opened before, and
   rewritten in place when its fixed part has to change. Readers keep the old
   scores while a new process loads its model. */

struct junk_learner;
struct junk_publisher;

/* See that the file is there, is ours alone to write and has that mode. One that
   hasn't is replaced. uid and gid: who will publish, and who may read if the mode
   says so; -1 = we. Returns its descriptor, or -1 and error_r. */
int junk_publisher_prepare(const char *path, uid_t uid, gid_t gid, mode_t mode,
			   const char **error_r);

/* Publish a learner's model, which goes on in memory of its own. fd is what prepare
   has returned; it belongs to the caller and outlives the publisher. path is for
   errors only.

   Personal weights are published by each update: only who has the identity can
   find them. Shared ones tell whoever may read the segment what was reported, so
   they are published in batches of many reports, delay_secs after the first of
   them at the latest, in an order that is drawn by lot. Those that several reports
   have changed, as the copies of a campaign do, don't wait so long. delay_secs = 0:
   all by each update. Returns 0, or -1 and error_r. */
int junk_publisher_init(const char *path, int fd, unsigned int delay_secs,
			struct junk_learner *learner, time_t now,
			struct junk_publisher **publisher_r,
			const char **error_r);
/* Publishes what waits. The segment stays in use, with its last scores. */
void junk_publisher_deinit(struct junk_publisher **publisher);

/* The learner has learned. */
void junk_publisher_update(struct junk_publisher *publisher, time_t now);
/* Publish what has waited for long enough: call it each second or so. */
void junk_publisher_tick(struct junk_publisher *publisher, time_t now);
/* Publish all that waits: what was taken back has to go. */
void junk_publisher_flush(struct junk_publisher *publisher, time_t now);
/* FALSE if the file that we write was deleted or replaced. */
bool junk_publisher_is_current(struct junk_publisher *publisher);
uint32_t junk_publisher_generation(struct junk_publisher *publisher);

#endif

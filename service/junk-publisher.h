#ifndef JUNK_PUBLISHER_H
#define JUNK_PUBLISHER_H

#include <sys/types.h>

/* Writer of the score segment (junk-segment.h). Only the process that owns the
   database may have one.

   Once it has dropped its privileges, the service can't create files in
   Dovecot's base_dir, and can't see it from a chroot. So the file is opened
   before and rewritten in place if its fixed part has to change. Readers keep
   the old scores while a new process loads its model. */

struct junk_learner;
struct junk_publisher;

/* Ensure that the file exists, is writable only by the service and has this
   mode; otherwise it is replaced. uid and gid: the publishing user, and the
   group that may read if the mode permits it; -1 = the process's own. Returns
   the file descriptor, or -1 and error_r. */
int junk_publisher_prepare(const char *path, uid_t uid, gid_t gid, mode_t mode,
			   const char **error_r);

/* Publish a learner's model; the learner continues to use its own memory. fd is
   from junk_publisher_prepare(), belongs to the caller and outlives the
   publisher. path is used for errors only.

   Personal weights are published by each update, since they can be found only
   with the identity. Shared weights tell readers of the segment what was
   reported, so they are published in batches of many reports, at most
   delay_secs after the first of them, in a random order. Weights that several
   reports have changed, as copies of a campaign do, don't wait as long.
   delay_secs = 0: publish all weights by each update. Returns 0, or -1 and
   error_r. */
int junk_publisher_init(const char *path, int fd, unsigned int delay_secs,
			struct junk_learner *learner, time_t now,
			struct junk_publisher **publisher_r,
			const char **error_r);
/* Publish waiting weights and close. The segment stays in use with its last
   scores. */
void junk_publisher_deinit(struct junk_publisher **publisher);

/* Publish after the learner has learned. */
void junk_publisher_update(struct junk_publisher *publisher, time_t now);
/* Publish weights that have waited long enough. Call it about each second. */
void junk_publisher_tick(struct junk_publisher *publisher, time_t now);
/* Publish all waiting weights, since undone reports must disappear. */
void junk_publisher_flush(struct junk_publisher *publisher, time_t now);
/* Returns FALSE if the published file was deleted or replaced. */
bool junk_publisher_is_current(struct junk_publisher *publisher);
uint32_t junk_publisher_generation(struct junk_publisher *publisher);

#endif

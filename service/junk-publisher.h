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

/* See that the file is there, is ours alone to write and can be read by all.
   One that isn't is replaced. uid and gid: who will publish, -1 = we. Returns
   its descriptor, or -1 and error_r. */
int junk_publisher_prepare(const char *path, uid_t uid, gid_t gid,
			   const char **error_r);

/* Publish a learner's model, from now on and as it learns. fd is what prepare
   has returned; it belongs to the caller and outlives the publisher. path is
   for errors only. Returns 0, or -1 and error_r. */
int junk_publisher_init(const char *path, int fd,
			struct junk_learner *learner, time_t now,
			struct junk_publisher **publisher_r,
			const char **error_r);
/* The segment stays in use, with its last scores; the learner goes on in
   memory of its own. */
void junk_publisher_deinit(struct junk_publisher **publisher);

/* Memory of the weights, for junk_learner_set_published(). */
int16_t *junk_publisher_weights(struct junk_publisher *publisher);
/* The learner has learned: tell how much, and that it has. */
void junk_publisher_update(struct junk_publisher *publisher, time_t now);
/* FALSE if the file that we write was deleted or replaced. */
bool junk_publisher_is_current(struct junk_publisher *publisher);
uint32_t junk_publisher_generation(struct junk_publisher *publisher);

#endif

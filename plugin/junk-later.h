#ifndef JUNK_LATER_H
#define JUNK_LATER_H

#include "junk-pending.h"

/* What is done after the client has its answer: a queue of messages that are
   yet to be tokenised.

   It begins when the client has been quiet for a moment, so that many commands
   in a row are all answered first, or after a longer time in any case. It is
   done in slices, between which the client's commands are handled: none waits
   for longer than a slice. */

/* What waits may take so many bytes in all (and one message more), with what
   transactions under way have: some 2,500 messages that were read. What doesn't
   fit is tokenised before the answer. */
#define JUNK_LATER_MAX_BYTES (16*1024*1024)

struct junk_later;

struct junk_later_callbacks {
	/* a message's turn has come; the pending is freed after it */
	void (*report)(const struct junk_pending *pending, void *context);
	/* a slice, or all, was done */
	void (*done)(void *context);
};

struct junk_later *
junk_later_init(const struct junk_later_callbacks *callbacks, void *context);
/* Forgets what still waits. */
void junk_later_deinit(struct junk_later **later);

/* Takes over what the pending points to. */
void junk_later_add(struct junk_later *later,
		    const struct junk_pending *pending);
/* All of a command were added: wait for quiet. */
void junk_later_start(struct junk_later *later);
/* Do all of it now. */
void junk_later_finish(struct junk_later *later);
/* Drop the messages whose report hangs on what becomes of this one. Returns TRUE
   if there were any. */
bool junk_later_forget_kept(struct junk_later *later, const char *vname,
			    uint32_t uid);

bool junk_later_is_empty(const struct junk_later *later);
/* Is there no room beside so many bytes that a transaction has read? */
bool junk_later_is_full(const struct junk_later *later, size_t bytes);
/* What a pending counts for. */
size_t junk_later_bytes(const struct junk_pending *pending);

#endif

#ifndef JUNK_LATER_H
#define JUNK_LATER_H

#include "junk-pending.h"

/* A queue of messages that are tokenised after the client has its answer.

   Work begins when the client has been quiet for a moment, so that a series of
   commands is answered first, or after a maximum time. It is done in slices,
   between which the client's commands are handled: none waits for longer than a
   slice. */

/* The maximum size of all queued messages (and one more), with those of
   transactions under way: about 2,500 messages. Further messages are tokenised
   before the answer. */
#define JUNK_LATER_MAX_BYTES (16*1024*1024)

struct junk_later;

struct junk_later_callbacks {
	/* process a message; the pending report is freed afterwards */
	void (*report)(const struct junk_pending *pending, void *context);
	/* a slice or the whole queue is done */
	void (*done)(void *context);
};

struct junk_later *
junk_later_init(const struct junk_later_callbacks *callbacks, void *context);
/* Drops the queue. */
void junk_later_deinit(struct junk_later **later);

/* Add a message. Takes ownership of what the pending report points to. */
void junk_later_add(struct junk_later *later,
		    const struct junk_pending *pending);
/* All messages of a command were added: wait until the client is quiet. */
void junk_later_start(struct junk_later *later);
/* Process the whole queue now. */
void junk_later_finish(struct junk_later *later);
/* Drop queued messages whose report depends on what happens to this message.
   Returns TRUE if there were any. */
bool junk_later_forget_kept(struct junk_later *later, const char *vname,
			    uint32_t uid);

bool junk_later_is_empty(const struct junk_later *later);
/* Returns TRUE if the queue has no room beside so many bytes of a
   transaction. */
bool junk_later_is_full(const struct junk_later *later, size_t bytes);
/* Returns the bytes that a pending report takes of the queue. */
size_t junk_later_bytes(const struct junk_pending *pending);

#endif

#ifndef JUNK_RECOVER_H
#define JUNK_RECOVER_H

#include "junk-intent.h"

struct mail;
struct mail_user;

/* Finds messages that are still to be reported by their UIDs. It keeps the last
   message's mailbox open. */
struct junk_recover;

/* callback: called for each message that still exists at its place. */
struct junk_recover *
junk_recover_init(struct mail_user *user,
		  void (*callback)(const struct junk_intent *intent,
				   struct mail *mail, void *context),
		  void *context);
void junk_recover_deinit(struct junk_recover **recover);

/* Find all messages of the intent, or the first max of them. Returns the number
   of UIDs that were looked for. */
uint32_t junk_recover_find(struct junk_recover *recover,
			   const struct junk_intent *intent, uint32_t max);

#endif

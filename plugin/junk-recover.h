#ifndef JUNK_RECOVER_H
#define JUNK_RECOVER_H

#include "junk-intent.h"

struct mail;
struct mail_user;

/* Finds messages that are yet to be reported, by where they are. It keeps the
   mailbox of the last one open. */
struct junk_recover;

/* callback: called for each one that is still where it was. */
struct junk_recover *
junk_recover_init(struct mail_user *user,
		  void (*callback)(const struct junk_intent *intent,
				   struct mail *mail, void *context),
		  void *context);
void junk_recover_deinit(struct junk_recover **recover);

/* All messages of the intent, or the first max of them. Returns how many UIDs
   there were to look for. */
uint32_t junk_recover_find(struct junk_recover *recover,
			   const struct junk_intent *intent, uint32_t max);

#endif

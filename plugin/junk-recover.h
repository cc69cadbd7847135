#ifndef JUNK_RECOVER_H
#define JUNK_RECOVER_H

#include "junk-intent.h"

struct mail;
struct mail_user;

/* Find the messages that a killed session was yet to report. callback: called
   for each one that is still where it was. */
void junk_recover(struct mail_user *user,
		  const ARRAY_TYPE(junk_intent) *intents,
		  void (*callback)(const struct junk_intent *intent,
				   struct mail *mail, void *context),
		  void *context);

#endif

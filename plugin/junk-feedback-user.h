#ifndef JUNK_FEEDBACK_USER_H
#define JUNK_FEEDBACK_USER_H

#include "junk-pending.h"
#include "junk-intent.h"
#include "junk-feedback-settings.h"

struct mail;
struct mail_user;
struct junk_trail;

/* What the plugin knows of one logged-in user. */
struct junk_user;

/* NULL if the plugin does nothing for this user. */
struct junk_user *junk_user_get(struct mail_user *user);
void junk_user_init(struct mail_user *user);
/* The user's namespaces exist: a spool that was left is sent. */
void junk_user_namespaces_created(struct mail_user *user);

const struct junk_feedback_settings *
junk_user_get_settings(struct junk_user *juser);
struct event *junk_user_get_event(struct junk_user *juser);
/* NULL if the user has no control directory. */
struct junk_trail *junk_user_get_trail(struct junk_user *juser);
/* Kind of a mailbox, remembered by name. */
enum junk_box junk_user_get_kind(struct junk_user *juser, struct mailbox *box);

/* What is known of a mail that isn't read yet. */
void junk_user_pending_init(struct junk_user *juser, struct mail *mail,
			    struct junk_pending *pending_r);
/* Tokenise the mail and fill in all but verdict and origin. tokens: where the
   tokens are appended, NULL if only the digest is wanted. Returns 0, or -1 if
   it can't be read (which was counted, if it isn't tried again). */
int junk_user_tokenize(struct junk_user *juser, struct mail *mail, bool again,
		       buffer_t *tokens, struct junk_pending *pending_r);

/* The same, but only read the mail, to be tokenised later. *bytes: of what the
   transaction has read, to which this is added. Returns 1 if it was read, 0 if
   too much is waiting already, or if reading it takes long and it can be found
   later (then pending_r is of one that isn't read), -1 if it can't be read. */
int junk_user_read(struct junk_user *juser, struct mail *mail, bool find_later,
		   size_t *bytes, struct junk_pending *pending_r);

/* The transaction is committed: report, or hold for a moment. */
void junk_user_report(struct junk_user *juser, const struct junk_pending *p,
		      const buffer_t *tokens);
/* The same for one that was only read: takes over what it points to. */
void junk_user_report_later(struct junk_user *juser,
			    const struct junk_pending *p);
/* Report messages for later by where they are now: those of a set that is too
   large to be kept in memory, and those that could only be read once they were
   committed. They are among the intents of junk_user_committed(). */
void junk_user_report_saved(struct junk_user *juser,
			    const ARRAY_TYPE(junk_intent) *intents);
/* Is nothing waiting to be reported or recorded? */
bool junk_user_is_idle(const struct junk_user *juser);
/* What was given for later without a commit comes when the client is quiet. It
   isn't written down: it is lost if this process is killed. */
void junk_user_start_later(struct junk_user *juser);
/* All of a commit's reports were given: those for later come when the client
   has its answer. intents: where their messages are, to be found if this
   process is killed; empty = not known, which makes them come now. NULL =
   there are none for later. */
void junk_user_committed(struct junk_user *juser,
			 const ARRAY_TYPE(junk_intent) *intents);
/* The session has read the text of messages; it has done so a moment ago. */
void junk_user_set_fetched(struct junk_user *juser);
bool junk_user_has_fetched(struct junk_user *juser);

/* There may only be notes for later (junk-pending.h). */
void junk_user_start_later(struct junk_user *juser);
/* What is known of deletions is in the trail. */
void junk_user_finish_notes(struct junk_user *juser);
/* The message is moved, or its keyword changed again: that decides. Returns TRUE
   if a keyword was waiting to be reported, which isn't any more. */
bool junk_user_forget_held(struct junk_user *juser, const char *vname,
			   uint32_t uid);

/* Something isn't reported that might have been expected to be. reason: one
   word, for counting. */
void junk_user_dropped(struct junk_user *juser, const char *reason,
		       const char *error);

/* Buffers for a transaction's tokens; one is kept for the next. */
buffer_t *junk_user_buffer_get(struct junk_user *juser);
void junk_user_buffer_free(struct junk_user *juser, buffer_t **buf);

#endif

#ifndef JUNK_FEEDBACK_USER_H
#define JUNK_FEEDBACK_USER_H

#include "junk-pending.h"
#include "junk-intent.h"
#include "junk-feedback-settings.h"

struct mail;
struct mail_user;
struct junk_trail;

/* A logged-in user's session. */
struct junk_user;

/* Returns the user's session, NULL if the plugin does nothing for this user. */
struct junk_user *junk_user_get(struct mail_user *user);
void junk_user_init(struct mail_user *user);
/* Called when the user's namespaces exist. If there is a spool, sending it
   begins. */
void junk_user_namespaces_created(struct mail_user *user);

const struct junk_feedback_settings *
junk_user_get_settings(struct junk_user *juser);
struct event *junk_user_get_event(struct junk_user *juser);
/* Returns the user's control directory, NULL if there is none, which is
   logged. */
const char *junk_user_get_control_dir(struct junk_user *juser);
/* Create the user's control directory before something is written to it. It may
   not exist yet if the user has only used shared mailboxes. */
void junk_user_create_control_dir(struct junk_user *juser);
/* Returns the user's trail, NULL if the user has no control directory. */
struct junk_trail *junk_user_get_trail(struct junk_user *juser);
/* Returns the kind of a mailbox, which is cached by name. */
enum junk_box junk_user_get_kind(struct junk_user *juser, struct mailbox *box);

/* Initialise a pending report with what is known before the mail is read. */
void junk_user_pending_init(struct junk_user *juser, struct mail *mail,
			    struct junk_pending *pending_r);
/* Tokenize the mail and set all fields except verdict and origin. tokens:
   buffer to append the tokens to, NULL if only the digest is needed. again: the
   caller will try again on error. Returns 0, or -1 if the mail can't be read,
   which is counted unless again. */
int junk_user_tokenize(struct junk_user *juser, struct mail *mail, bool again,
		       buffer_t *tokens, struct junk_pending *pending_r);

/* As above, but only read the mail, which is tokenised later. find_later: the
   mail can be found again after the commit. *bytes: sum of what the transaction
   has read, which is increased. Returns 1 if it was read; 0 if too much is
   queued, or if reading takes long and it can be found later (pending_r is then
   set without a body); -1 if it can't be read. */
int junk_user_read(struct junk_user *juser, struct mail *mail, bool find_later,
		   size_t *bytes, struct junk_pending *pending_r);

/* Report a message of a committed transaction. Reports that depend on the next
   command are held back for a moment. */
void junk_user_report(struct junk_user *juser, const struct junk_pending *p,
		      const buffer_t *tokens);
/* As above for a message that was only read. Takes ownership of what the
   pending report points to. */
void junk_user_report_later(struct junk_user *juser,
			    const struct junk_pending *p);
/* Report messages later, by their UIDs: those of a set that is too large to be
   kept in memory, and those that can be read only after the commit. They must
   be among the intents of junk_user_committed(). */
void junk_user_report_saved(struct junk_user *juser,
			    const ARRAY_TYPE(junk_intent) *intents);
/* Returns TRUE if nothing waits to be reported or recorded. */
bool junk_user_is_idle(const struct junk_user *juser);
/* Process queued messages that don't belong to a commit, which may be notes only
   (junk-pending.h), when the client is quiet. They have no intents: they are lost if this process is killed. */
void junk_user_start_later(struct junk_user *juser);
/* All reports of a commit were added. Those for later are processed after the
   client has its answer. intents: the UIDs of these messages, to find them if
   this process is killed. If it is empty, the UIDs are unknown and the messages
   are processed now. NULL = there are none for later. */
void junk_user_committed(struct junk_user *juser,
			 const ARRAY_TYPE(junk_intent) *intents);
/* Record that the session has fetched message text; returns TRUE if it did so
   within some seconds. */
void junk_user_set_fetched(struct junk_user *juser);
bool junk_user_has_fetched(struct junk_user *juser);

/* Process all queued notes, so that all known deletions are in the trail. */
void junk_user_finish_notes(struct junk_user *juser);
/* Drop a held report, since the message was moved or its keyword changed again,
   and the newer action decides. Returns TRUE if there was one. */
bool junk_user_forget_held(struct junk_user *juser, const char *vname,
			   uint32_t uid);

/* Log and count an action that isn't reported. reason: one word. */
void junk_user_dropped(struct junk_user *juser, const char *reason,
		       const char *error);

/* Buffers for a transaction's tokens. One freed buffer is kept for the next
   transaction. */
buffer_t *junk_user_buffer_get(struct junk_user *juser);
void junk_user_buffer_free(struct junk_user *juser, buffer_t **buf);

#endif

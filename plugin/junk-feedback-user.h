#ifndef JUNK_FEEDBACK_USER_H
#define JUNK_FEEDBACK_USER_H

#include "junk-report.h"
#include "junk-feedback-settings.h"

struct mail;
struct mail_user;
struct junk_trail;

/* What the plugin knows of one logged-in user. */
struct junk_user;

/* A report that waits for its transaction's commit. */
struct junk_pending {
	enum junk_verdict verdict;
	enum junk_origin origin;
	uint64_t stamp_usecs;
	uint32_t size_bytes;
	unsigned char digest[JUNK_DIGEST_BYTES];
	/* in the buffer that goes with it */
	size_t tokens_pos;
	unsigned int token_count;
	/* Ham only if the message isn't moved to Trash next: which one.
	   NULL = in any case. */
	char *kept_vname;
	uint32_t uid;
};

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

/* Tokenise the mail and fill in all but verdict and origin. tokens: where the
   tokens are appended, NULL if only the digest is wanted. Returns 0, or -1 if
   it can't be read (which was counted). */
int junk_user_tokenize(struct junk_user *juser, struct mail *mail,
		       buffer_t *tokens, struct junk_pending *pending_r);

/* The transaction is committed: report, or hold for a moment. */
void junk_user_report(struct junk_user *juser, const struct junk_pending *p,
		      const buffer_t *tokens);
/* All of a commit's reports were given. */
void junk_user_flush(struct junk_user *juser);
/* The message is moved: that decides, not its keyword. */
void junk_user_forget_held(struct junk_user *juser, const char *vname,
			   uint32_t uid);

/* The junk keyword was taken from a message; returned TRUE for a moment after
   it. */
void junk_user_set_was_junk(struct junk_user *juser, const char *vname,
			    uint32_t uid);
bool junk_user_was_junk(struct junk_user *juser, const char *vname,
			uint32_t uid);

/* Something isn't reported that might have been expected to be. reason: one
   word, for counting. */
void junk_user_dropped(struct junk_user *juser, const char *reason,
		       const char *error);

/* Buffers for a transaction's tokens; one is kept for the next. */
buffer_t *junk_user_buffer_get(struct junk_user *juser);
void junk_user_buffer_free(struct junk_user *juser, buffer_t **buf);

#endif

#ifndef JUNK_FEEDBACK_USER_PRIVATE_H
#define JUNK_FEEDBACK_USER_PRIVATE_H

#include "mail-user.h"
#include "junk-token.h"
#include "junk-later.h"
#include "junk-feedback-user.h"

struct istream;
struct junk_client;
struct junk_message;

struct junk_held {
	struct junk_pending pending;
	junk_token_t *tokens;
};

struct junk_user {
	union mail_user_module_context module_ctx;
	struct mail_user *user;
	struct event *event;
	struct junk_feedback_settings set;

	const char *control_dir;
	struct junk_client *client;
	struct junk_trail *trail;
	struct junk_intents *intents;
	struct junk_later *later;
	struct junk_kept *kept;
	HASH_TABLE(char *, void *) kinds;

	/* used to read and tokenise messages; not allocated before the first
	   one, which most sessions never have */
	buffer_t *read_buffer;
	struct junk_tokenizer *tokenizer;
	pool_t scratch;
	buffer_t *free_buffer;
	uint64_t last_stamp_usecs;
	/* when the session last fetched message text, 0 = never */
	uint64_t fetched_usecs;
	/* number of queued notes, i.e. messages that are tokenised but aren't
	   reports */
	unsigned int note_count;

	ARRAY(struct junk_held) held;
	struct timeout *to_held, *to_rest;

	/* Messages that are still to be read, by their UIDs. Entries before
	   rest_next are done, and of that entry all messages before its uid. */
	ARRAY_TYPE(junk_intent) rest;
	unsigned int rest_next;
	struct junk_recover *recover;

	bool ended:1;
	bool no_control_dir_logged:1;
	bool control_dir_created:1;
	bool intents_logged:1;
};

/* --- junk-feedback-user.c --- */

/* Remove the intents once every message is recorded, in the spool, or not to be
   reported after all. They are needed only if this process is killed before
   that. */
void junk_user_settled(void *context);
struct junk_client *junk_user_get_client(struct junk_user *juser);
struct junk_intents *junk_user_get_intents(struct junk_user *juser);

/* --- junk-user-read.c --- */

/* Tokenize a stream. The message is valid until the next call. */
int junk_user_tokenize_stream(struct junk_user *juser, struct istream *input,
			      struct junk_message *msg_r, const char **error_r);
void junk_pending_set_message(struct junk_pending *pending,
			      const struct junk_message *msg);

/* --- junk-user-report.c --- */

extern const struct junk_later_callbacks junk_user_later_callbacks;

void junk_user_flush(struct junk_user *juser);
void junk_user_send_held(struct junk_user *juser);
void junk_user_later_done(void *context);

/* --- junk-user-rest.c --- */

/* Returns TRUE if this process serves several users. */
bool junk_process_is_shared(void);
void junk_user_rest_start(struct junk_user *juser, unsigned int msecs);
/* Report the remaining messages at the end of the session, within a time limit.
   The next session reports the others. */
void junk_user_rest_end(struct junk_user *juser);
void junk_user_recover_timeout(struct junk_user *juser);

#endif

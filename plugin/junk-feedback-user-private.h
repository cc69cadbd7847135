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

	/* of the message that is being read or tokenised; none before the first,
	   which most sessions never have */
	buffer_t *read_buffer;
	struct junk_tokenizer *tokenizer;
	pool_t scratch;
	buffer_t *free_buffer;
	uint64_t last_stamp_usecs;
	/* the session has read messages' text last */
	uint64_t fetched_usecs;
	/* messages that are yet to be tokenised and no reports */
	unsigned int note_count;

	ARRAY(struct junk_held) held;
	struct timeout *to_held, *to_rest;

	/* Messages that are yet to be read, by where they are. Those before
	   rest_next are done, and of that one all before its UID. */
	ARRAY_TYPE(junk_intent) rest;
	unsigned int rest_next;
	struct junk_recover *recover;

	bool ended:1;
	bool no_control_dir_logged:1;
	bool intents_logged:1;
};

/* --- junk-feedback-user.c --- */

/* What is written down is for the case that we are killed: until all of it is
   recorded, or in the spool, or is not to be reported after all. */
void junk_user_settled(void *context);
struct junk_client *junk_user_get_client(struct junk_user *juser);
struct junk_intents *junk_user_get_intents(struct junk_user *juser);

/* --- junk-user-read.c --- */

/* The message is valid until the next. */
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

/* Has the process clients of other users? */
bool junk_process_is_shared(void);
void junk_user_rest_start(struct junk_user *juser, unsigned int msecs);
/* The user's end. What can't be reported now is left to the next session. */
void junk_user_rest_end(struct junk_user *juser);
void junk_user_recover_timeout(struct junk_user *juser);

#endif

/* Reads and tokenises a user's messages, now or later by an open file. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "istream.h"
#include "time-util.h"
#include "lib-event.h"
#include "mail-storage-private.h"
#include "junk-limits.h"
#include "junk-tokenizer.h"
#include "junk-later.h"
#include "junk-mail-file.h"
#include "junk-feedback-user-private.h"

/* A message that has to be decoded is read before the answer if it is no larger
   than this. Closing the stream of a larger one makes Dovecot decode all of
   it. */
#define MAX_DECODED_BYTES (64*1024)
/* A buffer is freed and not kept if it has grown beyond this size. */
#define KEEP_BUFFER_BYTES (256*1024)

/* Returns the time for a report. The service orders reports of one message by
   it, so no two reports of a session have the same one. */
static uint64_t junk_user_stamp(struct junk_user *juser)
{
	struct timeval now;
	uint64_t usecs;

	i_gettimeofday(&now);
	usecs = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
	if (usecs <= juser->last_stamp_usecs)
		usecs = juser->last_stamp_usecs + 1;
	juser->last_stamp_usecs = usecs;
	return usecs;
}

static int
junk_user_get_stream(struct mail *mail, struct istream **input_r,
		     const char **error_r)
{
	if (mail_get_stream_because(mail, NULL, NULL, "junk-feedback",
				    input_r) < 0) {
		*error_r = mailbox_get_last_internal_error(mail->box, NULL);
		return -1;
	}
	i_stream_seek(*input_r, 0);
	return 0;
}

int junk_user_tokenize_stream(struct junk_user *juser, struct istream *input,
			      struct junk_message *msg_r, const char **error_r)
{
	const struct junk_tokenizer_settings set = {
		.authserv_id = juser->set.authserv_id,
		.mx = juser->set.mx,
	};

	if (juser->tokenizer == NULL) {
		juser->tokenizer = junk_tokenizer_init();
		juser->scratch = pool_alloconly_create("junk feedback message",
						       32*1024);
	}
	p_clear(juser->scratch);
	return junk_tokenizer_read(juser->tokenizer, input, &set,
				   juser->scratch, msg_r, error_r);
}

void junk_pending_set_message(struct junk_pending *pending,
			      const struct junk_message *msg)
{
	junk_message_digest(msg, pending->digest);
	pending->size_bytes = (uint32_t)I_MIN(msg->size_bytes, UINT32_MAX);
	pending->token_count = pending->verdict == JUNK_VERDICT_RETRACT ? 0 :
		array_count(&msg->tokens);
}

void junk_user_pending_init(struct junk_user *juser, struct mail *mail,
			    struct junk_pending *pending_r)
{
	i_zero(pending_r);
	pending_r->stamp_usecs = junk_user_stamp(juser);
	pending_r->uid = mail->uid;
	pending_r->saved_idx = JUNK_NOT_SAVED;
}

int junk_user_tokenize(struct junk_user *juser, struct mail *mail, bool again,
		       buffer_t *tokens, struct junk_pending *pending_r)
{
	struct junk_message msg;
	struct istream *input;
	const char *error;
	int ret;

	junk_user_pending_init(juser, mail, pending_r);
	T_BEGIN {
		ret = junk_user_get_stream(mail, &input, &error);
		if (ret == 0) {
			ret = junk_user_tokenize_stream(juser, input, &msg,
							&error);
		}
		if (ret < 0 && !again)
			junk_user_dropped(juser, "unreadable", error);
	} T_END;
	if (ret < 0)
		return -1;

	junk_pending_set_message(pending_r, &msg);
	if (tokens == NULL)
		return 0;
	pending_r->tokens_pos = tokens->used;
	buffer_append_buf(tokens, msg.tokens.arr.buffer, 0, SIZE_MAX);
	return 0;
}

static int
junk_user_read_stream(struct junk_user *juser, struct mail *mail,
		      struct junk_body **body_r, const char **error_r)
{
	struct istream *input;
	uoff_t size;
	int ret;

	if (junk_user_get_stream(mail, &input, error_r) < 0)
		return -1;
	if (mail_get_physical_size(mail, &size) < 0)
		size = JUNK_MAX_READ_BYTES;
	if (juser->read_buffer == NULL)
		juser->read_buffer = buffer_create_dynamic(default_pool, 8192);
	ret = junk_body_read(input, size, juser->read_buffer, body_r, error_r);
	if (buffer_get_size(juser->read_buffer) > KEEP_BUFFER_BYTES)
		buffer_free(&juser->read_buffer);
	return ret;
}

/* Returns TRUE if the message is known to be small without reading it. */
static bool junk_mail_is_small(struct mail *mail)
{
	const enum mail_lookup_abort old_abort = mail->lookup_abort;
	uoff_t size;
	bool small;

	mail->lookup_abort = MAIL_LOOKUP_ABORT_READ_MAIL;
	small = mail_get_physical_size(mail, &size) == 0 &&
		size <= MAX_DECODED_BYTES;
	mail->lookup_abort = old_abort;
	return small;
}

/* Get a message's body. find_later: it can be found again after the commit.
   Returns 1 if it was read, 0 if it should be read later, -1 on error. */
static int
junk_user_read_body(struct junk_user *juser, struct mail *mail, bool find_later,
		    struct junk_body **body_r, const char **error_r)
{
	if (junk_mail_file_keep(mail, body_r))
		return 1;
	if (find_later && !junk_mail_is_small(mail))
		return 0;
	return junk_user_read_stream(juser, mail, body_r, error_r) < 0 ? -1 : 1;
}

int junk_user_read(struct junk_user *juser, struct mail *mail, bool find_later,
		   size_t *bytes, struct junk_pending *pending_r)
{
	const char *error;
	int ret;

	junk_user_pending_init(juser, mail, pending_r);
	if (junk_later_is_full(juser->later, *bytes) ||
	    junk_mail_files_are_full())
		return 0;
	T_BEGIN {
		ret = junk_user_read_body(juser, mail, find_later,
					  &pending_r->body, &error);
		if (ret < 0)
			junk_user_dropped(juser, "unreadable", error);
	} T_END;
	if (ret <= 0)
		return ret;
	*bytes += junk_later_bytes(pending_r);
	return 1;
}

buffer_t *junk_user_buffer_get(struct junk_user *juser)
{
	buffer_t *buf = juser->free_buffer;

	juser->free_buffer = NULL;
	return buf != NULL ? buf : buffer_create_dynamic(default_pool, 16*1024);
}

void junk_user_buffer_free(struct junk_user *juser, buffer_t **_buf)
{
	buffer_t *buf = *_buf;

	*_buf = NULL;
	if (buf == NULL)
		return;
	if (juser->free_buffer != NULL || juser->ended ||
	    buffer_get_size(buf) > KEEP_BUFFER_BYTES) {
		buffer_free(&buf);
		return;
	}
	buffer_set_used_size(buf, 0);
	juser->free_buffer = buf;
}

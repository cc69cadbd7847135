#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "hash.h"
#include "ioloop.h"
#include "istream.h"
#include "time-util.h"
#include "lib-event.h"
#include "master-service.h"
#include "mail-storage-private.h"
#include "mail-namespace.h"
#include "junk-client.h"
#include "junk-clock.h"
#include "junk-limits.h"
#include "junk-spool.h"
#include "junk-tokenizer.h"
#include "junk-trail.h"
#include "junk-kept.h"
#include "junk-later.h"
#include "junk-mail-file.h"
#include "junk-recover.h"
#include "junk-feedback-user.h"

#include <sys/stat.h>

/* Messages that are found by their UID, in one go. */
#define REST_SLICE_COUNT 64
/* The service has much to do, or isn't there: the rest waits so long. */
#define REST_WAIT_MSECS 100
/* At the user's end, so much of the rest is still reported, if no other user's
   client waits for this process. What is left then is for the next session. */
#define REST_END_USECS (2*1000*1000)
/* A message that has to be decoded is read before the answer if it is no larger.
   Closing the stream of a large one makes Dovecot decode all of it. */
#define MAX_DECODED_BYTES (64*1024)
/* A client's own filter marks a message so soon after it has fetched it. */
#define FETCHED_USECS (10*1000*1000)
/* A not-junk keyword in Junk waits so long for a move to Trash. */
#define HELD_MSECS 2000
/* More are reported at once. */
#define HELD_MAX_COUNT 256
/* At the user's end, the service has so long to acknowledge. */
#define DEINIT_WAIT_MSECS 500
/* A transaction's token buffer isn't kept if it has grown beyond. */
#define KEEP_BUFFER_BYTES (256*1024)

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

static MODULE_CONTEXT_DEFINE_INIT(junk_feedback_user_module,
				  &mail_user_module_register);
#define JUNK_USER_CONTEXT(obj) \
	MODULE_CONTEXT(obj, junk_feedback_user_module)

static void junk_user_held_timeout(struct junk_user *juser);

struct junk_user *junk_user_get(struct mail_user *user)
{
	struct junk_user *juser = JUNK_USER_CONTEXT(user);

	return juser == NULL || juser->ended ? NULL : juser;
}

const struct junk_feedback_settings *
junk_user_get_settings(struct junk_user *juser)
{
	return &juser->set;
}

struct event *junk_user_get_event(struct junk_user *juser)
{
	return juser->event;
}

void junk_user_dropped(struct junk_user *juser, const char *reason,
		       const char *error)
{
	e_debug(event_create_passthrough(juser->event)->
		set_name("junk_feedback_dropped")->
		add_str("reason", reason)->event(),
		"Not reported (%s): %s", reason, error);
}

/* --- the service and the user's files --- */

static const char *junk_user_get_control_dir(struct junk_user *juser)
{
	struct mail_namespace *ns;
	const char *path;

	if (juser->control_dir != NULL)
		return juser->control_dir;
	ns = mail_namespace_find_inbox(juser->user->namespaces);
	if (!mailbox_list_get_root_path(ns->list,
					MAILBOX_LIST_PATH_TYPE_CONTROL,
					&path)) {
		if (!juser->no_control_dir_logged) {
			e_error(juser->event, "The user's INBOX namespace has "
				"no control directory: reports have no place "
				"to wait, so that nothing is reported");
			juser->no_control_dir_logged = TRUE;
		}
		return NULL;
	}
	juser->control_dir = p_strdup(juser->user->pool, path);
	return juser->control_dir;
}

/* A user who has only used others' mailboxes may have no folder yet. */
static void
junk_user_create_control_dir(struct junk_user *juser, const char *control_dir)
{
	struct mail_namespace *ns;
	struct stat st;

	if (stat(control_dir, &st) == 0)
		return;
	ns = mail_namespace_find_inbox(juser->user->namespaces);
	/* if it fails, so will writing there, which is said */
	(void)mailbox_list_mkdir_root(ns->list, control_dir,
				      MAILBOX_LIST_PATH_TYPE_CONTROL);
}

/* What is written down is for the case that we are killed: until all of it is
   recorded, or in the spool, or is not to be reported after all. */
static void junk_user_settled(void *context)
{
	struct junk_user *juser = context;

	if (juser->intents != NULL && junk_later_is_empty(juser->later) &&
	    array_count(&juser->rest) == 0 &&
	    array_count(&juser->held) == 0 &&
	    (juser->client == NULL || junk_client_is_settled(juser->client)))
		junk_intents_clear(juser->intents);
}

static struct junk_client *junk_user_get_client(struct junk_user *juser)
{
	struct junk_client_settings set;

	if (juser->client != NULL)
		return juser->client;
	i_zero(&set);
	set.control_dir = junk_user_get_control_dir(juser);
	if (set.control_dir == NULL)
		return NULL;
	junk_user_create_control_dir(juser, set.control_dir);
	set.socket_path = juser->set.socket_path;
	set.event_parent = juser->user->event;
	set.settled = junk_user_settled;
	set.context = juser;
	juser->client = junk_client_init(&set);
	return juser->client;
}

struct junk_trail *junk_user_get_trail(struct junk_user *juser)
{
	const char *control_dir;

	if (juser->trail == NULL) {
		control_dir = junk_user_get_control_dir(juser);
		if (control_dir != NULL)
			juser->trail = junk_trail_init(control_dir);
	}
	return juser->trail;
}

static struct junk_intents *junk_user_get_intents(struct junk_user *juser)
{
	const char *control_dir;

	if (juser->intents == NULL) {
		control_dir = junk_user_get_control_dir(juser);
		if (control_dir != NULL)
			juser->intents = junk_intents_init(control_dir);
	}
	return juser->intents;
}

/* --- mailboxes --- */

enum junk_box junk_user_get_kind(struct junk_user *juser, struct mailbox *box)
{
	const char *vname = mailbox_get_vname(box);
	void *value;
	enum junk_box kind;

	value = hash_table_lookup(juser->kinds, vname);
	if (value != NULL)
		return (enum junk_box)(POINTER_CAST_TO(value, unsigned int) -
				       1);
	kind = junk_mailbox_kind(&juser->set.names, juser->user, box);
	e_debug(juser->event, "Mailbox is %s: %s", junk_box_name(kind), vname);
	hash_table_insert(juser->kinds, p_strdup(juser->user->pool, vname),
			  POINTER_CAST((unsigned int)kind + 1));
	return kind;
}

/* --- messages --- */

/* Reports of one message count in the order of their stamps: no two of a
   session are equal. */
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

/* The message is valid until the next. */
static int
junk_user_tokenize_stream(struct junk_user *juser, struct istream *input,
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

static void junk_pending_set_message(struct junk_pending *pending,
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

/* Is it known, without reading the message, that it is small? */
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

/* Returns 1 if it was read, 0 if it can be read later only, -1 on error.
   find_later: that can be done. */
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

/* --- reports --- */

static void
junk_user_send(struct junk_user *juser, const struct junk_pending *p,
	       const junk_token_t *tokens)
{
	struct junk_client *client = junk_user_get_client(juser);
	struct junk_report report = {
		.stamp_usecs = p->stamp_usecs,
		.verdict = p->verdict,
		.origin = p->origin,
		.feature_set = JUNK_FEATURE_SET,
		.size_bytes = p->size_bytes,
		.tokens = tokens,
		.token_count = p->token_count,
	};
	const char *error;

	if (client == NULL) {
		junk_user_dropped(juser, "no-control-dir",
				  "no control directory");
		return;
	}
	memcpy(report.digest, p->digest, sizeof(report.digest));
	T_BEGIN {
		if (junk_client_report(client, &report, &error) < 0) {
			junk_user_dropped(juser, "client", error);
		} else {
			e_debug(event_create_passthrough(juser->event)->
				set_name("junk_feedback_report")->
				add_str("verdict",
					junk_verdict_name(p->verdict))->
				add_str("origin",
					junk_origin_name(p->origin))->event(),
				"Reported as %s (%s)",
				junk_verdict_name(p->verdict),
				junk_origin_name(p->origin));
		}
	} T_END;
}

static void junk_user_flush(struct junk_user *juser)
{
	if (juser->client != NULL)
		junk_client_flush(juser->client);
}

static void junk_held_free(struct junk_held *held)
{
	i_free(held->pending.kept_vname);
	i_free(held->tokens);
}

static void
junk_user_hold(struct junk_user *juser, const struct junk_pending *p,
	       const junk_token_t *tokens)
{
	struct junk_held *held;

	held = array_append_space(&juser->held);
	held->pending = *p;
	held->pending.kept_vname = i_strdup(p->kept_vname);
	held->tokens = i_new(junk_token_t, p->token_count + 1);
	memcpy(held->tokens, tokens, p->token_count * sizeof(*tokens));
	if (juser->to_held == NULL) {
		juser->to_held = timeout_add_to(io_loop_get_root(), HELD_MSECS,
						junk_user_held_timeout, juser);
	} else {
		/* a client may mark many before it moves them all */
		timeout_reset(juser->to_held);
	}
}

static void junk_user_send_held(struct junk_user *juser)
{
	struct junk_held *held;

	timeout_remove(&juser->to_held);
	if (array_count(&juser->held) == 0)
		return;
	array_foreach_modifiable(&juser->held, held) {
		junk_user_send(juser, &held->pending, held->tokens);
		junk_held_free(held);
	}
	array_clear(&juser->held);
	junk_user_flush(juser);
}

static void junk_user_held_timeout(struct junk_user *juser)
{
	junk_user_send_held(juser);
	junk_user_settled(juser);
}

bool junk_user_forget_held(struct junk_user *juser, const char *vname,
			   uint32_t uid)
{
	struct junk_held *held;
	unsigned int i = 0;
	bool found = junk_later_forget_kept(juser->later, vname, uid);

	while (i < array_count(&juser->held)) {
		held = array_idx_modifiable(&juser->held, i);
		if (held->pending.uid == uid &&
		    strcmp(held->pending.kept_vname, vname) == 0) {
			junk_held_free(held);
			array_delete(&juser->held, i, 1);
			found = TRUE;
		} else {
			i++;
		}
	}
	if (found)
		junk_user_settled(juser);
	return found;
}

static void
junk_user_write_trail(struct junk_user *juser, struct junk_trail *trail,
		      enum junk_trail_type type, uint64_t key)
{
	const char *error;

	junk_trail_add(trail, type, key, ioloop_time);
	T_BEGIN {
		if (junk_trail_write(trail, &error) < 0)
			e_error(juser->event, "%s", error);
	} T_END;
}

/* A deletion: the second half of a move by APPEND, or perhaps the first. Another
   session may append at this moment: whichever of the two records is the later
   one in the file, its session sees both, and reports. */
static void
junk_user_note(struct junk_user *juser, const struct junk_pending *p,
	       const junk_token_t *tokens)
{
	const bool from_junk = p->note == JUNK_TRAIL_DELETED;
	const enum junk_trail_type other = junk_trail_appended(p->note);
	const uint64_t key = junk_trail_key(p->digest, sizeof(p->digest));
	struct junk_trail *trail = junk_user_get_trail(juser);
	struct junk_pending report = *p;
	unsigned int deleted, appended;

	juser->note_count--;
	if (trail == NULL)
		return;
	junk_user_write_trail(juser, trail, p->note, key);
	deleted = junk_trail_find_uid(trail, p->note, key, 0, 0, ioloop_time);
	/* what was appended before it came here isn't where it goes */
	appended = junk_trail_find_uid(trail, other, key, 0, p->arrived,
				       ioloop_time);
	/* without the record, who appends cannot see it */
	if (appended == 0 || (deleted != 0 && appended > deleted))
		return;
	report.verdict = from_junk ? JUNK_VERDICT_HAM : JUNK_VERDICT_SPAM;
	report.origin = JUNK_ORIGIN_APPEND;
	junk_user_send(juser, &report, tokens);
	/* the deletion is done with: the next APPEND isn't where it went */
	junk_user_write_trail(juser, trail, other, key);
}

static void
junk_user_report_tokens(struct junk_user *juser, const struct junk_pending *p,
			const junk_token_t *tokens)
{
	if (p->note != 0)
		junk_user_note(juser, p, tokens);
	else if (p->kept_vname != NULL &&
	    array_count(&juser->held) < HELD_MAX_COUNT)
		junk_user_hold(juser, p, tokens);
	else
		junk_user_send(juser, p, tokens);
}

void junk_user_report(struct junk_user *juser, const struct junk_pending *p,
		      const buffer_t *tokens)
{
	junk_user_report_tokens(juser, p, CONST_PTR_OFFSET(tokens->data,
							   p->tokens_pos));
}

/* --- reports that come after the client's answer --- */

void junk_user_report_later(struct junk_user *juser,
			    const struct junk_pending *p)
{
	if (p->note != 0)
		juser->note_count++;
	junk_later_add(juser->later, p);
}

void junk_user_set_fetched(struct junk_user *juser)
{
	juser->fetched_usecs = junk_clock_usecs();
}

bool junk_user_has_fetched(struct junk_user *juser)
{
	return juser->fetched_usecs != 0 &&
		junk_clock_usecs() - juser->fetched_usecs < FETCHED_USECS;
}

void junk_user_finish_notes(struct junk_user *juser)
{
	if (juser->note_count > 0)
		junk_later_finish(juser->later);
}

/* Its turn has come. */
static void
junk_user_report_body(struct junk_user *juser,
		      const struct junk_pending *pending,
		      const struct junk_body *body)
{
	struct junk_pending p = *pending;
	struct junk_message msg;
	struct istream *input;
	const char *error;

	input = i_stream_create_from_data(body->data, body->size);
	T_BEGIN {
		/* reading memory doesn't fail */
		(void)junk_user_tokenize_stream(juser, input, &msg, &error);
	} T_END;
	i_stream_unref(&input);
	junk_pending_set_message(&p, &msg);
	p.body = NULL;
	junk_user_report_tokens(juser, &p, array_front(&msg.tokens));
}

static void junk_user_report_read(const struct junk_pending *pending,
				  void *context)
{
	struct junk_user *juser = context;
	struct junk_body *body;

	if (pending->body->place == JUNK_BODY_MEMORY) {
		junk_user_report_body(juser, pending, pending->body);
		return;
	}
	body = junk_body_load(pending->body);
	if (body == NULL) {
		if (pending->note != 0)
			juser->note_count--;
		junk_user_dropped(juser, "unreadable", "its file has changed");
		return;
	}
	junk_user_report_body(juser, pending, body);
	junk_body_free(&body);
}

static void junk_user_rest_start(struct junk_user *juser, unsigned int msecs);

static void junk_user_later_done(void *context)
{
	struct junk_user *juser = context;

	junk_user_flush(juser);
	if (junk_later_is_empty(juser->later))
		junk_user_rest_start(juser, 0);
	junk_user_settled(juser);
}

static const struct junk_later_callbacks junk_user_later_callbacks = {
	.report = junk_user_report_read,
	.done = junk_user_later_done,
};

/* Returns FALSE if the messages can't be written down. */
static bool
junk_user_write_intents(struct junk_user *juser,
			const ARRAY_TYPE(junk_intent) *array)
{
	struct junk_intents *intents = junk_user_get_intents(juser);
	const struct junk_intent *intent;
	const char *error;
	int ret;

	if (intents == NULL || array_count(array) == 0)
		return FALSE;
	array_foreach(array, intent)
		junk_intents_add(intents, intent);
	ret = junk_intents_write(intents, &error);
	if (ret < 0 && error != NULL && !juser->intents_logged) {
		juser->intents_logged = TRUE;
		e_error(juser->event, "%s", error);
	}
	return ret == 0;
}

void junk_user_committed(struct junk_user *juser,
			 const ARRAY_TYPE(junk_intent) *intents)
{
	junk_user_flush(juser);
	if (intents == NULL)
		return;
	if (!junk_user_write_intents(juser, intents))
		junk_later_finish(juser->later);
	if (junk_later_is_empty(juser->later))
		junk_user_rest_start(juser, 0);
	else
		junk_later_start(juser->later);
}

bool junk_user_is_idle(const struct junk_user *juser)
{
	return junk_later_is_empty(juser->later) &&
		array_count(&juser->rest) == 0 &&
		array_count(&juser->held) == 0 &&
		(juser->client == NULL ||
		 junk_client_is_settled(juser->client));
}

void junk_user_start_later(struct junk_user *juser)
{
	junk_later_start(juser->later);
}

/* --- messages that are found by where they are --- */

/* In a large set, or in what a killed session has left, they aren't read before
   their turn comes. */

static void
junk_user_found_mail(const struct junk_intent *intent, struct mail *mail,
		     void *context)
{
	struct junk_user *juser = context;
	struct junk_pending pending;
	size_t bytes = 0;

	if (junk_later_is_full(juser->later, 0) || junk_mail_files_are_full())
		junk_later_finish(juser->later);
	if (junk_user_read(juser, mail, FALSE, &bytes, &pending) <= 0)
		return;
	pending.stamp_usecs = intent->stamp_usecs;
	pending.verdict = intent->verdict;
	pending.origin = intent->origin;
	if (intent->kept)
		pending.kept_vname = i_strdup(mailbox_get_vname(mail->box));
	junk_user_report_later(juser, &pending);
}

/* Read some more. */
static void junk_user_rest_next(struct junk_user *juser)
{
	struct junk_intent *intent =
		array_idx_modifiable(&juser->rest, juser->rest_next);
	const uint32_t last = I_MAX(intent->uid, intent->last_uid);

	if (juser->recover == NULL) {
		juser->recover = junk_recover_init(juser->user,
						   junk_user_found_mail,
						   juser);
	}
	intent->uid += junk_recover_find(juser->recover, intent,
					 REST_SLICE_COUNT);
	if (intent->uid == 0 || intent->uid > last)
		juser->rest_next++;
	if (juser->rest_next == array_count(&juser->rest)) {
		junk_recover_deinit(&juser->recover);
		array_clear(&juser->rest);
		juser->rest_next = 0;
	}
}

static void junk_user_rest_timeout(struct junk_user *juser)
{
	timeout_remove(&juser->to_rest);
	if (juser->client != NULL && junk_client_is_busy(juser->client)) {
		junk_user_rest_start(juser, REST_WAIT_MSECS);
		return;
	}
	junk_user_rest_next(juser);
	/* goes on when these are reported, also if there are none */
	if (junk_later_is_empty(juser->later))
		junk_user_later_done(juser);
	else
		junk_later_start(juser->later);
}

static void junk_user_rest_start(struct junk_user *juser, unsigned int msecs)
{
	if (array_count(&juser->rest) > 0 && juser->to_rest == NULL) {
		juser->to_rest = timeout_add_short_to(io_loop_get_root(),
						      msecs,
						      junk_user_rest_timeout,
						      juser);
	}
}

void junk_user_report_saved(struct junk_user *juser,
			    const ARRAY_TYPE(junk_intent) *intents)
{
	array_append_array(&juser->rest, intents);
}

/* Has the process clients of other users? */
static bool junk_process_is_shared(void)
{
	return master_service != NULL &&
		master_service_get_client_limit(master_service) > 1;
}

/* The user's end. What can't be reported now is left to the next session. */
static void junk_user_rest_end(struct junk_user *juser)
{
	const uint64_t end = junk_process_is_shared() ? 0 :
		junk_clock_usecs() + REST_END_USECS;
	const struct junk_intent *intents;
	unsigned int count;
	const char *error;

	timeout_remove(&juser->to_rest);
	junk_later_finish(juser->later);
	while (array_count(&juser->rest) > 0 && junk_clock_usecs() < end &&
	       (juser->client == NULL || !junk_client_is_busy(juser->client))) {
		junk_user_rest_next(juser);
		junk_later_finish(juser->later);
	}
	timeout_remove(&juser->to_rest);
	junk_recover_deinit(&juser->recover);
	if (array_count(&juser->rest) == 0 || juser->intents == NULL)
		return;
	junk_intents_clear(juser->intents);
	intents = array_get(&juser->rest, &count);
	for (unsigned int i = juser->rest_next; i < count; i++)
		junk_intents_add(juser->intents, &intents[i]);
	T_BEGIN {
		if (junk_intents_write(juser->intents, &error) < 0 &&
		    error != NULL)
			e_error(juser->event, "%s", error);
	} T_END;
}

static void junk_user_recover_timeout(struct junk_user *juser)
{
	timeout_remove(&juser->to_rest);
	junk_intents_recover(juser->intents, &juser->rest);
	junk_user_rest_start(juser, 0);
	junk_user_settled(juser);
}

/* --- life --- */

static void junk_user_end(struct junk_user *juser)
{
	if (juser->ended)
		return;
	junk_kept_deinit(&juser->kept);
	junk_user_rest_end(juser);
	junk_user_send_held(juser);
	juser->ended = TRUE;
	junk_client_deinit(&juser->client, junk_process_is_shared() ? 0 :
			   DEINIT_WAIT_MSECS);
	junk_user_settled(juser);
	junk_trail_deinit(&juser->trail);
	junk_intents_deinit(&juser->intents);
	junk_later_deinit(&juser->later);
	junk_tokenizer_deinit(&juser->tokenizer);
	buffer_free(&juser->read_buffer);
	buffer_free(&juser->free_buffer);
	pool_unref(&juser->scratch);
	array_free(&juser->held);
	array_free(&juser->rest);
	hash_table_destroy(&juser->kinds);
	event_unref(&juser->event);
}

/* The client is gone, the mailboxes are closed. */
static void junk_user_deinit_pre(struct mail_user *user)
{
	struct junk_user *juser = JUNK_USER_CONTEXT(user);
	void (*deinit_pre)(struct mail_user *user) =
		juser->module_ctx.super.deinit_pre;

	junk_user_end(juser);
	deinit_pre(user);
}

/* deinit_pre isn't called for a user whose creation failed. */
static void junk_user_deinit(struct mail_user *user)
{
	struct junk_user *juser = JUNK_USER_CONTEXT(user);
	void (*deinit)(struct mail_user *user) =
		juser->module_ctx.super.deinit;

	junk_user_end(juser);
	deinit(user);
}

static void
junk_user_create(struct mail_user *user,
		 const struct junk_feedback_settings *set)
{
	struct mail_user_vfuncs *v = user->vlast;
	struct junk_user *juser;

	juser = p_new(user->pool, struct junk_user, 1);
	juser->module_ctx.super = *v;
	user->vlast = &juser->module_ctx.super;
	v->deinit_pre = junk_user_deinit_pre;
	v->deinit = junk_user_deinit;

	juser->user = user;
	juser->set = *set;
	juser->event = event_create(user->event);
	event_add_category(juser->event, &event_category_junk_feedback);
	event_set_append_log_prefix(juser->event, "junk-feedback: ");
	juser->later = junk_later_init(&junk_user_later_callbacks, juser);
	i_array_init(&juser->held, 4);
	i_array_init(&juser->rest, 4);
	hash_table_create(&juser->kinds, default_pool, 0, str_hash, strcmp);
	MODULE_CONTEXT_SET(user, junk_feedback_user_module, juser);
}

void junk_user_init(struct mail_user *user)
{
	struct junk_feedback_settings set;
	const char *error;

	/* owners of shared mailboxes, the raw user of a delivery */
	if (user->autocreated)
		return;
	T_BEGIN {
		/* mail goes first: a wrong value never keeps a user out */
		if (junk_feedback_settings_get(user, &set, &error) < 0)
			e_error(user->event, "junk-feedback: %s", error);
	} T_END;
	if (set.enabled)
		junk_user_create(user, &set);
}

void junk_user_namespaces_created(struct mail_user *user)
{
	struct junk_user *juser = junk_user_get(user);
	struct junk_intents *intents;
	struct stat st;

	if (juser == NULL)
		return;
	T_BEGIN {
		const char *dir = junk_user_get_control_dir(juser);

		if (dir != NULL && juser->set.kept > 0)
			juser->kept = junk_kept_init(juser, user, dir);
		if (dir != NULL &&
		    stat(t_strconcat(dir, "/"JUNK_SPOOL_FNAME, NULL),
			 &st) == 0)
			(void)junk_user_get_client(juser);
	} T_END;
	intents = junk_user_get_intents(juser);
	if (intents != NULL && junk_intents_exist(intents)) {
		/* not in the way of the login */
		juser->to_rest = timeout_add_short_to(io_loop_get_root(), 0,
						      junk_user_recover_timeout,
						      juser);
	}
}

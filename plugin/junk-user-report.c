/* Passes a user's reports to the client (junk-client.h): at once, after a
   moment, or when the user's client has its answer (junk-later.h). */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "lib-event.h"
#include "junk-client.h"
#include "junk-clock.h"
#include "junk-later.h"
#include "junk-mail-file.h"
#include "junk-sent.h"
#include "junk-trail.h"
#include "junk-feedback-user-private.h"

/* A client's own filter marks a message within this time after it has fetched
   it. */
#define FETCHED_USECS (10*1000*1000)
/* A not-junk keyword in Junk is held back for so long, since a move to Trash
   may follow. */
#define HELD_MSECS 2000
/* Maximum number of held reports; further ones are sent at once. */
#define HELD_MAX_COUNT 256

static void junk_user_held_timeout(struct junk_user *juser);

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

void junk_user_flush(struct junk_user *juser)
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
		/* a client may mark many messages before it moves them all */
		timeout_reset(juser->to_held);
	}
}

void junk_user_send_held(struct junk_user *juser)
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

/* A message was deleted: the second half of a move by APPEND, or perhaps the
   first. If another session appends it at the same moment, the session whose
   record is the later one in the file sees both records and reports the
   move. */
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
	/* an APPEND before the message arrived here doesn't belong to this
	   move */
	appended = junk_trail_find_uid(trail, other, key, 0, p->arrived,
				       ioloop_time);
	/* if our record couldn't be written, the other session can't see it, so
	   report here */
	if (appended == 0 || (deleted != 0 && appended > deleted))
		return;
	report.verdict = from_junk ? JUNK_VERDICT_HAM : JUNK_VERDICT_SPAM;
	report.origin = JUNK_ORIGIN_APPEND;
	junk_user_send(juser, &report, tokens);
	/* the move is complete: the next APPEND is another action */
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

/* Tokenize and report a queued message. */
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
		/* reading from memory can't fail */
		(void)junk_user_tokenize_stream(juser, input, &msg, &error);
		if (p.verdict == JUNK_VERDICT_SPAM && p.note == 0)
			junk_sent_distrust(juser, input);
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

void junk_user_later_done(void *context)
{
	struct junk_user *juser = context;

	junk_user_flush(juser);
	if (junk_later_is_empty(juser->later))
		junk_user_rest_start(juser, 0);
	junk_user_settled(juser);
}

const struct junk_later_callbacks junk_user_later_callbacks = {
	.report = junk_user_report_read,
	.done = junk_user_later_done,
};

/* Write the intents file. Returns FALSE if that fails. */
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

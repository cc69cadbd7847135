/* Watches what users do with mail, through the notify plugin: each callback
   asks junk-decision.c and keeps the message, read or by its open file (it may be
   gone a moment later), in the transaction; after the commit it is tokenised and
   reported, when the client has its answer (junk-later.h).

   Only what an IMAP command of the user does is an action of the user: a
   transaction's reason is the command, or the name of a C function where Sieve,
   lazy_expunge, dsync and other movers have begun it. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "lib-event.h"
#include "master-service.h"
#include "module-context.h"
#include "mail-storage-private.h"
#include "mail-storage-hooks.h"
#include "notify-plugin.h"
#include "junk-client.h"
#include "junk-compat.h"
#include "junk-imap.h"
#include "junk-mail-file.h"
#include "junk-trail.h"
#include "junk-feedback-user.h"
#include "junk-feedback-plugin.h"

#include <malloc.h>

/* Messages of one STORE +FLAGS \Deleted that are looked at for a move by
   APPEND. More are a cleaning. */
#define MAX_DELETED_NOTES 1024
/* What a client appends to Junk may be an import. Mail that came longer ago is one
   if the same message doesn't vanish elsewhere. */
#define IMPORT_AGE_SECS (2*24*60*60)
/* What a process may keep of the memory that it frees. */
#define KEEP_BYTES (1024*1024)
/* A transaction isn't used again if it had more messages of a kind. */
#define KEEP_TXN_COUNT 256
/* Tokens of one transaction that are kept until it commits: what is appended, or
   acted upon in a virtual mailbox. */
#define MAX_TOKENS_BYTES (2*1024*1024)
/* A client's own filter moves what it has marked within this time. */
#define AUTOMATIC_MOVE_SECS 60
/* Messages that go from Junk to Trash with one command and are remembered by
   their GUID too, to be known wherever they go from there. */
#define MAX_TRASHED_GUIDS 1024

/* UIDs, or a message's key. */
struct junk_trail_add {
	enum junk_trail_type type;
	uint64_t key;
	uint32_t first, last;
};

/* Messages that are found by where they are after the commit: the numbers of
   saved ones, from 0, or UIDs. */
struct junk_rest {
	/* as of the first, the others are like it */
	struct junk_pending pending;
	bool kept;
	uint32_t first, last;
};

/* Saved messages, counted from 0, that come from Junk and go to Trash. */
struct junk_trashed {
	unsigned int first, last;
};

struct junk_kind {
	struct mailbox *box;
	enum junk_box kind;
};

/* A message that was copied or moved out of Junk; the name is its mailbox', which
   outlives the transaction. */
struct junk_left {
	const char *vname;
	uint32_t uid;
};

/* A message that a client has stored, and that was deleted nowhere yet. */
struct junk_appended {
	enum junk_trail_type deleted;
	uint64_t key;
	/* the last APPEND of the same in the trail, as it was looked at then */
	unsigned int last_place, generation;
	/* the report if it is the second half of a move */
	struct junk_pending pending;
};

struct junk_txn {
	struct junk_txn *next_spare;

	struct junk_user *juser;
	struct mailbox *box;
	/* of the last message, and of what it was copied from */
	struct junk_kind kind, src_kind;

	buffer_t *tokens;
	ARRAY(struct junk_pending) pending;
	ARRAY(struct junk_trail_add) trail;
	/* not created if there is none */
	ARRAY(struct junk_left) left;
	ARRAY(struct junk_trashed) trashed;
	ARRAY(struct junk_rest) rest;
	ARRAY(struct junk_appended) appended;
	/* the mailbox that those are saved to */
	const char *trash_vname;
	/* of those that are reported later: all that can be found then, and
	   those that have to be */
	ARRAY_TYPE(junk_intent) intents, unread;
	/* can't be reported: too many at once */
	unsigned int dropped_count;
	unsigned int saved_count, deleted_count;
	/* of the messages in pending that are yet to be tokenised */
	size_t read_bytes;

	bool is_virtual:1;
	bool command_known:1;
	bool is_command:1;
	/* STORE FLAGS: those that aren't named are taken off */
	bool is_replacing:1;
};

const char *junk_feedback_plugin_version = DOVECOT_ABI_VERSION;
const char *junk_feedback_plugin_dependencies[] = { "notify", NULL };

static struct notify_context *junk_notify_context;
/* Those that have ended, to be used again: a move has three, two at a time. */
static struct junk_txn *junk_spare_txns;

/* --- transactions --- */

static struct junk_txn *junk_txn_get(void)
{
	struct junk_txn *txn = junk_spare_txns;

	if (txn != NULL) {
		junk_spare_txns = txn->next_spare;
		return txn;
	}
	txn = i_new(struct junk_txn, 1);
	i_array_init(&txn->pending, 1);
	i_array_init(&txn->trail, 1);
	i_array_init(&txn->intents, 1);
	i_array_init(&txn->unread, 1);
	return txn;
}

static void junk_txn_free(struct junk_txn *txn)
{
	array_free(&txn->pending);
	array_free(&txn->trail);
	array_free(&txn->intents);
	array_free(&txn->unread);
	i_free(txn);
}

static void *junk_transaction_begin(struct mailbox_transaction_context *t)
{
	struct junk_user *juser = junk_user_get(t->box->storage->user);
	struct junk_txn *txn;

	if (juser == NULL || (t->flags & MAILBOX_TRANSACTION_FLAG_SYNC) != 0)
		return NULL;
	txn = junk_txn_get();
	txn->juser = juser;
	txn->box = t->box;
	txn->is_virtual = junk_mailbox_is_virtual(t->box);
	return txn;
}

static void junk_transaction_end(struct junk_txn *txn)
{
	struct junk_txn spare = {
		.next_spare = junk_spare_txns,
		.pending = txn->pending,
		.trail = txn->trail,
		.intents = txn->intents,
		.unread = txn->unread,
	};
	struct junk_pending *pending;

	if (txn->tokens != NULL)
		junk_user_buffer_free(txn->juser, &txn->tokens);
	if (array_is_created(&txn->left))
		array_free(&txn->left);
	if (array_is_created(&txn->trashed))
		array_free(&txn->trashed);
	if (array_is_created(&txn->rest))
		array_free(&txn->rest);
	if (array_is_created(&txn->appended))
		array_free(&txn->appended);
	array_foreach_modifiable(&txn->pending, pending)
		junk_pending_clear(pending);
	if (array_count(&txn->pending) > KEEP_TXN_COUNT ||
	    array_count(&txn->trail) > KEEP_TXN_COUNT) {
		junk_txn_free(txn);
		return;
	}
	array_clear(&spare.pending);
	array_clear(&spare.trail);
	array_clear(&spare.intents);
	array_clear(&spare.unread);
	*txn = spare;
	junk_spare_txns = txn;
}

/* As the client has written it, in any letter case. */
static bool junk_reason_is_command(const char *reason)
{
	static const char *const commands[] = {
		"APPEND", "COPY", "MOVE", "REPLACE", "STORE"
	};
	size_t len;

	if (reason == NULL)
		return FALSE;
	if (strncasecmp(reason, "UID ", 4) == 0)
		reason += 4;
	len = strcspn(reason, " ");
	for (unsigned int i = 0; i < N_ELEMENTS(commands); i++) {
		if (strlen(commands[i]) == len &&
		    strncasecmp(reason, commands[i], len) == 0)
			return TRUE;
	}
	return FALSE;
}

/* STORE <set> [(UNCHANGEDSINCE <modseq>)] FLAGS ... */
static bool junk_reason_is_replacing(const char *reason)
{
	const char *p;

	if (strncasecmp(reason, "UID ", 4) == 0)
		reason += 4;
	if (strncasecmp(reason, "STORE ", 6) != 0 ||
	    (p = strchr(reason + 6, ' ')) == NULL)
		return FALSE;
	if (p[1] == '(' && (p = strstr(p, ") ")) != NULL)
		p++;
	return p != NULL && strncasecmp(p, " FLAGS", 6) == 0;
}

/* Is it the user who does this? (The reason isn't set yet when the transaction
   begins.) */
static bool
junk_txn_is_users(struct junk_txn *txn, struct mailbox_transaction_context *t)
{
	if (txn == NULL)
		return FALSE;
	if (!txn->command_known) {
		txn->command_known = TRUE;
		txn->is_command = junk_reason_is_command(t->reason);
		txn->is_replacing = txn->is_command &&
			junk_reason_is_replacing(t->reason);
		if (!txn->is_command) {
			junk_user_dropped(txn->juser, "not-the-user",
					  t->reason == NULL ? "no reason" :
					  t->reason);
		}
	}
	return txn->is_command;
}

/* A virtual mailbox only shows a message: where it really is, or is saved to.
   (What virtual mailboxes do to others isn't an action of the user's.) */
static struct mail *junk_txn_real_mail(struct junk_txn *txn, struct mail *mail)
{
	struct mail *real_mail;

	if (mail->box == txn->box && !txn->is_virtual)
		return mail;
	return mail_get_backend_mail(mail, &real_mail) < 0 ? mail : real_mail;
}

/* Most often it is the same mailbox as for the last message. */
static enum junk_box
junk_kind_get(struct junk_txn *txn, struct junk_kind *kind,
	      struct mailbox *box)
{
	if (kind->box != box) {
		kind->kind = junk_user_get_kind(txn->juser, box);
		kind->box = box;
	}
	return kind->kind;
}

static void
junk_txn_push(struct junk_txn *txn, struct junk_pending *pending,
	      enum junk_verdict verdict, enum junk_origin origin)
{
	pending->verdict = verdict;
	pending->origin = origin;
	if (verdict == JUNK_VERDICT_RETRACT)
		pending->token_count = 0;
	array_push_back(&txn->pending, pending);
}

/* Report the mail, whose tokens are needed now. again: if it can't be read, it
   is tried again. */
static int
junk_txn_add_now(struct junk_txn *txn, struct mail *mail,
		 enum junk_verdict verdict, enum junk_origin origin, bool again)
{
	struct junk_pending pending;

	if (txn->tokens == NULL)
		txn->tokens = junk_user_buffer_get(txn->juser);
	if (junk_user_tokenize(txn->juser, mail, again, txn->tokens,
			       &pending) < 0)
		return -1;
	junk_txn_push(txn, &pending, verdict, origin);
	return 0;
}

/* Report a message that isn't read before it is committed: it is one of very many,
   or can't be read sooner. */
static void
junk_txn_add_rest(struct junk_txn *txn, const struct junk_pending *pending,
		  bool kept)
{
	const uint32_t number = pending->saved_idx == JUNK_NOT_SAVED ?
		pending->uid : pending->saved_idx;
	struct junk_rest *rest;

	if (!array_is_created(&txn->rest))
		i_array_init(&txn->rest, 4);
	if (array_count(&txn->rest) > 0) {
		rest = array_idx_modifiable(&txn->rest,
					    array_count(&txn->rest) - 1);
		if (rest->last + 1 == number && rest->kept == kept &&
		    rest->pending.verdict == pending->verdict &&
		    rest->pending.origin == pending->origin &&
		    (rest->pending.saved_idx == JUNK_NOT_SAVED) ==
		    (pending->saved_idx == JUNK_NOT_SAVED)) {
			rest->last = number;
			return;
		}
	}
	rest = array_append_space(&txn->rest);
	rest->pending = *pending;
	rest->kept = kept;
	rest->first = rest->last = number;
}

/* Sdbox's with attachments in files of their own can't be read before they are
   there. */
static void junk_txn_add_unread(struct junk_txn *txn, struct mail *mail)
{
	struct junk_pending pending;

	junk_user_pending_init(txn->juser, mail, &pending);
	pending.verdict = JUNK_VERDICT_SPAM;
	pending.origin = JUNK_ORIGIN_APPEND;
	pending.saved_idx = txn->saved_count - 1;
	junk_txn_add_rest(txn, &pending, FALSE);
}

/* No room for the tokens of another message? */
static bool junk_txn_is_full(const struct junk_txn *txn)
{
	return txn->tokens != NULL && txn->tokens->used >= MAX_TOKENS_BYTES;
}

/* Report the mail, which can be tokenised later. saved_idx: see there. kept: ham
   only if the message isn't moved to Trash next. */
static int
junk_txn_add(struct junk_txn *txn, struct mail *mail, enum junk_verdict verdict,
	     enum junk_origin origin, unsigned int saved_idx, bool kept)
{
	struct junk_pending pending;
	int ret;

	if (txn->is_virtual) {
		/* where it is isn't known after the commit */
		if (!junk_txn_is_full(txn)) {
			return junk_txn_add_now(txn, mail, verdict, origin,
						FALSE);
		}
		txn->dropped_count++;
		return 0;
	}
	ret = junk_user_read(txn->juser, mail, TRUE, &txn->read_bytes,
			     &pending);
	if (ret < 0)
		return -1;
	pending.saved_idx = saved_idx;
	if (ret > 0) {
		if (kept) {
			pending.kept_vname =
				i_strdup(mailbox_get_vname(mail->box));
		}
		junk_txn_push(txn, &pending, verdict, origin);
		return 0;
	}
	pending.verdict = verdict;
	pending.origin = origin;
	junk_txn_add_rest(txn, &pending, kept);
	return 0;
}

static struct junk_pending *junk_txn_last(struct junk_txn *txn)
{
	return array_idx_modifiable(&txn->pending,
				    array_count(&txn->pending) - 1);
}

static void junk_txn_remove_last(struct junk_txn *txn)
{
	buffer_set_used_size(txn->tokens, junk_txn_last(txn)->tokens_pos);
	junk_pending_clear(junk_txn_last(txn));
	array_delete(&txn->pending, array_count(&txn->pending) - 1, 1);
}

static void
junk_txn_add_trail(struct junk_txn *txn, enum junk_trail_type type,
		   uint64_t key)
{
	struct junk_trail_add *add;

	add = array_append_space(&txn->trail);
	add->type = type;
	add->key = key;
}

/* Messages come in the order of their UIDs, mostly. */
static void
junk_txn_add_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
		       uint64_t box_key, uint32_t uid)
{
	struct junk_trail_add *add;

	if (array_count(&txn->trail) > 0) {
		add = array_idx_modifiable(&txn->trail,
					   array_count(&txn->trail) - 1);
		if (add->type == type && add->key == box_key &&
		    add->last != 0 && add->last + 1 == uid) {
			add->last = uid;
			return;
		}
	}
	add = array_append_space(&txn->trail);
	add->type = type;
	add->key = box_key;
	add->first = add->last = uid;
}

static uint64_t junk_box_key(struct mailbox *box)
{
	struct mailbox_status status;

	mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
	return junk_trail_box_key(mailbox_get_vname(box), status.uidvalidity);
}

static bool
junk_txn_find_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
			struct mail *mail, time_t since)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);

	return trail != NULL && mail->uid != 0 &&
		junk_trail_find_uid(trail, type, junk_box_key(mail->box),
				    mail->uid, since, ioloop_time) != 0;
}

static bool
junk_txn_find_trail(struct junk_txn *txn, enum junk_trail_type type,
		    uint64_t key, time_t since)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);

	return trail != NULL &&
		junk_trail_find(trail, type, key, since, ioloop_time);
}

/* Messages may have been deleted by another session between the look for it and
   this APPEND's record. It reports them if its record is the later one, which it
   is not if it comes before ours. */
static void
junk_txn_find_deleted(struct junk_txn *txn, struct junk_trail *trail)
{
	const struct junk_appended *appended;
	unsigned int place;

	array_foreach(&txn->appended, appended) {
		if (appended->generation == junk_trail_generation(trail))
			continue;
		place = junk_trail_find_uid(trail, appended->deleted,
					    appended->key, 0, 0, ioloop_time);
		if (place > appended->last_place &&
		    place < junk_trail_find_uid(trail,
				junk_trail_appended(appended->deleted),
				appended->key, 0, 0, ioloop_time))
			junk_txn_add_rest(txn, &appended->pending, FALSE);
	}
}

static void junk_txn_write_trail(struct junk_txn *txn)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);
	const struct junk_trail_add *add;
	const char *error;

	if (trail == NULL)
		return;
	array_foreach(&txn->trail, add) {
		junk_trail_add_uids(trail, add->type, add->key, add->first,
				    add->last, ioloop_time);
	}
	T_BEGIN {
		if (junk_trail_write(trail, &error) < 0) {
			e_error(junk_user_get_event(txn->juser), "%s", error);
		}
	} T_END;
	if (array_is_created(&txn->appended))
		junk_txn_find_deleted(txn, trail);
}

/* What went to Trash is known there by its UID. */
static void
junk_txn_trashed_uids(struct junk_txn *txn,
		      const struct mail_transaction_commit_changes *changes)
{
	const struct junk_trashed *trashed;
	struct seq_range_iter iter;
	uint64_t key;
	uint32_t uid;

	if (!array_is_created(&txn->trashed) || txn->is_virtual ||
	    seq_range_count(&changes->saved_uids) != txn->saved_count)
		return;
	key = junk_trail_box_key(txn->trash_vname, changes->uid_validity);
	seq_range_array_iter_init(&iter, &changes->saved_uids);
	array_foreach(&txn->trashed, trashed) {
		for (unsigned int i = trashed->first; i <= trashed->last; i++) {
			if (seq_range_array_iter_nth(&iter, i, &uid)) {
				junk_txn_add_trail_uid(txn, JUNK_TRAIL_TRASHED,
						       key, uid);
			}
		}
	}
}

/* Where the message is now. number: of the saved one, or its UID. */
static bool
junk_txn_set_uid(struct junk_txn *txn, const struct junk_pending *pending,
		 uint32_t number,
		 const struct mail_transaction_commit_changes *changes,
		 struct junk_intent *intent)
{
	struct mailbox_status status;
	struct seq_range_iter iter;

	if (pending->saved_idx == JUNK_NOT_SAVED) {
		mailbox_get_open_status(txn->box, STATUS_UIDVALIDITY, &status);
		intent->uid_validity = status.uidvalidity;
		intent->uid = number;
		return TRUE;
	}
	/* they aren't known if they weren't asked for */
	if (seq_range_count(&changes->saved_uids) != txn->saved_count)
		return FALSE;
	intent->uid_validity = changes->uid_validity;
	seq_range_array_iter_init(&iter, &changes->saved_uids);
	return seq_range_array_iter_nth(&iter, number, &intent->uid);
}

static void
junk_intent_init(struct junk_intent *intent_r,
		 const struct junk_pending *pending,
		 const struct mailbox_metadata *metadata)
{
	i_zero(intent_r);
	guid_128_copy(intent_r->mailbox_guid, metadata->guid);
	intent_r->verdict = pending->verdict;
	intent_r->origin = pending->origin;
	intent_r->kept = pending->kept_vname != NULL;
	intent_r->stamp_usecs = pending->stamp_usecs;
}

/* What is to be reported later, and where it will be found if we are killed.
   intents stays empty if that isn't known. Returns FALSE if there are only
   notes. */
static bool
junk_txn_report_later(struct junk_txn *txn,
		      const struct mailbox_metadata *metadata,
		      const struct mail_transaction_commit_changes *changes)
{
	struct junk_pending *pending;
	struct junk_intent intent;
	bool known = metadata != NULL, has_reports = FALSE;

	array_foreach_modifiable(&txn->pending, pending) {
		if (pending->body == NULL)
			continue;
		if (pending->note == 0)
			has_reports = TRUE;
		if (known && pending->note == 0) {
			junk_intent_init(&intent, pending, metadata);
			known = junk_txn_set_uid(txn, pending,
				pending->saved_idx == JUNK_NOT_SAVED ?
				pending->uid : pending->saved_idx,
				changes, &intent);
		}
		if (known && pending->note == 0)
			array_push_back(&txn->intents, &intent);
		junk_user_report_later(txn->juser, pending);
		pending->body = NULL;
		pending->kept_vname = NULL;
	}
	if (!known)
		array_clear(&txn->intents);
	return has_reports;
}

static void
junk_txn_report_range(struct junk_txn *txn, const struct junk_rest *rest,
		      const struct mailbox_metadata *metadata,
		      const struct mail_transaction_commit_changes *changes)
{
	struct junk_intent intent, next;

	junk_intent_init(&intent, &rest->pending, metadata);
	intent.kept = rest->kept;
	next = intent;
	for (uint32_t number = rest->first; number <= rest->last; number++) {
		if (!junk_txn_set_uid(txn, &rest->pending, number, changes,
				      &next)) {
			txn->dropped_count++;
			continue;
		}
		if (intent.uid != 0 && intent.last_uid + 1 == next.uid) {
			intent.last_uid = next.uid;
			continue;
		}
		if (intent.uid != 0)
			array_push_back(&txn->unread, &intent);
		intent = next;
		intent.last_uid = intent.uid;
	}
	if (intent.uid != 0)
		array_push_back(&txn->unread, &intent);
}

/* What is reported by where it is now. */
static void
junk_txn_report_rest(struct junk_txn *txn,
		     const struct mailbox_metadata *metadata,
		     const struct mail_transaction_commit_changes *changes)
{
	const struct junk_rest *rest;

	if (!array_is_created(&txn->rest))
		return;
	array_foreach(&txn->rest, rest) {
		if (metadata != NULL)
			junk_txn_report_range(txn, rest, metadata, changes);
		else
			txn->dropped_count += rest->last - rest->first + 1;
	}
	junk_user_report_saved(txn->juser, &txn->unread);
	array_append_array(&txn->intents, &txn->unread);
}

static void junk_txn_log_dropped(struct junk_txn *txn)
{
	if (txn->dropped_count == 0)
		return;
	junk_user_dropped(txn->juser, "too-many", "too many at once");
	e_warning(junk_user_get_event(txn->juser), "%u messages of one command "
		  "in %s are not reported: where they are now isn't known, or "
		  "it is a virtual mailbox", txn->dropped_count,
		  mailbox_get_vname(txn->box));
}

static void
junk_txn_report(struct junk_txn *txn,
		const struct mail_transaction_commit_changes *changes)
{
	struct mailbox_metadata metadata, *known;
	const struct junk_pending *pending;

	array_foreach(&txn->pending, pending) {
		if (pending->body == NULL)
			junk_user_report(txn->juser, pending, txn->tokens);
	}
	if (txn->read_bytes == 0 && !array_is_created(&txn->rest)) {
		junk_txn_log_dropped(txn);
		junk_user_committed(txn->juser, NULL);
		return;
	}
	known = mailbox_get_metadata(txn->box, MAILBOX_METADATA_GUID,
				     &metadata) == 0 ? &metadata : NULL;
	if (!junk_txn_report_later(txn, known, changes) &&
	    !array_is_created(&txn->rest)) {
		junk_user_committed(txn->juser, NULL);
		junk_user_start_later(txn->juser);
		return;
	}
	junk_txn_report_rest(txn, known, changes);
	junk_txn_log_dropped(txn);
	junk_user_committed(txn->juser, &txn->intents);
}

static void
junk_transaction_commit(void *_txn,
			struct mail_transaction_commit_changes *changes)
{
	struct junk_txn *txn = _txn;
	const struct junk_left *left;

	if (txn == NULL)
		return;
	if (array_is_created(&txn->left)) {
		array_foreach(&txn->left, left) {
			(void)junk_user_forget_held(txn->juser, left->vname,
						    left->uid);
		}
	}
	junk_txn_trashed_uids(txn, changes);
	if (array_count(&txn->trail) > 0)
		junk_txn_write_trail(txn);
	if (array_count(&txn->pending) > 0 || array_is_created(&txn->rest))
		junk_txn_report(txn, changes);
	junk_transaction_end(txn);
}

static void junk_transaction_rollback(void *_txn)
{
	struct junk_txn *txn = _txn;

	if (txn == NULL)
		return;
	for (unsigned int i = 0; i < array_count(&txn->pending); i++) {
		junk_user_dropped(txn->juser, "rollback",
				  "the transaction failed");
	}
	junk_transaction_end(txn);
}

/* --- APPEND --- */

/* Was it deleted, and not appended since? last_r: where the last APPEND is in the
   trail. */
static bool
junk_txn_was_deleted(struct junk_txn *txn, enum junk_trail_type deleted,
		     uint64_t key, unsigned int *last_r)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);

	*last_r = 0;
	if (trail == NULL)
		return FALSE;
	*last_r = junk_trail_find_uid(trail, junk_trail_appended(deleted), key,
				      0, 0, ioloop_time);
	return junk_trail_find_uid(trail, deleted, key, 0, 0, ioloop_time) >
		*last_r;
}

/* The last message is no report: the deletion may come later. */
static void
junk_txn_set_appended(struct junk_txn *txn, enum junk_trail_type deleted,
		      uint64_t key, unsigned int last_place)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);
	struct junk_appended *appended;

	junk_txn_add_trail(txn, junk_trail_appended(deleted), key);
	/* in a virtual mailbox it isn't known where it is after the commit */
	if (!txn->is_virtual && trail != NULL) {
		if (!array_is_created(&txn->appended))
			i_array_init(&txn->appended, 1);
		appended = array_append_space(&txn->appended);
		appended->deleted = deleted;
		appended->key = key;
		appended->last_place = last_place;
		appended->generation = junk_trail_generation(trail);
		appended->pending = *junk_txn_last(txn);
		appended->pending.saved_idx = txn->saved_count - 1;
	}
	junk_txn_remove_last(txn);
}

/* (time_t)-1: the client didn't say, it is now. */
static bool junk_time_is_old(time_t received)
{
	return received != (time_t)-1 &&
		received < ioloop_time - IMPORT_AGE_SECS;
}

static void junk_mail_save(void *_txn, struct mail *mail)
{
	struct junk_txn *txn = _txn;
	enum junk_decision decision;
	enum junk_verdict verdict;
	bool left_junk, is_old;
	unsigned int last;
	uint64_t key;

	if (!junk_txn_is_users(txn, mail->transaction))
		return;
	txn->saved_count++;
	if (!junk_user_get_settings(txn->juser)->append)
		return;
	mail = junk_txn_real_mail(txn, mail);
	decision = junk_decide_append(junk_kind_get(txn, &txn->kind,
						    mail->box));
	if (decision == JUNK_DECIDE_NOTHING)
		return;
	verdict = decision == JUNK_DECIDE_HAM_IF_LEFT_JUNK ?
		JUNK_VERDICT_HAM : JUNK_VERDICT_SPAM;
	is_old = junk_time_is_old(junk_mail_saved_date(mail));
	if (junk_txn_is_full(txn)) {
		if (verdict == JUNK_VERDICT_SPAM && !is_old)
			junk_txn_add_unread(txn, mail);
		else
			txn->dropped_count++;
		return;
	}
	if (junk_txn_add_now(txn, mail, verdict, JUNK_ORIGIN_APPEND,
			     verdict == JUNK_VERDICT_SPAM) < 0) {
		if (verdict == JUNK_VERDICT_SPAM && !is_old)
			junk_txn_add_unread(txn, mail);
		return;
	}

	junk_user_finish_notes(txn->juser);
	key = junk_trail_key(junk_txn_last(txn)->digest, JUNK_DIGEST_BYTES);
	left_junk = junk_txn_was_deleted(txn, JUNK_TRAIL_DELETED, key, &last);
	if (decision == JUNK_DECIDE_HAM_IF_LEFT_JUNK) {
		if (left_junk) {
			/* this is where it went */
			junk_txn_add_trail(txn, JUNK_TRAIL_APPENDED, key);
		} else {
			junk_txn_set_appended(txn, JUNK_TRAIL_DELETED, key,
					      last);
		}
	} else if (left_junk) {
		junk_txn_remove_last(txn);
	} else if (is_old && !junk_txn_was_deleted(txn, JUNK_TRAIL_REMOVED,
						   key, &last)) {
		junk_txn_set_appended(txn, JUNK_TRAIL_REMOVED, key, last);
	}
}

/* --- COPY, MOVE --- */

/* A deletion that follows is the rest of a move. */
static void junk_txn_add_copied(struct junk_txn *txn, struct mail *src)
{
	if (src->uid != 0) {
		junk_txn_add_trail_uid(txn, JUNK_TRAIL_COPIED,
				       junk_box_key(src->box), src->uid);
	}
}

static uint64_t junk_guid_key(struct mail *mail)
{
	const char *guid;

	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) < 0 ||
	    *guid == '\0')
		return 0;
	return junk_trail_key(guid, strlen(guid));
}

/* The last saved message goes from Junk to Trash. */
static void
junk_txn_add_trashed(struct junk_txn *txn, struct mail *src, struct mail *dst)
{
	const unsigned int idx = txn->saved_count - 1;
	struct junk_trashed *trashed;
	uint64_t key;

	if (!array_is_created(&txn->trashed)) {
		i_array_init(&txn->trashed, 4);
		txn->trash_vname = mailbox_get_vname(dst->box);
	}
	trashed = array_count(&txn->trashed) == 0 ? NULL :
		array_idx_modifiable(&txn->trashed,
				     array_count(&txn->trashed) - 1);
	if (trashed != NULL && trashed->last + 1 == idx) {
		trashed->last = idx;
	} else {
		trashed = array_append_space(&txn->trashed);
		trashed->first = trashed->last = idx;
	}
	key = array_count(&txn->trail) < MAX_TRASHED_GUIDS ?
		junk_guid_key(src) : 0;
	if (key != 0)
		junk_txn_add_trail(txn, JUNK_TRAIL_TRASHED, key);
}

static bool
junk_txn_was_trashed(struct junk_txn *txn, struct mail *src, time_t since)
{
	uint64_t key;

	if (junk_txn_find_trail_uid(txn, JUNK_TRAIL_TRASHED, src, since))
		return TRUE;
	key = junk_guid_key(src);
	return key != 0 &&
		junk_txn_find_trail(txn, JUNK_TRAIL_TRASHED, key, since);
}

/* A keyword that said it is good mail doesn't count if it is thrown away all the
   same, from Junk: some clients set it on each message that leaves. */
static void
junk_txn_unmark(struct junk_txn *txn, struct mail *mail,
		unsigned int saved_idx)
{
	if (!junk_user_get_settings(txn->juser)->keywords ||
	    junk_user_forget_held(txn->juser, mailbox_get_vname(mail->box),
				  mail->uid))
		return;
	(void)junk_txn_add(txn, mail, JUNK_VERDICT_RETRACT, JUNK_ORIGIN_ACTION,
			   saved_idx, FALSE);
}

/* A client's own filter may move what it has marked. */
static bool junk_copy_is_automatic(struct junk_txn *txn, struct mail *src)
{
	return (mail_get_flags(src) & MAIL_SEEN) == 0 &&
		junk_txn_find_trail_uid(txn, JUNK_TRAIL_AUTOMATIC, src,
					ioloop_time - AUTOMATIC_MOVE_SECS);
}

static void
junk_copy_decided(struct junk_txn *txn, enum junk_decision decision,
		  struct mail *src, struct mail *dst, enum junk_origin origin)
{
	enum junk_verdict verdict;

	switch (decision) {
	case JUNK_DECIDE_LEFT_JUNK:
		junk_txn_add_trashed(txn, src, dst);
		return;
	case JUNK_DECIDE_HAM_IF_LEFT_JUNK:
		if (!junk_txn_was_trashed(txn, src, 0))
			return;
		verdict = JUNK_VERDICT_HAM;
		break;
	case JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK:
		/* put back a moment later: the deletion was a mistake */
		if (junk_txn_was_trashed(txn, src,
					 ioloop_time - JUNK_TRAIL_PAIR_SECS))
			return;
		verdict = JUNK_VERDICT_SPAM;
		break;
	case JUNK_DECIDE_WEAK_HAM:
		if (!junk_user_get_settings(txn->juser)->weak_ham)
			return;
		verdict = JUNK_VERDICT_WEAK_HAM;
		origin = JUNK_ORIGIN_ACTION;
		break;
	case JUNK_DECIDE_HAM:
		verdict = JUNK_VERDICT_HAM;
		break;
	case JUNK_DECIDE_SPAM:
		if (junk_copy_is_automatic(txn, src)) {
			junk_user_dropped(txn->juser, "automatic",
					  "the client's own filter moves it");
			return;
		}
		verdict = JUNK_VERDICT_SPAM;
		break;
	default:
		return;
	}
	if (origin == JUNK_ORIGIN_COPY && verdict == JUNK_VERDICT_HAM)
		junk_txn_add_copied(txn, src);
	/* another client may just have expunged the source */
	if (junk_txn_add(txn, src, verdict, origin, txn->saved_count - 1,
			 FALSE) < 0)
		(void)junk_txn_add_now(txn, dst, verdict, origin, FALSE);
}

static void junk_txn_left(struct junk_txn *txn, struct mail *mail)
{
	struct junk_left *left;

	if (!array_is_created(&txn->left))
		i_array_init(&txn->left, 8);
	left = array_append_space(&txn->left);
	left->vname = mailbox_get_vname(mail->box);
	left->uid = mail->uid;
}

static void junk_mail_copy(void *_txn, struct mail *src, struct mail *dst)
{
	struct junk_txn *txn = _txn;
	enum junk_decision decision;
	enum junk_keywords keywords;
	enum junk_box from, to;
	struct mail *real_src, *real_dst;

	if (!junk_txn_is_users(txn, dst->transaction))
		return;
	txn->saved_count++;
	real_src = junk_txn_real_mail(txn, src);
	real_dst = junk_txn_real_mail(txn, dst);
	from = junk_kind_get(txn, &txn->src_kind, real_src->box);
	if (from == JUNK_BOX_JUNK)
		junk_txn_left(txn, real_src);
	to = junk_kind_get(txn, &txn->kind, real_dst->box);
	keywords = junk_keywords_parse(mail_get_keywords(src));
	if (junk_decide_is_void(from, to, keywords))
		junk_txn_unmark(txn, real_src, txn->saved_count - 1);
	decision = junk_decide_copy(from, to, keywords);
	if (decision == JUNK_DECIDE_NOTHING)
		return;
	junk_copy_decided(txn, decision, real_src, real_dst,
			  dst->transaction->save_ctx->moving ?
			  JUNK_ORIGIN_MOVE : JUNK_ORIGIN_COPY);
}

/* --- STORE --- */

/* When it came into its mailbox. In a Maildir it is when its flags have changed
   last: then a move by APPEND may be missed. (The name of its file moves with
   it.) */
static time_t junk_mail_arrived(struct mail *mail)
{
	time_t arrived;

	return mail_get_save_date(mail, &arrived) < 0 ? 0 : arrived;
}

/* Deleted: remember it, or finish what an APPEND has begun. */
static void
junk_mail_deleted(struct junk_txn *txn, struct mail *mail,
		  enum junk_trail_type note)
{
	struct junk_pending pending;
	time_t received;

	if (!junk_user_get_settings(txn->juser)->append || txn->is_virtual ||
	    txn->deleted_count >= MAX_DELETED_NOTES)
		return;
	if (note == JUNK_TRAIL_DELETED) {
		if (junk_txn_find_trail_uid(txn, JUNK_TRAIL_COPIED, mail, 0))
			return;
	} else if (mail_get_received_date(mail, &received) < 0 ||
		   !junk_time_is_old(received)) {
		/* the APPEND of such mail says all */
		return;
	}
	if (junk_user_read(txn->juser, mail, TRUE, &txn->read_bytes,
			   &pending) <= 0)
		return;
	txn->deleted_count++;
	pending.note = note;
	pending.arrived = junk_mail_arrived(mail);
	array_push_back(&txn->pending, &pending);
}

/* Read, right after it was marked: that is how a person's mark comes. */
static void
junk_mail_seen(struct junk_txn *txn, struct mail *mail, enum mail_flags added,
	       enum junk_keywords keywords)
{
	if ((added & MAIL_SEEN) != 0 && keywords == JUNK_KEYWORDS_JUNK &&
	    junk_user_get_settings(txn->juser)->keywords &&
	    junk_txn_find_trail_uid(txn, JUNK_TRAIL_AUTOMATIC, mail,
				    ioloop_time - AUTOMATIC_MOVE_SECS)) {
		(void)junk_txn_add(txn, mail, JUNK_VERDICT_SPAM,
				   JUNK_ORIGIN_KEYWORD, JUNK_NOT_SAVED, FALSE);
	}
}

static void
junk_mail_update_flags(void *_txn, struct mail *mail, enum mail_flags old_flags)
{
	struct junk_txn *txn = _txn;
	enum junk_keywords keywords;
	struct mail *real_mail;

	if (!junk_txn_is_users(txn, mail->transaction))
		return;
	real_mail = junk_txn_real_mail(txn, mail);
	keywords = junk_keywords_parse(mail_get_keywords(mail));
	junk_mail_seen(txn, real_mail, mail_get_flags(mail) & ~old_flags,
		       keywords);
	switch (junk_decide_flags(junk_kind_get(txn, &txn->kind, real_mail->box),
				  old_flags, mail_get_flags(mail), keywords)) {
	case JUNK_DECIDE_WEAK_HAM:
		if (junk_user_get_settings(txn->juser)->weak_ham) {
			(void)junk_txn_add(txn, real_mail,
					   JUNK_VERDICT_WEAK_HAM,
					   JUNK_ORIGIN_ACTION,
					   JUNK_NOT_SAVED, FALSE);
		}
		break;
	case JUNK_DECIDE_LEFT_JUNK:
		if (junk_decide_is_void(JUNK_BOX_JUNK, JUNK_BOX_TRASH, keywords))
			junk_txn_unmark(txn, real_mail, JUNK_NOT_SAVED);
		junk_mail_deleted(txn, real_mail, JUNK_TRAIL_DELETED);
		break;
	case JUNK_DECIDE_LEFT_OTHER:
		junk_mail_deleted(txn, real_mail, JUNK_TRAIL_REMOVED);
		break;
	default:
		break;
	}
}

/* Is it a mark that the client has made by itself? An unread message, right after
   the session has read some. */
static bool
junk_mark_is_automatic(struct junk_txn *txn, struct mail *mail)
{
	return !junk_user_get_settings(txn->juser)->automatic &&
		(mail_get_flags(mail) & MAIL_SEEN) == 0 &&
		junk_user_has_fetched(txn->juser);
}

static void
junk_txn_add_automatic(struct junk_txn *txn, struct mail *mail)
{
	junk_user_dropped(txn->juser, "automatic",
			  "the client's own filter has marked it");
	junk_txn_add_trail_uid(txn, JUNK_TRAIL_AUTOMATIC,
			       junk_box_key(mail->box), mail->uid);
}

static void
junk_keywords_decided(struct junk_txn *txn, enum junk_decision decision,
		      struct mail *mail)
{
	enum junk_origin origin = JUNK_ORIGIN_KEYWORD;
	enum junk_verdict verdict;

	switch (decision) {
	case JUNK_DECIDE_SPAM:
		if (junk_mark_is_automatic(txn, mail)) {
			junk_txn_add_automatic(txn, mail);
			return;
		}
		verdict = JUNK_VERDICT_SPAM;
		break;
	case JUNK_DECIDE_HAM:
	case JUNK_DECIDE_HAM_IF_KEPT:
		verdict = JUNK_VERDICT_HAM;
		break;
	case JUNK_DECIDE_RETRACT:
		verdict = JUNK_VERDICT_RETRACT;
		break;
	case JUNK_DECIDE_RETRACT_HAM:
		verdict = JUNK_VERDICT_RETRACT;
		origin = JUNK_ORIGIN_ACTION;
		break;
	default:
		return;
	}
	(void)junk_txn_add(txn, mail, verdict, origin, JUNK_NOT_SAVED,
			   decision == JUNK_DECIDE_HAM_IF_KEPT);
}

static void
junk_mail_update_keywords(void *_txn, struct mail *mail,
			  const char *const *old_keywords)
{
	struct junk_txn *txn = _txn;
	enum junk_keywords old, new;
	enum junk_decision decision;
	struct mail *real_mail;
	enum junk_box kind;
	bool was_junk;

	if (!junk_txn_is_users(txn, mail->transaction) ||
	    !junk_user_get_settings(txn->juser)->keywords)
		return;
	old = junk_keywords_parse(old_keywords);
	new = junk_keywords_parse(mail_get_keywords(mail));
	if (old == new)
		return;
	real_mail = junk_txn_real_mail(txn, mail);
	kind = junk_kind_get(txn, &txn->kind, real_mail->box);
	was_junk = new == JUNK_KEYWORDS_NOT_JUNK && kind != JUNK_BOX_JUNK &&
		junk_txn_find_trail_uid(txn, JUNK_TRAIL_WAS_JUNK, real_mail, 0);
	decision = junk_decide_keywords(kind, old, new, was_junk,
					txn->is_replacing);
	if (kind != JUNK_BOX_JUNK && (old & ~new & JUNK_KEYWORDS_JUNK) != 0 &&
	    decision != JUNK_DECIDE_NOTHING) {
		junk_txn_add_trail_uid(txn, JUNK_TRAIL_WAS_JUNK,
				       junk_box_key(real_mail->box),
				       real_mail->uid);
	}
	/* a change of mind within a moment: nothing was said yet */
	if (kind == JUNK_BOX_JUNK &&
	    junk_user_forget_held(txn->juser,
				  mailbox_get_vname(real_mail->box),
				  real_mail->uid) &&
	    decision != JUNK_DECIDE_HAM_IF_KEPT)
		return;
	junk_keywords_decided(txn, decision, real_mail);
}

/* --- plugin --- */

static const struct notify_vfuncs junk_notify_vfuncs = {
	.mail_transaction_begin = junk_transaction_begin,
	.mail_save = junk_mail_save,
	.mail_copy = junk_mail_copy,
	.mail_update_flags = junk_mail_update_flags,
	.mail_update_keywords = junk_mail_update_keywords,
	.mail_transaction_commit = junk_transaction_commit,
	.mail_transaction_rollback = junk_transaction_rollback,
};

static void junk_namespaces_created(struct mail_namespace *namespaces)
{
	junk_user_namespaces_created(namespaces->user);
}

static const struct mail_storage_hooks junk_mail_storage_hooks = {
	.mail_user_created = junk_user_init,
	.mail_namespaces_created = junk_namespaces_created,
};

/* Users act by IMAP alone. Anywhere else the plugin does no harm, and
   nothing. */
static bool junk_is_imap_process(void)
{
	const char *name = master_service == NULL ? "" :
		master_service_get_name(master_service);

	if (strcmp(name, "imap") == 0)
		return TRUE;
	if (strcmp(name, "lmtp") == 0 || strcmp(name, "lda") == 0 ||
	    strcmp(name, "pop3") == 0) {
		i_info("junk-feedback: the plugin does nothing in %s: "
		       "mail_plugins should name junk_feedback only inside of "
		       "protocol imap { }", name);
	}
	return FALSE;
}

/* A command needs some hundred kilobytes for a moment. glibc gives the end of the
   heap back when more is free there than 128 kB, or than twice the largest block
   that was ever mapped and freed, up to 64 MB: so what a process has done before
   says whether each command asks for all its pages again. After tokenising it
   did (100 page faults, a tenth of the time of a move). This isn't more than a
   process might keep anyway, only the same for all. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD
	/* each ends glibc's own adjusting of both */
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
#endif
}

void junk_feedback_plugin_init(struct module *module)
{
	if (!junk_is_imap_process())
		return;
	keep_memory();
	mail_storage_hooks_add(module, &junk_mail_storage_hooks);
	junk_notify_context = notify_register(&junk_notify_vfuncs);
	junk_imap_init();
}

void junk_feedback_plugin_deinit(void)
{
	struct junk_txn *txn;

	if (junk_notify_context == NULL)
		return;
	junk_imap_deinit();
	JUNK_NOTIFY_UNREGISTER(junk_notify_context);
	mail_storage_hooks_remove(&junk_mail_storage_hooks);
	while ((txn = junk_spare_txns) != NULL) {
		junk_spare_txns = txn->next_spare;
		junk_txn_free(txn);
	}
}

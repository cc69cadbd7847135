/* What a transaction has seen so far: the messages to report after the commit
   (junk-commit.c), and the records for the user's trail. junk-append.c,
   junk-copy.c and junk-store.c add to it. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "junk-txn.h"

/* A transaction with more messages than this is freed and not reused. */
#define KEEP_TXN_COUNT 256
/* Bytes of tokens that a transaction keeps until it commits, for appended
   messages and those of a virtual mailbox. */
#define MAX_TOKENS_BYTES (2*1024*1024)

/* Finished transactions are kept in a free list. A MOVE uses three, two of them
   at a time. */
static struct junk_txn *junk_spare_txns;

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

void *junk_transaction_begin(struct mailbox_transaction_context *t)
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

void junk_transaction_end(struct junk_txn *txn)
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

void junk_txn_free_spares(void)
{
	struct junk_txn *txn;

	while ((txn = junk_spare_txns) != NULL) {
		junk_spare_txns = txn->next_spare;
		junk_txn_free(txn);
	}
}

/* --- whose action it is --- */

/* Returns TRUE if the reason is a user's command, in any letter case. */
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

bool junk_txn_is_users(struct junk_txn *txn,
		       struct mailbox_transaction_context *t)
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

struct mail *junk_txn_real_mail(struct junk_txn *txn, struct mail *mail)
{
	struct mail *real_mail;

	if (mail->box == txn->box && !txn->is_virtual)
		return mail;
	return mail_get_backend_mail(mail, &real_mail) < 0 ? mail : real_mail;
}

enum junk_box junk_kind_get(struct junk_txn *txn, struct junk_kind *kind,
			    struct mailbox *box)
{
	if (kind->box != box) {
		kind->kind = junk_user_get_kind(txn->juser, box);
		kind->box = box;
	}
	return kind->kind;
}

/* --- messages --- */

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

int junk_txn_add_now(struct junk_txn *txn, struct mail *mail,
		     enum junk_verdict verdict, enum junk_origin origin,
		     bool again)
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

void junk_txn_add_rest(struct junk_txn *txn, const struct junk_pending *pending,
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

void junk_txn_add_unread(struct junk_txn *txn, struct mail *mail)
{
	struct junk_pending pending;

	junk_user_pending_init(txn->juser, mail, &pending);
	pending.verdict = JUNK_VERDICT_SPAM;
	pending.origin = JUNK_ORIGIN_APPEND;
	pending.saved_idx = txn->saved_count - 1;
	junk_txn_add_rest(txn, &pending, FALSE);
}

bool junk_txn_is_full(const struct junk_txn *txn)
{
	return txn->tokens != NULL && txn->tokens->used >= MAX_TOKENS_BYTES;
}

int junk_txn_add(struct junk_txn *txn, struct mail *mail,
		 enum junk_verdict verdict, enum junk_origin origin,
		 unsigned int saved_idx, bool kept)
{
	struct junk_pending pending;
	int ret;

	if (txn->is_virtual) {
		/* its place after the commit is unknown */
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

struct junk_pending *junk_txn_last(struct junk_txn *txn)
{
	return array_idx_modifiable(&txn->pending,
				    array_count(&txn->pending) - 1);
}

void junk_txn_remove_last(struct junk_txn *txn)
{
	buffer_set_used_size(txn->tokens, junk_txn_last(txn)->tokens_pos);
	junk_pending_clear(junk_txn_last(txn));
	array_delete(&txn->pending, array_count(&txn->pending) - 1, 1);
}

void junk_txn_unmark(struct junk_txn *txn, struct mail *mail,
		     unsigned int saved_idx)
{
	if (!junk_user_get_settings(txn->juser)->keywords ||
	    junk_user_forget_held(txn->juser, mailbox_get_vname(mail->box),
				  mail->uid))
		return;
	(void)junk_txn_add(txn, mail, JUNK_VERDICT_RETRACT, JUNK_ORIGIN_ACTION,
			   saved_idx, FALSE);
}

/* --- the trail --- */

void junk_txn_add_trail(struct junk_txn *txn, enum junk_trail_type type,
			uint64_t key)
{
	struct junk_trail_add *add;

	add = array_append_space(&txn->trail);
	add->type = type;
	add->key = key;
}

void junk_txn_add_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
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

uint64_t junk_box_key(struct mailbox *box)
{
	struct mailbox_status status;

	mailbox_get_open_status(box, STATUS_UIDVALIDITY, &status);
	return junk_trail_box_key(mailbox_get_vname(box), status.uidvalidity);
}

bool junk_txn_find_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
			     struct mail *mail, time_t since)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);

	return trail != NULL && mail->uid != 0 &&
		junk_trail_find_uid(trail, type, junk_box_key(mail->box),
				    mail->uid, since, ioloop_time) != 0;
}

bool junk_txn_find_trail(struct junk_txn *txn, enum junk_trail_type type,
			 uint64_t key, time_t since)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);

	return trail != NULL &&
		junk_trail_find(trail, type, key, since, ioloop_time);
}

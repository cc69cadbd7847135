/* COPY and MOVE between a user's mailboxes. junk-decision.c decides what the
   command means; the trail shows whether it is one of several steps. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "junk-sent.h"
#include "junk-txn.h"

/* Of the messages that one command moves from Junk to Trash, so many are also
   recorded by GUID, so that they are recognised wherever they go from there. */
#define MAX_TRASHED_GUIDS 1024

/* Record a copied message: a later deletion of the source completes a move. */
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

/* Record that the last saved message went from Junk to Trash. */
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

/* Returns TRUE if the client's own filter probably moves a message that it has
   marked before. */
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
		/* put back soon after the deletion, which was a mistake */
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
	/* if another client has just expunged the source, read the copy */
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

void junk_mail_copy(void *_txn, struct mail *src, struct mail *dst)
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
	/* Some clients send from Drafts or an outbox. From other folders it may
	   be mail that the user has received. */
	if (to == JUNK_BOX_SENT && from == JUNK_BOX_IGNORE)
		junk_sent_saved(txn, real_src);
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

/* STORE: a client sets keywords (junk, not junk) or flags (seen, answered,
   deleted). */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "junk-txn.h"

/* Of one STORE +FLAGS \Deleted, so many messages are checked for a move by
   APPEND. A command with more messages is a cleanup. */
#define MAX_DELETED_NOTES 1024

/* --- flags --- */

/* Returns when the message was saved to its mailbox. In a Maildir this is the
   time of the last flag change, since the file's name is kept when it moves; a
   move by APPEND may then be missed. */
static time_t junk_mail_arrived(struct mail *mail)
{
	time_t arrived;

	return mail_get_save_date(mail, &arrived) < 0 ? 0 : arrived;
}

/* A message was deleted: record it, or complete a move that an APPEND has
   begun. */
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
		/* for such a message the APPEND alone decides */
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

/* A message is marked as seen. Right after the junk mark, it was the user's
   own. */
static void
junk_mail_seen(struct junk_txn *txn, struct mail *mail, enum mail_flags added,
	       enum junk_keywords keywords)
{
	if ((added & MAIL_SEEN) != 0 && keywords == JUNK_KEYWORDS_JUNK &&
	    junk_user_get_settings(txn->juser)->keywords &&
	    junk_txn_find_trail_uid(txn, JUNK_TRAIL_AUTOMATIC, mail,
				    ioloop_time - AUTOMATIC_SEEN_SECS)) {
		(void)junk_txn_add(txn, mail, JUNK_VERDICT_SPAM,
				   JUNK_ORIGIN_KEYWORD, JUNK_NOT_SAVED, FALSE);
	}
}

void junk_mail_update_flags(void *_txn, struct mail *mail,
			    enum mail_flags old_flags)
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

/* --- keywords --- */

/* Returns TRUE if the client has probably set the mark by itself: the message
   is unseen, and the session has just fetched message text. */
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

void junk_mail_update_keywords(void *_txn, struct mail *mail,
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
	/* the user changed their mind before anything was reported */
	if (kind == JUNK_BOX_JUNK &&
	    junk_user_forget_held(txn->juser,
				  mailbox_get_vname(real_mail->box),
				  real_mail->uid) &&
	    decision != JUNK_DECIDE_HAM_IF_KEPT)
		return;
	junk_keywords_decided(txn, decision, real_mail);
}

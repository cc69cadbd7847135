/* APPEND. A client without COPY, or one that moves messages between accounts,
   stores a message in Junk or in another mailbox. This is half of a move; the
   other half is a deletion (junk-store.c). Either may come first. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "message-date.h"
#include "mail-storage-private.h"
#include "junk-mail-file.h"
#include "junk-sent.h"
#include "junk-txn.h"

/* Messages appended to Junk may be an import. An older message counts as
   imported unless the same message is deleted elsewhere. */
#define IMPORT_AGE_SECS (2*24*60*60)

/* Returns TRUE if the message was deleted and not appended since. last_r: place
   of its last APPEND in the trail. */
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

/* Remove the last message from the reports and record its APPEND in the trail:
   the deletion may come later and then completes the move. */
static void
junk_txn_set_appended(struct junk_txn *txn, enum junk_trail_type deleted,
		      uint64_t key, unsigned int last_place)
{
	struct junk_trail *trail = junk_user_get_trail(txn->juser);
	struct junk_appended *appended;

	junk_txn_add_trail(txn, junk_trail_appended(deleted), key);
	/* in a virtual mailbox the message's place after the commit is
	   unknown */
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

bool junk_time_is_old(time_t received)
{
	return received != (time_t)-1 &&
		received < ioloop_time - IMPORT_AGE_SECS;
}

/* Some programs that store old mail give no date (mbsync). What mail servers have
   written into it, the last one on top, tells all the same. */
static bool junk_mail_came_long_ago(struct mail *mail)
{
	const char *value, *date;
	time_t received;
	bool is_old = FALSE;
	int tz;

	T_BEGIN {
		if (mail_get_first_header(mail, "Received", &value) > 0 &&
		    (date = strrchr(value, ';')) != NULL) {
			date++;
			is_old = message_date_parse((const void *)date,
						    strlen(date), &received,
						    &tz) &&
				junk_time_is_old(received);
		}
	} T_END;
	return is_old;
}

/* Reads the header, unless the date that the client gave is old. */
static bool junk_append_is_old(struct mail *mail)
{
	return junk_time_is_old(junk_mail_saved_date(mail)) ||
		junk_mail_came_long_ago(mail);
}

void junk_mail_save(void *_txn, struct mail *mail)
{
	struct junk_txn *txn = _txn;
	enum junk_decision decision;
	enum junk_verdict verdict;
	enum junk_box kind;
	bool left_junk;
	unsigned int last;
	uint64_t key;

	if (!junk_txn_is_users(txn, mail->transaction))
		return;
	txn->saved_count++;
	mail = junk_txn_real_mail(txn, mail);
	kind = junk_kind_get(txn, &txn->kind, mail->box);
	if (kind == JUNK_BOX_SENT)
		junk_sent_saved(txn, mail);
	if (!junk_user_get_settings(txn->juser)->append)
		return;
	decision = junk_decide_append(kind);
	if (decision == JUNK_DECIDE_NOTHING)
		return;
	verdict = decision == JUNK_DECIDE_HAM_IF_LEFT_JUNK ?
		JUNK_VERDICT_HAM : JUNK_VERDICT_SPAM;
	if (junk_txn_is_full(txn)) {
		if (verdict == JUNK_VERDICT_SPAM && !junk_append_is_old(mail))
			junk_txn_add_unread(txn, mail);
		else
			txn->dropped_count++;
		return;
	}
	if (junk_txn_add_now(txn, mail, verdict, JUNK_ORIGIN_APPEND,
			     verdict == JUNK_VERDICT_SPAM) < 0) {
		if (verdict == JUNK_VERDICT_SPAM && !junk_append_is_old(mail))
			junk_txn_add_unread(txn, mail);
		return;
	}

	junk_user_finish_notes(txn->juser);
	key = junk_trail_key(junk_txn_last(txn)->digest, JUNK_DIGEST_BYTES);
	left_junk = junk_txn_was_deleted(txn, JUNK_TRAIL_DELETED, key, &last);
	if (decision == JUNK_DECIDE_HAM_IF_LEFT_JUNK) {
		if (left_junk) {
			/* this APPEND is the second half of the move */
			junk_txn_add_trail(txn, JUNK_TRAIL_APPENDED, key);
		} else {
			junk_txn_set_appended(txn, JUNK_TRAIL_DELETED, key,
					      last);
		}
	} else if (left_junk) {
		junk_txn_remove_last(txn);
	} else if (junk_append_is_old(mail) &&
		   !junk_txn_was_deleted(txn, JUNK_TRAIL_REMOVED, key, &last)) {
		junk_txn_set_appended(txn, JUNK_TRAIL_REMOVED, key, last);
	}
}

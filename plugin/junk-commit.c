/* What happens after a transaction is committed: the trail is written, and the
   messages are reported, now or after the client has its answer. Messages that
   are reported later are also recorded by their UIDs (junk-intent.h), so that
   the next session can find them if this process is killed. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "lib-event.h"
#include "mail-storage-private.h"
#include "junk-txn.h"

/* --- the trail --- */

/* Another session may have deleted messages after this transaction looked for
   their deletion and before it writes its APPEND record. The session whose
   record is the later one in the file reports the move. So if a deletion is now
   found before our own record, report it here. */
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

/* Record messages that went to Trash by their UIDs there. */
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

/* --- reports --- */

/* Set the UID of a message after the commit. number: index of the saved
   message, or its UID. Returns FALSE if the UID is unknown. */
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
	/* saved UIDs are unknown if the command didn't request them */
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

/* Queue the messages that are reported later, and fill intents with their UIDs.
   intents stays empty if a UID is unknown. Returns FALSE if there are only
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

/* Report the messages that are read later by their UIDs. */
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
		  "in %s are not reported: their new location is unknown, or "
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

/* --- notify --- */

static bool junk_txn_has_reports(const struct junk_txn *txn)
{
	return array_count(&txn->pending) > 0 || array_is_created(&txn->rest);
}

void junk_transaction_commit(void *_txn,
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
	if (junk_txn_has_reports(txn) || array_count(&txn->trail) > 0)
		junk_user_create_control_dir(txn->juser);
	/* this may add reports */
	if (array_count(&txn->trail) > 0)
		junk_txn_write_trail(txn);
	if (junk_txn_has_reports(txn))
		junk_txn_report(txn, changes);
	junk_transaction_end(txn);
}

void junk_transaction_rollback(void *_txn)
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

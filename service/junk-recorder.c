/* Pending reports and their transaction: the reports of a transaction are made
   durable together and then learned. */

#include "lib.h"
#include "array.h"
#include "junk-recorder-private.h"

/* Size of the pool's first block, which is kept between transactions and is
   enough for most of them. */
#define PENDING_POOL_BYTES (512*1024)

struct junk_recorder *
junk_recorder_init(const struct junk_recorder_settings *set,
		   const struct junk_key *key)
{
	struct junk_recorder *recorder = i_new(struct junk_recorder, 1);

	recorder->set = *set;
	recorder->key = key;
	recorder->pending_pool =
		pool_alloconly_create("junk reports", PENDING_POOL_BYTES);
	i_array_init(&recorder->pending, JUNK_RECORDER_MAX_PENDING);
	i_array_init(&recorder->events, JUNK_RECORDER_MAX_PENDING);
	recorder->rate = junk_rate_init();
	recorder->retracts = junk_rate_init();
	recorder->ids = junk_report_ids_init();
	recorder->tokens = junk_token_counts_init();
	return recorder;
}

void junk_recorder_deinit(struct junk_recorder **_recorder)
{
	struct junk_recorder *recorder = *_recorder;

	if (recorder == NULL)
		return;
	*_recorder = NULL;
	junk_snapshot_cancel(recorder);
	junk_token_counts_deinit(&recorder->tokens);
	junk_report_ids_deinit(&recorder->ids);
	junk_rate_deinit(&recorder->retracts);
	junk_rate_deinit(&recorder->rate);
	array_free(&recorder->events);
	array_free(&recorder->pending);
	pool_unref(&recorder->pending_pool);
	i_free(recorder);
}

void junk_recorder_set_db(struct junk_recorder *recorder, struct junk_db *db,
			  struct junk_learner *learner)
{
	junk_snapshot_cancel(recorder);
	recorder->db = db;
	recorder->learner = learner;
	recorder->expiry.old_token = JUNK_DB_FIRST_TOKEN;
	recorder->expiry.rare_token = JUNK_DB_FIRST_TOKEN;
	recorder->expiry.old_token_day = 0;
}

const junk_token_t *junk_recorder_copy_tokens(struct junk_recorder *recorder,
					      const struct junk_report *report)
{
	junk_token_t *tokens = p_new(recorder->pending_pool, junk_token_t,
				     report->token_count + 1);

	if (report->token_count > 0) {
		memcpy(tokens, report->tokens,
		       report->token_count * sizeof(*tokens));
	}
	return tokens;
}

void junk_recorder_add_ordered(struct junk_recorder *recorder,
			       const struct junk_report *report,
			       const struct junk_recorder_ordered *ordered)
{
	struct junk_recorder_pending *copy =
		array_append_space(&recorder->pending);

	copy->report = *report;
	copy->report.tokens = junk_recorder_copy_tokens(recorder, report);
	copy->ordered = *ordered;
}

void junk_recorder_add(struct junk_recorder *recorder,
		       const struct junk_report *report)
{
	static const struct junk_recorder_ordered unused;

	junk_recorder_add_ordered(recorder, report, &unused);
}

void junk_recorder_drop_pending(struct junk_recorder *recorder)
{
	array_clear(&recorder->pending);
	p_clear(recorder->pending_pool);
}

void junk_recorder_set_position(struct junk_recorder *recorder,
				const struct junk_recorder_position *position)
{
	recorder->position = *position;
}

const struct junk_recorder_position *
junk_recorder_position(const struct junk_recorder *recorder)
{
	return &recorder->position;
}

unsigned int junk_recorder_pending_count(struct junk_recorder *recorder)
{
	return array_count(&recorder->pending);
}

/* --- transactions --- */

static int junk_recorder_process_all(struct junk_recorder *recorder,
				     time_t now)
{
	const struct junk_recorder_pending *pending;
	int ret = 0;

	if (junk_db_begin(recorder->db) < 0)
		return -1;
	array_foreach(&recorder->pending, pending) {
		if (recorder->set.ordered) {
			recorder->ordered = &pending->ordered;
			recorder->txn_seq = junk_recorder_first_event(
				pending->ordered.seq) - 1;
		}
		T_BEGIN {
			ret = junk_recorder_process(recorder, &pending->report,
						    now);
		} T_END;
		if (ret < 0)
			break;
	}
	recorder->ordered = NULL;
	if (ret == 0)
		ret = junk_recorder_write_position(recorder);
	if (ret < 0) {
		junk_db_rollback(recorder->db);
		return -1;
	}
	return junk_db_commit(recorder->db);
}

/* Undo the counts of a failed transaction, since its reports stay pending and
   are counted again. */
static void junk_recorder_forget_txn(struct junk_recorder *recorder)
{
	const struct junk_recorder_event *event;

	array_foreach(&recorder->events, event) {
		if (event->undo_of != 0)
			continue;
		if (event->report.verdict == JUNK_VERDICT_RETRACT)
			junk_rate_undo(recorder->retracts,
				       event->report.reporter);
		else if (junk_recorder_is_limited(recorder, &event->report))
			junk_rate_undo(recorder->rate, event->report.reporter);
	}
}

static void junk_recorder_add_counters(struct junk_recorder *recorder)
{
	struct junk_recorder_counters *all = &recorder->counters;
	const struct junk_recorder_counters *txn = &recorder->txn_counters;

	all->recorded += txn->recorded;
	all->repeated += txn->repeated;
	all->changed += txn->changed;
	all->taken_back += txn->taken_back;
	all->burst += txn->burst;
	all->dropped_feature_set += txn->dropped_feature_set;
	all->refused += txn->refused;
	all->misdated += txn->misdated;
	all->commits++;
}

/* Returns TRUE if a later event of the same transaction undoes the event. */
static bool
junk_recorder_is_undone_later(struct junk_recorder *recorder,
			      unsigned int idx)
{
	const struct junk_recorder_event *events;
	unsigned int count;

	events = array_get(&recorder->events, &count);
	for (unsigned int i = idx + 1; i < count; i++) {
		if (events[i].undo_of == events[idx].seq)
			return TRUE;
	}
	return FALSE;
}

static void junk_recorder_need_rebuild(struct junk_recorder *recorder)
{
	recorder->need_rebuild = TRUE;
	junk_snapshot_cancel(recorder);
}

static void junk_recorder_learn_txn(struct junk_recorder *recorder)
{
	const int64_t first_seq = recorder->last_seq + 1;
	const int64_t settled_seq = junk_recorder_settled_seq(recorder);
	const struct junk_recorder_event *event;
	bool has_undo = FALSE;

	array_foreach(&recorder->events, event) {
		if (event->undo_of >= first_seq)
			has_undo = TRUE;
		if (event->undo_of == 0) {
			junk_report_ids_add(recorder->ids,
				junk_recorder_get_digest(&event->report),
				event->seq);
		}
	}
	array_foreach(&recorder->events, event) {
		if (event->ignored || event->undo_of >= first_seq)
			;
		else if (event->undo_of > settled_seq)
			junk_recorder_need_rebuild(recorder);
		else if (!has_undo || event->undo_of != 0 ||
			 !junk_recorder_is_undone_later(recorder,
				array_foreach_idx(&recorder->events, event)))
			junk_recorder_apply(recorder, event);
	}
	recorder->last_seq = recorder->txn_seq;
}

int junk_recorder_commit(struct junk_recorder *recorder, time_t now)
{
	int ret;

	if (array_count(&recorder->pending) == 0)
		return 0;
	i_zero(&recorder->txn_counters);
	recorder->txn_seq = recorder->last_seq;
	ret = junk_recorder_process_all(recorder, now);
	if (ret < 0) {
		junk_recorder_forget_txn(recorder);
	} else {
		junk_recorder_add_counters(recorder);
		junk_recorder_learn_txn(recorder);
		array_clear(&recorder->pending);
	}
	array_clear(&recorder->events);
	if (array_count(&recorder->pending) == 0)
		p_clear(recorder->pending_pool);
	return ret;
}

/* --- numbers --- */

const struct junk_recorder_counters *
junk_recorder_get_counters(struct junk_recorder *recorder)
{
	return &recorder->counters;
}

int junk_recorder_report_count(struct junk_recorder *recorder,
			       uint64_t *count_r)
{
	int64_t count;

	if (junk_db_event_count(recorder->db, &count) < 0)
		return -1;
	*count_r = (uint64_t)count;
	return 0;
}

int64_t junk_recorder_last_seq(struct junk_recorder *recorder)
{
	return recorder->last_seq;
}

int64_t junk_recorder_snapshot_seq(struct junk_recorder *recorder)
{
	return recorder->snapshot_seq;
}

bool junk_recorder_is_rebuild_pending(struct junk_recorder *recorder)
{
	return recorder->need_rebuild;
}

unsigned int junk_recorder_token_count(struct junk_recorder *recorder)
{
	return junk_token_counts_size(recorder->tokens);
}

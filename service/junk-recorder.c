#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "junk-recorder-private.h"

#define HOUR_SECS 3600
#define DAY_SECS 86400
/* Clocks of client and service may differ by so much: they are of one host. */
#define CLOCK_SKEW_SECS 300
/* The first block of the pool is kept from transaction to transaction: enough
   for most. */
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
	recorder->old_token = recorder->rare_token = JUNK_DB_FIRST_TOKEN;
	recorder->old_token_day = 0;
}

static const junk_token_t *
junk_recorder_copy_tokens(struct junk_recorder *recorder,
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

void junk_recorder_add(struct junk_recorder *recorder,
		       const struct junk_report *report)
{
	struct junk_report *copy = array_append_space(&recorder->pending);

	*copy = *report;
	copy->tokens = junk_recorder_copy_tokens(recorder, report);
}

unsigned int junk_recorder_pending_count(struct junk_recorder *recorder)
{
	return array_count(&recorder->pending);
}

/* --- decisions --- */

/* When we have received it: what is forgotten, expires and is limited by the hour
   doesn't depend on what the client says. */
static int64_t receipt_hour(time_t now)
{
	return (int64_t)now / HOUR_SECS * HOUR_SECS;
}

static int64_t stamp_hour(const struct junk_report *report)
{
	return (int64_t)(report->stamp_usecs / 1000000 / HOUR_SECS);
}

/* The client's time only tells which of two reports about a message is newer.
   One of the future would stand against all that come later, and one from before
   what we keep is out of a spool, or made up. */
static bool
junk_recorder_clamp_stamp(const struct junk_recorder *recorder,
			  struct junk_report *report, time_t now)
{
	const int64_t secs = (int64_t)(report->stamp_usecs / 1000000);
	const int64_t oldest = recorder->set.retention_days == 0 ? 0 :
		I_MAX((int64_t)now - (int64_t)recorder->set.retention_days *
		      DAY_SECS, 0);

	if (secs > (int64_t)now + CLOCK_SKEW_SECS)
		report->stamp_usecs = (uint64_t)now * 1000000;
	else if (secs < oldest)
		report->stamp_usecs = (uint64_t)oldest * 1000000;
	else
		return FALSE;
	return TRUE;
}

static bool verdict_teaches(enum junk_verdict verdict)
{
	return verdict == JUNK_VERDICT_SPAM || verdict == JUNK_VERDICT_HAM ||
		verdict == JUNK_VERDICT_WEAK_HAM;
}

static bool
junk_recorder_is_limited(struct junk_recorder *recorder,
			 const struct junk_report *report)
{
	return recorder->set.rate != 0 && verdict_teaches(report->verdict) &&
		!junk_report_is_admins(report);
}

static bool
junk_recorder_is_burst(struct junk_recorder *recorder,
		       const struct junk_report *report, time_t now)
{
	unsigned int count;

	if (!junk_recorder_is_limited(recorder, report))
		return FALSE;
	count = junk_rate_add(recorder->rate, now, report->reporter);
	return count > recorder->set.rate;
}

static struct junk_recorder_event *
junk_recorder_add_event(struct junk_recorder *recorder)
{
	struct junk_recorder_event *event =
		array_append_space(&recorder->events);

	event->seq = ++recorder->txn_seq;
	return event;
}

int junk_recorder_count_hour(struct junk_recorder *recorder,
			     const struct junk_db_report *row, int reports)
{
	const struct junk_db_hour hour = {
		.hour = row->hour,
		.verdict = row->verdict,
		.origin = row->origin,
		.score = row->score,
		.reports = reports,
		.burst = row->burst != 0 ? reports : 0,
	};

	if (!verdict_teaches(row->verdict))
		return 0;
	return junk_db_hour_add(recorder->db, &hour);
}

static int
junk_recorder_insert(struct junk_recorder *recorder,
		     const struct junk_report *report, int score,
		     enum junk_sealed_flags flags, time_t now)
{
	struct junk_recorder_event *event;
	struct junk_report copy = *report;
	struct junk_db_report row;
	buffer_t *sealed = t_buffer_create(512 + report->token_count *
					   sizeof(*report->tokens));

	i_zero(&row);
	row.id = junk_key_report_id(recorder->key, report->reporter,
				    report->digest);
	row.hour = receipt_hour(now);
	row.verdict = report->verdict;
	row.origin = report->origin;
	row.score = score;
	if (junk_recorder_is_burst(recorder, report, now)) {
		row.burst = junk_key_flooder(recorder->key, report->reporter,
					     row.hour);
		/* nobody learns from them, and they would fill the database */
		copy.token_count = 0;
	}
	junk_sealed_write(recorder->key, &copy, flags, sealed);
	row.sealed = sealed->data;
	row.sealed_size = sealed->used;

	event = junk_recorder_add_event(recorder);
	event->hour = row.hour;
	event->report = *report;
	junk_recorder_set_digest(&event->report, row.id);
	event->ignored = row.burst != 0 || !verdict_teaches(row.verdict);
	row.seq = event->seq;
	if (row.burst != 0)
		recorder->txn_counters.burst++;
	if (junk_db_report_insert(recorder->db, &row) < 0)
		return -1;
	return junk_recorder_count_hour(recorder, &row, 1);
}

/* A new pair. */
static int
junk_recorder_record(struct junk_recorder *recorder,
		     const struct junk_report *report, time_t now)
{
	struct junk_model model;
	struct junk_score score;

	recorder->txn_counters.recorded++;
	junk_learner_model(recorder->learner, &model);
	junk_model_score(&model, report->tokens, report->token_count,
			 report->reporter, &score);
	return junk_recorder_insert(recorder, report, score.score, 0, now);
}

static uint64_t junk_recorder_max(const struct junk_recorder *recorder)
{
	return recorder->set.rate == 0 ? UINT64_MAX :
		(uint64_t)recorder->set.rate * JUNK_RECORDER_REFUSE_FACTOR;
}

/* Of a report that isn't known: it may still come out of a spool. Its tokens
   would only fill the database. */
static int
junk_recorder_record_retract(struct junk_recorder *recorder,
			     const struct junk_report *report, time_t now)
{
	struct junk_report copy = *report;

	if (!junk_report_is_admins(report) &&
	    junk_rate_add(recorder->retracts, now, report->reporter) >
	    junk_recorder_max(recorder)) {
		recorder->txn_counters.refused++;
		return 0;
	}
	copy.token_count = 0;
	return junk_recorder_record(recorder, &copy, now);
}

/* What is known of a pair. */
struct junk_recorder_old {
	struct junk_db_report row;
	struct junk_report report;
	enum junk_sealed_flags flags;
	/* the row counts, i.e. was neither taken back nor a retract */
	bool counts;
};

/* Remember the newer time, so that what lies between isn't taken for new, and
   what else there is to know from now on. */
static int
junk_recorder_restamp(struct junk_recorder *recorder,
		      const struct junk_recorder_old *old,
		      const struct junk_report *report,
		      enum junk_sealed_flags flags)
{
	struct junk_report copy = old->report;
	buffer_t *sealed = t_buffer_create(old->row.sealed_size + 64);

	copy.stamp_usecs = report->stamp_usecs;
	junk_sealed_write(recorder->key, &copy, old->flags | flags, sealed);
	return junk_db_report_reseal(recorder->db, old->row.seq,
				     sealed->data, sealed->used);
}

static int
junk_recorder_take_back(struct junk_recorder *recorder,
			const struct junk_recorder_old *old)
{
	struct junk_recorder_event *event = junk_recorder_add_event(recorder);

	event->undo_of = old->row.seq;
	event->hour = old->row.hour;
	/* an incompatible feature set's isn't in the model */
	event->ignored = old->row.burst != 0 ||
		!junk_feature_set_is_compatible(old->report.feature_set);
	event->report = old->report;
	event->report.verdict = old->row.verdict;
	event->report.origin = old->row.origin;
	event->report.tokens = junk_recorder_copy_tokens(recorder,
							 &old->report);
	junk_recorder_set_digest(&event->report, old->row.id);
	if (junk_db_report_undo(recorder->db, old->row.seq, event->seq) < 0)
		return -1;
	return junk_recorder_count_hour(recorder, &old->row, -1);
}

static bool verdict_is_ham(enum junk_verdict verdict)
{
	return verdict == JUNK_VERDICT_HAM || verdict == JUNK_VERDICT_WEAK_HAM;
}

static bool verdict_is_opposite(enum junk_verdict one, enum junk_verdict other)
{
	return (one == JUNK_VERDICT_SPAM && other == JUNK_VERDICT_HAM) ||
		(one == JUNK_VERDICT_HAM && other == JUNK_VERDICT_SPAM);
}

/* Clients send what their user does in several commands, and users change their
   mind: what they do to a message within an hour or two is one act, of which
   only the state that it began and ended with matters. */
static bool
junk_recorder_is_same_act(const struct junk_recorder_old *old,
			  const struct junk_report *report)
{
	return stamp_hour(report) <= stamp_hour(&old->report) + 1;
}

/* Is it a mark that a keyword has made, and that is void now? */
static bool report_is_unmark(const struct junk_report *report)
{
	return report->verdict == JUNK_VERDICT_RETRACT &&
		(report->origin == JUNK_ORIGIN_KEYWORD ||
		 report->origin == JUNK_ORIGIN_ACTION);
}

/* A mark of junk that is taken off takes back spam alone. One of good mail that
   is void takes back what it has said in the same act, if the message hasn't been
   moved out of Junk as well. */
static bool
junk_recorder_may_unmark(const struct junk_recorder_old *old,
			 const struct junk_report *report)
{
	if (report->origin == JUNK_ORIGIN_KEYWORD)
		return !verdict_is_ham(old->row.verdict);
	return old->row.verdict == JUNK_VERDICT_HAM &&
		old->row.origin == JUNK_ORIGIN_KEYWORD &&
		(old->flags & JUNK_SEALED_FLAG_MOVED) == 0 &&
		junk_recorder_is_same_act(old, report);
}

/* Does the new verdict say no more than the one that is known? What a user
   has said plainly isn't overridden by what is only concluded. */
static bool
junk_recorder_is_repetition(const struct junk_recorder_old *old,
			    const struct junk_report *report)
{
	return report->verdict == old->row.verdict ||
		report->verdict == JUNK_VERDICT_WEAK_HAM ||
		(report_is_unmark(report) &&
		 !junk_recorder_may_unmark(old, report));
}

/* The user has thought better of it: both verdicts are plain and opposite,
   about at the same time, and the first isn't itself a change of mind about
   something older. */
static bool
junk_recorder_is_undo(const struct junk_recorder_old *old,
		      const struct junk_report *report)
{
	return (old->flags & JUNK_SEALED_FLAG_CHANGED) == 0 &&
		verdict_is_opposite(old->row.verdict, report->verdict) &&
		junk_recorder_is_same_act(old, report);
}

static enum junk_sealed_flags
junk_recorder_repetition_flags(const struct junk_recorder_old *old,
			       const struct junk_report *report)
{
	return old->row.origin == JUNK_ORIGIN_KEYWORD &&
		report->verdict == old->row.verdict &&
		report->origin != JUNK_ORIGIN_KEYWORD ?
		JUNK_SEALED_FLAG_MOVED : 0;
}

/* A report of what doesn't count, as it is. */
static int
junk_recorder_record_undone(struct junk_recorder *recorder,
			    const struct junk_recorder_old *old,
			    const struct junk_report *report, time_t now)
{
	/* the second half of what has taken it back: a keyword and a move */
	bool same = (old->flags & JUNK_SEALED_FLAG_ACT) != 0 &&
		verdict_is_opposite(old->row.verdict, report->verdict) &&
		junk_recorder_is_same_act(old, report);

	if (!same && report->verdict != JUNK_VERDICT_RETRACT)
		return junk_recorder_record(recorder, report, now);
	recorder->txn_counters.repeated++;
	return junk_recorder_restamp(recorder, old, report, 0);
}

/* It is taken back: what counted before the act does again. */
static int
junk_recorder_undo(struct junk_recorder *recorder,
		   const struct junk_recorder_old *old,
		   const struct junk_report *report, time_t now)
{
	const bool same = junk_recorder_is_same_act(old, report) &&
		(report->verdict != JUNK_VERDICT_RETRACT ||
		 report_is_unmark(report));
	struct junk_report before = old->report;

	recorder->txn_counters.taken_back++;
	if (junk_recorder_restamp(recorder, old, report,
				  same ? JUNK_SEALED_FLAG_ACT : 0) < 0 ||
	    junk_recorder_take_back(recorder, old) < 0)
		return -1;
	if (!same || (old->flags & JUNK_SEALED_FLAG_CHANGED) == 0)
		return 0;
	before.stamp_usecs = report->stamp_usecs;
	before.verdict = old->row.verdict == JUNK_VERDICT_SPAM ?
		JUNK_VERDICT_HAM : JUNK_VERDICT_SPAM;
	before.origin = old->row.origin;
	before.tokens = junk_recorder_copy_tokens(recorder, &old->report);
	return junk_recorder_insert(recorder, &before, old->row.score,
				    JUNK_SEALED_FLAG_CHANGED, now);
}

static int
junk_recorder_record_again(struct junk_recorder *recorder,
			   const struct junk_recorder_old *old,
			   const struct junk_report *report, time_t now)
{
	enum junk_sealed_flags flags = 0;

	if (report->stamp_usecs <= old->report.stamp_usecs) {
		/* the client hasn't seen our acknowledgement, or its spool
		   brings what is out of date */
		recorder->txn_counters.repeated++;
		return 0;
	}
	if (!old->counts) {
		return junk_recorder_record_undone(recorder, old, report,
						   now);
	}
	if (junk_recorder_is_repetition(old, report)) {
		recorder->txn_counters.repeated++;
		return junk_recorder_restamp(recorder, old, report,
			junk_recorder_repetition_flags(old, report));
	}
	if (report->verdict == JUNK_VERDICT_RETRACT ||
	    junk_recorder_is_undo(old, report))
		return junk_recorder_undo(recorder, old, report, now);

	/* The last verdict counts. Its score is what the filter gave before
	   it had seen this message. */
	recorder->txn_counters.changed++;
	if (old->row.verdict != JUNK_VERDICT_WEAK_HAM)
		flags |= JUNK_SEALED_FLAG_CHANGED;
	if (junk_recorder_take_back(recorder, old) < 0)
		return -1;
	return junk_recorder_insert(recorder, report, old->row.score, flags,
				    now);
}

/* Returns 1 if a report is to be recorded, 0 if not, -1 on error. */
static int
junk_recorder_may_report(struct junk_recorder *recorder,
			 const struct junk_report *report, time_t now)
{
	if (junk_recorder_is_limited(recorder, report) &&
	    junk_rate_get(recorder->rate, now, report->reporter) >=
	    junk_recorder_max(recorder))
		return 0;
	if (recorder->set.uid_identities == 0 ||
	    report->uid == JUNK_REPORT_UID_TRUSTED)
		return 1;
	return junk_identities_check(recorder, report, now);
}

/* The newest report of a pair: also one of this transaction, of which nothing
   else knows yet. Returns 1 if found, 0 if not, -1 if the database failed. */
static int
junk_recorder_find(struct junk_recorder *recorder, uint64_t id,
		   struct junk_db_report *row_r)
{
	const struct junk_recorder_event *events;
	unsigned int i;
	int64_t seq;
	int ret;

	events = array_get(&recorder->events, &i);
	for (; i > 0; i--) {
		if (events[i - 1].undo_of == 0 &&
		    junk_recorder_get_digest(&events[i - 1].report) == id) {
			return junk_db_report_find(recorder->db,
						   events[i - 1].seq, id,
						   row_r);
		}
	}
	ret = junk_report_ids_find(recorder->ids, recorder->db, id, &seq);
	return ret <= 0 ? ret :
		junk_db_report_find(recorder->db, seq, id, row_r);
}

static int
junk_recorder_process(struct junk_recorder *recorder,
		      const struct junk_report *report, time_t now)
{
	struct junk_recorder_old old;
	struct junk_report copy = *report;
	uint64_t id = junk_key_report_id(recorder->key, report->reporter,
					 report->digest);
	int ret;

	/* one of an older set was waiting in a spool over an upgrade */
	if (!junk_feature_set_is_compatible(report->feature_set)) {
		recorder->txn_counters.dropped_feature_set++;
		return 0;
	}
	ret = junk_recorder_may_report(recorder, report, now);
	if (ret <= 0) {
		recorder->txn_counters.refused += ret == 0;
		return ret;
	}
	if (junk_recorder_clamp_stamp(recorder, &copy, now)) {
		recorder->txn_counters.misdated++;
		report = &copy;
	}
	ret = junk_recorder_find(recorder, id, &old.row);
	if (ret < 0)
		return -1;
	/* one that can't be read any more can't count either */
	if (ret == 0 ||
	    junk_sealed_read(recorder->key, old.row.sealed,
			     old.row.sealed_size, &old.report,
			     &old.flags) < 0) {
		return report->verdict == JUNK_VERDICT_RETRACT ?
			junk_recorder_record_retract(recorder, report, now) :
			junk_recorder_record(recorder, report, now);
	}
	old.counts = old.row.undone == 0 && verdict_teaches(old.row.verdict);
	return junk_recorder_record_again(recorder, &old, report, now);
}

/* --- transactions --- */

static int junk_recorder_process_all(struct junk_recorder *recorder,
				     time_t now)
{
	const struct junk_report *report;
	int ret = 0;

	if (junk_db_begin(recorder->db) < 0)
		return -1;
	array_foreach(&recorder->pending, report) {
		T_BEGIN {
			ret = junk_recorder_process(recorder, report, now);
		} T_END;
		if (ret < 0) {
			junk_db_rollback(recorder->db);
			return -1;
		}
	}
	return junk_db_commit(recorder->db);
}

/* The reports stay pending and will be counted again. */
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

/* Within one transaction a report may come and go. */
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

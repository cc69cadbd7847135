/* What is recorded of a report: whether it is new, a repetition, a change of mind or
   the taking back of an older one about the same message, and what of that goes into
   the log (junk-db-log.c). */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "junk-recorder-private.h"

#define HOUR_SECS 3600
#define DAY_SECS 86400
/* Clocks of client and service may differ by so much: they are of one host. */
#define CLOCK_SKEW_SECS 300

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

bool junk_recorder_is_limited(struct junk_recorder *recorder,
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

int junk_recorder_process(struct junk_recorder *recorder,
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

/* What is recorded of a report: it is new, a repetition, a change of mind, or
   it takes back an older report about the same message. The result goes into
   the log (junk-db-log.c). */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "junk-recorder-private.h"

#define HOUR_SECS 3600
#define DAY_SECS 86400
/* The maximum difference of the clocks of client and service, which are on the
   same host. */
#define CLOCK_SKEW_SECS 300

/* Returns the hour of receipt. Forgetting, expiry and the hourly limit use it,
   so that they don't depend on the client's time. */
static int64_t receipt_hour(time_t now)
{
	return (int64_t)now / HOUR_SECS * HOUR_SECS;
}

static int64_t stamp_hour(const struct junk_report *report)
{
	return (int64_t)(report->stamp_usecs / 1000000 / HOUR_SECS);
}

/* Limit the client's time, which only decides which of two reports about a
   message is newer. A time in the future would override all later reports. A
   time before the retention period comes from an old spool, or is invented.
   Returns TRUE if the time was changed. */
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

static uint64_t
junk_recorder_report_id(const struct junk_recorder *recorder,
			const struct junk_report *report)
{
	return recorder->set.ordered ? junk_recorder_get_digest(report) :
		junk_key_report_id(recorder->key, report->reporter,
				   report->digest);
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
	row.id = junk_recorder_report_id(recorder, report);
	row.hour = receipt_hour(now);
	row.verdict = report->verdict;
	row.origin = report->origin;
	row.score = score;
	if (junk_recorder_is_burst(recorder, report, now)) {
		row.burst = junk_key_flooder(recorder->key, report->reporter,
					     row.hour);
		/* bursts aren't learned, and their tokens would fill the
		   database */
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

/* Record the first report of a pair of reporter and message. */
static int
junk_recorder_record(struct junk_recorder *recorder,
		     const struct junk_report *report, time_t now)
{
	struct junk_model model;
	struct junk_score score;

	recorder->txn_counters.recorded++;
	if (recorder->ordered != NULL) {
		return junk_recorder_insert(recorder, report,
					    recorder->ordered->score, 0, now);
	}
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

/* Record a retract of an unknown report, which may still be in a spool. Its
   tokens aren't stored, since they would only fill the database. */
static int
junk_recorder_record_retract(struct junk_recorder *recorder,
			     const struct junk_report *report, time_t now)
{
	struct junk_report copy = *report;

	/* in a cluster, the host that got the report has limited it */
	if (!recorder->set.ordered && !junk_report_is_admins(report) &&
	    junk_rate_add(recorder->retracts, now, report->reporter) >
	    junk_recorder_max(recorder)) {
		recorder->txn_counters.refused++;
		return 0;
	}
	copy.token_count = 0;
	return junk_recorder_record(recorder, &copy, now);
}

/* The known report of a pair of reporter and message. */
struct junk_recorder_old {
	struct junk_db_report row;
	struct junk_report report;
	enum junk_sealed_flags flags;
	/* the row counts: it is neither undone nor a retract */
	bool counts;
};

/* Store the newer time in the old row, so that reports of a time in between
   aren't taken for new ones, and add flags. */
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
	/* a report of an incompatible feature set isn't in the model */
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

/* Returns TRUE if both reports belong to one action. Clients send an action of
   their user in several commands, and users change their mind. Everything that
   they do to a message within an hour or two is one action, of which only the
   first and the last state count. */
static bool
junk_recorder_is_same_act(const struct junk_recorder_old *old,
			  const struct junk_report *report)
{
	return stamp_hour(report) <= stamp_hour(&old->report) + 1;
}

/* Returns TRUE if the report retracts a mark that a keyword has made. */
static bool report_is_unmark(const struct junk_report *report)
{
	return report->verdict == JUNK_VERDICT_RETRACT &&
		(report->origin == JUNK_ORIGIN_KEYWORD ||
		 report->origin == JUNK_ORIGIN_ACTION);
}

/* Returns TRUE if a retracted mark may take the old report back. A junk mark
   that is taken off takes back only spam. A void not-junk mark takes back its
   own report of the same action, unless the message was also moved out of
   Junk. */
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

/* Returns TRUE if the new verdict adds nothing to the known one. A conclusion
   never overrides an explicit report of the user. */
static bool
junk_recorder_is_repetition(const struct junk_recorder_old *old,
			    const struct junk_report *report)
{
	return report->verdict == old->row.verdict ||
		report->verdict == JUNK_VERDICT_WEAK_HAM ||
		(report_is_unmark(report) &&
		 !junk_recorder_may_unmark(old, report));
}

/* Returns TRUE if the user has changed their mind: both verdicts are explicit
   and opposite and belong to one action, and the first one isn't itself a
   change of mind about an older report. */
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

/* Record a report about a message whose old report doesn't count. */
static int
junk_recorder_record_undone(struct junk_recorder *recorder,
			    const struct junk_recorder_old *old,
			    const struct junk_report *report, time_t now)
{
	/* the second half of the action that has taken it back: a keyword and a
	   move */
	bool same = (old->flags & JUNK_SEALED_FLAG_ACT) != 0 &&
		verdict_is_opposite(old->row.verdict, report->verdict) &&
		junk_recorder_is_same_act(old, report);

	if (!same && report->verdict != JUNK_VERDICT_RETRACT)
		return junk_recorder_record(recorder, report, now);
	recorder->txn_counters.repeated++;
	return junk_recorder_restamp(recorder, old, report, 0);
}

/* Take a report back. The verdict from before the action counts again. */
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
		/* the client hasn't received the acknowledgement, or its spool
		   has an outdated report */
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

	/* The last verdict counts. It keeps the score that the message had
	   before its first report. */
	recorder->txn_counters.changed++;
	if (old->row.verdict != JUNK_VERDICT_WEAK_HAM)
		flags |= JUNK_SEALED_FLAG_CHANGED;
	if (junk_recorder_take_back(recorder, old) < 0)
		return -1;
	return junk_recorder_insert(recorder, report, old->row.score, flags,
				    now);
}

/* Check the limits of a report. Returns 1 if it may be recorded, 0 if not, -1
   on error. */
static int
junk_recorder_may_report(struct junk_recorder *recorder,
			 const struct junk_report *report, time_t now)
{
	if (junk_recorder_is_limited(recorder, report) &&
	    junk_rate_get(recorder->rate, now, report->reporter) >=
	    junk_recorder_max(recorder))
		return 0;
	if (recorder->set.uid_identities == 0 || recorder->set.ordered ||
	    report->uid == JUNK_REPORT_UID_TRUSTED)
		return 1;
	return junk_identities_check(recorder, report, now);
}

/* Find the newest report of a pair, including those of this transaction, which
   are only in its events yet. Returns 1 if found, 0 if not, -1 if the database
   failed. */
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
	const uint64_t id = junk_recorder_report_id(recorder, report);
	int ret;

	/* a report of an older feature set was in a spool during an upgrade */
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
	/* the row of an expired report may be deleted later on this host than
	   on others */
	if (ret > 0 && recorder->set.ordered &&
	    old.row.hour < recorder->position.expired)
		ret = 0;
	/* a report that can't be read can't count either */
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

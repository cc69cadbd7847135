/* Applies events to the learner and the token counts. Live events and those of
   the log go through the same junk_recorder_apply(). See the invariant in
   junk-recorder.h. */

#include "lib.h"
#include "array.h"
#include "junk-limits.h"
#include "junk-recorder-private.h"

#define DAY_SECS 86400

int64_t junk_recorder_counted_seq(const struct junk_recorder *recorder)
{
	int64_t seq = INT64_MAX;

	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++)
		seq = I_MIN(seq, recorder->token_seqs[i]);
	return seq;
}

int64_t junk_recorder_settled_seq(const struct junk_recorder *recorder)
{
	return I_MIN(recorder->snapshot_seq,
		     junk_recorder_counted_seq(recorder));
}

/* Returns TRUE if an event must still be added to a state that has all events
   up to done_seq. */
static bool
junk_recorder_is_due(const struct junk_recorder_event *event, int64_t done_seq)
{
	return event->seq > done_seq &&
		(event->undo_of == 0 || event->undo_of <= done_seq);
}

static void
junk_recorder_learn(struct junk_recorder *recorder,
		    const struct junk_recorder_event *event)
{
	struct junk_report report = event->report;

	/* use the hour, which is the same live and in a replay: the sealed part
	   has the time of the last repetition */
	report.stamp_usecs = (uint64_t)I_MAX(event->hour, 0) * 1000000;
	if (event->undo_of == 0)
		junk_learner_learn(recorder->learner, &report, 1);
	else
		junk_learner_take_back(recorder->learner, &report);
}

static void
junk_recorder_count_tokens(struct junk_recorder *recorder,
			   const struct junk_recorder_event *event)
{
	const struct junk_report *report = &event->report;
	const int change = event->undo_of == 0 ? 1 : -1;
	const bool spam = report->verdict == JUNK_VERDICT_SPAM;
	uint64_t keyed[JUNK_MAX_TOKENS];
	struct junk_token_count count;

	/* prefetch: otherwise most of the time is spent waiting for memory */
	for (unsigned int i = 0; i < report->token_count; i++) {
		keyed[i] = junk_key_token(recorder->key, report->tokens[i]);
		junk_token_counts_prefetch(recorder->tokens, keyed[i]);
	}
	i_zero(&count);
	count.spam = spam ? change : 0;
	count.ham = spam ? 0 : change;
	count.day = (uint16_t)(event->hour / DAY_SECS);
	for (unsigned int i = 0; i < report->token_count; i++) {
		junk_token_t token = report->tokens[i];
		unsigned int part = junk_token_part(keyed[i]);

		if (!junk_recorder_is_due(event, recorder->token_seqs[part]))
			continue;
		count.token = keyed[i];
		count.class_num = (uint8_t)(token >> JUNK_TOKEN_CLASS_SHIFT);
		count.sketch = change < 0 ? 0 :
			UINT64_C(1) << junk_key_sketch_bit(recorder->key,
							   token,
							   report->reporter);
		junk_token_counts_add(recorder->tokens, &count);
	}
}

void junk_recorder_apply(struct junk_recorder *recorder,
			 const struct junk_recorder_event *event)
{
	if (event->ignored)
		return;
	if (junk_recorder_is_due(event, recorder->snapshot_seq))
		junk_recorder_learn(recorder, event);
	junk_recorder_count_tokens(recorder, event);
}

/* --- replay --- */

/* Count a report of the shared log again, since the limit decides about the
   state. */
static void
junk_recorder_replay_rate(struct junk_recorder *recorder,
			  const struct junk_db_report *row)
{
	enum junk_sealed_flags flags;
	struct junk_report report;

	if (junk_sealed_read(recorder->key, row->sealed, row->sealed_size,
			     &report, &flags) < 0)
		return;
	report.verdict = row->verdict;
	report.origin = row->origin;
	if (junk_recorder_is_limited(recorder, &report)) {
		(void)junk_rate_add(recorder->rate, (time_t)row->hour,
				    report.reporter);
	}
}

static void
junk_recorder_replay_event(struct junk_recorder *recorder,
			   const struct junk_db_event *db_event)
{
	const struct junk_db_report *row = &db_event->report;
	struct junk_recorder_event event;
	enum junk_sealed_flags flags;

	recorder->last_seq = db_event->seq;
	if (recorder->replays_rate && !db_event->undo &&
	    db_event->seq > recorder->snapshot_seq)
		junk_recorder_replay_rate(recorder, row);
	/* skip it as if it never was, unless an older state has it already:
	   then the event that undoes it follows */
	if (row->burst != 0 || row->verdict == JUNK_VERDICT_RETRACT ||
	    (!db_event->undo && row->undone != 0))
		return;
	i_zero(&event);
	if (junk_sealed_read(recorder->key, row->sealed, row->sealed_size,
			     &event.report, &flags) < 0 ||
	    !junk_feature_set_is_compatible(event.report.feature_set))
		return;
	event.seq = db_event->seq;
	event.undo_of = db_event->undo ? row->seq : 0;
	event.hour = row->hour;
	event.report.verdict = row->verdict;
	event.report.origin = row->origin;
	junk_recorder_set_digest(&event.report, row->id);
	junk_recorder_apply(recorder, &event);
}

int junk_recorder_replay(struct junk_recorder *recorder)
{
	struct junk_db_event event;
	struct junk_db_iter *iter;
	int ret;

	iter = junk_db_iter_init(recorder->db,
				 junk_recorder_settled_seq(recorder));
	while ((ret = junk_db_iter_next(iter, &event)) > 0) T_BEGIN {
		junk_recorder_replay_event(recorder, &event);
	} T_END;
	junk_db_iter_deinit(&iter);
	junk_learner_finish(recorder->learner);
	return ret;
}

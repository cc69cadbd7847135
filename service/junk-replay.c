/* The state of learner and token counts, made from what the database holds:
   see the invariant in junk-recorder.h. What happens live and what is replayed
   goes through the same junk_recorder_apply(). */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "byteorder.h"
#include "junk-limits.h"
#include "junk-recorder-private.h"

#define DAY_SECS 86400

int64_t junk_recorder_settled_seq(const struct junk_recorder *recorder)
{
	int64_t seq = recorder->snapshot_seq;

	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++)
		seq = I_MIN(seq, recorder->token_seqs[i]);
	return seq;
}

/* Is an event still to be added to something that has all up to done_seq? */
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

	/* the same live and in a replay: what is sealed has the time of the
	   last repetition */
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

	/* most of the time would go into waiting for memory */
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

static void
junk_recorder_replay_event(struct junk_recorder *recorder,
			   const struct junk_db_event *db_event)
{
	const struct junk_db_report *row = &db_event->report;
	struct junk_recorder_event event;
	enum junk_sealed_flags flags;

	recorder->last_seq = db_event->seq;
	/* as if it never was, unless something older has it already: then its
	   taking back comes as well */
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

static int junk_recorder_replay(struct junk_recorder *recorder)
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

int junk_recorder_rebuild(struct junk_recorder *recorder, const char **error_r)
{
	int ret;

	junk_snapshot_cancel(recorder);
	junk_token_counts_clear(recorder->tokens);
	ret = junk_snapshot_read(recorder, FALSE, error_r);
	if (ret < 0 || junk_recorder_replay(recorder) < 0)
		return -1;
	recorder->need_rebuild = FALSE;
	recorder->counters.rebuilds++;
	return 0;
}

int junk_recorder_load(struct junk_recorder *recorder, const char **error_r)
{
	const char *error;
	int64_t seq;
	int ret;

	recorder->last_seq = recorder->snapshot_seq = 0;
	recorder->need_rebuild = FALSE;
	junk_token_counts_clear(recorder->tokens);
	if (junk_recorder_read_token_seqs(recorder) < 0 ||
	    junk_recorder_read_clock(recorder) < 0 ||
	    junk_report_ids_load(recorder->ids, recorder->db) < 0 ||
	    junk_db_last_seq(recorder->db, &seq) < 0)
		return -1;
	ret = junk_snapshot_read(recorder, TRUE, &error);
	if (ret < 0 || junk_recorder_replay(recorder) < 0)
		return -1;

	/* numbers are never used again, also if the newest rows are gone */
	recorder->last_seq = I_MAX(seq, recorder->snapshot_seq);
	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++) {
		recorder->last_seq = I_MAX(recorder->last_seq,
					   recorder->token_seqs[i]);
	}
	/* the seed of the hashes has to last */
	if (ret == 0 && junk_recorder_snapshot(recorder) < 0)
		return -1;
	*error_r = error;
	return error == NULL ? 0 : 1;
}

int junk_recorder_adopt(struct junk_recorder *recorder)
{
	/* what was in the old database is in the learner; what wasn't counted
	   there yet is lost with it */
	junk_token_counts_clear(recorder->tokens);
	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++)
		recorder->token_seqs[i] = recorder->last_seq;
	recorder->need_rebuild = FALSE;
	if (junk_recorder_read_clock(recorder) < 0 ||
	    junk_report_ids_load(recorder->ids, recorder->db) < 0 ||
	    junk_recorder_write_token_seqs(recorder) < 0)
		return -1;
	return junk_recorder_snapshot(recorder);
}

/* --- where the token counts stand --- */

int junk_recorder_read_token_seqs(struct junk_recorder *recorder)
{
	buffer_t *value = t_buffer_create(sizeof(recorder->token_seqs));
	const unsigned char *data;

	if (junk_db_meta_get(recorder->db, "token_seqs", value) < 0)
		return -1;
	/* none, or of another number of parts: nothing is counted twice */
	data = value->data;
	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++) {
		recorder->token_seqs[i] =
			value->used != sizeof(recorder->token_seqs) ? 0 :
			(int64_t)le64_to_cpu_unaligned(data + i * 8);
	}
	return 0;
}

int junk_recorder_write_token_seqs(struct junk_recorder *recorder)
{
	unsigned char data[JUNK_TOKEN_PART_COUNT * 8];

	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++) {
		cpu64_to_le_unaligned((uint64_t)recorder->token_seqs[i],
				      data + i * 8);
	}
	return junk_db_meta_set(recorder->db, "token_seqs", data,
				sizeof(data));
}

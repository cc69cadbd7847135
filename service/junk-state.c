/* Loads and stores the state of learner and token counts: the last snapshot
   (junk-snapshot.c) and the events after it (junk-replay.c). See the invariant
   in junk-recorder.h. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "junk-recorder-private.h"

#include <sodium.h>

#define DAY_SECS 86400

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
	i_zero(&recorder->position);
	recorder->need_rebuild = FALSE;
	junk_token_counts_clear(recorder->tokens);
	if (junk_recorder_read_token_seqs(recorder) < 0 ||
	    junk_recorder_read_clock(recorder) < 0 ||
	    junk_report_ids_load(recorder->ids, recorder->db) < 0 ||
	    junk_db_last_seq(recorder->db, &seq) < 0)
		return -1;
	ret = junk_snapshot_read(recorder, TRUE, &error);
	recorder->replays_rate = recorder->set.ordered;
	if (ret < 0 || junk_recorder_replay(recorder) < 0)
		return -1;
	recorder->replays_rate = FALSE;
	if (junk_recorder_read_position(recorder) < 0)
		return -1;

	/* never reuse a number, even if the newest rows are missing */
	recorder->last_seq = I_MAX(seq, recorder->snapshot_seq);
	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++) {
		recorder->last_seq = I_MAX(recorder->last_seq,
					   recorder->token_seqs[i]);
	}
	if (recorder->set.ordered) {
		recorder->last_seq = I_MAX(recorder->last_seq,
			junk_recorder_first_event(
				recorder->position.seq + 1) - 1);
	}
	/* write a first snapshot, since it stores the seed */
	if (ret == 0 && junk_recorder_snapshot(recorder) < 0)
		return -1;
	*error_r = error;
	return error == NULL ? 0 : 1;
}

int junk_recorder_snapshot(struct junk_recorder *recorder)
{
	const char *error;
	int ret;

	if (recorder->need_rebuild &&
	    junk_recorder_rebuild(recorder, &error) < 0)
		return -1;
	junk_snapshot_cancel(recorder);
	junk_snapshot_begin(recorder);
	while ((ret = junk_snapshot_step(recorder)) > 0) ;
	junk_snapshot_cancel(recorder);
	return ret;
}

int junk_recorder_adopt(struct junk_recorder *recorder)
{
	/* the learner has what was in the old database; counts that weren't
	   written yet are lost */
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

int junk_recorder_forget_memory(struct junk_recorder *recorder,
				const unsigned char *reporter,
				uint32_t before_day)
{
	const char *error;

	/* a rebuild later would bring them back, so do it first */
	if (recorder->need_rebuild &&
	    junk_recorder_rebuild(recorder, &error) < 0)
		return -1;
	if (junk_learner_forget_many(recorder->learner, reporter,
				     before_day) > 0)
		recorder->snapshot.due = JUNK_SNAPSHOT_HALVES;
	/* a snapshot may have failed the last time */
	return recorder->snapshot.due < JUNK_SNAPSHOT_HALVES ? 0 :
		junk_recorder_snapshot(recorder);
}

/* --- the shared log --- */

int junk_recorder_checkpoint(struct junk_recorder *recorder,
			     const struct junk_recorder_position *position)
{
	recorder->position = *position;
	recorder->last_seq = junk_recorder_first_event(position->seq + 1) - 1;
	return junk_recorder_snapshot(recorder);
}

void junk_recorder_hash(struct junk_recorder *recorder,
			unsigned char hash_r[JUNK_RECORDER_HASH_BYTES])
{
	buffer_t *state = buffer_create_dynamic(default_pool, 8*1024*1024);

	junk_learner_export(recorder->learner, state);
	crypto_generichash(hash_r, JUNK_RECORDER_HASH_BYTES, state->data,
			   state->used, NULL, 0);
	buffer_free(&state);
}

int junk_recorder_expire_ordered(struct junk_recorder *recorder,
				 const struct junk_recorder_position *position)
{
	const char *error;

	if (recorder->need_rebuild &&
	    junk_recorder_rebuild(recorder, &error) < 0)
		return -1;
	(void)junk_learner_forget_many(recorder->learner, NULL, (uint32_t)
				       (position->expired / DAY_SECS));
	return junk_recorder_checkpoint(recorder, position);
}

/* meta "log": i64 seq, i64 expired */
#define POSITION_BYTES (2 * 8)

int junk_recorder_read_position(struct junk_recorder *recorder)
{
	struct junk_recorder_position *position = &recorder->position;
	buffer_t *value = t_buffer_create(POSITION_BYTES);
	const unsigned char *data;

	if (!recorder->set.ordered)
		return 0;
	if (junk_db_meta_get(recorder->db, "log", value) < 0)
		return -1;
	if (value->used != POSITION_BYTES)
		return 0;
	data = value->data;
	position->seq = (int64_t)le64_to_cpu_unaligned(data);
	position->expired = (int64_t)le64_to_cpu_unaligned(data + 8);
	return 0;
}

int junk_recorder_write_position(struct junk_recorder *recorder)
{
	const struct junk_recorder_position *position = &recorder->position;
	unsigned char data[POSITION_BYTES];

	if (!recorder->set.ordered)
		return 0;
	cpu64_to_le_unaligned((uint64_t)position->seq, data);
	cpu64_to_le_unaligned((uint64_t)position->expired, data + 8);
	return junk_db_meta_set(recorder->db, "log", data, sizeof(data));
}

/* --- where the token counts stand --- */

int junk_recorder_read_token_seqs(struct junk_recorder *recorder)
{
	buffer_t *value = t_buffer_create(sizeof(recorder->token_seqs));
	const unsigned char *data;

	if (junk_db_meta_get(recorder->db, "token_seqs", value) < 0)
		return -1;
	/* if there are none, or another number of parts, begin at 0: nothing is
	   counted twice */
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

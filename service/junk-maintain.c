/* Maintenance: work that can wait, in pieces that don't delay reports for long.
   Expiry is in junk-expire.c. */

#include "lib.h"
#include "junk-recorder-private.h"

/* A snapshot writes some megabytes. The replay of 6,000 reports takes about a
   quarter of a second. */
#define SNAPSHOT_REPORTS 6000
#define SNAPSHOT_SECS 300
/* An undone report requires a replay of all reports since the last snapshot. With
   few reports it is done at once. Where users change their minds all the time,
   replays take some percent of a core: so many reports are replayed for each second
   since the last replay, until so many seconds have passed or the next snapshot is
   due. */
#define REBUILD_REPORTS 100
#define REBUILD_SECS 5
/* After a replay of so many reports, a snapshot is written. */
#define REBUILD_MANY 500
/* Reports that one piece of a fit learns, in some ten milliseconds. */
#define LEARN_REPORTS 300
/* Token counts are written after so many seconds, or when so many wait (9 MB),
   which is the usual case under load. The more wait, the fewer rows and pages
   are written for each report, and the more reports are counted again at a
   start. */
#define TOKENS_SECS 10
#define TOKENS_MAX 300000
/* Rows that one piece of work writes. */
#define TOKENS_BATCH 4096
/* Emptying the WAL writes some megabytes or briefly waits for a reader, so it
   isn't done each time that a user changes their mind. */
#define EMPTY_WAL_SECS 60

/* Maintenance no longer waits if so many times the usual amount is due. */
#define BEHIND_FACTOR 2

static bool
junk_recorder_snapshot_is_due(const struct junk_recorder *recorder, time_t now)
{
	int64_t count = recorder->last_seq - recorder->snapshot_seq;

	return count >= SNAPSHOT_REPORTS || recorder->snapshot.due > 0 ||
		(count > 0 && now - recorder->snapshot_time >= SNAPSHOT_SECS);
}

/* Work on a snapshot. Returns 1 if there is more to write, 0 if none is due, -1
   if the database failed. */
static int
junk_recorder_work_snapshot(struct junk_recorder *recorder, time_t now)
{
	/* the log says when, junk_recorder_checkpoint() does it */
	if (recorder->set.ordered)
		return 0;
	/* a snapshot now would contain undone reports, and a fit would have to
	   end first */
	if (recorder->need_rebuild ||
	    junk_learner_is_busy(recorder->learner))
		return 0;
	if (recorder->snapshot_time == 0)
		recorder->snapshot_time = now;
	if (recorder->snapshot.copy != NULL)
		return junk_snapshot_step(recorder) < 0 ? -1 : 1;
	if (junk_recorder_snapshot_is_due(recorder, now)) {
		recorder->snapshot_time = now;
		junk_snapshot_begin(recorder);
		return 1;
	}
	if (recorder->last_seq == recorder->snapshot_seq ||
	    now < recorder->snapshot_time)
		recorder->snapshot_time = now;
	return 0;
}

static int
junk_recorder_write_part(struct junk_recorder *recorder, unsigned int part)
{
	const struct junk_token_count *count;
	unsigned int pos = 0;

	while ((count = junk_token_counts_next(recorder->tokens, part,
					       &pos)) != NULL) {
		const struct junk_db_token token = {
			.token = count->token,
			.class_num = count->class_num,
			.spam = count->spam,
			.ham = count->ham,
			.sketch = count->sketch,
			.day = count->day,
		};

		if (junk_db_token_add(recorder->db, &token) < 0)
			return -1;
	}
	return 0;
}

/* Write parts of the token counts from next_part on, in one transaction.
   *parts_r is set to their number. */
static int
junk_recorder_write_parts(struct junk_recorder *recorder,
			  unsigned int *parts_r)
{
	unsigned int i, part, written = 0;

	for (i = 0; i < JUNK_TOKEN_PART_COUNT && written < TOKENS_BATCH; i++) {
		part = (recorder->next_part + i) % JUNK_TOKEN_PART_COUNT;
		written += junk_token_counts_part_size(recorder->tokens, part);
		if (junk_recorder_write_part(recorder, part) < 0)
			return -1;
		recorder->token_seqs[part] = recorder->last_seq;
	}
	*parts_r = i;
	return junk_recorder_write_token_seqs(recorder);
}

static int
junk_recorder_write_tokens(struct junk_recorder *recorder, time_t now)
{
	int64_t old_seqs[JUNK_TOKEN_PART_COUNT];
	unsigned int parts;

	memcpy(old_seqs, recorder->token_seqs, sizeof(old_seqs));
	if (junk_db_begin(recorder->db) < 0)
		return -1;
	if (junk_recorder_write_parts(recorder, &parts) < 0) {
		junk_db_rollback(recorder->db);
		memcpy(recorder->token_seqs, old_seqs, sizeof(old_seqs));
		return -1;
	}
	if (junk_db_commit(recorder->db) < 0) {
		memcpy(recorder->token_seqs, old_seqs, sizeof(old_seqs));
		return -1;
	}
	for (; parts > 0; parts--) {
		junk_token_counts_clear_part(recorder->tokens,
					     recorder->next_part);
		recorder->next_part =
			(recorder->next_part + 1) % JUNK_TOKEN_PART_COUNT;
		/* all parts are written: new counts may wait again */
		if (recorder->next_part == 0)
			recorder->tokens_time = now;
	}
	return 0;
}

static bool
junk_recorder_tokens_are_due(struct junk_recorder *recorder, time_t now)
{
	unsigned int count = junk_token_counts_size(recorder->tokens);

	/* a clock may jump back */
	if (count == 0 || now < recorder->tokens_time ||
	    recorder->tokens_time == 0)
		recorder->tokens_time = now;
	/* they still contain undone reports */
	return !recorder->need_rebuild && (count >= TOKENS_MAX ||
		(count > 0 && now - recorder->tokens_time >= TOKENS_SECS));
}

static bool
junk_recorder_rebuild_is_due(struct junk_recorder *recorder, time_t now)
{
	int64_t count;

	if (!recorder->need_rebuild)
		return FALSE;
	count = recorder->last_seq - junk_recorder_settled_seq(recorder);
	return count >= SNAPSHOT_REPORTS ||
		junk_token_counts_size(recorder->tokens) >= TOKENS_MAX ||
		now - recorder->rebuild_time >=
			I_MIN(count / REBUILD_REPORTS, REBUILD_SECS) ||
		/* a clock may jump back */
		now < recorder->rebuild_time;
}

/* Rebuild the state. If much was replayed, a snapshot and all token counts are
   written at once: where reports are undone all the time, ever more would be
   replayed again and again. */
static int
junk_recorder_work_rebuild(struct junk_recorder *recorder, time_t now)
{
	const bool much = recorder->last_seq -
		junk_recorder_settled_seq(recorder) >= REBUILD_MANY;
	const char *error;

	if (junk_recorder_rebuild(recorder, &error) < 0)
		return -1;
	recorder->rebuild_time = now;
	if (!much)
		return 1;
	if (!recorder->set.ordered && junk_recorder_snapshot(recorder) < 0)
		return -1;
	recorder->snapshot_time = now;
	while (junk_recorder_counted_seq(recorder) < recorder->last_seq) {
		if (junk_recorder_write_tokens(recorder, now) < 0)
			return -1;
	}
	return 1;
}

/* Empty the WAL, so that no deleted data stays. If a reader is active, the next
   call tries again. */
static int junk_recorder_empty_wal(struct junk_recorder *recorder, time_t now)
{
	/* a clock may jump back */
	if (now >= recorder->wal_time &&
	    now - recorder->wal_time < EMPTY_WAL_SECS)
		return 0;
	recorder->wal_time = now;
	return junk_db_empty_wal(recorder->db) < 0 ? -1 : 0;
}

/* Do a piece of one kind of work. They take turns, since each could take all of
   the time under load: if reports come faster than a snapshot is written, the
   next one is due at its end. */
static int
junk_recorder_work(struct junk_recorder *recorder,
		   enum junk_recorder_work work, time_t now)
{
	switch (work) {
	case JUNK_RECORDER_WORK_LEARN:
		if (!junk_learner_is_busy(recorder->learner))
			return 0;
		(void)junk_learner_step(recorder->learner, LEARN_REPORTS);
		return 1;
	case JUNK_RECORDER_WORK_SNAPSHOT:
		return junk_recorder_work_snapshot(recorder, now);
	case JUNK_RECORDER_WORK_TOKENS:
		if (!junk_recorder_tokens_are_due(recorder, now))
			return 0;
		return junk_recorder_write_tokens(recorder, now) < 0 ? -1 : 1;
	case JUNK_RECORDER_WORK_IDS:
		if (!junk_report_ids_is_due(recorder->ids, now))
			return 0;
		return junk_report_ids_write(recorder->ids, recorder->db,
					     recorder->last_seq, now) < 0 ?
			-1 : 1;
	case JUNK_RECORDER_WORK_EXPIRE:
		return junk_recorder_expire(recorder, now);
	case JUNK_RECORDER_WORK_EXPIRE_TOKENS:
		return junk_recorder_expire_old_tokens(recorder, now);
	case JUNK_RECORDER_WORK_COUNT:
		break;
	}
	i_unreached();
}

int junk_recorder_maintain(struct junk_recorder *recorder, time_t now)
{
	int ret;

	if (junk_recorder_rebuild_is_due(recorder, now))
		return junk_recorder_work_rebuild(recorder, now);
	for (unsigned int i = 0; i < JUNK_RECORDER_WORK_COUNT; i++) {
		enum junk_recorder_work work = recorder->next_work;

		recorder->next_work = (work + 1) % JUNK_RECORDER_WORK_COUNT;
		ret = junk_recorder_work(recorder, work, now);
		if (ret != 0)
			return ret;
	}
	return junk_recorder_empty_wal(recorder, now);
}

bool junk_recorder_is_behind(struct junk_recorder *recorder)
{
	return recorder->expiry.oversized ||
		recorder->last_seq - recorder->snapshot_seq >=
			BEHIND_FACTOR * SNAPSHOT_REPORTS ||
		junk_token_counts_size(recorder->tokens) >=
			BEHIND_FACTOR * TOKENS_MAX;
}

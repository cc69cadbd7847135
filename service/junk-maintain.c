/* What can wait, in pieces that don't keep reports waiting for long. */

#include "lib.h"
#include "str.h"
#include "junk-recorder-private.h"

/* A snapshot writes some megabytes; to replay 6,000 reports takes about a
   quarter of a second. */
#define SNAPSHOT_REPORTS 6000
#define SNAPSHOT_SECS 300
/* What a report that was taken back needs, to learn anew all that came since the
   last snapshot, is done at once if that is so little; more of it (a tenth of a
   second and up) after so long, or when the next snapshot is due anyway. */
#define REBUILD_REPORTS 500
#define REBUILD_SECS 5
/* What a fit of the model does in one piece: some ten milliseconds. */
#define LEARN_REPORTS 300
/* Token counts are written when they are so old, or when so many wait
   (9 MB): under load always the latter. The more wait, the fewer rows and
   pages are written for each report, and the more reports are counted again
   at a start. */
#define TOKENS_SECS 10
#define TOKENS_MAX 300000
/* Rows that one piece writes, deletes, or looks through for what expires. */
#define TOKENS_BATCH 4096
#define EXPIRE_BATCH 500
#define EXPIRE_SECS 600
/* ... and whether the database is too large is asked after so many reports,
   which are some megabytes */
#define EXPIRE_REPORTS 1000
/* To empty the WAL writes some megabytes, or waits for a reader for a moment:
   not each time that a user changes their mind. */
#define EMPTY_WAL_SECS 60
/* Hours name nobody and are small: kept for two years' comparison. */
#define HOURS_KEEP_DAYS 732

/* Maintenance doesn't wait while so many times as much is due as need be. */
#define BEHIND_FACTOR 2

/* Tokens of few people aren't looked for again, if there were few, before so many
   reports. */
#define RARE_REPORTS 10000
/* A row of the table tokens, in a page that isn't full. */
#define TOKEN_ROW_BYTES 40

/* The clock is stored when it has gone on by so much. */
#define CLOCK_STORE_SECS (6*3600)
/* Steps by which it is followed, EXPIRE_SECS apart, before it is believed: a
   day. */
#define CLOCK_STEPS (86400 / EXPIRE_SECS)

#define DAY_SECS 86400

static bool
junk_recorder_snapshot_is_due(const struct junk_recorder *recorder, time_t now)
{
	int64_t count = recorder->last_seq - recorder->snapshot_seq;

	return count >= SNAPSHOT_REPORTS || recorder->snapshots_due > 0 ||
		(count > 0 && now - recorder->snapshot_time >= SNAPSHOT_SECS);
}

/* Returns 1 if there is more to write, 0 if nothing is due. */
static int
junk_recorder_work_snapshot(struct junk_recorder *recorder, time_t now)
{
	/* it would keep what was taken back; and what is being fitted would
	   have to end first */
	if (recorder->need_rebuild ||
	    junk_learner_is_busy(recorder->learner))
		return 0;
	if (recorder->snapshot_time == 0)
		recorder->snapshot_time = now;
	if (recorder->snapshot_copy != NULL)
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

/* Write parts from next_part on, in one transaction; parts_r is how many. */
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
		/* once around: what comes now may wait again */
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
	/* they have what was taken back */
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
	return count < REBUILD_REPORTS || count >= SNAPSHOT_REPORTS ||
		junk_token_counts_size(recorder->tokens) >= TOKENS_MAX ||
		now - recorder->rebuild_time >= REBUILD_SECS ||
		/* a clock may jump back */
		now < recorder->rebuild_time;
}

/* What was much is settled in the same go, all at once: where reports are taken
   back all the time, it would be replayed again and again, ever more of it. */
static int
junk_recorder_work_rebuild(struct junk_recorder *recorder, time_t now)
{
	const bool much = recorder->last_seq -
		junk_recorder_settled_seq(recorder) >= REBUILD_REPORTS;
	const char *error;

	if (junk_recorder_rebuild(recorder, &error) < 0)
		return -1;
	recorder->rebuild_time = now;
	if (!much)
		return 1;
	if (junk_recorder_snapshot(recorder) < 0)
		return -1;
	recorder->snapshot_time = now;
	while (junk_recorder_settled_seq(recorder) < recorder->last_seq) {
		if (junk_recorder_write_tokens(recorder, now) < 0)
			return -1;
	}
	return 1;
}

static void
junk_recorder_count_expired(struct junk_recorder *recorder, int reports)
{
	if (reports > 0) {
		recorder->counters.expired += (unsigned int)reports;
		junk_report_ids_set_expired(recorder->ids);
	}
}

/* Returns 1 if there is more to delete, 0 if not. */
static int
junk_recorder_expire_old(struct junk_recorder *recorder, time_t now)
{
	int64_t passed, before;
	int reports;

	if (recorder->set.retention_days == 0)
		return 0;
	passed = I_MIN(now, recorder->expire_clock);
	before = passed - (int64_t)recorder->set.retention_days * DAY_SECS;
	reports = junk_db_report_expire(recorder->db, before, now,
					junk_recorder_settled_seq(recorder),
					EXPIRE_BATCH);
	if (reports < 0)
		return -1;
	if (junk_db_identity_expire(recorder->db, before) < 0 ||
	    junk_db_hour_expire(recorder->db,
				passed - (int64_t)HOURS_KEEP_DAYS *
				DAY_SECS) < 0)
		return -1;
	junk_recorder_count_expired(recorder, reports);
	/* what goes on a day goes at once, so this is rare */
	if (junk_recorder_forget_memory(recorder, NULL, (uint32_t)
					I_MAX(before / DAY_SECS, 0)) < 0)
		return -1;
	return reports == EXPIRE_BATCH ? 1 : 0;
}

/* Returns 1 if it is worth to go on at once, 0 if not. */
static int junk_recorder_expire_rare(struct junk_recorder *recorder)
{
	int ret = junk_db_token_expire(recorder->db, INT64_MAX,
				       recorder->set.min_reporters,
				       TOKENS_BATCH, &recorder->rare_token);

	if (ret < 0)
		return -1;
	/* where few can go, as they do in all ranges of a hash alike, next to
	   nothing is gained: not all of the table for them */
	return ret >= TOKENS_BATCH / 16 ? 1 : 0;
}

/* Tokens that nobody is shown go before any report where they are most of what
   there is: one person can fill the database with words that nobody else has. All
   are gone through; if that gains little, not again soon. Returns 1 if it is to go
   on, 0 if tokens aren't it. */
static int
junk_recorder_expire_many_tokens(struct junk_recorder *recorder, uint64_t size)
{
	uint64_t count;
	int ret;

	if (!recorder->rare_round) {
		if (recorder->rare_useless_seq > 0 &&
		    recorder->last_seq - recorder->rare_useless_seq <
		    RARE_REPORTS)
			return 0;
		if (junk_db_token_estimate(recorder->db, &count) < 0)
			return -1;
		if (count < size / 2 / TOKEN_ROW_BYTES)
			return 0;
		recorder->rare_round = TRUE;
		recorder->rare_wanted = (unsigned int)I_MIN(count / 16,
							    UINT_MAX);
		recorder->rare_deleted = 0;
		recorder->rare_token = JUNK_DB_FIRST_TOKEN;
	}
	ret = junk_db_token_expire(recorder->db, INT64_MAX,
				   recorder->set.min_reporters, TOKENS_BATCH,
				   &recorder->rare_token);
	if (ret < 0)
		return -1;
	recorder->rare_deleted += (unsigned int)ret;
	if (recorder->rare_token == JUNK_DB_FIRST_TOKEN) {
		recorder->rare_round = FALSE;
		if (recorder->rare_deleted < recorder->rare_wanted)
			recorder->rare_useless_seq = recorder->last_seq;
	}
	return 1;
}

/* What teaches least goes first: bursts, which nobody has learned from, then what
   is of those who have far more than the others, then the oldest. */
static int junk_recorder_expire_reports(struct junk_recorder *recorder)
{
	const int64_t settled_seq = junk_recorder_settled_seq(recorder);
	int ret;

	ret = junk_db_report_expire_bursts(recorder->db, settled_seq,
					   EXPIRE_BATCH);
	if (ret == 0)
		ret = junk_recorder_expire_largest(recorder);
	if (ret == 0) {
		ret = junk_db_report_expire(recorder->db, INT64_MAX, INT64_MAX,
					    settled_seq, EXPIRE_BATCH);
	}
	junk_recorder_count_expired(recorder, ret);
	return ret;
}

/* A sixteenth is left for what comes until the next look, which takes the pages
   that are free then; the file gets smaller only where it may not be as
   large. */
static int junk_recorder_expire_size(struct junk_recorder *recorder)
{
	const uint64_t max = recorder->set.max_database_bytes;
	uint64_t size;
	int ret;

	if (max == 0)
		return 0;
	if (junk_db_size(recorder->db, &size) < 0)
		return -1;
	recorder->oversized = size > max;
	if (size <= max - max / 16)
		return junk_db_shrink(recorder->db, max);
	ret = junk_recorder_expire_many_tokens(recorder, size);
	if (ret == 0)
		ret = junk_recorder_expire_reports(recorder);
	if (ret == 0)
		ret = junk_recorder_expire_rare(recorder);
	return ret > 0 ? 1 : ret;
}

/* Nothing that was deleted stays behind. A reader that is in the way isn't
   waited for: the next time. */
static int junk_recorder_empty_wal(struct junk_recorder *recorder, time_t now)
{
	/* a clock may jump back */
	if (now >= recorder->wal_time &&
	    now - recorder->wal_time < EMPTY_WAL_SECS)
		return 0;
	recorder->wal_time = now;
	return junk_db_empty_wal(recorder->db) < 0 ? -1 : 0;
}

/* --- the clock --- */

int junk_recorder_read_clock(struct junk_recorder *recorder)
{
	string_t *value = t_str_new(MAX_INT_STRLEN);
	int64_t clock;

	recorder->expire_clock = recorder->stored_clock = 0;
	recorder->clock_steps = 0;
	recorder->expiring = FALSE;
	if (junk_db_meta_get(recorder->db, "expire_clock", value) < 0)
		return -1;
	if (str_to_int64(str_c(value), &clock) == 0 && clock > 0)
		recorder->expire_clock = recorder->stored_clock = clock;
	return 0;
}

static int junk_recorder_write_clock(struct junk_recorder *recorder)
{
	const char *value;

	if (recorder->expire_clock - recorder->stored_clock < CLOCK_STORE_SECS)
		return 0;
	value = t_strdup_printf("%"PRId64, (int64_t)recorder->expire_clock);
	if (junk_db_meta_set(recorder->db, "expire_clock", value,
			     strlen(value)) < 0)
		return -1;
	recorder->stored_clock = recorder->expire_clock;
	return 0;
}

/* A clock that is years ahead, for as long as it takes to set it right, must not
   delete all that was reported. What it says is believed at once if it is no more
   than a day ahead of what it said at the last expiry, else by a day each time,
   until it has kept to it for a day. */
static int
junk_recorder_advance_clock(struct junk_recorder *recorder, time_t now)
{
	if (recorder->expire_clock == 0 ||
	    now - recorder->expire_clock <= DAY_SECS) {
		recorder->expire_clock = I_MAX(recorder->expire_clock, now);
		recorder->clock_steps = 0;
	} else if (++recorder->clock_steps > CLOCK_STEPS) {
		recorder->expire_clock = now;
		recorder->clock_steps = 0;
	} else {
		recorder->expire_clock += DAY_SECS;
	}
	return junk_recorder_write_clock(recorder);
}

time_t junk_recorder_clock_lag(struct junk_recorder *recorder, time_t now)
{
	return recorder->clock_steps == 0 ? 0 : now - recorder->expire_clock;
}

static int junk_recorder_expire(struct junk_recorder *recorder, time_t now)
{
	int old = 0, size;
	/* a clock may jump back */
	bool time_is_due = now - recorder->expire_time >= EXPIRE_SECS ||
		now < recorder->expire_time;

	if (!time_is_due &&
	    recorder->last_seq - recorder->expire_seq < EXPIRE_REPORTS)
		return 0;
	if (time_is_due && !recorder->expiring) {
		if (junk_recorder_advance_clock(recorder, now) < 0)
			return -1;
		recorder->expiring = TRUE;
	}
	if ((time_is_due &&
	     (old = junk_recorder_expire_old(recorder, now)) < 0) ||
	    (size = junk_recorder_expire_size(recorder)) < 0)
		return -1;
	if (old + size > 0)
		return 1;
	if (time_is_due) {
		recorder->expire_time = now;
		recorder->expiring = FALSE;
	}
	recorder->expire_seq = recorder->last_seq;
	return 0;
}

/* Once through all tokens each day: they know no more than days. One that comes
   late, behind us, goes the next day. */
static int
junk_recorder_expire_old_tokens(struct junk_recorder *recorder, time_t now)
{
	const int64_t day = I_MIN(now, recorder->expire_clock) / DAY_SECS -
		(int64_t)recorder->set.retention_days;
	const bool begin = recorder->old_token == JUNK_DB_FIRST_TOKEN;

	if (recorder->set.retention_days == 0 ||
	    recorder->expire_clock == 0 ||
	    (begin && day == recorder->old_token_day))
		return 0;
	if (junk_db_token_expire(recorder->db, day + 1,
				 recorder->set.min_reporters,
				 TOKENS_BATCH, &recorder->old_token) < 0)
		return -1;
	if (begin)
		recorder->old_token_day = day;
	return 1;
}

/* The kinds of work, each of which could fill all of the time under load: as
   long as reports come faster than a snapshot is written, the next one is due
   at its end. */
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
	return recorder->oversized ||
		recorder->last_seq - recorder->snapshot_seq >=
			BEHIND_FACTOR * SNAPSHOT_REPORTS ||
		junk_token_counts_size(recorder->tokens) >=
			BEHIND_FACTOR * TOKENS_MAX;
}

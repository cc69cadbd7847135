/* Expiry: deletes reports, hours, identities and tokens that are too old, and,
   if the database is too large, what contributes least to learning. */

#include "lib.h"
#include "str.h"
#include "junk-recorder-private.h"

/* Rows that one piece of work deletes or examines. */
#define TOKENS_BATCH 4096
#define EXPIRE_BATCH 500
#define EXPIRE_SECS 600
/* After so many reports, which are some megabytes, the size of the database is
   checked. */
#define EXPIRE_REPORTS 1000
/* Rows of hours identify nobody and are small. They are kept to compare two
   years. */
#define HOURS_KEEP_DAYS 732

/* If the last search for tokens of few people found few, the next one begins
   after so many reports. */
#define RARE_REPORTS 10000
/* Average bytes of a row of the table tokens, with free space in pages. */
#define TOKEN_ROW_BYTES 40

/* The clock is stored when it has advanced by so much. */
#define CLOCK_STORE_SECS (6*3600)
/* A clock that jumps ahead is believed after so many steps at an interval of
   EXPIRE_SECS, that is after a day. */
#define CLOCK_STEPS (86400 / EXPIRE_SECS)

#define DAY_SECS 86400

static void
junk_recorder_count_expired(struct junk_recorder *recorder, int reports)
{
	if (reports > 0) {
		recorder->counters.expired += (unsigned int)reports;
		junk_report_ids_set_expired(recorder->ids);
	}
}

/* Delete what is too old. Returns 1 if there is more to delete, 0 if not, -1 if
   the database failed. */
static int
junk_recorder_expire_old(struct junk_recorder *recorder, time_t now)
{
	int64_t passed, before;
	int reports;

	if (recorder->set.ordered) {
		reports = junk_db_report_expire(recorder->db,
			recorder->position.expired, now,
			junk_recorder_settled_seq(recorder), EXPIRE_BATCH);
		junk_recorder_count_expired(recorder, reports);
		return reports == EXPIRE_BATCH ? 1 : I_MIN(reports, 0);
	}
	if (recorder->set.retention_days == 0)
		return 0;
	passed = I_MIN(now, recorder->expiry.clock);
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
	/* all of a day is deleted at once, so this is rare */
	if (junk_recorder_forget_memory(recorder, NULL, (uint32_t)
					I_MAX(before / DAY_SECS, 0)) < 0)
		return -1;
	return reports == EXPIRE_BATCH ? 1 : 0;
}

/* Delete tokens of few people. Returns 1 if continuing at once is worthwhile, 0
   if not, -1 if the database failed. */
static int junk_recorder_expire_rare(struct junk_recorder *recorder)
{
	int ret = junk_db_token_expire(recorder->db, INT64_MAX,
				       recorder->set.min_reporters,
				       TOKENS_BATCH,
				       &recorder->expiry.rare_token);

	if (ret < 0)
		return -1;
	/* tokens are hashes, so each range has the same share of deletable
	   ones. If this one has few, continuing through the table gains
	   little */
	return ret >= TOKENS_BATCH / 16 ? 1 : 0;
}

/* Delete tokens of few people before any report, if they are most of the
   database: one person can fill it with words that nobody else uses. All tokens
   are examined. If that gains little, it isn't repeated soon. Returns 1 to
   continue, 0 if tokens aren't the cause, -1 if the database failed. */
static int
junk_recorder_expire_many_tokens(struct junk_recorder *recorder, uint64_t size)
{
	uint64_t count;
	int ret;

	if (!recorder->expiry.rare_round) {
		if (recorder->expiry.rare_useless_seq > 0 &&
		    recorder->last_seq - recorder->expiry.rare_useless_seq <
		    RARE_REPORTS)
			return 0;
		if (junk_db_token_estimate(recorder->db, &count) < 0)
			return -1;
		if (count < size / 2 / TOKEN_ROW_BYTES)
			return 0;
		recorder->expiry.rare_round = TRUE;
		recorder->expiry.rare_wanted = (unsigned int)I_MIN(count / 16,
							    UINT_MAX);
		recorder->expiry.rare_deleted = 0;
		recorder->expiry.rare_token = JUNK_DB_FIRST_TOKEN;
	}
	ret = junk_db_token_expire(recorder->db, INT64_MAX,
				   recorder->set.min_reporters, TOKENS_BATCH,
				   &recorder->expiry.rare_token);
	if (ret < 0)
		return -1;
	recorder->expiry.rare_deleted += (unsigned int)ret;
	if (recorder->expiry.rare_token == JUNK_DB_FIRST_TOKEN) {
		recorder->expiry.rare_round = FALSE;
		if (recorder->expiry.rare_deleted <
		    recorder->expiry.rare_wanted)
			recorder->expiry.rare_useless_seq = recorder->last_seq;
	}
	return 1;
}

/* Delete reports that contribute least: first bursts, which aren't learned,
   then those of reporters with far more than others, then the oldest. */
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

/* Keep the database below its limit. A sixteenth stays free for reports until
   the next check; they reuse free pages. The file shrinks only if it exceeds
   the limit. */
static int junk_recorder_expire_size(struct junk_recorder *recorder)
{
	const uint64_t max = recorder->set.max_database_bytes;
	uint64_t size;
	int ret;

	if (max == 0)
		return 0;
	if (junk_db_size(recorder->db, &size) < 0)
		return -1;
	recorder->expiry.oversized = size > max;
	if (size <= max - max / 16)
		return junk_db_shrink(recorder->db, max);
	ret = junk_recorder_expire_many_tokens(recorder, size);
	if (ret == 0)
		ret = junk_recorder_expire_reports(recorder);
	if (ret == 0)
		ret = junk_recorder_expire_rare(recorder);
	return ret > 0 ? 1 : ret;
}

/* --- the clock --- */

int junk_recorder_read_clock(struct junk_recorder *recorder)
{
	string_t *value = t_str_new(MAX_INT_STRLEN);
	int64_t clock;

	recorder->expiry.clock = recorder->expiry.stored_clock = 0;
	recorder->expiry.clock_steps = 0;
	recorder->expiry.running = FALSE;
	if (junk_db_meta_get(recorder->db, "expire_clock", value) < 0)
		return -1;
	if (str_to_int64(str_c(value), &clock) == 0 && clock > 0)
		recorder->expiry.clock = recorder->expiry.stored_clock = clock;
	return 0;
}

static int junk_recorder_write_clock(struct junk_recorder *recorder)
{
	const char *value;

	if (recorder->expiry.clock - recorder->expiry.stored_clock <
	    CLOCK_STORE_SECS)
		return 0;
	value = t_strdup_printf("%"PRId64, (int64_t)recorder->expiry.clock);
	if (junk_db_meta_set(recorder->db, "expire_clock", value,
			     strlen(value)) < 0)
		return -1;
	recorder->expiry.stored_clock = recorder->expiry.clock;
	return 0;
}

/* Advance the clock of expiry. A clock that is temporarily years ahead must not
   delete all reports. It is believed at once if it is at most a day ahead of
   its value at the last expiry. Otherwise expiry follows it by one day each
   time, until it has kept its value for a day. */
static int
junk_recorder_advance_clock(struct junk_recorder *recorder, time_t now)
{
	if (recorder->expiry.clock == 0 ||
	    now - recorder->expiry.clock <= DAY_SECS) {
		recorder->expiry.clock = I_MAX(recorder->expiry.clock, now);
		recorder->expiry.clock_steps = 0;
	} else if (++recorder->expiry.clock_steps > CLOCK_STEPS) {
		recorder->expiry.clock = now;
		recorder->expiry.clock_steps = 0;
	} else {
		recorder->expiry.clock += DAY_SECS;
	}
	return junk_recorder_write_clock(recorder);
}

time_t junk_recorder_clock_lag(struct junk_recorder *recorder, time_t now)
{
	return recorder->expiry.clock_steps == 0 ? 0 :
		now - recorder->expiry.clock;
}

/* --- by turns --- */

int junk_recorder_expire(struct junk_recorder *recorder, time_t now)
{
	int old = 0, size;
	/* a clock may jump back */
	bool time_is_due = now - recorder->expiry.time >= EXPIRE_SECS ||
		now < recorder->expiry.time;

	if (!time_is_due &&
	    recorder->last_seq - recorder->expiry.seq < EXPIRE_REPORTS)
		return 0;
	if (time_is_due && !recorder->expiry.running) {
		if (junk_recorder_advance_clock(recorder, now) < 0)
			return -1;
		recorder->expiry.running = TRUE;
	}
	if ((time_is_due &&
	     (old = junk_recorder_expire_old(recorder, now)) < 0) ||
	    (size = junk_recorder_expire_size(recorder)) < 0)
		return -1;
	if (old + size > 0)
		return 1;
	if (time_is_due) {
		recorder->expiry.time = now;
		recorder->expiry.running = FALSE;
	}
	recorder->expiry.seq = recorder->last_seq;
	return 0;
}

int junk_recorder_expire_old_tokens(struct junk_recorder *recorder, time_t now)
{
	const int64_t day = I_MIN(now, recorder->expiry.clock) / DAY_SECS -
		(int64_t)recorder->set.retention_days;
	const bool begin = recorder->expiry.old_token == JUNK_DB_FIRST_TOKEN;

	if (recorder->set.retention_days == 0 ||
	    recorder->expiry.clock == 0 ||
	    (begin && day == recorder->expiry.old_token_day))
		return 0;
	if (junk_db_token_expire(recorder->db, day + 1,
				 recorder->set.min_reporters,
				 TOKENS_BATCH, &recorder->expiry.old_token) < 0)
		return -1;
	if (begin)
		recorder->expiry.old_token_day = day;
	return 1;
}

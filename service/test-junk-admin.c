/* Tests forget, rebuild and lookup of reports, also by comparing the learner's
   state with that of a service that never had them. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "test-common.h"
#include "test-junk-service.h"
#include "junk-recorder-private.h"

#define HOUR 3600
#define DAY (24*HOUR)
/* the beginning of an hour */
#define NOW ((time_t)(472500 * HOUR))
#define LATER (NOW + 5*HOUR)
#define TEST_TOKENS 12

#define SPAM JUNK_VERDICT_SPAM
#define HAM JUNK_VERDICT_HAM

static struct junk_key *key;
static struct junk_db *db;
static struct junk_learner *learner;
static struct junk_recorder *recorder;
static struct junk_recorder_settings recorder_set;

static void test_load(void)
{
	struct junk_learner_settings set;
	const char *error;

	junk_learner_deinit(&learner);
	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = 10;
	set.min_reporters = set.min_reports = set.min_evidence = 1;
	set.seed = 12345;
	learner = junk_learner_init(&set);
	junk_recorder_set_db(recorder, db, learner);
	test_assert(junk_recorder_load(recorder, &error) == 0);
}

static void test_open(void)
{
	test_db_delete();
	db = test_db_open(key);
	recorder = junk_recorder_init(&recorder_set, key);
	test_load();
}

static void test_close(void)
{
	junk_recorder_deinit(&recorder);
	junk_learner_deinit(&learner);
	junk_db_close(&db);
}

static void test_begin_admin(const char *name)
{
	test_begin(name);
	i_zero(&recorder_set);
	recorder_set.min_reporters = 2;
	key = test_key_new();
	test_open();
}

static void test_end_admin(void)
{
	test_close();
	junk_key_unref(&key);
	test_end();
}

static junk_token_t test_token(unsigned int m, unsigned int i)
{
	/* half of them are in all messages */
	unsigned int word = i < TEST_TOKENS / 2 ? i : m * 100 + i;

	return junk_token_hash((enum junk_token_class)(i % 4),
			       &word, sizeof(word));
}

static void
test_record(unsigned int r, unsigned int m, enum junk_verdict verdict,
	    enum junk_origin origin, time_t when)
{
	junk_token_t tokens[TEST_TOKENS];
	struct junk_report report;

	i_zero(&report);
	for (unsigned int i = 0; i < TEST_TOKENS; i++)
		tokens[i] = test_token(m, i);
	report.stamp_usecs = (uint64_t)when * 1000000;
	report.verdict = verdict;
	report.origin = origin;
	report.feature_set = JUNK_FEATURE_SET;
	report.reporter[0] = (unsigned char)(r + 1);
	report.digest[0] = (unsigned char)m;
	report.tokens = tokens;
	report.token_count = TEST_TOKENS;
	junk_recorder_add(recorder, &report);
	test_assert(junk_recorder_commit(recorder, when) == 0);
}

/* Record the reports that must stay. */
static void test_record_good(void)
{
	for (unsigned int m = 0; m < 20; m++) {
		test_record(m % 5, m, m % 3 == 0 ? HAM : SPAM,
			    JUNK_ORIGIN_MOVE, NOW + (time_t)m);
	}
}

static buffer_t *test_state(void)
{
	buffer_t *state = buffer_create_dynamic(default_pool, 1024);

	junk_learner_export(learner, state);
	return state;
}

/* Returns the state after only the reports that must stay. */
static buffer_t *test_good_state(void)
{
	buffer_t *state;

	test_record_good();
	test_load();
	state = test_state();
	test_close();
	test_open();
	return state;
}

static void test_settle(void)
{
	time_t now = NOW + 11 * DAY;

	test_assert(junk_recorder_snapshot(recorder) == 0);
	(void)junk_recorder_maintain(recorder, now);
	while (junk_recorder_maintain(recorder, now + 20) > 0) ;
}

static int64_t test_count(const char *where)
{
	return test_db_int(t_strconcat("SELECT coalesce(sum(reports), 0) "
				       "FROM hours WHERE ", where, NULL));
}

static void
test_forget(const struct junk_forget *forget, unsigned int count, bool exact)
{
	unsigned int found;
	bool is_exact;

	test_assert(junk_recorder_forget(recorder, forget, &found,
					 &is_exact) == 0);
	test_assert(found == count);
	test_assert(is_exact == exact);
	test_load();
}

/* Get the people who have reported each of the tokens that all messages have. */
static void test_common_sketches(uint64_t sketches_r[TEST_TOKENS / 2])
{
	struct junk_db_token token;

	for (unsigned int i = 0; i < TEST_TOKENS / 2; i++) {
		test_assert_idx(junk_recorder_lookup(recorder, test_token(0, i),
						     &token) == 1, i);
		sketches_r[i] = token.sketch;
	}
}

static void test_junk_admin_forget_since(void)
{
	const struct junk_forget forget = { .since = LATER + 100 };
	const struct junk_forget before = {
		.since = LATER - HOUR, .until = LATER,
	};
	uint64_t people[TEST_TOKENS / 2], after[TEST_TOKENS / 2];
	buffer_t *good, *state;

	test_begin_admin("forget: since a time, exactly");
	good = test_good_state();
	test_record_good();
	test_common_sketches(people);
	for (unsigned int m = 0; m < 30; m++)
		test_record(9, 50 + m, HAM, JUNK_ORIGIN_MOVE, LATER);
	/* also if all reports are in the snapshot */
	test_settle();
	test_forget(&before, 0, TRUE);
	test_forget(&forget, 30, TRUE);
	state = test_state();
	test_assert(buffer_cmp(good, state));
	test_common_sketches(after);
	test_assert(memcmp(people, after, sizeof(people)) == 0);
	test_assert(test_count("verdict = 2") == 7);
	test_assert(test_count("1") == 20);
	/* a second time, nothing is left to forget */
	test_forget(&forget, 0, TRUE);
	/* a forgotten message may be reported again */
	test_record(9, 50, SPAM, JUNK_ORIGIN_MOVE, LATER + DAY);
	test_assert(test_count("1") == 21);
	buffer_free(&good);
	buffer_free(&state);
	test_end_admin();
}

static void test_junk_admin_forget_wal(void)
{
	const struct junk_forget forget = { .since = LATER };
	time_t now = NOW + 12 * DAY;

	test_begin_admin("forget: old pages don't stay in the WAL");
	test_record_good();
	test_record(9, 50, HAM, JUNK_ORIGIN_MOVE, LATER);
	test_settle();
	test_forget(&forget, 1, TRUE);
	test_assert(test_db_wal_size() > 0);
	/* token counts are written first: one round notes the time, the next
	   one is due */
	while (junk_recorder_maintain(recorder, now) > 0) ;
	now += HOUR;
	while (junk_recorder_maintain(recorder, now) > 0) ;
	test_assert(test_db_wal_size() == 0);
	/* not emptied at each step */
	test_record(9, 51, HAM, JUNK_ORIGIN_MOVE, now);
	test_record(9, 51, JUNK_VERDICT_RETRACT, JUNK_ORIGIN_MOVE, now + 1);
	while (junk_recorder_maintain(recorder, now + 2) > 0) ;
	test_assert(test_db_wal_size() > 0);
	test_end_admin();
}

static void test_junk_admin_forget_origin(void)
{
	const struct junk_forget forget = {
		.since = 0, .origin = JUNK_ORIGIN_APPEND,
	};
	buffer_t *good, *state;

	test_begin_admin("forget: by origin");
	good = test_good_state();
	test_record_good();
	for (unsigned int m = 0; m < 7; m++)
		test_record(9, 50 + m, HAM, JUNK_ORIGIN_APPEND, LATER);
	test_forget(&forget, 7, TRUE);
	state = test_state();
	test_assert(buffer_cmp(good, state));
	test_assert(test_count("origin = 3") == 0);
	buffer_free(&good);
	buffer_free(&state);
	test_end_admin();
}

static void test_junk_admin_forget_burst(void)
{
	const struct junk_forget forget = { .since = NOW, .burst = TRUE };
	buffer_t *good, *state;

	test_begin_admin("forget: all of who exceeded the limit");
	recorder_set.rate = 6;
	test_close();
	test_open();
	good = test_good_state();
	test_record_good();
	for (unsigned int m = 0; m < 30; m++)
		test_record(9, 50 + m, HAM, JUNK_ORIGIN_MOVE, LATER);
	test_assert(test_db_int("SELECT sum(burst) FROM hours") == 24);
	/* forget the reports within the limit, too */
	test_forget(&forget, 30, TRUE);
	state = test_state();
	test_assert(buffer_cmp(good, state));
	test_assert(test_db_int("SELECT sum(burst) FROM hours") == 0);
	buffer_free(&good);
	buffer_free(&state);
	test_end_admin();
}

static void test_junk_admin_forget_reporter(void)
{
	const unsigned char reporter[JUNK_REPORTER_BYTES] = { 9 + 1 };
	const struct junk_forget forget = {
		.since = LATER, .until = LATER + 1, .reporter = reporter,
	};
	buffer_t *good, *state;

	test_begin_admin("forget: one reporter's, of some hours");
	test_record_good();
	test_record(9, 100, HAM, JUNK_ORIGIN_MOVE, NOW + 100);
	test_record(3, 101, HAM, JUNK_ORIGIN_MOVE, LATER);
	test_record(9, 102, HAM, JUNK_ORIGIN_MOVE, LATER + HOUR);
	test_load();
	good = test_state();
	test_close();
	test_open();
	test_record_good();
	test_record(9, 100, HAM, JUNK_ORIGIN_MOVE, NOW + 100);
	for (unsigned int m = 0; m < 7; m++)
		test_record(9, 50 + m, SPAM, JUNK_ORIGIN_MOVE, LATER);
	test_record(3, 101, HAM, JUNK_ORIGIN_MOVE, LATER);
	test_record(9, 102, HAM, JUNK_ORIGIN_MOVE, LATER + HOUR);
	test_forget(&forget, 7, TRUE);
	state = test_state();
	test_assert(buffer_cmp(good, state));
	buffer_free(&good);
	buffer_free(&state);
	test_end_admin();
}

static void test_junk_admin_forget_expired(void)
{
	const struct junk_forget forget = { .since = LATER };

	test_begin_admin("forget: older reports have expired");
	test_record_good();
	test_record(9, 50, HAM, JUNK_ORIGIN_MOVE, LATER);
	test_settle();
	/* all but the first report, which seems newer since the clock was
	   ahead */
	test_db_exec("DELETE FROM reports WHERE seq BETWEEN 2 AND 10");
	/* what was learned from deleted reports is only in the snapshot, and
	   stays */
	test_forget(&forget, 1, FALSE);
	test_assert(recorder->snapshot_seq > 0);
	test_end_admin();
}

/* If a user's reports have expired, forgetting the user also removes what the
   replay buffer has. */
static void test_junk_admin_forget_rest(void)
{
	static const unsigned char nine[JUNK_REPORTER_BYTES] = { 9 + 1 };
	const struct junk_forget some = {
		.reporter = nine, .origin = JUNK_ORIGIN_MOVE,
	};
	const struct junk_forget forget = { .reporter = nine };

	test_begin_admin("forget: what is left of a reporter");
	test_record_good();
	test_record(9, 50, HAM, JUNK_ORIGIN_MOVE, NOW);
	test_settle();
	test_db_exec("DELETE FROM reports");
	test_forget(&forget, 0, FALSE);
	test_assert(junk_recorder_forget_rest(recorder, &some) == 0);
	test_assert(junk_learner_forget_many(learner, nine, UINT32_MAX) == 1);
	test_load();
	test_assert(junk_recorder_forget_rest(recorder, &forget) == 0);
	test_assert(recorder->snapshot.due == 1);
	test_load();
	test_assert(junk_learner_forget_many(learner, nine, UINT32_MAX) == 0);
	test_assert(junk_learner_forget_many(learner, NULL, UINT32_MAX) == 20);
	test_end_admin();
}

static void test_junk_admin_rebuild(void)
{
	buffer_t *before, *after;

	test_begin_admin("drop_snapshot: learned anew");
	test_record_good();
	test_load();
	before = test_state();
	test_settle();
	test_assert(junk_recorder_drop_snapshot(recorder) == 0);
	test_load();
	after = test_state();
	test_assert(buffer_cmp(before, after));
	buffer_free(&before);
	buffer_free(&after);
	test_end_admin();
}

static void test_junk_admin_lookup(void)
{
	struct junk_db_token token;
	int ret;

	test_begin_admin("lookup: only what enough people have reported");
	test_assert(junk_recorder_lookup(recorder, test_token(1, 11),
					 &token) == 0);
	test_record(0, 1, SPAM, JUNK_ORIGIN_MOVE, NOW);
	test_assert(junk_recorder_lookup(recorder, test_token(1, 11),
					 &token) == 0);
	test_record(1, 1, SPAM, JUNK_ORIGIN_MOVE, NOW);
	/* two people are enough if their bits in the sketch differ */
	ret = junk_recorder_lookup(recorder, test_token(1, 11), &token);
	test_assert((ret == 1) ==
		    (junk_db_sketch_reporters(token.sketch) >= 2));
	test_record(2, 1, HAM, JUNK_ORIGIN_MOVE, NOW);
	/* counts in memory, in the table, and in both */
	for (unsigned int i = 0; i < 3; i++) {
		test_assert_idx(junk_recorder_lookup(recorder,
						     test_token(1, 11),
						     &token) == 1, i);
		test_assert_idx(token.spam == 2 && token.class_num == 3, i);
		test_assert_idx(token.ham == (i < 2 ? 1 : 2), i);
		test_settle();
		if (i == 1) {
			test_record(3, 1, HAM, JUNK_ORIGIN_MOVE,
				    NOW + 12 * DAY);
		}
	}
	test_end_admin();
}

static void test_init(void)
{
	test_dir_init("junk-admin");
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_init,
		test_junk_admin_forget_since,
		test_junk_admin_forget_wal,
		test_junk_admin_forget_origin,
		test_junk_admin_forget_burst,
		test_junk_admin_forget_reporter,
		test_junk_admin_forget_expired,
		test_junk_admin_forget_rest,
		test_junk_admin_rebuild,
		test_junk_admin_lookup,
		test_dir_deinit,
		NULL
	};
	return test_run(test_functions);
}

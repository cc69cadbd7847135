/* Tests what is recorded: sequences of verdicts, limits, faults, expiry, and
   that a replay gives the same state. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "test-common.h"
#include "test-junk-service.h"
#include "junk-recorder-private.h"

#include <sqlite3.h>

#define HOUR 3600
#define DAY (24*HOUR)
/* the beginning of an hour */
#define NOW ((time_t)(472500 * HOUR))
#define TEST_LOG2 10
#define TEST_TOKENS 20

static struct junk_key *key;
static struct junk_db *db;
static struct junk_learner *learner;
static struct junk_recorder *recorder;
static junk_token_t test_tokens[TEST_TOKENS];
static struct junk_recorder_settings recorder_set;
static unsigned int test_log2 = TEST_LOG2;

static struct junk_learner *test_learner_new(void)
{
	struct junk_learner_settings set;

	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = test_log2;
	set.min_reporters = 1;
	set.min_reports = set.min_evidence = 1;
	set.seed = 12345;
	return junk_learner_init(&set);
}

static void test_open(void)
{
	const char *error;

	db = test_db_open(key);
	learner = test_learner_new();
	recorder = junk_recorder_init(&recorder_set, key);
	junk_recorder_set_db(recorder, db, learner);
	test_assert(junk_recorder_load(recorder, &error) == 0);
}

static void test_close(void)
{
	junk_recorder_deinit(&recorder);
	junk_learner_deinit(&learner);
	junk_db_close(&db);
}

/* Begin with a new database, without limits. */
static void test_begin_recorder(const char *name)
{
	test_begin(name);
	i_zero(&recorder_set);
	recorder_set.min_reporters = 2;
	key = test_key_new();
	test_db_delete();
	test_open();
}

static void test_end_recorder(void)
{
	test_close();
	junk_recorder_deinit(&recorder);
	junk_key_unref(&key);
	test_end();
}

/* Returns a report of message m by reporter r; its words depend on m. */
static struct junk_report *
test_report(unsigned int r, unsigned int m, enum junk_verdict verdict,
	    time_t when)
{
	static struct junk_report report;

	i_zero(&report);
	report.stamp_usecs = (uint64_t)when * 1000000;
	report.verdict = verdict;
	report.origin = JUNK_ORIGIN_MOVE;
	report.feature_set = JUNK_FEATURE_SET;
	report.size_bytes = 1000;
	report.reporter[0] = (unsigned char)(r + 1);
	report.digest[0] = (unsigned char)m;
	report.digest[1] = (unsigned char)(m >> 8);
	for (unsigned int i = 0; i < TEST_TOKENS; i++) {
		/* half of them are in all messages */
		unsigned int word = i < 10 ? i : m % 20 * 10 + i;

		test_tokens[i] = junk_token_hash(
			(enum junk_token_class)(i % 4), &word, sizeof(word));
	}
	report.tokens = test_tokens;
	report.token_count = TEST_TOKENS;
	return &report;
}

static void test_add(unsigned int r, unsigned int m,
		     enum junk_verdict verdict, time_t when)
{
	junk_recorder_add(recorder, test_report(r, m, verdict, when));
}

static void test_record(unsigned int r, unsigned int m,
			enum junk_verdict verdict, time_t when)
{
	test_add(r, m, verdict, when);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0);
}

/* As above, received at the time of the report. */
static void test_receive(unsigned int r, unsigned int m, time_t when)
{
	test_add(r, m, JUNK_VERDICT_SPAM, when);
	test_assert(junk_recorder_commit(recorder, when) == 0);
}

/* Run maintenance as if the service had been running all the time. */
static int test_maintain(time_t now)
{
	if (recorder->expiry.clock > 0)
		recorder->expiry.clock = I_MAX(recorder->expiry.clock, now);
	return junk_recorder_maintain(recorder, now);
}

/* Returns the whole state as bytes. */
static buffer_t *
test_state(struct junk_learner *l, struct junk_recorder *rec)
{
	buffer_t *state = buffer_create_dynamic(default_pool, 1024);
	const struct junk_token_count *count;

	junk_learner_export(l, state);
	for (unsigned int part = 0; part < JUNK_TOKEN_PART_COUNT; part++) {
		uint64_t sum[4] = { 0, 0, 0, 0 };
		unsigned int pos = 0;

		while ((count = junk_token_counts_next(rec->tokens, part,
						       &pos)) != NULL) {
			/* a count that has returned to 0 is ignored */
			if (count->spam == 0 && count->ham == 0)
				continue;
			sum[0] += count->token;
			sum[1] += (uint64_t)count->spam * count->token;
			sum[2] += (uint64_t)count->ham * count->token;
			sum[3] += count->sketch * count->token;
		}
		buffer_append(state, sum, sizeof(sum));
	}
	return state;
}

/* Returns TRUE if a new process would have the same state if this one were
   killed now. */
static bool test_replay_is_same(void)
{
	struct junk_db *db2;
	struct junk_learner *learner2;
	struct junk_recorder *recorder2;
	const char *error;
	buffer_t *state, *state2;
	bool ret;

	if (recorder->need_rebuild)
		test_assert(junk_recorder_rebuild(recorder, &error) == 0);
	db2 = test_db_open(key);
	learner2 = test_learner_new();
	recorder2 = junk_recorder_init(&recorder_set, key);
	junk_recorder_set_db(recorder2, db2, learner2);
	test_assert(junk_recorder_load(recorder2, &error) == 0);
	test_assert(recorder2->last_seq == recorder->last_seq);
	state = test_state(learner, recorder);
	state2 = test_state(learner2, recorder2);
	ret = buffer_cmp(state, state2);
	buffer_free(&state);
	buffer_free(&state2);
	junk_recorder_deinit(&recorder2);
	junk_learner_deinit(&learner2);
	junk_db_close(&db2);
	return ret;
}

static int test_hours(enum junk_verdict verdict)
{
	return (int)test_db_int(t_strdup_printf(
		"SELECT coalesce(sum(reports), 0) FROM hours "
		"WHERE verdict = %d", verdict));
}

/* --- sequences of reports of one pair --- */

#define SPAM JUNK_VERDICT_SPAM
#define HAM JUNK_VERDICT_HAM
#define WEAK JUNK_VERDICT_WEAK_HAM
#define RETRACT JUNK_VERDICT_RETRACT
/* a verdict with another origin than move */
#define KEYWORD(verdict) ((verdict) | JUNK_ORIGIN_KEYWORD << 8)
#define ACTION(verdict) ((verdict) | JUNK_ORIGIN_ACTION << 8)

static const struct {
	struct {
		int verdict;
		/* seconds after NOW */
		int when;
	} steps[6];
	/* what counts at the end */
	int spam, ham, weak;
} sequences[] = {
	{ { { SPAM, 1 } }, 1, 0, 0 },
	/* a repetition, an older report, another one with the same verdict */
	{ { { SPAM, 1 }, { SPAM, 1 } }, 1, 0, 0 },
	{ { { SPAM, 5 }, { HAM, 4 } }, 1, 0, 0 },
	{ { { SPAM, 1 }, { SPAM, 9 }, { HAM, 5 } }, 1, 0, 0 },
	/* case 28: moved to Junk and back at once */
	{ { { SPAM, 1 }, { HAM, 2 } }, 0, 0, 0 },
	{ { { HAM, 1 }, { SPAM, 2 } }, 0, 0, 0 },
	{ { { SPAM, 1 }, { HAM, 2 * HOUR - 1 } }, 0, 0, 0 },
	/* the first report arrives again after it was taken back */
	{ { { SPAM, 1 }, { HAM, 2 }, { SPAM, 1 } }, 0, 0, 0 },
	/* case 29: moved to Junk and back repeatedly */
	{ { { SPAM, 1 }, { HAM, 2 }, { SPAM, 3 } }, 1, 0, 0 },
	{ { { SPAM, 1 }, { HAM, 2 }, { SPAM, 3 }, { HAM, 4 } }, 0, 0, 0 },
	/* case 30: rescued much later: the last verdict counts */
	{ { { SPAM, 1 }, { HAM, 2 * HOUR } }, 0, 1, 0 },
	{ { { SPAM, 1 }, { HAM, DAY } }, 0, 1, 0 },
	/* and back: the earlier verdict counts again */
	{ { { SPAM, 1 }, { HAM, DAY }, { SPAM, DAY + 1 } }, 1, 0, 0 },
	{ { { SPAM, 1 }, { HAM, DAY }, { SPAM, DAY + 1 }, { HAM, DAY + 2 } },
	  0, 1, 0 },
	/* a conclusion doesn't override an explicit verdict */
	{ { { SPAM, 1 }, { WEAK, 2 } }, 1, 0, 0 },
	{ { { SPAM, 1 }, { WEAK, DAY } }, 1, 0, 0 },
	{ { { HAM, 1 }, { WEAK, DAY } }, 0, 1, 0 },
	{ { { WEAK, 1 }, { WEAK, 2 } }, 0, 0, 1 },
	{ { { WEAK, 1 }, { HAM, 2 } }, 0, 1, 0 },
	{ { { WEAK, 1 }, { SPAM, 2 } }, 1, 0, 0 },
	{ { { WEAK, 1 }, { SPAM, 2 }, { HAM, 3 } }, 0, 0, 0 },
	/* explicit retracts, also before the report arrives */
	{ { { SPAM, 1 }, { RETRACT, 2 } }, 0, 0, 0 },
	{ { { SPAM, 1 }, { RETRACT, 5 * DAY } }, 0, 0, 0 },
	{ { { WEAK, 1 }, { RETRACT, 2 }, { RETRACT, 3 } }, 0, 0, 0 },
	{ { { RETRACT, 2 }, { SPAM, 1 } }, 0, 0, 0 },
	{ { { RETRACT, 1 }, { SPAM, 2 } }, 1, 0, 0 },
	{ { { HAM, 1 }, { RETRACT, 2 } }, 0, 0, 0 },
	{ { { SPAM, 1 }, { HAM, DAY }, { RETRACT, DAY + 1 } }, 0, 0, 0 },
	{ { { SPAM, 1 }, { RETRACT, 2 }, { HAM, 3 } }, 0, 1, 0 },
	/* one action in several commands: marked and moved, then the
	   opposite */
	{ { { KEYWORD(SPAM), 1 }, { SPAM, 2 }, { KEYWORD(HAM), 3 },
	    { HAM, 4 } }, 0, 0, 0 },
	{ { { KEYWORD(HAM), 1 }, { HAM, 2 }, { KEYWORD(SPAM), 3 },
	    { SPAM, 4 } }, 0, 0, 0 },
	{ { { SPAM, 1 }, { KEYWORD(HAM), 2 }, { HAM, HOUR }, { SPAM, HOUR + 1 },
	    { SPAM, HOUR + 2 } }, 1, 0, 0 },
	/* ... but an action ends */
	{ { { SPAM, 1 }, { HAM, 2 }, { HAM, 2 * HOUR } }, 0, 1, 0 },
	/* junk marks that are removed, and verdicts after that */
	{ { { KEYWORD(SPAM), 1 }, { KEYWORD(RETRACT), 2 }, { KEYWORD(HAM), 3 } },
	  0, 0, 0 },
	{ { { KEYWORD(SPAM), 1 }, { KEYWORD(RETRACT), DAY },
	    { KEYWORD(HAM), DAY + 1 } }, 0, 1, 0 },
	{ { { KEYWORD(SPAM), 1 }, { KEYWORD(RETRACT), 2 }, { SPAM, 3 } },
	  1, 0, 0 },
	{ { { HAM, 1 }, { KEYWORD(SPAM), DAY }, { KEYWORD(RETRACT), DAY + 1 } },
	  0, 1, 0 },
	/* not-junk marks that are void, unless the message was moved as well */
	{ { { KEYWORD(HAM), 1 }, { ACTION(RETRACT), 2 } }, 0, 0, 0 },
	{ { { KEYWORD(HAM), 1 }, { HAM, 2 }, { ACTION(RETRACT), 3 } }, 0, 1, 0 },
	{ { { HAM, 1 }, { ACTION(RETRACT), 2 } }, 0, 1, 0 },
	{ { { KEYWORD(HAM), 1 }, { ACTION(RETRACT), DAY } }, 0, 1, 0 },
	{ { { SPAM, 1 }, { ACTION(RETRACT), 2 } }, 1, 0, 0 },
	{ { { SPAM, 1 }, { KEYWORD(HAM), DAY }, { ACTION(RETRACT), DAY + 1 } },
	  1, 0, 0 },
	{ { { KEYWORD(HAM), 1 }, { ACTION(RETRACT), 2 }, { HAM, 3 } }, 0, 1, 0 },
};

enum sequence_mode {
	/* each report in its own transaction */
	SEQUENCE_SINGLE,
	/* all in one transaction */
	SEQUENCE_BATCH,
	/* with a snapshot and all token counts written after each report */
	SEQUENCE_SETTLED,
	/* with a restart after each report */
	SEQUENCE_RESTART,

	SEQUENCE_MODE_COUNT
};

static void test_settle(void)
{
	static time_t now = NOW + 11 * DAY;

	test_assert(junk_recorder_snapshot(recorder) == 0);
	/* twice: the first round notes the time */
	(void)junk_recorder_maintain(recorder, now++);
	now += 20;
	while (junk_recorder_maintain(recorder, now) > 0) ;
	test_assert(junk_recorder_token_count(recorder) == 0);
}

static void test_add_step(unsigned int i, unsigned int j)
{
	const int verdict = sequences[i].steps[j].verdict;
	struct junk_report *report =
		test_report(3, i, (enum junk_verdict)(verdict & 0xff),
			    NOW + sequences[i].steps[j].when);

	if (verdict >> 8 != 0)
		report->origin = (enum junk_origin)(verdict >> 8);
	junk_recorder_add(recorder, report);
}

static void test_sequence(unsigned int i, enum sequence_mode mode)
{
	/* reports of another person before and after */
	test_record(7, 1000, SPAM, NOW);
	for (unsigned int j = 0; j < N_ELEMENTS(sequences[i].steps); j++) {
		if (sequences[i].steps[j].verdict == 0)
			break;
		test_add_step(i, j);
		if (mode == SEQUENCE_BATCH)
			continue;
		test_assert_idx(junk_recorder_commit(recorder,
						     NOW + 10 * DAY) == 0, i);
		if (mode == SEQUENCE_SETTLED)
			test_settle();
		if (mode == SEQUENCE_RESTART) {
			test_close();
			test_open();
		}
	}
	test_add(7, 1001, HAM, NOW);
	test_assert_idx(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0,
			i);
}

static void test_junk_recorder_sequences(void)
{
	for (int mode = 0; mode < SEQUENCE_MODE_COUNT; mode++) {
		test_begin(t_strdup_printf("junk_recorder: sequences %d",
					   mode));
		i_zero(&recorder_set);
		recorder_set.min_reporters = 2;
		key = test_key_new();
		for (unsigned int i = 0; i < N_ELEMENTS(sequences); i++) {
			test_db_delete();
			test_open();
			test_sequence(i, (enum sequence_mode)mode);
			test_assert_idx(test_hours(SPAM) ==
					sequences[i].spam + 1, i);
			test_assert_idx(test_hours(HAM) ==
					sequences[i].ham + 1, i);
			test_assert_idx(test_hours(WEAK) ==
					sequences[i].weak, i);
			test_assert_idx(test_replay_is_same(), i);
			test_settle();
			/* the tokens that all messages have */
			test_assert_idx(test_db_int(
				"SELECT max(spam) FROM tokens") ==
				sequences[i].spam + 1, i);
			test_assert_idx(test_db_int(
				"SELECT max(ham) FROM tokens") ==
				sequences[i].ham + sequences[i].weak + 1, i);
			test_assert_idx(test_replay_is_same(), i);
			test_close();
		}
		junk_key_unref(&key);
		test_end();
	}
}

/* Reports that are undone before a snapshot leave no trace in the
   classifier. */
static void test_junk_recorder_as_if_never(void)
{
	buffer_t *state[2];

	for (unsigned int i = 0; i < 2; i++) {
		test_begin_recorder(i == 0 ? "junk_recorder: with undo" :
				    "junk_recorder: as if it never was");
		test_record(1, 1, SPAM, NOW);
		if (i == 0)
			test_record(2, 2, SPAM, NOW);
		test_record(3, 3, HAM, NOW);
		if (i == 0)
			test_record(2, 2, HAM, NOW + 1);
		test_assert(recorder->need_rebuild == (i == 0));
		test_assert(junk_recorder_maintain(recorder, NOW) >= 0);
		test_assert(!recorder->need_rebuild);
		state[i] = test_state(learner, recorder);
		test_end_recorder();
	}
	test_begin("junk_recorder: both are the same");
	test_assert(buffer_cmp(state[0], state[1]));
	buffer_free(&state[0]);
	buffer_free(&state[1]);
	test_end();
}

/* Random reports with maintenance and restarts in between: counts follow the
   rules, and a replay gives the same state. */
static void test_junk_recorder_random(void)
{
	static const enum junk_verdict verdicts[] = {
		SPAM, SPAM, SPAM, HAM, HAM, WEAK, RETRACT
	};
	time_t when = NOW;

	test_begin_recorder("junk_recorder: random");
	for (unsigned int i = 0; i < 300; i++) T_BEGIN {
		unsigned int count = 1 + i_rand_limit(5);

		while (count-- > 0) {
			when += i_rand_limit(1000);
			test_add(i_rand_limit(3), i_rand_limit(20),
				 verdicts[i_rand_limit(N_ELEMENTS(verdicts))],
				 when);
		}
		test_assert_idx(junk_recorder_commit(recorder,
						     NOW + 10 * DAY) == 0, i);
		switch (i_rand_limit(12)) {
		case 0:
			test_assert_idx(junk_recorder_snapshot(recorder) == 0,
					i);
			break;
		case 4:
		case 5:
			/* a snapshot in parts, with reports in between */
			if (recorder->need_rebuild)
				break;
			if (recorder->snapshot.copy == NULL)
				junk_snapshot_begin(recorder);
			test_assert_idx(junk_snapshot_step(recorder) >= 0, i);
			break;
		case 1:
			test_settle();
			break;
		case 2:
			test_close();
			test_open();
			break;
		case 3:
			test_assert_idx(test_replay_is_same(), i);
			break;
		}
	} T_END;
	test_assert(test_replay_is_same());
	/* each pair counts at most once, with its last verdict */
	test_assert(test_db_int("SELECT sum(reports) FROM hours") ==
		    test_db_int("SELECT count(*) FROM reports WHERE "
				"undone IS NULL AND verdict <> 4"));
	test_assert(test_db_int("SELECT count(*) FROM (SELECT id FROM reports "
				"WHERE undone IS NULL GROUP BY id "
				"HAVING count(*) > 1 AND max(verdict) < 4)") ==
		    0);
	test_end_recorder();
}

static void test_junk_recorder_rows(void)
{
	const struct junk_recorder_counters *counters;
	struct junk_report *report;

	test_begin_recorder("junk_recorder: rows");
	test_record(0, 0, SPAM, NOW + 61);
	test_record(0, 1, HAM, NOW + 62);
	test_assert(test_db_int("SELECT count(*) FROM reports WHERE "
				"score IS NULL AND origin = 1 AND "
				"undone IS NULL AND burst = 0") == 2);
	test_assert(test_db_int("SELECT hour FROM reports") == NOW + 10 * DAY);
	/* scored before it is learned, with the knowledge of that time */
	for (unsigned int i = 0; i < 20; i++)
		test_record(i, 30, SPAM, NOW);
	test_assert(test_db_int("SELECT score FROM reports "
				"ORDER BY seq DESC LIMIT 1") > 50);
	test_assert(test_db_int("SELECT reports FROM hours "
				"WHERE verdict = 2 AND score = -1") == 1);

	/* the client's time is limited in both directions */
	test_add(0, 50, SPAM, NOW + 1000 * DAY);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0);
	test_assert(test_db_int("SELECT hour FROM reports "
				"ORDER BY seq DESC LIMIT 1") == NOW + 10 * DAY);
	test_add(0, 53, SPAM, 1);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0);
	test_assert(test_db_int("SELECT hour FROM reports "
				"ORDER BY seq DESC LIMIT 1") == NOW + 10 * DAY);

	/* reports of other feature sets: a newer one, and an incompatible older
	   one */
	report = test_report(0, 51, SPAM, NOW);
	report->feature_set++;
	junk_recorder_add(recorder, report);
	report = test_report(0, 51, SPAM, NOW);
	report->feature_set = JUNK_FEATURE_SET_COMPATIBLE - 1;
	junk_recorder_add(recorder, report);
	/* a compatible one that was in a spool during an upgrade */
	report = test_report(0, 53, SPAM, NOW);
	report->feature_set = JUNK_FEATURE_SET_COMPATIBLE;
	junk_recorder_add(recorder, report);
	/* the smallest and the largest report */
	report = test_report(0, 52, SPAM, NOW);
	report->token_count = 0;
	junk_recorder_add(recorder, report);
	test_assert(junk_recorder_pending_count(recorder) == 4);
	test_assert(junk_recorder_commit(recorder, NOW) == 0);
	test_assert(junk_recorder_commit(recorder, NOW) == 0);
	counters = junk_recorder_get_counters(recorder);
	test_assert(counters->dropped_feature_set == 2);
	test_assert_ucmp(counters->recorded, ==, 25);
	test_assert_ucmp(counters->commits, ==, 25);
	test_assert_ucmp(counters->misdated, ==, 1);
	test_assert(junk_recorder_last_seq(recorder) == 25);
	test_assert(test_replay_is_same());
	test_end_recorder();
}

/* A report that comes again has its stamp; only a newer one changes a verdict. */
static void test_junk_recorder_stamps(void)
{
	const struct junk_recorder_counters *counters;

	test_begin_recorder("junk_recorder: stamps");
	test_record(0, 0, SPAM, NOW + 1);
	for (unsigned int i = 0; i < 2; i++) {
		test_record(0, 0, HAM, NOW + i);
		test_assert_idx(test_db_int("SELECT verdict FROM reports "
					    "WHERE undone IS NULL") ==
				JUNK_VERDICT_SPAM, i);
	}
	counters = junk_recorder_get_counters(recorder);
	test_assert_ucmp(counters->repeated, ==, 2);
	test_record(0, 0, HAM, NOW + 1 + HOUR);
	test_assert_ucmp(counters->repeated, ==, 2);
	test_assert(test_db_int("SELECT count(*) FROM reports "
				"WHERE verdict = 1 AND undone IS NULL") == 0);
	test_end_recorder();
}

static void test_junk_recorder_burst(void)
{
	struct junk_report *report;

	test_begin_recorder("junk_recorder: burst");
	recorder_set.rate = 5;
	test_close();
	test_open();
	for (unsigned int m = 0; m < 8; m++)
		test_record(1, m, SPAM, NOW);
	/* other reporters and an administrator aren't limited by it */
	test_record(2, 0, SPAM, NOW);
	report = test_report(1, 100, SPAM, NOW);
	report->origin = JUNK_ORIGIN_LEARN;
	junk_recorder_add(recorder, report);
	/* also within one transaction */
	for (unsigned int m = 200; m < 208; m++)
		test_add(3, m, HAM, NOW);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0);
	test_assert(test_db_int("SELECT count(*) FROM reports WHERE burst") ==
		    6);
	/* two flooders, each with one number in this hour */
	test_assert(test_db_int("SELECT count(DISTINCT burst) FROM reports "
				"WHERE burst <> 0") == 2);
	test_assert(test_db_int("SELECT sum(reports) * 100 + sum(burst) "
				"FROM hours") == 1806);
	test_assert(junk_recorder_get_counters(recorder)->burst == 6);
	test_settle();
	test_assert(test_db_int("SELECT max(spam) * 10 + max(ham) "
				"FROM tokens") == 75);

	/* undone bursts: they weren't learned, so nothing is unlearned */
	test_record(1, 7, HAM, NOW + 1);
	test_assert(test_db_int("SELECT sum(burst) FROM hours") == 5);
	test_assert(test_replay_is_same());

	/* counts survive a restart */
	test_settle();
	test_close();
	test_open();
	test_record(1, 300, SPAM, NOW);
	test_assert(test_db_int("SELECT burst = (SELECT burst FROM reports "
				"WHERE burst <> 0 LIMIT 1) FROM reports "
				"ORDER BY seq DESC LIMIT 1") == 1);
	/* a new hour */
	test_add(1, 301, SPAM, NOW + 10 * DAY + HOUR);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY + HOUR) ==
		    0);
	test_assert(test_db_int("SELECT burst FROM reports ORDER BY seq DESC "
				"LIMIT 1") == 0);
	test_end_recorder();
}

/* What one person teaches the others is limited, what an administrator learns
   isn't, and a replay gives the same. */
static void test_junk_recorder_admin(void)
{
	static const uint32_t uids[] = { JUNK_REPORT_UID_TRUSTED, 1001 };
	struct junk_report *report;

	test_begin_recorder("junk_recorder: an administrator learns");
	for (unsigned int r = 0; r < 20; r++)
		test_record(r, r, r % 2 == 0 ? SPAM : HAM, NOW);
	for (unsigned int i = 0; i < N_ELEMENTS(uids); i++) {
		for (unsigned int m = 0; m < 60; m++) {
			report = test_report(100 + i, 1000 + m, SPAM, NOW);
			report->origin = JUNK_ORIGIN_LEARN;
			report->uid = uids[i];
			junk_recorder_add(recorder, report);
		}
		test_assert(junk_recorder_commit(recorder, NOW) == 0);
		test_assert_idx(test_replay_is_same(), i);
	}
	/* undone by the person after they are in the snapshot */
	test_settle();
	for (unsigned int m = 0; m < 60; m++)
		test_record(100, 1000 + m, RETRACT, NOW + 1);
	test_assert(test_replay_is_same());
	test_end_recorder();
}

/* Removing a junk mark takes back the mark's report, but not ham. */
static void test_junk_recorder_unmark(void)
{
	static const enum junk_verdict verdicts[] = { SPAM, HAM, WEAK };
	struct junk_report *report;

	test_begin_recorder("junk_recorder: mark of junk taken off");
	for (unsigned int i = 0; i < N_ELEMENTS(verdicts); i++) {
		test_record(1, i, verdicts[i], NOW);
		report = test_report(1, i, RETRACT, NOW + 1);
		report->origin = JUNK_ORIGIN_KEYWORD;
		junk_recorder_add(recorder, report);
		test_assert(junk_recorder_commit(recorder, NOW + 1) == 0);
		test_assert_idx(test_db_int("SELECT undone IS NOT NULL FROM "
			"reports ORDER BY seq DESC LIMIT 1") == (i == 0), i);
	}
	test_end_recorder();
}

/* A report that is undone after it is in the snapshot isn't replaced by one of
   the other class. */
static void test_junk_recorder_take_back(void)
{
	struct junk_model model;

	test_begin_recorder("junk_recorder: taken back late");
	for (unsigned int m = 0; m < 5; m++)
		test_record(m, m, SPAM, NOW);
	test_record(1, 9, HAM, NOW);
	test_settle();
	for (unsigned int m = 0; m < 3; m++)
		test_record(m, m, RETRACT, NOW + 1);
	junk_learner_model(learner, &model);
	test_assert(model.spam_count == 2 && model.ham_count == 1);
	test_assert(test_replay_is_same());
	test_end_recorder();
}

/* Retracts of unknown reports are stored without tokens, and their number is
   limited. */
static void test_junk_recorder_refuse_retracts(void)
{
	const unsigned int max = 2 * JUNK_RECORDER_REFUSE_FACTOR;
	struct junk_report *report;

	test_begin_recorder("junk_recorder: refuse retracts");
	recorder_set.rate = 2;
	test_close();
	test_open();
	for (unsigned int m = 0; m < max + 10; m++)
		test_record(1, m, RETRACT, NOW);
	test_assert(test_db_int("SELECT count(*) FROM reports") == max);
	test_assert(junk_recorder_get_counters(recorder)->refused == 10);
	test_assert(test_db_int("SELECT max(length(sealed)) FROM reports") <
		    100);
	/* they don't count for reports, which can still be retracted */
	test_record(1, 1000, SPAM, NOW);
	test_record(1, 1000, RETRACT, NOW + 1);
	test_assert(test_db_int("SELECT burst = 0 AND undone FROM reports "
				"ORDER BY seq DESC LIMIT 1") == 1);
	report = test_report(1, 2000, RETRACT, NOW);
	report->uid = 0;
	report->origin = JUNK_ORIGIN_LEARN;
	junk_recorder_add(recorder, report);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0);
	test_assert(test_db_int("SELECT count(*) FROM reports") == max + 2);
	test_assert(test_replay_is_same());
	test_end_recorder();
}

/* Reports far over the limit aren't even recorded in this hour. */
static void test_junk_recorder_refuse(void)
{
	const unsigned int max = 2 * JUNK_RECORDER_REFUSE_FACTOR;
	struct junk_report *report;

	test_begin_recorder("junk_recorder: refuse");
	recorder_set.rate = 2;
	test_close();
	test_open();
	for (unsigned int m = 0; m < max + 10; m++)
		test_record(1, m, SPAM, NOW);
	test_assert(test_db_int("SELECT count(*) FROM reports") == max);
	test_assert(junk_recorder_get_counters(recorder)->refused == 10);
	/* other reporters and the administrator aren't limited; a user who
	   claims the administrator's origin is */
	test_record(2, 0, SPAM, NOW);
	for (unsigned int uid = 0; uid <= 1000; uid += 1000) {
		report = test_report(1, 1000 + uid, SPAM, NOW);
		report->origin = JUNK_ORIGIN_LEARN;
		report->uid = uid;
		junk_recorder_add(recorder, report);
	}
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0);
	test_assert(test_db_int("SELECT count(*) FROM reports") == max + 2);
	test_assert(junk_recorder_get_counters(recorder)->refused == 11);
	test_add(1, 2000, SPAM, NOW);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY + HOUR) ==
		    0);
	test_assert(test_db_int("SELECT count(*) FROM reports") == max + 3);
	test_end_recorder();
}

static bool
test_record_as(uint32_t uid, unsigned int r, unsigned int m, time_t now)
{
	uint64_t refused = junk_recorder_get_counters(recorder)->refused;
	struct junk_report *report = test_report(r, m, SPAM, now);

	report->uid = uid;
	junk_recorder_add(recorder, report);
	test_assert(junk_recorder_commit(recorder, now) == 0);
	return junk_recorder_get_counters(recorder)->refused == refused;
}

static void test_junk_recorder_identities(void)
{
	const uint32_t anna = 1001, bert = 1002;

	test_begin_recorder("junk_recorder: identities");
	/* users share a uid */
	test_assert(test_record_as(anna, 1, 1, NOW));
	test_assert(test_record_as(bert, 1, 2, NOW));
	test_assert(test_db_int("SELECT count(*) FROM identities") == 0);
	recorder_set.uid_identities = 2;
	recorder_set.retention_days = 30;
	test_close();
	test_open();
	test_assert(test_record_as(anna, 1, 3, NOW));
	/* neither another user's identity nor too many, even for a known
	   report */
	test_assert(!test_record_as(bert, 1, 4, NOW));
	test_assert(!test_record_as(bert, 1, 3, NOW + 1));
	test_assert(test_record_as(bert, 2, 5, NOW));
	test_assert(test_record_as(anna, 3, 6, NOW));
	test_assert(!test_record_as(anna, 4, 7, NOW));
	test_assert(test_record_as(JUNK_REPORT_UID_TRUSTED, 1, 8, NOW));
	/* a restart changes nothing */
	test_settle();
	test_close();
	test_open();
	test_assert(!test_record_as(bert, 1, 9, NOW));
	test_assert(!test_record_as(anna, 4, 10, NOW));
	test_assert(test_db_int("SELECT count(*) FROM reports") == 6);

	/* unused identities are deleted */
	test_assert(test_record_as(anna, 1, 11, NOW + 20 * DAY));
	test_assert(test_maintain(NOW + 40 * DAY) >= 0);
	while (test_maintain(NOW + 40 * DAY) > 0) ;
	test_assert(test_db_int("SELECT count(*) FROM identities") == 1);
	test_assert(test_record_as(anna, 4, 12, NOW + 40 * DAY));
	test_assert(!test_record_as(bert, 1, 13, NOW + 40 * DAY));
	test_end_recorder();
}

/* When the database fails, nothing changes and nothing is lost, and each report
   counts once after it recovers. */
static void test_junk_recorder_faults(void)
{
	sqlite3 *other;
	buffer_t *state, *state2;

	test_begin_recorder("junk_recorder: faults");
	recorder_set.rate = 10;
	test_close();
	test_open();
	test_record(1, 1, SPAM, NOW);
	state = test_state(learner, recorder);
	test_assert(sqlite3_open(test_db_path(), &other) == SQLITE_OK);
	test_assert(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL,
				 NULL) == SQLITE_OK);
	for (unsigned int m = 2; m < 11; m++)
		test_add(1, m, SPAM, NOW);
	for (unsigned int i = 0; i < 3; i++) {
		test_assert_idx(junk_recorder_commit(recorder,
						     NOW + 10 * DAY) == -1, i);
		test_assert_idx(junk_db_fault(db) == JUNK_DB_FAULT_BUSY, i);
	}
	test_assert(sqlite3_close(other) == SQLITE_OK);

	test_assert(junk_db_set_max_pages(db, 1) == 0);
	for (unsigned int m = 11; m < 100; m++)
		test_add(2, m, SPAM, NOW);
	for (unsigned int i = 0; i < 3; i++) {
		test_assert_idx(junk_recorder_commit(recorder,
						     NOW + 10 * DAY) == -1, i);
		test_assert_idx(junk_db_fault(db) == JUNK_DB_FAULT_FULL, i);
	}
	state2 = test_state(learner, recorder);
	test_assert(buffer_cmp(state, state2));
	test_assert(junk_recorder_pending_count(recorder) == 98);
	test_assert(test_db_int("SELECT count(*) FROM reports") == 1);
	buffer_free(&state);
	buffer_free(&state2);

	test_assert(junk_db_set_max_pages(db, 100000) == 0);
	test_assert(junk_recorder_commit(recorder, NOW + 10 * DAY) == 0);
	test_assert(junk_recorder_pending_count(recorder) == 0);
	test_assert(test_db_int("SELECT count(*) FROM reports") == 99);
	/* failed attempts don't count towards the limit */
	test_assert(test_db_int("SELECT sum(burst <> 0) FROM reports") == 79);
	test_assert(test_replay_is_same());
	test_end_recorder();
}

static void test_junk_recorder_expire(void)
{
	test_begin_recorder("junk_recorder: expiry");
	recorder_set.retention_days = 30;
	test_close();
	test_open();
	test_receive(1, 1, NOW - 40 * DAY);
	test_receive(1, 2, NOW - 10 * DAY);
	test_receive(2, 2, NOW - 10 * DAY);
	recorder->set.retention_days = 0;
	test_settle();
	recorder->set.retention_days = 30;
	test_assert(test_db_int("SELECT count(*) FROM reports") == 3);
	/* after the clock jumps back, old reports are still deleted */
	while (test_maintain(NOW + 10 * DAY) > 0) ;
	test_assert(test_db_int("SELECT count(*) FROM reports") == 2);
	/* hours are kept, tokens of few people are deleted */
	test_assert(test_db_int("SELECT sum(reports) FROM hours") == 3);
	while (test_maintain(NOW + 25 * DAY) > 0) ;
	test_assert(test_db_int("SELECT count(*) FROM reports") == 0);
	test_assert(test_db_int("SELECT count(*) FROM report_ids") == 0);
	test_assert(test_db_int("SELECT count(*) FROM tokens "
				"WHERE reporters < 2") == 0);
	test_assert(test_db_int("SELECT count(*) FROM tokens") > 0);
	/* the replay buffer doesn't keep them, in neither half of the
	   snapshot */
	test_assert(recorder->snapshot.due == 0);
	test_assert(test_replay_is_same());
	test_close();
	test_open();
	test_assert(junk_learner_forget_many(learner, NULL, UINT32_MAX) == 0);
	/* numbers are never reused */
	test_receive(1, 9, NOW);
	test_assert(junk_recorder_last_seq(recorder) == 4);
	while (test_maintain(NOW + 900 * DAY) > 0) ;
	test_assert(test_db_int("SELECT count(*) FROM hours") == 0);
	test_assert(test_replay_is_same());
	test_end_recorder();
}

/* Insert tokens of one person and, in addition, common ones of many people; all
   of one day. */
static void test_insert_tokens(unsigned int count, unsigned int common,
			       time_t when)
{
	test_db_exec(t_strdup_printf(
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
		"SELECT i + 1 FROM n WHERE i < %u) "
		"INSERT INTO tokens SELECT i, 0, 1, 0, "
		"CASE WHEN i <= %u THEN 9 ELSE 1 END, 1, %ld, 0 FROM n",
		count + common, common, (long)(when / DAY)));
}

/* Run maintenance until there is nothing more to do. Returns the maximum number
   of rows that a piece has deleted. */
static int64_t test_maintain_tokens(time_t now)
{
	int64_t before, after, most = 0;
	int ret;

	after = test_db_int("SELECT count(*) FROM tokens");
	do {
		before = after;
		ret = test_maintain(now);
		after = test_db_int("SELECT count(*) FROM tokens");
		most = I_MAX(most, before - after);
	} while (ret > 0);
	test_assert(ret == 0);
	return most;
}

static void test_junk_recorder_expire_tokens(void)
{
	const time_t now = NOW + 31 * DAY;
	const time_t midnight = (now / DAY + 3) * DAY;

	test_begin_recorder("junk_recorder: expiry of tokens");
	recorder_set.retention_days = 30;
	test_close();
	test_open();
	test_insert_tokens(10000, 0, NOW);
	test_assert(test_maintain_tokens(NOW + 29 * DAY) == 0);
	test_assert(test_maintain_tokens(now) < 5000);
	test_assert(test_db_int("SELECT count(*) FROM tokens") == 0);
	/* only once a day */
	test_insert_tokens(10, 0, NOW);
	test_assert(test_maintain_tokens(now + HOUR) == 0);
	/* a failed round doesn't count */
	test_db_exec("CREATE TRIGGER fault BEFORE DELETE ON tokens BEGIN "
		     "SELECT raise(ABORT, 'fault'); END");
	while (test_maintain(now + DAY) > 0) ;
	test_db_exec("DROP TRIGGER fault");
	test_assert(test_maintain_tokens(now + DAY) == 10);
	/* a new day begins during a round: what this round expires doesn't wait
	   for the next one */
	test_insert_tokens(10000, 0, NOW + 4 * DAY);
	while (!test_has_failed() &&
	       recorder->expiry.old_token == JUNK_DB_FIRST_TOKEN)
		test_assert(test_maintain(midnight - 1) > 0);
	test_assert(test_db_int("SELECT count(*) FROM tokens") == 10000);
	test_assert(test_maintain_tokens(midnight) < 5000);
	test_assert(test_db_int("SELECT count(*) FROM tokens") == 0);
	test_end_recorder();
}

/* If the database is too large for what is left, it deletes what it can, but
   doesn't search the whole table each time. */
static void test_junk_recorder_expire_rare(void)
{
	test_begin_recorder("junk_recorder: rare tokens of a large database");
	test_insert_tokens(10000, 10000, NOW);
	recorder_set.max_database_bytes = 1;
	test_close();
	test_open();
	for (unsigned int i = 0; i < 10; i++) {
		test_assert_idx(test_maintain_tokens(NOW + i * HOUR) < 5000,
				i);
	}
	test_assert(test_db_int("SELECT count(*) FROM tokens "
				"WHERE reporters < 2") == 0);
	test_assert(test_db_int("SELECT count(*) FROM tokens") == 10000);
	recorder->expiry.rare_token = JUNK_DB_FIRST_TOKEN;
	test_assert(test_maintain_tokens(NOW + 11 * HOUR) == 0);
	test_assert_cmp(recorder->expiry.rare_token, <, 5000);
	test_end_recorder();

	test_begin_recorder("junk_recorder: rare tokens that are few");
	test_insert_tokens(100, 100, NOW);
	recorder_set.max_database_bytes = 1;
	test_close();
	test_open();
	(void)test_maintain_tokens(NOW);
	test_assert(test_db_int("SELECT count(*) FROM tokens") == 100);
	test_end_recorder();
}

/* Tokens are soon visible to an administrator, even under load. */
static void test_junk_recorder_token_delay(void)
{
	test_begin_recorder("junk_recorder: tokens are written soon");
	test_record(1, 1, SPAM, NOW);
	test_assert(junk_recorder_maintain(recorder, NOW) >= 0);
	while (junk_recorder_maintain(recorder, NOW + 9) > 0) ;
	test_assert(junk_recorder_token_count(recorder) > 0);
	for (time_t now = NOW + 9; now < NOW + 60; now++) {
		test_record(1, 2 + (unsigned int)(now - NOW), SPAM, NOW);
		while (junk_recorder_maintain(recorder, now) > 0) ;
	}
	/* all words except those of the last ten seconds */
	test_assert(test_db_int("SELECT max(spam) FROM tokens") > 40);
	/* they aren't written at each turn, but summed up first */
	test_assert(junk_recorder_token_count(recorder) > 0);
	test_end_recorder();
}

static void test_junk_recorder_turns(void)
{
	time_t now = NOW;

	test_begin_recorder("maintenance by turns, when a snapshot is always due");
	for (unsigned int m = 0; m < 12; m++) {
		now += HOUR;
		test_record(0, m, SPAM, now);
		test_assert_idx(junk_recorder_maintain(recorder, now) >= 0, m);
	}
	test_assert(junk_recorder_snapshot_seq(recorder) > 0);
	test_assert(test_db_int("SELECT count(*) FROM tokens") > 0);
	test_assert(recorder->expiry.time > 0);
	test_end_recorder();
}

/* While a user moves a message to and fro all the time and others report
   without a pause, snapshots are still written, and the state isn't rebuilt
   each time. */
static void test_junk_recorder_minds(void)
{
	const struct junk_recorder_counters *c;
	unsigned int m = 0;
	time_t now = NOW;

	test_begin_recorder("junk recorder: taken back under load");
	for (unsigned int turn = 0; turn < 250; turn++) {
		test_add(1, 60000, turn % 2 == 0 ? JUNK_VERDICT_SPAM :
			 JUNK_VERDICT_RETRACT, NOW + turn);
		for (unsigned int i = 0; i < 50; i++, m++)
			test_add(2 + m % 100, m, JUNK_VERDICT_SPAM, NOW);
		now += turn % 4 == 0 ? 1 : 0;
		test_assert_idx(junk_recorder_commit(recorder, now) == 0, turn);
		test_assert_idx(junk_recorder_maintain(recorder, now) >= 0,
				turn);
	}
	c = junk_recorder_get_counters(recorder);
	test_assert(c->taken_back == 125);
	test_assert(c->snapshots > 2);
	test_assert(recorder->last_seq - junk_recorder_settled_seq(recorder) <
		    6000);
	/* at once while there is little to replay, later with each snapshot */
	test_assert(c->rebuilds < 90);
	test_end_recorder();
}

static void test_junk_recorder_size(void)
{
	bool behind = FALSE;
	uint64_t size;

	test_begin_recorder("junk_recorder: size");
	for (unsigned int m = 0; m < 2000; m++)
		test_record(1, m, SPAM, NOW);
	test_settle();
	test_assert(junk_db_size(db, &size) == 0);
	recorder_set.max_database_bytes = size / 4 * 3;
	test_close();
	test_open();
	/* the newest reports stay */
	while (junk_recorder_maintain(recorder, NOW + 10 * DAY) > 0)
		behind = behind || junk_recorder_is_behind(recorder);
	test_assert(behind && !junk_recorder_is_behind(recorder));
	/* an overdue snapshot doesn't wait either */
	recorder->snapshot_seq -= 12000;
	test_assert(junk_recorder_is_behind(recorder));
	recorder->snapshot_seq += 12000;
	test_assert(junk_db_size(db, &size) == 0);
	test_assert_ucmp(size, <=, recorder_set.max_database_bytes);
	test_assert(test_db_int("SELECT count(*) FROM reports") > 0);
	test_assert(test_db_int("SELECT max(seq) FROM reports") == 2000);
	/* many at once: the size is checked more often */
	test_settle();
	for (unsigned int m = 2000; m < 3200; m++) {
		test_add(1, m, SPAM, NOW + 10 * DAY);
		if (m % 100 == 99) {
			test_assert(junk_recorder_commit(recorder,
							 NOW + 10 * DAY) == 0);
		}
		/* only settled reports can be deleted */
		if (m == 2599)
			test_settle();
	}
	test_settle();
	test_assert(junk_db_size(db, &size) == 0);
	test_assert_ucmp(size, <=, recorder_set.max_database_bytes);
	test_end_recorder();
}

/* Add a report with many words that nobody else has. */
static void test_add_long(unsigned int r, unsigned int m)
{
	static junk_token_t tokens[300];
	struct junk_report *report = test_report(r, m, SPAM, NOW);

	for (unsigned int i = 0; i < N_ELEMENTS(tokens); i++) {
		tokens[i] = junk_token_make(JUNK_TOKEN_BODY_WORD,
			((uint64_t)m * N_ELEMENTS(tokens) + i) *
			UINT64_C(0x9e3779b97f4a7c15));
	}
	report->tokens = tokens;
	report->token_count = N_ELEMENTS(tokens);
	junk_recorder_add(recorder, report);
}

static void test_maintain_often(time_t *now)
{
	/* more than the number of reports between checks */
	*now += HOUR;
	while (test_maintain(*now) > 0) ;
	test_settle();
	*now += HOUR;
	while (test_maintain(*now) > 0) ;
}

/* One account floods a small database, with and without a limit: what the
   others have reported stays. */
static void test_junk_recorder_flood(void)
{
	uint64_t size;
	time_t now = NOW;

	for (unsigned int limited = 0; limited < 2; limited++) {
		test_begin_recorder(limited != 0 ?
				    "junk_recorder: flood over the limit" :
				    "junk_recorder: flood without a limit");
		recorder_set.max_database_bytes = 6*1024*1024;
		recorder_set.rate = limited != 0 ? 50 : 0;
		test_close();
		test_open();
		for (unsigned int m = 0; m < 200; m++)
			test_add(2 + m % 20, m, m % 2 == 0 ? SPAM : HAM, NOW);
		test_assert(junk_recorder_commit(recorder, now) == 0);
		test_maintain_often(&now);
		for (unsigned int m = 1000; m < 4000; m++) {
			test_add_long(1, m);
			if (m % 250 == 249) {
				test_assert(junk_recorder_commit(recorder,
								 now) == 0);
				test_maintain_often(&now);
			}
		}
		test_maintain_often(&now);
		test_assert(junk_db_size(db, &size) == 0);
		test_assert_ucmp(size, <=, recorder_set.max_database_bytes);
		test_assert_cmp(test_db_int("SELECT count(*) FROM reports "
					    "WHERE seq <= 200"), ==, 200);
		/* bursts store no words */
		if (limited != 0) {
			test_assert(junk_recorder_get_counters(
				recorder)->burst > 1000);
			test_assert(test_db_int(
				"SELECT coalesce(max(length(sealed)), 0) FROM "
				"reports WHERE burst <> 0") < 100);
		}
		test_end_recorder();
	}
}

/* The clock is years ahead for some time. */
static void test_junk_recorder_clock(void)
{
	time_t now = NOW + DAY;
	unsigned int days = 0;

	test_begin_recorder("junk_recorder: a clock that jumps ahead");
	recorder_set.retention_days = 30;
	test_close();
	test_open();
	for (unsigned int m = 0; m < 20; m++)
		test_receive(1, m, NOW);
	test_assert(junk_recorder_snapshot(recorder) == 0);
	while (junk_recorder_maintain(recorder, now) > 0) ;
	test_assert(junk_recorder_clock_lag(recorder, now) == 0);
	/* also for a service that is restarted several times within an hour */
	for (unsigned int i = 0; i < 6; i++) {
		test_close();
		test_open();
		while (junk_recorder_maintain(recorder, now + 800 * DAY +
					      (time_t)i * 600) > 0) ;
		test_assert_idx(junk_recorder_clock_lag(recorder, now +
				800 * DAY) > 790 * DAY, i);
	}
	test_assert(test_db_int("SELECT count(*) FROM reports") == 20);
	test_assert(test_db_int("SELECT count(*) FROM hours") > 0);
	/* the clock is corrected */
	now += HOUR;
	while (junk_recorder_maintain(recorder, now) > 0) ;
	test_assert(junk_recorder_clock_lag(recorder, now) == 0);
	test_assert(test_db_int("SELECT count(*) FROM reports") == 20);
	/* days pass, and everything expires in time */
	for (; test_db_int("SELECT count(*) FROM reports") > 0 && days < 100;
	     days++) {
		now += DAY;
		while (junk_recorder_maintain(recorder, now) > 0) ;
	}
	test_assert_cmp(days, >=, 29);
	test_assert_cmp(days, <=, 31);

	/* a host that was off for two years: its clock is believed after a
	   day */
	test_receive(1, 30, now);
	test_assert(junk_recorder_snapshot(recorder) == 0);
	now += 800 * DAY;
	for (unsigned int i = 0; i <= 144; i++) {
		now += 600;
		while (junk_recorder_maintain(recorder, now) > 0) ;
	}
	test_assert(junk_recorder_clock_lag(recorder, now) == 0);
	test_assert(test_db_int("SELECT count(*) FROM reports") == 0);
	test_end_recorder();
}

/* The reports are replayed, since the snapshot is bad; the state is the same. */
static void test_load_bad_snapshot(const char *expected_error)
{
	buffer_t *state = test_state(learner, recorder), *state2;
	const char *error;

	test_close();
	db = test_db_open(key);
	learner = test_learner_new();
	recorder = junk_recorder_init(&recorder_set, key);
	junk_recorder_set_db(recorder, db, learner);
	test_assert(junk_recorder_load(recorder, &error) == 1);
	test_assert(strstr(error, expected_error) != NULL);
	state2 = test_state(learner, recorder);
	test_assert(buffer_cmp(state, state2));
	buffer_free(&state);
	buffer_free(&state2);
}

/* An unusable snapshot is replaced by learning all reports anew. */
static void test_junk_recorder_bad_snapshot(void)
{
	test_begin_recorder("junk_recorder: bad snapshot");
	for (unsigned int m = 0; m < 20; m++)
		test_record(m % 3, m, m % 2 == 0 ? SPAM : HAM, NOW);
	test_assert(junk_recorder_snapshot(recorder) == 0);
	test_db_exec("UPDATE snapshot SET sealed = x'00112233'");
	test_load_bad_snapshot("decrypted");

	/* a part of an earlier one at the same place */
	test_assert(junk_recorder_snapshot(recorder) == 0);
	test_db_exec("CREATE TABLE old AS SELECT * FROM snapshot");
	test_record(0, 30, SPAM, NOW);
	for (unsigned int i = 0; i < 2; i++)
		test_assert(junk_recorder_snapshot(recorder) == 0);
	test_db_exec("UPDATE snapshot SET sealed = (SELECT sealed FROM old "
		     "WHERE old.id = snapshot.id) WHERE id IN "
		     "(SELECT id FROM old)");
	test_db_exec("DROP TABLE old");
	test_load_bad_snapshot("belong together");

	/* rows that can't be read are ignored */
	test_db_exec("UPDATE reports SET sealed = x'00' WHERE seq < 5");
	test_db_exec("DELETE FROM meta WHERE name = 'snapshot'");
	test_close();
	test_open();
	test_record(0, 0, SPAM, NOW);
	test_assert(test_replay_is_same());
	test_end_recorder();
}

/* A snapshot whose first part only was written leaves the one before in use. */
static void test_junk_recorder_half_snapshot(void)
{
	/* large enough for two parts */
	test_log2 = 16;
	test_begin_recorder("junk_recorder: half a snapshot");
	for (unsigned int m = 0; m < 20; m++)
		test_record(m % 3, m, m % 2 == 0 ? SPAM : HAM, NOW);
	test_assert(junk_recorder_snapshot(recorder) == 0);
	test_record(0, 30, SPAM, NOW);
	junk_snapshot_begin(recorder);
	test_assert(junk_snapshot_step(recorder) == 1);
	test_close();
	test_open();
	test_assert(test_replay_is_same());
	test_end_recorder();
	test_log2 = TEST_LOG2;
}

static void test_init(void)
{
	test_dir_init("junk-recorder");
}

#define TEST(name, slow) { #name, test_junk_recorder_##name, slow }

static const struct {
	const char *name;
	void (*func)(void);
	bool slow;
} tests[] = {
	TEST(rows, FALSE),
	TEST(sequences, TRUE),
	TEST(as_if_never, FALSE),
	TEST(random, TRUE),
	TEST(stamps, FALSE),
	TEST(burst, FALSE),
	TEST(admin, FALSE),
	TEST(refuse, FALSE),
	TEST(refuse_retracts, FALSE),
	TEST(unmark, FALSE),
	TEST(take_back, FALSE),
	TEST(identities, FALSE),
	TEST(faults, FALSE),
	TEST(expire, FALSE),
	TEST(expire_tokens, FALSE),
	TEST(expire_rare, FALSE),
	TEST(token_delay, FALSE),
	TEST(turns, FALSE),
	TEST(minds, TRUE),
	TEST(size, TRUE),
	TEST(flood, TRUE),
	TEST(clock, FALSE),
	TEST(bad_snapshot, FALSE),
	TEST(half_snapshot, FALSE),
};

/* Run all tests, only the quick ones ("quick"), or one. */
int main(int argc, char *argv[])
{
	void (*functions[N_ELEMENTS(tests) + 3])(void) = { test_init };
	unsigned int count = 1;

	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		if (argc < 2 || strcmp(argv[1], tests[i].name) == 0 ||
		    (strcmp(argv[1], "quick") == 0 && !tests[i].slow))
			functions[count++] = tests[i].func;
	}
	functions[count++] = test_dir_deinit;
	functions[count] = NULL;
	return test_run(functions);
}

/* Tests that the state is a function of the shared log alone: the same records
   give the same model, rows and counts, whatever each host does in between. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "hex-binary.h"
#include "test-common.h"
#include "test-junk-service.h"
#include "junk-recorder-private.h"

#include <sodium.h>
#include <sqlite3.h>

#define HOUR 3600
#define DAY (24*HOUR)
/* the beginning of an hour */
#define NOW ((time_t)(472500 * HOUR))
#define RECORDS 700
#define HOSTS 4
#define SEEDS 6
#define MAX_TOKENS 24

enum test_kind {
	KIND_REPORT,
	KIND_CHECKPOINT,
	KIND_EXPIRE,
	KIND_FORGET,
};

struct test_record {
	enum test_kind kind;
	struct junk_report report;
	junk_token_t tokens[MAX_TOKENS];
	int score;
	time_t hour;
};

static const struct junk_recorder_settings recorder_set = {
	.ordered = TRUE,
	.rate = 3,
	.min_reporters = 2,
};
static struct test_record records[RECORDS];
static struct junk_key *key;
static struct junk_db *db;
static struct junk_learner *learner;
static struct junk_recorder *recorder;
/* of the host's own decisions */
static uint64_t host_random;

static unsigned int random_below(uint64_t *state, unsigned int limit)
{
	*state = *state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (unsigned int)((*state >> 33) % limit);
}

static void test_open(void)
{
	struct junk_learner_settings set;
	const char *error;

	db = test_db_open(key);
	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = 12;
	set.min_reporters = 2;
	set.min_reports = set.min_evidence = 1;
	set.seed = 12345;
	set.in_steps = TRUE;
	learner = junk_learner_init(&set);
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

/* --- the log --- */

static void make_report(uint64_t *random, time_t hour,
			struct test_record *record_r)
{
	static const enum junk_verdict verdicts[] = {
		JUNK_VERDICT_SPAM, JUNK_VERDICT_SPAM, JUNK_VERDICT_HAM,
		JUNK_VERDICT_HAM, JUNK_VERDICT_WEAK_HAM, JUNK_VERDICT_RETRACT
	};
	struct junk_report *report = &record_r->report;
	const unsigned int message = random_below(random, 150);

	report->stamp_usecs = (uint64_t)(hour + random_below(random, HOUR)) *
		1000000;
	report->verdict = verdicts[random_below(random,
						N_ELEMENTS(verdicts))];
	/* most people think the same of a message */
	if (random_below(random, 4) > 0)
		report->verdict = message % 2 == 0 ? JUNK_VERDICT_SPAM :
			JUNK_VERDICT_HAM;
	report->origin = (enum junk_origin)
		(1 + random_below(random, JUNK_ORIGIN_LAST));
	report->feature_set = JUNK_FEATURE_SET;
	report->size_bytes = 1000;
	report->reporter[0] = (unsigned char)random_below(random, 5);
	report->uid = 1000;
	report->digest[0] = (unsigned char)message;
	report->digest[1] = report->reporter[0];
	report->tokens = record_r->tokens;
	report->token_count = MAX_TOKENS;
	for (unsigned int i = 0; i < MAX_TOKENS; i++) {
		unsigned int word = message % 2 * 1000 + i % 12 +
			message * (i / 12) * 100;

		record_r->tokens[i] = junk_token_hash(
			(enum junk_token_class)(i % 4), &word, sizeof(word));
	}
	record_r->score = (int)random_below(random, 101);
}

static void make_log(uint64_t seed)
{
	uint64_t random = seed;
	time_t hour = NOW;

	for (unsigned int i = 0; i < RECORDS; i++) {
		unsigned int kind = random_below(&random, 100);

		if (random_below(&random, 20) == 0)
			hour += HOUR;
		i_zero(&records[i]);
		records[i].hour = hour;
		if (kind < 4) {
			records[i].kind = KIND_CHECKPOINT;
		} else if (kind < 5 && i > RECORDS / 2) {
			records[i].kind = KIND_EXPIRE;
		} else if (kind < 6) {
			records[i].kind = KIND_FORGET;
			records[i].report.reporter[0] = (unsigned char)
				random_below(&random, 5);
		} else {
			make_report(&random, records[i].hour, &records[i]);
		}
	}
}

/* --- a host --- */

static void restart(void)
{
	test_close();
	test_open();
}

static void commit(time_t now)
{
	test_assert(junk_recorder_commit(recorder, now) == 0);
}

static void do_something(void)
{
	static time_t now = NOW;

	switch (random_below(&host_random, 20)) {
	case 0:
		restart();
		break;
	case 1:
		/* twice: the first round notes the time */
		(void)junk_recorder_maintain(recorder, now++);
		now += 20;
		while (junk_recorder_maintain(recorder, now) > 0) ;
		break;
	case 2:
	case 3:
	case 4:
		now += random_below(&host_random, 10);
		test_assert(junk_recorder_maintain(recorder, now) >= 0);
		break;
	}
}

static void forget(const struct test_record *record)
{
	const struct junk_forget forget = {
		.reporter = record->report.reporter,
		.since = (uint64_t)(record->hour - 3 * HOUR),
	};
	unsigned int count;
	bool exact;

	test_assert(junk_recorder_forget(recorder, &forget, &count,
					 &exact) == 0);
	restart();
}

static void apply(unsigned int idx)
{
	const struct test_record *record = &records[idx];
	struct junk_recorder_position position =
		*junk_recorder_position(recorder);
	const struct junk_recorder_ordered ordered = {
		.seq = idx + 1,
		.score = record->score,
	};

	position.seq = idx + 1;
	if (record->kind == KIND_EXPIRE)
		position.expired = record->hour - 10 * HOUR;
	if (record->kind == KIND_REPORT) {
		junk_recorder_add_ordered(recorder, &record->report, &ordered);
		junk_recorder_set_position(recorder, &position);
		return;
	}
	junk_recorder_set_position(recorder, &position);
	switch (record->kind) {
	case KIND_REPORT:
		break;
	case KIND_CHECKPOINT:
		test_assert(junk_recorder_checkpoint(recorder,
						     &position) == 0);
		break;
	case KIND_EXPIRE:
		test_assert(junk_recorder_expire_ordered(recorder,
							 &position) == 0);
		break;
	case KIND_FORGET:
		forget(record);
		break;
	}
}

static void run_host(uint64_t seed)
{
	host_random = seed;
	test_db_delete();
	test_open();
	for (unsigned int i = 0; i < RECORDS; i++) T_BEGIN {
		if (i > 0 && (records[i].hour != records[i - 1].hour ||
			      records[i].kind != KIND_REPORT ||
			      random_below(&host_random, 5) == 0 ||
			      junk_recorder_pending_count(recorder) >=
			      JUNK_RECORDER_MAX_PENDING)) {
			commit(records[i - 1].hour);
			do_something();
		}
		apply(i);
	} T_END;
	commit(records[RECORDS - 1].hour);
}

/* --- the state --- */

static void add_rows(buffer_t *state, const char *sql)
{
	sqlite3_stmt *stmt = test_sqlite_prepare(test_db_path(), sql);

	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const int64_t value = sqlite3_column_int64(stmt, i);

			buffer_append(state, &value, sizeof(value));
		}
	}
	test_sqlite_finish(stmt);
}

static const char *hash_of(const buffer_t *data)
{
	unsigned char hash[16];

	crypto_generichash(hash, sizeof(hash), data->data, data->used, NULL, 0);
	return binary_to_hex(hash, sizeof(hash));
}

static const char *state_of_host(void)
{
	buffer_t *state = buffer_create_dynamic(default_pool, 1024*1024);
	const char *model, *error;

	test_assert(!recorder->need_rebuild ||
		    junk_recorder_rebuild(recorder, &error) >= 0);
	junk_learner_export(learner, state);
	model = hash_of(state);
	buffer_set_used_size(state, 0);
	add_rows(state, t_strdup_printf(
		"SELECT seq, id, hour, verdict, origin, score, burst, undone "
		"FROM reports WHERE hour >= %"PRId64" ORDER BY seq",
		recorder->position.expired));
	add_rows(state, "SELECT hour, verdict, origin, score, reports, burst "
		 "FROM hours WHERE reports <> 0 OR burst <> 0 "
		 "ORDER BY 1, 2, 3, 4");
	/* the counts that wait in memory */
	test_assert(junk_recorder_maintain(recorder, NOW + DAY) >= 0);
	while (junk_recorder_maintain(recorder, NOW + DAY + 20) > 0) ;
	test_assert(junk_recorder_token_count(recorder) == 0);
	add_rows(state, "SELECT token, class, spam, ham FROM tokens "
		 "WHERE spam <> 0 OR ham <> 0 ORDER BY token");
	model = t_strdup_printf("%s %s", model, hash_of(state));
	buffer_free(&state);
	return model;
}

static void test_junk_ordered(void)
{
	const char *state;
	char *first;

	test_begin("junk ordered: hosts have the same state");
	key = test_key_new();
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		make_log(seed);
		first = NULL;
		for (unsigned int host = 0; host < HOSTS; host++) T_BEGIN {
			run_host(seed * 100 + host);
			state = state_of_host();
			test_close();
			if (first == NULL)
				first = i_strdup(state);
			test_assert_strcmp_idx(first, state, seed);
		} T_END;
		i_free(first);
	}
	junk_key_unref(&key);
	test_end();
}

static void test_init(void)
{
	test_dir_init("junk-ordered");
}

int main(void)
{
	static void (*const functions[])(void) = {
		test_init, test_junk_ordered, test_dir_deinit, NULL
	};

	return test_run(functions);
}

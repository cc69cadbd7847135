/* Tests the database: tables, expiry, damage, locks, limits and upgrades. */

#include "lib.h"
#include "buffer.h"
#include "write-full.h"
#include "test-common.h"
#include "test-junk-service.h"

#include <fcntl.h>
#include <unistd.h>
#include <sqlite3.h>
#include <sys/stat.h>

#define HOUR_1 INT64_C(1700000000 / 3600 * 3600)

static void test_init(void)
{
	test_dir_init("junk-db");
}

static const char *
test_open_error(const struct junk_key *key, enum junk_db_fault *fault_r)
{
	const struct junk_db_settings set = {
		.path = test_db_path(),
		.key = key,
		.min_reporters = 2,
		.threshold = 90,
	};
	struct junk_db *db;
	const char *error;

	if (junk_db_open(&set, &db, fault_r, &error) == 0) {
		junk_db_close(&db);
		return "";
	}
	return error;
}

static void
test_report_init(struct junk_db_report *report, int64_t seq, uint64_t id)
{
	i_zero(report);
	report->seq = seq;
	report->id = id;
	report->hour = HOUR_1;
	report->verdict = JUNK_VERDICT_SPAM;
	report->origin = JUNK_ORIGIN_MOVE;
	report->score = 42;
	report->sealed = "sealed";
	report->sealed_size = 6;
}

static void test_junk_db_reports(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db *db;
	struct junk_db_report in, out;
	int64_t seq;

	test_begin("junk_db: reports");
	test_db_delete();
	db = test_db_open(key);
	test_assert(junk_db_last_seq(db, &seq) == 0 && seq == 0);
	test_assert(junk_db_report_find(db, 1, 1, &out) == 0);
	test_assert(junk_db_begin(db) == 0);
	/* SQL integers are signed, ids are unsigned */
	test_report_init(&in, 7, UINT64_MAX - 1);
	test_assert(junk_db_report_insert(db, &in) == 0);
	in.seq = 8;
	in.score = JUNK_SCORE_UNKNOWN;
	in.burst = TRUE;
	test_assert(junk_db_report_insert(db, &in) == 0);
	test_assert(junk_db_commit(db) == 0);

	test_assert(junk_db_report_find(db, 8, 1, &out) == 0);
	test_assert(junk_db_report_find(db, 8, UINT64_MAX - 1, &out) == 1);
	test_assert(out.seq == 8 && out.id == UINT64_MAX - 1);
	test_assert(out.hour == HOUR_1 && out.verdict == JUNK_VERDICT_SPAM);
	test_assert(out.origin == JUNK_ORIGIN_MOVE && out.burst);
	test_assert(out.score == JUNK_SCORE_UNKNOWN && out.undone == 0);
	test_assert(out.sealed_size == 6 &&
		    memcmp(out.sealed, "sealed", 6) == 0);

	test_assert(junk_db_begin(db) == 0);
	test_assert(junk_db_report_undo(db, 8, 11) == 0);
	test_assert(junk_db_report_reseal(db, 8, "", 0) == 0);
	test_assert(junk_db_commit(db) == 0);
	test_assert(junk_db_report_find(db, 8, UINT64_MAX - 1, &out) == 1);
	test_assert(out.undone == 11 && out.sealed_size == 0);
	test_assert(junk_db_last_seq(db, &seq) == 0 && seq == 11);

	/* after a rollback nothing has changed */
	test_assert(junk_db_begin(db) == 0);
	test_report_init(&in, 20, 20);
	test_assert(junk_db_report_insert(db, &in) == 0);
	junk_db_rollback(db);
	junk_db_rollback(db);
	test_assert(junk_db_report_find(db, 20, 20, &out) == 0);
	junk_db_close(&db);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_events(void)
{
	static const struct {
		int64_t seq;
		bool undo;
	} expected[] = {
		{ 3, FALSE }, { 4, TRUE }, { 5, FALSE }, { 6, TRUE },
	};
	struct junk_key *key = test_key_new();
	struct junk_db *db;
	struct junk_db_report report;
	struct junk_db_event event;
	struct junk_db_iter *iter;

	test_begin("junk_db: events");
	test_db_delete();
	db = test_db_open(key);
	test_assert(junk_db_begin(db) == 0);
	test_report_init(&report, 1, 1);
	test_assert(junk_db_report_insert(db, &report) == 0);
	test_report_init(&report, 2, 2);
	test_assert(junk_db_report_insert(db, &report) == 0);
	test_report_init(&report, 3, 3);
	test_assert(junk_db_report_insert(db, &report) == 0);
	test_report_init(&report, 5, 5);
	test_assert(junk_db_report_insert(db, &report) == 0);
	test_assert(junk_db_report_undo(db, 1, 4) == 0);
	test_assert(junk_db_report_undo(db, 3, 6) == 0);
	test_assert(junk_db_commit(db) == 0);
	iter = junk_db_iter_init(db, 2);
	for (unsigned int i = 0; i < N_ELEMENTS(expected); i++) {
		test_assert_idx(junk_db_iter_next(iter, &event) == 1, i);
		test_assert_idx(event.seq == expected[i].seq, i);
		test_assert_idx(event.undo == expected[i].undo, i);
	}
	test_assert(event.report.seq == 3 && event.report.undone == 6);
	test_assert(junk_db_iter_next(iter, &event) == 0);
	junk_db_iter_deinit(&iter);
	junk_db_iter_deinit(&iter);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_hours(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db_hour hour = {
		.hour = HOUR_1, .verdict = JUNK_VERDICT_SPAM,
		.origin = JUNK_ORIGIN_MOVE, .score = JUNK_SCORE_UNKNOWN,
		.reports = 3, .burst = 1,
	};
	struct junk_db *db;

	test_begin("junk_db: hours");
	test_db_delete();
	db = test_db_open(key);
	test_assert(junk_db_hour_add(db, &hour) == 0);
	hour.reports = -1;
	hour.burst = 0;
	test_assert(junk_db_hour_add(db, &hour) == 0);
	test_assert(test_db_int("SELECT reports * 10 + burst FROM hours") ==
		    21);
	/* counts are never negative */
	hour.reports = -5;
	test_assert(junk_db_hour_add(db, &hour) == 0);
	test_assert(test_db_int("SELECT reports FROM hours") == 0);
	test_assert(junk_db_hour_expire(db, HOUR_1) == 0);
	test_assert(test_db_int("SELECT count(*) FROM hours") == 1);
	test_assert(junk_db_hour_expire(db, HOUR_1 + 1) == 0);
	test_assert(test_db_int("SELECT count(*) FROM hours") == 0);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_tokens(void)
{
	static const struct {
		uint64_t sketch;
		int reporters;
	} tests[] = {
		{ 0, 0 }, { 1, 1 }, { 3, 2 }, { 7, 3 }, { 0x1f, 5 },
		{ 0xffff, 18 }, { UINT64_MAX >> 1, 266 }, { UINT64_MAX, 266 },
	};
	int64_t pos = JUNK_DB_FIRST_TOKEN;
	struct junk_key *key = test_key_new();
	struct junk_db_token token, found;
	struct junk_db *db;

	test_begin("junk_db: tokens");
	test_db_delete();
	db = test_db_open(key);
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		i_zero(&token);
		token.token = UINT64_MAX - i;
		token.class_num = i;
		token.spam = 1;
		token.sketch = tests[i].sketch;
		token.day = 1;
		test_assert_idx(junk_db_token_add(db, &token) == 0, i);
		test_assert_idx(test_db_int(t_strdup_printf(
			"SELECT reporters FROM tokens WHERE class = %u",
			i)) == tests[i].reporters, i);
	} T_END;

	token.class_num = 1;
	token.token = UINT64_MAX - 1;
	token.spam = -3;
	token.ham = 2;
	token.sketch = 2;
	token.day = 0;
	test_assert(junk_db_token_add(db, &token) == 0);
	test_assert(test_db_int("SELECT spam + 10 * ham + 100 * reporters + "
				"1000 * day + 10000 * age FROM tokens "
				"WHERE class = 1") == 1220);
	/* one of the two reporters again, three days later */
	token.spam = 0;
	token.ham = 0;
	token.day = 4;
	test_assert(junk_db_token_add(db, &token) == 0);
	test_assert(junk_db_token_find(db, token.token, &found) == 1);
	test_assert(found.sketch == 3 && found.ham == 2 && found.day == 4);
	test_assert(test_db_int("SELECT 10 * age + reporters FROM tokens "
				"WHERE class = 1") == 32);
	/* the highest bit, with a single reporter */
	token.token = 12345;
	token.class_num = 12;
	token.sketch = UINT64_C(1) << 63;
	for (unsigned int i = 0; i < 2; i++) {
		test_assert(junk_db_token_add(db, &token) == 0);
		test_assert(junk_db_token_find(db, 12345, &found) == 1);
		test_assert(found.sketch == token.sketch);
	}
	test_assert(test_db_int("SELECT sketch FROM tokens "
				"WHERE class = 12") == 63);
	/* an undo doesn't name a reporter */
	token.sketch = 0;
	test_assert(junk_db_token_add(db, &token) == 0);
	test_assert(test_db_int("SELECT sketch FROM tokens "
				"WHERE class = 12") == 63);
	/* but when all reports are undone, the sketch is empty, and the next
	   reporter is the only one */
	token.spam = 1;
	test_assert(junk_db_token_add(db, &token) == 0);
	token.spam = -1;
	test_assert(junk_db_token_add(db, &token) == 0);
	test_assert(test_db_int("SELECT 100 * spam + 10 * reporters + sketch "
				"FROM tokens WHERE class = 12") == 0);
	token.spam = 1;
	token.sketch = 4;
	test_assert(junk_db_token_add(db, &token) == 0);
	test_assert(test_db_int("SELECT 100 * spam + 10 * reporters + sketch "
				"FROM tokens WHERE class = 12") == 112);
	test_db_exec("DELETE FROM tokens WHERE class = 12");
	test_db_exec("UPDATE tokens SET day = 1");
	/* tokens of few people aren't shown */
	test_assert(test_db_int("SELECT count(*) FROM shown_tokens") ==
		    N_ELEMENTS(tests) - 1);
	/* old tokens of few people expire */
	test_assert(junk_db_token_expire(db, 1, 3, 10, &pos) == 0);
	test_assert(junk_db_token_expire(db, 2, 3, 10, &pos) == 3);
	test_assert(pos == JUNK_DB_FIRST_TOKEN);
	test_assert(test_db_int("SELECT min(class) FROM tokens") == 3);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

/* Add tokens that are spread over the range; every fourth one is of more
   people. */
static void test_add_tokens(struct junk_db *db, unsigned int count)
{
	struct junk_db_token token = { .spam = 1, .day = 1 };

	test_assert(junk_db_begin(db) == 0);
	for (unsigned int i = 0; i < count; i++) {
		token.token = i * UINT64_C(0x9e3779b97f4a7c15);
		token.sketch = i % 4 == 0 ? 0xff : 1;
		test_assert_idx(junk_db_token_add(db, &token) == 0, i);
	}
	test_assert(junk_db_commit(db) == 0);
}

static int64_t test_tokens_before(int64_t token)
{
	return test_db_int(t_strdup_printf("SELECT count(*) FROM tokens "
					   "WHERE token < %"PRId64, token));
}

static void test_junk_db_token_expire(void)
{
	struct junk_key *key = test_key_new();
	/* the lowest and the highest possible token */
	const struct junk_db_token first = {
		.token = (uint64_t)INT64_MIN, .spam = 1, .sketch = 1,
	}, last = {
		.token = (uint64_t)INT64_MAX, .spam = 1, .sketch = 1,
	};
	int64_t pos = JUNK_DB_FIRST_TOKEN, old_pos;
	unsigned int pieces = 0;
	struct junk_db *db;

	test_begin("junk_db: tokens expire in pieces");
	test_db_delete();
	db = test_db_open(key);
	test_assert(junk_db_token_expire(db, 2, 3, 100, &pos) == 0);
	test_assert(pos == JUNK_DB_FIRST_TOKEN);
	test_add_tokens(db, 999);
	test_assert(junk_db_token_add(db, &last) == 0);

	/* at most the requested number, and no other tokens */
	test_assert(junk_db_token_expire(db, 2, 3, 100, &pos) <= 100);
	test_assert_cmp(test_tokens_before(pos), <, 100);
	test_assert(test_db_int("SELECT count(*) FROM tokens") ==
		    test_tokens_before(pos) + 900);
	/* a token behind the position doesn't expire in this round */
	test_assert(junk_db_token_add(db, &first) == 0);
	for (pieces = 1; pos != JUNK_DB_FIRST_TOKEN && pieces < 100; pieces++) {
		old_pos = pos;
		test_assert_idx(junk_db_token_expire(db, 2, 3, 100,
						     &pos) > 0, pieces);
		test_assert_idx(pos > old_pos || pos == JUNK_DB_FIRST_TOKEN,
				pieces);
	}
	test_assert_ucmp(pieces, ==, 10);
	test_assert(test_db_int("SELECT count(*) FROM tokens "
				"WHERE reporters < 3") == 1);
	test_assert(test_db_int("SELECT count(*) FROM tokens "
				"WHERE reporters > 2") == 250);
	/* but in the next one */
	test_assert(junk_db_token_expire(db, 2, 3, 100, &pos) == 1);
	test_assert(pos != JUNK_DB_FIRST_TOKEN);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

/* Instructions of SQLite, in all connections that are opened meanwhile. */
static unsigned int test_steps;

static int test_count_step(void *context ATTR_UNUSED)
{
	test_steps++;
	return 0;
}

static int test_count_steps(sqlite3 *sqlite)
{
	sqlite3_progress_handler(sqlite, 1, test_count_step, NULL);
	return SQLITE_OK;
}

/* The cost of a piece doesn't depend on the size of the table, whether tokens
   are old or not. */
static void test_junk_db_token_expire_cost(void)
{
	static const unsigned int counts[] = { 500, 20000 };
	static const int64_t days[] = { 0, 86401 };
	unsigned int steps[N_ELEMENTS(counts)][N_ELEMENTS(days)];
	struct junk_key *key = test_key_new();
	struct junk_db *db;

	test_begin("junk_db: expiry's cost");
	sqlite3_auto_extension((void (*)(void))test_count_steps);
	for (unsigned int i = 0; i < N_ELEMENTS(counts); i++) {
		test_db_delete();
		db = test_db_open(key);
		test_add_tokens(db, counts[i]);
		for (unsigned int j = 0; j < N_ELEMENTS(days); j++) {
			int64_t pos = JUNK_DB_FIRST_TOKEN;

			test_steps = 0;
			test_assert_idx(junk_db_token_expire(
				db, days[j], 3, 100, &pos) >= 0, i);
			test_assert_idx(pos != JUNK_DB_FIRST_TOKEN, i);
			steps[i][j] = test_steps;
		}
		junk_db_close(&db);
	}
	sqlite3_reset_auto_extension();
	/* check that counting works: deleting rows costs more */
	test_assert(steps[0][0] > 100 && steps[0][1] > steps[0][0]);
	for (unsigned int j = 0; j < N_ELEMENTS(days); j++)
		test_assert_ucmp_idx(steps[1][j], <, 2 * steps[0][j], j);
	junk_key_unref(&key);
	test_end();
}

/* Expire with a clock that was never wrong. */
static int test_expire(struct junk_db *db, int64_t before_hour,
		       int64_t max_seq, unsigned int limit)
{
	return junk_db_report_expire(db, before_hour, INT64_MAX, max_seq,
				     limit);
}

static void test_junk_db_expire(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db_report report;
	struct junk_db *db;

	test_begin("junk_db: expiry of reports");
	test_db_delete();
	db = test_db_open(key);
	for (unsigned int i = 1; i <= 10; i++) {
		test_report_init(&report, i, i);
		report.hour = HOUR_1 + (i / 5) * 3600;
		test_assert(junk_db_report_insert(db, &report) == 0);
	}
	/* its undo isn't learned yet */
	test_assert(junk_db_report_undo(db, 2, 11) == 0);
	test_assert(test_expire(db, HOUR_1, 10, 100) == 0);
	test_assert(test_expire(db, HOUR_1 + 1, 10, 3) == 2);
	test_assert(test_expire(db, HOUR_1 + 1, 10, 100) == 1);
	test_assert(test_expire(db, INT64_MAX, 6, 100) == 2);
	test_assert(test_expire(db, INT64_MAX, 11, 100) == 5);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

/* Reports from a clock that was ahead stay until their time; others expire. */
static void test_junk_db_expire_future(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db_report report;
	struct junk_db *db;
	int64_t count;

	test_begin("junk_db: expiry behind reports of the future");
	test_db_delete();
	db = test_db_open(key);
	for (unsigned int i = 1; i <= 30; i++) {
		test_report_init(&report, i, i);
		report.hour = i <= 20 ? HOUR_1 + 7200 : HOUR_1;
		test_assert(junk_db_report_insert(db, &report) == 0);
	}
	test_assert(junk_db_report_undo(db, 30, 31) == 0);
	test_assert(junk_db_event_count(db, &count) == 0 && count == 31);
	for (unsigned int i = 0; i < 2; i++) {
		test_assert(junk_db_report_expire(db, HOUR_1 + 1, HOUR_1 + 3600,
						  31, 5) == 5);
	}
	test_assert(junk_db_event_count(db, &count) == 0 && count == 20);
	test_assert(junk_db_report_expire(db, HOUR_1 + 7201, HOUR_1 + 10800,
					  31, 100) == 20);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_empty_wal(void)
{
	struct junk_key *key = test_key_new();
	const struct junk_db_token gone = { .token = 1, .spam = -1 };
	struct junk_db_report report;
	sqlite3_stmt *reader;
	struct junk_db *db;

	test_begin("junk_db: what was deleted isn't in the WAL");
	test_db_delete();
	db = test_db_open(key);
	/* clear the WAL of the test before (SQLite may omit the first
	   transaction) */
	test_assert(junk_db_meta_set(db, "x", "1", 1) == 0);
	test_assert(test_db_wal_size() > 0);
	test_assert(junk_db_empty_wal(db) == 1);
	test_assert(test_db_wal_size() == 0);

	/* nothing was deleted, so this does nothing */
	test_report_init(&report, 1, 1);
	test_assert(junk_db_report_insert(db, &report) == 0);
	test_assert(test_expire(db, HOUR_1, 1, 10) == 0);
	test_assert(junk_db_hour_expire(db, HOUR_1) == 0);
	test_assert(junk_db_empty_wal(db) == 1);
	test_assert(test_db_wal_size() > 0);

	/* a reader prevents it, until it ends */
	reader = test_sqlite_prepare(test_db_path(), "SELECT id FROM reports");
	test_assert(sqlite3_step(reader) == SQLITE_ROW);
	test_assert(junk_db_report_undo(db, 1, 2) == 0);
	test_assert(junk_db_empty_wal(db) == 0);
	test_sqlite_finish(reader);
	test_assert(junk_db_empty_wal(db) == 1);
	test_assert(test_db_wal_size() == 0);

	test_assert(junk_db_token_add(db, &gone) == 0);
	test_assert(junk_db_empty_wal(db) == 1);
	test_assert(test_db_wal_size() == 0);
	test_assert(test_expire(db, HOUR_1 + 1, 2, 10) == 1);
	test_assert(junk_db_empty_wal(db) == 1);
	test_assert(test_db_wal_size() == 0);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static bool test_file_has(const char *path, const char *text)
{
	buffer_t *data = buffer_create_dynamic(default_pool, 1024*1024);
	unsigned char block[65536];
	ssize_t ret;
	int fd = open(path, O_RDONLY);
	bool found = FALSE;

	while (fd != -1 && (ret = read(fd, block, sizeof(block))) > 0)
		buffer_append(data, block, (size_t)ret);
	i_close_fd(&fd);
	for (size_t i = 0; !found && i + strlen(text) <= data->used; i++) {
		found = memcmp(CONST_PTR_OFFSET(data->data, i), text,
			       strlen(text)) == 0;
	}
	buffer_free(&data);
	return found;
}

/* Deleted data is overwritten, not only unlinked. */
static void test_junk_db_secure_delete(void)
{
	static const char text[] = "what nobody may find when it is deleted";
	struct junk_key *key = test_key_new();
	struct junk_db *db;
	struct junk_db_report row;
	const char *path = t_strdup(test_db_path());

	test_begin("junk_db: what is deleted is overwritten");
	test_db_delete();
	db = test_db_open(key);
	i_zero(&row);
	row.seq = 1;
	row.id = 7;
	row.hour = 3600;
	row.verdict = JUNK_VERDICT_SPAM;
	row.origin = JUNK_ORIGIN_MOVE;
	row.sealed = text;
	row.sealed_size = sizeof(text);
	test_assert(junk_db_report_insert(db, &row) == 0);
	test_assert(junk_db_empty_wal(db) == 1);
	test_assert(test_file_has(path, text));
	test_assert(junk_db_report_delete(db, 1) == 0);
	test_assert(junk_db_empty_wal(db) == 1);
	test_assert(!test_file_has(path, text));
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_blobs(void)
{
	struct junk_key *key = test_key_new();
	buffer_t *value = t_buffer_create(64);
	struct junk_db *db;

	test_begin("junk_db: meta and snapshot");
	test_db_delete();
	db = test_db_open(key);
	test_assert(junk_db_meta_get(db, "x", value) == 0);
	test_assert(junk_db_meta_set(db, "x", "1", 1) == 0);
	test_assert(junk_db_meta_set(db, "x", "a\0b", 3) == 0);
	test_assert(junk_db_meta_get(db, "x", value) == 1);
	test_assert(value->used == 3 && memcmp(value->data, "a\0b", 3) == 0);

	buffer_set_used_size(value, 0);
	test_assert(junk_db_snapshot_get(db, 5, value) == 0);
	test_assert(junk_db_snapshot_set(db, 5, "old", 3) == 0);
	test_assert(junk_db_snapshot_set(db, 5, "newer", 5) == 0);
	test_assert(junk_db_snapshot_set(db, 6, "other", 5) == 0);
	test_assert(junk_db_snapshot_get(db, 5, value) == 1);
	test_assert(junk_db_snapshot_get(db, 6, value) == 1);
	test_assert(value->used == 10 &&
		    memcmp(value->data, "newerother", 10) == 0);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_open(void)
{
	struct junk_key *key = test_key_new(), *key2;
	enum junk_db_fault fault;
	const char *error;
	struct junk_db *db;
	struct stat st;
	int64_t schema;

	test_begin("junk_db: open");
	test_db_delete();
	db = test_db_open(key);
	junk_db_close(&db);
	test_assert(stat(test_db_path(), &st) == 0 &&
		    (st.st_mode & 07777) == 0600);
	test_assert(test_db_int("PRAGMA user_version") ==
		    JUNK_DATABASE_VERSION);
	test_assert(test_db_int("SELECT value FROM meta WHERE "
				"name = 'min_reporters'") == 2);
	/* nothing is written if nothing has changed */
	schema = test_db_int("PRAGMA schema_version");
	db = test_db_open(key);
	junk_db_close(&db);
	test_assert(test_db_int("PRAGMA schema_version") == schema);
	test_assert(test_db_int("PRAGMA auto_vacuum") == 2);

	/* an older version is upgraded */
	test_db_exec("INSERT INTO tokens VALUES (1, 0, 2, 3, 4, 15, 86400, 0),"
		     "(2, 0, 2, 3, 1, 1 << 63, 86400, 0),"
		     "(3, 0, 2, 3, 0, 0, 86400, 0);"
		     "DROP VIEW token_classes; DROP VIEW rising_tokens;"
		     "DROP VIEW shown_tokens;"
		     "DELETE FROM meta WHERE name = 'views';"
		     "ALTER TABLE tokens DROP COLUMN age;"
		     "DROP TABLE report_ids; CREATE INDEX reports_id ON reports (id);"
		     "DROP INDEX reports_burst;"
		     "DROP TABLE identities; PRAGMA user_version = 1");
	db = test_db_open(key);
	junk_db_close(&db);
	test_assert(test_db_int("PRAGMA user_version") ==
		    JUNK_DATABASE_VERSION);
	test_assert(test_db_int("SELECT count(*) FROM identities") == 0);
	test_assert(test_db_int("SELECT sum(100 * day + 10 * age + "
				"(sketch = iif(token = 1, 15, "
				"iif(token = 2, 63, 0)))) FROM tokens") == 303);

	/* another key */
	i_unlink(test_path("key"));
	key2 = test_key_new();
	error = test_open_error(key2, &fault);
	test_assert(fault == JUNK_DB_FAULT_KEY);
	test_assert(strstr(error, "restore its key file") != NULL);
	junk_key_unref(&key2);

	/* a newer version */
	test_db_exec(t_strdup_printf("PRAGMA user_version = %d",
				     JUNK_DATABASE_VERSION + 1));
	error = test_open_error(key, &fault);
	test_assert(fault == JUNK_DB_FAULT_FOREIGN);
	test_assert(strstr(error, "upgrade dovecot-junk-feedback") != NULL);

	/* another program's database */
	test_db_exec("PRAGMA application_id = 1");
	error = test_open_error(key, &fault);
	test_assert(fault == JUNK_DB_FAULT_FOREIGN);
	test_assert(strstr(error, "another program") != NULL);
	junk_key_unref(&key);
	test_end();
}

static void test_overwrite(const char *path, off_t offset, const char *data,
			   size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd == -1 || pwrite_full(fd, data, size, offset) < 0)
		i_fatal("writing %s failed: %m", path);
	i_close_fd(&fd);
}

static void test_junk_db_corrupt(void)
{
	struct junk_key *key = test_key_new();
	char garbage[4096];
	enum junk_db_fault fault;
	const char *error, *new_path;
	struct junk_db *db;
	struct stat st;

	test_begin("junk_db: corrupt file");
	memset(garbage, 'x', sizeof(garbage));
	test_db_delete();
	test_overwrite(test_db_path(), 0, garbage, sizeof(garbage));
	error = test_open_error(key, &fault);
	test_assert(fault == JUNK_DB_FAULT_CORRUPT);
	test_assert(strstr(error, "damaged") != NULL);

	/* a valid header with an overwritten tree */
	test_db_delete();
	db = test_db_open(key);
	junk_db_close(&db);
	test_overwrite(test_db_path(), 100, garbage, sizeof(garbage));
	(void)test_open_error(key, &fault);
	test_assert(fault == JUNK_DB_FAULT_CORRUPT);

	/* nothing is deleted when it is moved aside */
	test_overwrite(t_strconcat(test_db_path(), "-wal", NULL), 0, "w", 1);
	new_path = junk_db_move_aside(test_db_path(), 1234, &error);
	test_assert_strcmp(new_path, t_strconcat(test_db_path(),
						 ".corrupt-1234", NULL));
	test_assert(stat(new_path, &st) == 0);
	test_assert(stat(t_strconcat(new_path, "-wal", NULL), &st) == 0);
	test_assert(stat(test_db_path(), &st) < 0);
	test_assert_strcmp(test_open_error(key, &fault), "");
	test_assert(fault == JUNK_DB_FAULT_NONE);
	test_assert(junk_db_move_aside(test_path("missing"), 1, &error) ==
		    NULL);
	junk_key_unref(&key);
	test_end();
}

/* Any damage of any page leads to an error or a result, never to a crash. */
static void test_junk_db_random_damage(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db_report report;
	enum junk_db_fault fault;
	struct junk_db *db;
	struct stat st;
	unsigned int i;

	test_begin("junk_db: random damage");
	test_db_delete();
	db = test_db_open(key);
	for (i = 1; i <= 50; i++) {
		test_report_init(&report, i, i);
		test_assert(junk_db_report_insert(db, &report) == 0);
	}
	junk_db_close(&db);
	if (stat(test_db_path(), &st) < 0)
		i_fatal("stat() failed: %m");
	for (i = 0; i < 100; i++) T_BEGIN {
		char byte = (char)i_rand_limit(256);

		test_overwrite(test_db_path(),
			       (off_t)i_rand_limit((uint32_t)st.st_size),
			       &byte, 1);
		(void)test_open_error(key, &fault);
	} T_END;
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_locked(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db *db;
	sqlite3 *other;

	test_begin("junk_db: locked");
	test_db_delete();
	db = test_db_open(key);
	test_assert(sqlite3_open(test_db_path(), &other) == SQLITE_OK);
	test_assert(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL,
				 NULL) == SQLITE_OK);
	test_assert(junk_db_begin(db) == -1);
	test_assert(junk_db_fault(db) == JUNK_DB_FAULT_BUSY);
	test_assert(strstr(junk_db_error(db), "has locked the database") !=
		    NULL);
	/* a reader is no problem */
	test_assert(sqlite3_exec(other, "COMMIT; BEGIN; "
				 "SELECT count(*) FROM reports",
				 NULL, NULL, NULL) == SQLITE_OK);
	test_assert(junk_db_begin(db) == 0);
	test_assert(junk_db_meta_set(db, "x", "1", 1) == 0);
	test_assert(junk_db_commit(db) == 0);
	test_assert(sqlite3_close(other) == SQLITE_OK);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_full(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db *db;
	struct junk_db_report report, out;
	uint64_t size, size2;
	char *large = i_malloc(100000);

	test_begin("junk_db: full");
	test_db_delete();
	db = test_db_open(key);
	test_assert(junk_db_size(db, &size) == 0 && size >= 8192);
	/* SQLite's error for its own page limit is that of a full disk */
	test_assert(junk_db_set_max_pages(db, 20) == 0);
	test_assert(junk_db_begin(db) == 0);
	test_report_init(&report, 1, 1);
	report.sealed = large;
	report.sealed_size = 100000;
	test_assert(junk_db_report_insert(db, &report) == -1);
	test_assert(junk_db_fault(db) == JUNK_DB_FAULT_FULL);
	test_assert(strstr(junk_db_error(db), "free some space") != NULL);
	junk_db_rollback(db);

	/* recovers when there is room */
	test_assert(junk_db_set_max_pages(db, 1000) == 0);
	test_assert(junk_db_begin(db) == 0);
	test_assert(junk_db_report_find(db, 1, 1, &out) == 0);
	test_assert(junk_db_report_insert(db, &report) == 0);
	test_assert(junk_db_commit(db) == 0);
	test_assert(junk_db_size(db, &size2) == 0);
	test_assert_ucmp(size2, >=, size + 90000);

	/* and free space is returned */
	test_assert(test_expire(db, INT64_MAX, 1, 10) == 1);
	test_assert(junk_db_size(db, &size2) == 0 && size2 == size);
	test_assert(junk_db_shrink(db, size2 + 100000) == 0);
	test_assert(junk_db_shrink(db, size2) == 1);
	test_assert(junk_db_shrink(db, size2) == 0);
	test_assert(test_db_int("PRAGMA freelist_count") == 0);
	junk_db_close(&db);
	i_free(large);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_readonly(void)
{
	struct junk_key *key = test_key_new();
	enum junk_db_fault fault;
	const char *error;

	test_begin("junk_db: can't be opened");
	test_db_delete();
	/* a directory in its place, which works as root, too */
	if (mkdir(test_db_path(), 0700) < 0)
		i_fatal("mkdir() failed: %m");
	error = test_open_error(key, &fault);
	test_assert(fault == JUNK_DB_FAULT_READONLY);
	test_assert(strstr(error, "owner and mode") != NULL);
	(void)rmdir(test_db_path());
	/* a symlink isn't followed */
	if (symlink("elsewhere", test_db_path()) < 0)
		i_fatal("symlink() failed: %m");
	(void)test_open_error(key, &fault);
	test_assert(fault == JUNK_DB_FAULT_READONLY);
	i_unlink(test_db_path());
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_names(void)
{
	struct junk_key *key = test_key_new();
	struct junk_db *db;

	test_begin("junk_db: names in views");
	test_db_delete();
	db = test_db_open(key);
	for (unsigned int i = 0; i < JUNK_TOKEN_CLASS_COUNT; i++) T_BEGIN {
		test_assert_idx(test_db_int(t_strdup_printf(
			"SELECT class FROM classes WHERE name = '%s'",
			junk_token_class_name(i))) == (int)i, i);
	} T_END;
	test_assert(test_db_int("SELECT count(*) FROM classes") ==
		    JUNK_TOKEN_CLASS_COUNT);
	for (unsigned int i = 1; i <= JUNK_ORIGIN_LAST; i++) T_BEGIN {
		test_assert_idx(test_db_int(t_strdup_printf(
			"SELECT origin FROM origins WHERE name = '%s'",
			junk_origin_name(i))) == (int)i, i);
	} T_END;
	for (unsigned int i = 1; i <= JUNK_VERDICT_RETRACT; i++) T_BEGIN {
		test_assert_idx(test_db_int(t_strdup_printf(
			"SELECT verdict FROM verdicts WHERE name = '%s'",
			junk_verdict_name(i))) == (int)i, i);
	} T_END;
	junk_db_close(&db);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_db_fs(void)
{
	test_begin("junk_db: file systems");
	test_assert_strcmp(junk_db_remote_fs_name(0x6969), "NFS");
	/* ext4, tmpfs, overlayfs */
	test_assert(junk_db_remote_fs_name(0xef53) == NULL);
	test_assert(junk_db_remote_fs_name(0x01021994) == NULL);
	test_assert(junk_db_remote_fs_name(0x794c7630) == NULL);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_init,
		test_junk_db_reports,
		test_junk_db_events,
		test_junk_db_hours,
		test_junk_db_tokens,
		test_junk_db_token_expire,
		test_junk_db_token_expire_cost,
		test_junk_db_expire,
		test_junk_db_expire_future,
		test_junk_db_empty_wal,
		test_junk_db_secure_delete,
		test_junk_db_blobs,
		test_junk_db_open,
		test_junk_db_corrupt,
		test_junk_db_random_damage,
		test_junk_db_locked,
		test_junk_db_full,
		test_junk_db_readonly,
		test_junk_db_names,
		test_junk_db_fs,
		test_dir_deinit,
		NULL
	};

	return test_run(test_functions);
}

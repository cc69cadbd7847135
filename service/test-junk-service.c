/* Common functions of the service's unit tests. */

#include "lib.h"
#include "unlink-directory.h"
#include "test-junk-service.h"
#include "junk-tokenizer.h"

#include <sys/stat.h>

static char test_dir[64];

void test_dir_init(const char *name)
{
	const char *error;

	if (i_snprintf(test_dir, sizeof(test_dir), ".test-%s", name) < 0)
		i_panic("name of the test is too long");
	if (unlink_directory(test_dir, UNLINK_DIRECTORY_FLAG_RMDIR,
			     &error) < 0 && errno != ENOENT)
		i_fatal("unlink_directory(%s) failed: %s", test_dir, error);
	if (mkdir(test_dir, 0700) < 0)
		i_fatal("mkdir(%s) failed: %m", test_dir);
}

void test_dir_deinit(void)
{
	const char *error;

	if (unlink_directory(test_dir, UNLINK_DIRECTORY_FLAG_RMDIR,
			     &error) < 0)
		i_error("unlink_directory(%s) failed: %s", test_dir, error);
}

const char *test_dir_path(void)
{
	return test_dir;
}

const char *test_path(const char *name)
{
	return t_strconcat(test_dir, "/", name, NULL);
}

struct junk_key *test_key_new(void)
{
	struct junk_key *key;
	const char *error;

	if (junk_key_load(test_path("key"), TRUE, &key, &error) != 1)
		i_fatal("junk_key_load() failed: %s", error);
	return key;
}

const char *test_db_path(void)
{
	return test_path("stats.sqlite3");
}

struct junk_db *test_db_open(const struct junk_key *key)
{
	const struct junk_db_settings set = {
		.path = test_db_path(),
		.key = key,
		.min_reporters = 2,
		.threshold = 90,
	};
	enum junk_db_fault fault;
	struct junk_db *db;
	const char *error;

	if (junk_db_open(&set, &db, &fault, &error) < 0)
		i_fatal("junk_db_open() failed: %s", error);
	return db;
}

off_t test_db_wal_size(void)
{
	struct stat st;

	return stat(t_strconcat(test_db_path(), "-wal", NULL), &st) < 0 ? 0 :
		st.st_size;
}

void test_db_delete(void)
{
	i_unlink_if_exists(test_db_path());
	i_unlink_if_exists(t_strconcat(test_db_path(), "-wal", NULL));
	i_unlink_if_exists(t_strconcat(test_db_path(), "-shm", NULL));
}

static sqlite3 *test_sqlite_open(const char *path)
{
	sqlite3 *sqlite;

	if (sqlite3_open(path, &sqlite) != SQLITE_OK)
		i_fatal("sqlite3_open() failed: %s", sqlite3_errmsg(sqlite));
	return sqlite;
}

sqlite3_stmt *test_sqlite_prepare(const char *path, const char *sql)
{
	sqlite3 *sqlite = test_sqlite_open(path);
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
		i_fatal("%s: %s", sql, sqlite3_errmsg(sqlite));
	return stmt;
}

void test_sqlite_finish(sqlite3_stmt *stmt)
{
	sqlite3 *sqlite = sqlite3_db_handle(stmt);

	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(sqlite);
}

int64_t test_db_int(const char *sql)
{
	sqlite3_stmt *stmt = test_sqlite_prepare(test_db_path(), sql);
	int64_t value;

	value = sqlite3_step(stmt) == SQLITE_ROW ?
		sqlite3_column_int64(stmt, 0) : -1;
	test_sqlite_finish(stmt);
	return value;
}

void test_db_exec(const char *sql)
{
	sqlite3 *sqlite = test_sqlite_open(test_db_path());

	if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		i_fatal("%s: %s", sql, sqlite3_errmsg(sqlite));
	(void)sqlite3_close(sqlite);
}

void test_engine_delete(void)
{
	test_db_delete();
	i_unlink_if_exists(test_path("key"));
	i_unlink_if_exists(test_path("scores"));
}

struct junk_engine_settings test_engine_settings(void)
{
	const struct junk_engine_settings set = {
		.state_dir = test_dir_path(),
		.chroot_dir = "",
		.segment_fd = -1,
		.segment_mode = 0644,
		.segment_path = t_strdup(test_path("scores")),
		.min_reporters = 1,
		.min_reports = 1,
		.threshold = 90,
	};

	return set;
}

struct junk_engine *test_engine_new(void)
{
	const struct junk_engine_settings set = test_engine_settings();

	return junk_engine_init(&set);
}

void test_engine_add_tokens(struct junk_engine *engine, unsigned int num,
			    const unsigned char *reporter,
			    const junk_token_t *tokens, unsigned int count,
			    time_t now)
{
	struct junk_report report = {
		.stamp_usecs = (uint64_t)now * 1000000,
		.verdict = JUNK_VERDICT_SPAM,
		.origin = JUNK_ORIGIN_MOVE,
		.feature_set = JUNK_FEATURE_SET,
		.tokens = tokens,
		.token_count = count,
	};

	memcpy(report.reporter, reporter, sizeof(report.reporter));
	memcpy(report.digest, &num, sizeof(num));
	junk_engine_add(engine, &report);
}

void test_engine_add(struct junk_engine *engine, unsigned int num, time_t now)
{
	static const unsigned char nobody[JUNK_REPORTER_BYTES];
	const junk_token_t tokens[] = { 1, 2, 3, 4, 5 };

	test_engine_add_tokens(engine, num, nobody, tokens,
			       N_ELEMENTS(tokens), now);
}

/* Tests the engine: starts, faults and their recovery. */

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "write-full.h"
#include "test-common.h"
#include "test-junk-service.h"
#include "junk-segment.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define NOW ((time_t)1700000000)

static time_t now = NOW;
static unsigned int message;

static void test_add(struct junk_engine *engine)
{
	test_engine_add(engine, ++message, now);
}

static const char *test_status(struct junk_engine *engine, const char *key)
{
	string_t *str = t_str_new(1024);
	const char *const *lines, *value;

	junk_engine_status(engine, str);
	for (lines = t_strsplit(str_c(str), "\n"); *lines != NULL; lines++) {
		size_t len = strlen(key);

		if (strncmp(*lines, key, len) == 0 && (*lines)[len] == '=') {
			value = *lines + len + 1;
			return value;
		}
	}
	return "";
}

static unsigned int test_file_count(const char *part)
{
	DIR *dir = opendir(test_dir_path());
	struct dirent *d;
	unsigned int count = 0;

	while ((d = readdir(dir)) != NULL) {
		if (strstr(d->d_name, part) != NULL)
			count++;
	}
	(void)closedir(dir);
	return count;
}

static void test_junk_engine_life(void)
{
	struct junk_engine *engine, *engine2;

	test_begin("junk_engine: life");
	test_engine_delete();
	engine = test_engine_new();
	test_assert(!junk_engine_is_ready(engine));
	/* no reports are accepted while there is nowhere to queue them */
	test_assert(junk_engine_is_full(engine));
	test_assert(junk_engine_start(engine, now));
	test_assert(junk_engine_is_ready(engine));
	test_assert(!junk_engine_is_full(engine));
	test_assert_strcmp(test_status(engine, "state"), "ready");
	test_add(engine);
	test_add(engine);
	test_assert(junk_engine_commit(engine, now));
	test_assert(junk_engine_commit(engine, now));
	test_assert(test_db_int("SELECT count(*) FROM reports") == 2);
	test_assert_strcmp(test_status(engine, "reports_recorded"), "2");
	test_assert_strcmp(test_status(engine, "model_spam"), "2");
	while (junk_engine_maintain(engine, now)) ;
	test_assert(junk_engine_segment_is_current(engine));

	/* a second process waits until the first one has ended */
	engine2 = test_engine_new();
	test_assert(!junk_engine_start(engine2, now));
	test_assert(strncmp(test_status(engine2, "state"),
			    "waiting: ", 9) == 0);
	test_assert(strstr(test_status(engine2, "state"),
			   "locked by another process") != NULL);
	test_expect_error_string("locked by another process");
	test_assert(!junk_engine_start(engine2, now + 30));
	test_expect_no_more_errors();
	test_assert(strncmp(test_status(engine2, "state"), "error: ", 7) == 0);
	junk_engine_deinit(&engine);
	junk_engine_deinit(&engine);
	test_assert(junk_engine_start(engine2, now));
	test_assert_strcmp(test_status(engine2, "model_spam"), "2");
	/* nothing to replay */
	test_assert_strcmp(test_status(engine2, "snapshot_seq"), "2");
	junk_engine_deinit(&engine2);
	test_end();
}

static uint64_t test_segment_seed(void)
{
	struct junk_segment *segment = junk_segment_open(test_path("scores"));
	struct junk_model model;
	const char *reason;

	if (junk_segment_get(segment, now, &model, &reason) < 0)
		i_fatal("no segment: %s", reason);
	junk_segment_close(&segment);
	return model.seed;
}

static void test_junk_engine_killed_rebuild(void)
{
	const struct junk_frame rebuild = { .type = JUNK_FRAME_REBUILD };
	string_t *answer = t_str_new(128);
	struct junk_engine *engine;
	const char *error;
	uint64_t seed;

	test_begin("junk_engine: killed while it learns anew");
	test_engine_delete();
	engine = test_engine_new();
	test_assert(junk_engine_start(engine, now));
	test_add(engine);
	test_assert(junk_engine_commit(engine, now));
	seed = test_segment_seed();
	test_assert(junk_engine_admin(engine, &rebuild, now, answer,
				      &error) == 0);
	junk_engine_deinit(&engine);
	/* as if the snapshot had never been completed */
	test_db_exec("UPDATE meta SET value = '' WHERE name = 'snapshot'");
	engine = test_engine_new();
	test_assert(junk_engine_start(engine, now));
	test_assert(test_segment_seed() == seed);
	test_assert_strcmp(test_status(engine, "model_spam"), "1");
	junk_engine_deinit(&engine);
	test_end();
}

static void test_junk_engine_full(void)
{
	struct junk_engine *engine = test_engine_new();
	unsigned int count = 0;

	test_begin("junk_engine: full");
	test_assert(junk_engine_start(engine, now));
	for (; !junk_engine_is_full(engine); count++)
		test_add(engine);
	test_assert(count == 128);
	test_assert(junk_engine_commit(engine, now));
	test_assert(!junk_engine_is_full(engine));
	junk_engine_deinit(&engine);
	test_end();
}

/* The fault is logged at once, but not at each retry. */
static void test_junk_engine_key(void)
{
	struct junk_engine *engine = test_engine_new();
	struct junk_key *key;
	const char *error;
	const char *key_path = t_strdup(test_path("key"));
	const char *saved_path = t_strdup(test_path("key.saved"));

	test_begin("junk_engine: key");
	test_assert(rename(key_path, saved_path) == 0);
	/* a new key would make the database unreadable for good */
	test_expect_error_string("restore it from a backup");
	test_assert(!junk_engine_start(engine, now));
	test_expect_no_more_errors();
	for (unsigned int i = 0; i < 100; i++)
		test_assert(!junk_engine_start(engine, now + i));
	test_assert(access(key_path, F_OK) < 0);
	test_expect_error_string("restore it from a backup");
	test_assert(!junk_engine_start(engine, now + 600));
	test_expect_no_more_errors();

	/* another key, then the right one */
	test_assert(junk_key_load(key_path, TRUE, &key, &error) == 1);
	junk_key_unref(&key);
	test_expect_error_string("written with another key");
	test_assert(!junk_engine_start(engine, now));
	test_expect_no_more_errors();
	test_assert(rename(saved_path, key_path) == 0);
	test_assert(junk_engine_start(engine, now));
	junk_engine_deinit(&engine);
	test_end();
}

static void test_junk_engine_locked(void)
{
	struct junk_engine *engine = test_engine_new();
	sqlite3 *other;
	int64_t count;

	test_begin("junk_engine: database locked");
	test_assert(junk_engine_start(engine, now));
	count = test_db_int("SELECT count(*) FROM reports");
	test_assert(sqlite3_open(test_db_path(), &other) == SQLITE_OK);
	test_assert(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL,
				 NULL) == SQLITE_OK);
	test_add(engine);
	/* not logged for some seconds */
	test_assert(!junk_engine_commit(engine, now));
	test_assert(!junk_engine_is_ready(engine));
	test_assert(junk_engine_retry_msecs(engine) < 1000);
	test_assert(!junk_engine_start(engine, now + 1));
	test_expect_error_string("has locked the database");
	test_assert(!junk_engine_start(engine, now + 5));
	test_expect_no_more_errors();
	test_assert(!junk_engine_start(engine, now + 6));
	test_assert(strncmp(test_status(engine, "state"),
			    "error: database ", 16) == 0);
	test_assert(sqlite3_close(other) == SQLITE_OK);

	test_assert(junk_engine_start(engine, now + 7));
	test_assert(junk_engine_commit(engine, now + 7));
	test_assert(test_db_int("SELECT count(*) FROM reports") == count + 1);
	junk_engine_deinit(&engine);
	test_end();
}

static void test_overwrite_db(off_t offset, size_t size)
{
	unsigned char *garbage = i_malloc(size);
	int fd = open(test_db_path(), O_RDWR);

	memset(garbage, 'x', size);
	if (fd == -1 || pwrite_full(fd, garbage, size, offset) < 0)
		i_fatal("writing failed: %m");
	i_close_fd(&fd);
	i_free(garbage);
}

/* A database that is damaged at the start is moved aside and replaced. */
static void test_junk_engine_corrupt_at_start(void)
{
	struct junk_engine *engine;

	test_begin("junk_engine: database damaged at start");
	test_overwrite_db(0, 4096);
	engine = test_engine_new();
	test_expect_error_string("moved to");
	test_assert(junk_engine_start(engine, ++now));
	test_expect_no_more_errors();
	test_assert(test_file_count(".corrupt-") == 1);
	test_add(engine);
	test_assert(junk_engine_commit(engine, now));
	test_assert(test_db_int("SELECT count(*) FROM reports") == 1);
	junk_engine_deinit(&engine);
	test_end();
}

/* If the database is damaged while it is in use, the model continues, and no
   unacknowledged report is lost. */
static void test_junk_engine_corrupt_live(void)
{
	struct junk_engine *engine = test_engine_new();

	test_begin("junk_engine: database damaged in use");
	test_assert(junk_engine_start(engine, now));
	test_assert_strcmp(test_status(engine, "model_spam"), "1");
	for (unsigned int i = 0; i < 20; i++)
		test_add(engine);
	test_assert(junk_engine_commit(engine, now));
	/* write it to the file, so that it isn't read from the cache */
	test_db_exec("PRAGMA wal_checkpoint(TRUNCATE)");
	test_overwrite_db(8192, 64 * 8192);
	test_db_exec("PRAGMA user_version = 1");
	test_add(engine);
	test_add(engine);
	test_expect_error_string("moved to");
	test_assert(junk_engine_commit(engine, ++now));
	test_expect_no_more_errors();
	test_assert(test_file_count(".corrupt-") == 2);
	test_assert(test_db_int("SELECT count(*) FROM reports") == 2);
	test_assert_strcmp(test_status(engine, "model_spam"), "23");
	junk_engine_deinit(&engine);

	/* also in the next process */
	engine = test_engine_new();
	test_assert(junk_engine_start(engine, now));
	test_assert_strcmp(test_status(engine, "model_spam"), "23");
	junk_engine_deinit(&engine);
	test_end();
}

/* Writes beyond this size fail as on a full disk. */
static void test_limit_files(rlim_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		i_fatal("getrlimit() failed: %m");
	limit.rlim_cur = size;
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
	    setrlimit(RLIMIT_FSIZE, &limit) < 0)
		i_fatal("setrlimit() failed: %m");
}

static bool test_rekey(struct junk_engine *engine, rlim_t size)
{
	const struct junk_frame frame = { .type = JUNK_FRAME_REKEY };
	string_t *answer = t_str_new(128);
	const char *error;

	test_limit_files(size);
	return junk_engine_admin(engine, &frame, now, answer, &error) == 0;
}

static bool test_damage(struct junk_engine *engine, rlim_t size)
{
	test_db_exec("PRAGMA wal_checkpoint(TRUNCATE)");
	test_overwrite_db(8192, 64 * 8192);
	test_db_exec("PRAGMA user_version = 1");
	test_add(engine);
	test_limit_files(size);
	return junk_engine_commit(engine, now);
}

/* If creating the new database fails at any step, the model continues once
   there is room, also in the next process. */
static void test_junk_engine_no_new_db(void)
{
	static const struct {
		bool (*replace)(struct junk_engine *engine, rlim_t size);
		rlim_t size;
		unsigned int errors;
	} tests[] = {
		/* more than the test's log, less than the tables */
		{ test_damage, 65536, 2 },
		/* less than the snapshot */
		{ test_damage, 1000000, 2 },
		{ test_rekey, 65536, 1 },
		{ test_rekey, 1000000, 1 },
	};
	struct junk_engine *engine;
	int spam;

	test_begin("junk_engine: no room for a new database");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		engine = test_engine_new();
		now += 1000;
		test_assert_idx(junk_engine_start(engine, now), i);
		for (unsigned int j = 0; j < 20; j++)
			test_add(engine);
		test_assert_idx(junk_engine_commit(engine, now), i);
		while (junk_engine_maintain(engine, now)) ;
		spam = atoi(test_status(engine, "model_spam"));

		test_expect_errors(tests[i].errors);
		test_assert_idx(!tests[i].replace(engine, tests[i].size), i);
		test_assert_idx(!junk_engine_start(engine, ++now), i);
		test_limit_files(RLIM_INFINITY);
		test_expect_no_more_errors();

		test_assert_idx(junk_engine_start(engine, ++now), i);
		test_add(engine);
		test_assert_idx(junk_engine_commit(engine, now), i);
		spam += tests[i].replace == test_damage ? 2 : 1;
		for (unsigned int j = 0; j < 2; j++) {
			test_assert_idx(atoi(test_status(engine,
				"model_spam")) == spam, i);
			junk_engine_deinit(&engine);
			engine = test_engine_new();
			test_assert_idx(junk_engine_start(engine, now), i);
		}
		junk_engine_deinit(&engine);
	}
	test_end();
}

static void test_junk_engine_segment(void)
{
	struct junk_engine *engine;
	const char *path = t_strdup(test_path("scores"));

	test_begin("junk_engine: segment");
	i_unlink(path);
	if (mkdir(path, 0700) < 0)
		i_fatal("mkdir() failed: %m");
	engine = test_engine_new();
	test_expect_error_string("scores");
	test_assert(!junk_engine_start(engine, now));
	test_expect_no_more_errors();
	/* reports are safe before the fault is fixed */
	test_assert(rmdir(path) == 0);
	test_assert(junk_engine_start(engine, now));
	i_unlink(path);
	test_assert(!junk_engine_segment_is_current(engine));
	junk_engine_deinit(&engine);
	test_end();
}

static void test_init(void)
{
	test_dir_init("junk-engine");
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_init,
		test_junk_engine_life,
		test_junk_engine_killed_rebuild,
		test_junk_engine_full,
		test_junk_engine_key,
		test_junk_engine_locked,
		test_junk_engine_corrupt_at_start,
		test_junk_engine_corrupt_live,
		test_junk_engine_no_new_db,
		test_junk_engine_segment,
		test_dir_deinit,
		NULL
	};
	return test_run(test_functions);
}

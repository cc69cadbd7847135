/* Tests the table of ids: rounds, restarts, expiry and faults. */

#include "lib.h"
#include "junk-report-ids.h"
#include "test-common.h"
#include "test-junk-service.h"

#include <signal.h>
#include <sys/resource.h>

#define NOW ((time_t)1700000000)
/* more than the number of ids that may wait */
#define MANY 10000

/* Expire with a clock that was never wrong. */
static int test_expire(struct junk_db *db, int64_t before_hour,
		       int64_t max_seq, unsigned int limit)
{
	return junk_db_report_expire(db, before_hour, INT64_MAX, max_seq,
				     limit);
}

static struct junk_key *key;
static struct junk_db *db;
static struct junk_report_ids *ids;

static void test_begin_ids(const char *name)
{
	test_begin(name);
	key = test_key_new();
	db = test_db_open(key);
	ids = junk_report_ids_init();
	test_assert(junk_report_ids_load(ids, db) == 0);
}

static void test_end_ids(void)
{
	junk_report_ids_deinit(&ids);
	junk_report_ids_deinit(&ids);
	junk_db_close(&db);
	junk_key_unref(&key);
	test_db_delete();
	test_end();
}

/* Read the ids as at a start; those in memory are lost. */
static void test_restart(void)
{
	junk_report_ids_deinit(&ids);
	ids = junk_report_ids_init();
	test_assert(junk_report_ids_load(ids, db) == 0);
}

/* Spread ids over the range, as keyed hashes are. */
static uint64_t test_id(int64_t num)
{
	return (uint64_t)num * UINT64_C(0x9e3779b97f4a7c15);
}

/* Insert reports, each with its own id, or all with the given one. */
static void test_insert(int64_t first, int64_t last, uint64_t id)
{
	struct junk_db_report report;

	test_assert(junk_db_begin(db) == 0);
	for (int64_t seq = first; seq <= last; seq++) {
		i_zero(&report);
		report.seq = seq;
		report.id = id != 0 ? id : test_id(seq);
		report.sealed = "";
		test_assert(junk_db_report_insert(db, &report) == 0);
	}
	test_assert(junk_db_commit(db) == 0);
	for (int64_t seq = first; seq <= last; seq++)
		junk_report_ids_add(ids, id != 0 ? id : test_id(seq), seq);
}

static bool test_has(uint64_t id, int64_t seq)
{
	int64_t found;
	int ret = junk_report_ids_find(ids, db, id, &found);

	test_assert(ret >= 0);
	return ret > 0 ? found == seq : seq == 0;
}

static bool test_has_all(int64_t first, int64_t last)
{
	for (int64_t seq = first; seq <= last; seq++) {
		if (!test_has(test_id(seq), seq))
			return FALSE;
	}
	return TRUE;
}

static void test_write(int64_t last_seq, time_t now)
{
	while (junk_report_ids_is_due(ids, now)) T_BEGIN {
		if (junk_report_ids_write(ids, db, last_seq, now) < 0)
			i_fatal("%s", junk_db_error(db));
	} T_END;
}

static void test_junk_report_ids(void)
{
	test_begin_ids("junk_report_ids: written when many wait");
	test_write(0, NOW);
	test_assert(test_has(1, 0));
	test_insert(1, 100, 0);
	test_assert(!junk_report_ids_is_due(ids, NOW));
	test_assert(test_has_all(1, 100) && test_has(test_id(101), 0));
	test_restart();
	test_assert(test_has_all(1, 100) && test_has(test_id(101), 0));
	test_write(100, NOW);

	test_insert(101, MANY, 0);
	test_assert(junk_report_ids_is_due(ids, NOW));
	test_assert(test_db_int("SELECT count(*) FROM report_ids") == 100);
	/* killed during a round, with new ids in the middle of the range */
	for (unsigned int i = 0; i < 5; i++)
		test_assert(junk_report_ids_write(ids, db, MANY, NOW) == 0);
	test_insert(MANY + 1, MANY + 100, 0);
	test_assert(test_has_all(1, MANY + 100));
	test_restart();
	test_assert(test_has_all(1, MANY + 100));
	test_write(MANY + 100, NOW);
	test_assert(test_has_all(1, MANY + 100));
	test_assert(test_db_int("SELECT count(*) FROM report_ids") ==
		    MANY + 100);
	test_restart();
	test_assert(test_has_all(1, MANY + 100));

	/* the newest report is found while it waits, in the table, and after a
	   start */
	test_insert(MANY + 101, MANY + 103, test_id(7));
	test_assert(test_has(test_id(7), MANY + 103));
	test_restart();
	test_assert(test_has(test_id(7), MANY + 103));
	test_write(MANY + 103, NOW + 600);
	test_assert(test_has(test_id(7), MANY + 103));
	test_assert(test_db_int("SELECT seq FROM report_ids ORDER BY seq DESC "
				"LIMIT 1") == MANY + 103);
	/* the table is lost, or its position */
	test_db_exec("DELETE FROM report_ids; UPDATE meta SET value = 'x' "
		     "WHERE name = 'ids_seq'");
	test_restart();
	test_assert(test_has(test_id(7), MANY + 103));
	test_assert(test_has_all(8, MANY + 100));
	test_write(MANY + 103, NOW + 600);
	test_assert(test_db_int("SELECT count(*) FROM report_ids") ==
		    MANY + 100);
	test_end_ids();
}

static void test_junk_report_ids_expired(void)
{
	const int64_t others = 100000;

	test_begin_ids("junk_report_ids: those of expired reports go");
	test_insert(1, MANY, 0);
	test_write(MANY, NOW);
	test_assert(!junk_report_ids_is_due(ids, NOW));
	test_assert(test_expire(db, INT64_MAX, 10, 10) == 10);
	junk_report_ids_set_expired(ids);
	test_assert(!junk_report_ids_is_due(ids, NOW + 599));
	test_write(MANY, NOW + 600);
	test_assert(test_db_int("SELECT count(*) FROM report_ids") ==
		    MANY - 10);
	/* the clock has jumped back */
	test_assert(test_expire(db, INT64_MAX, 20, 10) == 10);
	junk_report_ids_set_expired(ids);
	test_write(MANY, NOW);
	test_assert(test_db_int("SELECT min(seq) FROM report_ids") == 21);
	/* many at once */
	test_insert(MANY + 1, others, 0);
	test_write(others, NOW);
	test_assert(test_expire(db, INT64_MAX, 70000, 70000) > 0);
	junk_report_ids_set_expired(ids);
	test_assert(!junk_report_ids_is_due(ids, NOW));
	test_insert(others + 1, others + MANY, 0);
	test_write(others + MANY, NOW);
	test_assert(test_db_int("SELECT count(*) FROM report_ids") ==
		    others + MANY - 70000);
	test_assert(test_has_all(70001, others + MANY));
	/* delete all reports; their numbers are never reused */
	test_assert(test_expire(db, INT64_MAX, INT64_MAX, 200000) > 0);
	test_restart();
	test_write(others + MANY, NOW);
	test_assert(test_db_int("SELECT count(*) FROM report_ids") == 0);
	test_end_ids();
}

/* Write until a piece fails. */
static void test_write_until_fault(time_t now)
{
	for (unsigned int i = 0; i < 100; i++) {
		if (junk_report_ids_write(ids, db, MANY, now) < 0)
			return;
	}
	test_assert(FALSE);
}

static void test_junk_report_ids_fault(void)
{
	test_begin_ids("junk_report_ids: the database fails");
	test_insert(1, MANY, 0);
	test_write(MANY, NOW);
	/* after a fault in the first piece of a round, expired ids are still
	   deleted */
	test_assert(test_expire(db, INT64_MAX, 10, 10) == 10);
	junk_report_ids_set_expired(ids);
	test_db_exec("CREATE TRIGGER fault BEFORE DELETE ON report_ids "
		     "BEGIN SELECT raise(ABORT, 'fault'); END");
	test_write_until_fault(NOW + 600);
	test_assert(junk_report_ids_write(ids, db, MANY, NOW + 600) == -1);
	test_db_exec("DROP TRIGGER fault");
	test_write(MANY, NOW + 600);
	test_assert(test_db_int("SELECT min(seq) FROM report_ids") == 11);

	test_db_exec("DELETE FROM report_ids; DELETE FROM reports; "
		     "DELETE FROM meta WHERE name = 'ids_seq'");
	test_restart();
	test_write(0, NOW);
	test_insert(1, MANY, 0);
	test_db_exec("CREATE TRIGGER fault BEFORE INSERT ON report_ids "
		     "WHEN new.id > 0 BEGIN SELECT raise(ABORT, 'fault'); END");
	test_write_until_fault(NOW);
	test_assert(test_has_all(1, MANY));
	test_assert(junk_report_ids_write(ids, db, MANY, NOW) == -1);
	test_db_exec("DROP TRIGGER fault");
	test_write(MANY, NOW);
	test_assert(test_has_all(1, MANY));
	test_assert(test_db_int("SELECT count(*) FROM report_ids") == MANY);
	test_end_ids();
}

/* The transaction fails at its end, as on a full disk. */
static void test_junk_report_ids_commit(void)
{
	struct rlimit limit, old_limit;

	test_begin_ids("junk_report_ids: a commit fails");
	test_insert(1, MANY, 0);
	if (getrlimit(RLIMIT_FSIZE, &old_limit) < 0)
		i_fatal("getrlimit() failed: %m");
	limit = old_limit;
	limit.rlim_cur = 4096;
	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		i_fatal("setrlimit() failed: %m");
	test_assert(junk_report_ids_write(ids, db, MANY, NOW) == -1);
	if (setrlimit(RLIMIT_FSIZE, &old_limit) < 0)
		i_fatal("setrlimit() failed: %m");
	test_assert(test_has_all(1, MANY));
	test_write(MANY, NOW);
	test_assert(test_has_all(1, MANY));
	test_end_ids();
}

static void test_dir_begin(void)
{
	test_dir_init("report-ids");
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_dir_begin,
		test_junk_report_ids,
		test_junk_report_ids_expired,
		test_junk_report_ids_fault,
		test_junk_report_ids_commit,
		test_dir_deinit,
		NULL
	};

	return test_run(tests);
}

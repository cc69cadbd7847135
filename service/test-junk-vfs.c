/* Tests disk faults at each step. A VFS between SQLite and the real one lets
   the N-th write or fsync fail. Whatever fails, each report counts once in the
   end, and the database is intact. */

#include "lib.h"
#include "test-common.h"
#include "test-junk-service.h"

#include <sqlite3.h>
#include <stdio.h>

#define NOW ((time_t)1700000000)
#define REPORTS 5
/* Each step up to this one is tested (schema, first reports, begin of the
   snapshot). After it there are hundreds of similar writes, of which some are
   tested. */
#define EACH_STEP 30
#define LATER_STEPS 1001

enum test_fault {
	TEST_FAULT_FULL,
	TEST_FAULT_SHORT_WRITE,
	TEST_FAULT_WRITE,
	TEST_FAULT_FSYNC,

	TEST_FAULT_COUNT
};

struct test_file {
	sqlite3_file base;
	/* the real VFS's file, which follows this struct */
	sqlite3_file *real;
	/* flags of SQLITE_OPEN_* */
	int flags;
};

static sqlite3_vfs *real_vfs;
static enum test_fault fault;
/* steps before the fault; 0 = it has happened */
static unsigned int steps_left;
/* flags of SQLITE_OPEN_*: files for which the disk is full */
static int full_files;
static unsigned int error_count, wal_sync_count;

static bool test_step(bool is_sync)
{
	if (is_sync != (fault == TEST_FAULT_FSYNC) || steps_left == 0)
		return FALSE;
	return --steps_left == 0;
}

#define REAL(file) (((struct test_file *)(file))->real)
#define FORWARD(name, params, args) \
	static int test_##name params \
	{ return REAL(f)->pMethods->name args; }

FORWARD(xClose, (sqlite3_file *f), (REAL(f)))
FORWARD(xRead, (sqlite3_file *f, void *data, int size, sqlite3_int64 pos),
	(REAL(f), data, size, pos))
FORWARD(xTruncate, (sqlite3_file *f, sqlite3_int64 size), (REAL(f), size))
FORWARD(xFileSize, (sqlite3_file *f, sqlite3_int64 *size_r),
	(REAL(f), size_r))
FORWARD(xLock, (sqlite3_file *f, int lock), (REAL(f), lock))
FORWARD(xUnlock, (sqlite3_file *f, int lock), (REAL(f), lock))
FORWARD(xCheckReservedLock, (sqlite3_file *f, int *result_r),
	(REAL(f), result_r))
FORWARD(xFileControl, (sqlite3_file *f, int op, void *arg),
	(REAL(f), op, arg))
FORWARD(xSectorSize, (sqlite3_file *f), (REAL(f)))
FORWARD(xDeviceCharacteristics, (sqlite3_file *f), (REAL(f)))
FORWARD(xShmMap, (sqlite3_file *f, int page, int size, int extend,
		  void volatile **map_r), (REAL(f), page, size, extend, map_r))
FORWARD(xShmLock, (sqlite3_file *f, int pos, int n, int flags),
	(REAL(f), pos, n, flags))
FORWARD(xShmUnmap, (sqlite3_file *f, int remove), (REAL(f), remove))

static void test_xShmBarrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int
test_xWrite(sqlite3_file *f, const void *data, int size, sqlite3_int64 pos)
{
	const struct sqlite3_io_methods *real = REAL(f)->pMethods;

	if ((((struct test_file *)f)->flags & full_files) != 0)
		return SQLITE_FULL;
	if (!test_step(FALSE))
		return real->xWrite(REAL(f), data, size, pos);
	if (fault == TEST_FAULT_SHORT_WRITE)
		(void)real->xWrite(REAL(f), data, size / 2, pos);
	return fault == TEST_FAULT_WRITE ? SQLITE_IOERR_WRITE : SQLITE_FULL;
}

static int test_xSync(sqlite3_file *f, int flags ATTR_UNUSED)
{
	if ((((struct test_file *)f)->flags & SQLITE_OPEN_WAL) != 0)
		wal_sync_count++;
	if (test_step(TRUE))
		return SQLITE_IOERR_FSYNC;
	/* The files needn't survive a power failure. With real fsyncs the test
	   takes some minutes. */
	return SQLITE_OK;
}

static const struct sqlite3_io_methods test_methods = {
	.iVersion = 2,
	.xClose = test_xClose,
	.xRead = test_xRead,
	.xWrite = test_xWrite,
	.xTruncate = test_xTruncate,
	.xSync = test_xSync,
	.xFileSize = test_xFileSize,
	.xLock = test_xLock,
	.xUnlock = test_xUnlock,
	.xCheckReservedLock = test_xCheckReservedLock,
	.xFileControl = test_xFileControl,
	.xSectorSize = test_xSectorSize,
	.xDeviceCharacteristics = test_xDeviceCharacteristics,
	.xShmMap = test_xShmMap,
	.xShmLock = test_xShmLock,
	.xShmBarrier = test_xShmBarrier,
	.xShmUnmap = test_xShmUnmap,
};

static int
test_xOpen(sqlite3_vfs *vfs ATTR_UNUSED, const char *name, sqlite3_file *f,
	   int flags, int *flags_r)
{
	struct test_file *file = (struct test_file *)f;
	int ret;

	file->real = (sqlite3_file *)(file + 1);
	file->flags = flags;
	ret = real_vfs->xOpen(real_vfs, name, file->real, flags, flags_r);
	file->base.pMethods = file->real->pMethods == NULL ? NULL :
		&test_methods;
	return ret;
}

static void test_vfs_register(void)
{
	static sqlite3_vfs vfs;

	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.szOsFile += (int)sizeof(struct test_file);
	vfs.zName = "test";
	vfs.xOpen = test_xOpen;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		i_fatal("sqlite3_vfs_register() failed");
}

/* Errors are expected here and only counted. */
static void ATTR_FORMAT(2, 0)
test_count_error(const struct failure_context *ctx ATTR_UNUSED,
		 const char *format ATTR_UNUSED, va_list args ATTR_UNUSED)
{
	error_count++;
}

/* Run the service: start, a transaction, maintenance, end. Each is repeated
   until it succeeds. */
static void test_life(void)
{
	struct junk_engine *engine = test_engine_new();
	time_t now = NOW;
	bool added = FALSE, done = FALSE;

	for (unsigned int i = 0; i < 10 && !done; i++) T_BEGIN {
		if (junk_engine_start(engine, ++now)) {
			for (unsigned int j = 0; j < REPORTS && !added; j++)
				test_engine_add(engine, j, NOW);
			added = TRUE;
			done = junk_engine_commit(engine, now);
		}
	} T_END;
	test_assert(done);
	while (junk_engine_maintain(engine, now)) ;
	junk_engine_deinit(&engine);
}

static void test_junk_vfs(void)
{
	failure_callback_t *fatal, *error, *info, *debug;
	unsigned int step, tried;

	test_begin("disk faults at each step");
	i_get_failure_handlers(&fatal, &error, &info, &debug);
	for (fault = 0; fault < TEST_FAULT_COUNT; fault++) {
		tried = 0;
		for (step = 1;; step += step < EACH_STEP ? 1 : LATER_STEPS) {
			test_db_delete();
			i_unlink_if_exists(test_path("key"));
			steps_left = step;
			i_set_error_handler(test_count_error);
			i_set_info_handler(test_count_error);
			test_life();
			i_set_error_handler(error);
			i_set_info_handler(info);
			if (steps_left > 0)
				break;
			tried++;
			test_assert_idx(test_db_int("SELECT count(*) FROM "
					"reports WHERE undone IS NULL") ==
					REPORTS, step);
			test_assert_idx(test_db_int("SELECT sum(reports) FROM "
					"hours") == REPORTS, step);
			test_assert_idx(test_db_int("SELECT count(*) FROM "
					"pragma_integrity_check WHERE "
					"integrity_check <> 'ok'") == 0, step);
		}
		/* if the VFS weren't used, there would be no fault */
		test_assert_idx(tried > 3, fault);
		printf("fault %d: at %u steps\n", (int)fault, tried);
	}
	test_end();
}

/* Acknowledged reports survive a power failure. */
static void test_junk_vfs_sync(void)
{
	struct junk_engine *engine;
	unsigned int count;

	test_begin("a commit is on the disk before it is acknowledged");
	test_engine_delete();
	steps_left = 0;
	engine = test_engine_new();
	test_assert(junk_engine_start(engine, NOW));
	for (unsigned int i = 0; i < 3; i++) {
		test_engine_add(engine, i, NOW);
		count = wal_sync_count;
		test_assert_idx(junk_engine_commit(engine, NOW), i);
		test_assert_idx(wal_sync_count > count, i);
	}
	junk_engine_deinit(&engine);
	test_end();
}

/* A full disk is logged once, even if the checkpoint and a commit fail in
   turn. */
static void test_junk_vfs_full(void)
{
	failure_callback_t *fatal, *error, *info, *debug;
	struct junk_engine *engine;
	time_t now = NOW;

	test_begin("a full disk is said once");
	test_engine_delete();
	steps_left = 0;
	engine = test_engine_new();
	test_assert(junk_engine_start(engine, now));
	test_engine_add(engine, 1, now);
	test_assert(junk_engine_commit(engine, now));
	i_get_failure_handlers(&fatal, &error, &info, &debug);
	i_set_error_handler(test_count_error);
	error_count = 0;
	full_files = SQLITE_OPEN_MAIN_DB;
	while (junk_engine_maintain(engine, now)) ;
	test_assert(error_count == 1);
	full_files |= SQLITE_OPEN_WAL;
	for (unsigned int i = 0; i < 10; i++)
		test_assert(!junk_engine_start(engine, ++now));
	test_assert(error_count == 1);
	/* and again if it lasts */
	test_assert(!junk_engine_start(engine, now + 600));
	test_assert(error_count == 2);
	/* and after the clock is set back */
	test_assert(!junk_engine_start(engine, now - 86400));
	test_assert(error_count == 3);
	full_files = 0;
	i_set_error_handler(error);
	test_assert(junk_engine_start(engine, ++now));
	junk_engine_deinit(&engine);
	test_end();
}

static void test_init(void)
{
	test_dir_init("junk-vfs");
	test_vfs_register();
}

static void test_deinit(void)
{
	test_dir_deinit();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_init,
		test_junk_vfs,
		test_junk_vfs_sync,
		test_junk_vfs_full,
		test_deinit,
		NULL
	};

	return test_run(test_functions);
}

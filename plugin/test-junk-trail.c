#include "lib.h"
#include "test-common.h"
#include "junk-trail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_DIR ".test-junk-trail"
#define TRAIL_PATH TEST_DIR"/"JUNK_TRAIL_FNAME
#define NOW 1700000000

static void test_dir_create(void)
{
	(void)unlink(TRAIL_PATH);
	if (mkdir(TEST_DIR, 0700) < 0 && errno != EEXIST)
		i_fatal("mkdir(%s) failed: %m", TEST_DIR);
}

static void test_dir_remove(void)
{
	(void)unlink(TRAIL_PATH);
	if (rmdir(TEST_DIR) < 0)
		i_fatal("rmdir(%s) failed: %m", TEST_DIR);
}

static void test_junk_trail(void)
{
	struct junk_trail *one, *two;
	const char *error;
	struct stat st;

	test_begin("junk_trail");
	test_dir_create();
	one = junk_trail_init(TEST_DIR);
	two = junk_trail_init(TEST_DIR);
	test_assert(!junk_trail_find(one, JUNK_TRAIL_TRASHED, 1, 0, NOW));
	test_assert(junk_trail_write(one, &error) == 0);
	test_assert(stat(TRAIL_PATH, &st) < 0);

	junk_trail_add(one, JUNK_TRAIL_TRASHED, 1, NOW);
	junk_trail_add(one, JUNK_TRAIL_DELETED, 2, NOW);
	test_assert(!junk_trail_find(one, JUNK_TRAIL_TRASHED, 1, 0, NOW));
	test_assert(junk_trail_write(one, &error) == 0);
	test_assert(stat(TRAIL_PATH, &st) == 0 &&
		    (st.st_mode & 0777) == 0600);

	/* the other session sees it */
	test_assert(junk_trail_find(two, JUNK_TRAIL_TRASHED, 1, 0, NOW));
	test_assert(junk_trail_find(two, JUNK_TRAIL_DELETED, 2, 0, NOW));
	test_assert(!junk_trail_find(two, JUNK_TRAIL_TRASHED, 2, 0, NOW));
	test_assert(!junk_trail_find(two, JUNK_TRAIL_APPENDED, 2, 0, NOW));
	junk_trail_add(one, JUNK_TRAIL_APPENDED, 3, NOW);
	test_assert(junk_trail_write(one, &error) == 0);
	test_assert(junk_trail_find(two, JUNK_TRAIL_APPENDED, 3, 0, NOW));

	/* what was before doesn't count */
	test_assert(junk_trail_find(two, JUNK_TRAIL_APPENDED, 3, NOW, NOW));
	test_assert(!junk_trail_find(two, JUNK_TRAIL_APPENDED, 3, NOW + 1,
				     NOW));

	/* pairs only for a while, what was trashed for ever */
	test_assert(junk_trail_find(two, JUNK_TRAIL_DELETED, 2, 0,
				    NOW + JUNK_TRAIL_PAIR_SECS));
	test_assert(!junk_trail_find(two, JUNK_TRAIL_DELETED, 2, 0,
				     NOW + JUNK_TRAIL_PAIR_SECS + 1));
	test_assert(junk_trail_find(two, JUNK_TRAIL_TRASHED, 1, 0,
				    NOW + 86400 * 365));
	/* the session that has written it saw the next second already */
	test_assert(junk_trail_find(two, JUNK_TRAIL_DELETED, 2, 0, NOW - 1));
	test_assert(!junk_trail_find(two, JUNK_TRAIL_DELETED, 2, 0,
				     NOW - JUNK_TRAIL_PAIR_SECS - 1));

	junk_trail_add(one, JUNK_TRAIL_TRASHED, 9, NOW);
	junk_trail_rollback(one);
	test_assert(junk_trail_write(one, &error) == 0);
	test_assert(!junk_trail_find(one, JUNK_TRAIL_TRASHED, 9, 0, NOW));
	junk_trail_deinit(&one);
	junk_trail_deinit(&two);
	test_dir_remove();
	test_end();
}

/* Who looked at it learns whether others have written since. */
static void test_junk_trail_others(void)
{
	struct junk_trail *one, *two;
	unsigned int generation;
	const char *error;

	test_begin("junk_trail: others' records");
	test_dir_create();
	one = junk_trail_init(TEST_DIR);
	two = junk_trail_init(TEST_DIR);
	/* there is no file */
	test_assert(!junk_trail_find(one, JUNK_TRAIL_DELETED, 1, 0, NOW));
	generation = junk_trail_generation(one);
	junk_trail_add(one, JUNK_TRAIL_APPENDED, 1, NOW);
	test_assert(junk_trail_write(one, &error) == 0);
	test_assert(junk_trail_generation(one) == generation);
	/* another's */
	test_assert(!junk_trail_find(two, JUNK_TRAIL_DELETED, 2, 0, NOW));
	generation = junk_trail_generation(two);
	junk_trail_add(two, JUNK_TRAIL_DELETED, 2, NOW);
	test_assert(junk_trail_write(two, &error) == 0);
	test_assert(junk_trail_generation(two) == generation);

	test_assert(!junk_trail_find(one, JUNK_TRAIL_DELETED, 3, 0, NOW));
	generation = junk_trail_generation(one);
	junk_trail_add(two, JUNK_TRAIL_DELETED, 3, NOW);
	test_assert(junk_trail_write(two, &error) == 0);
	junk_trail_add(one, JUNK_TRAIL_APPENDED, 3, NOW);
	test_assert(junk_trail_write(one, &error) == 0);
	test_assert(junk_trail_generation(one) != generation);
	test_assert(junk_trail_find_uid(one, JUNK_TRAIL_APPENDED, 3, 0, 0,
					NOW) >
		    junk_trail_find_uid(one, JUNK_TRAIL_DELETED, 3, 0, 0,
					NOW));
	/* or by looking at it for another reason */
	generation = junk_trail_generation(one);
	junk_trail_add(two, JUNK_TRAIL_DELETED, 4, NOW);
	test_assert(junk_trail_write(two, &error) == 0);
	test_assert(!junk_trail_find(one, JUNK_TRAIL_DELETED, 5, 0, NOW));
	junk_trail_add(one, JUNK_TRAIL_APPENDED, 4, NOW);
	test_assert(junk_trail_write(one, &error) == 0);
	test_assert(junk_trail_generation(one) != generation);
	junk_trail_deinit(&one);
	junk_trail_deinit(&two);
	test_dir_remove();
	test_end();
}

static void test_junk_trail_bounded(void)
{
	struct junk_trail *trail;
	const char *error;
	struct stat st;

	test_begin("junk_trail stays small");
	test_dir_create();
	trail = junk_trail_init(TEST_DIR);
	for (unsigned int i = 1; i <= JUNK_TRAIL_MAX_RECORDS; i++) {
		junk_trail_add(trail, JUNK_TRAIL_TRASHED, i, NOW);
		if (i % 64 == 0) {
			test_assert_idx(junk_trail_write(trail, &error) == 0,
					i);
		}
	}
	test_assert(stat(TRAIL_PATH, &st) == 0 &&
		    st.st_size == JUNK_TRAIL_MAX_RECORDS / 2 * 24);
	test_assert(!junk_trail_find(trail, JUNK_TRAIL_TRASHED, 1, 0, NOW));
	test_assert(junk_trail_find(trail, JUNK_TRAIL_TRASHED,
				    JUNK_TRAIL_MAX_RECORDS, 0, NOW));
	test_assert(junk_trail_find(trail, JUNK_TRAIL_TRASHED,
				    JUNK_TRAIL_MAX_RECORDS / 2 + 1, 0, NOW));
	junk_trail_deinit(&trail);
	test_dir_remove();
	test_end();
}

/* A set of any size takes a record for each range. */
static void test_junk_trail_uids(void)
{
	const uint64_t key = junk_trail_box_key("Trash", 7);
	struct junk_trail *trail;
	const char *error;

	test_begin("junk_trail: UIDs");
	test_dir_create();
	trail = junk_trail_init(TEST_DIR);
	test_assert(key != junk_trail_box_key("Trash", 8) &&
		    key != junk_trail_box_key("Bin", 7));
	junk_trail_add_uids(trail, JUNK_TRAIL_WAS_JUNK, key, 5, 100000, NOW);
	junk_trail_add_uids(trail, JUNK_TRAIL_WAS_JUNK, key, 200000, 200000,
			    NOW);
	junk_trail_add(trail, JUNK_TRAIL_TRASHED, 1, NOW);
	test_assert(junk_trail_write(trail, &error) == 0);
	/* twice: also once it is sorted */
	for (unsigned int i = 0; i < 2; i++) {
		for (uint32_t uid = 5; uid <= 100000; uid += 999) {
			test_assert_idx(junk_trail_find_uid(trail,
				JUNK_TRAIL_WAS_JUNK, key, uid, 0, NOW), uid);
		}
		test_assert(!junk_trail_find_uid(trail, JUNK_TRAIL_WAS_JUNK,
						 key, 4, 0, NOW));
		test_assert(!junk_trail_find_uid(trail, JUNK_TRAIL_WAS_JUNK,
						 key, 100001, 0, NOW));
		test_assert(junk_trail_find_uid(trail, JUNK_TRAIL_WAS_JUNK,
						key, 200000, 0, NOW));
		test_assert(!junk_trail_find_uid(trail, JUNK_TRAIL_TRASHED,
						 key, 5, 0, NOW));
		test_assert(!junk_trail_find(trail, JUNK_TRAIL_WAS_JUNK, key,
					     0, NOW));
		test_assert(junk_trail_find(trail, JUNK_TRAIL_TRASHED, 1, 0,
					    NOW));
	}
	test_assert(!junk_trail_find_uid(trail, JUNK_TRAIL_WAS_JUNK, key, 5, 0,
					 NOW + JUNK_TRAIL_PAIR_SECS + 1));
	junk_trail_deinit(&trail);
	test_dir_remove();
	test_end();
}

static void test_junk_trail_damaged(void)
{
	struct junk_trail *trail;
	const char *error;
	int fd;

	test_begin("junk_trail damaged or missing");
	test_dir_create();
	fd = open(TRAIL_PATH, O_WRONLY | O_CREAT, 0600);
	test_assert(fd != -1 && write(fd, "garbage in the file", 19) == 19);
	i_close_fd(&fd);
	trail = junk_trail_init(TEST_DIR);
	test_assert(!junk_trail_find(trail, JUNK_TRAIL_TRASHED, 1, 0, NOW));
	junk_trail_deinit(&trail);

	trail = junk_trail_init(TEST_DIR"/missing");
	test_assert(!junk_trail_find(trail, JUNK_TRAIL_TRASHED, 1, 0, NOW));
	junk_trail_add(trail, JUNK_TRAIL_TRASHED, 1, NOW);
	test_assert(junk_trail_write(trail, &error) == -1);
	junk_trail_deinit(&trail);
	junk_trail_deinit(&trail);
	test_dir_remove();
	test_end();
}

static void test_trail_fifo(void)
{
	test_assert(mkfifo(TRAIL_PATH, 0600) == 0);
}

static void test_trail_device(void)
{
	test_assert(symlink("/dev/zero", TRAIL_PATH) == 0);
}

static void test_trail_dangling(void)
{
	test_assert(symlink("nothing", TRAIL_PATH) == 0);
}

static void test_junk_trail_unfit(void)
{
	static void (*const makes[])(void) = {
		test_trail_fifo, test_trail_device, test_trail_dangling,
	};
	struct junk_trail *trail;
	const char *error;
	struct stat st;

	test_begin("junk_trail in whose place something else is");
	for (unsigned int i = 0; i < N_ELEMENTS(makes); i++) {
		test_dir_create();
		makes[i]();
		alarm(10);
		trail = junk_trail_init(TEST_DIR);
		test_assert_idx(!junk_trail_find(trail, JUNK_TRAIL_TRASHED, 0,
						 0, NOW), i);
		junk_trail_add(trail, JUNK_TRAIL_TRASHED, 1, NOW);
		error = NULL;
		test_assert_idx(junk_trail_write(trail, &error) == -1 &&
				error != NULL, i);
		test_assert_idx(stat(TEST_DIR"/nothing", &st) < 0, i);
		junk_trail_deinit(&trail);
		alarm(0);
		test_dir_remove();
	}
	/* a terabyte is cut down to what we know */
	test_dir_create();
	trail = junk_trail_init(TEST_DIR);
	junk_trail_add(trail, JUNK_TRAIL_TRASHED, 1, NOW);
	test_assert(junk_trail_write(trail, &error) == 0);
	test_assert(truncate(TRAIL_PATH, (off_t)1 << 40) == 0);
	test_assert(junk_trail_find(trail, JUNK_TRAIL_TRASHED, 1, 0, NOW));
	junk_trail_add(trail, JUNK_TRAIL_TRASHED, 2, NOW);
	test_assert(junk_trail_write(trail, &error) == 0);
	test_assert(junk_trail_find(trail, JUNK_TRAIL_TRASHED, 2, 0, NOW));
	test_assert(stat(TRAIL_PATH, &st) == 0 &&
		    st.st_size <= JUNK_TRAIL_MAX_RECORDS * 16);
	junk_trail_deinit(&trail);
	test_dir_remove();
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_trail,
		test_junk_trail_others,
		test_junk_trail_bounded,
		test_junk_trail_uids,
		test_junk_trail_damaged,
		test_junk_trail_unfit,
		NULL
	};
	return test_run(test_functions);
}

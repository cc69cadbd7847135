#include "lib.h"
#include "array.h"
#include "test-common.h"
#include "junk-intent.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_DIR ".test-junk-intent"

static const char *test_path(unsigned int slot)
{
	return t_strdup_printf(TEST_DIR"/"JUNK_INTENT_FNAME_PREFIX"%u", slot);
}

static off_t test_size(unsigned int slot)
{
	struct stat st;

	return stat(test_path(slot), &st) < 0 ? -1 : st.st_size;
}

static void test_dir_create(void)
{
	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++)
		(void)unlink(test_path(i));
	if (mkdir(TEST_DIR, 0700) < 0 && errno != EEXIST)
		i_fatal("mkdir(%s) failed: %m", TEST_DIR);
}

static void test_dir_remove(void)
{
	if (rmdir(TEST_DIR) < 0)
		i_fatal("rmdir(%s) failed: %m", TEST_DIR);
}

static const struct junk_intent test_intent = {
	.verdict = JUNK_VERDICT_HAM,
	.origin = JUNK_ORIGIN_KEYWORD,
	.kept = TRUE,
	.stamp_usecs = 0x1122334455667788ULL,
	.mailbox_guid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
			  16 },
	.uid_validity = 0xfedcba98,
	.uid = 0x89abcdef,
};

static int test_write(struct junk_intents *intents, unsigned int count)
{
	struct junk_intent intent = test_intent;
	const char *error;

	for (unsigned int i = 0; i < count; i++) {
		intent.uid = i + 1;
		junk_intents_add(intents, &intent);
	}
	return junk_intents_write(intents, &error);
}

/* The number of intents that another session takes over, whose files are then
   left, or removed. */
static unsigned int test_recover(bool clear)
{
	struct junk_intents *intents = junk_intents_init(TEST_DIR);
	ARRAY_TYPE(junk_intent) left;
	unsigned int count;

	t_array_init(&left, 16);
	junk_intents_recover(intents, &left);
	count = array_count(&left);
	if (clear)
		junk_intents_clear(intents);
	junk_intents_deinit(&intents);
	return count;
}

static void test_junk_intents(void)
{
	struct junk_intents *one, *two;
	ARRAY_TYPE(junk_intent) left;
	const struct junk_intent *intent;
	struct stat st;

	test_begin("junk_intents");
	test_dir_create();
	one = junk_intents_init(TEST_DIR);
	two = junk_intents_init(TEST_DIR);
	test_assert(!junk_intents_exist(one));
	test_assert(test_size(0) == -1);
	test_assert(test_write(one, 2) == 0 && test_write(one, 1) == 0);
	test_assert(test_size(0) == 3 * 56);
	test_assert(stat(test_path(0), &st) == 0 &&
		    (st.st_mode & 0777) == 0600);
	/* the other's are its own */
	test_assert(test_write(two, 1) == 0 && test_size(1) == 56);
	test_assert(junk_intents_exist(two));
	t_array_init(&left, 16);
	junk_intents_recover(two, &left);
	test_assert(array_count(&left) == 0);
	junk_intents_clear(two);
	test_assert(test_size(0) == 3 * 56 && test_size(1) == 0);
	/* it ends without having reported */
	junk_intents_deinit(&one);
	junk_intents_recover(two, &left);
	test_assert(array_count(&left) == 3);
	intent = array_idx(&left, 2);
	test_assert(intent->verdict == test_intent.verdict &&
		    intent->origin == test_intent.origin && intent->kept &&
		    intent->stamp_usecs == test_intent.stamp_usecs &&
		    guid_128_equals(intent->mailbox_guid,
				    test_intent.mailbox_guid) &&
		    intent->uid_validity == test_intent.uid_validity &&
		    intent->uid == 1);
	/* nobody else takes them now */
	test_assert(test_recover(TRUE) == 0);
	test_assert(test_size(0) == 3 * 56);
	junk_intents_clear(two);
	test_assert(test_size(0) == -1);
	junk_intents_deinit(&two);
	junk_intents_deinit(&two);
	test_assert(test_size(1) == -1);
	test_dir_remove();
	test_end();
}

static void test_junk_intents_again(void)
{
	struct junk_intents *intents;

	test_begin("junk_intents killed again");
	test_dir_create();
	intents = junk_intents_init(TEST_DIR);
	test_assert(test_write(intents, 5) == 0);
	junk_intents_deinit(&intents);
	test_assert(test_recover(FALSE) == 5);
	/* what was left isn't overwritten */
	intents = junk_intents_init(TEST_DIR);
	test_assert(test_write(intents, 1) == 0);
	test_assert(test_size(0) == 5 * 56 && test_size(1) == 56);
	junk_intents_deinit(&intents);
	test_assert(test_recover(TRUE) == 6);
	test_assert(test_recover(TRUE) == 0);
	test_dir_remove();
	test_end();
}

static void test_junk_intents_slots(void)
{
	struct junk_intents *intents[JUNK_INTENT_SLOTS + 1];
	const char *error = "";

	test_begin("junk_intents of many sessions");
	test_dir_create();
	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++) {
		intents[i] = junk_intents_init(TEST_DIR);
		test_assert_idx(test_write(intents[i], 1) == 0, i);
	}
	intents[JUNK_INTENT_SLOTS] = junk_intents_init(TEST_DIR);
	junk_intents_add(intents[JUNK_INTENT_SLOTS], &test_intent);
	test_assert(junk_intents_write(intents[JUNK_INTENT_SLOTS],
				       &error) == -1);
	test_assert(error == NULL);
	for (unsigned int i = 0; i <= JUNK_INTENT_SLOTS; i++) {
		junk_intents_clear(intents[i]);
		junk_intents_deinit(&intents[i]);
	}
	test_dir_remove();
	test_end();
}

static void test_junk_intents_full(void)
{
	struct junk_intents *intents;

	test_begin("junk_intents are bounded");
	test_dir_create();
	intents = junk_intents_init(TEST_DIR);
	test_assert(test_write(intents, JUNK_INTENT_MAX_RECORDS) == 0);
	test_assert(test_write(intents, 1) == -1);
	junk_intents_clear(intents);
	test_assert(test_write(intents, 1) == 0);
	junk_intents_clear(intents);
	junk_intents_deinit(&intents);
	test_dir_remove();
	test_end();
}

static void test_junk_intents_damaged(void)
{
	static const struct {
		off_t pos;
		unsigned char byte;
	} tests[] = {
		{ 0, 'X' }, { 4, 9 }, { 5, 200 }, { 20, 0 }, { 44, 9 },
		{ 50, 0 },
	};
	struct junk_intents *intents;
	const char *error;
	int fd;

	test_begin("junk_intents damaged");
	test_dir_create();
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		intents = junk_intents_init(TEST_DIR);
		test_assert_idx(test_write(intents, 3) == 0, i);
		junk_intents_deinit(&intents);
		fd = open(test_path(0), O_WRONLY);
		/* one is wrong, the last is cut off */
		test_assert_idx(pwrite(fd, &tests[i].byte, 1,
				       56 + tests[i].pos) == 1, i);
		test_assert_idx(ftruncate(fd, 3 * 56 - 1) == 0, i);
		i_close_fd(&fd);
		test_assert_idx(test_recover(TRUE) == 1, i);
	}
	test_dir_remove();
	intents = junk_intents_init(TEST_DIR"/missing");
	test_assert(!junk_intents_exist(intents));
	junk_intents_add(intents, &test_intent);
	test_assert(junk_intents_write(intents, &error) == -1 &&
		    strstr(error, "missing/"JUNK_INTENT_FNAME_PREFIX) != NULL);
	junk_intents_deinit(&intents);
	test_end();
}

/* The user has put something else in their place: nothing hangs, and another
   slot is used. */
static void test_junk_intents_unfit(void)
{
	struct junk_intents *intents;
	ARRAY_TYPE(junk_intent) left;
	const char *error;
	struct stat st;

	test_begin("junk_intents in whose place something else is");
	test_dir_create();
	alarm(10);
	test_assert(mkfifo(test_path(0), 0600) == 0);
	test_assert(symlink("nothing", test_path(1)) == 0);
	test_assert(symlink("/dev/zero", test_path(2)) == 0);
	test_assert(mkdir(test_path(3), 0700) == 0);
	intents = junk_intents_init(TEST_DIR);
	test_assert(!junk_intents_exist(intents));
	i_array_init(&left, 8);
	junk_intents_recover(intents, &left);
	test_assert(array_count(&left) == 0);
	test_assert(test_write(intents, 3) == 0);
	test_assert(test_size(4) > 0);
	test_assert(stat(TEST_DIR"/nothing", &st) < 0);
	junk_intents_clear(intents);
	junk_intents_deinit(&intents);

	/* one of a terabyte is read as far as we write, and goes */
	test_assert(truncate(test_path(4), 0) < 0);
	intents = junk_intents_init(TEST_DIR);
	test_assert(test_write(intents, 3) == 0);
	junk_intents_deinit(&intents);
	test_assert(truncate(test_path(4), (off_t)1 << 40) == 0);
	intents = junk_intents_init(TEST_DIR);
	junk_intents_recover(intents, &left);
	test_assert(array_count(&left) == 3);
	junk_intents_clear(intents);
	test_assert(test_size(4) == -1);

	/* all are taken: said, not waited for */
	for (unsigned int i = 4; i < JUNK_INTENT_SLOTS; i++)
		test_assert(mkfifo(test_path(i), 0600) == 0);
	junk_intents_add(intents, &test_intent);
	test_assert(junk_intents_write(intents, &error) == -1 &&
		    strstr(error, "isn't a regular file") != NULL);
	junk_intents_deinit(&intents);
	alarm(0);
	array_free(&left);
	test_assert(rmdir(test_path(3)) == 0);
	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++)
		(void)unlink(test_path(i));
	test_dir_remove();
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_intents,
		test_junk_intents_again,
		test_junk_intents_slots,
		test_junk_intents_full,
		test_junk_intents_damaged,
		test_junk_intents_unfit,
		NULL
	};
	return test_run(test_functions);
}

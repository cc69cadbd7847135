#include "lib.h"
#include "test-common.h"
#include "junk-counts.h"
#include "junk-model.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PAGE ".test-junk-counts.page"
#define SAVED ".test-junk-counts.saved"
#define DAY (24*60*60)
#define NOW ((time_t)1800000000)

static int test_page(void)
{
	const char *error;
	int fd;

	i_unlink_if_exists(PAGE);
	fd = junk_counts_create(PAGE, &error);
	test_assert(fd != -1);
	test_assert(junk_counts_begin(fd, NULL, NOW, &error) == 0);
	return fd;
}

static void test_read(time_t now, struct junk_counts_totals *totals_r)
{
	const char *error;

	test_assert(junk_counts_read(PAGE, now, totals_r, &error) == 0);
}

static void test_junk_counts_sums(void)
{
	struct junk_counts *counts;
	struct junk_counts_totals totals;
	int fd = test_page();

	test_begin("junk counts: sums by day and program");
	counts = junk_counts_open(PAGE);
	junk_counts_add(counts, JUNK_COUNTS_LMTP, 90, 90, NOW);
	junk_counts_add(counts, JUNK_COUNTS_LMTP, 89, 90, NOW + 1);
	junk_counts_add(counts, JUNK_COUNTS_LDA, JUNK_SCORE_UNKNOWN, 90, NOW);
	junk_counts_add(counts, JUNK_COUNTS_MILTER, 100, 0, NOW - 3 * DAY);
	test_read(NOW + 2, &totals);
	test_assert(totals.created == NOW);
	test_assert_ucmp(totals.all.messages, ==, 4);
	test_assert(totals.all.unknown == 1 && totals.all.above == 1);
	test_assert(totals.all.last == NOW + 1);
	test_assert(totals.days[0].messages == 3 &&
		    totals.days[3].messages == 1);
	test_assert(totals.programs[JUNK_COUNTS_LMTP].messages == 2 &&
		    totals.programs[JUNK_COUNTS_LMTP].above == 1);
	test_assert(totals.programs[JUNK_COUNTS_IMAP].last == 0);
	test_assert(totals.programs[JUNK_COUNTS_MILTER].last ==
		    NOW - 3 * DAY);
	/* the last day that is kept, and the next one takes its place */
	test_read(NOW + (JUNK_COUNTS_DAYS - 1) * DAY, &totals);
	test_assert_ucmp(totals.all.messages, ==, 3);
	test_read(NOW + JUNK_COUNTS_DAYS * DAY, &totals);
	test_assert(totals.all.messages == 0);
	junk_counts_add(counts, JUNK_COUNTS_LMTP, 1, 90,
			NOW + JUNK_COUNTS_DAYS * DAY);
	test_read(NOW + JUNK_COUNTS_DAYS * DAY, &totals);
	test_assert_ucmp(totals.all.messages, ==, 1);
	/* a clock that was set back: the future isn't shown */
	test_read(NOW - 1000 * DAY, &totals);
	test_assert(totals.all.messages == 0);
	junk_counts_close(&counts);
	i_close_fd(&fd);
	test_end();
}

static void test_junk_counts_many(void)
{
	struct junk_counts_totals totals;
	int status, fd = test_page();

	test_begin("junk counts: several processes");
	for (unsigned int i = 0; i < JUNK_COUNTS_SLOTS; i++) {
		if (fork() != 0)
			continue;
		struct junk_counts *counts = junk_counts_open(PAGE);

		for (unsigned int j = 0; j < 1000; j++)
			junk_counts_add(counts, JUNK_COUNTS_LMTP, 95, 90, NOW);
		_exit(0);
	}
	while (wait(&status) > 0)
		test_assert(status == 0);
	test_read(NOW, &totals);
	/* pids that follow each other have slots of their own; others on this
	   machine may have taken a pid in between */
	test_assert_ucmp(totals.all.messages, >, 8000);
	test_assert_ucmp(totals.all.messages, <=, 16000);
	i_close_fd(&fd);
	test_end();
}

static void test_junk_counts_saved(void)
{
	struct junk_counts *counts;
	struct junk_counts_totals totals;
	struct stat st;
	const char *error;
	int fd = test_page();

	test_begin("junk counts: a copy outlives a reboot");
	counts = junk_counts_open(PAGE);
	junk_counts_add(counts, JUNK_COUNTS_LMTP, 95, 90, NOW);
	test_assert(junk_counts_save(fd, SAVED, &error) == 0);
	i_close_fd(&fd);
	i_unlink(PAGE);
	fd = junk_counts_create(PAGE, &error);
	test_assert(junk_counts_begin(fd, SAVED, NOW + DAY, &error) == 0);
	test_read(NOW + DAY, &totals);
	test_assert(totals.created == NOW && totals.days[1].messages == 1);
	/* a process that has the old one open finds the new one */
	junk_counts_add(counts, JUNK_COUNTS_LMTP, 95, 90, NOW + DAY);
	test_read(NOW + DAY, &totals);
	test_assert_ucmp(totals.all.messages, ==, 2);
	/* what is there stays, and what somebody has added goes */
	test_assert(ftruncate(fd, 10*1024*1024) == 0);
	test_assert(junk_counts_begin(fd, SAVED, NOW + DAY, &error) == 0);
	test_assert(fstat(fd, &st) == 0 &&
		    st.st_size == JUNK_COUNTS_FILE_BYTES);
	test_read(NOW + DAY, &totals);
	test_assert_ucmp(totals.all.messages, ==, 2);
	/* spoiled: the copy is used, and isn't replaced by it */
	test_assert(ftruncate(fd, 100) == 0);
	junk_counts_add(counts, JUNK_COUNTS_LMTP, 95, 90, NOW + DAY);
	test_assert(junk_counts_save(fd, SAVED, &error) < 0);
	test_assert(junk_counts_begin(fd, SAVED, NOW + DAY, &error) == 0);
	test_read(NOW + DAY, &totals);
	test_assert_ucmp(totals.all.messages, ==, 1);
	junk_counts_close(&counts);
	i_close_fd(&fd);
	i_unlink(SAVED);
	test_end();
}

/* Whatever stands at the path, counting neither fails nor waits. */
static void test_junk_counts_bad(void)
{
	struct junk_counts_totals totals;
	struct junk_counts *counts;
	const char *error;

	test_begin("junk counts: bad pages");
	for (unsigned int i = 0; i < 5; i++) {
		if (rmdir(PAGE) < 0)
			(void)unlink(PAGE);
		if (i == 1)
			test_assert(mkfifo(PAGE, 0600) == 0);
		else if (i == 2)
			test_assert(mkdir(PAGE, 0700) == 0);
		else if (i == 3)
			test_assert(symlink("/dev/zero", PAGE) == 0);
		else if (i == 4) {
			int fd = open(PAGE, O_CREAT | O_RDWR, 0600);

			test_assert(ftruncate(fd, 1024*1024) == 0);
			i_close_fd(&fd);
		}
		counts = junk_counts_open(PAGE);
		junk_counts_add(counts, JUNK_COUNTS_LMTP, 95, 90, NOW);
		junk_counts_close(&counts);
		error = NULL;
		test_assert_idx(junk_counts_read(PAGE, NOW, &totals,
						 &error) < 0, i);
		test_assert_idx(error != NULL, i);
	}
	i_unlink(PAGE);
	test_end();
}

static int test_page_new(const char *path)
{
	const char *error;
	int fd;

	i_unlink_if_exists(path);
	fd = junk_counts_create(path, &error);
	if (fd == -1 || junk_counts_begin(fd, NULL, NOW, &error) < 0)
		i_fatal("junk_counts_begin() failed: %s", error);
	return fd;
}

/* What somebody has written into a page that is valid, or made of it. */
static void test_junk_counts_spoiled(void)
{
	struct junk_counts_totals totals;
	const uint32_t cell[] = { NOW, 1, 2, 3 }, version = 9;
	const char *error;
	int fd;

	test_begin("junk counts: spoiled pages");
	fd = test_page_new(PAGE);
	/* parts that are larger than the whole */
	test_assert(pwrite(fd, cell, sizeof(cell), JUNK_COUNTS_HEADER_BYTES +
			   (off_t)sizeof(cell) * (NOW / (24*60*60) %
						  JUNK_COUNTS_DAYS)) ==
		    (ssize_t)sizeof(cell));
	test_assert(junk_counts_read(PAGE, NOW, &totals, &error) == 0);
	test_assert(totals.all.messages == 1 && totals.all.unknown == 1 &&
		    totals.all.above == 1);
	/* a link isn't followed, also to a page */
	test_assert(rename(PAGE, SAVED) == 0 && symlink(SAVED, PAGE) == 0);
	test_assert(junk_counts_read(PAGE, NOW, &totals, &error) < 0);
	i_unlink(PAGE);
	test_assert(rename(SAVED, PAGE) == 0);
	/* of another version: after the magic and the byte order */
	test_assert(pwrite(fd, &version, sizeof(version), 12) ==
		    (ssize_t)sizeof(version));
	test_assert(junk_counts_read(PAGE, NOW, &totals, &error) < 0);
	i_close_fd(&fd);
	i_unlink(PAGE);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_counts_sums,
		test_junk_counts_many,
		test_junk_counts_saved,
		test_junk_counts_bad,
		test_junk_counts_spoiled,
		NULL
	};

	return test_run(test_functions);
}

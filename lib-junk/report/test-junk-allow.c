/* Tests a user's list of trusted senders: what it finds, its limits, and
   damaged files. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "unlink-directory.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-allow.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR "test-junk-allow.tmp"
#define PATH DIR"/"JUNK_ALLOW_FNAME
#define HEADER_BYTES 24
#define ENTRY_BYTES 8

static void test_init(void)
{
	const char *error;

	(void)unlink_directory(DIR, UNLINK_DIRECTORY_FLAG_RMDIR, &error);
	if (mkdir(DIR, 0700) < 0)
		i_fatal("mkdir(%s) failed: %m", DIR);
}

static enum junk_allow find(const char *address)
{
	enum junk_allow how = JUNK_ALLOW_NO;
	const char *error;

	T_BEGIN {
		test_assert(junk_allow_find(DIR, address, &how, &error) == 0);
	} T_END;
	return how;
}

static int add(const char *address, enum junk_allow how)
{
	const char *const addresses[] = { address, NULL }, *error;
	int ret;

	T_BEGIN {
		ret = junk_allow_add(DIR, addresses, how, &error);
	} T_END;
	return ret;
}

static unsigned int remove_one(const char *address, enum junk_allow how)
{
	const char *const addresses[] = { address, NULL }, *error;
	unsigned int removed = 0;

	test_assert(junk_allow_remove(DIR, addresses, how, &removed,
				      &error) == 0);
	return removed;
}

static void test_count(unsigned int written, unsigned int added)
{
	unsigned int got_written, got_added;
	const char *error;
	struct stat st;

	test_assert(junk_allow_count(DIR, &got_written, &got_added,
				     &error) == 0);
	test_assert(got_written == written && got_added == added);
	test_assert(stat(PATH, &st) == 0 && st.st_size == (off_t)
		    (HEADER_BYTES + (written + added) * ENTRY_BYTES));
}

static void test_junk_allow(void)
{
	struct stat st;
	const char *error;

	test_begin("junk allow");
	test_init();
	test_assert(find("a@a.example") == JUNK_ALLOW_NO);
	test_assert(remove_one("a@a.example", JUNK_ALLOW_ADDED) == 0);
	test_assert(stat(PATH, &st) < 0);

	test_assert(add("a@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_assert(add("b@b.example", JUNK_ALLOW_ADDED) == 0);
	test_assert(add("@c.example", JUNK_ALLOW_ADDED) == 0);
	test_assert(add("a@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_assert(stat(PATH, &st) == 0 && (st.st_mode & 0777) == 0600);
	test_count(1, 2);
	test_assert(find("a@a.example") == JUNK_ALLOW_WRITTEN);
	test_assert(find("b@b.example") == JUNK_ALLOW_ADDED);
	test_assert(find("x@c.example") == JUNK_ALLOW_ADDED);
	test_assert(find("x@a.example") == JUNK_ALLOW_NO);
	test_assert(find("x@x.c.example") == JUNK_ALLOW_NO);

	/* what was added by command stays so */
	test_assert(add("b@b.example", JUNK_ALLOW_WRITTEN) == 0);
	test_assert(find("b@b.example") == JUNK_ALLOW_ADDED);
	test_assert(remove_one("b@b.example", JUNK_ALLOW_WRITTEN) == 0);
	test_assert(find("b@b.example") == JUNK_ALLOW_ADDED);
	test_assert(add("a@a.example", JUNK_ALLOW_ADDED) == 0);
	test_assert(find("a@a.example") == JUNK_ALLOW_ADDED);
	test_count(0, 3);

	test_assert(remove_one("a@a.example", JUNK_ALLOW_ADDED) == 1);
	test_assert(remove_one("a@a.example", JUNK_ALLOW_ADDED) == 0);
	test_assert(find("a@a.example") == JUNK_ALLOW_NO);
	test_assert(find("b@b.example") == JUNK_ALLOW_ADDED);
	test_count(0, 2);
	test_assert(junk_allow_clear(DIR, &error) == 0);
	test_assert(junk_allow_clear(DIR, &error) == 0);
	test_assert(find("b@b.example") == JUNK_ALLOW_NO);
	test_end();
}

static void fill(unsigned int first, unsigned int last, enum junk_allow how)
{
	ARRAY_TYPE(const_string) addresses;
	const char *address, *error;

	t_array_init(&addresses, 128);
	for (unsigned int i = first; i <= last; i++) {
		address = t_strdup_printf("%u@a.example", i);
		array_push_back(&addresses, &address);
	}
	array_append_zero(&addresses);
	test_assert(junk_allow_add(DIR, array_front(&addresses), how,
				   &error) == 0);
}

static void test_junk_allow_limit(void)
{
	test_begin("junk allow: limit");
	test_init();
	T_BEGIN {
		fill(1, 1, JUNK_ALLOW_ADDED);
		fill(2, JUNK_MAX_ALLOWED, JUNK_ALLOW_WRITTEN);
	} T_END;
	test_count(JUNK_MAX_ALLOWED - 1, 1);
	test_assert(find("2@a.example") == JUNK_ALLOW_WRITTEN);
	/* one more: the oldest eighth goes, except what was added */
	test_assert(add("new@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_count(JUNK_MAX_ALLOWED / 8 * 7, 1);
	test_assert(find("1@a.example") == JUNK_ALLOW_ADDED);
	test_assert(find("2@a.example") == JUNK_ALLOW_NO);
	test_assert(find(t_strdup_printf("%u@a.example", 1 +
			 JUNK_MAX_ALLOWED / 8)) == JUNK_ALLOW_NO);
	test_assert(find(t_strdup_printf("%u@a.example", 2 +
			 JUNK_MAX_ALLOWED / 8)) == JUNK_ALLOW_WRITTEN);
	test_assert(find("new@a.example") == JUNK_ALLOW_WRITTEN);
	test_init();
	T_BEGIN {
		fill(1, JUNK_MAX_ALLOWED, JUNK_ALLOW_ADDED);
	} T_END;
	test_count(0, JUNK_MAX_ALLOWED);
	test_assert(add("new@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_assert(add("new@a.example", JUNK_ALLOW_ADDED) < 0);
	test_count(0, JUNK_MAX_ALLOWED);
	test_end();
}

static void test_write(off_t offset, const void *data, size_t size)
{
	int fd = open(PATH, O_WRONLY);

	test_assert(fd != -1 && pwrite(fd, data, size, offset) ==
		    (ssize_t)size);
	i_close_fd(&fd);
}

static void test_junk_allow_damage(void)
{
	test_begin("junk allow: damage");
	test_init();
	test_assert(add("a@a.example", JUNK_ALLOW_ADDED) == 0);
	/* half an entry is overwritten */
	test_write(HEADER_BYTES + ENTRY_BYTES, "xyz", 3);
	test_assert(find("a@a.example") == JUNK_ALLOW_ADDED);
	test_assert(add("b@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_count(1, 1);
	test_assert(find("b@a.example") == JUNK_ALLOW_WRITTEN);
	/* another key: nobody is trusted */
	test_write(8, "0123456789abcdef", 16);
	test_assert(find("a@a.example") == JUNK_ALLOW_NO);
	test_assert(find("b@a.example") == JUNK_ALLOW_NO);
	test_count(1, 1);
	/* no list: a new one is made */
	test_write(0, "x", 1);
	test_assert(find("a@a.example") == JUNK_ALLOW_NO);
	test_assert(remove_one("a@a.example", JUNK_ALLOW_ADDED) == 0);
	test_assert(add("a@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_count(1, 0);
	test_assert(truncate(PATH, HEADER_BYTES - 1) == 0);
	test_assert(find("a@a.example") == JUNK_ALLOW_NO);
	test_assert(truncate(PATH, 0) == 0);
	test_assert(find("a@a.example") == JUNK_ALLOW_NO);
	test_assert(add("b@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_count(1, 0);
	/* a file without end */
	test_assert(truncate(PATH, (off_t)1 << 40) == 0);
	test_assert(find("b@a.example") == JUNK_ALLOW_WRITTEN);
	test_end();
}

static void test_junk_allow_lock(void)
{
	const char *error;
	enum junk_allow how;
	int fd;

	test_begin("junk allow: another process, and what isn't a file");
	test_init();
	test_assert(add("a@a.example", JUNK_ALLOW_WRITTEN) == 0);
	fd = open(PATH, O_RDONLY);
	test_assert(flock(fd, LOCK_SH) == 0);
	test_assert(add("b@a.example", JUNK_ALLOW_WRITTEN) < 0);
	test_assert(find("a@a.example") == JUNK_ALLOW_WRITTEN);
	i_close_fd(&fd);
	test_assert(add("b@a.example", JUNK_ALLOW_WRITTEN) == 0);
	i_unlink(PATH);
	test_assert(symlink("/dev/zero", PATH) == 0);
	test_assert(add("b@a.example", JUNK_ALLOW_WRITTEN) < 0);
	test_assert(junk_allow_find(DIR, "a@a.example", &how, &error) < 0 &&
		    how == JUNK_ALLOW_NO);
	test_assert(junk_allow_find("/nonexistent", "a@a.example", &how,
				    &error) == 0 && how == JUNK_ALLOW_NO);
	test_end();
}

static bool message_is_allowed(const char *message, const char *file,
			       const char *dir, bool *failed_r)
{
	struct istream *input =
		i_stream_create_from_data(message, strlen(message));
	const char *error;
	bool allowed = junk_allow_message(input, "mx", file, dir, &error);

	*failed_r = error != NULL;
	i_stream_unref(&input);
	return allowed;
}

static void test_junk_allow_message(void)
{
	static const char message[] =
		"Authentication-Results: mx; dmarc=pass header.from=a.example\n"
		"From: b@a.example\nTo: c@c.example\n\n";
	struct istream *input;
	const char *error;
	bool failed;

	test_begin("junk allow: messages");
	test_init();
	test_assert(!message_is_allowed(message, "", DIR, &failed) && !failed);
	test_assert(!message_is_allowed(message, "", NULL, &failed) && !failed);
	test_assert(!message_is_allowed(message, DIR"/none", DIR, &failed) &&
		    failed);
	input = i_stream_create_from_data(message, strlen(message));
	test_assert(junk_allow_add_recipients(DIR, input, &error) == 0);
	i_stream_unref(&input);
	test_assert(find("c@c.example") == JUNK_ALLOW_WRITTEN);
	test_assert(!message_is_allowed(message, "", DIR, &failed) && !failed);
	test_assert(add("b@a.example", JUNK_ALLOW_WRITTEN) == 0);
	test_assert(message_is_allowed(message, "", DIR, &failed) && !failed);
	/* one of the lists is enough */
	test_assert(message_is_allowed(message, DIR"/none", DIR, &failed));
	test_assert(!message_is_allowed(strchr(message, '\n') + 1, "", DIR,
					&failed) && !failed);
	test_init();
	test_end();
	(void)rmdir(DIR);
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_allow,
		test_junk_allow_limit,
		test_junk_allow_damage,
		test_junk_allow_lock,
		test_junk_allow_message,
		NULL
	};
	return test_run(test_functions);
}

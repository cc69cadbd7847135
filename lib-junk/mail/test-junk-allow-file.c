/* Tests which lines of the administrator's file count, and its limits. */

#include "lib.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-allow-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH "test-junk-allow-file.tmp"

static void test_write(const char *text, off_t size)
{
	int fd = open(PATH, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	test_assert(fd != -1 &&
		    write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
		    ftruncate(fd, size) == 0);
	i_close_fd(&fd);
}

static void test_junk_allow_file_find(void)
{
	static const struct {
		const char *text, *address;
		int ret;
	} tests[] = {
		{ "", "a@example.com", 0 },
		{ "a@example.com", "a@example.com", 1 },
		{ "\n# x\n  A@Example.COM \t# friend\r\nb@example.com\n",
		  "a@example.com", 1 },
		{ "a@example.com\r\nb@example.com\r\n", "b@example.com", 1 },
		{ "#a@example.com\n", "a@example.com", 0 },
		{ "a@example.com b@example.com\n", "b@example.com", 0 },
		{ "aa@example.com\n", "a@example.com", 0 },
		{ "a@example.com\n", "aa@example.com", 0 },
		{ "@example.com\n", "a@example.com", 1 },
		{ "@example.com\n", "a@x.example.com", 0 },
		{ "@x.example.com\n", "a@example.com", 0 },
		{ "example.com\n", "a@example.com", 0 },
		{ "@com\n@\n", "a@example.com", 0 },
	};
	const char *error;

	test_begin("junk_allow_file_find()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		test_write(tests[i].text, (off_t)strlen(tests[i].text));
		test_assert_idx(junk_allow_file_find(PATH, tests[i].address,
						     &error) == tests[i].ret,
				i);
	} T_END;
	test_end();
}

static void test_junk_allow_file_check(void)
{
	static const struct {
		const char *text;
		/* in the error; NULL = it is valid */
		const char *error;
		unsigned int count;
	} tests[] = {
		{ "", NULL, 0 },
		{ "# x\n\n \t\na@example.com\n@example.com # y", NULL, 2 },
		{ "a@example.com\n\nexample.com\n", " line 3 ", 0 },
		{ "a@example.com b@example.com\n", " line 1 ", 0 },
		{ "a@example.com\n@", " line 2 ", 0 },
		{ "<a@example.com>\n", " line 1 ", 0 },
		{ "a@b@example.com\n", " line 1 ", 0 },
	};
	const char *error;
	unsigned int count;

	test_begin("junk_allow_file_check()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		test_write(tests[i].text, (off_t)strlen(tests[i].text));
		if (tests[i].error == NULL) {
			test_assert_idx(junk_allow_file_check(PATH, &count,
							      &error) == 0, i);
			test_assert_idx(count == tests[i].count, i);
		} else {
			test_assert_idx(junk_allow_file_check(PATH, &count,
							      &error) < 0, i);
			test_assert_idx(strstr(error, tests[i].error) != NULL,
					i);
		}
	} T_END;
	test_end();
}

static void test_junk_allow_file_unreadable(void)
{
	const char *error;
	unsigned int count;

	test_begin("junk allow file: what can't be read");
	test_write("a@example.com\n", JUNK_MAX_ALLOW_FILE_BYTES);
	test_assert(junk_allow_file_find(PATH, "a@example.com", &error) == 1);
	test_write("a@example.com\n", JUNK_MAX_ALLOW_FILE_BYTES + 1);
	test_assert(junk_allow_file_find(PATH, "a@example.com", &error) < 0);
	test_assert(junk_allow_file_check(PATH, &count, &error) < 0);
	i_unlink(PATH);
	test_assert(junk_allow_file_find(PATH, "a@example.com", &error) < 0);
	test_assert(mkfifo(PATH, 0600) == 0);
	test_assert(junk_allow_file_find(PATH, "a@example.com", &error) < 0);
	i_unlink(PATH);
	test_assert(junk_allow_file_find(".", "a@example.com", &error) < 0);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_allow_file_find,
		test_junk_allow_file_check,
		test_junk_allow_file_unreadable,
		NULL
	};
	return test_run(test_functions);
}

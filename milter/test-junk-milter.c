#include "lib.h"
#include "str.h"
#include "write-full.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-score.h"
#include "junk-milter-message.h"
#include "junk-milter-policy.h"
#include "junk-milter-settings.h"

#include <fcntl.h>
#include <unistd.h>

#define TEST_CONFIG ".test-junk-milter.conf"
#define TEST_REPLY ".test-junk-milter.reply"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (fd == -1 || write_full(fd, text, strlen(text)) < 0)
		i_fatal("write(%s) failed: %m", path);
	i_close_fd(&fd);
}

static void test_junk_milter_settings(void)
{
	static const struct {
		const char *text;
		/* the end of the expected error; NULL = the file is valid */
		const char *error;
	} tests[] = {
		{ "", NULL },
		{ "# nothing\n\n  reject = 95  \n", NULL },
		{ "reject = 100\ntag=1\nquarantine = off\n", NULL },
		{ "reject = 0\n", "line 1: reject = 0: must be a score from "
		  "1 to 100, or off" },
		{ "tag = 90\nreject = 101\n", "line 2: reject = 101: must be "
		  "a score from 1 to 100, or off" },
		{ "reject = 9x\n", "reject = 9x: must be a score from 1 to "
		  "100, or off" },
		{ "dry_run = maybe\n", "dry_run = maybe: must be yes or no" },
		{ "rejekt = 9\n", "unknown setting: rejekt" },
		{ "reject\n", "expected: name = value" },
		{ "allow_file = "TEST_REPLY"\n", NULL },
		{ "allow_file = /nonexistent/x\n",
		  "allow_file /nonexistent/x: No such file or directory" },
		{ "reply_file = "TEST_REPLY"\n", NULL },
		{ "reply_file = /nonexistent/x\n",
		  "/nonexistent/x: No such file or directory" },
	};
	struct junk_milter_settings set;
	char error[1024];
	int ret;

	test_begin("junk_milter_settings_read");
	write_file(TEST_REPLY, "# words\nGo away.\n\nVa-t'en.\n");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		junk_milter_settings_init(&set);
		write_file(TEST_CONFIG, tests[i].text);
		ret = junk_milter_settings_read(&set, TEST_CONFIG,
						error, sizeof(error));
		test_assert_idx((ret < 0) == (tests[i].error != NULL), i);
		if (ret < 0 && tests[i].error != NULL) {
			size_t len = strlen(tests[i].error);

			test_assert_idx(strlen(error) >= len, i);
			test_assert_strcmp_idx(error + strlen(error) - len,
					       tests[i].error, i);
		}
		junk_milter_settings_deinit(&set);
	}
	test_end();
}

static void test_junk_milter_reply_file(void)
{
	struct junk_milter_settings set;
	char error[1024];
	string_t *text = t_str_new(1024);

	test_begin("junk_milter_settings_read: reply_file");
	write_file(TEST_CONFIG, "reply_file = "TEST_REPLY"\n");
	write_file(TEST_REPLY, "# words\nGo away.\n\nVa-t'en.\n");
	junk_milter_settings_init(&set);
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) == 0);
	test_assert_strcmp(set.reply_lines[0], "Go away.");
	test_assert_strcmp(set.reply_lines[1], "Va-t'en.");
	test_assert(set.reply_lines[2] == NULL);

	/* the maximum number of lines, and one more */
	for (unsigned int i = 0; i < JUNK_MILTER_MAX_REPLY_LINES; i++)
		str_append(text, "no\n");
	write_file(TEST_REPLY, str_c(text));
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) == 0);
	str_append(text, "no\n");
	write_file(TEST_REPLY, str_c(text));
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) < 0);

	/* the maximum length of a line, and invalid characters */
	str_truncate(text, 0);
	for (unsigned int i = 0; i < JUNK_MILTER_MAX_REPLY_LINE; i++)
		str_append_c(text, 'a');
	write_file(TEST_REPLY, str_c(text));
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) == 0);
	str_append_c(text, 'a');
	write_file(TEST_REPLY, str_c(text));
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) < 0);
	write_file(TEST_REPLY, "100% spam\n");
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) < 0);
	write_file(TEST_REPLY, "f\xc3\xbcr Sie\n");
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) < 0);
	write_file(TEST_REPLY, "# only a comment\n");
	test_assert(junk_milter_settings_read(&set, TEST_CONFIG, error,
					      sizeof(error)) < 0);
	junk_milter_settings_deinit(&set);
	i_unlink(TEST_CONFIG);
	i_unlink(TEST_REPLY);
	test_end();
}

static void test_junk_milter_skips(void)
{
	static const struct {
		const char *skip, *recipient;
		int skips;
	} tests[] = {
		{ "", "<postmaster@example.org>", 0 },
		{ "", "<>", 0 },
		{ "postmaster", "<postmaster@example.org>", 1 },
		{ "postmaster", "postmaster@example.org", 1 },
		{ "postmaster", "<Postmaster>", 1 },
		{ "PostMaster", "<postmaster+spam@example.org>", 1 },
		{ " postmaster  abuse ", "<abuse@example.org>", 1 },
		{ "postmaster", "<postmasters@example.org>", 0 },
		{ "postmaster", "<post@example.org>", 0 },
		{ "postmaster", "<>", 0 },
		{ "postmaster", "", 0 },
		{ "postmaster", "<anna@postmaster>", 0 },
		{ "abuse", "<postmaster@example.org>", 0 },
	};

	test_begin("junk_milter_skips");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		struct junk_milter_settings set = {
			.skip_recipients = t_strdup_noconst(tests[i].skip),
		};
		test_assert_idx(junk_milter_skips(&set, tests[i].recipient) ==
				tests[i].skips, i);
	}
	test_end();
}

static void test_junk_milter_decide(void)
{
	static const struct {
		int reject, defer, quarantine, tag, score;
		enum junk_milter_action action;
	} tests[] = {
		{ 0, 0, 0, 90, 90, JUNK_MILTER_TAG },
		{ 0, 0, 0, 90, 89, JUNK_MILTER_PASS },
		{ 0, 0, 0, 0, 100, JUNK_MILTER_PASS },
		{ 99, 97, 95, 90, 100, JUNK_MILTER_REJECT },
		{ 99, 97, 95, 90, 99, JUNK_MILTER_REJECT },
		{ 99, 97, 95, 90, 98, JUNK_MILTER_DEFER },
		{ 99, 97, 95, 90, 95, JUNK_MILTER_QUARANTINE },
		{ 99, 97, 95, 90, 94, JUNK_MILTER_TAG },
		{ 1, 1, 1, 1, JUNK_SCORES_UNKNOWN, JUNK_MILTER_PASS },
		{ 1, 1, 1, 1, 0, JUNK_MILTER_PASS },
	};

	test_begin("junk_milter_decide");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		struct junk_milter_settings set = {
			.reject = tests[i].reject, .defer = tests[i].defer,
			.quarantine = tests[i].quarantine, .tag = tests[i].tag,
		};

		test_assert_idx(junk_milter_decide(&set, tests[i].score) ==
				tests[i].action, i);
	}
	test_end();
}

static void test_junk_milter_message(void)
{
	struct junk_milter_message msg = { .data = NULL };
	unsigned char block[65536];

	test_begin("junk_milter_message");
	junk_milter_message_header(&msg, "Subject", "hello\r\n there");
	junk_milter_message_header(&msg, "x-junk-score", "0");
	junk_milter_message_header(&msg, "X-Junk-Score", "1");
	junk_milter_message_end_headers(&msg);
	junk_milter_message_body(&msg, (const unsigned char *)"body\r\n", 6);
	test_assert(msg.foreign_scores == 2);
	/* Dovecot 2.3.19 doesn't have test_assert_memcmp() everywhere */
	test_assert(msg.size == 66 && memcmp(msg.data,
			   "Subject: hello\r\n there\r\nx-junk-score: 0\r\n"
			   "X-Junk-Score: 1\r\n\r\nbody\r\n", 66) == 0);
	test_assert(!junk_milter_message_full(&msg));

	memset(block, 'x', sizeof(block));
	for (unsigned int i = 0; i < 30; i++)
		junk_milter_message_body(&msg, block, sizeof(block));
	test_assert(junk_milter_message_full(&msg));
	test_assert(msg.size == JUNK_MAX_READ_BYTES);
	junk_milter_message_reset(&msg);
	test_assert(msg.size == 0 && msg.data == NULL &&
		    msg.foreign_scores == 0);

	/* mail programs ignore blanks after the name, so the milter does too */
	junk_milter_message_header(&msg, "X-Junk-Score ", "1");
	junk_milter_message_header(&msg, "X-Junk-Score\t ", "1");
	junk_milter_message_header(&msg, "X-Junk-Scores", "1");
	junk_milter_message_header(&msg, " X-Junk-Score", "1");
	junk_milter_message_header(&msg, "X-Junk-Scor", "1");
	junk_milter_message_header(&msg, "X-Junk-Flag", "YES");
	junk_milter_message_header(&msg, "x-junk-flag  ", "YES");
	junk_milter_message_header(&msg, "X-Junk-Reason ", "x");
	test_assert(msg.foreign_scores == 2 && msg.foreign_flags == 2 &&
		    msg.foreign_reasons == 1);
	junk_milter_message_reset(&msg);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_milter_settings,
		test_junk_milter_reply_file,
		test_junk_milter_decide,
		test_junk_milter_skips,
		test_junk_milter_message,
		NULL
	};
	return test_run(test_functions);
}

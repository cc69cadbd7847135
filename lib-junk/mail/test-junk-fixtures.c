/* Tests with the fixtures of tests/data/tokens: for each NAME.eml, NAME.tokens
   has a line "class<TAB>text" for each token that the message must have, or
   must not have if "!" precedes it. For all fixtures, the sample of the corpus
   and tests/data/kinds, the tokens must not depend on what delivery adds or
   changes. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-tokenizer.h"

#include <dirent.h>
#include <time.h>

static void
token_text(junk_token_t token, const char *text, void *context)
{
	string_t *dest = context;

	str_printfa(dest, "%s\t%s\n",
		    junk_token_class_name(junk_token_class(token)), text);
}

static void
tokenize(const void *data, size_t size, string_t *text,
	 struct junk_message *msg_r)
{
	const struct junk_tokenizer_settings set = {
		.authserv_id = "mx.example",
		.mx = "mx.example",
		.token_callback = token_text,
		.token_context = text,
	};
	struct istream *input = i_stream_create_from_data(data, size);
	const char *error;

	if (text != NULL)
		str_append_c(text, '\n');
	test_assert(junk_tokenize(input, text == NULL ? NULL : &set,
				  pool_datastack_create(), msg_r,
				  &error) == 0);
	i_stream_unref(&input);
}

static bool read_file(const char *path, buffer_t *dest)
{
	struct istream *input = i_stream_create_file(path, 64*1024);
	const unsigned char *data;
	size_t size;

	buffer_set_used_size(dest, 0);
	while (i_stream_read_more(input, &data, &size) > 0) {
		buffer_append(dest, data, size);
		i_stream_skip(input, size);
	}
	bool ok = input->stream_errno == 0 && dest->used > 0;
	i_stream_unref(&input);
	return ok;
}

/* Call the callback for each file of a folder that ends in suffix. Returns
   their number. */
static unsigned int
for_each_file(const char *dir, const char *suffix,
	      void (*callback)(const char *path))
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	unsigned int count = 0;

	if (d == NULL)
		i_fatal("opendir(%s) failed: %m", dir);
	while ((entry = readdir(d)) != NULL) {
		size_t len = strlen(entry->d_name), n = strlen(suffix);

		if (entry->d_name[0] == '.' || len <= n ||
		    strcmp(entry->d_name + len - n, suffix) != 0)
			continue;
		T_BEGIN {
			callback(t_strconcat(dir, "/", entry->d_name, NULL));
		} T_END;
		count++;
	}
	closedir(d);
	return count;
}

static void check_expected(const char *path, const char *text, char *line)
{
	bool wanted = *line != '!';
	const char *find = t_strconcat("\n", wanted ? line : line + 1, "\n",
				       NULL);

	if ((strstr(text, find) != NULL) != wanted) {
		i_error("%s: %s: %s", path, wanted ? "missing" : "unwanted",
			line);
		test_assert(FALSE);
	}
}

static void fixture_tokens(const char *path)
{
	buffer_t *mail = buffer_create_dynamic(default_pool, 4096);
	buffer_t *expected = buffer_create_dynamic(default_pool, 4096);
	string_t *text = str_new(default_pool, 4096);
	struct junk_message msg;
	const char *base = t_strdup_until(path, path + strlen(path) - 4);
	char **lines;

	test_assert(read_file(path, mail));
	test_assert(read_file(t_strconcat(base, ".tokens", NULL), expected));
	tokenize(mail->data, mail->used, text, &msg);
	lines = p_strsplit(pool_datastack_create(),
			   t_strndup(expected->data, expected->used), "\n");
	for (; *lines != NULL; lines++) {
		if (**lines != '\0')
			check_expected(path, str_c(text), *lines);
	}
	buffer_free(&mail);
	buffer_free(&expected);
	str_free(&text);
}

static void test_junk_fixtures(void)
{
	test_begin("tokens of tests/data/tokens");
	test_assert(for_each_file(TEST_DATA_DIR"/tokens", ".eml",
				  fixture_tokens) >= 8);
	test_end();
}

/* Copy a message as another host would have stored it. */
static void deliver(const buffer_t *mail, bool crlf, buffer_t *dest)
{
	static const char trace[] =
		"Return-Path: <someone@trace.example>\n"
		"Delivered-To: user@trace.example\n"
		"X-Original-To: user@trace.example\n"
		"Received: from a.example (a.example [192.0.2.1])\n"
		"\tby b.example with LMTP id abc\n"
		"\tfor <user@trace.example>; Thu, 1 Jan 2026 00:00:00 +0000\n"
		"Authentication-Results: other.example; spf=fail; dkim=fail\n"
		"Received-SPF: fail\n"
		"X-Spam-Status: Yes, score=99\n"
		"X-Spam-Flag: YES\n"
		"X-Junk-Score: 99\n"
		"X-Sieve: Pigeonhole Sieve\n"
		"X-Any-New-Filter: spam\n"
		"Status: RO\n"
		"X-UID: 5\n"
		"Message-ID: <new@trace.example>\n";
	const char *data = mail->data;

	buffer_set_used_size(dest, 0);
	for (const char *p = trace; *p != '\0'; p++) {
		if (*p == '\n' && crlf)
			buffer_append_c(dest, '\r');
		buffer_append_c(dest, *p);
	}
	for (size_t i = 0; i < mail->used; i++) {
		if (data[i] == '\n' && crlf && (i == 0 || data[i - 1] != '\r'))
			buffer_append_c(dest, '\r');
		buffer_append_c(dest, data[i]);
	}
}

static void fixture_delivered(const char *path)
{
	buffer_t *mail = buffer_create_dynamic(default_pool, 4096);
	buffer_t *stored = buffer_create_dynamic(default_pool, 4096);
	struct junk_message before, after;
	unsigned char digest[JUNK_DIGEST_BYTES], digest2[JUNK_DIGEST_BYTES];

	test_assert(read_file(path, mail));
	tokenize(mail->data, mail->used, NULL, &before);
	junk_message_digest(&before, digest);
	for (unsigned int crlf = 0; crlf < 2; crlf++) {
		deliver(mail, crlf == 1, stored);
		tokenize(stored->data, stored->used, NULL, &after);
		junk_message_digest(&after, digest2);
		bool same = array_cmp(&before.tokens, &after.tokens) &&
			memcmp(digest, digest2, sizeof(digest)) == 0;
		if (!same)
			i_error("%s: differs when delivered", path);
		test_assert(same);
	}
	buffer_free(&mail);
	buffer_free(&stored);
}

static void test_junk_delivered(void)
{
	test_begin("what delivery adds doesn't matter");
	test_assert(for_each_file(TEST_DATA_DIR"/tokens", ".eml",
				  fixture_delivered) > 0);
	test_assert(for_each_file(TEST_DATA_DIR"/demo/spam", "",
				  fixture_delivered) > 0);
	test_assert(for_each_file(TEST_DATA_DIR"/demo/ham", "",
				  fixture_delivered) > 0);
	test_assert(for_each_file(TEST_DATA_DIR"/kinds", ".eml",
				  fixture_delivered) >= 120);
	test_end();
}

static void hostile(const char *name, const string_t *mail)
{
	struct junk_message msg;
	clock_t start = clock();

	tokenize(str_data(mail), str_len(mail), NULL, &msg);
	test_assert(array_count(&msg.tokens) <= JUNK_MAX_TOKENS);
	test_assert(msg.group_count[0] <= JUNK_MAX_GROUP_TOKENS);
	test_assert(msg.size_bytes <= JUNK_MAX_READ_BYTES);
	/* processor time; generous, since this runs under valgrind */
	if (clock() - start > 20 * CLOCKS_PER_SEC) {
		i_error("%s takes too long", name);
		test_assert(FALSE);
	}
}

static void append_times(string_t *str, const char *data, unsigned int times)
{
	for (; times > 0; times--)
		str_append(str, data);
}

static void test_junk_hostile(void)
{
	static const struct {
		const char *name, *head, *repeated;
		unsigned int times;
	} tests[] = {
		{ "empty", "", "", 0 },
		{ "one newline", "\n", "", 0 },
		{ "huge header", "Subject: ", "word ", 400000 },
		{ "many headers", "", "X-A: b\n", 200000 },
		{ "a header of text", "", "http://a.example/b c : d\n", 40000 },
		{ "encoded words", "Subject: ", "=?utf-8?q?", 100000 },
		{ "encoded words, closed", "Subject: ", "=?x?b?YQ==?= ", 80000 },
		{ "50 MB line", "\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1000000 },
		{ "deep HTML", "Content-Type: text/html\n\n", "<div><b>", 100000 },
		{ "open tags", "Content-Type: text/html\n\n", "<a href=\"", 100000 },
		{ "open comments", "Content-Type: text/html\n\n", "<!--", 200000 },
		{ "raw elements", "Content-Type: text/html\n\n", "<style>", 100000 },
		{ "close tags", "Content-Type: text/html\n\n", "</b>", 200000 },
		{ "entities", "Content-Type: text/html\n\n", "&#x1f600;&amp;&x", 60000 },
		{ "deep MIME", "", "Content-Type: multipart/mixed; boundary=a\n\n--a\n", 10000 },
		{ "deep messages", "", "Content-Type: message/rfc822\n\n", 10000 },
		{ "many parts", "Content-Type: multipart/mixed; boundary=a\n\n", "--a\n\nx\n", 50000 },
		{ "parameters", "Content-Type: text/plain", "; name*0*=x", 80000 },
		{ "addresses", "To: ", "a@b.example, ", 60000 },
		{ "URLs", "\n", "http://www.a.example/b ", 40000 },
		{ "unknown charset", "Content-Type: text/plain; charset=//x\n\n", "\xff\xfe ", 100000 },
		{ "UTF-7", "Content-Type: text/plain; charset=utf-7\n\n", "+AGE-", 100000 },
		{ "zero width", "\n", "a\xe2\x80\x8b", 100000 },
		{ "pairs", "\n", "\xe4\xbd\xa0", 100000 },
		{ "equals", "Content-Transfer-Encoding: quoted-printable\n\n", "=", 800000 },
	};
	string_t *mail = str_new(default_pool, 1024*1024);

	test_begin("hostile messages take bounded time and memory");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		str_truncate(mail, 0);
		str_append(mail, tests[i].head);
		append_times(mail, tests[i].repeated, tests[i].times);
		hostile(tests[i].name, mail);
	} T_END;
	str_truncate(mail, 0);
	for (unsigned int i = 0; i < 300000; i++)
		str_append_c(mail, i % 5 == 0 ? '\0' : (char)(i * 31 + i / 7));
	hostile("bytes", mail);
	str_free(&mail);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_fixtures,
		test_junk_delivered,
		test_junk_hostile,
		NULL
	};
	return test_run(test_functions);
}

/* Tests when a sender is certain, and who is a recipient. */

#include "lib.h"
#include "istream.h"
#include "str.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-sender.h"

#define PASS "Authentication-Results: mx; dmarc=pass header.from=a.example\n"
#define FROM "From: Ann <ann@a.example>\n"
#define ANN "ann@a.example"

static const char *sender(const char *message, const char *ids)
{
	struct istream *input =
		i_stream_create_from_data(message, strlen(message));
	const char *address = junk_sender_read(input, ids);

	i_stream_unref(&input);
	return address;
}

static void test_junk_sender_auth(void)
{
	static const struct {
		const char *results;
		bool certain;
	} tests[] = {
		{ "mx; dmarc=pass header.from=a.example", TRUE },
		{ "MX 1; dmarc=pass (p=none) header.from=A.Example", TRUE },
		{ "mx; spf=fail smtp.mailfrom=x; dkim=pass header.d=a.example;"
		  "\n dmarc=none header.from=a.example", TRUE },
		{ "mx;\r\n\tdkim=fail header.d=a.example;\r\n\tdkim=pass "
		  "header.i=@a.example header.d=a.example", TRUE },
		/* other results */
		{ "mx; none", FALSE },
		{ "mx; spf=pass smtp.mailfrom=ann@a.example", FALSE },
		{ "mx; dmarc=pass", FALSE },
		{ "mx; dkim=pass", FALSE },
		{ "mx; dmarc=bestguesspass header.from=a.example", FALSE },
		{ "mx; dmarc=fail header.from=a.example", FALSE },
		{ "mx; dkim=pass header.d=a.example; dmarc=fail", FALSE },
		{ "mx; dkim=pass header.d=a.example; dmarc=temperror", FALSE },
		/* of other domains */
		{ "mx; dmarc=pass header.from=b.example", FALSE },
		{ "mx; dmarc=pass header.from=x.a.example", FALSE },
		{ "mx; dkim=pass header.d=example", FALSE },
		{ "mx; dkim=pass header.d=xa.example", FALSE },
		{ "mx; dkim=pass header.d=a.example.b.example", FALSE },
		{ "mx; dkim=pass header.i=@a.example header.d=b.example",
		  FALSE },
		{ "mx; dkim=pass header.from=a.example", FALSE },
		{ "mx; dkim=pass header.d=a.example; "
		  "dmarc=pass header.from=b.example", FALSE },
		/* of other hosts */
		{ "evil; dmarc=pass header.from=a.example", FALSE },
		{ "mx.evil; dmarc=pass header.from=a.example", FALSE },
		{ "dmarc=pass header.from=a.example", FALSE },
		{ "evil; dmarc=pass header.from=a.example\n"
		  "Authentication-Results: mx; dmarc=none", FALSE },
		{ "evil; dmarc=fail header.from=a.example\n" PASS
		  "X: x", TRUE },
		/* the MTA's own one, and one that it didn't remove */
		{ "mx; dmarc=fail header.from=a.example\n" PASS "X: x",
		  FALSE },
		/* a sender has written into a value */
		{ "mx; spf=pass smtp.mailfrom=\"x; dmarc=pass "
		  "header.from=a.example\"@b.example", FALSE },
		{ "mx; dkim=pass header.i=\"header.d=a.example\"@b.example",
		  FALSE },
		{ "mx; spf=pass (x) dmarc=pass header.from=a.example)", FALSE },
	};

	test_begin("junk sender: results");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		const char *address = sender(t_strconcat(
			"Authentication-Results: ", tests[i].results,
			"\n" FROM "\nx\n", NULL), "mx - arc:mx");

		test_assert_idx((address != NULL) == tests[i].certain, i);
	} T_END;
	test_assert(sender(PASS FROM "\n", "mx") != NULL);
	test_assert(sender(PASS FROM "\n", "x mx y") != NULL);
	test_assert(sender(PASS FROM "\n", "x") == NULL);
	test_assert(sender(PASS FROM "\n", "") == NULL);
	test_assert(sender(PASS FROM "\n", NULL) == NULL);
	test_assert(sender("ARC-" PASS FROM "\n", "mx arc:mx") == NULL);
	test_end();
}

static void test_junk_sender_from(void)
{
	static const struct {
		const char *fields, *address;
	} tests[] = {
		{ "From: ann@a.example\n", ANN },
		{ "From: Ann <ANN@A.Example>\n", ANN },
		{ "From : =?utf-8?q?=C3=84nn?= <ann@a.example> \n", ANN },
		{ "FROM:\r\n \"Ann, b@b.example\" <ann@a.example>\r\n", ANN },
		{ "From: =?utf-8?q?b=40b.example?= <ann@a.example>\n", ANN },
		/* the address is another one */
		{ "From: ann@b.example\n", NULL },
		{ "From: bob@a.example\n", "bob@a.example" },
		{ "From: ann@x.a.example\n", NULL },
		{ "Sender: ann@a.example\nFrom: ann@b.example\n", NULL },
		/* there isn't one */
		{ "", NULL },
		{ "From:\n", NULL },
		{ "From: Ann\n", NULL },
		{ "From: @a.example\n", NULL },
		{ "From: <@b.example:ann@a.example>\n", NULL },
		{ "From: friends: ann@a.example;\n", NULL },
		{ "From: ann@a.example, bob@a.example\n", NULL },
		{ "From: ann@a.example, b@b.example\n", NULL },
		{ "From: ann@a.example, b@b.example, Ann <ann@a.example>\n",
		  NULL },
		{ "From: b@b.example ann@a.example\n", NULL },
		{ "From: b@b.example <ann@a.example>\n", NULL },
		{ "From: <b@b.example> <ann@a.example>\n", NULL },
		{ "From: <ann@a.example> <b@b.example>\n", NULL },
		{ "From: ann@a.example@b.example\n", NULL },
		{ "From: \"ann\"@a.example\n", NULL },
		{ "From: ann@a.example (b@b.example)\n", NULL },
		{ "From: \"ann x\"@a.example\n", NULL },
		{ "From: ann@a.example\nFrom: ann@a.example\n", NULL },
		{ "From: ann@a.example\nfrom : b@b.example\n", NULL },
		{ "From: b@b.example\nFrom: ann@a.example\n", NULL },
	};

	test_begin("junk sender: From");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		const char *address = sender(t_strconcat(
			PASS, tests[i].fields, "\nFrom: x@x.example\n", NULL),
			"mx");

		test_assert_idx(null_strcmp(address, tests[i].address) == 0,
				i);
	} T_END;
	/* the header has no end, or a NUL */
	test_assert(sender(PASS FROM, "mx") == NULL);
	test_end();
}

static void test_junk_sender_limits(void)
{
	string_t *message = str_new(default_pool, JUNK_MAX_READ_BYTES + 256);
	struct istream *input;

	test_begin("junk sender: limits");
	for (unsigned int i = 0; i < 2; i++) T_BEGIN {
		/* so many bytes of results, one of which is trusted */
		const size_t size = strlen("mx; dmarc=pass header.from="
					   "a.example");
		str_truncate(message, 0);
		str_append(message, PASS FROM "Authentication-Results: ");
		for (size_t j = size; j < JUNK_MAX_FIELD_BYTES + i; j++)
			str_append_c(message, 'x');
		str_append(message, "\n\n");
		test_assert_idx((sender(str_c(message), "mx") != NULL) ==
				(i == 0), i);
	} T_END;
	for (unsigned int i = 0; i < 2; i++) T_BEGIN {
		/* so many bytes of From, with the blank after the name */
		str_truncate(message, 0);
		str_append(message, PASS "From: ");
		for (size_t j = strlen(" <ann@a.example>");
		     j < JUNK_MAX_HEADER_BYTES + i; j++)
			str_append_c(message, 'x');
		str_append(message, " <ann@a.example>\n\n");
		test_assert_idx((sender(str_c(message), "mx") != NULL) ==
				(i == 0), i);
	} T_END;
	for (unsigned int i = 0; i < 2; i++) T_BEGIN {
		const char *address;

		str_truncate(message, 0);
		for (size_t j = strlen("@a.example");
		     j < JUNK_MAX_ADDRESS_BYTES + i; j++)
			str_append_c(message, 'x');
		str_append(message, "@a.example");
		test_assert_idx(junk_address_normalize(str_c(message),
						       &address) == (i == 0),
				i);
	} T_END;
	str_truncate(message, 0);
	str_append(message, PASS FROM "X: ");
	for (size_t i = 0; i < JUNK_MAX_READ_BYTES; i++)
		str_append_c(message, 'x');
	str_append(message, "\n\n");
	test_assert(sender(str_c(message), "mx") == NULL);
	input = i_stream_create_from_data(PASS "X: \0\n" FROM "\n",
					  sizeof(PASS "X: \0\n" FROM "\n") - 1);
	test_assert(junk_sender_read(input, "mx") == NULL);
	i_stream_unref(&input);
	test_end();
	str_free(&message);
}

static void add_address(const char *address, void *context)
{
	str_printfa((string_t *)context, "%s ", address);
}

static void recipients(const char *message, string_t *dest)
{
	struct istream *input =
		i_stream_create_from_data(message, strlen(message));

	str_truncate(dest, 0);
	junk_recipients_read(input, add_address, dest);
	i_stream_unref(&input);
}

static void test_junk_recipients(void)
{
	static const struct {
		const char *fields, *addresses;
	} tests[] = {
		{ "To: Bob <BOB@b.example>, c@c.example\nCc: d@d.example\n"
		  "Bcc: e@e.example\n" FROM "Reply-To: f@f.example\n",
		  "bob@b.example c@c.example d@d.example e@e.example " },
		{ "To: friends: b@b.example, c@c.example;, d@d.example\n",
		  "b@b.example c@c.example d@d.example " },
		{ "To: undisclosed-recipients:;\n", "" },
		{ "To: \"x y\"@b.example, Bob, <>, b@b.example\n",
		  "b@b.example " },
		{ "To: b@b.example\nAuto-Submitted: no\n", "b@b.example " },
		{ "To: b@b.example\nAuto-Submitted: auto-replied\n", "" },
		{ "Auto-Submitted: auto-generated\nTo: b@b.example\n", "" },
		{ "To: b@b.example\nContent-Type: multipart/mixed; "
		  "boundary=x\n", "b@b.example " },
		{ "To: b@b.example\nContent-Type: Multipart/Report; "
		  "report-type=disposition-notification\n", "" },
		{ "", "" },
	};
	string_t *dest = str_new(default_pool, 4096);
	string_t *many = str_new(default_pool, 4096);

	test_begin("junk recipients");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		recipients(t_strconcat(tests[i].fields, "\nTo: x@x.example\n",
				       NULL), dest);
		test_assert_strcmp_idx(str_c(dest), tests[i].addresses, i);
	} T_END;
	str_append(many, "To: ");
	for (unsigned int i = 0; i < JUNK_MAX_RECIPIENTS - 1; i++)
		str_append(many, "a@a.example, ");
	str_append(many, "b@b.example\nCc: c@c.example\n\n");
	T_BEGIN {
		recipients(str_c(many), dest);
	} T_END;
	test_assert(strstr(str_c(dest), "b@b.example") != NULL);
	test_assert(strstr(str_c(dest), "c@c.example") == NULL);
	test_end();
	str_free(&dest);
	str_free(&many);
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_sender_auth,
		test_junk_sender_from,
		test_junk_sender_limits,
		test_junk_recipients,
		NULL
	};
	return test_run(test_functions);
}

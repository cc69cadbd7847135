/* Tests which client is read from Received fields of different MTAs. */

#include "lib.h"
#include "test-common.h"
#include "junk-received.h"

static void test_junk_received(void)
{
	static const struct {
		const char *hosts, *field;
		/* "helo name address"; NULL = the field is ignored */
		const char *client;
	} tests[] = {
		/* Postfix */
		{ "mx.example", "from a.example (b.example [192.0.2.1])\r\n\tby mx.example (Postfix) with ESMTP id 1\r\n\tfor <x@y.example>; Thu, 1 Jan 2026 00:00:00 +0000",
		  "a.example b.example 192.0.2.1" },
		{ "mx.example", "from a.example (unknown [192.0.2.1]) by mx.example (Postfix)", "a.example - 192.0.2.1" },
		{ "mx.example", "from a.example (b.example [IPv6:2001:DB8::1]) by MX.example (Postfix)", "a.example b.example [2001:db8::1]" },
		{ "mx.example", "from [192.0.2.9] (b.example [192.0.2.1]) by mx.example (Postfix)", "[192.0.2.9] b.example 192.0.2.1" },
		{ "mx.example", "from a.example (b.example [192.0.2.1]) (using TLSv1.3 with cipher X (256/256 bits) key-exchange X25519) (No client certificate requested) by mx.example (Postfix) with ESMTPS id 1",
		  "a.example b.example 192.0.2.1" },
		{ "mx.example", "from a.example (b.example [192.0.2.1]) (Authenticated sender: u) by mx.example (Postfix)", "a.example b.example 192.0.2.1" },
		{ "mx.example mx2.example", "from a.example (b.example [192.0.2.1]) by mx2.example with SMTP", "a.example b.example 192.0.2.1" },
		/* sendmail, Exim */
		{ "mx.example", "from a.example (b.example [192.0.2.1] (may be forged)) by mx.example (8.18.1/8.18.1) with ESMTP id 1", "a.example b.example 192.0.2.1" },
		{ "mx.example", "from a.example ([192.0.2.1]) by mx.example with esmtp (Exim 4.98)", "a.example - 192.0.2.1" },
		/* fields with text that the client chose */
		{ "mx.example", "from a.example ([198.51.100.1]) by mx.example (b.example [192.0.2.1]) by mx.example (Postfix)", "a.example b.example 192.0.2.1" },
		{ "mx.example", "from a.example (c.example [198.51.100.1]) (b.example [192.0.2.1]) by mx.example (Postfix)", "a.example b.example 192.0.2.1" },
		{ "mx.example", "from a.example (b.example [192.0.2.1]) (Client CN \"x [198.51.100.1]\", Issuer \"x\" (verified OK)) by mx.example (Postfix)", "a.example b.example 192.0.2.1" },
		/* fields of other hosts, or with a local client */
		{ "mx.example", "from a.example (b.example [192.0.2.1]) by evil.example", NULL },
		{ "mx.example", "from a.example (b.example [192.0.2.1]) by mx.example.evil.example", NULL },
		{ "mx.example", "from a.example (b.example [192.0.2.1]) by evil.example (by mx.example)", NULL },
		{ "mx.example", "from localhost (localhost [127.0.0.1]) by mx.example", NULL },
		{ "mx.example", "from localhost (localhost [IPv6:::1]) by mx.example", NULL },
		{ "mx.example", "by mx.example (Postfix, from userid 1000) id 1", NULL },
		{ "mx.example", "from a.example by mx.example with LMTP", NULL },
		{ "mx.example", "from a.example (b.example [x]) by mx.example", NULL },
		{ "", "from a.example (b.example [192.0.2.1]) by mx.example", NULL },
		{ NULL, "from a.example (b.example [192.0.2.1]) by mx.example", NULL },
		{ "mx.example", "", NULL },
	};
	static struct junk_hosts hosts;
	struct junk_client client;

	test_begin("junk received");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		const char *field = tests[i].field, *found = NULL;

		if (junk_received_parse(&hosts, (const void *)field, strlen(field),
					tests[i].hosts, &client))
			found = t_strconcat(client.helo, " ",
					    *client.name == '\0' ? "-" :
					    client.name, " ",
					    client.address.name, NULL);
		test_assert_strcmp_idx(found, tests[i].client, i);
	} T_END;
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_received,
		NULL
	};
	return test_run(test_functions);
}

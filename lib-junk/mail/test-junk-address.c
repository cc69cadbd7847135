/* Tests which address of a From field counts as the sender. */

#include "lib.h"
#include "str.h"
#include "test-common.h"
#include "junk-address.h"

#include <time.h>

static void test_junk_address_find(void)
{
	static const struct {
		const char *field, *address;
	} tests[] = {
		{ "evil@spam.example", "evil@spam.example" },
		{ "<evil@spam.example>", "evil@spam.example" },
		{ "Bank <evil@spam.example>", "evil@spam.example" },
		{ "evil@spam.example (Bank)", "evil@spam.example" },
		{ "\"service@bank.example\" <evil@spam.example>", "evil@spam.example" },
		{ "service@bank.example <evil@spam.example>", "evil@spam.example" },
		{ "<service@bank.example> <evil@spam.example>", "evil@spam.example" },
		{ "\"Bank <service@bank.example>\" <evil@spam.example>", "evil@spam.example" },
		{ "\"Bank <service@bank.example>\" evil@spam.example", "evil@spam.example" },
		{ "Bank (service@bank.example) <evil@spam.example>", "evil@spam.example" },
		{ "(service@bank.example) evil@spam.example", "evil@spam.example" },
		{ "(<service@bank.example>) evil@spam.example", "evil@spam.example" },
		{ "\"a \\\" <service@bank.example>\" <evil@spam.example>", "evil@spam.example" },
		{ "=?utf-8?q?service@bank.example?= <evil@spam.example>", "evil@spam.example" },
		{ "=?utf-8?q?<service@bank.example>?= <evil@spam.example>", "evil@spam.example" },
		{ "Bank \" <evil@spam.example>", "evil@spam.example" },
		{ "Bank ( <evil@spam.example>", "evil@spam.example" },
		{ "service@bank.example \" <evil@spam.example>", "evil@spam.example" },
		{ "Doe, John <evil@spam.example>", "evil@spam.example" },
		{ "Bank [x] <evil@spam.example>", "evil@spam.example" },
		{ "Bank: <evil@spam.example>", "evil@spam.example" },
		{ "Bank <<evil@spam.example>>", "evil@spam.example" },
		{ "Bank <mailto:evil@spam.example>", "evil@spam.example" },
		{ "Bank <evil@spam.example", "evil@spam.example" },
		{ "Bank < evil @ spam . example >", "evil@spam.example" },
		{ "Bank <@bank.example:evil@spam.example>", "evil@spam.example" },
		{ "Group: evil@spam.example, a@bank.example;", "evil@spam.example" },
		{ "evil@spam.example, service@bank.example", "evil@spam.example" },
		{ "evil@spam.example, <service@bank.example>", "evil@spam.example" },
		{ "<evil@spam.example>, Bank <service@bank.example>", "evil@spam.example" },
		{ "\"service@bank.example\"@spam.example", "service@bank.example@spam.example" },
		{ "Bank\r\n <evil@spam.example>", "evil@spam.example" },
		{ "x <evil@[192.0.2.1]>", "evil@[192.0.2.1]" },
		{ "Bank evil@spam.example", "evil@spam.example" },
		{ "\"service@bank.example\"", NULL },
		{ "=?utf-8?q?evil@spam.example?=", NULL },
		{ "@", NULL }, { "<@>", NULL }, { "a@", NULL }, { "@b", NULL },
		{ "undisclosed-recipients:;", NULL },
		{ "Bank", NULL },
		{ "Bank <>", NULL },
		{ "", NULL },
		{ "=?utf-8?q?evil=40spam.example?=", NULL },
	};
	struct junk_address addr;

	test_begin("junk address: the one that is shown");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		const char *field = tests[i].field;
		bool found = junk_address_find((const void *)field,
					       strlen(field), &addr);

		test_assert_idx(found == (tests[i].address != NULL), i);
		if (found && tests[i].address != NULL) {
			test_assert_strcmp_idx(
				t_strconcat(addr.local, "@", addr.domain, NULL),
				tests[i].address, i);
		}
	} T_END;
	test_end();
}

static void test_junk_address_hostile(void)
{
	static const char *const repeated[] = {
		"\\\"", "(", "<", "<a@", "\"", "a@b ", "<a@b>", "(\"",
	};
	struct junk_address addr;
	string_t *field = str_new(default_pool, 8192);
	clock_t start = clock();

	test_begin("junk address: cost is bounded");
	for (unsigned int i = 0; i < N_ELEMENTS(repeated); i++) {
		str_truncate(field, 0);
		str_append_c(field, '"');
		while (str_len(field) < 8192)
			str_append(field, repeated[i]);
		for (unsigned int j = 0; j < 10; j++) T_BEGIN {
			(void)junk_address_find(str_data(field), 8192, &addr);
		} T_END;
	}
	/* for 80 fields; generous, since this runs under valgrind */
	test_assert(clock() - start < 10 * CLOCKS_PER_SEC);
	test_end();
	str_free(&field);
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_address_find,
		test_junk_address_hostile,
		NULL
	};
	return test_run(test_functions);
}

/* Tests which Authentication-Results fields are trusted, and how they are
   parsed. */

#include "lib.h"
#include "str.h"
#include "test-common.h"
#include "junk-auth-results.h"

static void add_result(const char *result, const char *properties ATTR_UNUSED,
		       void *context)
{
	str_printfa((string_t *)context, "%s\n", result);
}

static void test_junk_auth_results(void)
{
	static const struct {
		const char *ids, *field, *results;
		bool arc;
	} tests[] = {
		{ "mx.example", "mx.example; spf=pass smtp.mailfrom=a.example; dkim=fail",
		  "spf=pass\ndkim=fail\n", FALSE },
		{ "mx.example", "MX.Example; SPF=Pass", "spf=pass\n", FALSE },
		{ "mx.example", "mx.example 1; spf=pass", "spf=pass\n", FALSE },
		{ "mx.example", "(x; y) mx.example (z) 1 ; spf=pass", "spf=pass\n", FALSE },
		{ "mx.example", "\"mx.example\"; spf=pass", "spf=pass\n", FALSE },
		{ "mx.example", "mx.example;\r\n\tspf = pass (a; dkim=pass) smtp.helo=x;\r\n\tdkim/1=fail",
		  "spf=pass\ndkim=fail\n", FALSE },
		{ "mx.example", "mx.example; dkim=fail reason=\"a; spf=pass\"; dmarc=none(p=none)",
		  "dkim=fail\ndmarc=none\n", FALSE },
		{ "mx.example", "mx.example; none", "", FALSE },
		{ "mx.example", "mx.example;", "", FALSE },
		{ "mx.example", "mx.example", "", FALSE },
		{ "mx.example", "mx.example; spf=(x", "spf=\n", FALSE },
		{ "a.example mx.example", "mx.example; spf=pass", "spf=pass\n", FALSE },
		{ "mx.example mx2.example", "mx.example; spf=pass", "spf=pass\n", FALSE },
		/* fields of other hosts */
		{ "mx.example", "evil.example; spf=pass", "", FALSE },
		{ "mx.example", "my.example; spf=pass", "", FALSE },
		{ "arc:mx.example", "i=1; my.example; spf=pass", "", TRUE },
		{ "mx.example", "mx.example.evil.example; spf=pass", "", FALSE },
		{ "mx.example", "evil.example (mx.example); spf=pass", "", FALSE },
		{ "mx.example", "(mx.example) evil.example; spf=pass", "", FALSE },
		{ "mx.example", "evil.example mx.example; spf=pass", "", FALSE },
		{ "mx.example", "spf=pass; mx.example; dkim=pass", "", FALSE },
		{ "mx.example", "; mx.example; dkim=pass", "", FALSE },
		{ "mx.example", "", "", FALSE },
		{ "", "mx.example; spf=pass", "", FALSE },
		{ NULL, "mx.example; spf=pass", "", FALSE },
		/* fields without a name */
		{ "-", "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dkim=none",
		  "spf=pass\ndkim=none\n", FALSE },
		{ "mx.example -", "spf=pass; dkim=none", "spf=pass\ndkim=none\n", FALSE },
		{ "-", "mx.example; spf=pass", "", FALSE },
		{ "-", "-; spf=pass", "", FALSE },
		/* ARC fields */
		{ "arc:mx.example", "i=1; mx.example; spf=pass; arc=none", "spf=pass\narc=none\n", TRUE },
		{ "arc:mx.example", "i=2; evil.example; spf=pass", "", TRUE },
		{ "mx.example", "i=1; mx.example; spf=pass", "", TRUE },
		{ "arc:mx.example", "mx.example; spf=pass", "", FALSE },
		{ "- mx.example", "i=1; spf=pass", "", TRUE },
		{ "arc:mx.example", "i=1", "", TRUE },
	};
	string_t *results = str_new(default_pool, 128);

	test_begin("junk auth results");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		str_truncate(results, 0);
		junk_auth_results_read((const void *)tests[i].field,
				       strlen(tests[i].field), tests[i].ids,
				       tests[i].arc, add_result, results);
		test_assert_strcmp_idx(str_c(results), tests[i].results, i);
	} T_END;
	test_end();
	str_free(&results);
}

static void
add_property(const char *result, const char *properties, void *context)
{
	string_t *results = context;

	str_printfa(results, "%s:%d ", result,
		    junk_auth_property_is(properties, "header.d",
					  "a.example") ? 1 : 0);
}

static void test_junk_auth_property(void)
{
	static const struct {
		const char *field, *results;
	} tests[] = {
		{ "dkim=pass header.d=a.example", "dkim=pass:1 " },
		{ "dkim=pass (1024; k) header.d=A.Example (c) header.s=x",
		  "dkim=pass:1 " },
		{ "dkim=pass header.s=x header.d=\"a.example\"; dkim=fail",
		  "dkim=pass:1 dkim=fail:0 " },
		{ "dkim=pass header.d=b.example; dkim=fail header.d=a.example",
		  "dkim=pass:0 dkim=fail:1 " },
		{ "dkim=pass", "dkim=pass:0 " },
		{ "dkim=pass header.d=", "dkim=pass:0 " },
		{ "dkim=pass header.d", "dkim=pass:0 " },
		{ "dkim=pass header.d=a.example.b.example", "dkim=pass:0 " },
		{ "dkim=pass header.d=b.a.example", "dkim=pass:0 " },
		{ "dkim=pass header.dd=a.example", "dkim=pass:0 " },
		{ "dkim=pass x.header.d=a.example", "dkim=pass:0 " },
		/* a sender has written a value in quotes */
		{ "dkim=pass header.i=\"x header.d=a.example\"@b.example",
		  "dkim=pass:0 " },
		{ "dkim=pass header.d=\"a.example x\"", "dkim=pass:0 " },
		{ "dkim=pass header.i=\"; dkim=pass header.d=a.example",
		  "dkim=pass:0 " },
		{ "dkim=pass (header.d=a.example) header.d=b.example",
		  "dkim=pass:0 " },
		/* there are two */
		{ "dkim=pass header.d=a.example header.d=b.example",
		  "dkim=pass:0 " },
		{ "dkim=pass header.d=b.example header.d=a.example",
		  "dkim=pass:0 " },
	};
	string_t *results = str_new(default_pool, 128);

	test_begin("junk auth property");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		const char *field = t_strconcat("mx; ", tests[i].field, NULL);

		str_truncate(results, 0);
		junk_auth_results_read((const void *)field, strlen(field),
				       "mx", FALSE, add_property, results);
		test_assert_strcmp_idx(str_c(results), tests[i].results, i);
	} T_END;
	test_end();
	str_free(&results);
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_auth_results,
		test_junk_auth_property,
		NULL
	};
	return test_run(test_functions);
}

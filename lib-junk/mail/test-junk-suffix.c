/* Compares the compiled-in Public Suffix List with libpsl. */

#include "lib.h"
#include "istream.h"
#include "str.h"
#include "test-common.h"
#include "junk-suffix.h"

#include <idn2.h>
#include <libpsl.h>

static void test_junk_suffix_find(void)
{
	static const struct {
		const char *name, *suffix, *registered;
		bool listed;
	} tests[] = {
		{ "www.example.com", "com", "example.com", TRUE },
		{ "com", "com", NULL, TRUE },
		{ "a.b.co.uk", "co.uk", "b.co.uk", TRUE },
		{ "paket.dhl.de", "de", "dhl.de", TRUE },
		{ "x.evil.web.app", "web.app", "evil.web.app", TRUE },
		{ "github.io", "github.io", NULL, TRUE },
		{ "www.city.kawasaki.jp", "kawasaki.jp", "city.kawasaki.jp", TRUE },
		{ "a.b.c.kawasaki.jp", "c.kawasaki.jp", "b.c.kawasaki.jp", TRUE },
		{ "x.y.ck", "y.ck", "x.y.ck", TRUE },
		{ "www.ck", "ck", "www.ck", FALSE },
		{ "a.xn--p1ai", "xn--p1ai", "a.xn--p1ai", TRUE },
		{ "a.nonesuch", "nonesuch", "a.nonesuch", FALSE },
		{ "localhost", "localhost", NULL, FALSE },
		{ "a.a.a.a.a.a.a.a.a.a.a.com", "com", "a.com", TRUE },
	};
	struct junk_suffix suffix;

	test_begin("junk suffix");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		const char *name = tests[i].name, *end = name + strlen(name);

		junk_suffix_find(name, end - name, &suffix);
		test_assert_strcmp_idx(end - suffix.size, tests[i].suffix, i);
		test_assert_strcmp_idx(suffix.registered_size == 0 ? NULL :
				       end - suffix.registered_size,
				       tests[i].registered, i);
	}
	junk_suffix_find("", 0, &suffix);
	test_assert(suffix.size == 0 && suffix.registered_size == 0);
	test_end();
}

/* Compare our result for a name with libpsl's for the same list. */
static void compare(const psl_ctx_t *psl, const char *name)
{
	const char *suffix = psl_unregistrable_domain(psl, name);
	const char *registered = psl_registrable_domain(psl, name);
	const char *end = name + strlen(name);
	struct junk_suffix found;

	junk_suffix_find(name, end - name, &found);
	if (suffix == NULL || strcmp(end - found.size, suffix) != 0 ||
	    (registered == NULL) != (found.registered_size == 0) ||
	    (registered != NULL &&
	     strcmp(end - found.registered_size, registered) != 0)) {
		i_error("%s: libpsl: %s, %s", name, suffix, registered);
		test_assert(FALSE);
	}
}

static void compare_rule(const psl_ctx_t *psl, const char *rule)
{
	static const char *const prefixes[] = { "", "a.", "b.a.", "www.b.a." };
	char *name;

	if (strncmp(rule, "*.", 2) == 0)
		rule += 2;
	else if (*rule == '!')
		rule++;
	test_assert(idn2_to_ascii_8z(rule, &name, IDN2_NONTRANSITIONAL) ==
		    IDN2_OK);
	for (unsigned int i = 0; i < N_ELEMENTS(prefixes); i++) T_BEGIN {
		compare(psl, t_strconcat(prefixes[i], name, NULL));
	} T_END;
	idn2_free(name);
}

static void test_junk_suffix_libpsl(void)
{
	struct istream *input =
		i_stream_create_file(PUBLIC_SUFFIX_LIST, 64*1024);
	psl_ctx_t *psl = psl_load_file(PUBLIC_SUFFIX_LIST);
	unsigned int count = 0;
	const char *line;

	test_begin("junk suffix: as libpsl says, for each rule");
	test_assert(psl != NULL);
	while ((line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		line = t_strcut(line, ' ');
		if (*line != '\0' && *line != '/') {
			compare_rule(psl, line);
			count++;
		}
	} T_END;
	test_assert(count > 5000);
	psl_free(psl);
	i_stream_unref(&input);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_suffix_find,
		test_junk_suffix_libpsl,
		NULL
	};
	return test_run(test_functions);
}

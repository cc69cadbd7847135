/* Tests parameters of MIME fields, valid and hostile ones. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "test-common.h"
#include "junk-filename.h"
#include "junk-params.h"

#include <time.h>

static void test_junk_params_get(void)
{
	static const struct {
		const char *field, *value;
	} tests[] = {
		{ "a; filename=a.exe", "a.exe" },
		{ "a; filename=\"a.exe\"", "a.exe" },
		{ "a; FileName = \"a.exe\" ; x=y", "a.exe" },
		{ "a; filename=\"a;b.exe\"", "a;b.exe" },
		{ "a; filename=\"a\\\"b.exe\"", "a\"b.exe" },
		{ "a; filename=\"a.exe", "a.exe" },
		{ "a; filename=\"invoice\".exe", "invoice.exe" },
		{ "a; x=\"; filename=b.txt\"; filename=a.exe", "a.exe" },
		/* spaces */
		{ "a; filename=Invoice 2026.exe", "Invoice 2026.exe" },
		{ "a; filename=Invoice 2026.exe ; x=y", "Invoice 2026.exe" },
		{ "a;filename= a b.exe", "a b.exe" },
		/* encoded words */
		{ "a; filename=\"=?utf-8?q?a=2Eexe?=\"", "a.exe" },
		{ "a; filename=\"=?utf-8?q?a=22;_x=3D.exe?=\"", "a\"; x=.exe" },
		{ "a; filename==?utf-8?b?YS5leGU=?=", "a.exe" },
		{ "a; filename=\"=?utf-8?q?a=2E?= =?utf-8?q?exe?=\"", "a.exe" },
		/* RFC 2231 */
		{ "a; filename*=UTF-8''a%2Eexe", "a.exe" },
		{ "a; filename*=utf-8'en'%e2%82%ac.exe", "\xe2\x82\xac.exe" },
		{ "a; filename*=windows-1252''%80.exe", "\xe2\x82\xac.exe" },
		{ "a; filename*=''a.exe", "a.exe" },
		{ "a; filename*=a%2eexe", "a.exe" },
		{ "a; filename*0*=UTF-8''invoice%2; filename*1*=Eexe", "invoice.exe" },
		{ "a; filename*1*=Eexe; filename*0*=UTF-8''invoice%2", "invoice.exe" },
		{ "a; filename*2=e; filename*0=\"a.\"; filename*1=ex", "a.exe" },
		{ "a; filename*0*=utf-8''a%2e; filename*1=\"%exe\"", "a.%exe" },
		{ "a; filename*10=e; filename*9=x; filename*0=a.; filename*1=e", "a.exe" },
		{ "a; filename*0=a.exe; filename*0=b.txt", "a.exe" },
		{ "a; filename*99999999999=e; filename*0=a.ex", "a.exe" },
		/* several parameters of the same name */
		{ "a; filename=a.txt; filename*=UTF-8''a.exe", "a.exe" },
		{ "a; filename*=UTF-8''a.exe; filename=a.txt", "a.exe" },
		{ "a; filename=a.exe; filename=b.txt", "a.exe" },
		{ "a; filenames=a.exe", NULL },
		{ "a; filename*x=a.exe", NULL },
		{ "a; filename", "" },
		{ "a", NULL },
		{ "", NULL },
		{ "filename=a.exe", NULL },
	};
	struct junk_charsets *charsets = junk_charsets_init();

	test_begin("junk params");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		ARRAY_TYPE(junk_params) params;
		const char *value;

		junk_params_parse(tests[i].field, &params);
		value = junk_params_get(&params, charsets, "filename");
		test_assert_strcmp_idx(value, tests[i].value, i);
	} T_END;
	test_end();
	junk_charsets_deinit(&charsets);
}

/* Values of 8 kB, the maximum size of a field. */
static void test_junk_params_hostile(void)
{
	static const char *const repeated[] = {
		";", "; a", "; name*0*=x", ";name*1=", "; name=\"", "%",
	};
	struct junk_charsets *charsets = junk_charsets_init();
	string_t *field = str_new(default_pool, 8192);
	clock_t start = clock();

	test_begin("junk params: cost is bounded");
	for (unsigned int i = 0; i < N_ELEMENTS(repeated); i++) T_BEGIN {
		ARRAY_TYPE(junk_params) params;

		str_truncate(field, 0);
		while (str_len(field) < 8192)
			str_append(field, repeated[i]);
		junk_params_parse(str_c(field), &params);
		(void)junk_params_get(&params, charsets, "name");
	} T_END;
	test_assert(clock() - start < 10 * CLOCKS_PER_SEC);
	test_end();
	str_free(&field);
	junk_charsets_deinit(&charsets);
}

static void test_junk_filename(void)
{
	static const char *const tests[][2] = {
		{ "Invoice.EXE", "invoice.exe" },
		{ "a.exe.", "a.exe" }, { "a.exe . . ", "a.exe" },
		{ "/tmp/a.exe", "a.exe" }, { "C:\\x.y\\a.exe", "a.exe" },
		{ "a.exe\xe2\x80\x8b", "a.exe" },
		{ "invoice\xe2\x80\xae""fdp.exe", "invoicefdp.exe" },
		{ "a.e\xc2\xadxe", "a.exe" },
		{ "a.\xef\xbd\x85\xef\xbd\x98\xef\xbd\x85", "a.exe" },
		{ "a\xef\xbc\x8e""exe", "a.exe" },
		{ "a\xef\xbc\x8e", "a" },
		{ "a.exe\xc2\xa0", "a.exe" }, { "a.exe\xe3\x80\x80", "a.exe" },
		{ "a.\xf0\x9d\x90\x9e\xf0\x9d\x90\xb1\xf0\x9d\x90\x9e", "a.exe" },
		{ "...", "" }, { "", "" }, { "\xff\xfe.exe", "\xff\xfe.exe" },
	};

	test_begin("junk filename");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		test_assert_strcmp_idx(junk_filename_clean(tests[i][0]),
				       tests[i][1], i);
	} T_END;
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_params_get,
		test_junk_params_hostile,
		test_junk_filename,
		NULL
	};
	return test_run(test_functions);
}

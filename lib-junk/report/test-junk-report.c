#include "lib.h"
#include "test-common.h"
#include "junk-report.h"

static void test_junk_report_names(void)
{
	test_begin("junk_verdict_name, junk_origin_name");
	test_assert_strcmp(junk_verdict_name(JUNK_VERDICT_WEAK_HAM),
			   "weak-ham");
	test_assert_strcmp(junk_verdict_name(0), "unknown");
	test_assert_strcmp(junk_origin_name(JUNK_ORIGIN_LEARN), "learn");
	test_assert_strcmp(junk_origin_name(JUNK_ORIGIN_KEPT), "kept");
	test_assert_strcmp(junk_origin_name(0), "unknown");
	test_assert_strcmp(junk_origin_name(JUNK_ORIGIN_LAST + 1), "unknown");
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_report_names,
		NULL
	};
	return test_run(test_functions);
}

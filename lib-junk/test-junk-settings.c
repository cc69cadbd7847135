#include "lib.h"
#include "test-common.h"
#include "junk-compat.h"
#include "junk-settings.h"

static void test_junk_settings_exists(void)
{
	test_begin("junk_settings_exists");
	test_assert(junk_settings_exists("junk_feedback"));
	test_assert(junk_settings_exists("junk_feedback_state_dir"));
	test_assert(!junk_settings_exists("junk_feedback_treshold"));
	test_assert(!junk_settings_exists(""));
	test_end();
}

#ifndef HAVE_SETTINGS_GET
struct test_plugin {
	/* name, value, ... */
	const char *values[5];
};

static const char *test_getenv(void *context, const char *name)
{
	const struct test_plugin *plugin = context;

	for (unsigned int i = 0; plugin->values[i] != NULL; i += 2) {
		if (strcmp(plugin->values[i], name) == 0)
			return plugin->values[i + 1];
	}
	return NULL;
}

static void test_junk_settings_get(void)
{
	static const struct {
		struct test_plugin plugin;
		/* NULL = valid */
		const char *error;
		bool enabled;
		unsigned int threshold;
	} tests[] = {
		{ { { NULL } }, NULL, TRUE, 90 },
		{ { { "junk_feedback", "no" } }, NULL, FALSE, 90 },
		{ { { "junk_feedback_threshold", "1" } }, NULL, TRUE, 1 },
		{ { { "junk_feedback_threshold", "100" } }, NULL, TRUE, 100 },
		/* what isn't valid leaves the rest as it is set */
		{ { { "junk_feedback_threshold", "101", "junk_feedback",
		      "no" } }, "junk_feedback_threshold = 101: "
		  "junk_feedback_threshold must be from 1 to 100", FALSE, 90 },
		{ { { "junk_feedback_threshold", "0" } },
		  "junk_feedback_threshold = 0: "
		  "junk_feedback_threshold must be from 1 to 100", TRUE, 90 },
		{ { { "junk_feedback_threshold", "high" } },
		  "junk_feedback_threshold = high: Invalid number high: Not a valid number",
		  TRUE, 90 },
		{ { { "junk_feedback_kept", "100", "junk_feedback_kept_age",
		      "1 days" } }, NULL, TRUE, 90 },
		{ { { "junk_feedback_kept", "101" } },
		  "junk_feedback_kept = 101: "
		  "junk_feedback_kept must be from 0 to 100", TRUE, 90 },
		{ { { "junk_feedback_retention", "1 hour" } },
		  "junk_feedback_retention = 1 hour: "
		  "junk_feedback_retention must be at least 1 day, or 0 for "
		  "no limit", TRUE, 90 },
		{ { { "junk_feedback_database_size", "64M",
		      "junk_feedback_retention", "1 days" } },
		  NULL, TRUE, 90 },
		{ { { "junk_feedback_database_size", "63M" } },
		  "junk_feedback_database_size = 63M: "
		  "junk_feedback_database_size must be at least 64M, or 0 for "
		  "no limit",
		  TRUE, 90 },
		{ { { "junk_feedback_min_reporters", "21" } },
		  "junk_feedback_min_reporters = 21: "
		  "junk_feedback_min_reporters must be from 1 to 20",
		  TRUE, 90 },
		{ { { "junk_feedback_retention", "0",
		      "junk_feedback_database_size", "0" } }, NULL, TRUE, 90 },
		{ { { "junk_feedback", "maybe", "junk_feedback_threshold",
		      "0" } }, "junk_feedback = maybe: Invalid boolean value: "
		  "maybe (use yes or no); junk_feedback_threshold = 0: "
		  "junk_feedback_threshold must be from 1 to 100", TRUE, 90 },
		{ { { "junk_feedback_min_reports", "0" } },
		  "junk_feedback_min_reports = 0: "
		  "junk_feedback_min_reports must be at least 1", TRUE, 90 },
		{ { { "junk_feedback_segment_mode", "0640" } }, NULL, TRUE,
		  90 },
		{ { { "junk_feedback_segment_mode", "0666" } },
		  "junk_feedback_segment_mode = 0666: "
		  "junk_feedback_segment_mode must be 0600, 0640 or 0644",
		  TRUE, 90 },
		{ { { "junk_feedback_publish_delay", "61 mins" } },
		  "junk_feedback_publish_delay = 61 mins: "
		  "junk_feedback_publish_delay must be at most 1 hour",
		  TRUE, 90 },
		{ { { "junk_feedback_allow_file", "/etc/x" } }, NULL, TRUE,
		  90 },
		{ { { "junk_feedback_allow_file", "x" } },
		  "junk_feedback_allow_file = x: "
		  "junk_feedback_allow_file must be a full path", TRUE, 90 },
		{ { { "junk_feedback_state_dir", "var" } },
		  "junk_feedback_state_dir = var: "
		  "junk_feedback_state_dir must be a full path", TRUE, 90 },
	};
	const struct junk_settings *set;

	test_begin("junk_settings_get");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		struct test_plugin plugin = tests[i].plugin;
		struct junk_settings_source source = {
			.plugin_getenv = test_getenv,
			.context = &plugin,
		};
		pool_t pool = pool_alloconly_create("test", 1024);
		const char *error;
		int ret = junk_settings_get(&source, pool, &set, &error);

		test_assert_idx((ret < 0) == (tests[i].error != NULL), i);
		test_assert_strcmp_idx(error, tests[i].error == NULL ? "" :
				       tests[i].error, i);
		test_assert_idx(set->junk_feedback == tests[i].enabled, i);
		test_assert_idx(set->junk_feedback_threshold ==
				tests[i].threshold, i);
		pool_unref(&pool);
	}
	test_end();
}
#endif

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_settings_exists,
#ifndef HAVE_SETTINGS_GET
		/* 2.4: the end-to-end tests ask doveconf */
		test_junk_settings_get,
#endif
		NULL
	};
	return test_run(test_functions);
}

/* How settings are read is all that differs between Dovecot versions here. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strnum.h"
#include "settings-parser.h"
#include "master-service.h"
#include "master-service-settings.h"
#include "junk-compat.h"
#include "junk-learner.h"
#include "junk-service-settings.h"

#ifdef HAVE_SETTINGS_GET
#  include "settings.h"
#  include "str-parse.h"
#  define settings_get_size str_parse_get_size
#endif

#define DEFAULT_RATE 1000
#define DEFAULT_RETENTION_DAYS 90
#define DEFAULT_DATABASE_SIZE (UINT64_C(1024)*1024*1024)
#define DEFAULT_THRESHOLD 90
/* Two snapshots and some reports need that much. */
#define MIN_DATABASE_SIZE (UINT64_C(64)*1024*1024)
/* So that days and seconds stay far from their types' limits. */
#define MAX_NUMBER 1000000
/* A sketch tells no more apart. */
#define MAX_MIN_REPORTERS 50

struct settings_reader {
	junk_service_setting_lookup_t *lookup;
	void *context;
	string_t *errors;
};

static void
reader_error(struct settings_reader *reader, const char *name,
	     const char *value, const char *expected)
{
	if (str_len(reader->errors) > 0)
		str_append(reader->errors, "; ");
	str_printfa(reader->errors, "%s = %s: %s", name, value, expected);
}

/* A wrong value is named, and the default is used: mail goes on. */
static unsigned int
reader_number(struct settings_reader *reader, const char *name,
	      unsigned int default_value, unsigned int min, unsigned int max)
{
	const char *value = reader->lookup(name, reader->context);
	unsigned int num;

	if (value == NULL || *value == '\0')
		return default_value;
	if (str_to_uint(value, &num) == 0 && num >= min && num <= max)
		return num;
	reader_error(reader, name, value, t_strdup_printf(
		"must be a number from %u to %u; %u is used", min, max,
		default_value));
	return default_value;
}

static uint64_t
reader_size(struct settings_reader *reader, const char *name,
	    uint64_t default_value, uint64_t min)
{
	const char *value = reader->lookup(name, reader->context), *error;
	uoff_t size;

	if (value == NULL || *value == '\0')
		return default_value;
	if (settings_get_size(value, &size, &error) == 0 &&
	    (size == 0 || size >= min))
		return size;
	reader_error(reader, name, value, t_strdup_printf(
		"must be a size of at least %"PRIu64"M, or 0 for any; "
		"%"PRIu64"M is used", min / 1024 / 1024,
		default_value / 1024 / 1024));
	return default_value;
}

static const char *
reader_dir(struct settings_reader *reader, const char *name,
	   const char *default_value)
{
	const char *value = reader->lookup(name, reader->context);

	if (value == NULL || *value == '\0')
		return default_value;
	if (*value == '/')
		return value;
	reader_error(reader, name, value, t_strdup_printf(
		"must be an absolute path; %s is used", default_value));
	return default_value;
}

int junk_service_settings_parse(junk_service_setting_lookup_t *lookup,
				void *context, pool_t pool,
				const char *dovecot_state_dir,
				struct junk_service_settings *set_r,
				const char **error_r)
{
	struct settings_reader reader = {
		.lookup = lookup,
		.context = context,
		.errors = t_str_new(128),
	};
	struct junk_learner_settings learner_set;

	junk_learner_settings_init(&learner_set);
	set_r->state_dir = p_strdup(pool, reader_dir(&reader,
		"junk_feedback_state_dir",
		t_strconcat(dovecot_state_dir, "/junk-feedback", NULL)));
	set_r->rate = reader_number(&reader, "junk_feedback_rate",
				    DEFAULT_RATE, 0, MAX_NUMBER);
	set_r->retention_days = reader_number(&reader,
		"junk_feedback_retention", DEFAULT_RETENTION_DAYS, 0,
		MAX_NUMBER);
	set_r->database_size = reader_size(&reader,
		"junk_feedback_database_size", DEFAULT_DATABASE_SIZE,
		MIN_DATABASE_SIZE);
	set_r->min_reporters = reader_number(&reader,
		"junk_feedback_min_reporters", learner_set.min_reporters, 1,
		MAX_MIN_REPORTERS);
	set_r->min_reports = reader_number(&reader,
		"junk_feedback_min_reports", learner_set.min_reports, 0,
		MAX_NUMBER);
	set_r->threshold = reader_number(&reader, "junk_feedback_threshold",
					 DEFAULT_THRESHOLD, 0, 100);
	if (str_len(reader.errors) == 0)
		return 0;
	*error_r = str_c(reader.errors);
	return 1;
}

#ifdef HAVE_SETTINGS_GET

/* 2.4: declared settings, as texts, so that both versions check and explain
   them in the same way. */
struct junk_service_raw_settings {
	pool_t pool;
	const char *junk_feedback_state_dir;
	const char *junk_feedback_rate;
	const char *junk_feedback_retention;
	const char *junk_feedback_database_size;
	const char *junk_feedback_min_reporters;
	const char *junk_feedback_min_reports;
	const char *junk_feedback_threshold;
};

#define DEF(name) SETTING_DEFINE_STRUCT_STR_NOVARS(#name, name, \
	struct junk_service_raw_settings)
static const struct setting_define junk_service_setting_defines[] = {
	DEF(junk_feedback_state_dir),
	DEF(junk_feedback_rate),
	DEF(junk_feedback_retention),
	DEF(junk_feedback_database_size),
	DEF(junk_feedback_min_reporters),
	DEF(junk_feedback_min_reports),
	DEF(junk_feedback_threshold),
	SETTING_DEFINE_LIST_END
};
#undef DEF

static const struct junk_service_raw_settings junk_service_default_settings = {
	.junk_feedback_state_dir = "",
	.junk_feedback_rate = "",
	.junk_feedback_retention = "",
	.junk_feedback_database_size = "",
	.junk_feedback_min_reporters = "",
	.junk_feedback_min_reports = "",
	.junk_feedback_threshold = "",
};

const struct setting_parser_info junk_service_setting_parser_info = {
	.name = "junk_feedback_service",
	.defines = junk_service_setting_defines,
	.defaults = &junk_service_default_settings,
	.struct_size = sizeof(struct junk_service_raw_settings),
	.pool_offset1 = 1 + offsetof(struct junk_service_raw_settings, pool),
};

static const char *lookup_raw(const char *name, void *context)
{
	const struct setting_define *def = junk_service_setting_defines;

	for (; def->key != NULL; def++) {
		if (strcmp(def->key, name) == 0) {
			return *(const char *const *)
				CONST_PTR_OFFSET(context, def->offset);
		}
	}
	return NULL;
}

int junk_service_settings_read(struct master_service *service, pool_t pool,
			       struct junk_service_settings *set_r,
			       const char **error_r)
{
	const struct master_service_settings *master_set;
	struct junk_service_raw_settings *raw;
	int ret;

	i_zero(set_r);
	if (master_service_settings_read_simple(service, error_r) < 0)
		return -1;
	master_set = master_service_get_service_settings(service);
	set_r->base_dir = p_strdup(pool, master_set->base_dir);
	if (settings_get(master_service_get_event(service),
			 &junk_service_setting_parser_info, 0, &raw,
			 error_r) < 0)
		return -1;
	ret = junk_service_settings_parse(lookup_raw, raw, pool,
					  master_set->state_dir, set_r,
					  error_r);
	settings_free(raw);
	return ret;
}

#else

/* 2.3: plugin { } belongs to the settings of the module "mail"; all that we
   declare of it is the list itself. */
struct junk_service_plugin_settings {
	ARRAY(const char *) plugin_envs;
};

static const struct setting_define junk_service_plugin_defines[] = {
	{ .type = SET_STRLIST, .key = "plugin",
	  .offset = offsetof(struct junk_service_plugin_settings,
			     plugin_envs) },
	SETTING_DEFINE_LIST_END
};

static const struct junk_service_plugin_settings junk_service_plugin_defaults;

static const struct setting_parser_info junk_service_plugin_info = {
	.module_name = "mail",
	.defines = junk_service_plugin_defines,
	.defaults = &junk_service_plugin_defaults,
	.type_offset = SIZE_MAX,
	.struct_size = sizeof(struct junk_service_plugin_settings),
	.parent_offset = SIZE_MAX,
};

static const char *lookup_plugin(const char *name, void *context)
{
	const struct junk_service_plugin_settings *set = context;
	const char *const *envs;
	unsigned int count;

	if (!array_is_created(&set->plugin_envs))
		return NULL;
	envs = array_get(&set->plugin_envs, &count);
	for (unsigned int i = 0; i + 1 < count; i += 2) {
		if (strcmp(envs[i], name) == 0)
			return envs[i + 1];
	}
	return NULL;
}

int junk_service_settings_read(struct master_service *service, pool_t pool,
			       struct junk_service_settings *set_r,
			       const char **error_r)
{
	static const struct setting_parser_info *const roots[] = {
		&junk_service_plugin_info, NULL
	};
	struct master_service_settings_input input;
	struct master_service_settings_output output;
	const struct master_service_settings *master_set;

	i_zero(set_r);
	i_zero(&input);
	input.roots = roots;
	input.module = "mail";
	input.service = "junk-feedback";
	if (master_service_settings_read(service, &input, &output,
					 error_r) < 0)
		return -1;
	master_set = master_service_settings_get(service);
	set_r->base_dir = p_strdup(pool, master_set->base_dir);
	return junk_service_settings_parse(lookup_plugin,
		master_service_settings_get_others(service)[0], pool,
		master_set->state_dir, set_r, error_r);
}

#endif

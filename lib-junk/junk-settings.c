/* Settings are declared with Dovecot's settings parser on both versions. 2.4
   reads them as Dovecot's own settings. On 2.3 the values of plugin { } are
   passed to the same parser, so that both accept the same values. */

#include "lib.h"
#include "str.h"
#include "junk-compat.h"
#include "junk-settings.h"

#ifdef HAVE_SETTINGS_GET
#  include "settings.h"
#endif
#include "settings-parser.h"

#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, struct junk_settings)

static const struct setting_define junk_setting_defines[] = {
	DEF(BOOL, junk_feedback),
	DEF(STR, junk_feedback_junk),
	DEF(STR, junk_feedback_trash),
	DEF(STR, junk_feedback_ignore),
	DEF(STR, junk_feedback_unsure),
	DEF(STR, junk_feedback_sent),
	DEF(BOOL, junk_feedback_keywords),
	DEF(BOOL, junk_feedback_append),
	DEF(BOOL, junk_feedback_automatic),
	DEF(BOOL, junk_feedback_weak_ham),
	DEF(UINT, junk_feedback_kept),
	DEF(TIME, junk_feedback_kept_age),
	DEF(STR, junk_feedback_allow_file),
	DEF(BOOL, junk_feedback_allow_sent),
	DEF(STR, junk_feedback_authserv_id),
	DEF(STR, junk_feedback_mx),
	DEF(UINT, junk_feedback_threshold),
	DEF(UINT, junk_feedback_min_reporters),
	DEF(UINT, junk_feedback_min_reports),
	DEF(UINT, junk_feedback_rate),
	DEF(UINT, junk_feedback_uid_identities),
	DEF(TIME, junk_feedback_retention),
	DEF(SIZE, junk_feedback_database_size),
	DEF(STR, junk_feedback_cluster),
	DEF(STR, junk_feedback_state_dir),
	DEF(STR, junk_feedback_segment_mode),
	DEF(STR, junk_feedback_segment_group),
	DEF(TIME, junk_feedback_publish_delay),
	SETTING_DEFINE_LIST_END
};

static const struct junk_settings junk_default_settings = {
	.junk_feedback = TRUE,
	/* names in all languages that some client or server has used as
	   default */
	.junk_feedback_junk =
		"Junk,Spam,Junk E-mail,Junk Email,Junk Mail,Bulk Mail,"
		"Spamverdacht,Junk-E-Mail,Courrier ind*sirable,Pourriel,"
		"Correo no deseado,Posta indesiderata,Ongewenste e-mail,"
		"Sk*ppost,Roskaposti",
	.junk_feedback_trash =
		"Trash,Deleted Items,Deleted Messages,Bin,Papierkorb,"
		"Gel*schte Elemente,Corbeille,*l*ments supprim*s,Papelera,"
		"Elementos eliminados,Cestino,Posta eliminata,Prullenbak,"
		"Verwijderde items",
	.junk_feedback_ignore =
		"Drafts,Sent,Sent Items,Sent Messages,Sent Mail,Templates,"
		"Outbox,Entw*rfe,Gesendet,Gesendete*,Vorlagen,"
		"*l*ments envoy*s,Elementos enviados,Posta inviata,"
		"Verzonden items",
	.junk_feedback_unsure = "",
	.junk_feedback_sent =
		"Sent,Sent Items,Sent Messages,Sent Mail,Gesendet,Gesendete*,"
		"*l*ments envoy*s,Elementos enviados,Posta inviata,"
		"Verzonden items",
	.junk_feedback_keywords = TRUE,
	.junk_feedback_append = TRUE,
	.junk_feedback_automatic = FALSE,
	.junk_feedback_weak_ham = TRUE,
	.junk_feedback_kept = 5,
	.junk_feedback_kept_age = 3*24*60*60,
	.junk_feedback_allow_file = "",
	.junk_feedback_allow_sent = TRUE,
	.junk_feedback_authserv_id = "",
	.junk_feedback_mx = "",
	.junk_feedback_threshold = 90,
	.junk_feedback_min_reporters = 2,
	.junk_feedback_min_reports = 1,
	.junk_feedback_rate = 1000,
	.junk_feedback_uid_identities = 0,
	.junk_feedback_retention = 90*24*60*60,
	.junk_feedback_database_size = 1024*1024*1024,
	.junk_feedback_cluster = "",
	.junk_feedback_state_dir = "",
	.junk_feedback_segment_mode = "0644",
	.junk_feedback_segment_group = "",
	.junk_feedback_publish_delay = 120,
};

/* The people behind a weight are counted in a sketch of 32 bits; about 32
   people set 20 of them. */
#define MAX_MIN_REPORTERS 20
/* Kept mail is a sample, and a user's explicit reports have to count for
   more. */
#define MAX_KEPT 100
#define MIN_RETENTION_SECS (24*60*60)
/* The space for two snapshots and some reports. */
#define MIN_DATABASE_BYTES (64*1024*1024)
#define MAX_PUBLISH_DELAY_SECS (60*60)

static bool junk_settings_mode_is_valid(const char *mode)
{
	return strcmp(mode, "0600") == 0 || strcmp(mode, "0640") == 0 ||
		strcmp(mode, "0644") == 0;
}

static bool
junk_settings_check(void *_set, pool_t pool ATTR_UNUSED, const char **error_r)
{
	struct junk_settings *set = _set;

	if (set->junk_feedback_threshold < 1 ||
	    set->junk_feedback_threshold > 100) {
		*error_r = "junk_feedback_threshold must be from 1 to 100";
		return FALSE;
	}
	if (set->junk_feedback_kept > MAX_KEPT) {
		*error_r = t_strdup_printf("junk_feedback_kept must be from 0 "
			"to %d", MAX_KEPT);
		return FALSE;
	}
	if (set->junk_feedback_min_reporters < 1 ||
	    set->junk_feedback_min_reporters > MAX_MIN_REPORTERS) {
		*error_r = t_strdup_printf("junk_feedback_min_reporters must "
			"be from 1 to %d", MAX_MIN_REPORTERS);
		return FALSE;
	}
	if (!junk_settings_mode_is_valid(set->junk_feedback_segment_mode)) {
		*error_r = "junk_feedback_segment_mode must be "
			"0600, 0640 or 0644";
		return FALSE;
	}
	if (set->junk_feedback_publish_delay > MAX_PUBLISH_DELAY_SECS) {
		*error_r = "junk_feedback_publish_delay must be "
			"at most 1 hour";
		return FALSE;
	}
	if (set->junk_feedback_min_reports < 1) {
		*error_r = "junk_feedback_min_reports must be at least 1";
		return FALSE;
	}
	if (set->junk_feedback_retention != 0 &&
	    set->junk_feedback_retention < MIN_RETENTION_SECS) {
		*error_r = "junk_feedback_retention must be at least 1 day, "
			"or 0 for no limit";
		return FALSE;
	}
	if (set->junk_feedback_database_size != 0 &&
	    set->junk_feedback_database_size < MIN_DATABASE_BYTES) {
		*error_r = "junk_feedback_database_size must be at least 64M, "
			"or 0 for no limit";
		return FALSE;
	}
	if (*set->junk_feedback_allow_file != '\0' &&
	    *set->junk_feedback_allow_file != '/') {
		*error_r = "junk_feedback_allow_file must be a full path";
		return FALSE;
	}
	if (*set->junk_feedback_state_dir != '\0' &&
	    *set->junk_feedback_state_dir != '/') {
		*error_r = "junk_feedback_state_dir must be a full path";
		return FALSE;
	}
	return TRUE;
}

const struct setting_parser_info junk_setting_parser_info = {
#ifdef HAVE_SETTINGS_GET
	.name = "junk_feedback",
	.pool_offset1 = 1 + offsetof(struct junk_settings, pool),
#else
	.module_name = "junk_feedback",
	.type_offset = SIZE_MAX,
	.parent_offset = SIZE_MAX,
#endif
	.defines = junk_setting_defines,
	.defaults = &junk_default_settings,
	.struct_size = sizeof(struct junk_settings),
	.check_func = junk_settings_check,
};

bool junk_settings_exists(const char *name)
{
	for (unsigned int i = 0; junk_setting_defines[i].key != NULL; i++) {
		if (strcmp(junk_setting_defines[i].key, name) == 0)
			return TRUE;
	}
	return FALSE;
}

bool junk_settings_is_default(const struct junk_settings *set,
			      const char *name)
{
	for (unsigned int i = 0; junk_setting_defines[i].key != NULL; i++) {
		const size_t offset = junk_setting_defines[i].offset;

		if (junk_setting_defines[i].type != SET_STR ||
		    strcmp(junk_setting_defines[i].key, name) != 0)
			continue;
		return strcmp(*(const char *const *)CONST_PTR_OFFSET(set,
								     offset),
			      *(const char *const *)CONST_PTR_OFFSET(
				&junk_default_settings, offset)) == 0;
	}
	return FALSE;
}

#ifdef HAVE_SETTINGS_GET

static struct junk_settings *
settings_dup(const struct junk_settings *src, pool_t pool)
{
	struct junk_settings *set = p_memdup(pool, src, sizeof(*src));

	set->pool = pool;
	for (unsigned int i = 0; junk_setting_defines[i].key != NULL; i++) {
		const char **value = PTR_OFFSET(set,
			junk_setting_defines[i].offset);

		if (junk_setting_defines[i].type == SET_STR)
			*value = p_strdup(pool, *value);
	}
	return set;
}

int junk_settings_get(const struct junk_settings_source *source, pool_t pool,
		      const struct junk_settings **set_r,
		      const char **error_r)
{
	const struct junk_settings *set;
	struct junk_settings *fallback;

	if (settings_get(source->event, &junk_setting_parser_info, 0,
			 &set, error_r) < 0) {
		/* keep junk_feedback = no even if another setting is invalid */
		fallback = settings_dup(&junk_default_settings, pool);
		fallback->junk_feedback = FALSE;
		*set_r = fallback;
		return -1;
	}
	*set_r = settings_dup(set, pool);
	settings_free(set);
	return 0;
}

#else

/* Set a field if the value is valid. */
static int
setting_parse(struct setting_parser_context *parser, const char *name,
	      const char *value, const char **error_r)
{
	struct junk_settings *set = settings_parser_get(parser);
	struct junk_settings old = *set;
	const char *error;

	if (settings_parse_keyvalue(parser, name, value) < 0)
		error = settings_parser_get_error(parser);
	else if (junk_settings_check(set, set->pool, &error))
		return 0;
	*set = old;
	*error_r = t_strdup_printf("%s = %s: %s", name, value, error);
	return -1;
}

int junk_settings_get(const struct junk_settings_source *source, pool_t pool,
		      const struct junk_settings **set_r,
		      const char **error_r)
{
	struct setting_parser_context *parser;
	struct junk_settings *set;
	string_t *errors = t_str_new(128);
	const char *error;

	parser = settings_parser_init(pool, &junk_setting_parser_info, 0);
	set = settings_parser_get(parser);
	set->pool = pool;
	for (unsigned int i = 0; junk_setting_defines[i].key != NULL; i++) {
		const char *name = junk_setting_defines[i].key;
		const char *value =
			source->plugin_getenv(source->context, name);

		if (value != NULL &&
		    setting_parse(parser, name, value, &error) < 0) {
			str_printfa(errors, "%s%s",
				    str_len(errors) == 0 ? "" : "; ", error);
		}
	}
	settings_parser_deinit(&parser);
	*set_r = set;
	*error_r = str_c(errors);
	return str_len(errors) == 0 ? 0 : -1;
}
#endif

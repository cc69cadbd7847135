/* Where the two Dovecot versions keep settings differs in everything but the
   names. */

#include "lib.h"
#include "str.h"

#include "sieve-common.h"
#include "sieve-settings.h"

#include "junk-sieve-compat.h"
#include "ext-junk-feedback-settings.h"

#ifdef HAVE_SETTINGS_GET
#  include "settings.h"
#  include "settings-parser.h"
#endif

#define JUNK_DEFAULT_THRESHOLD 90

static unsigned int
check_threshold(struct sieve_instance *svinst, unsigned int num)
{
	if (num <= 100)
		return num;
	e_error(svinst->event, "junk_feedback_threshold: "
		"%u isn't from 0 to 100 (using %u)",
		num, JUNK_DEFAULT_THRESHOLD);
	return JUNK_DEFAULT_THRESHOLD;
}

#ifdef HAVE_SETTINGS_GET

struct junk_sieve_settings {
	pool_t pool;
	bool junk_feedback;
	unsigned int junk_feedback_threshold;
	const char *junk_feedback_authserv_id;
};

#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, struct junk_sieve_settings)

static const struct setting_define junk_sieve_setting_defines[] = {
	DEF(BOOL, junk_feedback),
	DEF(UINT, junk_feedback_threshold),
	DEF(STR, junk_feedback_authserv_id),
	SETTING_DEFINE_LIST_END
};

static const struct junk_sieve_settings junk_sieve_default_settings = {
	.junk_feedback = TRUE,
	.junk_feedback_threshold = JUNK_DEFAULT_THRESHOLD,
	.junk_feedback_authserv_id = "",
};

static const struct setting_parser_info junk_sieve_setting_parser_info = {
	.name = "junk_feedback",
	.defines = junk_sieve_setting_defines,
	.defaults = &junk_sieve_default_settings,
	.struct_size = sizeof(struct junk_sieve_settings),
	.pool_offset1 = 1 + offsetof(struct junk_sieve_settings, pool),
};

void ext_junk_feedback_settings_get(struct sieve_instance *svinst, pool_t pool,
				    struct ext_junk_feedback_settings *set_r)
{
	const struct junk_sieve_settings *set;
	const char *error;

	i_zero(set_r);
	if (settings_get(svinst->event, &junk_sieve_setting_parser_info, 0,
			 &set, &error) < 0) {
		e_error(svinst->event, "junk-feedback: %s "
			"(using default settings)", error);
		set_r->enabled = TRUE;
		set_r->threshold = JUNK_DEFAULT_THRESHOLD;
		return;
	}
	set_r->enabled = set->junk_feedback;
	set_r->threshold = check_threshold(svinst,
					   set->junk_feedback_threshold);
	set_r->authserv_id = p_strdup(pool, set->junk_feedback_authserv_id);
	settings_free(set);
}

#else

static const char *get(struct sieve_instance *svinst, const char *name)
{
	const char *value = sieve_setting_get(svinst, name);

	return value == NULL || *value == '\0' ? NULL : value;
}

void ext_junk_feedback_settings_get(struct sieve_instance *svinst, pool_t pool,
				    struct ext_junk_feedback_settings *set_r)
{
	const char *value;
	unsigned int num;

	i_zero(set_r);
	/* no, false, 0; the mail plugin complains about all but yes and no */
	value = get(svinst, "junk_feedback");
	set_r->enabled = value == NULL || strchr("0nNfF", value[0]) == NULL;
	set_r->authserv_id =
		p_strdup(pool, get(svinst, "junk_feedback_authserv_id"));

	value = get(svinst, "junk_feedback_threshold");
	if (value == NULL)
		num = JUNK_DEFAULT_THRESHOLD;
	else if (str_to_uint(value, &num) < 0)
		num = UINT_MAX;
	set_r->threshold = check_threshold(svinst, num);
}

#endif

/* Reads the settings. Dovecot 2.3 and 2.4 differ here in how a process without
   a mail user gets them. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "settings-parser.h"
#include "master-service.h"
#include "master-service-settings.h"
#include "junk-compat.h"
#include "junk-service-settings.h"

#define STATE_DIRNAME "junk-feedback"

static void
set_dirs(struct junk_service_settings *set, pool_t pool, const char *base_dir,
	 const char *state_dir)
{
	set->base_dir = p_strdup(pool, base_dir);
	set->state_dir = set->set->junk_feedback_state_dir;
	if (*set->state_dir == '\0') {
		set->state_dir = p_strconcat(pool, state_dir,
					     "/"STATE_DIRNAME, NULL);
	}
}

#ifdef HAVE_SETTINGS_GET

int junk_service_settings_read(struct master_service *service, pool_t pool,
			       struct junk_service_settings *set_r,
			       const char **error_r)
{
	struct junk_settings_source source;
	const struct master_service_settings *master_set;
	int ret;

	i_zero(set_r);
	i_zero(&source);
	if (master_service_settings_read_simple(service, error_r) < 0)
		return -1;
	master_set = master_service_get_service_settings(service);
	source.event = master_service_get_event(service);
	ret = junk_settings_get(&source, pool, &set_r->set, error_r);
	set_dirs(set_r, pool, master_set->base_dir, master_set->state_dir);
	return ret < 0 ? 1 : 0;
}

#else

/* plugin { } belongs to the settings of the module "mail", of which only this
   list is declared here. */
struct junk_service_plugin_settings {
	/* name, value, name, ... */
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

static const char *const *
plugin_list(const struct junk_service_plugin_settings *set,
	    unsigned int *count_r)
{
	*count_r = 0;
	return !array_is_created(&set->plugin_envs) ? NULL :
		array_get(&set->plugin_envs, count_r);
}

static const char *plugin_getenv(void *context, const char *name)
{
	unsigned int count;
	const char *const *list = plugin_list(context, &count);

	for (unsigned int i = 0; i + 1 < count; i += 2) {
		if (strcmp(list[i], name) == 0)
			return list[i + 1];
	}
	return NULL;
}

/* Find misspelt names, since Dovecot accepts any name in plugin { }. */
static void
find_unknown_names(const struct junk_service_plugin_settings *set,
		   string_t *errors)
{
	unsigned int count;
	const char *const *list = plugin_list(set, &count);

	for (unsigned int i = 0; i + 1 < count; i += 2) {
		if (!str_begins(list[i], "junk_feedback") ||
		    junk_settings_exists(list[i]))
			continue;
		str_printfa(errors, "%s%s: unknown setting",
			    str_len(errors) == 0 ? "" : "; ", list[i]);
	}
}

static int
read_plugin_settings(struct junk_service_plugin_settings *plugin_set,
		     pool_t pool, const struct junk_settings **set_r,
		     const char **error_r)
{
	const struct junk_settings_source source = {
		.plugin_getenv = plugin_getenv,
		.context = plugin_set,
	};
	string_t *errors = t_str_new(128);

	if (junk_settings_get(&source, pool, set_r, error_r) < 0)
		str_append(errors, *error_r);
	find_unknown_names(plugin_set, errors);
	*error_r = str_c(errors);
	return str_len(errors) == 0 ? 0 : 1;
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
	int ret;

	i_zero(set_r);
	i_zero(&input);
	input.roots = roots;
	input.module = "mail";
	input.service = "junk-feedback";
	if (master_service_settings_read(service, &input, &output,
					 error_r) < 0)
		return -1;
	master_set = master_service_settings_get(service);
	ret = read_plugin_settings(
		master_service_settings_get_others(service)[0], pool,
		&set_r->set, error_r);
	set_dirs(set_r, pool, master_set->base_dir, master_set->state_dir);
	return ret;
}
#endif

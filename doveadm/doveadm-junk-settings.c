#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-user.h"
#include "master-service.h"
#include "master-service-settings.h"

#include "junk-compat.h"
#include "junk-settings.h"
#include "doveadm-junk.h"

#ifdef HAVE_SETTINGS_GET

#define PLUGIN_GETENV NULL
#define NO_USER_EVENT master_service_get_event(master_service)
#define MASTER_SETTINGS master_service_get_service_settings(master_service)

static const char *config_name(const char *name, bool plugin ATTR_UNUSED)
{
	return name;
}

#else

static const char *plugin_getenv(void *context, const char *name)
{
	struct mail_user *user = context;
	const char *value;

	value = user == NULL ? doveadm_plugin_getenv(name) :
		mail_user_plugin_getenv(user, name);
	return value == NULL || *value == '\0' ? NULL : value;
}

#define PLUGIN_GETENV plugin_getenv
#define NO_USER_EVENT NULL
#define MASTER_SETTINGS master_service_settings_get(master_service)

static const char *config_name(const char *name, bool plugin)
{
	return plugin ? t_strconcat("plugin/", name, NULL) : name;
}
#endif

const struct junk_settings *
doveadm_junk_settings_get(struct mail_user *user, pool_t pool)
{
	struct junk_settings_source source = {
		.event = user != NULL ? user->event : NO_USER_EVENT,
		.plugin_getenv = PLUGIN_GETENV,
		.context = user,
	};
	const struct junk_settings *set;
	const char *error;

	if (junk_settings_get(&source, pool, &set, &error) < 0)
		i_error("junk-feedback: %s", error);
	return set;
}

int doveadm_junk_settings_check(const char **error_r)
{
	struct junk_settings_source source = {
		.event = NO_USER_EVENT,
		.plugin_getenv = PLUGIN_GETENV,
	};
	const struct junk_settings *set;

	return junk_settings_get(&source, unsafe_data_stack_pool, &set,
				 error_r);
}

unsigned int doveadm_junk_threshold(void)
{
	return doveadm_junk_settings_get(NULL, unsafe_data_stack_pool)->
		junk_feedback_threshold;
}

const char *doveadm_junk_state_dir(void)
{
	return MASTER_SETTINGS->state_dir;
}

const char *doveadm_junk_config_path(void)
{
	if (!doveadm_server)
		return master_service_get_config_path(master_service);
	/* config_path may be the socket of the master's settings; dovecot.conf
	   in base_dir is a link to the file, which the master creates */
	return t_strconcat(doveadm_settings->base_dir, "/dovecot.conf", NULL);
}

int doveadm_junk_config_get(const char *protocol, const char *name,
			    bool plugin, const char **value_r,
			    const char **error_r)
{
	const char *argv[] = {
		"doveconf", "-c", doveadm_junk_config_path(),
		"-f", t_strconcat("protocol=", protocol, NULL), "-h",
		config_name(name, plugin), NULL
	};
	string_t *value = t_str_new(256);
	int status;

	if (doveadm_junk_exec(argv, FALSE, value, &status, error_r) < 0)
		return -1;
	/* doveconf treats a missing setting of plugin { } as an error */
	if (status != 0 && !plugin) {
		*error_r = "doveconf failed";
		return -1;
	}
	*value_r = str_c(value);
	return 0;
}

bool doveadm_junk_list_has(const char *list, const char *word)
{
	const char *const *words = t_strsplit_spaces(list, " ,\t\n{}");

	for (; *words != NULL; words++) {
		if (strcmp(*words, word) != 0)
			continue;
		/* 2.4: word = yes */
		return words[1] == NULL || strcmp(words[1], "=") != 0 ||
			null_strcmp(words[2], "no") != 0;
	}
	return FALSE;
}

/* A user's settings. Dovecot 2.3 and 2.4 differ here only in where
   lazy_expunge's mailbox is configured. */

#include "lib.h"
#include "mail-user.h"
#include "mail-storage-settings.h"
#include "junk-compat.h"
#include "junk-settings.h"
#include "junk-feedback-settings.h"

#ifdef HAVE_SETTINGS_GET
#  include "settings.h"
#  include "settings-parser.h"

/* As in lazy_expunge's own source, since it has no public header. */
struct lazy_expunge_settings {
	pool_t pool;
	bool lazy_expunge_only_last_instance;
	const char *lazy_expunge_mailbox;
};

#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, struct lazy_expunge_settings)

static const struct setting_define lazy_expunge_defines[] = {
	DEF(BOOL, lazy_expunge_only_last_instance),
	DEF(STR, lazy_expunge_mailbox),
	SETTING_DEFINE_LIST_END
};

static const struct lazy_expunge_settings lazy_expunge_defaults = {
	.lazy_expunge_mailbox = "",
};

static const struct setting_parser_info lazy_expunge_setting_parser_info = {
	.name = "lazy_expunge",
	.defines = lazy_expunge_defines,
	.defaults = &lazy_expunge_defaults,
	.struct_size = sizeof(struct lazy_expunge_settings),
	.pool_offset1 = 1 + offsetof(struct lazy_expunge_settings, pool),
};

static const char *lazy_expunge_get(struct mail_user *user)
{
	const struct lazy_expunge_settings *set;
	const char *name, *error;

	if (settings_get(user->event, &lazy_expunge_setting_parser_info, 0,
			 &set, &error) < 0)
		return NULL;
	name = p_strdup_empty(user->pool, set->lazy_expunge_mailbox);
	settings_free(set);
	return name;
}

#define PLUGIN_GETENV NULL

#else

static const char *lazy_expunge_get(struct mail_user *user)
{
	return mail_user_plugin_getenv(user, "lazy_expunge");
}

static const char *plugin_getenv(void *context, const char *name)
{
	return mail_user_plugin_getenv(context, name);
}

#define PLUGIN_GETENV plugin_getenv
#endif

#define JUNK_SOCKET_NAME "junk-feedback"

int junk_feedback_settings_get(struct mail_user *user,
			       struct junk_feedback_settings *set_r,
			       const char **error_r)
{
	struct junk_settings_source source = {
		.event = user->event,
		.plugin_getenv = PLUGIN_GETENV,
		.context = user,
	};
	const struct junk_settings *set;
	int ret = junk_settings_get(&source, user->pool, &set, error_r);

	i_zero(set_r);
	set_r->enabled = set->junk_feedback;
	set_r->names.junk = junk_mailbox_names_split(user->pool,
						     set->junk_feedback_junk);
	set_r->names.usual_junk = junk_settings_is_default(set,
		"junk_feedback_junk");
	set_r->names.trash = junk_mailbox_names_split(user->pool,
						      set->junk_feedback_trash);
	set_r->names.ignore = junk_mailbox_names_split(user->pool,
						set->junk_feedback_ignore);
	set_r->names.unsure = junk_mailbox_names_split(user->pool,
						set->junk_feedback_unsure);
	set_r->names.sent = junk_mailbox_names_split(user->pool,
						     set->junk_feedback_sent);
	/* without trusted results no sender is certain */
	set_r->allow_sent = set->junk_feedback_allow_sent &&
		*set->junk_feedback_authserv_id != '\0';
	set_r->names.lazy_expunge = lazy_expunge_get(user);
	set_r->keywords = set->junk_feedback_keywords;
	set_r->append = set->junk_feedback_append;
	set_r->automatic = set->junk_feedback_automatic;
	set_r->weak_ham = set->junk_feedback_weak_ham;
	set_r->kept = set->junk_feedback_kept;
	set_r->kept_age_secs = set->junk_feedback_kept_age;
	set_r->authserv_id = set->junk_feedback_authserv_id;
	set_r->mx = set->junk_feedback_mx;
	set_r->socket_path = p_strconcat(user->pool, user->set->base_dir,
					 "/"JUNK_SOCKET_NAME, NULL);
	return ret;
}

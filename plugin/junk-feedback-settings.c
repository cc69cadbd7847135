/* The plugin's settings. How they are read is all that differs between Dovecot
   versions. */

#include "lib.h"
#include "mail-user.h"
#include "mail-storage-settings.h"
#include "junk-feedback-settings.h"

#define JUNK_SOCKET_NAME "junk-feedback"

/* In the languages that have shipped as some client's or server's default. */
#define DEFAULT_JUNK "Junk,Spam,Junk E-mail,Junk Email,Junk Mail,Bulk Mail," \
	"Spamverdacht,Junk-E-Mail,Courrier ind*sirable,Pourriel," \
	"Correo no deseado,Posta indesiderata,Ongewenste e-mail," \
	"Sk*ppost,Roskaposti"
#define DEFAULT_TRASH "Trash,Deleted Items,Deleted Messages,Bin,Papierkorb," \
	"Gel*schte Elemente,Corbeille,Papelera,Cestino,Prullenbak"
#define DEFAULT_IGNORE "Drafts,Sent,Sent Items,Sent Messages,Sent Mail," \
	"Templates,Outbox,Entw*rfe,Gesendet,Gesendete*,Vorlagen"

static bool
setting_get_bool(struct mail_user *user, const char *name, bool default_value,
		 bool *value_r, const char **error_r)
{
	const char *value = mail_user_plugin_getenv(user, name);

	*value_r = default_value;
	if (value == NULL || *value == '\0')
		return TRUE;
	if (strcasecmp(value, "yes") == 0 || strcasecmp(value, "y") == 0 ||
	    strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0) {
		*value_r = TRUE;
	} else if (strcasecmp(value, "no") == 0 || strcasecmp(value, "n") == 0 ||
		   strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0) {
		*value_r = FALSE;
	} else {
		*error_r = t_strdup_printf(
			"%s = %s: the value must be yes or no; "
			"%s is used", name, value,
			default_value ? "yes" : "no");
		return FALSE;
	}
	return TRUE;
}

static const char *const *
setting_get_names(struct mail_user *user, const char *name,
		  const char *default_value)
{
	const char *value = mail_user_plugin_getenv(user, name);

	return junk_mailbox_names_split(user->pool,
		value != NULL ? value : default_value);
}

int junk_feedback_settings_get(struct mail_user *user,
			       struct junk_feedback_settings *set_r,
			       const char **error_r)
{
	bool ok;

	i_zero(set_r);
	set_r->names.junk = setting_get_names(user, "junk_feedback_junk",
					      DEFAULT_JUNK);
	set_r->names.trash = setting_get_names(user, "junk_feedback_trash",
					       DEFAULT_TRASH);
	set_r->names.ignore = setting_get_names(user, "junk_feedback_ignore",
						DEFAULT_IGNORE);
	set_r->names.unsure = setting_get_names(user, "junk_feedback_unsure",
						"");
	set_r->names.lazy_expunge =
		mail_user_plugin_getenv(user, "lazy_expunge");
	set_r->authserv_id =
		mail_user_plugin_getenv(user, "junk_feedback_authserv_id");
	set_r->socket_path = p_strconcat(user->pool, user->set->base_dir,
					 "/"JUNK_SOCKET_NAME, NULL);

	ok = setting_get_bool(user, "junk_feedback", TRUE,
			      &set_r->enabled, error_r);
	ok = setting_get_bool(user, "junk_feedback_keywords", TRUE,
			      &set_r->keywords, error_r) && ok;
	ok = setting_get_bool(user, "junk_feedback_append", TRUE,
			      &set_r->append, error_r) && ok;
	ok = setting_get_bool(user, "junk_feedback_weak_ham", TRUE,
			      &set_r->weak_ham, error_r) && ok;
	return ok ? 0 : -1;
}

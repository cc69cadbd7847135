#ifndef JUNK_FEEDBACK_SETTINGS_H
#define JUNK_FEEDBACK_SETTINGS_H

#include "junk-mailbox.h"

struct mail_user;

struct junk_feedback_settings {
	/* junk_feedback: report this user's actions at all */
	bool enabled;
	/* junk_feedback_junk, _trash, _ignore, _unsure, _sent */
	struct junk_mailbox_names names;
	/* junk_feedback_keywords, _append, _automatic, _weak_ham */
	bool keywords, append, automatic, weak_ham;
	/* junk_feedback_allow_sent, and authserv_id is set */
	bool allow_sent;
	/* junk_feedback_kept: messages a day; _kept_age in seconds */
	unsigned int kept, kept_age_secs;
	/* junk_feedback_authserv_id; "" if unset */
	const char *authserv_id;
	/* junk_feedback_mx; "" if unset */
	const char *mx;
	/* path of the service's socket */
	const char *socket_path;
};

/* Read the settings. Returns 0, or -1 and error_r if a setting is invalid.
   set_r is filled from the user's pool in both cases, with the default of an
   invalid setting. */
int junk_feedback_settings_get(struct mail_user *user,
			       struct junk_feedback_settings *set_r,
			       const char **error_r);

#endif

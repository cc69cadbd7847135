#ifndef JUNK_SERVICE_SETTINGS_H
#define JUNK_SERVICE_SETTINGS_H

#include "junk-settings.h"

/* The service's settings, which are read from the same place as the
   plugin's. */

struct master_service;

struct junk_service_settings {
	/* Dovecot's base_dir */
	const char *base_dir;
	/* junk_feedback_state_dir, or its default, as a full path */
	const char *state_dir;
	const struct junk_settings *set;
};

/* Read the settings; call this before privileges are dropped. Returns 0; 1 and
   error_r if a value is invalid, in place of which its default is used; -1 and
   error_r if settings can't be read at all. The result is allocated from the
   pool. */
int junk_service_settings_read(struct master_service *service, pool_t pool,
			       struct junk_service_settings *set_r,
			       const char **error_r);

#endif

#ifndef JUNK_SERVICE_SETTINGS_H
#define JUNK_SERVICE_SETTINGS_H

#include "junk-settings.h"

/* The service reads the same settings as the plugin, at the same place. */

struct master_service;

struct junk_service_settings {
	/* Dovecot's */
	const char *base_dir;
	/* junk_feedback_state_dir, or its default in full */
	const char *state_dir;
	const struct junk_settings *set;
};

/* Before privileges are dropped. Returns 0; 1 and error_r if a value is wrong:
   its default is used instead; -1 and error_r if settings can't be read at
   all. Everything is allocated from the pool. */
int junk_service_settings_read(struct master_service *service, pool_t pool,
			       struct junk_service_settings *set_r,
			       const char **error_r);

#endif

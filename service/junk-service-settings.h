#ifndef JUNK_SERVICE_SETTINGS_H
#define JUNK_SERVICE_SETTINGS_H

/* The service's settings. They are the same words as the plugin's and stand at
   the same place: plugin { } on Dovecot 2.3, anywhere on 2.4. */

struct master_service;

struct junk_service_settings {
	const char *base_dir;
	/* junk_feedback_state_dir */
	const char *state_dir;
	/* junk_feedback_rate: 0 = no limit */
	unsigned int rate;
	/* junk_feedback_retention, in days: 0 = for ever */
	unsigned int retention_days;
	/* junk_feedback_database_size, in bytes: 0 = no limit */
	uint64_t database_size;
	unsigned int min_reporters, min_reports, threshold;
};

/* Before privileges are dropped. Returns 0; 1 and error_r if a value is wrong:
   it says which default is used instead; -1 and error_r if settings can't be
   read at all. Everything is allocated from the pool. */
int junk_service_settings_read(struct master_service *service, pool_t pool,
			       struct junk_service_settings *set_r,
			       const char **error_r);

/* Where a value comes from, for tests; NULL = not set. */
typedef const char *
junk_service_setting_lookup_t(const char *name, void *context);
/* As above from any source; base_dir and Dovecot's state_dir are given. */
int junk_service_settings_parse(junk_service_setting_lookup_t *lookup,
				void *context, pool_t pool,
				const char *dovecot_state_dir,
				struct junk_service_settings *set_r,
				const char **error_r);

#endif

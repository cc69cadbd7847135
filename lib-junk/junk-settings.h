#ifndef JUNK_SETTINGS_H
#define JUNK_SETTINGS_H

/* All settings, for all parts of the project: their names are the fields'. On
   Dovecot 2.3 they stand in plugin { }, on 2.4 they are settings as others.
   doc/settings.md describes each. */

struct event;
struct setting_parser_info;

struct junk_settings {
	pool_t pool;

	/* --- of each user --- */

	/* report this user's actions, score this user's mail */
	bool junk_feedback;
	/* names of mailboxes, with wildcards, where SPECIAL-USE says
	   nothing */
	const char *junk_feedback_junk;
	const char *junk_feedback_trash;
	const char *junk_feedback_ignore;
	const char *junk_feedback_unsure;
	/* what counts beside moves and copies */
	bool junk_feedback_keywords;
	bool junk_feedback_append;
	bool junk_feedback_automatic;
	bool junk_feedback_weak_ham;
	/* so many messages a day that were read and kept; 0 = none */
	unsigned int junk_feedback_kept;
	/* seconds that a message has to lie where it is to be one of them */
	unsigned int junk_feedback_kept_age;
	/* whose Authentication-Results are evidence (junk-auth-results.h);
	   "" = nobody's */
	const char *junk_feedback_authserv_id;
	/* MXs whose client is evidence (junk-received.h); "" = none */
	const char *junk_feedback_mx;
	/* 1..100: score from which scripts and statistics call a message
	   junk */
	unsigned int junk_feedback_threshold;

	/* --- of the service --- */

	/* people behind a token before it counts for others or is shown */
	unsigned int junk_feedback_min_reporters;
	/* reports of either class before there are scores */
	unsigned int junk_feedback_min_reports;
	/* reports per reporter and hour that are learned; 0 = no limit */
	unsigned int junk_feedback_rate;
	unsigned int junk_feedback_uid_identities;
	/* seconds that a report is kept; 0 = for ever */
	unsigned int junk_feedback_retention;
	/* bytes; 0 = no limit */
	uoff_t junk_feedback_database_size;
	/* "" = junk-feedback/ in Dovecot's state_dir */
	const char *junk_feedback_state_dir;
	/* who may read the segment: 0600, 0640 or 0644; and the group of its
	   file, "" = the service's */
	const char *junk_feedback_segment_mode, *junk_feedback_segment_group;
	/* seconds that what others have reported may wait in the service */
	unsigned int junk_feedback_publish_delay;
};

extern const struct setting_parser_info junk_setting_parser_info;

/* Where settings come from. */
struct junk_settings_source {
	/* 2.4: of the user, script or process that asks */
	struct event *event;
	/* 2.3: the value of plugin { name = value }, NULL if unset */
	const char *(*plugin_getenv)(void *context, const char *name);
	void *context;
};

/* Returns 0, or -1 and error_r, which names the setting and what is valid; in
   any case *set_r is filled in from the pool, with the default for what isn't
   valid: mail has to go on. */
int junk_settings_get(const struct junk_settings_source *source, pool_t pool,
		      const struct junk_settings **set_r,
		      const char **error_r);

/* Is there a setting of this name? For finding misspelled ones in 2.3's
   plugin { }. */
bool junk_settings_exists(const char *name);
/* Has the text of this name its default value? */
bool junk_settings_is_default(const struct junk_settings *set,
			      const char *name);

#endif

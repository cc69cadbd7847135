#ifndef JUNK_SETTINGS_H
#define JUNK_SETTINGS_H

/* The settings of all parts of the project; the fields have the settings'
   names. On Dovecot 2.3 they are in plugin { }, on 2.4 they are ordinary
   settings. junk-feedback(7) describes each. */

struct event;
struct setting_parser_info;

struct junk_settings {
	pool_t pool;

	/* --- of each user --- */

	/* report this user's actions, score this user's mail */
	bool junk_feedback;
	/* names of mailboxes, with wildcards, for mailboxes without
	   SPECIAL-USE */
	const char *junk_feedback_junk;
	const char *junk_feedback_trash;
	const char *junk_feedback_ignore;
	const char *junk_feedback_unsure;
	const char *junk_feedback_sent;
	/* actions that count besides moves and copies */
	bool junk_feedback_keywords;
	bool junk_feedback_append;
	bool junk_feedback_automatic;
	bool junk_feedback_weak_ham;
	/* number of messages a day that are reported as read and kept; 0 =
	   none */
	unsigned int junk_feedback_kept;
	/* seconds that a message must stay in its mailbox to be reported as
	   kept */
	unsigned int junk_feedback_kept_age;
	/* the administrator's trusted senders (junk-allow-file.h); "" = none */
	const char *junk_feedback_allow_file;
	/* recipients of sent mail become trusted senders */
	bool junk_feedback_allow_sent;
	/* hosts whose Authentication-Results are evidence
	   (junk-auth-results.h); "" = none */
	const char *junk_feedback_authserv_id;
	/* MXs whose client is evidence (junk-received.h); "" = none */
	const char *junk_feedback_mx;
	/* score, 1..100, from which scripts and statistics treat a message as
	   junk */
	unsigned int junk_feedback_threshold;

	/* --- of the service --- */

	/* people that must have reported a token before it counts for others or
	   is shown */
	unsigned int junk_feedback_min_reporters;
	/* reports of each class that are needed before scores are given */
	unsigned int junk_feedback_min_reports;
	/* reports per reporter and hour that are learned; 0 = no limit */
	unsigned int junk_feedback_rate;
	unsigned int junk_feedback_uid_identities;
	/* seconds that a report is kept; 0 = for ever */
	unsigned int junk_feedback_retention;
	/* bytes; 0 = no limit */
	uoff_t junk_feedback_database_size;
	/* libpq's connection string of the log that several hosts share; "" =
	   this host alone */
	const char *junk_feedback_cluster;
	/* "" = junk-feedback/ in Dovecot's state_dir */
	const char *junk_feedback_state_dir;
	/* mode of the segment: 0600, 0640 or 0644; and its group, "" = the
	   service's */
	const char *junk_feedback_segment_mode, *junk_feedback_segment_group;
	/* seconds that the service may delay the publication of other users'
	   reports */
	unsigned int junk_feedback_publish_delay;
};

extern const struct setting_parser_info junk_setting_parser_info;

/* The source of settings. */
struct junk_settings_source {
	/* 2.4: the event of the user, script or process */
	struct event *event;
	/* 2.3: returns the value of plugin { name = value }, NULL if unset */
	const char *(*plugin_getenv)(void *context, const char *name);
	void *context;
};

/* Read the settings. Returns 0, or -1 and error_r, which names the invalid
   setting and the valid values. *set_r is always set, allocated from the pool,
   with the defaults of invalid settings: mail must be delivered anyway. */
int junk_settings_get(const struct junk_settings_source *source, pool_t pool,
		      const struct junk_settings **set_r,
		      const char **error_r);

/* Returns TRUE if there is a setting of this name, to find misspelled ones in
   2.3's plugin { }. */
bool junk_settings_exists(const char *name);
/* Returns TRUE if the string setting of this name has its default value. */
bool junk_settings_is_default(const struct junk_settings *set,
			      const char *name);

#endif

#ifndef DOVEADM_JUNK_H
#define DOVEADM_JUNK_H

#include "doveadm.h"
#include "junk-tokenizer.h"
#include "junk-model.h"
#include "junk-frame.h"

struct mail;
struct mail_user;
struct doveadm_cmd_ver2;
struct doveadm_mail_cmd_context;

extern const char *doveadm_junk_plugin_version;

void doveadm_junk_plugin_init(void);
void doveadm_junk_plugin_deinit(void);

extern struct doveadm_cmd_ver2 doveadm_cmd_junk_status;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_check;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_score;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_metrics;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_setup;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_spool;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_identity;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_allow;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_learn;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_start;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_stats;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_export;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_report;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_token;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_forget;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_cluster_init;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_rebuild;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_rekey;

/* --- doveadm-junk-service.c --- */

ARRAY_DEFINE_TYPE(junk_key_values, struct junk_key_value);
struct junk_key_value {
	const char *key, *value;
};

/* Returns TRUE if the value is an error: "error: ...". */
bool doveadm_junk_value_is_error(const char *value);
/* Returns the value of a key, NULL if there is none. */
const char *
doveadm_junk_value_find(const ARRAY_TYPE(junk_key_values) *values,
			const char *key);
/* Return the full paths of the service's socket and of the segment. */
const char *doveadm_junk_socket_path(void);
const char *doveadm_junk_segment_path(void);
const char *doveadm_junk_counts_path(void);

/* A connection to the service. All calls block for up to some seconds and
   return -1 and error_r on error. After an error the connection must be
   closed. */
struct doveadm_junk_service;

int doveadm_junk_service_connect(struct doveadm_junk_service **service_r,
				 const char **error_r);
/* Connect with the uid of the user whose mail is open. The service then accepts
   only what the user's own process could send. */
int doveadm_junk_service_connect_user(struct doveadm_junk_service **service_r,
				      const char **error_r);
/* Connect for commands that may take the service minutes. The service checks
   the peer's uid, so this must be called before doveadm changes to a mail
   user. */
int
doveadm_junk_service_connect_admin(struct doveadm_junk_service **service_r,
				   const char **error_r);
void doveadm_junk_service_close(struct doveadm_junk_service **service);
/* Send an encoded frame whose answer is text: lines key=value, allocated from
   the data stack. All reports must be acknowledged before. */
int doveadm_junk_service_ask(struct doveadm_junk_service *service,
			     const buffer_t *request,
			     ARRAY_TYPE(junk_key_values) *answer,
			     const char **error_r);
/* Connect, ask for the status and disconnect. */
int doveadm_junk_service_status(ARRAY_TYPE(junk_key_values) *status,
				const char **error_r);
/* The service's knowledge of a token. */
struct doveadm_junk_known {
	unsigned int spam, ham;
	/* 0 = unknown, or reported by too few people to be told */
	unsigned int people;
	/* the keyed hash as in the database, allocated from the data stack */
	const char *hash;
};
/* Look up any number of tokens; known must have room for each. */
int doveadm_junk_service_lookup(struct doveadm_junk_service *service,
				const junk_token_t *tokens, unsigned int count,
				struct doveadm_junk_known *known,
				const char **error_r);
/* Send a report. If many reports are unacknowledged, this waits for
   acknowledgements. */
int doveadm_junk_service_report(struct doveadm_junk_service *service,
				const struct junk_report *report,
				const char **error_r);
/* Wait until all reports are durable. */
int doveadm_junk_service_finish(struct doveadm_junk_service *service,
				const char **error_r);

/* --- doveadm-junk-user.c --- */

/* Returns TRUE if -u, -A or -F is given. */
bool doveadm_junk_names_users(const struct doveadm_cmd_context *cctx);

/* Returns the user's control directory, which is created if create is TRUE;
   NULL if there is none or it can't be created, which is logged. */
const char *doveadm_junk_control_dir(struct mail_user *user, bool create);
/* Returns the user's identity; NULL if the user has never reported anything, or
   if it can't be read, which is logged. */
const unsigned char *
doveadm_junk_reporter(struct mail_user *user,
		      unsigned char buf[JUNK_REPORTER_BYTES]);

/* Called for each message that a search finds. Returning -1 stops the
   search. */
typedef int doveadm_junk_mail_callback_t(struct doveadm_mail_cmd_context *ctx,
					 struct mail *mail);
/* The total results of a command's searches. */
struct doveadm_junk_found {
	unsigned int users, messages;
};
/* Search the user's mailboxes by ctx->search_args. Returns 0, or -1 if
   something failed; the error is logged and the exit code set. */
int doveadm_junk_search(struct doveadm_mail_cmd_context *ctx,
			struct mail_user *user,
			doveadm_junk_mail_callback_t *callback,
			struct doveadm_junk_found *found);
/* To be called in deinit(): if no mailbox had any match and there was no other
   error, set the exit code. */
void doveadm_junk_search_finish(struct doveadm_mail_cmd_context *ctx,
				const char *command,
				const struct doveadm_junk_found *found);

/* --- doveadm-junk-exec.c --- */

/* Run one of Dovecot's programs and append its output. Returns 0 and its exit
   status (127 = it can't be run, -1 = killed by a signal), or -1 and error_r if
   waiting for it failed. */
int doveadm_junk_exec(const char *const argv[], bool with_stderr,
		      string_t *output, int *status_r, const char **error_r);

/* --- doveadm-junk-scripts.c --- */

/* A Sieve script that runs for all users. */
struct doveadm_junk_script {
	/* the setting that has the script's path */
	const char *setting;
	const char *path;
};
ARRAY_DEFINE_TYPE(doveadm_junk_scripts, struct doveadm_junk_script);

/* Find the scripts of a protocol (lmtp, lda), allocated from the data stack.
   Returns 0, or -1 and error_r if the configuration can't be read. */
int doveadm_junk_scripts_find(const char *protocol,
			      ARRAY_TYPE(doveadm_junk_scripts) *scripts,
			      const char **error_r);
/* Returns TRUE if the script uses the test junkscore or the milter's header
   field. */
bool doveadm_junk_script_scores(const struct doveadm_junk_script *script);
/* Compile a script as a delivery would. Returns 0, or -1 and error_r if that
   fails. */
int doveadm_junk_script_compile(const char *protocol, const char *path,
				const char *bin_path, const char **error_r);
/* Returns 0, or -1 and errno if a user's process can't read the script. */
int doveadm_junk_script_readable(const char *protocol, const char *path);

/* --- doveadm-junk-delivery.c --- */

/* Add rows about whether new mail is scored. active: compile the scripts, and
   treat it as an error if nothing scores mail. Without active only certain
   faults are errors. status: the service's status, empty if it doesn't
   answer. */
void doveadm_junk_check_delivery(bool active,
				 const ARRAY_TYPE(junk_key_values) *status);

/* --- doveadm-junk-rows.c --- */

enum doveadm_junk_state {
	DOVEADM_JUNK_OK,
	/* information, or a choice of the administrator */
	DOVEADM_JUNK_NOTE,
	DOVEADM_JUNK_ERROR
};

struct doveadm_junk_row {
	const char *item;
	enum doveadm_junk_state state;
	const char *value;
};

/* Begin a table of checks. The first error decides doveadm's exit code. Rows
   are printed at the end, so they must be allocated from the caller's data
   stack frame. */
void doveadm_junk_rows_begin(void);
void doveadm_junk_rows_end(void);
/* Begin a table that is read by the caller and not printed. */
void doveadm_junk_rows_collect(void);
const struct doveadm_junk_row *doveadm_junk_rows_get(unsigned int *count_r);
/* Returns the first row of an item, NULL = there is none. */
const struct doveadm_junk_row *doveadm_junk_row_find(const char *item);
/* Add a row. fix: what the administrator should do, or NULL. */
void doveadm_junk_row(const char *item, enum doveadm_junk_state state,
		      const char *value, const char *fix);
void doveadm_junk_row_error(const char *item, int exit_code,
			    const char *value, const char *fix);
/* Returns the number of errors so far. */
unsigned int doveadm_junk_rows_errors(void);
/* Add rows about configuration, service and segment, and read the service's
   status. Returns TRUE if the service answers. */
bool doveadm_junk_check_all(ARRAY_TYPE(junk_key_values) *status);

/* --- doveadm-junk-check.c --- */

/* Add rows about files that were deleted while the service has them open. */
void doveadm_junk_check_files(const ARRAY_TYPE(junk_key_values) *status);

/* --- doveadm-junk-time.c --- */

/* Parse an administrator's time: 24h, 7d, 2w (ago), today, yesterday, or a date
   with or without time, in UTC, as in the database. Returns 0, or -1 and
   error_r if it is none of these. */
int doveadm_junk_parse_time(const char *str, time_t now, time_t *time_r,
			    const char **error_r);
/* As above, but a time in the future is an error. */
int doveadm_junk_parse_since(const char *str, time_t now, time_t *time_r,
			     const char **error_r);

/* --- doveadm-junk-settings.c --- */

/* Read the plugin's settings into the pool; user = NULL: doveadm's own. Invalid
   settings are logged, and their defaults used. */
const struct junk_settings *
doveadm_junk_settings_get(struct mail_user *user, pool_t pool);
/* Check doveadm's own settings. Returns 0, or -1 and error_r if one is
   invalid. */
int doveadm_junk_settings_check(const char **error_r);
/* Returns junk_feedback_threshold, 1..100. */
unsigned int doveadm_junk_threshold(void);
/* Returns Dovecot's state_dir. */
const char *doveadm_junk_state_dir(void);
/* Returns the path of the configuration file, for the -c option of Dovecot's
   programs. */
const char *doveadm_junk_config_path(void);
/* Read a setting of a protocol ("imap") by doveconf. plugin: on 2.3 the setting
   is in plugin { }. Returns 0, or -1 and error_r on error. */
int doveadm_junk_config_get(const char *protocol, const char *name,
			    bool plugin, const char **value_r,
			    const char **error_r);
/* Returns TRUE if a word is in a list of plugins, in doveconf's format of
   either version. */
bool doveadm_junk_list_has(const char *list, const char *word);

#endif

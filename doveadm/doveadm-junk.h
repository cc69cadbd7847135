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
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_learn;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_start;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_stats;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_export;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_report;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_token;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_forget;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_rebuild;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_rekey;

/* --- doveadm-junk-service.c --- */

ARRAY_DEFINE_TYPE(junk_key_values, struct junk_key_value);
struct junk_key_value {
	const char *key, *value;
};

/* Does the value say that something is wrong: "error: ..."? */
bool doveadm_junk_value_is_error(const char *value);
/* The value of a key, NULL if there is none. */
const char *
doveadm_junk_value_find(const ARRAY_TYPE(junk_key_values) *values,
			const char *key);
/* Full paths of the service's socket and of the segment. */
const char *doveadm_junk_socket_path(void);
const char *doveadm_junk_segment_path(void);
const char *doveadm_junk_counts_path(void);

/* A connection to the service. All calls block, but only for some seconds, and
   return -1 and error_r if they fail; the connection is of no use then. */
struct doveadm_junk_service;

int doveadm_junk_service_connect(struct doveadm_junk_service **service_r,
				 const char **error_r);
/* As the user whose mail is open: what is sent is no more than what the user's own
   process could send. */
int doveadm_junk_service_connect_user(struct doveadm_junk_service **service_r,
				      const char **error_r);
/* For what may take the service minutes. The service looks at who connects:
   before doveadm becomes a mail user. */
int
doveadm_junk_service_connect_admin(struct doveadm_junk_service **service_r,
				   const char **error_r);
void doveadm_junk_service_close(struct doveadm_junk_service **service);
/* Send an encoded frame that is answered by a text: lines key=value, allocated
   from the data stack. No reports may be under way. */
int doveadm_junk_service_ask(struct doveadm_junk_service *service,
			     const buffer_t *request,
			     ARRAY_TYPE(junk_key_values) *answer,
			     const char **error_r);
/* Connect, ask for the status, close. */
int doveadm_junk_service_status(ARRAY_TYPE(junk_key_values) *status,
				const char **error_r);
/* What the service knows of a token. */
struct doveadm_junk_known {
	unsigned int spam, ham;
	/* 0 = nothing, or it won't say: too few people have reported it */
	unsigned int people;
	/* as the database has it, from the data stack */
	const char *hash;
};
/* Ask about any number of tokens; known has room for each. */
int doveadm_junk_service_lookup(struct doveadm_junk_service *service,
				const junk_token_t *tokens, unsigned int count,
				struct doveadm_junk_known *known,
				const char **error_r);
/* Send a report, and wait for acknowledgements if many are under way. */
int doveadm_junk_service_report(struct doveadm_junk_service *service,
				const struct junk_report *report,
				const char **error_r);
/* Wait until all reports are durable. */
int doveadm_junk_service_finish(struct doveadm_junk_service *service,
				const char **error_r);

/* --- doveadm-junk-user.c --- */

/* Is -u, -A or -F given? */
bool doveadm_junk_names_users(const struct doveadm_cmd_context *cctx);

/* The user's control directory, made if create is TRUE; NULL if there is none
   or it can't be made, which is logged. */
const char *doveadm_junk_control_dir(struct mail_user *user, bool create);
/* The user's identity; NULL if the user has never reported anything. What
   can't be read is logged. */
const unsigned char *
doveadm_junk_reporter(struct mail_user *user,
		      unsigned char buf[JUNK_REPORTER_BYTES]);

/* Called for each message that a search finds. Returns -1 to stop. */
typedef int doveadm_junk_mail_callback_t(struct doveadm_mail_cmd_context *ctx,
					 struct mail *mail);
/* What the searches of one command came to. */
struct doveadm_junk_found {
	unsigned int users, messages;
};
/* Search the user's mailboxes by ctx->search_args. Returns -1 if something
   failed; it was logged and the exit code set. */
int doveadm_junk_search(struct doveadm_mail_cmd_context *ctx,
			struct mail_user *user,
			doveadm_junk_mail_callback_t *callback,
			struct doveadm_junk_found *found);
/* Nothing found in any mailbox is an error, if nothing else was: in deinit(). */
void doveadm_junk_search_finish(struct doveadm_mail_cmd_context *ctx,
				const char *command,
				const struct doveadm_junk_found *found);

/* --- doveadm-junk-exec.c --- */

/* Run a program of Dovecot's and append what it says. Returns 0 and its exit
   status (127 = it can't be run, -1 = it was killed), -1 and error_r if it
   can't be waited for. */
int doveadm_junk_exec(const char *const argv[], bool with_stderr,
		      string_t *output, int *status_r, const char **error_r);

/* --- doveadm-junk-scripts.c --- */

/* A Sieve script that runs for all users. */
struct doveadm_junk_script {
	/* the setting that names it */
	const char *setting;
	const char *path;
};
ARRAY_DEFINE_TYPE(doveadm_junk_scripts, struct doveadm_junk_script);

/* Those of a protocol (lmtp, lda), from the data stack. Returns -1 and error_r
   if the configuration can't be read. */
int doveadm_junk_scripts_find(const char *protocol,
			      ARRAY_TYPE(doveadm_junk_scripts) *scripts,
			      const char **error_r);
/* Does the script ask for a score: by junkscore, or for the milter's header? */
bool doveadm_junk_script_scores(const struct doveadm_junk_script *script);
/* Compile a script as a delivery would. Returns -1 and error_r if that
   fails. */
int doveadm_junk_script_compile(const char *protocol, const char *path,
				const char *bin_path, const char **error_r);
/* Returns -1 and errno if a user's process can't read the script. */
int doveadm_junk_script_readable(const char *protocol, const char *path);

/* --- doveadm-junk-delivery.c --- */

/* Is new mail scored? Rows about the way that mail takes to a score. active:
   compile the scripts, and call it an error if nothing scores mail; otherwise
   only what is certainly wrong is one. status: what the service says, empty if
   it doesn't answer. */
void doveadm_junk_check_delivery(bool active,
				 const ARRAY_TYPE(junk_key_values) *status);

/* --- doveadm-junk-rows.c --- */

enum doveadm_junk_state {
	DOVEADM_JUNK_OK,
	/* for information, or a choice of the administrator's */
	DOVEADM_JUNK_NOTE,
	DOVEADM_JUNK_ERROR
};

struct doveadm_junk_row {
	const char *item;
	enum doveadm_junk_state state;
	const char *value;
};

/* A table of what was checked. The first error decides doveadm's exit code.
   Rows are printed at the end: allocated from the caller's data stack frame. */
void doveadm_junk_rows_begin(void);
void doveadm_junk_rows_end(void);
/* The same, to be read and not printed. */
void doveadm_junk_rows_collect(void);
const struct doveadm_junk_row *doveadm_junk_rows_get(unsigned int *count_r);
/* fix: what to do, or NULL. */
void doveadm_junk_row(const char *item, enum doveadm_junk_state state,
		      const char *value, const char *fix);
void doveadm_junk_row_error(const char *item, int exit_code,
			    const char *value, const char *fix);
/* Errors so far. */
unsigned int doveadm_junk_rows_errors(void);
/* The checks of configuration, service and segment, with what the service says
   of itself. Returns TRUE if the service answers. */
bool doveadm_junk_check_all(ARRAY_TYPE(junk_key_values) *status);

/* --- doveadm-junk-check.c --- */

/* Rows for files that were deleted under the running service. */
void doveadm_junk_check_files(const ARRAY_TYPE(junk_key_values) *status);

/* --- doveadm-junk-time.c --- */

/* A time that an administrator gives: 24h, 7d, 2w ago, today, yesterday, or a
   date with or without time, in UTC, as the database has it. Returns -1 and
   error_r if it is none of these. */
int doveadm_junk_parse_time(const char *str, time_t now, time_t *time_r,
			    const char **error_r);
/* The same, but not in the future. */
int doveadm_junk_parse_since(const char *str, time_t now, time_t *time_r,
			     const char **error_r);

/* --- doveadm-junk-settings.c --- */

/* Our settings, from the pool; user = NULL: as doveadm itself has them. What
   isn't valid is said, and its default used. */
const struct junk_settings *
doveadm_junk_settings_get(struct mail_user *user, pool_t pool);
/* Returns -1 and error_r if one of doveadm's own isn't valid. */
int doveadm_junk_settings_check(const char **error_r);
/* junk_feedback_threshold, 1..100 */
unsigned int doveadm_junk_threshold(void);
/* Dovecot's state_dir */
const char *doveadm_junk_state_dir(void);
/* The configuration file that programs of Dovecot's can be given. */
const char *doveadm_junk_config_path(void);
/* Ask doveconf for a setting of a protocol ("imap"). Where a setting is in
   plugin { } on 2.3, plugin is TRUE. Returns -1 and error_r if it fails. */
int doveadm_junk_config_get(const char *protocol, const char *name,
			    bool plugin, const char **value_r,
			    const char **error_r);
/* Is a word in a list of plugins, as doveconf prints it on either version? */
bool doveadm_junk_list_has(const char *list, const char *word);

#endif

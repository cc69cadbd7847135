/* doveadm junk status: checks that all parts are configured and running, and
   says how to fix what is wrong. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "time-util.h"

#include "junk-segment.h"
#include "doveadm-junk.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#define PLUGIN_NAME "junk_feedback"
#define PLUGIN_FNAME "lib20_junk_feedback_plugin.so"
#define SIEVE_PLUGIN_NAME "sieve_vnd_junk_feedback"

/*
 * Configuration
 */

static void check_plugin_file(void)
{
	const char *path = t_strconcat(doveadm_settings->mail_plugin_dir,
				       "/"PLUGIN_FNAME, NULL);
	struct stat st;

	if (stat(path, &st) == 0) {
		doveadm_junk_row("plugin file", DOVEADM_JUNK_OK, path, NULL);
	} else {
		doveadm_junk_row_error("plugin file", EX_CONFIG,
			t_strdup_printf("stat(%s) failed: %m", path),
			"install dovecot-junk-feedback, or set "
			"mail_plugin_dir to the folder of the plugin");
	}
}

static void check_mail_plugins(void)
{
	const char *value, *error;

	if (doveadm_junk_config_get("imap", "mail_plugins", FALSE,
				    &value, &error) < 0) {
		doveadm_junk_row_error("imap mail_plugins", EX_CONFIG, error,
			    "check the configuration with doveconf");
	} else if (!doveadm_junk_list_has(value, PLUGIN_NAME)) {
		doveadm_junk_row_error("imap mail_plugins", EX_CONFIG,
			    "no "PLUGIN_NAME,
			    "add notify and "PLUGIN_NAME" to mail_plugins "
			    "in protocol imap { }");
	} else if (!doveadm_junk_list_has(value, "notify")) {
		doveadm_junk_row_error("imap mail_plugins", EX_CONFIG,
			    "notify is missing, which "PLUGIN_NAME" needs",
			    "add notify before "PLUGIN_NAME" to mail_plugins "
			    "in protocol imap { }");
	} else {
		doveadm_junk_row("imap mail_plugins", DOVEADM_JUNK_OK, PLUGIN_NAME, NULL);
	}
}

/* Missing Sieve plugins aren't an error, since the milter may be in use. */
static void check_sieve_plugins(const char *protocol)
{
	const char *item = t_strconcat(protocol, " sieve_plugins", NULL);
	const char *value, *error;

	if (doveadm_junk_config_get(protocol, "sieve_plugins", TRUE,
				    &value, &error) < 0) {
		doveadm_junk_row(item, DOVEADM_JUNK_NOTE, error, NULL);
	} else if (!doveadm_junk_list_has(value, SIEVE_PLUGIN_NAME)) {
		doveadm_junk_row(item, DOVEADM_JUNK_NOTE, "no "SIEVE_PLUGIN_NAME,
			  "to score mail in Sieve scripts, add it to "
			  "sieve_plugins");
	} else {
		doveadm_junk_row(item, DOVEADM_JUNK_OK, SIEVE_PLUGIN_NAME, NULL);
	}
}

/*
 * Service
 */

static void check_socket_mode(void)
{
	const char *path = doveadm_junk_socket_path();
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (st.st_uid == 0 && (st.st_mode & 0022) == 0) {
		doveadm_junk_row_error("socket", EX_CONFIG,
			t_strdup_printf("%s: owned by root with mode "
					"%04o", path,
					(unsigned int)st.st_mode & 0777),
			"mail processes can't write to it: set mode = 0666 "
			"(or user and group) in unix_listener junk-feedback "
			"{ } of service junk-feedback { }");
	} else {
		doveadm_junk_row("socket", DOVEADM_JUNK_OK, path, NULL);
	}
}

/* Print the service's status. A value "error: ..." is an error. */
static void print_status(const ARRAY_TYPE(junk_key_values) *status)
{
	const struct junk_key_value *kv;

	array_foreach(status, kv) {
		if (doveadm_junk_value_is_error(kv->value))
			doveadm_junk_row_error(kv->key, EX_SOFTWARE, kv->value + 7, NULL);
		else
			doveadm_junk_row(kv->key, DOVEADM_JUNK_OK, kv->value, NULL);
	}
}

static bool check_service(ARRAY_TYPE(junk_key_values) *status)
{
	const char *error;

	if (doveadm_junk_service_status(status, &error) < 0) {
		doveadm_junk_row_error("service", EX_UNAVAILABLE, error,
			    "check that service junk-feedback { } is in the "
			    "configuration and that Dovecot is running; if "
			    "the service fails, doveadm log errors shows the "
			    "reason");
		return FALSE;
	}
	doveadm_junk_row("service", DOVEADM_JUNK_OK, "answers", NULL);
	return TRUE;
}

/*
 * Segment
 */

static const char *time_string(uint64_t secs)
{
	return t_strflocaltime("%Y-%m-%d %H:%M:%S", secs);
}

static bool model_has_shared_weights(const struct junk_model *model)
{
	for (size_t i = 0; i < (size_t)1 << model->global_log2; i++) {
		if ((model->weights[i] & ~JUNK_WEIGHT_FAMILIAR) != 0)
			return TRUE;
	}
	return FALSE;
}

/* The model gives no scores of 90 and above yet: say so, and what helps. */
static void check_claims(const struct junk_model *model, const char *reports)
{
	const bool few = model->spam_count < JUNK_MODEL_CLAIM_SPAM ||
		model->ham_count < JUNK_MODEL_CLAIM_HAM;

	doveadm_junk_row("model", DOVEADM_JUNK_NOTE, t_strconcat(
		reports, ": still learning: only near copies of reported spam "
		"score 90 and above", NULL), !few ?
		"the reports do not yet separate good mail from spam well "
		"enough; report more good mail, or run doveadm junk start" :
		t_strdup_printf("%u different messages of good mail and %u of "
				"spam are needed: doveadm junk start",
				JUNK_MODEL_CLAIM_HAM, JUNK_MODEL_CLAIM_SPAM));
}

static void check_model(const struct junk_model *model)
{
	const char *value = t_strdup_printf("%u spam, %u ham",
					    model->spam_count,
					    model->ham_count);

	if (model->spam_count < model->min_reports ||
	    model->ham_count < model->min_reports) {
		doveadm_junk_row("model", DOVEADM_JUNK_NOTE, t_strconcat(
			value, ": all scores are unknown", NULL),
			t_strdup_printf("at least %u reports of spam and %u "
					"of ham are needed: doveadm junk start",
					model->min_reports,
					model->min_reports));
	} else if (!model_has_shared_weights(model)) {
		doveadm_junk_row("model", DOVEADM_JUNK_NOTE, t_strconcat(
			value, ": only users who have reported mail get "
			       "scores", NULL),
			"for other users and for the milter, more people have "
			"to report mail (junk_feedback_min_reporters)");
	} else if (model->claim_sum >= JUNK_MODEL_NO_CLAIM) {
		check_claims(model, value);
	} else {
		doveadm_junk_row("model", DOVEADM_JUNK_OK, value, NULL);
	}
}

/* Returns a setting that names a user or group; "" if it isn't set. */
static const char *mail_setting(const char *name)
{
	const char *value, *error;

	if (doveadm_junk_config_get("imap", name, FALSE, &value, &error) < 0)
		return "";
	return t_str_trim(value, " \t\r\n");
}

static gid_t user_gid(const struct passwd *user)
{
	return user == NULL ? 0 : user->pw_gid;
}

/* Returns the group that all mail processes have, if it can be determined: from
   the socket's mode, which says who may report, or from a single user for all
   mail. Root's group doesn't count. */
static gid_t find_mail_gid(void)
{
	const char *name;
	const struct group *group;
	struct stat st;
	uid_t uid;

	if (stat(doveadm_junk_socket_path(), &st) == 0 &&
	    (st.st_mode & 0006) == 0) {
		return (st.st_mode & 0060) != 0 ? st.st_gid :
			user_gid(getpwuid(st.st_uid));
	}
	name = mail_setting("mail_gid");
	if (*name != '\0') {
		group = getgrnam(name);
		return group != NULL ? group->gr_gid : 0;
	}
	name = mail_setting("mail_uid");
	if (*name == '\0')
		return 0;
	return str_to_uid(name, &uid) == 0 ? user_gid(getpwuid(uid)) :
		user_gid(getpwnam(name));
}

/* Check the segment's mode: anyone who can read it can look up words
   (doc/privacy.md). */
static void check_segment_width(const char *mode)
{
	const gid_t gid = find_mail_gid();
	const struct group *group = gid == 0 ? NULL : getgrgid(gid);

	if (group == NULL)
		return;
	doveadm_junk_row("segment mode", DOVEADM_JUNK_NOTE, t_strdup_printf(
		"%s: every user of this host can read it, but only the group "
		"%s of the mail processes needs to", mode, group->gr_name),
		t_strdup_printf("set junk_feedback_segment_mode = 0640 and "
		"junk_feedback_segment_group = %s; the milter's user must be "
		"in this group too", group->gr_name));
}

static void check_segment_mode(const char *path)
{
	struct stat st;
	const char *mode;

	if (stat(path, &st) < 0)
		return;
	mode = t_strdup_printf("%04o", (unsigned int)st.st_mode & 0777);
	if ((st.st_mode & 0044) == 0) {
		doveadm_junk_row_error("segment", EX_CONFIG,
			t_strdup_printf("%s: mode %s", path, mode),
			"mail processes can't read it: run chmod 0644, and "
			"check junk_feedback_segment_mode");
	} else if ((st.st_mode & 0004) != 0) {
		check_segment_width(mode);
	}
}

static void check_segment(bool service_up)
{
	const char *path = doveadm_junk_segment_path();
	struct junk_segment *segment = junk_segment_open(path);
	struct junk_model model;
	const char *reason;

	if (junk_segment_get(segment, ioloop_time, &model, &reason) < 0) {
		doveadm_junk_row_error("segment", EX_UNAVAILABLE, reason,
			service_up ? "the service's log has the reason: "
				"doveadm log errors" :
				"the service creates it when it starts");
	} else {
		doveadm_junk_row("segment", DOVEADM_JUNK_OK, t_strdup_printf(
			"generation %u, changed %s",
			junk_segment_generation(segment),
			time_string(junk_segment_last_change(segment))), NULL);
		check_segment_mode(path);
		check_model(&model);
	}
	junk_segment_close(&segment);
}

bool doveadm_junk_check_all(ARRAY_TYPE(junk_key_values) *status)
{
	bool service_up;

	check_plugin_file();
	check_mail_plugins();
	check_sieve_plugins("lmtp");
	check_sieve_plugins("lda");
	service_up = check_service(status);
	if (service_up) {
		check_socket_mode();
		doveadm_junk_check_files(status);
	}
	check_segment(service_up);
	return service_up;
}

static void cmd_junk_status(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	ARRAY_TYPE(junk_key_values) status;

	t_array_init(&status, 32);
	doveadm_junk_rows_begin();
	(void)doveadm_junk_check_all(&status);
	doveadm_junk_check_delivery(FALSE, &status);
	print_status(&status);
	doveadm_junk_rows_end();
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_status = {
	.name = "junk status",
	.usage = "",
	.cmd = cmd_junk_status,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

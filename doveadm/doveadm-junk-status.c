/* doveadm junk status: is everything wired, and what to do if it isn't */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "time-util.h"
#include "doveadm-print.h"

#include "junk-segment.h"
#include "doveadm-junk.h"

#include <sys/stat.h>

#define PLUGIN_NAME "junk_feedback"
#define PLUGIN_FNAME "lib20_junk_feedback_plugin.so"
#define SIEVE_PLUGIN_NAME "sieve_vnd_junk_feedback"

enum check_state {
	CHECK_OK,
	/* for information, or a choice of the administrator's */
	CHECK_NOTE,
	CHECK_ERROR
};

static const char *const state_names[] = { "ok", "note", "error" };

struct status_row {
	const char *item;
	enum check_state state;
	const char *value;
};

/* Printed at the end, so that the columns of a table have their widths. */
static ARRAY(struct status_row) status_rows;

static void print_row(const char *item, enum check_state state,
		      const char *value, const char *advice)
{
	struct status_row row = { item, state, value };

	/* a table with two long columns can't be read */
	if (advice != NULL)
		row.value = t_strconcat(value, ". Fix: ", advice, NULL);
	array_push_back(&status_rows, &row);
}

static void print_rows(void)
{
	const struct status_row *row;

	array_foreach(&status_rows, row) {
		doveadm_print(row->item);
		doveadm_print(state_names[row->state]);
		doveadm_print(row->value);
	}
}

/* The first error decides the exit code. */
static void
print_error(const char *item, int exit_code, const char *value,
	    const char *advice)
{
	print_row(item, CHECK_ERROR, value, advice);
	if (doveadm_exit_code == 0)
		doveadm_exit_code = exit_code;
}

/*
 * Configuration
 */

static void check_plugin_file(void)
{
	const char *path = t_strconcat(doveadm_settings->mail_plugin_dir,
				       "/"PLUGIN_FNAME, NULL);
	struct stat st;

	if (stat(path, &st) == 0) {
		print_row("plugin file", CHECK_OK, path, NULL);
	} else {
		print_error("plugin file", EX_CONFIG,
			t_strdup_printf("stat(%s) failed: %m", path),
			"install dovecot-junk-feedback, or set "
			"mail_plugin_dir to where it is");
	}
}

static void check_mail_plugins(void)
{
	const char *value, *error;

	if (doveadm_junk_config_get("imap", "mail_plugins", FALSE,
				    &value, &error) < 0) {
		print_error("imap mail_plugins", EX_CONFIG, error,
			    "check the configuration with doveconf");
	} else if (!doveadm_junk_list_has(value, PLUGIN_NAME)) {
		print_error("imap mail_plugins", EX_CONFIG,
			    "no "PLUGIN_NAME,
			    "add notify and "PLUGIN_NAME" to mail_plugins "
			    "in protocol imap { }");
	} else if (!doveadm_junk_list_has(value, "notify")) {
		print_error("imap mail_plugins", EX_CONFIG,
			    "no notify, which "PLUGIN_NAME" needs",
			    "add notify before "PLUGIN_NAME" to mail_plugins "
			    "in protocol imap { }");
	} else {
		print_row("imap mail_plugins", CHECK_OK, PLUGIN_NAME, NULL);
	}
}

/* Who has no Sieve may use the milter, so this isn't an error. */
static void check_sieve_plugins(const char *protocol)
{
	const char *item = t_strconcat(protocol, " sieve_plugins", NULL);
	const char *value, *error;

	if (doveadm_junk_config_get(protocol, "sieve_plugins", TRUE,
				    &value, &error) < 0) {
		print_row(item, CHECK_NOTE, error, NULL);
	} else if (!doveadm_junk_list_has(value, SIEVE_PLUGIN_NAME)) {
		print_row(item, CHECK_NOTE, "no "SIEVE_PLUGIN_NAME,
			  "to score mail in Sieve scripts, add it to "
			  "sieve_plugins");
	} else {
		print_row(item, CHECK_OK, SIEVE_PLUGIN_NAME, NULL);
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
		print_error("socket", EX_CONFIG,
			t_strdup_printf("%s: mode %04o of root", path,
					(unsigned int)st.st_mode & 0777),
			"mail processes can't write to it: set mode = 0666 "
			"(or user and group) in unix_listener junk-feedback "
			"{ } of service junk-feedback { }");
	} else {
		print_row("socket", CHECK_OK, path, NULL);
	}
}

/* What the service says of itself. A value "error: ..." is one. */
static void print_status(const ARRAY_TYPE(junk_key_values) *status)
{
	const struct junk_key_value *kv;

	array_foreach(status, kv) {
		if (doveadm_junk_value_is_error(kv->value))
			print_error(kv->key, EX_SOFTWARE, kv->value + 7, NULL);
		else
			print_row(kv->key, CHECK_OK, kv->value, NULL);
	}
}

static bool check_service(ARRAY_TYPE(junk_key_values) *status)
{
	const char *error;

	if (doveadm_junk_service_status(status, &error) < 0) {
		print_error("service", EX_UNAVAILABLE, error,
			    "is service junk-feedback { } in the "
			    "configuration, and is Dovecot running? Its log "
			    "says why it fails: doveadm log errors");
		return FALSE;
	}
	print_row("service", CHECK_OK, "answers", NULL);
	return TRUE;
}

/*
 * Segment
 */

static const char *time_string(uint64_t secs)
{
	return t_strflocaltime("%Y-%m-%d %H:%M:%S", secs);
}

static void check_model(const struct junk_model *model)
{
	const char *value = t_strdup_printf("%u spam, %u ham",
					    model->spam_count,
					    model->ham_count);

	if (model->spam_count < model->min_reports ||
	    model->ham_count < model->min_reports) {
		print_row("model", CHECK_NOTE, value, t_strdup_printf(
			"all scores are unknown until there are %u reports of "
			"spam and of ham each: doveadm junk learn",
			model->min_reports));
	} else {
		print_row("model", CHECK_OK, value, NULL);
	}
}

static void check_segment_mode(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 0044) == 0) {
		print_error("segment", EX_CONFIG,
			t_strdup_printf("%s: mode %04o", path,
					(unsigned int)st.st_mode & 0777),
			"mail processes can't read it: chmod 0644");
	}
}

static void check_segment(bool service_up)
{
	const char *path = doveadm_junk_segment_path();
	struct junk_segment *segment = junk_segment_open(path);
	struct junk_model model;
	const char *reason;

	if (junk_segment_get(segment, ioloop_time, &model, &reason) < 0) {
		print_error("segment", EX_UNAVAILABLE, reason,
			service_up ? "the service's log says why: "
				"doveadm log errors" :
				"it appears when the service runs");
	} else {
		print_row("segment", CHECK_OK, t_strdup_printf(
			"generation %u, changed %s",
			junk_segment_generation(segment),
			time_string(junk_segment_last_change(segment))), NULL);
		check_segment_mode(path);
		check_model(&model);
	}
	junk_segment_close(&segment);
}

static void cmd_junk_status(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	ARRAY_TYPE(junk_key_values) status;
	bool service_up;

	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header("item", "item", 0);
	doveadm_print_header("state", "state", 0);
	doveadm_print_header("value", "value",
			     DOVEADM_PRINT_HEADER_FLAG_EXPAND);

	t_array_init(&status_rows, 64);
	check_plugin_file();
	check_mail_plugins();
	check_sieve_plugins("lmtp");
	check_sieve_plugins("lda");

	t_array_init(&status, 32);
	service_up = check_service(&status);
	if (service_up)
		check_socket_mode();
	check_segment(service_up);
	print_status(&status);
	print_rows();
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_status = {
	.name = "junk status",
	.usage = "",
	.cmd = cmd_junk_status,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

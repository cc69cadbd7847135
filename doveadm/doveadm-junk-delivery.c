/* Checks whether new mail is scored. It follows the way of a message: from
   Postfix to LMTP or LDA and to a Sieve script that asks for the score, or
   through the milter. The counter page (junk-counts.h) tells how much mail was
   scored. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "str.h"
#include "time-util.h"

#include "junk-counts.h"
#include "doveadm-junk.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>

#define DAY_SECS (24*60*60)
/* Without any scored message for so long, something is probably wrong. */
#define QUIET_SECS (3*DAY_SECS)
/* A new installation may run for so long without having scored any message. */
#define NEW_SECS (60*60)
#define POSTFIX_PID_PATH "/var/spool/postfix/pid/master.pid"
#define MILTER_WORD "junk-feedback"

/*
 * Counter page
 */

static const char *time_string(time_t t)
{
	return t_strflocaltime("%Y-%m-%d %H:%M:%S", t);
}

static const char *totals_string(const struct junk_counts_totals *totals)
{
	const struct junk_counts_sum *sum;
	string_t *str = t_str_new(128);
	uint64_t day = totals->days[0].messages + totals->days[1].messages;

	str_printfa(str, "last %s by", time_string(totals->all.last));
	for (int i = 0; i < JUNK_COUNTS_PROGRAM_COUNT; i++) {
		sum = &totals->programs[i];
		if (sum->last == 0)
			continue;
		if (sum->last == totals->all.last)
			str_printfa(str, " %s", junk_counts_program_name(i));
	}
	str_printfa(str, "; %"PRIu64" messages since yesterday, %"PRIu64
		    " in %u days (UTC): %"PRIu64" reached the threshold, %"
		    PRIu64" unknown", day, totals->all.messages,
		    JUNK_COUNTS_DAYS, totals->all.above, totals->all.unknown);
	return str_c(str);
}

static bool
has_reports(const ARRAY_TYPE(junk_key_values) *status)
{
	const struct junk_key_value *kv;

	/* not reports_recorded, since "doveadm junk check" increases it */
	array_foreach(status, kv) {
		if ((strcmp(kv->key, "model_spam") == 0 ||
		     strcmp(kv->key, "model_ham") == 0) &&
		    strcmp(kv->value, "0") != 0)
			return TRUE;
	}
	return FALSE;
}

static void
check_counts(bool active, const ARRAY_TYPE(junk_key_values) *status,
	     struct junk_counts_totals *totals_r)
{
	const char *path = doveadm_junk_counts_path();
	const char *error;
	time_t quiet;

	if (junk_counts_read(path, ioloop_time, totals_r, &error) < 0) {
		doveadm_junk_row("scored mail", DOVEADM_JUNK_NOTE, error,
			"the service creates this file when it starts");
		return;
	}
	if (totals_r->all.messages == 0) {
		if (active && (has_reports(status) ||
			       ioloop_time - totals_r->created > NEW_SECS)) {
			doveadm_junk_row_error("scored mail", EX_UNAVAILABLE,
				"no message has been scored yet",
				"deliver a message and run doveadm junk check "
				"again; the rows below say what is missing");
		} else {
			doveadm_junk_row("scored mail", DOVEADM_JUNK_NOTE,
				"no message yet", NULL);
		}
		return;
	}
	quiet = ioloop_time - totals_r->all.last;
	if (active && quiet > QUIET_SECS) {
		doveadm_junk_row_error("scored mail", EX_UNAVAILABLE,
			totals_string(totals_r), t_strdup_printf(
			"no mail was scored for %d days: check that mail is "
			"still delivered through LMTP, LDA or the milter",
			(int)(quiet / DAY_SECS)));
	} else {
		doveadm_junk_row("scored mail", DOVEADM_JUNK_OK,
				 totals_string(totals_r), NULL);
	}
}

/*
 * Postfix
 */

static bool postfix_runs(void)
{
	string_t *output = t_str_new(64);
	const char *argv[] = { "cat", POSTFIX_PID_PATH, NULL };
	const char *error;
	int status;
	pid_t pid;

	if (access(POSTFIX_PID_PATH, F_OK) < 0 ||
	    doveadm_junk_exec(argv, FALSE, output, &status, &error) < 0 ||
	    str_to_pid(t_str_trim(str_c(output), " \n"), &pid) < 0)
		return FALSE;
	return kill(pid, 0) == 0 || errno == EPERM;
}

static const char *postfix_settings(const char *const names[])
{
	ARRAY_TYPE(const_string) argv;
	const char *words[] = { "postconf", "-h" }, *error;
	string_t *output = t_str_new(256);
	int status;

	t_array_init(&argv, 16);
	array_append(&argv, words, N_ELEMENTS(words));
	array_append(&argv, names, str_array_length(names));
	array_append_zero(&argv);
	if (doveadm_junk_exec(array_front(&argv), FALSE, output, &status,
			      &error) < 0)
		return "";
	return str_c(output);
}

static bool has_milter(void)
{
	static const char *const names[] = {
		"smtpd_milters", "non_smtpd_milters", NULL
	};

	return postfix_runs() &&
		strstr(postfix_settings(names), MILTER_WORD) != NULL;
}

/* Warn if Postfix delivers by local(8) or virtual(8), which write mailboxes
   without Dovecot. */
static void check_postfix(bool active)
{
	static const char *const names[] = {
		"mailbox_command", "mailbox_transport", "virtual_transport",
		"local_transport", "transport_maps", "mailbox_command_maps",
		"mailbox_transport_maps", NULL
	};
	const char *settings;

	if (!postfix_runs())
		return;
	settings = postfix_settings(names);
	if (strstr(settings, "lmtp") != NULL ||
	    strstr(settings, "dovecot") != NULL) {
		doveadm_junk_row("postfix", DOVEADM_JUNK_OK,
				 "delivers through Dovecot", NULL);
	} else if (has_milter()) {
		doveadm_junk_row("postfix", DOVEADM_JUNK_OK,
				 "scores through the milter", NULL);
	} else if (strstr(settings, ":/") != NULL || !active) {
		doveadm_junk_row("postfix", DOVEADM_JUNK_NOTE,
			"main.cf has no transport to Dovecot",
			"if its maps don't name one either: postconf -e "
			"mailbox_transport=lmtp:unix:private/dovecot-lmtp");
	} else {
		doveadm_junk_row_error("postfix", EX_CONFIG,
			"delivers mail itself, without Dovecot and its Sieve "
			"scripts",
			"let Dovecot listen in /var/spool/postfix/private/"
			"dovecot-lmtp, and: postconf -e mailbox_transport="
			"lmtp:unix:private/dovecot-lmtp; or use the milter: "
			"junk-feedback-milter(8)");
	}
}

/*
 * Sieve
 */

static bool check_sieve_is_used(const char *protocol, bool active)
{
	const char *value, *error;
	const char *item = t_strconcat(protocol, " mail_plugins", NULL);
	const char *fix = t_strdup_printf("add sieve to mail_plugins in "
		"protocol %s { }", protocol);

	if (doveadm_junk_config_get(protocol, "mail_plugins", FALSE, &value,
				    &error) < 0) {
		doveadm_junk_row(item, DOVEADM_JUNK_NOTE, error, NULL);
		return FALSE;
	}
	if (doveadm_junk_list_has(value, "sieve"))
		return TRUE;
	if (active) {
		doveadm_junk_row_error(item, EX_CONFIG,
				       "the plugin sieve is not loaded: no "
				       "script runs", fix);
	} else {
		doveadm_junk_row(item, DOVEADM_JUNK_NOTE,
				 "the plugin sieve is not loaded: no script "
				 "runs", fix);
	}
	return FALSE;
}

static void
check_script(const char *protocol, const struct doveadm_junk_script *script,
	     const char *bin_path, bool active)
{
	const char *item = t_strconcat("script ", script->path, NULL);
	const char *error;
	struct stat st;

	if (stat(script->path, &st) < 0) {
		doveadm_junk_row_error(item, EX_CONFIG,
			t_strdup_printf("%s: %m", script->setting),
			"mail is delivered without this script: create the "
			"script, or remove the setting");
	} else if (doveadm_junk_script_readable(protocol, script->path) < 0) {
		doveadm_junk_row_error(item, EX_CONFIG,
			t_strdup_printf("%s: users' processes can't read it: "
					"%m", script->setting),
			"run chmod a+r on the script and its .svbin file, and "
			"chmod a+x on the folders");
	} else if (!active) {
		doveadm_junk_row(item, DOVEADM_JUNK_OK, script->setting,
				 NULL);
	} else if (doveadm_junk_script_compile(protocol, script->path,
					       bin_path, &error) < 0) {
		doveadm_junk_row_error(item, EX_CONFIG,
			t_strdup_printf("%s doesn't compile: %s",
					script->setting, error),
			"until it compiles, users' own scripts are skipped "
			"too. If an extension is unknown, a later file "
			"replaces sieve_plugins or sieve_global_extensions: "
			"run doveadm junk setup");
	} else {
		doveadm_junk_row(item, DOVEADM_JUNK_OK,
			t_strconcat(script->setting, ", compiles", NULL),
			NULL);
	}
	i_unlink_if_exists(bin_path);
}

/* Returns TRUE if a script asks for the score. */
static bool
check_scripts(const char *protocol,
	      const ARRAY_TYPE(doveadm_junk_scripts) *scripts, bool active)
{
	const struct doveadm_junk_script *script;
	char dir[] = "/tmp/doveadm-junk-XXXXXX";
	bool scores = FALSE;

	if (mkdtemp(dir) == NULL) {
		doveadm_junk_row_error("scripts", EX_CANTCREAT,
			t_strdup_printf("mkdtemp(%s) failed: %m", dir), NULL);
		return TRUE;
	}
	array_foreach(scripts, script) {
		check_script(protocol, script,
			     t_strconcat(dir, "/check.svbin", NULL), active);
		scores = scores || doveadm_junk_script_scores(script);
	}
	if (rmdir(dir) < 0)
		i_error("rmdir(%s) failed: %m", dir);
	return scores;
}

static void
check_sieve(const char *protocol, bool milter, bool active)
{
	ARRAY_TYPE(doveadm_junk_scripts) scripts;
	const char *error, *item = t_strconcat(protocol, " scripts", NULL);

	/* with the milter, Sieve isn't needed */
	if (!check_sieve_is_used(protocol, active && !milter))
		return;
	t_array_init(&scripts, 8);
	if (doveadm_junk_scripts_find(protocol, &scripts, &error) < 0) {
		doveadm_junk_row_error(item, EX_CONFIG, error, NULL);
		return;
	}
	if (check_scripts(protocol, &scripts, active))
		return;
	error = "no script that runs for all users uses the score: new mail "
		"is not scored";
	if (active && !milter) {
		doveadm_junk_row_error(item, EX_CONFIG, error,
			"doveadm junk setup adds junk.sieve");
	} else {
		doveadm_junk_row(item, DOVEADM_JUNK_NOTE, error,
			"doveadm junk setup adds junk.sieve");
	}
}

/* Warn about a chroot: a process inside can see neither segment nor socket. */
static void check_chroot(const char *protocol)
{
	const char *names[] = {
		"mail_chroot",
		t_strconcat("service/", protocol, "/chroot", NULL)
	};
	const char *value, *error;

	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		if (doveadm_junk_config_get(protocol, names[i], FALSE, &value,
					    &error) < 0)
			continue;
		value = t_str_trim(value, " \t\r\n");
		if (*value == '\0' || strcmp(value, "/") == 0)
			continue;
		doveadm_junk_row_error(names[i], EX_CONFIG, value,
			t_strdup_printf("%s processes can access neither the "
			"service's socket nor its scores: remove the setting",
			protocol));
	}
}

void doveadm_junk_check_delivery(bool active,
				 const ARRAY_TYPE(junk_key_values) *status)
{
	struct junk_counts_totals totals;
	const char *protocol = "lda", *value, *error;
	bool milter;

	check_counts(active, status, &totals);
	milter = has_milter() ||
		totals.programs[JUNK_COUNTS_MILTER].last + QUIET_SECS >
		ioloop_time;
	check_postfix(active);
	if (doveadm_junk_config_get("lmtp", "protocols", FALSE, &value,
				    &error) < 0 ||
	    doveadm_junk_list_has(value, "lmtp"))
		protocol = "lmtp";
	check_chroot(protocol);
	check_chroot("imap");
	check_sieve(protocol, milter, active);
}

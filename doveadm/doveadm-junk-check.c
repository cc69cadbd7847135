/* doveadm junk check: tests each step from a report to a score by using it. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "randgen.h"
#include "time-util.h"
#include "str.h"

#include "junk-allow-file.h"
#include "junk-clock.h"
#include "junk-report.h"
#include "junk-segment.h"
#include "junk-settings.h"
#include "doveadm-junk.h"
#include "doveadm-junk-db.h"

#include <dirent.h>
#include <unistd.h>
#include <sys/stat.h>

/* The number of tokens in the test report. Its identity and its message don't
   exist. */
#define CHECK_TOKENS 16
/* The service publishes the new score within a fraction of a second. */
#define CHECK_PUBLISH_MSECS 2000
/* The time limit of the search through all users' spools, in seconds. */
#define SPOOL_TIMEOUT_SECS "20"

/*
 * A report, there and back
 */

static unsigned int msecs_since(uint64_t start_usecs)
{
	return (unsigned int)((junk_clock_usecs() - start_usecs + 999) / 1000);
}

static int
send_report(struct doveadm_junk_service *service, struct junk_report *report,
	    enum junk_verdict verdict, const char **error_r)
{
	report->verdict = verdict;
	report->stamp_usecs = i_microseconds();
	if (doveadm_junk_service_report(service, report, error_r) < 0)
		return -1;
	return doveadm_junk_service_finish(service, error_r);
}

static bool wait_published(struct junk_segment *segment, uint32_t generation)
{
	uint64_t start = junk_clock_usecs();
	struct junk_model model;
	const char *reason;

	do {
		if (junk_segment_get(segment, ioloop_time, &model,
				     &reason) == 0 &&
		    junk_segment_generation(segment) != generation)
			return TRUE;
		usleep(1000);
	} while (msecs_since(start) < CHECK_PUBLISH_MSECS);
	return FALSE;
}

static void
check_round_trip(struct doveadm_junk_service *service,
		 struct junk_segment *segment, struct junk_report *report)
{
	uint32_t generation = junk_segment_generation(segment);
	uint64_t start = junk_clock_usecs();
	const char *error;

	if (send_report(service, report, JUNK_VERDICT_HAM, &error) < 0) {
		doveadm_junk_row_error("report", EX_UNAVAILABLE, error,
			"the service's log has the reason: doveadm log errors");
		return;
	}
	doveadm_junk_row("report", DOVEADM_JUNK_OK, t_strdup_printf(
		"stored after %u ms", msecs_since(start)), NULL);

	start = junk_clock_usecs();
	if (wait_published(segment, generation)) {
		doveadm_junk_row("scores", DOVEADM_JUNK_OK, t_strdup_printf(
			"changed %u ms later", msecs_since(start)), NULL);
	} else {
		doveadm_junk_row_error("scores", EX_SOFTWARE,
			"scores did not change after a test report",
			"restart the service: doveadm service stop "
			"junk-feedback (Dovecot starts it again)");
	}
	if (send_report(service, report, JUNK_VERDICT_RETRACT, &error) < 0) {
		doveadm_junk_row_error("take back", EX_UNAVAILABLE, error,
			"the service's log has the reason: doveadm log errors");
	} else {
		doveadm_junk_row("take back", DOVEADM_JUNK_OK,
				 "the test report has no effect any more",
				 NULL);
	}
}

static void check_report(void)
{
	struct doveadm_junk_service *service;
	struct junk_segment *segment;
	struct junk_report report;
	struct junk_model model;
	junk_token_t tokens[CHECK_TOKENS];
	const char *error;

	i_zero(&report);
	report.origin = JUNK_ORIGIN_LEARN;
	report.feature_set = JUNK_FEATURE_SET;
	random_fill(report.reporter, sizeof(report.reporter));
	random_fill(report.digest, sizeof(report.digest));
	random_fill(tokens, sizeof(tokens));
	for (unsigned int i = 0; i < CHECK_TOKENS; i++)
		tokens[i] &= JUNK_TOKEN_HASH_MASK;
	report.tokens = tokens;
	report.token_count = CHECK_TOKENS;

	if (doveadm_junk_service_connect(&service, &error) < 0) {
		doveadm_junk_row_error("report", EX_UNAVAILABLE, error, NULL);
		return;
	}
	segment = junk_segment_open(doveadm_junk_segment_path());
	(void)junk_segment_get(segment, ioloop_time, &model, &error);
	check_round_trip(service, segment, &report);
	junk_segment_close(&segment);
	doveadm_junk_service_close(&service);
}

/*
 * What the service has open
 */

/* Returns TRUE if the process has opened the file that is now at the path. A
   deleted file stays open until the service ends: everything seems to work, but
   all data is lost then. */
static bool process_has_file(const char *pid, const char *path)
{
	const char *fd_dir = t_strdup_printf("/proc/%s/fd", pid);
	struct stat wanted, st;
	struct dirent *d;
	DIR *dir;
	bool found = FALSE;

	if (stat(path, &wanted) < 0)
		return FALSE;
	dir = opendir(fd_dir);
	if (dir == NULL) {
		/* can't tell: doveadm isn't root, or the process is on another
		   host */
		return TRUE;
	}
	while (!found && (d = readdir(dir)) != NULL) {
		found = stat(t_strconcat(fd_dir, "/", d->d_name, NULL),
			     &st) == 0 &&
			st.st_dev == wanted.st_dev &&
			st.st_ino == wanted.st_ino;
	}
	(void)closedir(dir);
	return found;
}

void doveadm_junk_check_files(const ARRAY_TYPE(junk_key_values) *status)
{
	const char *key = doveadm_junk_value_find(status, "key");
	const char *database = doveadm_junk_value_find(status, "database");
	const char *pid = doveadm_junk_value_find(status, "pid");

	if (key != NULL && *key == '/' && access(key, F_OK) < 0) {
		doveadm_junk_row_error("key file", EX_NOINPUT,
			t_strdup_printf("%s: %m", key),
			"the service has the key in memory until it exits, "
			"and can't use its database without it afterwards: "
			"restore it from a backup, or create a new key while "
			"the service runs: doveadm junk rekey --yes");
	}
	/* in other states the service itself reports what is wrong */
	if (database == NULL || *database != '/' || pid == NULL ||
	    null_strcmp(doveadm_junk_value_find(status, "state"), "ready") != 0)
		return;
	if (!process_has_file(pid, database)) {
		doveadm_junk_row_error("database file", EX_NOINPUT,
			t_strdup_printf("%s was deleted or replaced while the "
					"service is running", database),
			"run doveadm service stop junk-feedback, restore the "
			"file from a backup if there is one, and run doveadm "
			"junk check again");
	}
}

/*
 * Reports
 */

static const char *utc_hour(int64_t secs)
{
	return t_strdup_printf("%s (UTC)", t_strfgmtime("%Y-%m-%d %H:00",
							(time_t)secs));
}

/* The database stores the hour of a report, not its time: see
   doc/privacy.md. */
static void check_last_report(sqlite3 *db)
{
	sqlite3_stmt *stmt = doveadm_junk_db_query(db, "junk check",
		"SELECT coalesce(max(hour), 0), coalesce(sum(reports), 0) "
		"FROM hours", NULL, 0);

	if (!doveadm_junk_db_next(db, "junk check", &stmt))
		return;
	if (sqlite3_column_int64(stmt, 1) == 0) {
		doveadm_junk_row("last report", DOVEADM_JUNK_NOTE, "none yet",
			"move a message to Junk with a mail client and run "
			"doveadm junk check again");
	} else {
		doveadm_junk_row("last report", DOVEADM_JUNK_OK,
			t_strdup_printf("%s; %lld in all",
				utc_hour(sqlite3_column_int64(stmt, 0)),
				(long long)sqlite3_column_int64(stmt, 1)),
			NULL);
	}
	(void)sqlite3_finalize(stmt);
}

static void check_database(void)
{
	const char *error;
	sqlite3 *db;

	if (doveadm_junk_db_open(&db, &error) < 0) {
		doveadm_junk_row_error("database", EX_NOINPUT, error, NULL);
		return;
	}
	doveadm_junk_row("database", DOVEADM_JUNK_OK, doveadm_junk_db_path(),
			 NULL);
	check_last_report(db);
	doveadm_junk_db_close(&db);
}

/* Check the spools of all users in a separate doveadm process, since it changes
   to each user's uid. */
static void check_spools(void)
{
	const char *argv[] = {
		"timeout", SPOOL_TIMEOUT_SECS, "doveadm", "-c",
		doveadm_junk_config_path(), "-f", "tab", "junk", "spool", "-A",
		NULL
	};
	string_t *output = t_str_new(256);
	const char *error, *const *lines;
	unsigned int users = 0;
	uint64_t num, reports = 0;
	int status;

	if (doveadm_junk_exec(argv, FALSE, output, &status, &error) < 0) {
		doveadm_junk_row("spools", DOVEADM_JUNK_NOTE, error, NULL);
		return;
	}
	/* columns: username, reports, sent; the first line is the header */
	for (lines = t_strsplit(str_c(output), "\n"); *lines != NULL; lines++) {
		const char *const *fields = t_strsplit(*lines, "\t");

		if (str_array_length(fields) == 3 &&
		    str_to_uint64(fields[1], &num) == 0 && num > 0) {
			users++;
			reports += num;
		}
	}
	if (users > 0) {
		doveadm_junk_row_error("spools", EX_TEMPFAIL, t_strdup_printf(
			"%"PRIu64" reports of %u users wait in their spools",
			reports, users),
			"each user's next IMAP session sends them; to send "
			"them now: doveadm junk spool -A --send");
	} else if (status != 0) {
		doveadm_junk_row("spools", DOVEADM_JUNK_NOTE,
			"not all users' spools could be read within "
			SPOOL_TIMEOUT_SECS" s, or the users can't be listed",
			"run doveadm junk spool -A, or -F with a list of "
			"users");
	} else {
		doveadm_junk_row("spools", DOVEADM_JUNK_OK,
				 "no reports are waiting", NULL);
	}
}

static void check_settings(void)
{
	const char *error;

	if (doveadm_junk_settings_check(&error) < 0) {
		doveadm_junk_row_error("settings", EX_CONFIG, error,
			"correct the setting; until then Dovecot 2.3 uses its "
			"default");
	}
}

/* Trusted senders: the administrator's file, and whether any sender can be
   certain. */
static void check_allow(void)
{
	const struct junk_settings *set =
		doveadm_junk_settings_get(NULL, unsafe_data_stack_pool);
	const char *error;
	unsigned int count;

	if (*set->junk_feedback_allow_file == '\0')
		return;
	if (junk_allow_file_check(set->junk_feedback_allow_file, &count,
				  &error) < 0) {
		doveadm_junk_row_error("trusted senders", EX_CONFIG, error,
			"correct the file of junk_feedback_allow_file");
	} else if (*set->junk_feedback_authserv_id == '\0') {
		doveadm_junk_row_error("trusted senders", EX_CONFIG,
			"no sender is certain",
			"set junk_feedback_authserv_id to the MTA's name in "
			"Authentication-Results");
	} else {
		doveadm_junk_row("trusted senders", DOVEADM_JUNK_OK,
			t_strdup_printf("%u entries in %s", count,
					set->junk_feedback_allow_file), NULL);
	}
}

static void print_answer(const char *item, bool good, const char *yes,
			 const char *no)
{
	doveadm_junk_row(item, good ? DOVEADM_JUNK_OK : DOVEADM_JUNK_ERROR,
			 good ? yes : no, NULL);
}

static void print_errors(const ARRAY_TYPE(junk_key_values) *status)
{
	const struct junk_key_value *kv;

	array_foreach(status, kv) {
		if (doveadm_junk_value_is_error(kv->value)) {
			doveadm_junk_row_error(kv->key, EX_SOFTWARE,
					       kv->value + 7, NULL);
		}
	}
}

/* Scores may be there and none of them high enough to file a message: that is no
   fault, but a user who wonders has to be told. */
static void print_claims_answer(void)
{
	const struct doveadm_junk_row *row = doveadm_junk_row_find("model");

	if (row == NULL)
		return;
	doveadm_junk_row("is spam recognised", row->state,
			 row->state == DOVEADM_JUNK_OK ? "yes" :
			 "hardly any spam yet: see \"model\" above", NULL);
}

static void cmd_junk_check(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	ARRAY_TYPE(junk_key_values) status;
	unsigned int errors;
	bool reports, scores;

	t_array_init(&status, 32);
	doveadm_junk_rows_begin();
	if (doveadm_junk_check_all(&status)) {
		print_errors(&status);
		check_report();
	}
	check_settings();
	check_allow();
	check_database();
	check_spools();
	errors = doveadm_junk_rows_errors();
	reports = errors == 0;
	doveadm_junk_check_delivery(TRUE, &status);
	scores = doveadm_junk_rows_errors() == errors;
	print_answer("are moves learned", reports, "yes",
		     "not or only partly: see the errors above");
	print_answer("is new mail scored", scores, "yes",
		     "not or only partly: see the errors above");
	print_claims_answer();
	doveadm_junk_rows_end();
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_check = {
	.name = "junk check",
	.usage = "",
	.cmd = cmd_junk_check,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

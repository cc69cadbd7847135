/* doveadm junk metrics: prints gauges for Prometheus that Dovecot's own
   counters don't have: the size of the model, the age of the last report, the
   number of scored messages. The output is in the text format for
   node_exporter's textfile collector. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "str.h"

#include "junk-counts.h"
#include "doveadm-junk.h"
#include "doveadm-junk-db.h"

#include <stdio.h>

/* Keys of the service's status and the metrics made from them. */
static const struct {
	const char *key, *name, *type, *help;
} service_metrics[] = {
	{ "model_spam", "model_spam_reports", "gauge",
	  "Number of learned reports of spam." },
	{ "model_ham", "model_ham_reports", "gauge",
	  "Number of learned reports of good mail." },
	{ "database_bytes", "database_bytes", "gauge",
	  "Size of the database." },
	{ "reports_pending", "reports_pending", "gauge",
	  "Reports that are not in the database yet." },
	{ "reports_dropped_feature_set", "reports_dropped_total", "counter",
	  "Reports of an incompatible feature set." },
	{ "reports_refused", "reports_refused_total", "counter",
	  "Reports far over the limit or with the identity of another user." },
	{ "uptime_secs", "service_uptime_seconds", "gauge",
	  "Time since the service was started." },
};

static void
add_head(string_t *str, const char *name, const char *type, const char *help)
{
	str_printfa(str, "# HELP junk_feedback_%s %s\n"
		    "# TYPE junk_feedback_%s %s\n", name, help, name, type);
}

static void add_service(string_t *str)
{
	ARRAY_TYPE(junk_key_values) status;
	const char *value, *error;
	bool ready;
	uint64_t num;

	t_array_init(&status, 32);
	ready = doveadm_junk_service_status(&status, &error) == 0 &&
		null_strcmp(doveadm_junk_value_find(&status, "state"),
			    "ready") == 0;
	add_head(str, "up", "gauge", "1 if the service answers and is ready.");
	str_printfa(str, "junk_feedback_up %d\n", ready ? 1 : 0);
	for (unsigned int i = 0; i < N_ELEMENTS(service_metrics); i++) {
		value = doveadm_junk_value_find(&status, service_metrics[i].key);
		if (value == NULL || str_to_uint64(value, &num) < 0)
			continue;
		add_head(str, service_metrics[i].name, service_metrics[i].type,
			 service_metrics[i].help);
		str_printfa(str, "junk_feedback_%s %"PRIu64"\n",
			    service_metrics[i].name, num);
	}
}

/* The result is rounded to hours, since the database has no finer times. */
static void add_last_report(string_t *str)
{
	sqlite3_stmt *stmt;
	const char *error;
	sqlite3 *db;
	int exit_code = doveadm_exit_code;

	if (doveadm_junk_db_open(&db, &error) < 0)
		return;
	stmt = doveadm_junk_db_query(db, "junk metrics",
		"SELECT max(hour) FROM hours", NULL, 0);
	if (doveadm_junk_db_next(db, "junk metrics", &stmt)) {
		if (sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
			add_head(str, "last_report_timestamp_seconds", "gauge",
				 "The hour of the last report.");
			str_printfa(str, "junk_feedback_last_report_timestamp_"
				    "seconds %lld\n",
				    (long long)sqlite3_column_int64(stmt, 0));
		}
		(void)sqlite3_finalize(stmt);
	}
	doveadm_junk_db_close(&db);
	doveadm_exit_code = exit_code;
}

/* These are gauges, not counters: the page holds the last 64 days, so the sums
   can decrease. */
static void add_scored(string_t *str)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} numbers[] = {
		{ "scored_messages", "Messages scored in the last 64 days.",
		  offsetof(struct junk_counts_sum, messages) },
		{ "scored_unknown",
		  "Messages with an unknown score in the last 64 days.",
		  offsetof(struct junk_counts_sum, unknown) },
		{ "scored_filed",
		  "Messages that reached the threshold in the last 64 days.",
		  offsetof(struct junk_counts_sum, above) },
	};
	struct junk_counts_totals totals;
	const char *error;

	if (junk_counts_read(doveadm_junk_counts_path(), ioloop_time, &totals,
			     &error) < 0)
		return;
	for (unsigned int n = 0; n < N_ELEMENTS(numbers); n++) {
		add_head(str, numbers[n].name, "gauge", numbers[n].help);
		for (int i = 0; i < JUNK_COUNTS_PROGRAM_COUNT; i++) {
			const uint64_t *value = CONST_PTR_OFFSET(
				&totals.programs[i], numbers[n].offset);

			str_printfa(str, "junk_feedback_%s{program=\"%s\"} %"
				    PRIu64"\n", numbers[n].name,
				    junk_counts_program_name(i), *value);
		}
	}
	add_head(str, "last_scored_timestamp_seconds", "gauge",
		 "Time at which a message was last scored.");
	for (int i = 0; i < JUNK_COUNTS_PROGRAM_COUNT; i++) {
		if (totals.programs[i].last == 0)
			continue;
		str_printfa(str, "junk_feedback_last_scored_timestamp_seconds"
			    "{program=\"%s\"} %lld\n",
			    junk_counts_program_name(i),
			    (long long)totals.programs[i].last);
	}
}

static void cmd_junk_metrics(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	string_t *str = t_str_new(4096);

	if (doveadm_server) {
		i_error("junk metrics: this command works only on the host "
			"itself");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	add_service(str);
	add_last_report(str);
	add_scored(str);
	if (fwrite(str_data(str), 1, str_len(str), stdout) != str_len(str) ||
	    fflush(stdout) != 0) {
		i_error("junk metrics: write(stdout) failed: %m");
		doveadm_exit_code = EX_IOERR;
	}
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_metrics = {
	.name = "junk metrics",
	.usage = "",
	.flags = CMD_FLAG_NO_PRINT,
	.cmd = cmd_junk_metrics,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

/* doveadm junk stats: prints the filter's accuracy as measured by users'
   reports.

   Each report has the score that its message had before anyone reported it. So
   the share of reported spam below a threshold is what that threshold missed
   (false negatives), and the share of good mail above it is what it filed
   (false positives). Good mail is mail that users rescued and, as weak
   evidence, mail that they answered, flagged or filed. Bursts are left out. A
   message with an unknown score isn't filed. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "str.h"
#include "strnum.h"
#include "time-util.h"
#include "doveadm-print.h"

#include "junk-counts.h"
#include "doveadm-junk.h"
#include "doveadm-junk-db.h"
#include "doveadm-junk-rate.h"

#define COMMAND "junk stats"

struct stats_row {
	const char *name;
	int64_t spam, missed, ham, caught, weak_ham, weak_caught;
};

/* All scored mail, by day. The misses are a share of it. */
struct stats_mail {
	struct junk_counts_totals totals;
	struct junk_counts_sum sum;
};

/* What a row stands for, and the default of --since. */
struct stats_by {
	const char *name, *title;
	const char *key_sql;
	unsigned int since_secs;
};

static const struct stats_by stats_bys[] = {
	{ "day", "day", "strftime('%Y-%m-%d', hour, 'unixepoch')",
	  14 * 86400 },
	{ "hour", "hour", "strftime('%Y-%m-%d %H:00', hour, 'unixepoch')",
	  2 * 86400 },
	{ "origin", "origin", "coalesce((SELECT name FROM origins o "
	  "WHERE o.origin = hours.origin), origin)", 14 * 86400 },
	{ "threshold", "threshold", "printf('%d', t)", 14 * 86400 },
};

static const char *stats_sql(const struct stats_by *by)
{
	bool thresholds = strcmp(by->name, "threshold") == 0;

	return t_strdup_printf(
		"SELECT %s AS key,"
		" sum((verdict = 1) * n),"
		" sum((verdict = 1 AND score < t) * n),"
		" sum((verdict = 2) * n),"
		" sum((verdict = 2 AND score >= t) * n),"
		" sum((verdict = 3) * n),"
		" sum((verdict = 3 AND score >= t) * n)"
		" FROM (SELECT hour, verdict, origin, score,"
		"  reports - burst AS n FROM hours WHERE hour >= ?1) AS hours"
		" JOIN (%s)"
		" GROUP BY key ORDER BY min(t), key", by->key_sql, thresholds ?
		"SELECT ?2 AS t UNION SELECT threshold FROM thresholds" :
		"SELECT ?2 AS t");
}

static void print_rate(int64_t count, int64_t total)
{
	double low, high;

	doveadm_print_num((uintmax_t)total);
	doveadm_print_num((uintmax_t)count);
	if (total == 0) {
		doveadm_print("");
		doveadm_print("");
		return;
	}
	junk_rate_interval(count, total, &low, &high);
	doveadm_print(t_strdup_printf("%.1f", 100.0 * count / total));
	doveadm_print(t_strdup_printf("%.1f-%.1f", low, high));
}

/* Returns one line of a vertical sparkline. */
static const char *spark(int64_t count, int64_t total)
{
	static const char *const bars[] = {
		"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█",
	};
	string_t *str = t_str_new(64);
	/* a bar of 100 % has 10 characters */
	int64_t eighths = total == 0 ? 0 : count * 80 / total;

	for (; eighths >= 8; eighths -= 8)
		str_append(str, bars[8]);
	str_append(str, bars[eighths]);
	return str_c(str);
}

static void print_number_header(const char *key, const char *title)
{
	doveadm_print_header(key, title, DOVEADM_PRINT_HEADER_FLAG_NUMBER |
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}

/* As print_rate(): of so many, so many are counted. */
static void
print_rate_headers(const char *total, const char *total_title,
		   const char *counted)
{
	print_number_header(total, total_title);
	print_number_header(counted, counted);
	doveadm_print_header(t_strconcat(counted, "_percent", NULL), "%",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header(t_strconcat(counted, "_interval", NULL), "95 %",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}

static const struct junk_counts_sum *
mail_of_day(const struct stats_mail *mail, const char *day)
{
	static const struct junk_counts_sum none;
	time_t time;

	for (unsigned int i = 0; i < JUNK_COUNTS_DAYS; i++) {
		time = ioloop_time - (time_t)i * 86400;
		if (strcmp(t_strftime("%Y-%m-%d", gmtime(&time)), day) == 0)
			return &mail->totals.days[i];
	}
	return &none;
}

/* No interval is printed: all messages are counted, so nothing is estimated. */
static void
read_mail(const struct stats_by *by, time_t since, struct stats_mail *mail_r)
{
	const char *error;

	i_zero(mail_r);
	if (strcmp(by->name, "day") != 0 ||
	    junk_counts_read(doveadm_junk_counts_path(), ioloop_time,
			     &mail_r->totals, &error) < 0)
		return;
	for (unsigned int i = 0; i < JUNK_COUNTS_DAYS; i++) {
		if (ioloop_time / 86400 - (time_t)i < since / 86400)
			break;
		mail_r->sum.messages += mail_r->totals.days[i].messages;
		mail_r->sum.above += mail_r->totals.days[i].above;
	}
}

static void print_headers(const struct stats_by *by)
{
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header(by->name, by->title, 0);
	print_rate_headers("spam", "spam", "missed");
	print_rate_headers("ham", "ham", "caught");
	print_rate_headers("weak_ham", "weak", "weak_caught");
	if (strcmp(by->name, "day") == 0) {
		print_number_header("scored", "scored");
		print_number_header("filed", "filed");
	}
	doveadm_print_header("missed_bar", "missed", 0);
}

/* mail: NULL = the counts of scored mail don't exist for this key */
static void
print_row(const struct stats_row *row, const struct junk_counts_sum *mail)
{
	doveadm_print(row->name);
	print_rate(row->missed, row->spam);
	print_rate(row->caught, row->ham);
	print_rate(row->weak_caught, row->weak_ham);
	if (mail != NULL) {
		doveadm_print_num(mail->messages);
		doveadm_print_num(mail->above);
	}
	doveadm_print(spark(row->missed, row->spam));
}

static void
print_stats(sqlite3 *db, const struct stats_by *by, time_t since,
	    unsigned int threshold)
{
	const int64_t args[] = { since / 3600 * 3600, threshold };
	struct stats_row row, total = { .name = "all" };
	bool sum = strcmp(by->name, "threshold") != 0;
	bool days = strcmp(by->name, "day") == 0;
	struct stats_mail mail;
	sqlite3_stmt *stmt;
	int64_t *const values[] = {
		&row.spam, &row.missed, &row.ham, &row.caught,
		&row.weak_ham, &row.weak_caught,
	};

	read_mail(by, since, &mail);
	stmt = doveadm_junk_db_query(db, COMMAND, stats_sql(by), args,
				     N_ELEMENTS(args));
	while (doveadm_junk_db_next(db, COMMAND, &stmt)) T_BEGIN {
		row.name = t_strdup((const char *)
				    sqlite3_column_text(stmt, 0));
		for (unsigned int i = 0; i < N_ELEMENTS(values); i++) {
			/* a manipulated database may have negative values */
			*values[i] = I_MAX(sqlite3_column_int64(stmt,
								(int)i + 1), 0);
		}
		total.spam += row.spam;
		total.missed += row.missed;
		total.ham += row.ham;
		total.caught += row.caught;
		total.weak_ham += row.weak_ham;
		total.weak_caught += row.weak_caught;
		print_row(&row, days ? mail_of_day(&mail, row.name) : NULL);
	} T_END;
	if (sum && doveadm_exit_code == 0)
		print_row(&total, days ? &mail.sum : NULL);
}

static void print_classes(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	bool found = FALSE;

	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("class");
	print_number_header("tokens", "tokens");
	print_number_header("spam", "spam");
	print_number_header("ham", "ham");
	stmt = doveadm_junk_db_query(db, COMMAND,
		"SELECT class, tokens, spam, ham FROM token_classes "
		"ORDER BY spam + ham DESC", NULL, 0);
	while (doveadm_junk_db_next(db, COMMAND, &stmt)) {
		found = TRUE;
		doveadm_print((const char *)sqlite3_column_text(stmt, 0));
		for (int i = 1; i <= 3; i++) {
			doveadm_print_num((uintmax_t)I_MAX(
				sqlite3_column_int64(stmt, i), 0));
		}
	}
	if (!found && doveadm_exit_code == 0) {
		i_error(COMMAND": no token has been reported by enough people "
			"yet (junk_feedback_min_reporters); a report counts "
			"here after 10 seconds");
		doveadm_exit_code = DOVEADM_EX_NOTFOUND;
	}
}

static const struct stats_by *find_by(const char *name)
{
	for (unsigned int i = 0; i < N_ELEMENTS(stats_bys); i++) {
		if (strcmp(stats_bys[i].name, name) == 0)
			return &stats_bys[i];
	}
	return NULL;
}

static int
parse_args(struct doveadm_cmd_context *cctx, const struct stats_by **by_r,
	   time_t *since_r, unsigned int *threshold_r, const char **error_r)
{
	const char *by_name = "day", *since, *threshold;

	(void)doveadm_cmd_param_str(cctx, "by", &by_name);
	*by_r = strcmp(by_name, "class") == 0 ? NULL : find_by(by_name);
	if (*by_r == NULL && strcmp(by_name, "class") != 0) {
		*error_r = t_strdup_printf("--by %s: use day, hour, origin, "
					   "threshold or class", by_name);
		return -1;
	}
	*since_r = ioloop_time - (*by_r == NULL ? 0 : (*by_r)->since_secs);
	if (doveadm_cmd_param_str(cctx, "since", &since) &&
	    doveadm_junk_parse_since(since, ioloop_time, since_r, error_r) < 0)
		return -1;
	/* doveadm converts an invalid integer parameter to 0, so read it as
	   text */
	if (!doveadm_cmd_param_str(cctx, "threshold", &threshold))
		*threshold_r = doveadm_junk_threshold();
	else if (str_to_uint(threshold, threshold_r) < 0 ||
		 *threshold_r > 100) {
		*error_r = "--threshold must be a number from 0 to 100";
		return -1;
	}
	return 0;
}

static void cmd_junk_stats(struct doveadm_cmd_context *cctx)
{
	const struct stats_by *by;
	const char *error;
	unsigned int threshold;
	time_t since;
	sqlite3 *db;

	if (parse_args(cctx, &by, &since, &threshold, &error) < 0) {
		i_error(COMMAND": %s", error);
		doveadm_exit_code = EX_USAGE;
		return;
	}
	db = doveadm_junk_db_begin(COMMAND);
	if (db == NULL)
		return;
	if (by == NULL)
		print_classes(db);
	else {
		print_headers(by);
		print_stats(db, by, since, threshold);
	}
	doveadm_junk_db_close(&db);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_stats = {
	.name = "junk stats",
	.usage = "[--by day|hour|origin|threshold|class] [--since <time>] "
		"[--threshold <score>]",
	.cmd = cmd_junk_stats,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('b', "by", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('s', "since", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('t', "threshold", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};

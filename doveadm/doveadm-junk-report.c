/* doveadm junk report: one HTML page to look at, made from the database. It
   loads nothing, runs no script, and holds nothing of any one person. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "ioloop.h"
#include "str.h"
#include "safe-mkstemp.h"
#include "time-util.h"
#include "write-full.h"

#include "doveadm-junk.h"
#include "doveadm-junk-db.h"
#include "doveadm-junk-rate.h"
#include "doveadm-junk-svg.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define COMMAND "junk report"
#define DEFAULT_SINCE_SECS (30*86400)
#define DAY_SECS 86400
/* More days make a plot that nobody can read. */
#define MAX_DAYS 400
/* Bins of ten scores; 100 belongs to the last. */
#define SCORE_BINS 10
#define MAX_CAMPAIGNS 20

struct day {
	const char *label;
	double spam, ham, weak_ham;
	int64_t judged_spam, missed, judged_ham, caught;
	int64_t judged_weak, weak_caught;
};

struct report_page {
	string_t *html;
	sqlite3 *db;
	time_t since;
	unsigned int threshold;
	pool_t pool;

	struct day *days;
	unsigned int days_count;
	struct day total;
};

static const char page_head[] =
"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<meta name=\"color-scheme\" content=\"light dark\">\n"
"<title>Junk feedback</title>\n<style>\n"
":root{--bg:#fff;--fg:#1c2024;--dim:#5b6570;--grid:#dde2e7;--card:#f5f7f9;"
"--spam:#c2410c;--ham:#0f766e;--weak:#7cb8b2;--ok:#0f766e;--error:#b91c1c}\n"
"@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9ec;"
"--dim:#9aa4ae;--grid:#2c3238;--card:#1c2126;--spam:#fb923c;--ham:#2dd4bf;"
"--weak:#4b8f88;--ok:#2dd4bf;--error:#f87171}}\n"
"body{margin:0 auto;padding:1rem;max-width:1100px;background:var(--bg);"
"color:var(--fg);font:16px/1.5 system-ui,sans-serif}\n"
"h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}\n"
"p.dim,footer{color:var(--dim)}\n"
".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));"
"gap:.75rem;margin:1rem 0}\n"
".tile{background:var(--card);border-radius:8px;padding:.75rem 1rem}\n"
".tile b{display:block;font-size:1.6rem;line-height:1.2}\n"
".tile small{font-size:1rem;font-weight:400;white-space:nowrap}\n"
".tile span{color:var(--dim);font-size:.9rem}\n"
".plots{display:grid;grid-template-columns:repeat(auto-fit,"
"minmax(min(100%,480px),1fr));gap:1rem}\n"
"figure{margin:0;background:var(--card);border-radius:8px;padding:.75rem}\n"
"figcaption{font-weight:600;margin-bottom:.25rem}\n"
"svg{width:100%;height:auto;display:block}\n"
"svg text{fill:var(--dim);font-size:12px}\n"
"svg text.x{text-anchor:middle}svg text.y,svg text.before{text-anchor:end}\n"
"svg text.y,svg text.v{dominant-baseline:central}\n"
"svg .grid{stroke:var(--grid)}svg .mark{stroke:var(--fg);"
"stroke-dasharray:4 3}svg text.mark{stroke:none;fill:var(--fg)}\n"
"svg .spam{fill:var(--spam)}svg .ham{fill:var(--ham)}"
"svg .weak{fill:var(--weak)}svg rect{shape-rendering:crispEdges}\n"
"svg path.line{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}"
"svg path.spam{stroke:var(--spam)}"
"svg path.ham{stroke:var(--ham)}svg .band{opacity:.22}\n"
"@media(max-width:600px){svg text{font-size:20px}svg circle{r:5px}}\n"
".legend{margin:.25rem 0 0;font-size:.9rem}\n"
".legend span::before{content:\"\";display:inline-block;width:.8em;"
"height:.8em;margin:0 .35em 0 .6em;border-radius:2px;background:var(--dim)}\n"
".legend .spam::before{background:var(--spam)}"
".legend .ham::before{background:var(--ham)}"
".legend .weak::before{background:var(--weak)}\n"
".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}\n"
"th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid "
"var(--grid)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
".ok{color:var(--ok)}.error{color:var(--error);font-weight:600}\n"
"</style>\n</head>\n<body>\n";

/*
 * Data
 */

static const char *day_label(time_t time)
{
	return t_strdup(t_strftime("%m-%d", gmtime(&time)));
}

static void day_add(struct day *total, const struct day *day)
{
	total->spam += day->spam;
	total->ham += day->ham;
	total->weak_ham += day->weak_ham;
	total->judged_spam += day->judged_spam;
	total->missed += day->missed;
	total->judged_ham += day->judged_ham;
	total->caught += day->caught;
	total->judged_weak += day->judged_weak;
	total->weak_caught += day->weak_caught;
}

static void days_init(struct report_page *page)
{
	time_t first = page->since / DAY_SECS * DAY_SECS;

	page->days_count = (unsigned int)((ioloop_time - first) / DAY_SECS + 1);
	page->days = p_new(page->pool, struct day, page->days_count);
	for (unsigned int i = 0; i < page->days_count; i++) {
		page->days[i].label = p_strdup(page->pool,
			day_label(first + (time_t)i * DAY_SECS));
	}
}

static void read_days(struct report_page *page)
{
	const int64_t args[] = {
		page->since / DAY_SECS * DAY_SECS, page->threshold
	};
	sqlite3_stmt *stmt;

	stmt = doveadm_junk_db_query(page->db, COMMAND,
		"SELECT (hour - ?1) / 86400,"
		" sum((verdict = 1) * reports), sum((verdict = 2) * reports),"
		" sum((verdict = 3) * reports), sum((verdict = 1) * n),"
		" sum((verdict = 1 AND score < ?2) * n),"
		" sum((verdict = 2) * n),"
		" sum((verdict = 2 AND score >= ?2) * n),"
		" sum((verdict = 3) * n),"
		" sum((verdict = 3 AND score >= ?2) * n)"
		" FROM (SELECT *, reports - burst AS n FROM hours)"
		" WHERE hour >= ?1 GROUP BY 1", args, N_ELEMENTS(args));
	while (doveadm_junk_db_next(page->db, COMMAND, &stmt)) {
		int64_t i = sqlite3_column_int64(stmt, 0);
		struct day *day;

		/* a clock that was wrong once */
		if (i < 0 || i >= (int64_t)page->days_count)
			continue;
		day = &page->days[i];
		day->spam = sqlite3_column_double(stmt, 1);
		day->ham = sqlite3_column_double(stmt, 2);
		day->weak_ham = sqlite3_column_double(stmt, 3);
		day->judged_spam = I_MAX(sqlite3_column_int64(stmt, 4), 0);
		day->missed = I_MAX(sqlite3_column_int64(stmt, 5), 0);
		day->judged_ham = I_MAX(sqlite3_column_int64(stmt, 6), 0);
		day->caught = I_MAX(sqlite3_column_int64(stmt, 7), 0);
		day->judged_weak = I_MAX(sqlite3_column_int64(stmt, 8), 0);
		day->weak_caught = I_MAX(sqlite3_column_int64(stmt, 9), 0);
		day_add(&page->total, day);
	}
}

/*
 * Parts of the page
 */

static const char *rate_text(int64_t count, int64_t total)
{
	double low, high;

	if (total == 0)
		return "–";
	junk_rate_interval(count, total, &low, &high);
	return t_strdup_printf("%.1f %% <small>(%.1f–%.1f)</small>",
			       100.0 * count / total, low, high);
}

/* value is HTML */
static void add_tile(struct report_page *page, const char *value,
		     const char *label)
{
	str_printfa(page->html, "<div class=\"tile\"><b>%s</b><span>", value);
	junk_html_escape(page->html, label);
	str_append(page->html, "</span></div>\n");
}

static void add_head(struct report_page *page)
{
	const struct day *total = &page->total;

	str_append(page->html, page_head);
	str_append(page->html, "<header><h1>Junk feedback on ");
	junk_html_escape(page->html, my_hostname);
	str_append(page->html, "</h1>\n<p class=\"dim\">");
	str_printfa(page->html, "What users reported from %s to %s (UTC)",
		    t_strftime("%Y-%m-%d", gmtime(&page->since)),
		    t_strftime("%Y-%m-%d %H:%M", gmtime(&ioloop_time)));
	str_append(page->html, "</p></header>\n<main>\n"
		   "<div class=\"tiles\">\n");
	add_tile(page, t_strdup_printf("%.0f", total->spam),
		 "reports of spam");
	add_tile(page, t_strdup_printf("%.0f", total->ham),
		 "good messages rescued");
	add_tile(page, rate_text(total->missed, total->judged_spam),
		 t_strdup_printf("of the reported spam scored below %u: "
				 "missed", page->threshold));
	add_tile(page, rate_text(total->caught, total->judged_ham),
		 t_strdup_printf("of the rescued mail scored %u or more: "
				 "caught in error", page->threshold));
	add_tile(page, rate_text(total->weak_caught, total->judged_weak),
		 t_strdup_printf("of the mail that users answered, flagged or "
				 "filed scored %u or more", page->threshold));
	str_append(page->html, "</div>\n");
}

static double *page_values(struct report_page *page, unsigned int count)
{
	return p_new(page->pool, double, I_MAX(count, 1));
}

static const char *const *day_labels(struct report_page *page)
{
	const char **labels =
		p_new(page->pool, const char *, page->days_count);

	for (unsigned int i = 0; i < page->days_count; i++)
		labels[i] = page->days[i].label;
	return labels;
}

static void add_reports_plot(struct report_page *page)
{
	double *spam = page_values(page, page->days_count);
	double *ham = page_values(page, page->days_count);
	double *weak = page_values(page, page->days_count);
	const struct junk_svg_series series[] = {
		{ .name = "spam", .class = "spam", .values = spam },
		{ .name = "ham", .class = "ham", .values = ham },
		{ .name = "weak ham", .class = "weak", .values = weak },
	};
	const struct junk_svg_plot plot = {
		.id = "reports", .title = "Reports by day",
		.description = t_strdup_printf(
			"%.0f reports of spam, %.0f of ham and %.0f weak ones",
			page->total.spam, page->total.ham,
			page->total.weak_ham),
		.labels = day_labels(page), .count = page->days_count,
		.series = series, .series_count = N_ELEMENTS(series),
		.unit = "", .mark = -1,
	};

	for (unsigned int i = 0; i < page->days_count; i++) {
		spam[i] = page->days[i].spam;
		ham[i] = page->days[i].ham;
		weak[i] = page->days[i].weak_ham;
	}
	junk_svg_bars(page->html, &plot);
}

/* NAN where nobody has reported anything */
static void rate_values(int64_t count, int64_t total, double *value,
			double *low, double *high)
{
	*value = *low = *high = NAN;
	if (total > 0) {
		*value = 100.0 * count / total;
		junk_rate_interval(count, total, low, high);
	}
}

static void
add_rate_plot(struct report_page *page, bool missed)
{
	double *values = page_values(page, page->days_count);
	double *low = page_values(page, page->days_count);
	double *high = page_values(page, page->days_count);
	const struct junk_svg_series series = {
		.name = missed ? "missed spam" : "good mail caught",
		.class = missed ? "spam" : "ham",
		.values = values, .low = low, .high = high,
	};
	const struct junk_svg_plot plot = {
		.id = missed ? "missed" : "caught",
		.title = missed ? "Missed spam, with 95 % intervals" :
			"Good mail caught, with 95 % intervals",
		.description = t_strdup_printf(
			"Percent by day at the threshold %u",
			page->threshold),
		.labels = day_labels(page), .count = page->days_count,
		.series = &series, .series_count = 1,
		.unit = "%", .max = 100, .mark = -1,
	};

	for (unsigned int i = 0; i < page->days_count; i++) {
		const struct day *day = &page->days[i];

		if (missed) {
			rate_values(day->missed, day->judged_spam,
				    &values[i], &low[i], &high[i]);
		} else {
			rate_values(day->caught, day->judged_ham,
				    &values[i], &low[i], &high[i]);
		}
	}
	junk_svg_lines(page->html, &plot);
}

static void
read_scores(struct report_page *page, double *spam, double *ham,
	    int64_t *unknown_r)
{
	const int64_t args[] = { page->since };
	sqlite3_stmt *stmt;

	*unknown_r = 0;
	stmt = doveadm_junk_db_query(page->db, COMMAND,
		"SELECT verdict, CASE WHEN score < 0 THEN -1"
		"  ELSE min(score / 10, 9) END, sum(reports - burst)"
		" FROM hours WHERE hour >= ?1 AND verdict IN (1, 2)"
		" GROUP BY 1, 2", args, N_ELEMENTS(args));
	while (doveadm_junk_db_next(page->db, COMMAND, &stmt)) {
		int64_t bin = sqlite3_column_int64(stmt, 1);
		double count = sqlite3_column_double(stmt, 2);

		if (bin < 0 || bin >= SCORE_BINS)
			*unknown_r += count;
		else if (sqlite3_column_int(stmt, 0) == 1)
			spam[bin] += count;
		else
			ham[bin] += count;
	}
}

static void to_percent(double *values, unsigned int count)
{
	double sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += values[i];
	for (unsigned int i = 0; sum > 0 && i < count; i++)
		values[i] = round(values[i] * 1000 / sum) / 10;
}

static void add_score_plot(struct report_page *page)
{
	static const char *const labels[SCORE_BINS] = {
		"0–9", "10–19", "20–29", "30–39", "40–49", "50–59", "60–69",
		"70–79", "80–89", "90–100",
	};
	double *spam = page_values(page, SCORE_BINS);
	double *ham = page_values(page, SCORE_BINS);
	const struct junk_svg_series series[] = {
		{ .name = "spam", .class = "spam", .values = spam },
		{ .name = "ham", .class = "ham", .values = ham },
	};
	int64_t unknown;
	struct junk_svg_plot plot = {
		.id = "scores", .labels = labels, .count = SCORE_BINS,
		.title = "Scores before anybody reported the message",
		.series = series, .series_count = N_ELEMENTS(series),
		.unit = "%", .mark = page->threshold / 10.0,
		.mark_label = t_strdup_printf("threshold %u",
					      page->threshold),
	};

	read_scores(page, spam, ham, &unknown);
	to_percent(spam, SCORE_BINS);
	to_percent(ham, SCORE_BINS);
	plot.description = t_strdup_printf(
		"Percent of the reported spam and of the rescued mail in each "
		"range of scores; %"PRId64" more had an unknown score",
		unknown);
	junk_svg_groups(page->html, &plot);
}

static void add_class_plot(struct report_page *page)
{
	const char *labels[JUNK_TOKEN_CLASS_COUNT];
	double *spam = page_values(page, JUNK_TOKEN_CLASS_COUNT);
	double *ham = page_values(page, JUNK_TOKEN_CLASS_COUNT);
	const struct junk_svg_series series[] = {
		{ .name = "in spam", .class = "spam", .values = spam },
		{ .name = "in ham", .class = "ham", .values = ham },
	};
	struct junk_svg_plot plot = {
		.id = "classes", .labels = labels,
		.title = "Evidence by class: reports of known tokens",
		.description = "How often tokens of each class were reported, "
			"of those that enough people have reported",
		.series = series, .series_count = N_ELEMENTS(series),
		.unit = "", .mark = -1,
	};
	sqlite3_stmt *stmt;

	stmt = doveadm_junk_db_query(page->db, COMMAND,
		"SELECT class, spam, ham FROM token_classes "
		"ORDER BY spam + ham DESC", NULL, 0);
	while (doveadm_junk_db_next(page->db, COMMAND, &stmt)) {
		if (plot.count == JUNK_TOKEN_CLASS_COUNT)
			continue;
		labels[plot.count] = p_strdup(page->pool,
			(const char *)sqlite3_column_text(stmt, 0));
		spam[plot.count] = sqlite3_column_double(stmt, 1);
		ham[plot.count] = sqlite3_column_double(stmt, 2);
		plot.count++;
	}
	junk_svg_rows(page->html, &plot);
}

static void add_campaigns(struct report_page *page)
{
	const int64_t args[] = { MAX_CAMPAIGNS };
	unsigned int count = 0;
	sqlite3_stmt *stmt;

	str_append(page->html, "<h2>Rising campaigns</h2>\n<p class=\"dim\">"
		   "What was first reported in the last seven days, by several "
		   "people, and only as spam. Tokens are keyed hashes.</p>"
		   "\n<div class=\"scroll\"><table id=\"campaigns\">\n<tr>"
		   "<th scope=\"col\">class</th><th scope=\"col\">token</th>"
		   "<th scope=\"col\" class=\"n\">people</th>"
		   "<th scope=\"col\" class=\"n\">reports</th>"
		   "<th scope=\"col\">first</th><th scope=\"col\">last</th>"
		   "</tr>\n");
	stmt = doveadm_junk_db_query(page->db, COMMAND,
		"SELECT class, token, reporters, spam, first_day, last_day"
		" FROM rising_tokens"
		" ORDER BY reporters DESC, spam DESC, token LIMIT ?1",
		args, N_ELEMENTS(args));
	for (; doveadm_junk_db_next(page->db, COMMAND, &stmt); count++) {
		static const char *const cells[] = {
			"<tr><td>", "</td><td><code>",
			"</code></td><td class=\"n\">", "</td><td class=\"n\">",
			"</td><td>", "</td><td>",
		};

		for (unsigned int i = 0; i < N_ELEMENTS(cells); i++) {
			str_append(page->html, cells[i]);
			junk_html_escape(page->html, (const char *)
				sqlite3_column_text(stmt, (int)i));
		}
		str_append(page->html, "</td></tr>\n");
	}
	str_append(page->html, "</table></div>\n");
	if (count == 0)
		str_append(page->html, "<p>None.</p>\n");
}

static void add_health(struct report_page *page)
{
	ARRAY_TYPE(junk_key_values) status;
	const struct junk_key_value *kv;
	const char *error;

	str_append(page->html, "<h2>The service</h2>\n");
	t_array_init(&status, 32);
	if (doveadm_junk_service_status(&status, &error) < 0) {
		str_append(page->html, "<p class=\"error\" id=\"health\">It "
			   "does not answer: ");
		junk_html_escape(page->html, error);
		str_append(page->html, "</p>\n");
		return;
	}
	str_append(page->html, "<p class=\"ok\" id=\"health\">It answers."
		   "</p>\n<div class=\"scroll\"><table>\n");
	array_foreach(&status, kv) {
		str_append(page->html, "<tr><th scope=\"row\">");
		junk_html_escape(page->html, kv->key);
		str_append(page->html, doveadm_junk_value_is_error(kv->value) ?
			   "</th><td class=\"error\">" : "</th><td>");
		junk_html_escape(page->html, kv->value);
		str_append(page->html, "</td></tr>\n");
	}
	str_append(page->html, "</table></div>\n");
}

static void page_make(struct report_page *page)
{
	days_init(page);
	read_days(page);
	add_head(page);
	str_append(page->html, "<div class=\"plots\">\n");
	add_reports_plot(page);
	add_score_plot(page);
	add_rate_plot(page, TRUE);
	add_rate_plot(page, FALSE);
	add_class_plot(page);
	str_append(page->html, "</div>\n");
	add_campaigns(page);
	add_health(page);
	str_append(page->html, "</main>\n<footer><p>Made by doveadm junk "
		   "report. Bursts are left out of the rates.</p></footer>\n"
		   "</body>\n</html>\n");
}

/*
 * Command
 */

/* Whole or not at all; not for others to read. root writes it, maybe to a folder
   that others may write to: under a name that nobody can have planted. */
static int
write_page(const char *path, const string_t *html, const char **error_r)
{
	string_t *temp_path = t_str_new(128);
	int fd;

	str_printfa(temp_path, "%s.", path);
	fd = safe_mkstemp(temp_path, 0640, (uid_t)-1, (gid_t)-1);
	if (fd == -1) {
		*error_r = t_strdup_printf("creating %s failed: %m",
					   str_c(temp_path));
		return -1;
	}
	if (write_full(fd, str_data(html), str_len(html)) < 0 ||
	    close(fd) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m",
					   str_c(temp_path));
		i_unlink(str_c(temp_path));
		return -1;
	}
	if (rename(str_c(temp_path), path) < 0) {
		*error_r = t_strdup_printf("rename(%s, %s) failed: %m",
					   str_c(temp_path), path);
		i_unlink(str_c(temp_path));
		return -1;
	}
	return 0;
}

static int
parse_args(struct doveadm_cmd_context *cctx, const char **path_r,
	   time_t *since_r, const char **error_r)
{
	const char *since;

	/* whoever may ask over HTTP shall not write files here */
	if (doveadm_server) {
		*error_r = "it writes a file: run it on the host itself";
		return -1;
	}
	if (!doveadm_cmd_param_str(cctx, "output", path_r) ||
	    **path_r == '\0') {
		*error_r = "say where to: --output report.html";
		return -1;
	}
	*since_r = ioloop_time - DEFAULT_SINCE_SECS;
	if (doveadm_cmd_param_str(cctx, "since", &since) &&
	    doveadm_junk_parse_since(since, ioloop_time, since_r, error_r) < 0)
		return -1;
	*since_r = I_MAX(*since_r,
			 ioloop_time - (time_t)(MAX_DAYS - 1) * DAY_SECS);
	return 0;
}

static void cmd_junk_report(struct doveadm_cmd_context *cctx)
{
	struct report_page page;
	const char *path, *error;

	i_zero(&page);
	if (parse_args(cctx, &path, &page.since, &error) < 0) {
		i_error(COMMAND": %s", error);
		doveadm_exit_code = EX_USAGE;
		return;
	}
	page.db = doveadm_junk_db_begin(COMMAND);
	if (page.db == NULL)
		return;
	page.pool = pool_alloconly_create(COMMAND, 16*1024);
	page.html = str_new(default_pool, 64*1024);
	page.threshold = doveadm_junk_threshold();
	page_make(&page);
	doveadm_junk_db_close(&page.db);

	/* after an error of the database there is no page */
	if (doveadm_exit_code == 0 && write_page(path, page.html, &error) < 0) {
		i_error(COMMAND": %s", error);
		doveadm_exit_code = EX_CANTCREAT;
	}
	str_free(&page.html);
	pool_unref(&page.pool);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_report = {
	.name = "junk report",
	.usage = "--output <file> [--since <time>]",
	.flags = CMD_FLAG_NO_PRINT,
	.cmd = cmd_junk_report,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('o', "output", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('s', "since", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};

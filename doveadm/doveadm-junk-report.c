/* doveadm junk report: writes one HTML page from the database. The page loads
   nothing, runs no script and contains no data of any single person. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "ioloop.h"
#include "str.h"
#include "safe-mkstemp.h"
#include "time-util.h"
#include "write-full.h"

#include "junk-counts.h"
#include "doveadm-junk.h"
#include "doveadm-junk-db.h"
#include "doveadm-junk-rate.h"
#include "doveadm-junk-svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COMMAND "junk report"
#define DEFAULT_SINCE_SECS (30*86400)
#define DAY_SECS 86400
/* A plot of more days is unreadable. */
#define MAX_DAYS 400
/* Each bin has ten scores; the last one also has 100. */
#define SCORE_BINS 10
#define MAX_CAMPAIGNS 20
#define SCORE_COUNT 101
/* A day whose count exceeds the ninth decile by this factor is a burst. Its bar
   is cut off. */
#define BURST_FACTOR 4

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
	/* by score: reported spam, and mail that users kept. Unknown scores are
	   only in the totals of days. */
	int64_t spam_scores[SCORE_COUNT], kept_scores[SCORE_COUNT];
	/* all scored mail, if there is a counter page */
	struct junk_counts_sum mail;
	time_t mail_since;
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
"figure.wide{grid-column:1/-1}\n"
"svg{width:100%;height:auto;display:block}.wide svg{max-width:860px}\n"
"ul.faults{border-left:4px solid var(--error);background:var(--card);"
"padding:.75rem 1rem .75rem 2rem;margin:1rem 0}\n"
"ul.faults b{color:var(--error)}code{overflow-wrap:anywhere}\n"
"p.stands{border-left:4px solid var(--dim);background:var(--card);"
"padding:.75rem 1rem;margin:1rem 0}\n"
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

		/* a report of a time when the clock was wrong */
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

static void read_score_counts(struct report_page *page)
{
	const int64_t args[] = { page->since / DAY_SECS * DAY_SECS };
	sqlite3_stmt *stmt;

	stmt = doveadm_junk_db_query(page->db, COMMAND,
		"SELECT verdict, score, sum(reports - burst) FROM hours"
		" WHERE hour >= ?1 AND verdict IN (1, 3)"
		" AND score BETWEEN 0 AND 100 GROUP BY 1, 2",
		args, N_ELEMENTS(args));
	while (doveadm_junk_db_next(page->db, COMMAND, &stmt)) {
		int score = sqlite3_column_int(stmt, 1);
		int64_t count = I_MAX(sqlite3_column_int64(stmt, 2), 0);

		if (sqlite3_column_int(stmt, 0) == 1)
			page->spam_scores[score] = count;
		else
			page->kept_scores[score] = count;
	}
}

/* Read the counts of scored mail for the page's days, as far as they are
   kept. */
static void read_mail(struct report_page *page)
{
	struct junk_counts_totals totals;
	const struct junk_counts_sum *day;
	const char *error;

	if (junk_counts_read(doveadm_junk_counts_path(), ioloop_time, &totals,
			     &error) < 0)
		return;
	page->mail_since = I_MAX(totals.created, page->since);
	for (unsigned int i = 0; i < I_MIN(page->days_count,
					   JUNK_COUNTS_DAYS); i++) {
		day = &totals.days[i];
		page->mail.messages += day->messages;
		page->mail.unknown += day->unknown;
		page->mail.above += day->above;
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

/* Add a tile. value is HTML, not escaped. */
static void add_tile(struct report_page *page, const char *value,
		     const char *label)
{
	str_printfa(page->html, "<div class=\"tile\"><b>%s</b><span>", value);
	junk_html_escape(page->html, label);
	str_append(page->html, "</span></div>\n");
}

/* Add tiles with the amount of scored mail, of which the misses are a share. */
static void add_mail_tiles(struct report_page *page)
{
	const struct junk_counts_sum *mail = &page->mail;

	if (mail->messages == 0)
		return;
	add_tile(page, t_strdup_printf("%"PRIu64, mail->messages),
		 t_strdup_printf("messages scored since %s", t_strftime(
			"%Y-%m-%d", gmtime(&page->mail_since))));
	add_tile(page, t_strdup_printf("%.1f %%", 100.0 * mail->above /
				       mail->messages),
		 t_strdup_printf("of these scored %u or more: filed",
				 page->threshold));
	add_tile(page, t_strdup_printf("%.1f %%", 100.0 * mail->unknown /
				       mail->messages),
		 "of these had an unknown score");
}

/* Say where the model stands while it files hardly anything. */
static void add_learning(struct report_page *page)
{
	const struct doveadm_junk_row *row = doveadm_junk_row_find("model");

	if (row == NULL || row->state != DOVEADM_JUNK_NOTE)
		return;
	str_append(page->html, "<p class=\"stands\" id=\"learning\"><b>Model"
		   "</b>: ");
	junk_html_escape(page->html, row->value);
	str_append(page->html, "</p>\n");
}

/* Add the faults that "doveadm junk status" finds, whether new mail is scored,
   and where the model stands. */
static void add_faults(struct report_page *page)
{
	ARRAY_TYPE(junk_key_values) status;
	const struct doveadm_junk_row *rows;
	unsigned int count, exit_code = doveadm_exit_code;

	t_array_init(&status, 32);
	doveadm_junk_rows_collect();
	(void)doveadm_junk_check_all(&status);
	doveadm_junk_check_delivery(TRUE, &status);
	/* faults don't change the exit code of this command: the page was
	   written */
	doveadm_exit_code = exit_code;
	add_learning(page);
	if (doveadm_junk_rows_errors() == 0)
		return;
	str_append(page->html, "<ul class=\"faults\" id=\"faults\">\n");
	rows = doveadm_junk_rows_get(&count);
	for (unsigned int i = 0; i < count; i++) {
		if (rows[i].state != DOVEADM_JUNK_ERROR)
			continue;
		str_append(page->html, "<li><b>");
		junk_html_escape(page->html, rows[i].item);
		str_append(page->html, "</b>: ");
		junk_html_escape(page->html, rows[i].value);
		str_append(page->html, "</li>\n");
	}
	str_append(page->html, "</ul>\n");
}

static void add_first_steps(struct report_page *page)
{
	if (page->total.spam + page->total.ham + page->total.weak_ham > 0)
		return;
	str_append(page->html,
		"<h2>Nothing was reported yet</h2>\n<ol id=\"first-steps\">"
		"<li><code>doveadm junk check</code> tests whether reports "
		"and new mail are processed.</li>\n<li>Move a message to Junk "
		"in a mail client. It is counted here at once.</li>\n<li>To "
		"start with the mail that users have filed already: "
		"<code>doveadm junk learn spam -A mailbox Junk</code> and "
		"<code>doveadm junk learn ham -A mailbox Archive</code>."
		"</li></ol>\n");
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
	str_append(page->html, "</p></header>\n<main>\n");
	add_faults(page);
	str_append(page->html, "<div class=\"tiles\">\n");
	add_mail_tiles(page);
	add_tile(page, t_strdup_printf("%.0f", total->spam),
		 "reports of spam");
	add_tile(page, t_strdup_printf("%.0f", total->ham),
		 "good messages rescued");
	add_tile(page, rate_text(total->missed, total->judged_spam),
		 t_strdup_printf("of the reported spam scored below %u: "
				 "missed", page->threshold));
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

static int double_cmp(const void *p1, const void *p2)
{
	const double *d1 = p1, *d2 = p2;

	return *d1 < *d2 ? -1 : *d1 > *d2 ? 1 : 0;
}

/* Returns the maximum of the plot's axis, so that one burst doesn't flatten all
   other days; 0 = use the highest value. */
static double reports_max(struct report_page *page)
{
	double *sums = page_values(page, page->days_count), typical;
	unsigned int count = 0;

	for (unsigned int i = 0; i < page->days_count; i++) {
		const struct day *day = &page->days[i];
		double sum = day->spam + day->ham + day->weak_ham;

		if (sum > 0)
			sums[count++] = sum;
	}
	if (count < 3)
		return 0;
	qsort(sums, count, sizeof(*sums), double_cmp);
	/* for three to nine days this is the second highest */
	typical = sums[I_MIN(count * 9 / 10, count - 2)];
	return sums[count - 1] > BURST_FACTOR * typical ? 2 * typical : 0;
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
		.unit = "", .mark = -1, .max = reports_max(page),
	};

	for (unsigned int i = 0; i < page->days_count; i++) {
		spam[i] = page->days[i].spam;
		ham[i] = page->days[i].ham;
		weak[i] = page->days[i].weak_ham;
	}
	junk_svg_bars(page->html, &plot);
}

/* A value is NAN where there are no reports. */
static void rate_values(int64_t count, int64_t total, double *value,
			double *low, double *high)
{
	*value = *low = *high = NAN;
	if (total > 0) {
		*value = 100.0 * count / total;
		junk_rate_interval(count, total, low, high);
	}
}

static void add_missed_plot(struct report_page *page)
{
	double *values = page_values(page, page->days_count);
	double *low = page_values(page, page->days_count);
	double *high = page_values(page, page->days_count);
	const struct junk_svg_series series = {
		.name = "missed spam", .class = "spam",
		.values = values, .low = low, .high = high,
	};
	const struct junk_svg_plot plot = {
		.id = "missed",
		.title = "Missed spam, with 95 % intervals",
		.description = t_strdup_printf(
			"Percent by day at the threshold %u",
			page->threshold),
		.labels = day_labels(page), .count = page->days_count,
		.series = &series, .series_count = 1,
		.unit = "%", .max = 100, .mark = -1,
	};

	for (unsigned int i = 0; i < page->days_count; i++) {
		rate_values(page->days[i].missed, page->days[i].judged_spam,
			    &values[i], &low[i], &high[i]);
	}
	junk_svg_lines(page->html, &plot);
}

static void add_rescued_plot(struct report_page *page)
{
	unsigned int weeks = (page->days_count + 6) / 7;
	double *values = page_values(page, weeks);
	const char **labels = p_new(page->pool, const char *, weeks);
	const struct junk_svg_series series = {
		.name = "good mail that users moved out of Junk",
		.class = "ham", .values = values,
	};
	const struct junk_svg_plot plot = {
		.id = "rescued", .title = "Rescued, by week",
		.description = t_strdup_printf(
			"%.0f good messages were moved out of Junk",
			page->total.ham),
		.labels = labels, .count = weeks,
		.series = &series, .series_count = 1,
		.unit = "", .mark = -1,
	};

	/* weeks are counted backwards from today */
	for (unsigned int i = 0; i < page->days_count; i++) {
		unsigned int week = weeks - 1 -
			(page->days_count - 1 - i) / 7;

		if (labels[week] == NULL)
			labels[week] = page->days[i].label;
		values[week] += page->days[i].ham;
	}
	junk_svg_bars(page->html, &plot);
}

/*
 * Thresholds
 */

static const unsigned int thresholds[] = {
	50, 60, 70, 75, 80, 85, 90, 95, 97, 99, 100
};

static int64_t
scored_from(const int64_t scores[SCORE_COUNT], unsigned int threshold)
{
	int64_t sum = 0;

	for (unsigned int i = threshold; i < SCORE_COUNT; i++)
		sum += scores[i];
	return sum;
}

/* Plot how much of the mail that users kept, which is good mail, each threshold
   would have filed. */
static void add_kept_plot(struct report_page *page)
{
	double *values = page_values(page, N_ELEMENTS(thresholds));
	double *low = page_values(page, N_ELEMENTS(thresholds));
	double *high = page_values(page, N_ELEMENTS(thresholds));
	const unsigned int count = N_ELEMENTS(thresholds);
	const char **labels = p_new(page->pool, const char *, count);
	const struct junk_svg_series series = {
		.name = "of the mail that users answered, flagged or filed",
		.class = "ham", .values = values, .low = low, .high = high,
	};
	const struct junk_svg_plot plot = {
		.id = "kept", .title = "Good mail that each threshold would "
			"have filed, with 95 % intervals",
		.description = t_strdup_printf(
			"Percent of %"PRId64" messages that users kept",
			page->total.judged_weak),
		.labels = labels, .count = N_ELEMENTS(thresholds),
		.series = &series, .series_count = 1,
		.unit = "%", .mark = -1,
	};

	for (unsigned int i = 0; i < N_ELEMENTS(thresholds); i++) {
		labels[i] = p_strdup_printf(page->pool, "%u", thresholds[i]);
		rate_values(scored_from(page->kept_scores, thresholds[i]),
			    page->total.judged_weak, &values[i], &low[i],
			    &high[i]);
	}
	junk_svg_lines(page->html, &plot);
}

static void add_threshold_table(struct report_page *page)
{
	str_append(page->html, "<h2>Thresholds</h2>\n<p class=\"dim\">What "
		   "each junk_feedback_threshold would have filed, had it "
		   "judged the mail before anybody reported it.</p>\n"
		   "<div class=\"scroll\"><table id=\"thresholds\">\n<tr>"
		   "<th scope=\"col\" class=\"n\">threshold</th>"
		   "<th scope=\"col\" class=\"n\">of the reported spam</th>"
		   "<th scope=\"col\" class=\"n\">of the mail that users "
		   "kept</th></tr>\n");
	for (unsigned int i = 0; i < N_ELEMENTS(thresholds); i++) {
		str_printfa(page->html, "<tr><td class=\"n\">%s%u%s</td>"
			"<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
			thresholds[i] == page->threshold ? "<b>" : "",
			thresholds[i],
			thresholds[i] == page->threshold ? "</b>" : "",
			rate_text(scored_from(page->spam_scores,
					      thresholds[i]),
				  page->total.judged_spam),
			rate_text(scored_from(page->kept_scores,
					      thresholds[i]),
				  page->total.judged_weak));
	}
	str_append(page->html, "</table></div>\n");
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
		.title = "Scores before any user reported the message",
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
		.title = "Evidence by class: reported as spam or as ham",
		.description = "Of the reports of known tokens of each class, "
			"the share that was spam; the number is how many "
			"reports there were",
		.shares = TRUE, .wide = TRUE,
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

/* Tokens that appeared and were reported together are of one campaign. */
static void add_campaigns(struct report_page *page)
{
	static const char *const cells[] = {
		"<tr><td>", "</td><td>", "</td><td class=\"n\">",
		"</td><td class=\"n\">", "</td><td class=\"n\">",
		"</td><td><code>",
	};
	const int64_t args[] = { MAX_CAMPAIGNS };
	unsigned int count = 0;
	sqlite3_stmt *stmt;

	str_append(page->html, "<h2>Rising campaigns</h2>\n<p class=\"dim\">"
		   "First reported in the last seven days, by several people, "
		   "and only as spam.</p>\n<div class=\"scroll\">"
		   "<table id=\"campaigns\">\n<tr>"
		   "<th scope=\"col\">first seen</th>"
		   "<th scope=\"col\">last seen</th>"
		   "<th scope=\"col\" class=\"n\">people</th>"
		   "<th scope=\"col\" class=\"n\">reports</th>"
		   "<th scope=\"col\" class=\"n\">tokens</th>"
		   "<th scope=\"col\">some of them</th></tr>\n");
	stmt = doveadm_junk_db_query(page->db, COMMAND,
		"SELECT first_day, last_day, reporters, spam, count(*),"
		" substr(group_concat(class || ' ' || token, ', '), 1, 120)"
		" FROM (SELECT * FROM rising_tokens ORDER BY class DESC)"
		" GROUP BY first_day, last_day, reporters, spam"
		" ORDER BY reporters DESC, spam DESC LIMIT ?1",
		args, N_ELEMENTS(args));
	for (; doveadm_junk_db_next(page->db, COMMAND, &stmt); count++) {
		for (unsigned int i = 0; i < N_ELEMENTS(cells); i++) {
			str_append(page->html, cells[i]);
			junk_html_escape(page->html, (const char *)
				sqlite3_column_text(stmt, (int)i));
		}
		str_append(page->html, "</code></td></tr>\n");
	}
	str_append(page->html, "</table></div>\n");
	if (count == 0) {
		str_append(page->html, "<p>None.</p>\n");
		return;
	}
	str_append(page->html, "<p class=\"dim\">Tokens are keyed hashes. "
		"<code>doveadm junk token WORD</code> shows the hash of a "
		"word, a host or an address of a message that you hold, and "
		"<code>doveadm junk score -u USER mailbox Junk</code> those "
		"of a message. If the reports of a campaign were a mistake, "
		"<code>doveadm junk forget --since FIRST-SEEN --burst</code> "
		"takes back those of users who exceeded their limit.</p>\n");
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
	read_score_counts(page);
	read_mail(page);
	add_head(page);
	add_first_steps(page);
	str_append(page->html, "<div class=\"plots\">\n");
	add_reports_plot(page);
	add_score_plot(page);
	add_missed_plot(page);
	add_kept_plot(page);
	add_rescued_plot(page);
	add_class_plot(page);
	str_append(page->html, "</div>\n");
	add_threshold_table(page);
	add_campaigns(page);
	add_health(page);
	str_append(page->html, "</main>\n<footer><p>Made by doveadm junk "
		   "report. Bursts are left out of the rates.</p></footer>\n"
		   "</body>\n</html>\n");
}

/*
 * Command
 */

/* Write the page atomically and readable only by its owner. root may write to a
   folder that others may write to, so the temporary file has a name that nobody
   can have created before. */
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

	/* a client of the HTTP API must not write files */
	if (doveadm_server) {
		*error_r = "this command writes a file, and works only on the "
			"host itself";
		return -1;
	}
	if (!doveadm_cmd_param_str(cctx, "output", path_r) ||
	    **path_r == '\0') {
		*error_r = "--output is required, e.g. --output report.html";
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

	/* after a database error no page is written */
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

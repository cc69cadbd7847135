#include "lib.h"
#include "str.h"

#include "doveadm-junk-svg.h"

#include <math.h>

/* In SVG units; the page scales the plot to its width. The margins have room
   for text of 20 units, for phones. */
#define PLOT_WIDTH 640
#define PLOT_HEIGHT 240
#define MARGIN_LEFT 72
#define MARGIN_RIGHT 30
#define MARGIN_TOP 12
#define MARGIN_BOTTOM 36
#define INNER_WIDTH (PLOT_WIDTH - MARGIN_LEFT - MARGIN_RIGHT)
#define INNER_HEIGHT (PLOT_HEIGHT - MARGIN_TOP - MARGIN_BOTTOM)
#define TICKS 4
/* The maximum number of labels on the x axis. */
#define MAX_X_LABELS 8
/* Height of a row of junk_svg_rows() */
#define ROW_HEIGHT 26
#define ROW_GAP 6
#define ROW_MIDDLE ((ROW_HEIGHT + ROW_GAP) / 2)
#define ROW_LABEL_WIDTH 185
#define ROW_VALUE_WIDTH 80

void junk_html_escape(string_t *dest, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			str_append(dest, "&amp;");
			break;
		case '<':
			str_append(dest, "&lt;");
			break;
		case '>':
			str_append(dest, "&gt;");
			break;
		case '"':
			str_append(dest, "&quot;");
			break;
		case '\'':
			str_append(dest, "&#39;");
			break;
		default:
			/* HTML doesn't allow control characters */
			if ((unsigned char)*text >= 0x20)
				str_append_c(dest, *text);
		}
	}
}

/* Returns the next round number, 1, 2 or 5 times a power of ten, that is at
   least num. */
static double round_up(double num)
{
	double power;

	if (!(num > 0))
		return 1;
	power = pow(10, floor(log10(num)));
	if (num <= power)
		return power;
	if (num <= 2 * power)
		return 2 * power;
	if (num <= 5 * power)
		return 5 * power;
	return 10 * power;
}

/* Format a number for an axis: 950, 1.5k, 20M. */
static const char *short_number(double num)
{
	static const char *const units[] = { "", "k", "M", "G" };
	unsigned int i = 0;

	/* 999.5 and more would be rounded to 1000, which is 1k */
	for (; num >= 999.5 && i + 1 < N_ELEMENTS(units); i++)
		num /= 1000;
	return t_strdup_printf("%.3g%s", num, units[i]);
}

static double value_at(const double *values, unsigned int i)
{
	return isnan(values[i]) ? 0 : values[i];
}

static double plot_max(const struct junk_svg_plot *plot, bool stacked)
{
	double max = 0;

	if (plot->max > 0)
		return plot->max;
	for (unsigned int i = 0; i < plot->count; i++) {
		double sum = 0, highest = 0;

		for (unsigned int s = 0; s < plot->series_count; s++) {
			const struct junk_svg_series *series =
				&plot->series[s];
			double value = value_at(series->high != NULL ?
						series->high : series->values,
						i);

			sum += value;
			highest = I_MAX(highest, value);
		}
		max = I_MAX(max, stacked ? sum : highest);
	}
	return round_up(max);
}

static double plot_y(double value, double max)
{
	double part = value / max;

	part = I_MAX(0, I_MIN(1, part));
	return MARGIN_TOP + INNER_HEIGHT * (1 - part);
}

static double plot_slot(const struct junk_svg_plot *plot)
{
	return (double)INNER_WIDTH / I_MAX(plot->count, 1);
}

static void
svg_begin(string_t *dest, const struct junk_svg_plot *plot, double height)
{
	str_append(dest, plot->wide ? "<figure class=\"wide\"><figcaption>" :
		   "<figure><figcaption>");
	junk_html_escape(dest, plot->title);
	str_printfa(dest, "</figcaption>\n<svg id=\"%s\" role=\"img\" "
		    "viewBox=\"0 0 %d %g\" aria-labelledby=\"%s-t %s-d\">\n"
		    "<title id=\"%s-t\">", plot->id, PLOT_WIDTH, height,
		    plot->id, plot->id, plot->id);
	junk_html_escape(dest, plot->title);
	str_printfa(dest, "</title><desc id=\"%s-d\">", plot->id);
	junk_html_escape(dest, plot->description);
	str_append(dest, "</desc>\n");
}

static void svg_legend(string_t *dest, const struct junk_svg_plot *plot)
{
	str_append(dest, "<p class=\"legend\">");
	for (unsigned int s = 0; s < plot->series_count; s++) {
		str_printfa(dest, "<span class=\"%s\">",
			    plot->series[s].class);
		junk_html_escape(dest, plot->series[s].name);
		str_append(dest, "</span> ");
	}
	str_append(dest, "</p>");
}

static void svg_end(string_t *dest, const struct junk_svg_plot *plot)
{
	str_append(dest, "</svg>\n");
	svg_legend(dest, plot);
	str_append(dest, "</figure>\n");
}

static void
svg_axes(string_t *dest, const struct junk_svg_plot *plot, double max)
{
	unsigned int step = plot->count / MAX_X_LABELS + 1;
	double slot = plot_slot(plot);

	for (unsigned int i = 0; i <= TICKS; i++) {
		double value = max * i / TICKS, y = plot_y(value, max);

		str_printfa(dest, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" "
			    "y1=\"%.1f\" y2=\"%.1f\"/><text class=\"y\" "
			    "x=\"%d\" y=\"%.1f\">%s%s</text>\n", MARGIN_LEFT,
			    PLOT_WIDTH - MARGIN_RIGHT, y, y, MARGIN_LEFT - 6,
			    y, short_number(value), plot->unit);
	}
	for (unsigned int i = 0; i < plot->count; i += step) {
		str_printfa(dest, "<text class=\"x\" x=\"%.1f\" y=\"%d\">",
			    MARGIN_LEFT + slot * (i + 0.5), PLOT_HEIGHT - 8);
		junk_html_escape(dest, plot->labels[i]);
		str_append(dest, "</text>\n");
	}
}

static void svg_mark(string_t *dest, const struct junk_svg_plot *plot)
{
	double x = MARGIN_LEFT + plot_slot(plot) * plot->mark;
	bool right = x > PLOT_WIDTH / 2.0;

	if (plot->mark < 0)
		return;
	/* put the label on the side that has more room */
	str_printfa(dest, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" "
		    "y1=\"%d\" y2=\"%d\"/><text class=\"mark %s\" x=\"%.1f\" "
		    "y=\"%d\">", x, x, MARGIN_TOP,
		    MARGIN_TOP + INNER_HEIGHT, right ? "before" : "after",
		    right ? x - 4 : x + 4, MARGIN_TOP + 10);
	junk_html_escape(dest, plot->mark_label);
	str_append(dest, "</text>\n");
}

static void
svg_bar(string_t *dest, const struct junk_svg_plot *plot, unsigned int s,
	unsigned int i, double x, double width, double y, double height)
{
	const struct junk_svg_series *series = &plot->series[s];

	if (height <= 0)
		return;
	str_printfa(dest, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
		    "width=\"%.1f\" height=\"%.1f\"><title>",
		    series->class, x, y, width, height);
	junk_html_escape(dest, plot->labels[i]);
	str_append(dest, ": ");
	junk_html_escape(dest, series->name);
	str_printfa(dest, " %g%s</title></rect>\n", series->values[i],
		    plot->unit);
}

void junk_svg_bars(string_t *dest, const struct junk_svg_plot *plot)
{
	double max = plot_max(plot, TRUE), slot = plot_slot(plot);

	svg_begin(dest, plot, PLOT_HEIGHT);
	svg_axes(dest, plot, max);
	for (unsigned int i = 0; i < plot->count; i++) {
		double sum = 0;

		for (unsigned int s = 0; s < plot->series_count; s++) {
			double value = value_at(plot->series[s].values, i);
			double bottom = plot_y(sum, max);
			double top = plot_y(sum + value, max);

			svg_bar(dest, plot, s, i,
				MARGIN_LEFT + slot * (i + 0.1), slot * 0.8,
				top, bottom - top);
			sum += value;
		}
		if (sum > max) {
			str_printfa(dest, "<text class=\"x cut\" x=\"%.1f\" "
				    "y=\"%d\">%s</text>\n",
				    MARGIN_LEFT + slot * (i + 0.5),
				    MARGIN_TOP - 2, short_number(sum));
		}
	}
	svg_mark(dest, plot);
	svg_end(dest, plot);
}

void junk_svg_groups(string_t *dest, const struct junk_svg_plot *plot)
{
	double max = plot_max(plot, FALSE), slot = plot_slot(plot);
	double width = slot * 0.8 / I_MAX(plot->series_count, 1);

	svg_begin(dest, plot, PLOT_HEIGHT);
	svg_axes(dest, plot, max);
	for (unsigned int i = 0; i < plot->count; i++) {
		for (unsigned int s = 0; s < plot->series_count; s++) {
			double top = plot_y(value_at(plot->series[s].values,
						     i), max);

			svg_bar(dest, plot, s, i,
				MARGIN_LEFT + slot * (i + 0.1) + width * s,
				width, top, plot_y(0, max) - top);
		}
	}
	svg_mark(dest, plot);
	svg_end(dest, plot);
}

static void
svg_band(string_t *dest, const struct junk_svg_plot *plot,
	 const struct junk_svg_series *series, double max)
{
	double slot = plot_slot(plot);

	for (unsigned int i = 0; i < plot->count; i++) {
		double top, bottom;

		if (isnan(series->low[i]) || isnan(series->high[i]))
			continue;
		top = plot_y(series->high[i], max);
		bottom = plot_y(series->low[i], max);
		str_printfa(dest, "<rect class=\"%s band\" x=\"%.1f\" "
			    "y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
			    series->class, MARGIN_LEFT + slot * i, top, slot,
			    bottom - top);
	}
}

static void
svg_line(string_t *dest, const struct junk_svg_plot *plot,
	 const struct junk_svg_series *series, double max)
{
	double slot = plot_slot(plot);
	bool drawing = FALSE;

	str_printfa(dest, "<path class=\"%s line\" d=\"", series->class);
	for (unsigned int i = 0; i < plot->count; i++) {
		if (isnan(series->values[i])) {
			drawing = FALSE;
			continue;
		}
		str_printfa(dest, "%c%.1f %.1f", drawing ? 'L' : 'M',
			    MARGIN_LEFT + slot * (i + 0.5),
			    plot_y(series->values[i], max));
		drawing = TRUE;
	}
	str_append(dest, "\"/>\n");
}

static void
svg_points(string_t *dest, const struct junk_svg_plot *plot,
	   const struct junk_svg_series *series, double max)
{
	for (unsigned int i = 0; i < plot->count; i++) {
		if (isnan(series->values[i]))
			continue;
		str_printfa(dest, "<circle class=\"%s\" r=\"3\" cx=\"%.1f\" "
			    "cy=\"%.1f\"><title>", series->class,
			    MARGIN_LEFT + plot_slot(plot) * (i + 0.5),
			    plot_y(series->values[i], max));
		junk_html_escape(dest, plot->labels[i]);
		str_append(dest, ": ");
		junk_html_escape(dest, series->name);
		str_printfa(dest, " %.2f%s</title></circle>\n",
			    series->values[i], plot->unit);
	}
}

void junk_svg_lines(string_t *dest, const struct junk_svg_plot *plot)
{
	double max = plot_max(plot, FALSE);

	svg_begin(dest, plot, PLOT_HEIGHT);
	svg_axes(dest, plot, max);
	for (unsigned int s = 0; s < plot->series_count; s++) {
		const struct junk_svg_series *series = &plot->series[s];

		if (series->low != NULL)
			svg_band(dest, plot, series, max);
		svg_line(dest, plot, series, max);
		svg_points(dest, plot, series, max);
	}
	svg_mark(dest, plot);
	svg_end(dest, plot);
}

/* Returns the sum of a row, never 0. */
static double row_sum(const struct junk_svg_plot *plot, unsigned int i)
{
	double sum = 0;

	for (unsigned int s = 0; s < plot->series_count; s++)
		sum += value_at(plot->series[s].values, i);
	return sum > 0 ? sum : 1;
}

void junk_svg_rows(string_t *dest, const struct junk_svg_plot *plot)
{
	double max = plot_max(plot, TRUE);
	double width = PLOT_WIDTH - ROW_LABEL_WIDTH - ROW_VALUE_WIDTH;

	svg_begin(dest, plot, ROW_HEIGHT * I_MAX(plot->count, 1) + ROW_GAP);
	for (unsigned int i = 0; i < plot->count; i++) {
		double x = ROW_LABEL_WIDTH, sum = 0, full = max;

		if (plot->shares)
			full = row_sum(plot, i);
		str_printfa(dest, "<text class=\"y\" x=\"%d\" y=\"%d\">",
			    ROW_LABEL_WIDTH - 8, ROW_HEIGHT * i + ROW_MIDDLE);
		junk_html_escape(dest, plot->labels[i]);
		str_append(dest, "</text>\n");
		for (unsigned int s = 0; s < plot->series_count; s++) {
			double value = value_at(plot->series[s].values, i);
			double part = width * I_MIN(value / full, 1);

			if (part > 0) {
				svg_bar(dest, plot, s, i, x, part,
					ROW_HEIGHT * i + ROW_GAP,
					ROW_HEIGHT - ROW_GAP);
			}
			x += part;
			sum += value;
		}
		str_printfa(dest, "<text class=\"v\" x=\"%.1f\" y=\"%d\">"
			    "%s</text>\n", x + 6, ROW_HEIGHT * i + ROW_MIDDLE,
			    short_number(sum));
	}
	svg_end(dest, plot);
}

#ifndef DOVEADM_JUNK_SVG_H
#define DOVEADM_JUNK_SVG_H

/* Plots as inline SVG. Colours are classes (spam, ham, weak, grid, ...), so
   that the page's style sheet decides, in light and in dark. Pure: text is
   appended to a string; all labels are escaped. */

struct junk_svg_series {
	/* for the legend, and the CSS class */
	const char *name, *class;
	/* count values; NAN = none */
	const double *values;
	/* a band around the values, or NULL */
	const double *low, *high;
};

struct junk_svg_plot {
	/* unique in the page: letters, digits and - */
	const char *id;
	/* for people who can't see it, and the caption */
	const char *title, *description;
	/* one per value */
	const char *const *labels;
	unsigned int count;
	const struct junk_svg_series *series;
	unsigned int series_count;
	/* appended to numbers on the axis, e.g. "%" */
	const char *unit;
	/* of the axis; 0 = as the values need. Bars that are higher are cut off,
	   and have their number on top. */
	double max;
	/* rows: the parts of a row fill it, whatever their sum is */
	bool shares;
	/* as wide as the page */
	bool wide;
	/* index of a line across, e.g. the threshold; -1 = none */
	double mark;
	const char *mark_label;
};

void junk_html_escape(string_t *dest, const char *text);

/* Bars, stacked upon each other. */
void junk_svg_bars(string_t *dest, const struct junk_svg_plot *plot);
/* Bars side by side in each group. */
void junk_svg_groups(string_t *dest, const struct junk_svg_plot *plot);
/* Lines with bands. */
void junk_svg_lines(string_t *dest, const struct junk_svg_plot *plot);
/* A bar to the right for each label, parts one after another. */
void junk_svg_rows(string_t *dest, const struct junk_svg_plot *plot);

#endif

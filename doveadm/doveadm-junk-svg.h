#ifndef DOVEADM_JUNK_SVG_H
#define DOVEADM_JUNK_SVG_H

/* Plots as inline SVG. Colours are CSS classes (spam, ham, weak, grid, ...), so
   the page's style sheet sets them for light and dark mode. The functions
   append text to a string and have no other effect. All labels are escaped. */

struct junk_svg_series {
	/* text of the legend, and CSS class */
	const char *name, *class;
	/* count values; NAN = no value */
	const double *values;
	/* a band around the values, or NULL */
	const double *low, *high;
};

struct junk_svg_plot {
	/* unique id in the page: letters, digits and "-" */
	const char *id;
	/* caption, and description for screen readers */
	const char *title, *description;
	/* one label for each value */
	const char *const *labels;
	unsigned int count;
	const struct junk_svg_series *series;
	unsigned int series_count;
	/* appended to numbers on the axis, e.g. "%" */
	const char *unit;
	/* maximum of the axis; 0 = the highest value. Higher bars are cut off
	   and labelled with their number. */
	double max;
	/* rows: scale the parts of each row to fill its width */
	bool shares;
	/* use the full width of the page */
	bool wide;
	/* position of a vertical line, e.g. the threshold; -1 = none */
	double mark;
	const char *mark_label;
};

void junk_html_escape(string_t *dest, const char *text);

/* Stacked bars. */
void junk_svg_bars(string_t *dest, const struct junk_svg_plot *plot);
/* Grouped bars. */
void junk_svg_groups(string_t *dest, const struct junk_svg_plot *plot);
/* Lines with confidence bands. */
void junk_svg_lines(string_t *dest, const struct junk_svg_plot *plot);
/* Horizontal stacked bars, one for each label. */
void junk_svg_rows(string_t *dest, const struct junk_svg_plot *plot);

#endif

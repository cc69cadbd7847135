#include "lib.h"
#include "junk-name.h"
#include "junk-html-style.h"

#include <stdlib.h>

/* Of properties that say something here; a multiple of 8. */
#define NAME_BYTES 24
/* Pixels or points that nobody can read. */
#define MAX_TINY 2
/* Per channel: nearer than this can't be read. */
#define COLOR_TOO_NEAR 12

struct style_keyword {
	const char *name;
	int value;
};

static uint32_t color_named(const char *name)
{
	static const struct {
		const char *name;
		uint32_t color;
	} colors[] = {
		{ "white", 0xffffff }, { "black", 0 }, { "red", 0xff0000 },
		{ "blue", 0x0000ff }, { "green", 0x008000 },
		{ "yellow", 0xffff00 }, { "gray", 0x808080 },
		{ "grey", 0x808080 }, { "silver", 0xc0c0c0 },
		{ "navy", 0x000080 }, { "maroon", 0x800000 },
		{ "snow", 0xfffafa }, { "ivory", 0xfffff0 },
		{ "ghostwhite", 0xf8f8ff }, { "whitesmoke", 0xf5f5f5 },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(colors); i++) {
		if (strcmp(colors[i].name, name) == 0)
			return colors[i].color;
	}
	return JUNK_COLOR_UNKNOWN;
}

uint32_t junk_color_parse(const char *str)
{
	uint32_t num;
	char *end;
	size_t len;

	str += strspn(str, " \t\r\n");
	len = strcspn(str, "; \t\r\n!");
	str = t_strndup(str, len);
	if (*str != '#' && (len != 6 || !ascii_isdigit(*str)))
		return color_named(str);
	if (*str == '#')
		str++;
	num = strtoul(str, &end, 16);
	if (end - str == 3) {
		return (num >> 8) * 0x110000 + ((num >> 4) & 15) * 0x1100 +
			(num & 15) * 0x11;
	}
	return end - str == 6 ? num : JUNK_COLOR_UNKNOWN;
}

bool junk_color_near(uint32_t a, uint32_t b)
{
	if (a == JUNK_COLOR_UNKNOWN || b == JUNK_COLOR_UNKNOWN)
		return FALSE;
	for (unsigned int shift = 0; shift < 24; shift += 8) {
		int diff = (int)((a >> shift) & 0xff) -
			(int)((b >> shift) & 0xff);
		if (diff > COLOR_TOO_NEAR || diff < -COLOR_TOO_NEAR)
			return FALSE;
	}
	return TRUE;
}

static int
keyword_find(const char *value, const struct style_keyword *keywords,
	     unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(keywords[i].name, value) == 0)
			return keywords[i].value;
	}
	return JUNK_STYLE_UNSET;
}

/* Returns FALSE if value is no number; otherwise *unit_r is what follows it. */
static bool number_parse(const char *value, double *num_r, const char **unit_r)
{
	char *end;

	if (!ascii_isdigit(value[*value == '.' || *value == '+' ? 1 : 0]))
		return FALSE;
	*num_r = strtod(value, &end);
	*unit_r = end;
	return TRUE;
}

/* "0", of any length */
static bool number_is_zero(double num, const char *unit)
{
	static const char *const units[] = {
		"", "px", "pt", "em", "%", "rem", "ex", "ch", "vw", "vh", "in",
		"cm", "mm", "pc", NULL
	};

	return num == 0 && str_array_find(units, unit);
}

static int parse_background(const char *value)
{
	/* what is behind it is seen */
	static const char *const outer[] = {
		"inherit", "initial", "none", "transparent", "unset", NULL
	};

	if (str_array_find(outer, value))
		return JUNK_STYLE_UNSET;
	if (strstr(value, "url(") != NULL || strstr(value, "gradient(") != NULL)
		return JUNK_COLOR_UNKNOWN;
	return junk_color_parse(value);
}

static int parse_color(const char *value)
{
	static const char *const outer[] = {
		"currentcolor", "inherit", "unset", NULL
	};

	return str_array_find(outer, value) ?
		JUNK_STYLE_UNSET : (int)junk_color_parse(value);
}

static int parse_background_image(const char *value)
{
	return strcmp(value, "none") == 0 ? JUNK_STYLE_NO : JUNK_STYLE_YES;
}

static int parse_display(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "none", JUNK_DISPLAY_NONE },
		{ "block", JUNK_DISPLAY_BLOCK },
		{ "inline", JUNK_DISPLAY_INLINE },
		{ "inline-block", JUNK_DISPLAY_INLINE },
		{ "table", JUNK_DISPLAY_BLOCK },
		{ "table-cell", JUNK_DISPLAY_BLOCK },
		{ "table-row", JUNK_DISPLAY_BLOCK },
		{ "list-item", JUNK_DISPLAY_BLOCK },
		{ "flex", JUNK_DISPLAY_BLOCK },
		{ "grid", JUNK_DISPLAY_BLOCK },
		{ "flow-root", JUNK_DISPLAY_BLOCK },
		{ "inline-table", JUNK_DISPLAY_INLINE },
		{ "inline-flex", JUNK_DISPLAY_INLINE },
		{ "inline-grid", JUNK_DISPLAY_INLINE },
		{ "contents", JUNK_DISPLAY_INLINE },
		{ "table-caption", JUNK_DISPLAY_BLOCK },
		{ "table-row-group", JUNK_DISPLAY_BLOCK },
		{ "revert", JUNK_DISPLAY_INLINE },
		{ "unset", JUNK_DISPLAY_INLINE },
		{ "initial", JUNK_DISPLAY_INLINE },
		{ "inherit", JUNK_DISPLAY_INLINE },
	};

	return keyword_find(value, keywords, N_ELEMENTS(keywords));
}

static int parse_font_size(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "inherit", JUNK_STYLE_OUTER },
		{ "unset", JUNK_STYLE_OUTER },
		{ "revert", JUNK_STYLE_OUTER },
		{ "smaller", JUNK_STYLE_OUTER },
		{ "larger", JUNK_STYLE_OUTER },
		{ "initial", JUNK_STYLE_NO },
		{ "xx-small", JUNK_STYLE_NO }, { "x-small", JUNK_STYLE_NO },
		{ "small", JUNK_STYLE_NO }, { "medium", JUNK_STYLE_NO },
		{ "large", JUNK_STYLE_NO }, { "x-large", JUNK_STYLE_NO },
		{ "xx-large", JUNK_STYLE_NO }, { "xxx-large", JUNK_STYLE_NO },
	};
	/* others are never less than 6 px in browsers, but for 0 */
	static const struct {
		const char *unit;
		bool absolute;
	} units[] = {
		{ "px", TRUE }, { "pt", TRUE }, { "em", FALSE }, { "%", FALSE },
	};
	const char *unit;
	double num;

	if (!number_parse(value, &num, &unit)) {
		if (strchr(value, '(') != NULL)
			return JUNK_STYLE_NO;
		return keyword_find(value, keywords, N_ELEMENTS(keywords));
	}
	if (number_is_zero(num, unit))
		return JUNK_STYLE_YES;
	for (unsigned int i = 0; i < N_ELEMENTS(units); i++) {
		if (strcmp(units[i].unit, unit) != 0)
			continue;
		if (!units[i].absolute)
			return JUNK_STYLE_OUTER;
		return num <= MAX_TINY ? JUNK_STYLE_YES : JUNK_STYLE_NO;
	}
	/* without a unit it isn't valid */
	return *unit == '\0' ? JUNK_STYLE_UNSET : JUNK_STYLE_NO;
}

/* "bold 12px/14px Arial": the first that is a size */
static int parse_font(const char *value)
{
	int size = JUNK_STYLE_UNSET;

	while (*value != '\0' && size == JUNK_STYLE_UNSET) {
		size_t len = strcspn(value, " /");

		size = parse_font_size(t_strndup(value, len));
		value += len;
		value += strspn(value, " /");
	}
	return size;
}

static int parse_max_height(const char *value)
{
	const char *unit;
	double num;

	return number_parse(value, &num, &unit) && number_is_zero(num, unit) ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_opacity(const char *value)
{
	const char *unit;
	double num;

	if (!number_parse(value, &num, &unit))
		return JUNK_STYLE_NO;
	if (*unit != '\0' && strcmp(unit, "%") != 0)
		return JUNK_STYLE_UNSET;
	return num <= (*unit == '%' ? 1 : 0.01) ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_overflow(const char *value)
{
	return strcmp(value, "hidden") == 0 || strcmp(value, "clip") == 0 ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_visibility(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "hidden", JUNK_STYLE_YES }, { "collapse", JUNK_STYLE_YES },
		{ "visible", JUNK_STYLE_NO }, { "initial", JUNK_STYLE_NO },
		{ "inherit", JUNK_STYLE_OUTER }, { "unset", JUNK_STYLE_OUTER },
		{ "revert", JUNK_STYLE_OUTER },
	};

	return keyword_find(value, keywords, N_ELEMENTS(keywords));
}

static const struct style_name {
	char name[NAME_BYTES];
	enum junk_style_property property;
	int (*parse)(const char *value);
} style_names[] = {
	{ "background", JUNK_STYLE_BACKGROUND, parse_background },
	{ "background-color", JUNK_STYLE_BACKGROUND, parse_background },
	{ "background-image", JUNK_STYLE_PICTURE, parse_background_image },
	{ "color", JUNK_STYLE_COLOR, parse_color },
	{ "display", JUNK_STYLE_DISPLAY, parse_display },
	{ "font", JUNK_STYLE_TINY, parse_font },
	{ "font-size", JUNK_STYLE_TINY, parse_font_size },
	{ "max-height", JUNK_STYLE_FLAT, parse_max_height },
	{ "opacity", JUNK_STYLE_TRANSPARENT, parse_opacity },
	{ "overflow", JUNK_STYLE_CLIPPED, parse_overflow },
	{ "visibility", JUNK_STYLE_INVISIBLE, parse_visibility },
};

void junk_style_init(struct junk_style *style)
{
	for (unsigned int i = 0; i < JUNK_STYLE_COUNT; i++)
		style->values[i] = JUNK_STYLE_UNSET;
	style->important = 0;
}

/* In lower case, blanks for spaces of any kind and for comments. */
static void style_clean(char *css)
{
	char *dest = css;

	while (*css != '\0') {
		if (css[0] == '/' && css[1] == '*') {
			css = strstr(css + 2, "*/");
			if (css == NULL)
				break;
			css += 2;
			*dest++ = ' ';
		} else {
			*dest++ = (unsigned char)*css <= ' ' ? ' ' :
				ascii_tolower(*css);
			css++;
		}
	}
	*dest = '\0';
}

/* Cut the blanks before end. Returns the first of str that is none. */
static char *style_trim(char *str, char *end)
{
	while (end > str && end[-1] == ' ')
		end--;
	*end = '\0';
	return str + strspn(str, " ");
}

static void style_declaration(struct junk_style *style, char *text, char *end)
{
	const struct style_name *row;
	char *colon = strchr(text, ':'), *mark, name[NAME_BYTES];
	unsigned int bit;
	int value;

	if (colon == NULL ||
	    !junk_name_set(name, sizeof(name), style_trim(text, colon)))
		return;
	row = junk_name_find(name, sizeof(name), style_names,
			     N_ELEMENTS(style_names), sizeof(*style_names));
	if (row == NULL)
		return;
	mark = strchr(colon + 1, '!');
	if (mark != NULL &&
	    strcmp(style_trim(mark + 1, end), "important") != 0)
		return;
	value = row->parse(style_trim(colon + 1, mark != NULL ? mark : end));
	bit = 1U << row->property;
	if (value == JUNK_STYLE_UNSET ||
	    (mark == NULL && (style->important & bit) != 0))
		return;
	style->values[row->property] = value;
	if (mark != NULL)
		style->important |= bit;
}

void junk_style_parse(struct junk_style *style, char *css)
{
	bool last = FALSE;

	style_clean(css);
	while (!last) {
		char *end = css + strcspn(css, ";");

		last = *end == '\0';
		*end = '\0';
		style_declaration(style, css, end);
		css = end + 1;
	}
}

/* See junk-html-style.h. Each parse function returns the value of one property,
   JUNK_STYLE_UNSET if it is invalid. */

#include "lib.h"
#include "junk-name.h"
#include "junk-html-calc.h"
#include "junk-html-style.h"

#include <math.h>
#include <stdlib.h>

/* Size of the name of a known property; a multiple of 8. */
#define NAME_BYTES 24
/* Positions in pixels that are off-screen: to the left or above, and to the
   right. They are larger than any screen. */
#define OFF_SCREEN (-400)
#define OFF_SCREEN_RIGHT 3000
/* Letters up to this size are unreadable (pixels or points). */
#define MAX_TINY 2
/* Smaller zoom factors are unreadable, and so is larger blur (pixels). */
#define MIN_ZOOM 0.15
#define MIN_BLUR 8

struct style_keyword {
	const char *name;
	int value;
};

/* Read the numbers in a function's brackets. percent: the value of 100 %.
   Returns their count. */
static unsigned int
function_numbers(const char *str, double percent, double numbers[4])
{
	unsigned int count = 0;
	char *end;

	str += strcspn(str, "(");
	while (*str != '\0' && *str != ')' && count < 4) {
		if (!ascii_isdigit(*str) && *str != '.' && *str != '-' &&
		    *str != '+') {
			/* also skips "none", units and the "e" of "deg" */
			str++;
			continue;
		}
		numbers[count] = strtod(str, &end);
		if (end == str || !isfinite(numbers[count])) {
			str++;
			continue;
		}
		if (*end == '%')
			numbers[count] *= percent / 100;
		count++;
		str = end;
	}
	return count;
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

/* Returns FALSE if value isn't a number; otherwise *unit_r points behind it. */
static bool number_parse(const char *value, double *num_r, const char **unit_r)
{
	char *end;

	if (!ascii_isdigit(value[*value == '.' || *value == '+' ? 1 : 0]))
		return FALSE;
	*num_r = strtod(value, &end);
	*unit_r = end;
	return TRUE;
}

/* Returns TRUE for a length of 0 in any unit. */
static bool number_is_zero(double num, const char *unit)
{
	size_t size;

	return num == 0 && (*unit == '\0' ||
		(junk_css_unit(unit, &size) != 0 && unit[size] == '\0'));
}

/* Parse a length in pixels, which may be negative. *end_r points behind it.
   Returns FALSE if it isn't a length. */
static bool length_parse(const char *value, double *px_r, const char **end_r)
{
	double px;
	size_t size;
	char *end;

	if (strspn(value, "0123456789.+-") == 0)
		return FALSE;
	*px_r = strtod(value, &end);
	*end_r = end;
	if (end == value)
		return FALSE;
	px = junk_css_unit(end, &size);
	if (px != 0) {
		*px_r *= px;
		/* as wide as the window */
		if (size > 1 && end[0] == 'v' && *px_r >= 100 * px)
			*px_r = OFF_SCREEN_RIGHT;
		*end_r = end + size;
		return TRUE;
	}
	/* only 0 is valid without a unit */
	return *px_r == 0;
}

static int parse_background(const char *value)
{
	/* what is behind shows through */
	static const char *const outer[] = {
		"inherit", "initial", "none", "transparent", "unset", NULL
	};
	uint32_t color;

	if (str_array_find(outer, value))
		return JUNK_COLOR_TRANSPARENT;
	color = junk_color_any(value, JUNK_COLOR_INVALID);
	return color == JUNK_COLOR_INVALID ? JUNK_STYLE_UNSET : (int)color;
}

/* Returns JUNK_STYLE_OUTER_COLOR if the colour is inherited. */
static int parse_color(const char *value)
{
	static const char *const outer[] = {
		"currentcolor", "inherit", "revert", "revert-layer", "unset",
		NULL
	};
	uint32_t color;

	if (str_array_find(outer, value))
		return JUNK_STYLE_OUTER_COLOR;
	if (strcmp(value, "initial") == 0)
		return 0;
	color = junk_color_parse(value);
	return color == JUNK_COLOR_INVALID ? JUNK_STYLE_UNSET : (int)color;
}

/* The shadow or outline of letters, which alone may make them visible. */
static int parse_shadow(const char *value)
{
	static const char *const outer[] = {
		"inherit", "revert", "revert-layer", "unset", NULL
	};

	if (str_array_find(outer, value))
		return JUNK_STYLE_UNSET;
	return (int)junk_color_any(value, JUNK_COLOR_TRANSPARENT);
}

/* Returns YES if a mask is transparent everywhere. */
static int parse_mask(const char *value)
{
	return strstr(value, "gradient(") != NULL &&
		junk_color_any(value, JUNK_COLOR_INVALID) ==
		JUNK_COLOR_TRANSPARENT ? JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* A background picture. A gradient with a single colour counts as that
   colour. */
static int parse_background_image(const char *value)
{
	uint32_t color;

	if (strstr(value, "gradient(") != NULL) {
		color = junk_color_any(value, JUNK_COLOR_INVALID);
		if (!JUNK_COLOR_IS_SPECIAL(color))
			return (int)color + JUNK_STYLE_PICTURE_COLOR;
	}
	return strcmp(value, "none") == 0 ? JUNK_STYLE_NO : JUNK_STYLE_YES;
}

static int parse_display(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "none", JUNK_DISPLAY_NONE },
		{ "block", JUNK_DISPLAY_BLOCK },
		{ "inline", JUNK_DISPLAY_INLINE },
		{ "inline-block", JUNK_DISPLAY_INLINE_BLOCK },
		{ "table", JUNK_DISPLAY_TABLE },
		{ "table-cell", JUNK_DISPLAY_TABLE },
		{ "table-row", JUNK_DISPLAY_TABLE },
		{ "list-item", JUNK_DISPLAY_BLOCK },
		{ "flex", JUNK_DISPLAY_BLOCK },
		{ "grid", JUNK_DISPLAY_BLOCK },
		{ "flow-root", JUNK_DISPLAY_BLOCK },
		{ "inline-table", JUNK_DISPLAY_INLINE_BLOCK },
		{ "inline-flex", JUNK_DISPLAY_INLINE_BLOCK },
		{ "inline-grid", JUNK_DISPLAY_INLINE_BLOCK },
		{ "contents", JUNK_DISPLAY_INLINE },
		{ "table-caption", JUNK_DISPLAY_BLOCK },
		{ "table-row-group", JUNK_DISPLAY_TABLE },
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
		/* keywords of the font property */
		{ "caption", JUNK_STYLE_NO }, { "icon", JUNK_STYLE_NO },
		{ "menu", JUNK_STYLE_NO }, { "message-box", JUNK_STYLE_NO },
		{ "small-caption", JUNK_STYLE_NO },
		{ "status-bar", JUNK_STYLE_NO },
	};
	/* in other units, browsers never make letters smaller than 6 px, except
	   at 0 */
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
	/* a number without a unit is invalid */
	return *unit == '\0' ? JUNK_STYLE_UNSET : JUNK_STYLE_NO;
}

/* "bold 12px/14px Arial": the first word that is a size */
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

/* A height or width: YES if there is no room. */
static int parse_extent(const char *value)
{
	const char *end;
	double px;

	return length_parse(value, &px, &end) && *end == '\0' &&
		px <= MAX_TINY ? JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* A number without a unit counts lines. */
static int parse_line_height(const char *value)
{
	const char *unit;
	double num;

	if (number_parse(value, &num, &unit) && *unit == '\0')
		return num < 0.1 ? JUNK_STYLE_YES : JUNK_STYLE_NO;
	return parse_extent(value);
}

/* left, top, ...: YES or BACK if off-screen. */
static int parse_offset(const char *value)
{
	const char *end;
	double px;

	if (!length_parse(value, &px, &end))
		return JUNK_STYLE_NO;
	return px >= OFF_SCREEN_RIGHT ? JUNK_STYLE_BACK :
		px <= OFF_SCREEN ? JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_indent(const char *value)
{
	const char *end;
	double px;

	if (strcmp(value, "inherit") == 0 || strcmp(value, "unset") == 0)
		return JUNK_STYLE_OUTER;
	if (!length_parse(value, &px, &end))
		return JUNK_STYLE_NO;
	/* 100 % is off-screen if overflow is clipped */
	if (px > 0 && end[-1] == '%' && px >= 800)
		return JUNK_STYLE_CLIPS;
	return px <= OFF_SCREEN || px >= OFF_SCREEN_RIGHT ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_align(const char *value)
{
	return strcmp(value, "right") == 0 || strcmp(value, "end") == 0 ||
		strcmp(value, "-webkit-right") == 0 ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* "top right bottom left", or fewer: YES if moved off-screen at the top or on
   the left. */
static int parse_margin(const char *value)
{
	double px[4];
	unsigned int count = 0;
	const char *end;

	while (count < 4 && *value != '\0') {
		if (!length_parse(value, &px[count], &end))
			px[count] = 0;
		count++;
		value += strcspn(value, " ");
		value += strspn(value, " ");
	}
	if (count == 0)
		return JUNK_STYLE_UNSET;
	return px[0] <= OFF_SCREEN ||
		px[count == 4 ? 3 : count > 1 ? 1 : 0] <= OFF_SCREEN ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_position(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "static", JUNK_POSITION_STATIC },
		{ "initial", JUNK_POSITION_STATIC },
		{ "unset", JUNK_POSITION_STATIC },
		{ "relative", JUNK_POSITION_RELATIVE },
		/* at least stays in its place */
		{ "sticky", JUNK_POSITION_STATIC },
		{ "absolute", JUNK_POSITION_ABSOLUTE },
		{ "fixed", JUNK_POSITION_FIXED },
	};

	return keyword_find(value, keywords, N_ELEMENTS(keywords));
}

static int parse_float(const char *value)
{
	return strcmp(value, "none") == 0 ? JUNK_STYLE_NO : JUNK_STYLE_YES;
}

/* YES for a shape without an area. */
static int parse_clip_path(const char *value)
{
	double n[4] = { 0, 0, 0, 0 };
	unsigned int count;

	if (strncmp(value, "inset(", 6) == 0) {
		/* percentages; pixels are not evaluated */
		count = function_numbers(value, 100, n);
		if (count < 2)
			n[1] = n[0];
		if (count < 3)
			n[2] = n[0];
		if (count < 4)
			n[3] = n[1];
		return strchr(value, '%') != NULL &&
			(n[0] + n[2] >= 100 || n[1] + n[3] >= 100) ?
			JUNK_STYLE_YES : JUNK_STYLE_NO;
	}
	if (strncmp(value, "circle(", 7) == 0 ||
	    strncmp(value, "ellipse(", 8) == 0) {
		return function_numbers(value, 100, n) > 0 && n[0] == 0 ?
			JUNK_STYLE_YES : JUNK_STYLE_NO;
	}
	if (strncmp(value, "polygon(", 8) == 0 ||
	    strncmp(value, "rect(", 5) == 0 || strncmp(value, "xywh(", 5) == 0)
		return value[strcspn(value, "123456789")] == '\0' ?
			JUNK_STYLE_YES : JUNK_STYLE_NO;
	return JUNK_STYLE_NO;
}

/* "rect(top, right, bottom, left)" */
static int parse_clip(const char *value)
{
	double n[4];

	return strncmp(value, "rect(", 5) == 0 &&
		strstr(value, "auto") == NULL &&
		function_numbers(value, 100, n) == 4 &&
		(n[2] - n[0] <= MAX_TINY || n[1] - n[3] <= MAX_TINY) ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* Returns TRUE if a box that is turned by this angle is seen edge-on. */
static bool angle_is_edge(const char *value)
{
	const char *p = value + strcspn(value, "0123456789.-");
	double degrees = strtod(p, NULL);

	p += strspn(p, "0123456789.-+e");
	if (strncmp(p, "turn", 4) == 0)
		degrees *= 360;
	else if (strncmp(p, "rad", 3) == 0)
		degrees *= 180 / M_PI;
	else if (strncmp(p, "grad", 4) == 0)
		degrees *= 0.9;
	return fabs(fabs(fmod(degrees, 180)) - 90) < 2;
}

/* Returns TRUE if any of the numbers is about 0. */
static bool any_is_zero(const double *n, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (n[i] > -0.05 && n[i] < 0.05)
			return TRUE;
	}
	return FALSE;
}

static bool function_hides(const char *value)
{
	const char *p = value + strcspn(value, "("), *end;
	unsigned int count;
	double n[4], px;

	count = function_numbers(value, 100, n);
	if (strncmp(value, "scale", 5) == 0) {
		return any_is_zero(n, count);
	} else if (strncmp(value, "translate", 9) == 0) {
		while (*p != '\0' && *p != ')') {
			p += 1 + strspn(p + 1, " ");
			if (length_parse(p, &px, &end) &&
			    (px <= OFF_SCREEN || px >= OFF_SCREEN_RIGHT))
				return TRUE;
			p += strcspn(p, ",)");
		}
		return FALSE;
	} else if (strncmp(value, "rotatex(", 8) == 0 ||
		   strncmp(value, "rotatey(", 8) == 0 ||
		   strncmp(value, "skew", 4) == 0) {
		return count > 0 && angle_is_edge(p);
	} else if (strncmp(value, "matrix(", 7) == 0) {
		return count == 4 && n[0] * n[3] - n[1] * n[2] == 0;
	}
	return FALSE;
}

static int parse_transform(const char *value)
{
	while (*value != '\0') {
		value += strspn(value, " ");
		if (function_hides(value))
			return JUNK_STYLE_YES;
		value += strcspn(value, ")");
		if (*value != '\0')
			value++;
	}
	return JUNK_STYLE_NO;
}

/* "0" or "1 0" */
static int parse_scale(const char *value)
{
	double n[4];

	return any_is_zero(n, function_numbers(t_strconcat("(", value, NULL), 1,
					       n)) ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* "-9999px" or "0 -9999px" */
static int parse_translate(const char *value)
{
	const char *end;
	double px;

	while (*value != '\0') {
		if (length_parse(value, &px, &end) &&
		    (px <= OFF_SCREEN || px >= OFF_SCREEN_RIGHT))
			return JUNK_STYLE_YES;
		value += strcspn(value, " ");
		value += strspn(value, " ");
	}
	return JUNK_STYLE_NO;
}

/* "y 90deg" */
static int parse_rotate(const char *value)
{
	return (*value == 'x' || *value == 'y') && angle_is_edge(value) ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_zoom(const char *value)
{
	const char *unit;
	double num;

	if (!number_parse(value, &num, &unit))
		return JUNK_STYLE_NO;
	/* "zoom: 0" has no effect */
	return num > 0 && num / (*unit == '%' ? 100 : 1) < MIN_ZOOM ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* YES if its size doesn't depend on its content. */
static int parse_contain(const char *value)
{
	return strstr(value, "size") != NULL || strcmp(value, "strict") == 0 ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* YES if the first row has no height. */
static int parse_rows(const char *value)
{
	const char *unit;
	double num;

	return number_parse(value, &num, &unit) && num == 0 &&
		strncmp(unit, "fr", 2) != 0 ? JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_filter(const char *value)
{
	const char *opacity = strstr(value, "opacity(");
	const char *blur = strstr(value, "blur(");
	double n[4];

	if (opacity != NULL && function_numbers(opacity, 1, n) > 0 &&
	    n[0] < JUNK_STYLE_MIN_ALPHA)
		return JUNK_STYLE_YES;
	return blur != NULL && function_numbers(blur, 1, n) > 0 &&
		n[0] >= MIN_BLUR ? JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_content_visibility(const char *value)
{
	return strcmp(value, "hidden") == 0 ? JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_direction(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "rtl", JUNK_STYLE_YES }, { "ltr", JUNK_STYLE_NO },
		{ "initial", JUNK_STYLE_NO }, { "inherit", JUNK_STYLE_OUTER },
		{ "unset", JUNK_STYLE_OUTER },
	};

	return keyword_find(value, keywords, N_ELEMENTS(keywords));
}

static int parse_bidi(const char *value)
{
	return strstr(value, "override") != NULL ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* Opacity in percent. */
static int parse_opacity(const char *value)
{
	const char *end;
	double num;

	if (strcmp(value, "initial") == 0 || strcmp(value, "unset") == 0)
		return 100;
	if (strspn(value, "0123456789.+-") == 0)
		return JUNK_STYLE_UNSET;
	num = strtod(value, (char **)&end) * 100;
	if (*end == '%') {
		num /= 100;
		end++;
	}
	return *end != '\0' ? JUNK_STYLE_UNSET :
		num <= 0 ? 0 : num >= 100 ? 100 : (int)num;
}

static int parse_overflow(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "hidden", JUNK_STYLE_YES }, { "clip", JUNK_STYLE_YES },
		{ "auto", JUNK_STYLE_YES }, { "scroll", JUNK_STYLE_YES },
		{ "overlay", JUNK_STYLE_YES }, { "visible", JUNK_STYLE_NO },
		{ "initial", JUNK_STYLE_NO }, { "unset", JUNK_STYLE_NO },
	};

	/* "hidden visible": the first word decides */
	value = t_strdup_until(value, value + strcspn(value, " "));
	return keyword_find(value, keywords, N_ELEMENTS(keywords));
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

/* The fill colour of an SVG picture's text. */
static int parse_fill(const char *value)
{
	return strcmp(value, "none") == 0 ? JUNK_COLOR_TRANSPARENT :
		parse_color(value);
}

/* YES if the content is moved off any screen. */
static int parse_padding(const char *value)
{
	const char *end;
	double px;

	while (*value != '\0') {
		if (length_parse(value, &px, &end) && px >= OFF_SCREEN_RIGHT)
			return JUNK_STYLE_YES;
		value += strcspn(value, " ");
		value += strspn(value, " ");
	}
	return JUNK_STYLE_NO;
}

static const struct style_name {
	char name[NAME_BYTES];
	enum junk_style_property property;
	int (*parse)(const char *value);
} style_names[] = {
	{ "-webkit-clip-path", JUNK_STYLE_CLIP_PATH, parse_clip_path },
	{ "-webkit-mask", JUNK_STYLE_MASK, parse_mask },
	{ "-webkit-mask-image", JUNK_STYLE_MASK, parse_mask },
	{ "-webkit-text-fill-color", JUNK_STYLE_FILL, parse_color },
	{ "-webkit-text-stroke", JUNK_STYLE_STROKE, parse_shadow },
	{ "-webkit-transform", JUNK_STYLE_TRANSFORM, parse_transform },
	{ "background", JUNK_STYLE_BACKGROUND, parse_background },
	{ "background-color", JUNK_STYLE_BACKGROUND, parse_background },
	{ "background-image", JUNK_STYLE_PICTURE, parse_background_image },
	{ "block-size", JUNK_STYLE_HEIGHT, parse_extent },
	{ "bottom", JUNK_STYLE_BOTTOM, parse_offset },
	{ "clip", JUNK_STYLE_CLIP, parse_clip },
	{ "clip-path", JUNK_STYLE_CLIP_PATH, parse_clip_path },
	{ "color", JUNK_STYLE_COLOR, parse_color },
	{ "contain", JUNK_STYLE_CONTAIN, parse_contain },
	{ "content-visibility", JUNK_STYLE_SKIPPED, parse_content_visibility },
	{ "direction", JUNK_STYLE_DIRECTION, parse_direction },
	{ "display", JUNK_STYLE_DISPLAY, parse_display },
	{ "fill", JUNK_STYLE_FILL, parse_fill },
	{ "filter", JUNK_STYLE_FILTER, parse_filter },
	{ "float", JUNK_STYLE_FLOAT, parse_float },
	{ "font", JUNK_STYLE_TINY, parse_font },
	{ "font-size", JUNK_STYLE_TINY, parse_font_size },
	{ "grid-template-rows", JUNK_STYLE_ROWS, parse_rows },
	{ "height", JUNK_STYLE_HEIGHT, parse_extent },
	{ "inline-size", JUNK_STYLE_WIDTH, parse_extent },
	{ "inset", JUNK_STYLE_INSET, parse_translate },
	{ "inset-block", JUNK_STYLE_INSET, parse_translate },
	{ "inset-block-end", JUNK_STYLE_BOTTOM, parse_offset },
	{ "inset-block-start", JUNK_STYLE_TOP, parse_offset },
	{ "inset-inline", JUNK_STYLE_INSET, parse_translate },
	{ "inset-inline-end", JUNK_STYLE_RIGHT, parse_offset },
	{ "inset-inline-start", JUNK_STYLE_LEFT, parse_offset },
	{ "left", JUNK_STYLE_LEFT, parse_offset },
	{ "line-height", JUNK_STYLE_LINE_HEIGHT, parse_line_height },
	{ "margin", JUNK_STYLE_MARGIN, parse_margin },
	{ "margin-block", JUNK_STYLE_MARGIN, parse_offset },
	{ "margin-block-start", JUNK_STYLE_MARGIN, parse_offset },
	{ "margin-inline", JUNK_STYLE_MARGIN, parse_offset },
	{ "margin-inline-start", JUNK_STYLE_MARGIN, parse_offset },
	{ "margin-left", JUNK_STYLE_MARGIN, parse_offset },
	{ "margin-top", JUNK_STYLE_MARGIN, parse_offset },
	{ "mask", JUNK_STYLE_MASK, parse_mask },
	{ "mask-image", JUNK_STYLE_MASK, parse_mask },
	{ "max-block-size", JUNK_STYLE_MAX_HEIGHT, parse_extent },
	{ "max-height", JUNK_STYLE_MAX_HEIGHT, parse_extent },
	{ "max-inline-size", JUNK_STYLE_MAX_WIDTH, parse_extent },
	{ "max-width", JUNK_STYLE_MAX_WIDTH, parse_extent },
	{ "min-block-size", JUNK_STYLE_MIN_HEIGHT, parse_extent },
	{ "min-height", JUNK_STYLE_MIN_HEIGHT, parse_extent },
	{ "min-inline-size", JUNK_STYLE_MIN_WIDTH, parse_extent },
	{ "min-width", JUNK_STYLE_MIN_WIDTH, parse_extent },
	{ "opacity", JUNK_STYLE_OPACITY, parse_opacity },
	{ "overflow", JUNK_STYLE_CLIPPED, parse_overflow },
	{ "overflow-x", JUNK_STYLE_CLIPPED, parse_overflow },
	{ "overflow-y", JUNK_STYLE_CLIPPED, parse_overflow },
	{ "padding", JUNK_STYLE_PADDING, parse_padding },
	{ "padding-inline-start", JUNK_STYLE_PADDING, parse_padding },
	{ "padding-left", JUNK_STYLE_PADDING, parse_padding },
	{ "position", JUNK_STYLE_POSITION, parse_position },
	{ "right", JUNK_STYLE_RIGHT, parse_offset },
	{ "rotate", JUNK_STYLE_ROTATE, parse_rotate },
	{ "scale", JUNK_STYLE_SCALE, parse_scale },
	{ "text-align", JUNK_STYLE_ALIGN, parse_align },
	{ "text-indent", JUNK_STYLE_INDENT, parse_indent },
	{ "text-shadow", JUNK_STYLE_SHADOW, parse_shadow },
	{ "top", JUNK_STYLE_TOP, parse_offset },
	{ "transform", JUNK_STYLE_TRANSFORM, parse_transform },
	{ "translate", JUNK_STYLE_TRANSLATE, parse_translate },
	{ "unicode-bidi", JUNK_STYLE_BIDI, parse_bidi },
	{ "visibility", JUNK_STYLE_INVISIBLE, parse_visibility },
	{ "width", JUNK_STYLE_WIDTH, parse_extent },
	{ "zoom", JUNK_STYLE_ZOOM, parse_zoom },
};

void junk_style_init(struct junk_style *style)
{
	for (unsigned int i = 0; i < JUNK_STYLE_COUNT; i++)
		style->values[i] = JUNK_STYLE_UNSET;
	style->set = style->important = 0;
}

/* Read an escape. *css is moved behind it. Escaped characters other than
   letters have no meaning in the syntax, so the result for these is "_". */
static char style_escape(const char **css)
{
	const char *p = *css + 1;
	unsigned int num = 0, digits = 0;
	int value;

	while (digits < 6 && (value = ascii_hex_value(*p)) >= 0) {
		num = num * 16 + value;
		digits++;
		p++;
	}
	if (digits == 0) {
		num = (unsigned char)*p;
		if (*p != '\0')
			p++;
	} else if (*p == ' ' || *p == '\t' || *p == '\n') {
		p++;
	}
	*css = p;
	return num < 0x80 && (ascii_isalnum(num) || num == '-') ?
		ascii_tolower(num) : '_';
}

void junk_style_clean(char *text)
{
	const char *css = text;
	char *dest = text;

	while (*css != '\0') {
		if (css[0] == '/' && css[1] == '*') {
			css = strstr(css + 2, "*/");
			if (css == NULL)
				break;
			css += 2;
			*dest++ = ' ';
		} else if (*css == '\\') {
			*dest++ = style_escape(&css);
		} else {
			*dest++ = (unsigned char)*css <= ' ' ? ' ' :
				ascii_tolower(*css);
			css++;
		}
	}
	*dest = '\0';
}

char *junk_style_find(char *css, const char *ends)
{
	unsigned int depth = 0;
	char quote = '\0';

	for (; *css != '\0'; css++) {
		if (quote != '\0') {
			if (*css == quote)
				quote = '\0';
		} else if (*css == '"' || *css == '\'') {
			/* a quote that isn't closed is ignored */
			if (strchr(css + 1, *css) != NULL)
				quote = *css;
		} else if (*css == '(') {
			depth++;
		} else if (*css == ')') {
			if (depth > 0)
				depth--;
		} else if ((*css == ends[0] || *css == ends[1]) &&
			   (depth == 0 || *css != ';')) {
			break;
		}
	}
	return css;
}

/* Cut trailing spaces before end. Returns str without leading ones. */
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
	uint64_t bit;
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
	value = row->parse(junk_css_calc(style_trim(colon + 1, mark != NULL ?
						    mark : end)));
	bit = UINT64_C(1) << row->property;
	if (value == JUNK_STYLE_UNSET ||
	    (mark == NULL && (style->important & bit) != 0))
		return;
	style->values[row->property] = value;
	style->set |= bit;
	if (mark != NULL)
		style->important |= bit;
}

void junk_style_merge(struct junk_style *style, const struct junk_style *other)
{
	uint64_t left;
	unsigned int i;

	left = other->set & ~(style->important & ~other->important);
	style->set |= left;
	for (; left != 0; left &= left - 1) {
		i = __builtin_ctzll(left);
		style->values[i] = other->values[i];
	}
	style->important |= other->important;
}

void junk_style_parse(struct junk_style *style, char *css)
{
	junk_style_clean(css);
	junk_style_declarations(style, css);
}

void junk_style_declarations(struct junk_style *style, char *css)
{
	bool last = FALSE;

	while (!last) {
		char *end = junk_style_find(css, ";");

		last = *end == '\0';
		*end = '\0';
		style_declaration(style, css, end);
		css = end + 1;
	}
}

#include "lib.h"
#include "junk-name.h"
#include "junk-html-style.h"

#include <math.h>
#include <stdlib.h>

/* Of properties that say something here; a multiple of 8. */
#define NAME_BYTES 24
/* An alpha below which nothing is seen. */
#define MIN_ALPHA 0.1
/* Pixels that are beyond the edge, to the left of or above everything, and to the
   right; more than a screen has. */
#define OFF_SCREEN (-400)
#define OFF_SCREEN_RIGHT 3000
/* Pixels or points that nobody can read. */
#define MAX_TINY 2
/* Per channel: nearer than this can't be read. */
#define COLOR_TOO_NEAR 12

struct style_keyword {
	const char *name;
	int value;
};

/* In the order of strcmp(). */
static const struct color_name {
	char name[NAME_BYTES];
	uint32_t color;
} color_names[] = {
	{ "aliceblue", 0xf0f8ff }, { "antiquewhite", 0xfaebd7 },
	{ "aqua", 0x00ffff }, { "aquamarine", 0x7fffd4 },
	{ "azure", 0xf0ffff }, { "beige", 0xf5f5dc }, { "bisque", 0xffe4c4 },
	{ "black", 0x000000 }, { "blanchedalmond", 0xffebcd },
	{ "blue", 0x0000ff }, { "blueviolet", 0x8a2be2 },
	{ "brown", 0xa52a2a }, { "burlywood", 0xdeb887 },
	{ "buttonface", 0xf0f0f0 }, { "cadetblue", 0x5f9ea0 },
	{ "canvas", 0xffffff }, { "canvastext", 0x000000 },
	{ "chartreuse", 0x7fff00 }, { "chocolate", 0xd2691e },
	{ "coral", 0xff7f50 }, { "cornflowerblue", 0x6495ed },
	{ "cornsilk", 0xfff8dc }, { "crimson", 0xdc143c },
	{ "cyan", 0x00ffff }, { "darkblue", 0x00008b },
	{ "darkcyan", 0x008b8b }, { "darkgoldenrod", 0xb8860b },
	{ "darkgray", 0xa9a9a9 }, { "darkgreen", 0x006400 },
	{ "darkgrey", 0xa9a9a9 }, { "darkkhaki", 0xbdb76b },
	{ "darkmagenta", 0x8b008b }, { "darkolivegreen", 0x556b2f },
	{ "darkorange", 0xff8c00 }, { "darkorchid", 0x9932cc },
	{ "darkred", 0x8b0000 }, { "darksalmon", 0xe9967a },
	{ "darkseagreen", 0x8fbc8f }, { "darkslateblue", 0x483d8b },
	{ "darkslategray", 0x2f4f4f }, { "darkslategrey", 0x2f4f4f },
	{ "darkturquoise", 0x00ced1 }, { "darkviolet", 0x9400d3 },
	{ "deeppink", 0xff1493 }, { "deepskyblue", 0x00bfff },
	{ "dimgray", 0x696969 }, { "dimgrey", 0x696969 },
	{ "dodgerblue", 0x1e90ff }, { "firebrick", 0xb22222 },
	{ "floralwhite", 0xfffaf0 }, { "forestgreen", 0x228b22 },
	{ "fuchsia", 0xff00ff }, { "gainsboro", 0xdcdcdc },
	{ "ghostwhite", 0xf8f8ff }, { "gold", 0xffd700 },
	{ "goldenrod", 0xdaa520 }, { "gray", 0x808080 }, { "green", 0x008000 },
	{ "greenyellow", 0xadff2f }, { "grey", 0x808080 },
	{ "honeydew", 0xf0fff0 }, { "hotpink", 0xff69b4 },
	{ "indianred", 0xcd5c5c }, { "indigo", 0x4b0082 },
	{ "ivory", 0xfffff0 }, { "khaki", 0xf0e68c }, { "lavender", 0xe6e6fa },
	{ "lavenderblush", 0xfff0f5 }, { "lawngreen", 0x7cfc00 },
	{ "lemonchiffon", 0xfffacd }, { "lightblue", 0xadd8e6 },
	{ "lightcoral", 0xf08080 }, { "lightcyan", 0xe0ffff },
	{ "lightgoldenrodyellow", 0xfafad2 }, { "lightgray", 0xd3d3d3 },
	{ "lightgreen", 0x90ee90 }, { "lightgrey", 0xd3d3d3 },
	{ "lightpink", 0xffb6c1 }, { "lightsalmon", 0xffa07a },
	{ "lightseagreen", 0x20b2aa }, { "lightskyblue", 0x87cefa },
	{ "lightslategray", 0x778899 }, { "lightslategrey", 0x778899 },
	{ "lightsteelblue", 0xb0c4de }, { "lightyellow", 0xffffe0 },
	{ "lime", 0x00ff00 }, { "limegreen", 0x32cd32 }, { "linen", 0xfaf0e6 },
	{ "magenta", 0xff00ff }, { "maroon", 0x800000 },
	{ "mediumaquamarine", 0x66cdaa }, { "mediumblue", 0x0000cd },
	{ "mediumorchid", 0xba55d3 }, { "mediumpurple", 0x9370db },
	{ "mediumseagreen", 0x3cb371 }, { "mediumslateblue", 0x7b68ee },
	{ "mediumspringgreen", 0x00fa9a }, { "mediumturquoise", 0x48d1cc },
	{ "mediumvioletred", 0xc71585 }, { "midnightblue", 0x191970 },
	{ "mintcream", 0xf5fffa }, { "mistyrose", 0xffe4e1 },
	{ "moccasin", 0xffe4b5 }, { "navajowhite", 0xffdead },
	{ "navy", 0x000080 }, { "oldlace", 0xfdf5e6 }, { "olive", 0x808000 },
	{ "olivedrab", 0x6b8e23 }, { "orange", 0xffa500 },
	{ "orangered", 0xff4500 }, { "orchid", 0xda70d6 },
	{ "palegoldenrod", 0xeee8aa }, { "palegreen", 0x98fb98 },
	{ "paleturquoise", 0xafeeee }, { "palevioletred", 0xdb7093 },
	{ "papayawhip", 0xffefd5 }, { "peachpuff", 0xffdab9 },
	{ "peru", 0xcd853f }, { "pink", 0xffc0cb }, { "plum", 0xdda0dd },
	{ "powderblue", 0xb0e0e6 }, { "purple", 0x800080 },
	{ "rebeccapurple", 0x663399 }, { "red", 0xff0000 },
	{ "rosybrown", 0xbc8f8f }, { "royalblue", 0x4169e1 },
	{ "saddlebrown", 0x8b4513 }, { "salmon", 0xfa8072 },
	{ "sandybrown", 0xf4a460 }, { "seagreen", 0x2e8b57 },
	{ "seashell", 0xfff5ee }, { "sienna", 0xa0522d },
	{ "silver", 0xc0c0c0 }, { "skyblue", 0x87ceeb },
	{ "slateblue", 0x6a5acd }, { "slategray", 0x708090 },
	{ "slategrey", 0x708090 }, { "snow", 0xfffafa },
	{ "springgreen", 0x00ff7f }, { "steelblue", 0x4682b4 },
	{ "tan", 0xd2b48c }, { "teal", 0x008080 }, { "thistle", 0xd8bfd8 },
	{ "tomato", 0xff6347 }, { "turquoise", 0x40e0d0 },
	{ "violet", 0xee82ee }, { "wheat", 0xf5deb3 }, { "white", 0xffffff },
	{ "whitesmoke", 0xf5f5f5 }, { "window", 0xffffff },
	{ "windowtext", 0x000000 }, { "yellow", 0xffff00 },
	{ "yellowgreen", 0x9acd32 },
};

static uint32_t color_named(const char *str)
{
	const struct color_name *row;
	char name[NAME_BYTES];

	if (!junk_name_set(name, sizeof(name), str))
		return JUNK_COLOR_UNKNOWN;
	row = junk_name_find(name, sizeof(name), color_names,
			     N_ELEMENTS(color_names), sizeof(*color_names));
	return row != NULL ? row->color : JUNK_COLOR_UNKNOWN;
}

/* The numbers in the brackets of a function, of percentages with what 100 % are;
   returns their number. */
static unsigned int
function_numbers(const char *str, double percent, double numbers[4])
{
	unsigned int count = 0;
	char *end;

	str += strcspn(str, "(");
	while (*str != '\0' && *str != ')' && count < 4) {
		if (!ascii_isdigit(*str) && *str != '.' && *str != '-' &&
		    *str != '+') {
			/* also "none", the unit and the "e" of "deg" */
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

static uint32_t color_channel(double value)
{
	return value <= 0 ? 0 : value >= 255 ? 255 : (uint32_t)(value + 0.5);
}

/* CSS Color 4, 7.1 */
static uint32_t
color_hsl(double hue, double saturation, double lightness)
{
	uint32_t color = 0;
	double a = saturation * I_MIN(lightness, 1 - lightness);

	for (unsigned int i = 0; i < 3; i++) {
		double k = fmod((i == 0 ? 0 : i == 1 ? 8 : 4) +
				fmod(fmod(hue, 360) + 360, 360) / 30, 12);
		double m = I_MIN(I_MIN(k - 3, 9 - k), 1);

		color = (color << 8) |
			color_channel(255 * (lightness -
					     a * I_MAX(-1, m)));
	}
	return color;
}

/* An alpha after three channels, "%" being 1 */
static uint32_t color_function(const char *str)
{
	double n[4], percent[4];
	unsigned int count = function_numbers(str, 255, n);

	if (count < 3)
		return JUNK_COLOR_UNKNOWN;
	(void)function_numbers(str, 1, percent);
	if (count == 4 && percent[3] < MIN_ALPHA)
		return JUNK_COLOR_TRANSPARENT;
	if (strncmp(str, "hsl", 3) == 0)
		return color_hsl(percent[0], percent[1] > 1 ?
				 percent[1] / 100 : percent[1],
				 percent[2] > 1 ?
				 percent[2] / 100 : percent[2]);
	return (color_channel(n[0]) << 16) | (color_channel(n[1]) << 8) |
		color_channel(n[2]);
}

static uint32_t color_number(const char *str)
{
	uint32_t num;
	char *end;
	size_t len;

	num = strtoul(str, &end, 16);
	len = end - str;
	if (*end != '\0')
		return JUNK_COLOR_UNKNOWN;
	if (len == 4 || len == 8) {
		uint32_t alpha = len == 4 ? (num & 15) * 0x11 : num & 0xff;

		if (alpha < MIN_ALPHA * 255)
			return JUNK_COLOR_TRANSPARENT;
		num >>= len;
		len = len / 4 * 3;
	}
	if (len == 3) {
		return (num >> 8) * 0x110000 + ((num >> 4) & 15) * 0x1100 +
			(num & 15) * 0x11;
	}
	return len == 6 ? num : JUNK_COLOR_UNKNOWN;
}

uint32_t junk_color_parse(const char *str)
{
	size_t len;

	str += strspn(str, " \t\r\n");
	if (strncmp(str, "rgb", 3) == 0 || strncmp(str, "hsl", 3) == 0)
		return color_function(str);
	len = strcspn(str, "; \t\r\n!");
	str = t_strndup(str, len);
	if (*str == '#')
		return color_number(str + 1);
	if (strcmp(str, "transparent") == 0)
		return JUNK_COLOR_TRANSPARENT;
	/* old attributes do without the "#" */
	if (len == 6 && strspn(str, "0123456789abcdef") == 6)
		return color_number(str);
	return color_named(str);
}

bool junk_color_near(uint32_t a, uint32_t b)
{
	if (a == JUNK_COLOR_TRANSPARENT)
		return TRUE;
	if (a == JUNK_COLOR_UNKNOWN || b >= JUNK_COLOR_UNKNOWN)
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

/* A length in pixels, which may be less than 0; *end_r is what follows. Returns
   FALSE if it is none. 1 % is some pixels. */
static bool length_parse(const char *value, double *px_r, const char **end_r)
{
	static const struct {
		const char *unit;
		double px;
	} units[] = {
		{ "px", 1 }, { "pt", 1.33 }, { "rem", 16 }, { "em", 16 },
		{ "%", 8 }, { "vw", 8 }, { "vh", 8 }, { "in", 96 },
		{ "cm", 38 }, { "mm", 3.8 }, { "pc", 16 }, { "ex", 8 },
		{ "ch", 8 },
	};
	char *end;

	if (strspn(value, "0123456789.+-") == 0)
		return FALSE;
	*px_r = strtod(value, &end);
	*end_r = end;
	if (end == value)
		return FALSE;
	for (unsigned int i = 0; i < N_ELEMENTS(units); i++) {
		if (strncmp(units[i].unit, end, strlen(units[i].unit)) == 0) {
			*px_r *= units[i].px;
			*end_r = end + strlen(units[i].unit);
			return TRUE;
		}
	}
	/* without a unit only 0 is one */
	return *px_r == 0;
}

static int parse_background(const char *value)
{
	/* what is behind it is seen */
	static const char *const outer[] = {
		"inherit", "initial", "none", "transparent", "unset", NULL
	};
	uint32_t color;

	if (str_array_find(outer, value))
		return JUNK_STYLE_UNSET;
	if (strstr(value, "url(") != NULL || strstr(value, "gradient(") != NULL)
		return JUNK_COLOR_UNKNOWN;
	color = junk_color_parse(value);
	return color == JUNK_COLOR_TRANSPARENT ? JUNK_STYLE_UNSET : (int)color;
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

/* Is there no room in a height or width? */
static int parse_extent(const char *value)
{
	const char *end;
	double px;

	return length_parse(value, &px, &end) && *end == '\0' &&
		px <= MAX_TINY ? JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* "1" is one line */
static int parse_line_height(const char *value)
{
	const char *unit;
	double num;

	if (number_parse(value, &num, &unit) && *unit == '\0')
		return num < 0.1 ? JUNK_STYLE_YES : JUNK_STYLE_NO;
	return parse_extent(value);
}

/* left, top, ...: is it moved out of sight? */
static int parse_offset(const char *value)
{
	const char *end;
	double px;

	return length_parse(value, &px, &end) &&
		(px <= OFF_SCREEN || px >= OFF_SCREEN_RIGHT) ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_indent(const char *value)
{
	const char *end;
	double px;

	if (strcmp(value, "inherit") == 0 || strcmp(value, "unset") == 0)
		return JUNK_STYLE_OUTER;
	return length_parse(value, &px, &end) && px <= OFF_SCREEN ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

/* "top right bottom left", or fewer: is it moved up or left out of sight? */
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
		{ "sticky", JUNK_POSITION_RELATIVE },
		{ "absolute", JUNK_POSITION_ABSOLUTE },
		{ "fixed", JUNK_POSITION_ABSOLUTE },
	};

	return keyword_find(value, keywords, N_ELEMENTS(keywords));
}

static int parse_float(const char *value)
{
	return strcmp(value, "none") == 0 ? JUNK_STYLE_NO : JUNK_STYLE_YES;
}

/* A shape that has no area */
static int parse_clip_path(const char *value)
{
	double n[4] = { 0, 0, 0, 0 };
	unsigned int count;

	if (strncmp(value, "inset(", 6) == 0) {
		/* of percentages; pixels are taken for such */
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

static int parse_transform(const char *value)
{
	double n[4];

	for (; *value != '\0'; value++) {
		unsigned int count;

		value += strspn(value, " ");
		count = function_numbers(value, 100, n);
		if (strncmp(value, "scale", 5) == 0) {
			for (unsigned int i = 0; i < count; i++) {
				if (n[i] > -0.05 && n[i] < 0.05)
					return JUNK_STYLE_YES;
			}
		} else if (strncmp(value, "translate", 9) == 0) {
			for (unsigned int i = 0; i < count; i++) {
				if (n[i] <= OFF_SCREEN ||
				    n[i] >= OFF_SCREEN_RIGHT)
					return JUNK_STYLE_YES;
			}
		} else if (strncmp(value, "rotatex", 7) == 0 ||
			   strncmp(value, "rotatey", 7) == 0) {
			if (count > 0 && (n[0] == 90 || n[0] == -90))
				return JUNK_STYLE_YES;
		} else if (strncmp(value, "matrix(", 7) == 0) {
			if (count == 4 && n[0] == 0 && n[3] == 0 &&
			    n[1] == 0 && n[2] == 0)
				return JUNK_STYLE_YES;
		}
		value += strcspn(value, ")");
		if (*value == '\0')
			break;
	}
	return JUNK_STYLE_NO;
}

static int parse_filter(const char *value)
{
	double n[4];

	value = strstr(value, "opacity(");
	return value != NULL && function_numbers(value, 1, n) > 0 &&
		n[0] < MIN_ALPHA ? JUNK_STYLE_YES : JUNK_STYLE_NO;
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

static int parse_opacity(const char *value)
{
	const char *unit;
	double num;

	if (!number_parse(value, &num, &unit))
		return JUNK_STYLE_NO;
	if (*unit != '\0' && strcmp(unit, "%") != 0)
		return JUNK_STYLE_UNSET;
	return num < (*unit == '%' ? 100 : 1) * MIN_ALPHA ?
		JUNK_STYLE_YES : JUNK_STYLE_NO;
}

static int parse_overflow(const char *value)
{
	static const struct style_keyword keywords[] = {
		{ "hidden", JUNK_STYLE_YES }, { "clip", JUNK_STYLE_YES },
		{ "auto", JUNK_STYLE_YES }, { "scroll", JUNK_STYLE_YES },
		{ "overlay", JUNK_STYLE_YES }, { "visible", JUNK_STYLE_NO },
		{ "initial", JUNK_STYLE_NO }, { "unset", JUNK_STYLE_NO },
	};

	/* "hidden visible": the first one tells */
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

static const struct style_name {
	char name[NAME_BYTES];
	enum junk_style_property property;
	int (*parse)(const char *value);
} style_names[] = {
	{ "-webkit-clip-path", JUNK_STYLE_CLIP_PATH, parse_clip_path },
	{ "-webkit-text-fill-color", JUNK_STYLE_FILL, parse_color },
	{ "-webkit-transform", JUNK_STYLE_TRANSFORM, parse_transform },
	{ "background", JUNK_STYLE_BACKGROUND, parse_background },
	{ "background-color", JUNK_STYLE_BACKGROUND, parse_background },
	{ "background-image", JUNK_STYLE_PICTURE, parse_background_image },
	{ "bottom", JUNK_STYLE_BOTTOM, parse_offset },
	{ "clip", JUNK_STYLE_CLIP, parse_clip },
	{ "clip-path", JUNK_STYLE_CLIP_PATH, parse_clip_path },
	{ "color", JUNK_STYLE_COLOR, parse_color },
	{ "content-visibility", JUNK_STYLE_SKIPPED, parse_content_visibility },
	{ "direction", JUNK_STYLE_DIRECTION, parse_direction },
	{ "display", JUNK_STYLE_DISPLAY, parse_display },
	{ "filter", JUNK_STYLE_FILTER, parse_filter },
	{ "float", JUNK_STYLE_FLOAT, parse_float },
	{ "font", JUNK_STYLE_TINY, parse_font },
	{ "font-size", JUNK_STYLE_TINY, parse_font_size },
	{ "height", JUNK_STYLE_HEIGHT, parse_extent },
	{ "left", JUNK_STYLE_LEFT, parse_offset },
	{ "line-height", JUNK_STYLE_LINE_HEIGHT, parse_line_height },
	{ "margin", JUNK_STYLE_MARGIN, parse_margin },
	{ "margin-left", JUNK_STYLE_MARGIN, parse_offset },
	{ "margin-top", JUNK_STYLE_MARGIN, parse_offset },
	{ "max-height", JUNK_STYLE_MAX_HEIGHT, parse_extent },
	{ "max-width", JUNK_STYLE_MAX_WIDTH, parse_extent },
	{ "min-height", JUNK_STYLE_MIN_HEIGHT, parse_extent },
	{ "min-width", JUNK_STYLE_MIN_WIDTH, parse_extent },
	{ "opacity", JUNK_STYLE_TRANSPARENT, parse_opacity },
	{ "overflow", JUNK_STYLE_CLIPPED, parse_overflow },
	{ "overflow-x", JUNK_STYLE_CLIPPED, parse_overflow },
	{ "overflow-y", JUNK_STYLE_CLIPPED, parse_overflow },
	{ "position", JUNK_STYLE_POSITION, parse_position },
	{ "right", JUNK_STYLE_RIGHT, parse_offset },
	{ "text-indent", JUNK_STYLE_INDENT, parse_indent },
	{ "top", JUNK_STYLE_TOP, parse_offset },
	{ "transform", JUNK_STYLE_TRANSFORM, parse_transform },
	{ "unicode-bidi", JUNK_STYLE_BIDI, parse_bidi },
	{ "visibility", JUNK_STYLE_INVISIBLE, parse_visibility },
	{ "width", JUNK_STYLE_WIDTH, parse_extent },
};

void junk_style_init(struct junk_style *style)
{
	for (unsigned int i = 0; i < JUNK_STYLE_COUNT; i++)
		style->values[i] = JUNK_STYLE_UNSET;
	style->set = style->important = 0;
}

/* A character that is written as an escape; *css goes behind it. What isn't a
   letter has no meaning to CSS then. */
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
			/* one that is never closed is none */
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
	style->set |= bit;
	if (mark != NULL)
		style->important |= bit;
}

void junk_style_merge(struct junk_style *style, const struct junk_style *other)
{
	unsigned int i, left;

	left = other->set & ~(style->important & ~other->important);
	style->set |= left;
	for (; left != 0; left &= left - 1) {
		i = __builtin_ctz(left);
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

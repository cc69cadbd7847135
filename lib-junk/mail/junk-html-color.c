/* See junk-html-color.h. Values are approximate: only what is nearly equal to
   the background matters. */

#include "lib.h"
#include "str.h"
#include "junk-name.h"
#include "junk-html-color.h"

#include <math.h>
#include <stdlib.h>

/* Size of a colour's name; a multiple of 8. */
#define NAME_BYTES 24
/* Below this alpha, a colour is invisible. */
#define MIN_ALPHA JUNK_STYLE_MIN_ALPHA
/* If no channel differs by more than this, text is unreadable. */
#define COLOR_TOO_NEAR 20
/* Maximum size of a colour in an old attribute. */
#define MAX_LEGACY_BYTES 128
/* Maximum depth of colours in colours, such as in color-mix(). */
#define MAX_DEPTH 4

/* In the order of strcmp(), for the binary search. */
static const struct color_name {
	char name[NAME_BYTES];
	uint32_t color;
} color_names[] = {
	{ "accentcolor", 0x0078d7 }, { "accentcolortext", 0xffffff },
	{ "activeborder", 0xffffff }, { "activecaption", 0xcccccc },
	{ "activetext", 0xff0000 }, { "aliceblue", 0xf0f8ff },
	{ "antiquewhite", 0xfaebd7 }, { "appworkspace", 0xffffff },
	{ "aqua", 0x00ffff }, { "aquamarine", 0x7fffd4 }, { "azure", 0xf0ffff },
	{ "background", 0x6363ce }, { "beige", 0xf5f5dc },
	{ "bisque", 0xffe4c4 }, { "black", 0x000000 },
	{ "blanchedalmond", 0xffebcd }, { "blue", 0x0000ff },
	{ "blueviolet", 0x8a2be2 }, { "brown", 0xa52a2a },
	{ "burlywood", 0xdeb887 }, { "buttonborder", 0x767676 },
	{ "buttonface", 0xf0f0f0 }, { "buttonhighlight", 0xdddddd },
	{ "buttonshadow", 0x888888 }, { "buttontext", 0x000000 },
	{ "cadetblue", 0x5f9ea0 }, { "canvas", 0xffffff },
	{ "canvastext", 0x000000 }, { "captiontext", 0x000000 },
	{ "chartreuse", 0x7fff00 }, { "chocolate", 0xd2691e },
	{ "coral", 0xff7f50 }, { "cornflowerblue", 0x6495ed },
	{ "cornsilk", 0xfff8dc }, { "crimson", 0xdc143c }, { "cyan", 0x00ffff },
	{ "darkblue", 0x00008b }, { "darkcyan", 0x008b8b },
	{ "darkgoldenrod", 0xb8860b }, { "darkgray", 0xa9a9a9 },
	{ "darkgreen", 0x006400 }, { "darkgrey", 0xa9a9a9 },
	{ "darkkhaki", 0xbdb76b }, { "darkmagenta", 0x8b008b },
	{ "darkolivegreen", 0x556b2f }, { "darkorange", 0xff8c00 },
	{ "darkorchid", 0x9932cc }, { "darkred", 0x8b0000 },
	{ "darksalmon", 0xe9967a }, { "darkseagreen", 0x8fbc8f },
	{ "darkslateblue", 0x483d8b }, { "darkslategray", 0x2f4f4f },
	{ "darkslategrey", 0x2f4f4f }, { "darkturquoise", 0x00ced1 },
	{ "darkviolet", 0x9400d3 }, { "deeppink", 0xff1493 },
	{ "deepskyblue", 0x00bfff }, { "dimgray", 0x696969 },
	{ "dimgrey", 0x696969 }, { "dodgerblue", 0x1e90ff },
	{ "field", 0xffffff }, { "fieldtext", 0x000000 },
	{ "firebrick", 0xb22222 }, { "floralwhite", 0xfffaf0 },
	{ "forestgreen", 0x228b22 }, { "fuchsia", 0xff00ff },
	{ "gainsboro", 0xdcdcdc }, { "ghostwhite", 0xf8f8ff },
	{ "gold", 0xffd700 }, { "goldenrod", 0xdaa520 }, { "gray", 0x808080 },
	{ "graytext", 0x808080 }, { "green", 0x008000 },
	{ "greenyellow", 0xadff2f }, { "grey", 0x808080 },
	{ "highlight", 0xb5d5ff }, { "highlighttext", 0x000000 },
	{ "honeydew", 0xf0fff0 }, { "hotpink", 0xff69b4 },
	{ "inactiveborder", 0xffffff }, { "inactivecaption", 0xffffff },
	{ "inactivecaptiontext", 0x7f7f7f }, { "indianred", 0xcd5c5c },
	{ "indigo", 0x4b0082 }, { "infobackground", 0xfbfcc5 },
	{ "infotext", 0x000000 }, { "ivory", 0xfffff0 }, { "khaki", 0xf0e68c },
	{ "lavender", 0xe6e6fa }, { "lavenderblush", 0xfff0f5 },
	{ "lawngreen", 0x7cfc00 }, { "lemonchiffon", 0xfffacd },
	{ "lightblue", 0xadd8e6 }, { "lightcoral", 0xf08080 },
	{ "lightcyan", 0xe0ffff }, { "lightgoldenrodyellow", 0xfafad2 },
	{ "lightgray", 0xd3d3d3 }, { "lightgreen", 0x90ee90 },
	{ "lightgrey", 0xd3d3d3 }, { "lightpink", 0xffb6c1 },
	{ "lightsalmon", 0xffa07a }, { "lightseagreen", 0x20b2aa },
	{ "lightskyblue", 0x87cefa }, { "lightslategray", 0x778899 },
	{ "lightslategrey", 0x778899 }, { "lightsteelblue", 0xb0c4de },
	{ "lightyellow", 0xffffe0 }, { "lime", 0x00ff00 },
	{ "limegreen", 0x32cd32 }, { "linen", 0xfaf0e6 },
	{ "linktext", 0x0000ee }, { "magenta", 0xff00ff }, { "mark", 0xffff00 },
	{ "marktext", 0x000000 }, { "maroon", 0x800000 },
	{ "mediumaquamarine", 0x66cdaa }, { "mediumblue", 0x0000cd },
	{ "mediumorchid", 0xba55d3 }, { "mediumpurple", 0x9370db },
	{ "mediumseagreen", 0x3cb371 }, { "mediumslateblue", 0x7b68ee },
	{ "mediumspringgreen", 0x00fa9a }, { "mediumturquoise", 0x48d1cc },
	{ "mediumvioletred", 0xc71585 }, { "menu", 0xf7f7f7 },
	{ "menutext", 0x000000 }, { "midnightblue", 0x191970 },
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
	{ "sandybrown", 0xf4a460 }, { "scrollbar", 0xffffff },
	{ "seagreen", 0x2e8b57 }, { "seashell", 0xfff5ee },
	{ "selecteditem", 0x0078d7 }, { "selecteditemtext", 0xffffff },
	{ "sienna", 0xa0522d }, { "silver", 0xc0c0c0 }, { "skyblue", 0x87ceeb },
	{ "slateblue", 0x6a5acd }, { "slategray", 0x708090 },
	{ "slategrey", 0x708090 }, { "snow", 0xfffafa },
	{ "springgreen", 0x00ff7f }, { "steelblue", 0x4682b4 },
	{ "tan", 0xd2b48c }, { "teal", 0x008080 }, { "thistle", 0xd8bfd8 },
	{ "threeddarkshadow", 0x666666 }, { "threedface", 0xc0c0c0 },
	{ "threedhighlight", 0xdddddd }, { "threedlightshadow", 0xc0c0c0 },
	{ "threedshadow", 0x888888 }, { "tomato", 0xff6347 },
	{ "turquoise", 0x40e0d0 }, { "violet", 0xee82ee },
	{ "visitedtext", 0x551a8b }, { "wheat", 0xf5deb3 },
	{ "white", 0xffffff }, { "whitesmoke", 0xf5f5f5 },
	{ "window", 0xffffff }, { "windowframe", 0xcccccc },
	{ "windowtext", 0x000000 }, { "yellow", 0xffff00 },
	{ "yellowgreen", 0x9acd32 },
};

static uint32_t color_read(const char *str, unsigned int depth);

static uint32_t color_named(const char *str)
{
	const struct color_name *row;
	char name[NAME_BYTES];

	if (!junk_name_set(name, sizeof(name), str))
		return JUNK_COLOR_INVALID;
	row = junk_name_find(name, sizeof(name), color_names,
			     N_ELEMENTS(color_names), sizeof(*color_names));
	return row != NULL ? row->color : JUNK_COLOR_INVALID;
}

static uint32_t color_channel(double value)
{
	/* the condition is also true for NaN */
	return !(value > 0) ? 0 : value >= 255 ? 255 : (uint32_t)(value + 0.5);
}

/* Convert channels from 0..1. */
static uint32_t color_rgb(const double rgb[3])
{
	return (color_channel(rgb[0] * 255) << 16) |
		(color_channel(rgb[1] * 255) << 8) |
		color_channel(rgb[2] * 255);
}

/* CSS Color 4, 7.1 */
static uint32_t color_hsl(double hue, double saturation, double lightness)
{
	double a = saturation * I_MIN(lightness, 1 - lightness), rgb[3];

	for (unsigned int i = 0; i < 3; i++) {
		double k = fmod((i == 0 ? 0 : i == 1 ? 8 : 4) +
				fmod(fmod(hue, 360) + 360, 360) / 30, 12);
		double m = I_MIN(I_MIN(k - 3, 9 - k), 1);

		rgb[i] = lightness - a * I_MAX(-1, m);
	}
	return color_rgb(rgb);
}

/* CSS Color 4, 8.1 */
static uint32_t color_hwb(double hue, double white, double black)
{
	double rgb[3];
	uint32_t pure;

	if (white + black >= 1) {
		rgb[0] = rgb[1] = rgb[2] = white / (white + black);
		return color_rgb(rgb);
	}
	pure = color_hsl(hue, 1, 0.5);
	for (unsigned int i = 0; i < 3; i++) {
		rgb[i] = ((pure >> (16 - 8 * i)) & 0xff) / 255.0 *
			(1 - white - black) + white;
	}
	return color_rgb(rgb);
}

static uint32_t color_linear(const double matrix[3][3], const double in[3])
{
	double rgb[3];

	for (unsigned int i = 0; i < 3; i++) {
		rgb[i] = matrix[i][0] * in[0] + matrix[i][1] * in[1] +
			matrix[i][2] * in[2];
		rgb[i] = rgb[i] <= 0.0031308 ? 12.92 * rgb[i] :
			1.055 * pow(rgb[i], 1 / 2.4) - 0.055;
	}
	return color_rgb(rgb);
}

/* CSS Color 4, 18: from lab to XYZ (D50) to linear sRGB. lightness: 0..1. */
static uint32_t color_lab(double lightness, double a, double b)
{
	static const double matrix[3][3] = {
		{ 3.1341, -1.6174, -0.4907 }, { -0.9788, 1.9163, 0.0335 },
		{ 0.0719, -0.2290, 1.4052 },
	};
	double f = (lightness * 100 + 16) / 116;
	double xyz[3] = { f + a / 500, f, f - b / 200 };
	static const double whites[3] = { 0.9643, 1, 0.8251 };

	for (unsigned int i = 0; i < 3; i++) {
		double cube = xyz[i] * xyz[i] * xyz[i];

		xyz[i] = whites[i] * (cube > 216.0 / 24389 ? cube :
				      (116 * xyz[i] - 16) * 27 / 24389);
	}
	return color_linear(matrix, xyz);
}

static uint32_t color_oklab(double lightness, double a, double b)
{
	static const double matrix[3][3] = {
		{ 4.0767, -3.3077, 0.2310 }, { -1.2684, 2.6098, -0.3413 },
		{ -0.0042, -0.7034, 1.7076 },
	};
	double lms[3] = {
		lightness + 0.3963 * a + 0.2158 * b,
		lightness - 0.1056 * a - 0.0639 * b,
		lightness - 0.0895 * a - 1.2915 * b,
	};

	for (unsigned int i = 0; i < 3; i++)
		lms[i] *= lms[i] * lms[i];
	return color_linear(matrix, lms);
}

/* Read the next number of a function's arguments; "none" is 0. Returns FALSE if
   there is a name instead, as in relative colours. */
static bool color_argument(const char **str, double percent, double *num_r)
{
	const char *p = *str + strspn(*str, " ,/");
	char *end;

	if (strncmp(p, "none", 4) == 0) {
		*num_r = 0;
		*str = p + 4;
		return TRUE;
	}
	/* strtod() would accept "infinity" and "nan" */
	if (strspn(p, "+-.0123456789") == 0)
		return FALSE;
	*num_r = strtod(p, &end);
	if (end == p)
		return FALSE;
	if (*end == '%') {
		*num_r *= percent / 100;
		end++;
	} else if (strncmp(end, "turn", 4) == 0) {
		*num_r *= 360;
	} else if (strncmp(end, "rad", 3) == 0) {
		*num_r *= 180 / M_PI;
	} else if (strncmp(end, "grad", 4) == 0) {
		*num_r *= 0.9;
	}
	while (ascii_isalpha(*end))
		end++;
	*str = end;
	return TRUE;
}

enum color_model { MODEL_RGB, MODEL_HSL, MODEL_HWB, MODEL_LAB, MODEL_LCH,
	MODEL_OKLAB, MODEL_OKLCH, MODEL_SPACE };

static const struct color_function {
	const char *name;
	enum color_model model;
	/* the value of 100 % in each channel */
	double percent[3];
} color_functions[] = {
	{ "rgb(", MODEL_RGB, { 255, 255, 255 } },
	{ "rgba(", MODEL_RGB, { 255, 255, 255 } },
	/* percentages are also valid without the sign */
	{ "hsl(", MODEL_HSL, { 360, 100, 100 } },
	{ "hsla(", MODEL_HSL, { 360, 100, 100 } },
	{ "hwb(", MODEL_HWB, { 360, 100, 100 } },
	{ "lab(", MODEL_LAB, { 100, 125, 125 } },
	{ "lch(", MODEL_LCH, { 100, 150, 360 } },
	{ "oklab(", MODEL_OKLAB, { 1, 0.4, 0.4 } },
	{ "oklch(", MODEL_OKLCH, { 1, 0.4, 360 } },
	/* a colour space's name comes first; every space is treated as sRGB,
	   since white is white in each */
	{ "color(", MODEL_SPACE, { 1, 1, 1 } },
};

static uint32_t color_of(enum color_model model, const double n[3])
{
	double rgb[3] = { n[0] / 255, n[1] / 255, n[2] / 255 };

	switch (model) {
	case MODEL_RGB:
		break;
	case MODEL_HSL:
		return color_hsl(n[0], I_MIN(n[1], 100) / 100,
				 I_MIN(n[2], 100) / 100);
	case MODEL_HWB:
		return color_hwb(n[0], n[1] / 100, n[2] / 100);
	case MODEL_LAB:
		return color_lab(n[0] / 100, n[1], n[2]);
	case MODEL_LCH:
		return color_lab(n[0] / 100, n[1] * cos(n[2] * M_PI / 180),
				 n[1] * sin(n[2] * M_PI / 180));
	case MODEL_OKLAB:
		return color_oklab(n[0], n[1], n[2]);
	case MODEL_OKLCH:
		return color_oklab(n[0], n[1] * cos(n[2] * M_PI / 180),
				   n[1] * sin(n[2] * M_PI / 180));
	case MODEL_SPACE:
		return color_rgb(n);
	}
	return color_rgb(rgb);
}

static uint32_t color_with_alpha(uint32_t color, double alpha)
{
	unsigned int clear;

	if (alpha < MIN_ALPHA)
		return JUNK_COLOR_TRANSPARENT;
	clear = alpha >= 1 ? 0 : (unsigned int)((1 - alpha) * 31 + 0.5);
	return color | clear << JUNK_COLOR_CLEAR_SHIFT;
}

/* Returns the end of an argument: a comma or a bracket outside of nested
   ones. */
static const char *color_argument_end(const char *str)
{
	unsigned int depth = 0;

	for (; *str != '\0'; str++) {
		if (*str == '(')
			depth++;
		else if (*str == ')' && depth-- == 0)
			break;
		else if (*str == ',' && depth == 0)
			break;
	}
	return str;
}

/* Read "color-mix(in SPACE, COLOR 20%, COLOR)". */
static uint32_t color_mix(const char *str, unsigned int depth)
{
	const char *first = color_argument_end(str), *percent;
	uint32_t a, b, color = 0;
	double share = 50;

	if (*first != ',')
		return JUNK_COLOR_UNKNOWN;
	first++;
	const char *end = color_argument_end(first);
	if (*end != ',')
		return JUNK_COLOR_UNKNOWN;
	a = color_read(t_strdup_until(first, end), depth + 1);
	b = color_read(t_strdup_until(end + 1, color_argument_end(end + 1)),
		       depth + 1);
	if (a >= JUNK_COLOR_UNKNOWN || b >= JUNK_COLOR_UNKNOWN)
		return JUNK_COLOR_UNKNOWN;
	percent = memchr(first, '%', end - first);
	if (percent != NULL) {
		while (percent > first && (ascii_isdigit(percent[-1]) ||
					   percent[-1] == '.'))
			percent--;
		share = strtod(percent, NULL);
	}
	share = I_MIN(I_MAX(share, 0), 100) / 100;
	for (int shift = 16; shift >= 0; shift -= 8) {
		color |= color_channel(((a >> shift) & 0xff) * share +
				       ((b >> shift) & 0xff) * (1 - share)) <<
			shift;
	}
	return color;
}

static uint32_t color_function(const char *str, unsigned int depth)
{
	const struct color_function *function = NULL;
	double n[3], alpha = 1;
	const char *p;

	if (depth == MAX_DEPTH)
		return JUNK_COLOR_UNKNOWN;
	if (strncmp(str, "color-mix(", 10) == 0)
		return color_mix(str + 10, depth);
	if (strncmp(str, "light-dark(", 11) == 0)
		return color_read(str + 11, depth + 1);
	for (unsigned int i = 0; i < N_ELEMENTS(color_functions); i++) {
		if (strncmp(str, color_functions[i].name,
			    strlen(color_functions[i].name)) == 0)
			function = &color_functions[i];
	}
	if (function == NULL)
		return JUNK_COLOR_UNKNOWN;
	p = str + strlen(function->name);
	p += strspn(p, " ");
	/* for a relative colour, use the one it is derived from */
	if (strncmp(p, "from ", 5) == 0)
		return color_read(p + 5, depth + 1);
	if (function->model == MODEL_SPACE)
		p += strcspn(p, " )");
	for (unsigned int i = 0; i < 3; i++) {
		if (!color_argument(&p, function->percent[i], &n[i]))
			return JUNK_COLOR_UNKNOWN;
	}
	(void)color_argument(&p, 1, &alpha);
	return color_with_alpha(color_of(function->model, n), alpha);
}

static uint32_t color_number(const char *str)
{
	uint32_t num, alpha;
	char *end;
	size_t len;

	num = strtoul(str, &end, 16);
	len = end - str;
	if (*end != '\0')
		return JUNK_COLOR_INVALID;
	if (len == 4 || len == 8) {
		alpha = len == 4 ? (num & 15) * 0x11 : num & 0xff;
		num >>= len;
		len = len / 4 * 3;
	} else {
		alpha = 255;
	}
	if (len == 3) {
		num = (num >> 8) * 0x110000 + ((num >> 4) & 15) * 0x1100 +
			(num & 15) * 0x11;
	} else if (len != 6) {
		return JUNK_COLOR_INVALID;
	}
	return color_with_alpha(num, alpha / 255.0);
}

static uint32_t color_read(const char *str, unsigned int depth)
{
	size_t len;

	str += strspn(str, " \t\r\n");
	len = strcspn(str, "; \t\r\n!,()");
	if (str[len] == '(')
		return color_function(str, depth);
	str = t_strndup(str, len);
	if (*str == '#')
		return color_number(str + 1);
	if (strcmp(str, "transparent") == 0)
		return JUNK_COLOR_TRANSPARENT;
	return color_named(str);
}

uint32_t junk_color_parse(const char *str)
{
	return color_read(str, 0);
}

/* HTML, 2.3.6: characters other than hexadecimal digits count as 0; the string
   is split into three parts of the same size, of which the first two digits
   count. */
uint32_t junk_color_parse_legacy(const char *str)
{
	char digits[MAX_LEGACY_BYTES + 3];
	size_t len, part, skip = 0;
	uint32_t color = 0;

	str += strspn(str, " \t\r\n\f");
	len = strlen(str);
	while (len > 0 && strchr(" \t\r\n\f", str[len - 1]) != NULL)
		len--;
	str = t_strndup(str, len);
	if (len == 0 || strcmp(str, "transparent") == 0)
		return JUNK_COLOR_INVALID;
	color = color_named(str);
	if (color != JUNK_COLOR_INVALID)
		return color;
	if (len == 4 && *str == '#' &&
	    strspn(str + 1, "0123456789abcdef") == 3)
		return color_number(str + 1);
	if (*str == '#')
		str++;
	len = I_MIN(strlen(str), MAX_LEGACY_BYTES);
	for (size_t i = 0; i < len; i++)
		digits[i] = strchr("0123456789abcdef", str[i]) != NULL ?
			str[i] : '0';
	while (len == 0 || len % 3 != 0)
		digits[len++] = '0';
	part = len / 3;
	if (part > 8)
		skip = part - 8;
	while (part - skip > 2 && digits[skip] == '0' &&
	       digits[part + skip] == '0' && digits[2 * part + skip] == '0')
		skip++;
	color = 0;
	for (unsigned int i = 0; i < 3; i++) {
		const char *p = digits + i * part + skip;
		char two[3] = { p[0], part - skip > 1 ? p[1] : '\0', '\0' };

		color = color << 8 | (uint32_t)strtoul(two, NULL, 16);
	}
	return color;
}

uint32_t junk_color_over(uint32_t color, uint32_t behind)
{
	unsigned int clear = (color >> JUNK_COLOR_CLEAR_SHIFT) & 31;
	uint32_t result = 0;

	if (color == JUNK_COLOR_TRANSPARENT)
		return behind;
	if (clear == 0 || JUNK_COLOR_IS_SPECIAL(color))
		return color;
	if (JUNK_COLOR_IS_SPECIAL(behind))
		return JUNK_COLOR_UNKNOWN;
	for (int shift = 16; shift >= 0; shift -= 8) {
		unsigned int a = (color >> shift) & 0xff;
		unsigned int b = (behind >> shift) & 0xff;

		result |= (a * (31 - clear) + b * clear) / 31 << shift;
	}
	return result;
}

bool junk_color_near(uint32_t a, uint32_t b)
{
	if (a == JUNK_COLOR_TRANSPARENT)
		return TRUE;
	a = junk_color_over(a, b);
	if (JUNK_COLOR_IS_SPECIAL(a) || JUNK_COLOR_IS_SPECIAL(b))
		return FALSE;
	for (unsigned int shift = 0; shift < 24; shift += 8) {
		int diff = (int)((a >> shift) & 0xff) -
			(int)((b >> shift) & 0xff);
		if (diff > COLOR_TOO_NEAR || diff < -COLOR_TOO_NEAR)
			return FALSE;
	}
	return TRUE;
}

uint32_t junk_color_any(const char *value, uint32_t none)
{
	uint32_t all = none, color;

	while (*value != '\0') {
		value += strspn(value, " ,/");
		if (strncmp(value, "url(", 4) == 0)
			return JUNK_COLOR_UNKNOWN;
		if (strstr(t_strndup(value, strcspn(value, "( ,")),
			   "gradient") != NULL) {
			/* go on to the gradient's colours */
			value += strcspn(value, "( ,");
			value += *value == '(' ? 1 : 0;
			continue;
		}
		color = ascii_isalpha(*value) || *value == '#' ?
			junk_color_parse(value) : JUNK_COLOR_INVALID;
		if (color != JUNK_COLOR_INVALID) {
			if (all != none && color != all)
				return JUNK_COLOR_UNKNOWN;
			all = color;
		}
		size_t len = strcspn(value, " ,(");
		if (value[len] == '(') {
			const char *end = value + len + 1;
			unsigned int depth = 1;

			for (; *end != '\0' && depth > 0; end++)
				depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
			value = end;
		} else {
			value += len;
		}
	}
	return all;
}

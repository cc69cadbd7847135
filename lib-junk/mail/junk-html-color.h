#ifndef JUNK_HTML_COLOR_H
#define JUNK_HTML_COLOR_H

/* Colours of CSS (Color 4) and of old attributes: 0xrrggbb, above that in 31ths how
   clear it is; or one of these. Strings are in lower case. */
#define JUNK_COLOR_UNKNOWN 0x1000000
#define JUNK_COLOR_TRANSPARENT 0x2000000
/* no colour: the declaration doesn't count */
#define JUNK_COLOR_INVALID 0x3000000
#define JUNK_COLOR_CLEAR_SHIFT 26
#define JUNK_COLOR_IS_SPECIAL(color) (((color) & 0x3000000) != 0)

/* An alpha below which nothing is seen. */
#define JUNK_STYLE_MIN_ALPHA 0.1

/* By name, number or function; what follows it is ignored. */
uint32_t junk_color_parse(const char *str);
/* Of an attribute such as bgcolor, where everything is a colour. */
uint32_t junk_color_parse_legacy(const char *str);
/* The colours in a list of anything, as of a gradient, if they are all the same;
   none if there is none. */
uint32_t junk_color_any(const char *value, uint32_t none);

/* What is seen of a colour in front of another. */
uint32_t junk_color_over(uint32_t color, uint32_t behind);
/* May two colours be so near to each other that text can't be read? Not if one
   is unknown. */
bool junk_color_near(uint32_t a, uint32_t b);

#endif

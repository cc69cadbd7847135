#ifndef JUNK_HTML_COLOR_H
#define JUNK_HTML_COLOR_H

/* Colours of CSS (Color 4) and of old HTML attributes. Format: 0xrrggbb, and
   from bit JUNK_COLOR_CLEAR_SHIFT on the transparency in 31ths, or one of the
   special values below. Strings are in lower case. */
#define JUNK_COLOR_UNKNOWN 0x1000000
#define JUNK_COLOR_TRANSPARENT 0x2000000
/* not a colour: the declaration is ignored */
#define JUNK_COLOR_INVALID 0x3000000
#define JUNK_COLOR_CLEAR_SHIFT 26
#define JUNK_COLOR_IS_SPECIAL(color) (((color) & 0x3000000) != 0)

/* Below this alpha (0..1), a colour is invisible. */
#define JUNK_STYLE_MIN_ALPHA 0.1

/* Parse a colour by name, number or function. What follows it is ignored. */
uint32_t junk_color_parse(const char *str);
/* Parse a colour of an attribute such as bgcolor, where nearly every string is
   a colour. */
uint32_t junk_color_parse_legacy(const char *str);
/* Returns the colour in a list that has other values too (such as a
   gradient's), if all its colours are equal, JUNK_COLOR_UNKNOWN if they differ,
   none if there is none. */
uint32_t junk_color_any(const char *value, uint32_t none);

/* Returns the visible colour of a colour in front of another. */
uint32_t junk_color_over(uint32_t color, uint32_t behind);
/* Returns TRUE if colour a in front of b may be too similar for text to be
   readable; FALSE if either is unknown. */
bool junk_color_near(uint32_t a, uint32_t b);

#endif

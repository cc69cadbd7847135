#ifndef JUNK_HTML_STYLE_H
#define JUNK_HTML_STYLE_H

/* CSS of a style attribute, as far as it decides whether text is seen, read as
   browsers do: comments are skipped, a value that isn't valid leaves the one
   before it, otherwise the last one counts, unless one is !important. */

/* Colours: 0xrrggbb or this. */
#define JUNK_COLOR_UNKNOWN 0x1000000

enum junk_style_property {
	JUNK_STYLE_BACKGROUND,	/* a colour */
	JUNK_STYLE_CLIPPED,
	JUNK_STYLE_COLOR,	/* a colour */
	JUNK_STYLE_DISPLAY,	/* enum junk_display */
	JUNK_STYLE_FLAT,
	JUNK_STYLE_INVISIBLE,
	JUNK_STYLE_PICTURE,	/* behind the text */
	JUNK_STYLE_TINY,
	JUNK_STYLE_TRANSPARENT,

	JUNK_STYLE_COUNT
};

/* Of the properties without a remark above. */
enum junk_style_value {
	JUNK_STYLE_UNSET = -1,
	JUNK_STYLE_NO,
	JUNK_STYLE_YES,
	/* as the element around it */
	JUNK_STYLE_OUTER,
};

enum junk_display {
	JUNK_DISPLAY_NONE,
	JUNK_DISPLAY_INLINE,
	JUNK_DISPLAY_BLOCK,
};

struct junk_style {
	int values[JUNK_STYLE_COUNT];
	/* bit of each property: set by an !important value */
	unsigned int important;
};

void junk_style_init(struct junk_style *style);
/* Add what css says, which is overwritten. */
void junk_style_parse(struct junk_style *style, char *css);

/* A colour in lower case, by name or number; what follows it is ignored. */
uint32_t junk_color_parse(const char *str);
/* May two colours be so near to each other that text can't be read? Not if one
   is unknown. */
bool junk_color_near(uint32_t a, uint32_t b);

#endif

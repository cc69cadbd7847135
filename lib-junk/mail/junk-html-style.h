#ifndef JUNK_HTML_STYLE_H
#define JUNK_HTML_STYLE_H

/* CSS of an attribute or a rule, as far as it decides whether text is seen, read as
   browsers do: comments are skipped, a value that isn't valid leaves the one
   before it, otherwise the last one counts, unless one is !important. */

#include "junk-html-color.h"

enum junk_style_property {
	JUNK_STYLE_ALIGN,	/* to the right */
	JUNK_STYLE_BACKGROUND,	/* a colour */
	JUNK_STYLE_BIDI,	/* ... whatever the letters */
	JUNK_STYLE_BOTTOM,
	JUNK_STYLE_CLIP,
	JUNK_STYLE_CLIPPED,	/* what is too much isn't shown */
	JUNK_STYLE_CLIP_PATH,
	JUNK_STYLE_COLOR,	/* a colour */
	JUNK_STYLE_CONTAIN,	/* no size of what is in it */
	JUNK_STYLE_DIRECTION,	/* from right to left */
	JUNK_STYLE_DISPLAY,	/* enum junk_display */
	JUNK_STYLE_FILL,	/* a colour */
	JUNK_STYLE_FILTER,	/* lets nothing through */
	JUNK_STYLE_FLOAT,	/* a box of its own */
	JUNK_STYLE_HEIGHT,	/* no room; so the next extents */
	JUNK_STYLE_INDENT,	/* the first line, out of sight */
	JUNK_STYLE_INSET,	/* as all edges */
	JUNK_STYLE_INVISIBLE,
	JUNK_STYLE_LEFT,	/* out of sight; so the other edges */
	JUNK_STYLE_LINE_HEIGHT,
	JUNK_STYLE_MARGIN,
	JUNK_STYLE_MASK,	/* lets nothing through */
	JUNK_STYLE_MAX_HEIGHT,
	JUNK_STYLE_MAX_WIDTH,
	JUNK_STYLE_MIN_HEIGHT,
	JUNK_STYLE_MIN_WIDTH,
	JUNK_STYLE_OPACITY,	/* in percent */
	JUNK_STYLE_PADDING,	/* up to beyond the edge */
	JUNK_STYLE_PICTURE,	/* behind the text; or a colour */
	JUNK_STYLE_POSITION,	/* enum junk_position */
	JUNK_STYLE_RIGHT,
	JUNK_STYLE_ROTATE,	/* seen from its side */
	JUNK_STYLE_ROWS,	/* of a grid: of no height */
	JUNK_STYLE_SCALE,	/* to nothing */
	JUNK_STYLE_SHADOW,	/* a colour */
	JUNK_STYLE_SKIPPED,
	JUNK_STYLE_STROKE,	/* a colour */
	JUNK_STYLE_TINY,	/* letters */
	JUNK_STYLE_TOP,
	JUNK_STYLE_TRANSFORM,
	JUNK_STYLE_TRANSLATE,	/* out of sight */
	JUNK_STYLE_WIDTH,
	JUNK_STYLE_ZOOM,	/* to nothing */

	JUNK_STYLE_COUNT
};

/* Of the properties without a remark above. */
enum junk_style_value {
	JUNK_STYLE_UNSET = -1,
	JUNK_STYLE_NO,
	JUNK_STYLE_YES,
	/* as the element around it */
	JUNK_STYLE_OUTER,
	/* if what is too much isn't shown */
	JUNK_STYLE_CLIPS,
	/* out of sight on the other side: what is inside of something on this
	   side is back */
	JUNK_STYLE_BACK,
};

/* In place of a colour: the one around it */
#define JUNK_STYLE_OUTER_COLOR JUNK_COLOR_INVALID
/* Added to the colour that a picture has throughout */
#define JUNK_STYLE_PICTURE_COLOR 0x100

enum junk_display {
	JUNK_DISPLAY_NONE,
	JUNK_DISPLAY_INLINE,
	JUNK_DISPLAY_BLOCK,
	/* a box in a line */
	JUNK_DISPLAY_INLINE_BLOCK,
	/* as large as what is in it, whatever it says */
	JUNK_DISPLAY_TABLE,
};

enum junk_position {
	JUNK_POSITION_STATIC,
	JUNK_POSITION_RELATIVE,
	JUNK_POSITION_ABSOLUTE,
	JUNK_POSITION_FIXED,
};

struct junk_style {
	int values[JUNK_STYLE_COUNT];
	/* bit of each property: it has a value, an !important one */
	uint64_t set, important;
};

void junk_style_init(struct junk_style *style);
/* Add what css says, which is overwritten. */
void junk_style_parse(struct junk_style *style, char *css);
/* The same of what was cleaned. */
void junk_style_declarations(struct junk_style *style, char *css);

/* Add what another style says of the properties that are not !important, or are
   in both. */
void junk_style_merge(struct junk_style *style, const struct junk_style *other);

/* CSS in lower case, blanks for spaces of any kind and for comments, characters
   for escapes. */
void junk_style_clean(char *css);
/* The first of two characters (or of one) outside of quotes, of ";" also outside of brackets;
   or the end. */
char *junk_style_find(char *css, const char *ends);

#endif

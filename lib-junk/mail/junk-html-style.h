#ifndef JUNK_HTML_STYLE_H
#define JUNK_HTML_STYLE_H

/* CSS declarations of a style attribute or a rule, as far as they decide
   whether text is visible. They are read as in browsers: comments are skipped,
   invalid declarations are ignored, and the last declaration of a property
   applies, unless an earlier one is !important. */

#include "junk-html-color.h"

enum junk_style_property {
	JUNK_STYLE_ALIGN,	/* right-aligned */
	JUNK_STYLE_BACKGROUND,	/* a colour */
	JUNK_STYLE_BIDI,	/* overrides the letters' direction */
	JUNK_STYLE_BOTTOM,
	JUNK_STYLE_CLIP,
	JUNK_STYLE_CLIPPED,	/* clips overflow */
	JUNK_STYLE_CLIP_PATH,
	JUNK_STYLE_COLOR,	/* a colour */
	JUNK_STYLE_CONTAIN,	/* its size ignores its content */
	JUNK_STYLE_DIRECTION,	/* right-to-left */
	JUNK_STYLE_DISPLAY,	/* enum junk_display */
	JUNK_STYLE_FILL,	/* a colour */
	JUNK_STYLE_FILTER,	/* makes it invisible */
	JUNK_STYLE_FLOAT,	/* makes it a box */
	JUNK_STYLE_HEIGHT,	/* nearly 0; so the other sizes */
	JUNK_STYLE_INDENT,	/* first line is off-screen */
	JUNK_STYLE_INSET,	/* all edges */
	JUNK_STYLE_INVISIBLE,
	JUNK_STYLE_LEFT,	/* off-screen; so the other edges */
	JUNK_STYLE_LINE_HEIGHT,
	JUNK_STYLE_MARGIN,
	JUNK_STYLE_MASK,	/* makes it invisible */
	JUNK_STYLE_MAX_HEIGHT,
	JUNK_STYLE_MAX_WIDTH,
	JUNK_STYLE_MIN_HEIGHT,
	JUNK_STYLE_MIN_WIDTH,
	JUNK_STYLE_OPACITY,	/* in percent */
	JUNK_STYLE_PADDING,	/* off-screen */
	JUNK_STYLE_PICTURE,	/* behind the text; or a colour */
	JUNK_STYLE_POSITION,	/* enum junk_position */
	JUNK_STYLE_RIGHT,
	JUNK_STYLE_ROTATE,	/* edge-on */
	JUNK_STYLE_ROWS,	/* a grid's first row has no height */
	JUNK_STYLE_SCALE,	/* to 0 */
	JUNK_STYLE_SHADOW,	/* a colour */
	JUNK_STYLE_SKIPPED,
	JUNK_STYLE_STROKE,	/* a colour */
	JUNK_STYLE_TINY,	/* unreadably small letters */
	JUNK_STYLE_TOP,
	JUNK_STYLE_TRANSFORM,
	JUNK_STYLE_TRANSLATE,	/* off-screen */
	JUNK_STYLE_WIDTH,
	JUNK_STYLE_ZOOM,	/* unreadably small */

	JUNK_STYLE_COUNT
};

/* Values of the properties that aren't a colour, a percentage or an enum. */
enum junk_style_value {
	JUNK_STYLE_UNSET = -1,
	JUNK_STYLE_NO,
	JUNK_STYLE_YES,
	/* inherited */
	JUNK_STYLE_OUTER,
	/* off-screen if overflow is clipped */
	JUNK_STYLE_CLIPS,
	/* off-screen to the right; inside of something that is off-screen to
	   the left, this makes content visible again */
	JUNK_STYLE_BACK,
};

/* Used in place of a colour: inherited. */
#define JUNK_STYLE_OUTER_COLOR JUNK_COLOR_INVALID
/* Added to the colour of a picture that has only one (a gradient). */
#define JUNK_STYLE_PICTURE_COLOR 0x100

enum junk_display {
	JUNK_DISPLAY_NONE,
	JUNK_DISPLAY_INLINE,
	JUNK_DISPLAY_BLOCK,
	/* a box inside of a line */
	JUNK_DISPLAY_INLINE_BLOCK,
	/* as large as its content, whatever its size says */
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
	/* bits of the properties that have a value, or an !important one */
	uint64_t set, important;
};

/* Unset all properties. */
void junk_style_init(struct junk_style *style);
/* Add the declarations in css, which is modified. Later ones override. */
void junk_style_parse(struct junk_style *style, char *css);
/* As above, for CSS that junk_style_clean() has processed. */
void junk_style_declarations(struct junk_style *style, char *css);

/* Override style by the properties set in other, except those that are
   !important only in style. */
void junk_style_merge(struct junk_style *style, const struct junk_style *other);

/* Normalise CSS in place: lower case, spaces for all kinds of white space and
   for comments, and characters for escapes. */
void junk_style_clean(char *css);
/* Returns the first position of one of the one or two characters in ends,
   outside of quotes (";" also outside of brackets), or the end of css. */
char *junk_style_find(char *css, const char *ends);

#endif

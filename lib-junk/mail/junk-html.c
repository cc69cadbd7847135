/* See junk-html.h. A single pass over the page keeps a stack of open elements
   with their visibility. It is repeated if a style sheet came late. */

#define _GNU_SOURCE /* for memmem() */
#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "junk-limits.h"
#include "junk-name.h"
#include "junk-url.h"
#include "junk-html-entity.h"
#include "junk-html-sheet.h"
#include "junk-html-tags.h"
#include "junk-html.h"

/* Maximum depth of open elements; deeper ones replace the last. */
#define MAX_DEPTH 64
#define MAX_VALUE_BYTES 1024
#define MAX_URLS 100
/* Maximum size of a URL, and of a link's text. */
#define MAX_URL_BYTES 8192
#define MAX_LINK_BYTES 512
/* Bytes of a tag in which a style sheet's selector may look for an
   attribute. */
#define MAX_ATTRS_BYTES 4096
/* A picture's alt text of up to this size may be a part of a word. */
#define MAX_LETTER_BYTES 2

/* Control characters: right-to-left override and its end (Unicode, UAX 9). */
#define TURN_BEGIN "\xe2\x80\xae"
#define TURN_END "\xe2\x80\xac"

/* Reasons why text is hidden. An element inherits them; a descendant can reset
   all but UNSEEN_ALL. */
enum {
	UNSEEN_ALL = 0x01,
	UNSEEN_TINY = 0x02,
	UNSEEN_INVISIBLE = 0x04,
	UNSEEN_COLOR = 0x08,
	/* the first line of each block is off-screen */
	UNSEEN_INDENT = 0x40,
	/* inside closed details, outside their summary */
	UNSEEN_CLOSED = 0x400,
	/* in an SVG picture, outside its text elements */
	UNSEEN_DRAWN = 0x800,
	/* cut off since a box has no room for it; moved off-screen */
	UNSEEN_CLIPPED = 0x2000,
	UNSEEN_AWAY = 0x4000,
	/* not reasons: other properties that an element may set itself */
	OWN_COLOR = 0x10,
	OWN_BACKGROUND = 0x20,
	OWN_DIRECTION = 0x80,
	OWN_HIDDEN = 0x100,
	/* the element has a href */
	OWN_LINK = 0x200,
	/* the element is details, and its summary was shown */
	OWN_SUMMARY = 0x1000,
};

struct html_element {
	char name[JUNK_TAG_NAME_BYTES];
	const struct junk_html_tag *tag;
	uint32_t color, background;
	/* colours of the letters' shadow and outline, and of links inside */
	uint32_t shadow, stroke, link;
	/* product of its own opacity and those of the elements around it */
	float opacity;
	unsigned int unseen;
	/* UNSEEN_* and OWN_* flags that the element sets itself */
	unsigned int own;
	/* groups of this element and of all open ones around it, as bits */
	unsigned int groups;
	/* the element begins and ends a line */
	bool breaks;
	/* direction is right-to-left; it also overrides that of the letters */
	bool rtl, turned;
	/* text-indent moves its first lines off-screen */
	bool indent;
	/* text is aligned to the right */
	bool align;
	/* clips positioned descendants, too */
	bool clips_positioned;
	struct junk_sheet_names names;
	/* children so far; set only for elements on the stack */
	struct junk_sheet_siblings children;
};

struct html_state {
	struct junk_token_set *set;
	const unsigned char *pos, *end;
	buffer_t *text;
	struct html_element stack[MAX_DEPTH];
	unsigned int depth;
	/* no comment that begins from here on has an end */
	bool no_comment_end;
	/* a link to link_host is open; its text begins at link_start */
	bool in_link;
	struct junk_host link_host;
	size_t link_start;
	enum junk_html_flags flags;
	/* how much is left of JUNK_MAX_STYLES */
	unsigned int *styles;
	/* text ends inside a right-to-left override */
	bool turned;

	struct junk_sheet *sheet;
	/* second pass, in which all style sheets are known */
	bool again;
	/* the page has a doctype; without one, browsers use quirks mode */
	bool doctype;
	/* a style sheet came after content that its rules may match */
	bool sheet_late;
	size_t text_start;

	unsigned int tags, urls, images, comments, hidden_bytes, unknown;
};

enum html_attr_kind {
	ATTR_STYLE,
	ATTR_COLOR,
	ATTR_BGCOLOR,
	ATTR_HIDDEN,
	/* a picture behind the text */
	ATTR_PICTURE,
	ATTR_URL,
	/* several, as "URL size, URL size" */
	ATTR_URLS,
	/* "seconds; url=URL" */
	ATTR_REFRESH,
	ATTR_CLASS,
	ATTR_ID,
	ATTR_DIR,
	ATTR_LINK,
	ATTR_ALIGN,
	ATTR_SIZE,
	/* an SVG attribute with the name of a CSS property */
	ATTR_DRAWN,
	/* values that are evaluated after the whole tag is read */
	ATTR_LATER,
};

enum {
	VALUE_ALT,
	VALUE_HEIGHT,
	VALUE_LABEL,
	VALUE_MEDIA,
	VALUE_OPEN,
	VALUE_PLACEHOLDER,
	VALUE_TITLE,
	VALUE_TYPE,
	VALUE_VALUE,
	VALUE_WIDTH,

	VALUE_COUNT
};

/* Flags of elements whose ATTR_LATER values are evaluated. */
#define TAG_HAS_VALUES (JUNK_TAG_SHOWS | JUNK_TAG_STYLE | JUNK_TAG_OPENS)
/* Flags of elements that have a background attribute. */
#define TAG_HAS_BACKGROUND \
	(JUNK_TAG_BODY | JUNK_TAG_TABLE | JUNK_TAG_PART)

static const struct attr_row {
	const char *name;
	enum html_attr_kind kind;
	/* flags of the elements to which the attribute applies; 0 = all */
	unsigned int tags;
	unsigned int later;
} attr_rows[] = {
	{ "style", ATTR_STYLE, 0, 0 },
	{ "color", ATTR_COLOR, JUNK_TAG_FONT, 0 },
	{ "link", ATTR_LINK, JUNK_TAG_BODY, 0 }, { "align", ATTR_ALIGN, 0, 0 },
	{ "fill", ATTR_DRAWN, 0, 0 }, { "opacity", ATTR_DRAWN, 0, 0 },
	{ "fill-opacity", ATTR_DRAWN, 0, 0 }, { "display", ATTR_DRAWN, 0, 0 },
	{ "visibility", ATTR_DRAWN, 0, 0 }, { "font-size", ATTR_DRAWN, 0, 0 },
	{ "transform", ATTR_DRAWN, 0, 0 },
	{ "text", ATTR_COLOR, JUNK_TAG_BODY, 0 },
	{ "bgcolor", ATTR_BGCOLOR, TAG_HAS_BACKGROUND, 0 },
	{ "background", ATTR_PICTURE, TAG_HAS_BACKGROUND, 0 },
	{ "hidden", ATTR_HIDDEN, 0, 0 }, { "popover", ATTR_HIDDEN, 0, 0 }, { "class", ATTR_CLASS, 0, 0 },
	{ "id", ATTR_ID, 0, 0 }, { "href", ATTR_URL, 0, 0 },
	{ "src", ATTR_URL, 0, 0 }, { "action", ATTR_URL, 0, 0 },
	{ "dir", ATTR_DIR, 0, 0 },
	{ "alt", ATTR_LATER, JUNK_TAG_SHOWS, VALUE_ALT },
	{ "height", ATTR_LATER, JUNK_TAG_SHOWS, VALUE_HEIGHT },
	{ "label", ATTR_LATER, JUNK_TAG_SHOWS, VALUE_LABEL },
	{ "media", ATTR_LATER, JUNK_TAG_STYLE, VALUE_MEDIA },
	{ "open", ATTR_LATER, JUNK_TAG_OPENS, VALUE_OPEN },
	{ "placeholder", ATTR_LATER, JUNK_TAG_SHOWS, VALUE_PLACEHOLDER },
	{ "title", ATTR_LATER, JUNK_TAG_SHOWS, VALUE_TITLE },
	{ "size", ATTR_SIZE, JUNK_TAG_FONT, 0 },
	{ "type", ATTR_LATER, JUNK_TAG_SHOWS | JUNK_TAG_STYLE, VALUE_TYPE },
	{ "value", ATTR_LATER, JUNK_TAG_SHOWS, VALUE_VALUE },
	{ "width", ATTR_LATER, JUNK_TAG_SHOWS, VALUE_WIDTH },
	{ "formaction", ATTR_URL, 0, 0 }, { "xlink:href", ATTR_URL, 0, 0 },
	{ "data", ATTR_URL, 0, 0 }, { "poster", ATTR_URL, 0, 0 },
	{ "ping", ATTR_URL, 0, 0 }, { "srcset", ATTR_URLS, 0, 0 },
	{ "imagesrcset", ATTR_URLS, 0, 0 }, { "content", ATTR_REFRESH, 0, 0 },
};

struct html_attr {
	char name[JUNK_TAG_NAME_BYTES];
	const unsigned char *value;
	size_t size;
};

/* Attributes of a tag that are evaluated after the whole tag is read. */
struct html_tag_values {
	struct html_attr attrs[VALUE_COUNT];
	bool seen[VALUE_COUNT];
};

static bool names_equal(const char *a, const char *b)
{
	return junk_name_cmp(a, b, JUNK_TAG_NAME_BYTES) == 0;
}

static bool name_is_link(const char *name)
{
	return name[0] == 'a' && name[1] == '\0';
}

static struct html_element *html_top(struct html_state *state)
{
	return &state->stack[state->depth];
}

/* Returns TRUE for a table or a part of one that isn't a cell: only cells have
   content. */
static bool element_is_between_cells(const struct html_element *element)
{
	unsigned int flags = element->tag->flags;

	return (flags & JUNK_TAG_TABLE) != 0 ||
		(flags & (JUNK_TAG_PART | JUNK_TAG_SCOPE)) == JUNK_TAG_PART;
}

/* Returns the element that text or a tag inherits from here. Content between
   cells inherits from outside the table, since browsers move it in front of the
   table. */
static const struct html_element *html_parent(struct html_state *state)
{
	const struct html_element *element = html_top(state);

	while (element_is_between_cells(element))
		element--;
	return element;
}

/* Add tokens for a script in a file that the reader may open in a browser. */
static void
script_tokens(struct html_state *state, const unsigned char *data, size_t size)
{
	static const char *const words[] = {
		"atob", "unescape", "eval", "fromcharcode", "document.write",
		"decodeuricomponent", "location", "fetch", "xmlhttprequest",
		"createobjecturl", "mssaveoropenblob", "innerhtml",
	};
	const unsigned char *p = data, *end = data + size, *start;
	char *script;

	junk_token_set_add_str(state->set, JUNK_TOKEN_HTML, "script");
	script = i_malloc(size + 1);
	memcpy(script, data, size);
	str_lcase(script);
	for (unsigned int i = 0; i < N_ELEMENTS(words); i++) {
		if (strstr(script, words[i]) != NULL)
			junk_token_set_add_prefixed(state->set,
				JUNK_TOKEN_HTML, "script:", words[i],
				strlen(words[i]));
	}
	i_free(script);
	while (state->urls < MAX_URLS &&
	       (p = memmem(p, end - p, "://", 3)) != NULL) {
		for (start = p; start > data && ascii_isalpha(start[-1]); )
			start--;
		for (p += 3; p < end && *p > ' ' &&
		     strchr("\"'`<>\\);,", *p) == NULL; )
			p++;
		junk_url_add(state->set, start, p - start);
		state->urls++;
	}
}

/* Begin or end a right-to-left override in the text. */
static void html_turn(struct html_state *state, bool turned)
{
	if (state->turned == turned)
		return;
	str_append(state->text, turned ? TURN_BEGIN : TURN_END);
	state->turned = turned;
}

static void
html_hidden(struct html_state *state, const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] > ' ')
			state->hidden_bytes++;
	}
}

static void
html_text(struct html_state *state, const unsigned char *data, size_t size)
{
	const struct html_element *parent = html_parent(state);

	if (parent->unseen != 0) {
		html_hidden(state, data, size);
		if ((state->flags & JUNK_HTML_FILE) != 0 &&
		    strcmp(parent->tag->name, "script") == 0)
			script_tokens(state, data, size);
		return;
	}
	if (state->turned != parent->turned)
		html_turn(state, parent->turned);
	junk_html_decode_entities(state->text, data, size, FALSE);
}

static void html_break(struct html_state *state)
{
	if ((html_top(state)->unseen & UNSEEN_ALL) != 0)
		return;
	html_turn(state, FALSE);
	buffer_append_c(state->text, '\n');
}

/* After the first line of a block, its text is no longer indented
   off-screen. */
static void html_end_line(struct html_state *state)
{
	struct html_element *element;

	for (unsigned int i = state->depth; i > 0; i--) {
		element = &state->stack[i];
		element->unseen &= ~UNSEEN_INDENT;
		if (element->breaks)
			break;
	}
}

static void
unseen_set(struct html_element *element, unsigned int flag, int value)
{
	if (value == JUNK_STYLE_YES)
		element->unseen |= flag;
	else if (value == JUNK_STYLE_NO)
		element->unseen &= ~flag;
	if (value != JUNK_STYLE_UNSET)
		element->own |= flag;
}

static void element_set_color(struct html_element *element, uint32_t color)
{
	element->color = color;
	element->own |= OWN_COLOR;
}

static void
element_set_background(struct html_element *element, uint32_t color)
{
	element->background = junk_color_over(color, element->background);
	element->own |= OWN_BACKGROUND;
}

static void element_compare_colors(struct html_element *element)
{
	element->unseen &= ~UNSEEN_COLOR;
	if (junk_color_near(element->color, element->background) &&
	    junk_color_near(element->shadow, element->background) &&
	    junk_color_near(element->stroke, element->background))
		element->unseen |= UNSEEN_COLOR;
}

/* Change the parent of an element: inherit what the element doesn't set
   itself. */
static void element_set_parent(struct html_element *element,
			       const struct html_element *parent)
{
	element->unseen = (element->unseen & element->own) |
		(parent->unseen & ~element->own);
	if ((element->own & OWN_COLOR) == 0)
		element->color = parent->color;
	if ((element->own & OWN_BACKGROUND) == 0)
		element->background = parent->background;
	if ((element->own & OWN_DIRECTION) == 0) {
		element->rtl = parent->rtl;
		element->turned = parent->turned;
	}
	element_compare_colors(element);
}

/* Find the innermost open element with a name, which is padded with zeros.
   Returns its index on the stack; 0 if there is none, or if an element with a
   flag of within is found before it. */
static unsigned int
html_find(struct html_state *state, const char *name, unsigned int within)
{
	for (unsigned int i = state->depth; i > 0; i--) {
		if (names_equal(state->stack[i].name, name))
			return i;
		if ((state->stack[i].tag->flags & within) != 0)
			break;
	}
	return 0;
}

static void
html_stack(struct html_state *state, const struct html_element *element)
{
	const unsigned int around = html_top(state)->groups;
	struct html_element *top = &state->stack[++state->depth];

	memcpy(top, element, offsetof(struct html_element, children));
	top->children.count = 0;
	top->children.names = 0;
	top->groups = around | 1U << element->tag->group;
}

/* End an element and those inside it. Some of the inner ones continue after it:
   formatting elements after any other, blocks after a formatting element. */
static void html_end(struct html_state *state, unsigned int at)
{
	unsigned int flags = state->stack[at].tag->flags;
	unsigned int keep = JUNK_TAG_FORMAT, last = state->depth;

	if ((flags & (JUNK_TAG_SCOPE | JUNK_TAG_PART)) != 0)
		last = at;
	else if ((flags & JUNK_TAG_FORMAT) != 0)
		keep |= JUNK_TAG_BREAKS;
	state->depth = at - 1;
	for (unsigned int i = at + 1; i <= last; i++) {
		if ((state->stack[i].tag->flags & keep) == 0)
			continue;
		element_set_parent(&state->stack[i], html_top(state));
		html_stack(state, &state->stack[i]);
	}
}

/* Set the body, which is around the whole page wherever its tag stands. */
static void
html_set_body(struct html_state *state, const struct html_element *body)
{
	struct html_element *first = &state->stack[0];

	if ((first->tag->flags & JUNK_TAG_PAGE) != 0 &&
	    (first->tag == body->tag || strcmp(body->name, "html") == 0)) {
		/* a second body tag only adds what the first doesn't set */
		element_set_parent(first, body);
		first->own |= body->own;
	} else {
		*first = *body;
	}
	for (unsigned int i = 1; i <= state->depth; i++)
		element_set_parent(&state->stack[i], &state->stack[i - 1]);
}

/* Returns TRUE if width and height apply to an element. They don't apply to
   inline elements, and parts of a table are as large as their content. */
static bool
element_is_box(const struct html_element *element, const int *values)
{
	switch (values[JUNK_STYLE_DISPLAY]) {
	case JUNK_DISPLAY_BLOCK:
	case JUNK_DISPLAY_INLINE_BLOCK:
		return TRUE;
	case JUNK_DISPLAY_TABLE:
		return FALSE;
	}
	if (values[JUNK_STYLE_POSITION] >= JUNK_POSITION_ABSOLUTE ||
	    values[JUNK_STYLE_FLOAT] == JUNK_STYLE_YES)
		return TRUE;
	return element->breaks &&
		(element->tag->flags & (JUNK_TAG_TABLE | JUNK_TAG_PART)) == 0;
}

static bool is_yes(const int *values, enum junk_style_property property)
{
	return values[property] == JUNK_STYLE_YES;
}

static bool is_any(const int *values, const enum junk_style_property *list,
		   enum junk_style_value value)
{
	for (; *list != JUNK_STYLE_COUNT; list++) {
		if (values[*list] == (int)value)
			return TRUE;
	}
	return FALSE;
}

static const enum junk_style_property style_edges[] = {
	JUNK_STYLE_LEFT, JUNK_STYLE_TOP, JUNK_STYLE_RIGHT, JUNK_STYLE_BOTTOM,
	JUNK_STYLE_INSET, JUNK_STYLE_COUNT
};
static const enum junk_style_property style_margins[] = {
	JUNK_STYLE_MARGIN, JUNK_STYLE_PADDING, JUNK_STYLE_COUNT
};
static const enum junk_style_property style_transforms[] = {
	JUNK_STYLE_TRANSFORM, JUNK_STYLE_SCALE, JUNK_STYLE_TRANSLATE,
	JUNK_STYLE_ROTATE, JUNK_STYLE_COUNT
};

/* Returns TRUE if an element is moved off-screen: to the left or up if value is
   YES, to the right if it is BACK. Parts of a table have no margin. */
static bool element_is_moved(const struct html_element *element,
			     const int *values, enum junk_style_value value)
{
	bool part = (element->tag->flags & JUNK_TAG_PART) != 0;

	return (values[JUNK_STYLE_POSITION] > JUNK_POSITION_STATIC &&
		is_any(values, style_edges, value)) ||
		(!part && is_any(values, style_margins, value)) ||
		((part || element_is_box(element, values)) &&
		 is_any(values, style_transforms, value));
}

static bool element_has_no_height(const int *values)
{
	if (values[JUNK_STYLE_MIN_HEIGHT] == JUNK_STYLE_NO)
		return FALSE;
	return is_yes(values, JUNK_STYLE_HEIGHT) ||
		is_yes(values, JUNK_STYLE_MAX_HEIGHT) ||
		is_yes(values, JUNK_STYLE_LINE_HEIGHT) ||
		is_yes(values, JUNK_STYLE_ROWS) ||
		(is_yes(values, JUNK_STYLE_CONTAIN) &&
		 values[JUNK_STYLE_HEIGHT] == JUNK_STYLE_UNSET);
}

/* Returns TRUE if an element's content is clipped completely. */
static bool
element_is_clipped(const struct html_element *element, const int *values)
{
	if (is_yes(values, JUNK_STYLE_CLIP_PATH) ||
	    (is_yes(values, JUNK_STYLE_CLIP) &&
	     values[JUNK_STYLE_POSITION] >= JUNK_POSITION_ABSOLUTE))
		return TRUE;
	/* pictures have exactly the size that is set */
	if ((element->tag->flags & (JUNK_TAG_SHOWS | JUNK_TAG_EMPTY)) ==
	    (JUNK_TAG_SHOWS | JUNK_TAG_EMPTY))
		return is_yes(values, JUNK_STYLE_WIDTH) ||
			is_yes(values, JUNK_STYLE_HEIGHT);
	if (!element_is_box(element, values))
		return FALSE;
	if (is_yes(values, JUNK_STYLE_SKIPPED))
		return TRUE;
	if (!is_yes(values, JUNK_STYLE_CLIPPED))
		return FALSE;
	return element_has_no_height(values) ||
		((is_yes(values, JUNK_STYLE_WIDTH) ||
		  is_yes(values, JUNK_STYLE_MAX_WIDTH)) &&
		 values[JUNK_STYLE_MIN_WIDTH] != JUNK_STYLE_NO);
}

/* Clipping and moving of ancestors don't hide an element that is positioned
   elsewhere. */
static void element_escape(struct html_element *element, const int *values)
{
	int position = values[JUNK_STYLE_POSITION];

	if (position == JUNK_POSITION_FIXED ||
	    (position == JUNK_POSITION_ABSOLUTE && !element->clips_positioned))
		element->unseen &= ~UNSEEN_CLIPPED;
	if (position == JUNK_POSITION_FIXED ||
	    element_is_moved(element, values, JUNK_STYLE_BACK))
		element->unseen &= ~UNSEEN_AWAY;
}

static void element_place(struct html_element *element, const int *values)
{
	bool around = (element->unseen & UNSEEN_AWAY) != 0;

	if ((element->unseen & (UNSEEN_CLIPPED | UNSEEN_AWAY)) != 0)
		element_escape(element, values);
	if (element_is_clipped(element, values)) {
		unseen_set(element, UNSEEN_CLIPPED, JUNK_STYLE_YES);
		element->clips_positioned = is_yes(values, JUNK_STYLE_CLIP_PATH) ||
			values[JUNK_STYLE_POSITION] > JUNK_POSITION_STATIC;
	} else if (values[JUNK_STYLE_POSITION] > JUNK_POSITION_STATIC) {
		element->clips_positioned |=
			(element->unseen & UNSEEN_CLIPPED) != 0;
	}
	if (element_is_moved(element, values, JUNK_STYLE_YES) ||
	    (!around && element_is_moved(element, values, JUNK_STYLE_BACK)))
		unseen_set(element, UNSEEN_AWAY, JUNK_STYLE_YES);
}

static void
element_direction(struct html_element *element, const int *values)
{
	bool turns = is_yes(values, JUNK_STYLE_BIDI) ||
		strcmp(element->name, "bdo") == 0;

	if (values[JUNK_STYLE_DIRECTION] == JUNK_STYLE_YES)
		element->rtl = TRUE;
	else if (values[JUNK_STYLE_DIRECTION] == JUNK_STYLE_NO)
		element->rtl = FALSE;
	if (turns)
		element->turned = element->rtl;
	if (turns || values[JUNK_STYLE_DIRECTION] != JUNK_STYLE_UNSET)
		element->own |= OWN_DIRECTION;
}

static void
element_colors(struct html_element *element, const int *values)
{
	int color = values[JUNK_STYLE_FILL] != JUNK_STYLE_UNSET ?
		values[JUNK_STYLE_FILL] : values[JUNK_STYLE_COLOR];
	int behind = values[JUNK_STYLE_BACKGROUND];
	int picture = values[JUNK_STYLE_PICTURE];

	if (color != JUNK_STYLE_UNSET && color != JUNK_STYLE_OUTER_COLOR)
		element_set_color(element, color);
	else if (color == JUNK_STYLE_UNSET &&
		 (element->own & (OWN_LINK | OWN_COLOR)) == OWN_LINK)
		element_set_color(element, element->link);
	/* what is behind shows through a transparent background */
	if (behind != JUNK_STYLE_UNSET && behind != JUNK_COLOR_TRANSPARENT)
		element_set_background(element, behind);
	if (picture == JUNK_STYLE_YES)
		element_set_background(element, JUNK_COLOR_UNKNOWN);
	else if (picture >= JUNK_STYLE_PICTURE_COLOR)
		element_set_background(element,
				       picture - JUNK_STYLE_PICTURE_COLOR);
	if (values[JUNK_STYLE_SHADOW] != JUNK_STYLE_UNSET)
		element->shadow = values[JUNK_STYLE_SHADOW];
	if (values[JUNK_STYLE_STROKE] != JUNK_STYLE_UNSET)
		element->stroke = values[JUNK_STYLE_STROKE];
}

/* Set whether the first lines of an element are off-screen. */
static void element_indent(struct html_element *element, const int *values)
{
	int indent = values[JUNK_STYLE_INDENT];

	if (values[JUNK_STYLE_ALIGN] != JUNK_STYLE_UNSET)
		element->align = is_yes(values, JUNK_STYLE_ALIGN);
	if (indent == JUNK_STYLE_CLIPS)
		element->indent = is_yes(values, JUNK_STYLE_CLIPPED);
	else if (indent == JUNK_STYLE_YES || indent == JUNK_STYLE_NO)
		/* with right alignment, text-indent moves the other edge */
		element->indent = indent == JUNK_STYLE_YES && !element->align;
}

static void
element_style(struct html_element *element, const struct junk_style *style)
{
	const int *values = style->values;
	/* the display property overrides the hidden attribute */
	bool hidden = values[JUNK_STYLE_DISPLAY] == JUNK_DISPLAY_NONE ||
		(values[JUNK_STYLE_DISPLAY] == JUNK_STYLE_UNSET &&
		 (element->own & OWN_HIDDEN) != 0);

	element_colors(element, values);
	unseen_set(element, UNSEEN_TINY, values[JUNK_STYLE_TINY]);
	unseen_set(element, UNSEEN_INVISIBLE, values[JUNK_STYLE_INVISIBLE]);
	if (values[JUNK_STYLE_DISPLAY] != JUNK_STYLE_UNSET &&
	    strcmp(element->name, "br") != 0)
		element->breaks =
			values[JUNK_STYLE_DISPLAY] == JUNK_DISPLAY_BLOCK ||
			values[JUNK_STYLE_DISPLAY] == JUNK_DISPLAY_TABLE;
	element_indent(element, values);
	element_direction(element, values);
	if (values[JUNK_STYLE_OPACITY] != JUNK_STYLE_UNSET)
		element->opacity *= values[JUNK_STYLE_OPACITY] / 100.0f;
	if (hidden || element->opacity < JUNK_STYLE_MIN_ALPHA ||
	    is_yes(values, JUNK_STYLE_FILTER) ||
	    is_yes(values, JUNK_STYLE_MASK) ||
	    is_yes(values, JUNK_STYLE_ZOOM))
		unseen_set(element, UNSEEN_ALL, JUNK_STYLE_YES);
	else if ((element->tag->flags & JUNK_TAG_UNDISPLAYED) != 0 &&
		 values[JUNK_STYLE_DISPLAY] != JUNK_STYLE_UNSET)
		unseen_set(element, UNSEEN_ALL, JUNK_STYLE_NO);
	element_place(element, values);
}

static char *attr_value(const struct html_attr *attr)
{
	string_t *str = t_str_new(64);

	junk_html_decode_entities(str, attr->value,
				  I_MIN(attr->size, MAX_VALUE_BYTES), TRUE);
	return str_c_modifiable(str);
}

static uint32_t attr_color(const struct html_attr *attr)
{
	return junk_color_parse_legacy(str_lcase(attr_value(attr)));
}

/* Parse an SVG presentation attribute as CSS, such as fill or opacity. */
static void attr_drawn(struct junk_style *style, const struct html_attr *attr)
{
	const char *name = strcmp(attr->name, "fill-opacity") == 0 ?
		"opacity" : attr->name;

	junk_style_parse(style, t_strdup_noconst(
		t_strconcat(name, ":", attr_value(attr), NULL)));
}

/* Returns NULL for most attributes: they don't affect what is visible. */
static const struct attr_row *attr_find(const char *name)
{
	for (unsigned int i = 0; i < N_ELEMENTS(attr_rows); i++) {
		if (name[0] == attr_rows[i].name[0] &&
		    strcmp(name, attr_rows[i].name) == 0)
			return &attr_rows[i];
	}
	return NULL;
}

/* Add tokens for the text of the open link. It ends with its tag, or where the
   next link begins. */
static void html_link_end(struct html_state *state)
{
	const buffer_t *text = state->text;
	size_t start = I_MIN(state->link_start, text->used);

	if (!state->in_link)
		return;
	state->in_link = FALSE;
	junk_url_add_link_text(state->set, &state->link_host,
			       CONST_PTR_OFFSET(text->data, start),
			       I_MIN(text->used - start, MAX_LINK_BYTES));
}

static void
html_url(struct html_state *state, const struct html_element *element,
	 const void *url, size_t size)
{
	if (state->urls++ >= MAX_URLS)
		return;
	if (strcmp(element->name, "a") == 0) {
		state->in_link = junk_url_add_link(state->set, url, size,
						   &state->link_host);
		state->link_start = state->text->used;
	} else {
		junk_url_add(state->set, url, size);
	}
}

static void
html_urls(struct html_state *state, const struct html_element *element,
	  const char *urls)
{
	size_t size;

	while (*(urls += strspn(urls, " \t\r\n\f,")) != '\0') {
		size = strcspn(urls, " \t\r\n\f");
		html_url(state, element, urls, size);
		/* a comma inside of a URL is part of it */
		urls += size;
		if (urls[-1] != ',')
			urls += strcspn(urls, ",");
	}
}

static void
html_refresh(struct html_state *state, const struct html_element *element,
	     const char *content)
{
	content += strspn(content, " \t\r\n\f");
	if (strspn(content, "0123456789.") == 0)
		return;
	content += strspn(content, "0123456789.");
	content += strspn(content, " \t\r\n\f;,");
	if (strncasecmp(content, "url", 3) == 0 &&
	    content[3 + strspn(content + 3, " \t\r\n\f")] == '=')
		content = strchr(content, '=') + 1;
	content += strspn(content, " \t\r\n\f'\"");
	if (*content != '\0')
		html_url(state, element, content, strcspn(content, "'\""));
}

static void
attr_url(struct html_state *state, const struct html_element *element,
	 enum html_attr_kind kind, const struct html_attr *attr)
{
	string_t *value = t_str_new(128);

	junk_html_decode_entities(value, attr->value,
				  I_MIN(attr->size, MAX_URL_BYTES), TRUE);
	if (kind == ATTR_URL)
		html_url(state, element, str_data(value), str_len(value));
	else if (kind == ATTR_URLS)
		html_urls(state, element, str_c(value));
	else if (strcmp(element->name, "meta") == 0)
		html_refresh(state, element, str_c(value));
}

/* Returns TRUE in SVG or MathML, where all content is markup, as in XML. */
static bool html_in_foreign(struct html_state *state)
{
	if ((state->flags & JUNK_HTML_FOREIGN) != 0)
		return TRUE;
	for (unsigned int i = state->depth; i > 0; i--) {
		if ((state->stack[i].tag->flags & JUNK_TAG_FOREIGN) != 0)
			return TRUE;
	}
	return FALSE;
}

static void
element_attr(struct html_state *state, struct html_element *element,
	     struct junk_style *style, enum html_attr_kind kind,
	     const struct html_attr *attr)
{
	uint32_t color;

	switch (kind) {
	case ATTR_STYLE:
		junk_style_parse(style, attr_value(attr));
		break;
	case ATTR_COLOR:
		color = attr_color(attr);
		if (color != JUNK_COLOR_INVALID)
			element_set_color(element, color);
		break;
	case ATTR_BGCOLOR:
		color = attr_color(attr);
		if (color != JUNK_COLOR_INVALID)
			element_set_background(element, color);
		break;
	case ATTR_LINK:
		color = attr_color(attr);
		if (color != JUNK_COLOR_INVALID)
			element->link = color;
		break;
	case ATTR_SIZE:
		/* "+1" and "-1" are relative to the inherited size */
		if (attr->size > 0 && ascii_isdigit(*attr->value))
			unseen_set(element, UNSEEN_TINY, JUNK_STYLE_NO);
		break;
	case ATTR_ALIGN:
		element->align = strcasecmp(attr_value(attr), "right") == 0;
		break;
	case ATTR_DRAWN:
		if (html_in_foreign(state))
			attr_drawn(style, attr);
		break;
	case ATTR_HIDDEN:
		element->own |= OWN_HIDDEN;
		break;
	case ATTR_PICTURE:
		element_set_background(element, JUNK_COLOR_UNKNOWN);
		break;
	case ATTR_URL:
		if (strcmp(attr->name, "href") == 0)
			element->own |= OWN_LINK;
		/* fall through */
	case ATTR_URLS:
	case ATTR_REFRESH:
		attr_url(state, element, kind, attr);
		break;
	case ATTR_CLASS:
		if (state->sheet != NULL)
			junk_sheet_set_classes(&element->names,
					       attr_value(attr));
		break;
	case ATTR_ID:
		if (state->sheet != NULL)
			element->names.id =
				junk_sheet_hash(str_lcase(attr_value(attr)));
		break;
	case ATTR_DIR:
		element->rtl = strcasecmp(attr_value(attr), "rtl") == 0;
		element->own |= OWN_DIRECTION;
		break;
	case ATTR_LATER:
		break;
	}
}

static size_t
parse_name(struct html_state *state, char name[JUNK_TAG_NAME_BYTES])
{
	size_t len = 0;

	memset(name, 0, JUNK_TAG_NAME_BYTES);
	while (state->pos < state->end &&
	       *state->pos > ' ' && *state->pos != '/' &&
	       *state->pos != '>' && *state->pos != '=') {
		if (len < JUNK_TAG_NAME_BYTES - 1)
			name[len++] = ascii_tolower(*state->pos);
		state->pos++;
	}
	return len;
}

static void skip_space(struct html_state *state)
{
	while (state->pos < state->end && *state->pos <= ' ')
		state->pos++;
}

/* Parse the next attribute. Returns FALSE at the end of the tag, which is
   skipped. */
static bool parse_attr(struct html_state *state, struct html_attr *attr_r)
{
	const unsigned char *p;

	for (;;) {
		skip_space(state);
		if (state->pos == state->end)
			return FALSE;
		if (*state->pos == '>') {
			state->pos++;
			return FALSE;
		}
		if (parse_name(state, attr_r->name) > 0)
			break;
		state->pos++;
	}
	attr_r->value = state->pos;
	attr_r->size = 0;
	skip_space(state);
	if (state->pos == state->end || *state->pos != '=')
		return TRUE;
	state->pos++;
	skip_space(state);
	if (state->pos == state->end)
		return TRUE;
	if (*state->pos == '"' || *state->pos == '\'') {
		p = memchr(state->pos + 1, *state->pos,
			   state->end - state->pos - 1);
		if (p != NULL) {
			attr_r->value = state->pos + 1;
			attr_r->size = p - attr_r->value;
			state->pos = p + 1;
			return TRUE;
		}
		/* without its closing quote the value would hide everything
		   that follows */
		state->pos++;
	}
	attr_r->value = state->pos;
	while (state->pos < state->end && *state->pos > ' ' &&
	       *state->pos != '>')
		state->pos++;
	attr_r->size = state->pos - attr_r->value;
	return TRUE;
}

/* Go to the end tag of an element whose content isn't markup. */
static void html_skip_raw(struct html_state *state, const char *name)
{
	size_t len = strlen(name);
	const unsigned char *p = state->pos;

	while ((p = memchr(p, '<', state->end - p)) != NULL) {
		if ((size_t)(state->end - p) > len + 2 && p[1] == '/' &&
		    i_memcasecmp(p + 2, name, len) == 0 &&
		    (p[len + 2] <= ' ' || p[len + 2] == '/' ||
		     p[len + 2] == '>')) {
			state->pos = p;
			return;
		}
		p++;
	}
	/* without an end tag the element extends to the end, as in browsers */
	state->pos = state->end;
}

static void html_raw(struct html_state *state, const struct junk_html_tag *tag)
{
	const unsigned char *start = state->pos;

	html_skip_raw(state, tag->name);
	if ((tag->flags & JUNK_TAG_HIDES) == 0 ||
	    ((tag->flags & JUNK_TAG_UNDISPLAYED) != 0 &&
	     html_top(state)->unseen == 0))
		html_text(state, start, state->pos - start);
	else if ((state->flags & JUNK_HTML_FILE) != 0 &&
		 strcmp(tag->name, "script") == 0)
		script_tokens(state, start, state->pos - start);
}

/* A style sheet that isn't understood may set any background: treat all
   backgrounds as unknown, so that no text counts as hidden by its colour. */
static void html_forget_background(struct html_state *state)
{
	for (unsigned int i = 0; i <= state->depth; i++) {
		if (state->stack[i].color == JUNK_COLOR_TRANSPARENT)
			continue;
		state->stack[i].background = JUNK_COLOR_UNKNOWN;
		state->stack[i].unseen &= ~UNSEEN_COLOR;
	}
}

static bool
attr_is_any(const struct html_attr *attr, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (attr->size == strlen(*words) &&
		    i_memcasecmp(attr->value, *words, attr->size) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Add the content of a style element. Its rules apply to the whole page: if
   some of it was already read, the page is read a second time. */
static void
html_style_sheet(struct html_state *state, const struct html_tag_values *values)
{
	static const char *const css_types[] = { "text/css", NULL };
	static const char template[JUNK_TAG_NAME_BYTES] = "template";
	const struct html_attr *media = &values->attrs[VALUE_MEDIA];
	const unsigned char *start = state->pos, *end;
	bool holds = TRUE;

	if (html_in_foreign(state)) {
		/* in foreign content, a style element's content is markup */
		end = memchr(start, '<', state->end - start);
		if (end == NULL)
			end = state->end;
	} else {
		html_skip_raw(state, "style");
		end = state->pos;
	}
	if (values->seen[VALUE_MEDIA]) T_BEGIN {
		holds = junk_sheet_media(attr_value(media));
	} T_END;
	if (values->seen[VALUE_TYPE] && values->attrs[VALUE_TYPE].size > 0 &&
	    !attr_is_any(&values->attrs[VALUE_TYPE], css_types))
		holds = FALSE;
	if (html_find(state, template, 0) > 0)
		holds = FALSE;
	if (state->sheet == NULL) {
		if (*state->styles < JUNK_STYLES_SHEET)
			return;
		*state->styles -= JUNK_STYLES_SHEET;
	}
	if (!state->again && holds &&
	    junk_sheet_add(&state->sheet, start, end - start) &&
	    (junk_sheet_is_of_page(state->sheet) ||
	     state->text->used > state->text_start ||
	     state->hidden_bytes > 0 || state->depth > 0 ||
	     (state->stack[0].tag->flags & JUNK_TAG_PAGE) != 0))
		state->sheet_late = TRUE;
	if (junk_sheet_is_unknown(state->sheet))
		html_forget_background(state);
}

/* Returns flags of elements that an end tag can't end from inside. */
static unsigned int end_within(const struct junk_html_tag *tag)
{
	if ((tag->flags & (JUNK_TAG_TABLE | JUNK_TAG_PART)) != 0)
		return JUNK_TAG_TABLE;
	/* everything that is open inside these elements ends with them */
	if ((tag->flags & JUNK_TAG_HIDES) != 0)
		return 0;
	if ((tag->flags & JUNK_TAG_SCOPE) != 0)
		return JUNK_TAG_SCOPE;
	if ((tag->flags & (JUNK_TAG_FORMAT | JUNK_TAG_BREAKS)) != 0)
		return junk_html_tag_group(tag)->within | JUNK_TAG_SCOPE;
	return JUNK_TAG_BREAKS | JUNK_TAG_SCOPE;
}

static void html_close_tag(struct html_state *state)
{
	const struct junk_html_tag *tag;
	struct html_attr attr;
	char name[JUNK_TAG_NAME_BYTES];
	unsigned int at;
	bool breaks;

	parse_name(state, name);
	while (parse_attr(state, &attr)) ;

	if (name_is_link(name))
		html_link_end(state);
	tag = junk_html_tag_find(name);
	breaks = (tag->flags & JUNK_TAG_BREAKS) != 0;
	at = html_find(state, name, end_within(tag));
	if (at > 0) {
		breaks = state->stack[at].breaks;
		html_end(state, at);
	}
	if (breaks)
		html_break(state);
}

/* End elements whose end tag is optional (HTML, "implied end tags") before a
   new tag. */
static void
html_end_implied(struct html_state *state, const struct junk_html_tag *tag)
{
	const struct junk_html_group *group = junk_html_tag_group(tag);
	const struct junk_html_tag *open;
	unsigned int at = 0;

	if (group->ends == 0)
		return;
	/* the groups of open elements tell at once whether any of them ends,
	   which is rare */
	for (unsigned int i = state->depth; i > 0 &&
	     (group->ends & state->stack[i].groups) != 0; i--) {
		open = state->stack[i].tag;
		if ((group->ends & (1U << open->group)) != 0)
			at = i;
		if ((open->flags & group->within) != 0)
			break;
	}
	if (at > 0)
		html_end(state, at);
	if ((tag->flags & JUNK_TAG_PART) != 0) {
		/* a cell isn't inside of what stood between cells */
		while (!element_is_between_cells(html_top(state)))
			state->depth--;
	}
}

/* Returns TRUE if browsers ignore the tag at this place. */
static bool
html_ignores(struct html_state *state, const struct junk_html_tag *tag)
{
	static const char table[JUNK_TAG_NAME_BYTES] = "table";
	static const char form[JUNK_TAG_NAME_BYTES] = "form";

	if ((tag->flags & JUNK_TAG_PART) != 0)
		return html_find(state, table, JUNK_TAG_TABLE) == 0;
	return names_equal(tag->name, form) &&
		(html_find(state, form, 0) > 0 ||
		 element_is_between_cells(html_top(state)));
}

/* Add a token for an event attribute ("onload") of a file. */
static void attr_event(struct html_state *state, const char *name)
{
	if ((state->flags & JUNK_HTML_FILE) != 0 && name[0] == 'o' &&
	    name[1] == 'n')
		junk_token_set_add_str(state->set, JUNK_TOKEN_HTML, name);
}

/* Evaluating a style takes as long as reading many bytes of text. So the number
   of styles in a message is limited to that of normal pages; beyond it, only
   text and links are read. */
static bool html_use_styles(const struct html_state *state)
{
	return *state->styles > 0;
}

static bool attr_is_style(enum html_attr_kind kind)
{
	return kind != ATTR_URL && kind != ATTR_URLS && kind != ATTR_REFRESH &&
		kind != ATTR_PICTURE && kind != ATTR_LATER;
}

/* Read the attributes of a tag. */
static void
html_attrs(struct html_state *state, struct html_element *element,
	   struct html_tag_values *values)
{
	const struct attr_row *row;
	struct junk_style style, rules;
	struct html_attr attr;
	uint64_t seen = 0, bit;
	bool styled = state->sheet != NULL;
	const bool use_styles = html_use_styles(state);

	while (parse_attr(state, &attr)) {
		row = attr_find(attr.name);
		if (row == NULL) {
			attr_event(state, attr.name);
			continue;
		}
		/* as in browsers, the first attribute of a name counts */
		bit = UINT64_C(1) << (row - attr_rows);
		if ((seen & bit) != 0 ||
		    (row->tags != 0 && (row->tags & element->tag->flags) == 0) ||
		    (!use_styles && attr_is_style(row->kind)))
			continue;
		if (seen == 0) {
			junk_style_init(&style);
			styled = TRUE;
		}
		seen |= bit;
		if (row->kind == ATTR_LATER) {
			values->attrs[row->later] = attr;
			values->seen[row->later] = TRUE;
			continue;
		}
		T_BEGIN {
			element_attr(state, element, &style, row->kind, &attr);
		} T_END;
	}
	if (!use_styles)
		return;
	if (styled)
		(*state->styles)--;
	if (state->sheet != NULL) {
		if (seen == 0)
			junk_style_init(&style);
		junk_style_init(&rules);
		junk_sheet_style(state->sheet, &element->names,
				 &state->stack[0].names,
				 sizeof(struct html_element), state->depth + 1,
				 junk_sheet_has_siblings(state->sheet) ?
				 &html_top(state)->children : NULL, &rules);
		junk_style_merge(&rules, &style);
		element_style(element, &rules);
		if (junk_sheet_is_unknown(state->sheet) &&
		    (element->names.id != 0 || element->names.classes[0] != 0))
			element_set_background(element, JUNK_COLOR_UNKNOWN);
		element_compare_colors(element);
	} else if (styled) {
		element_style(element, &style);
		element_compare_colors(element);
	} else if ((element->own & (OWN_COLOR | OWN_BACKGROUND)) != 0) {
		element_compare_colors(element);
	}
}

/* Append an attribute's value that is shown in place of the element. */
static void
html_show_value(struct html_state *state, const struct html_element *element,
		const struct html_attr *attr)
{
	bool letter = attr->size <= MAX_LETTER_BYTES;

	if (element->unseen != 0) {
		html_hidden(state, attr->value, attr->size);
		return;
	}
	if (state->turned != element->turned)
		html_turn(state, element->turned);
	if (!letter)
		buffer_append_c(state->text, ' ');
	junk_html_decode_entities(state->text, attr->value, attr->size, TRUE);
	if (!letter)
		buffer_append_c(state->text, ' ');
}

/* Pictures of at most one pixel don't show their alt text. */
static bool attr_is_dot(const struct html_attr *attr)
{
	return attr->size > 0 && (attr->value[0] == '0' ||
		(attr->value[0] == '1' &&
		 (attr->size == 1 || !ascii_isdigit(attr->value[1]))));
}

/* Append the text that is shown for an element without content: a picture's alt
   text, which is visible where pictures aren't loaded, and the values and
   labels of form controls. */
static void
html_show_values(struct html_state *state, const struct html_element *element,
		 const struct html_tag_values *values)
{
	static const char *const textless[] = {
		"hidden", "checkbox", "radio", "file", "color", "range",
		"password", NULL
	};
	bool is_input = strcmp(element->tag->name, "input") == 0;
	/* without alt text, browsers show the title */
	const struct html_attr *alt;

	if (is_input && values->seen[VALUE_TYPE] &&
	    attr_is_any(&values->attrs[VALUE_TYPE], textless))
		return;
	alt = values->seen[VALUE_ALT] ? &values->attrs[VALUE_ALT] :
		!is_input && values->seen[VALUE_TITLE] &&
		(element->tag->flags & JUNK_TAG_EMPTY) != 0 ?
		&values->attrs[VALUE_TITLE] : NULL;
	if (alt != NULL &&
	    !(values->seen[VALUE_WIDTH] &&
	      attr_is_dot(&values->attrs[VALUE_WIDTH])) &&
	    !(values->seen[VALUE_HEIGHT] &&
	      attr_is_dot(&values->attrs[VALUE_HEIGHT])))
		html_show_value(state, element, alt);
	if (values->seen[VALUE_LABEL])
		html_show_value(state, element, &values->attrs[VALUE_LABEL]);
	if (is_input && values->seen[VALUE_VALUE] &&
	    values->attrs[VALUE_VALUE].size > 0)
		html_show_value(state, element, &values->attrs[VALUE_VALUE]);
	else if (values->seen[VALUE_PLACEHOLDER])
		html_show_value(state, element,
				&values->attrs[VALUE_PLACEHOLDER]);
}

/* Push an element whose tag was read up to its end. */
static void
html_push(struct html_state *state, const struct html_element *element)
{
	/* deeper elements replace the last one */
	if (state->depth + 1 == MAX_DEPTH)
		state->depth--;
	html_stack(state, element);
	/* "<path/>" ends an element in XML; in HTML the slash has no meaning */
	if (state->pos[-2] == '/' && html_in_foreign(state))
		state->depth--;
}

static void
html_count_tag(struct html_state *state, const struct junk_html_tag *tag)
{
	static const char image[JUNK_TAG_NAME_BYTES] = "img";

	state->tags++;
	if (tag->name[0] == '\0')
		state->unknown++;
	else if (names_equal(tag->name, image))
		state->images++;
}

/* Initialise an element as it is without attributes. */
static void
element_init(struct html_element *element, const struct html_element *parent,
	     const char *name, const struct junk_html_tag *tag)
{
	/* the fields from names on aren't inherited */
	memcpy(element, parent, offsetof(struct html_element, names));
	memcpy(element->name, name, sizeof(element->name));
	element->tag = tag;
	element->own = 0;
	element->breaks = (tag->flags & JUNK_TAG_BREAKS) != 0;
	if ((tag->flags & JUNK_TAG_HIDES) != 0)
		unseen_set(element, UNSEEN_ALL, JUNK_STYLE_YES);
	i_zero(&element->names);
	if ((tag->flags & JUNK_TAG_MARK) != 0) {
		element_set_color(element, 0x000000);
		element_set_background(element, 0xffff00);
	}
	if ((tag->flags & JUNK_TAG_CONTROL) != 0) {
		unseen_set(element, UNSEEN_TINY, JUNK_STYLE_NO);
		element_set_color(element, JUNK_COLOR_UNKNOWN);
		element_set_background(element, JUNK_COLOR_UNKNOWN);
	}
}

/* Apply what depends on the whole tag. */
static void
element_finish(struct html_element *element,
	       const struct html_tag_values *values)
{
	if ((element->tag->flags & JUNK_TAG_OPENS) != 0 &&
	    !values->seen[VALUE_OPEN]) {
		/* closed details inside closed ones don't show their summary
		   either */
		if ((element->tag->flags & JUNK_TAG_SUMMED) != 0 &&
		    (element->unseen & UNSEEN_CLOSED) == 0)
			unseen_set(element, UNSEEN_CLOSED, JUNK_STYLE_YES);
		else
			unseen_set(element, UNSEEN_ALL, JUNK_STYLE_YES);
	}
	if (element->breaks) {
		element->unseen &= ~UNSEEN_INDENT;
		if (element->indent)
			element->unseen |= UNSEEN_INDENT;
	}
}

/* Apply SVG and MathML rules: of a picture only text elements are visible, and
   not all of those. */
static void element_drawn(struct html_state *state, struct html_element *element)
{
	unsigned int flags = element->tag->flags;

	if ((flags & JUNK_TAG_PICTURE) != 0)
		unseen_set(element, UNSEEN_DRAWN, JUNK_STYLE_YES);
	else if (!html_in_foreign(state))
		return;
	else if ((flags & JUNK_TAG_DRAWN_TEXT) != 0)
		unseen_set(element, UNSEEN_DRAWN, JUNK_STYLE_NO);
	else
		unseen_set(element, UNSEEN_ALL, JUNK_STYLE_YES);
}

/* The first summary of closed details is their only visible part. */
static void
element_summary(struct html_element *details, struct html_element *element)
{
	if ((details->tag->flags & JUNK_TAG_SUMMED) == 0 ||
	    (details->own & OWN_SUMMARY) != 0)
		return;
	details->own |= OWN_SUMMARY;
	if ((details->own & UNSEEN_CLOSED) != 0)
		unseen_set(element, UNSEEN_CLOSED, JUNK_STYLE_NO);
}

static const struct html_element *
html_parent_of(struct html_state *state, const struct junk_html_tag *tag)
{
	if ((tag->flags & JUNK_TAG_PAGE) != 0)
		return &state->stack[0];
	return (tag->flags & JUNK_TAG_PART) != 0 ?
		html_top(state) : html_parent(state);
}

bool junk_sheet_find_attr(const unsigned char *attrs, size_t size,
			  const char *name, const unsigned char **value_r,
			  size_t *size_r)
{
	char wanted[JUNK_TAG_NAME_BYTES] = "";
	struct html_state state;
	struct html_attr attr;

	(void)i_strocpy(wanted, name, sizeof(wanted));
	state.pos = attrs;
	state.end = attrs + size;
	while (parse_attr(&state, &attr)) {
		if (strcmp(attr.name, wanted) == 0) {
			*value_r = attr.value;
			*size_r = attr.size;
			return TRUE;
		}
	}
	return FALSE;
}

/* Set the names that selectors match. The element's attributes come next. */
static void
html_names(struct html_state *state, struct html_element *element,
	   const char *name)
{
	size_t size = I_MIN(state->end - state->pos, MAX_ATTRS_BYTES);
	const unsigned char *end = memchr(state->pos, '>', size);

	element->names.tag = junk_sheet_hash(name);
	element->names.idx = html_top(state)->children.count + 1;
	element->names.attrs = state->pos;
	element->names.attrs_size = end == NULL ? size :
		(size_t)(end - state->pos);
}

static void html_open_tag(struct html_state *state)
{
	struct html_tag_values values;
	struct html_element element;
	const struct junk_html_tag *tag;
	char name[JUNK_TAG_NAME_BYTES];
	bool ignored;

	parse_name(state, name);
	tag = junk_html_tag_find(name);
	html_count_tag(state, tag);
	if (name_is_link(name))
		html_link_end(state);
	ignored = html_ignores(state, tag);
	if (!ignored)
		html_end_implied(state, tag);
	element_init(&element, html_parent_of(state, tag), name, tag);
	if ((tag->flags & JUNK_TAG_TABLE) != 0 && !state->doctype) {
		/* HTML, 15.3.8: in quirks mode, a table doesn't inherit
		   these */
		unseen_set(&element, UNSEEN_TINY, JUNK_STYLE_NO);
		element_set_color(&element, state->stack[0].color);
		element_compare_colors(&element);
	}
	if ((tag->flags & JUNK_TAG_DRAWING) != 0)
		element_drawn(state, &element);
	if ((tag->flags & JUNK_TAG_SUMMARY) != 0)
		element_summary(html_top(state), &element);
	if (state->sheet != NULL && html_use_styles(state))
		html_names(state, &element, name);
	memset(values.seen, 0, sizeof(values.seen));
	values.attrs[VALUE_VALUE].size = values.attrs[VALUE_TYPE].size = 0;
	html_attrs(state, &element, &values);
	if (junk_sheet_has_siblings(state->sheet) && !ignored)
		junk_sheet_add_sibling(&html_top(state)->children,
				       &element.names);
	if ((tag->flags & TAG_HAS_VALUES) != 0 || element.indent ||
	    (element.unseen & UNSEEN_INDENT) != 0)
		element_finish(&element, &values);

	if (element.breaks)
		html_break(state);
	if ((tag->flags & JUNK_TAG_EMPTY) != 0 && element.breaks)
		html_end_line(state);
	if ((tag->flags & JUNK_TAG_SHOWS) != 0)
		html_show_values(state, &element, &values);
	if ((tag->flags & (JUNK_TAG_PAGE | JUNK_TAG_BODY)) == JUNK_TAG_PAGE)
		/* most mail clients drop the html tag */
		element.unseen &= ~UNSEEN_ALL;
	if ((tag->flags & JUNK_TAG_PAGE) != 0)
		html_set_body(state, &element);
	else if (!ignored && (tag->flags & JUNK_TAG_EMPTY) == 0)
		html_push(state, &element);
	if ((tag->flags & JUNK_TAG_STYLE) != 0)
		html_style_sheet(state, &values);
	else if ((tag->flags & JUNK_TAG_RAW) != 0 && !html_in_foreign(state))
		html_raw(state, tag);
}

/* Returns TRUE if the ">" at p ends a comment: "-->" or "--!>"; "<!-->" is a
   comment, too. */
static bool comment_ends(const unsigned char *start, const unsigned char *p)
{
	if (p[-1] == '!' && p - start >= 6)
		p--;
	return p[-1] == '-' && p[-2] == '-';
}

/* Skip a comment. Returns FALSE if it has no end. */
static bool comment_skip(struct html_state *state)
{
	const unsigned char *start = state->pos, *p = start + 3;

	/* search only once, since otherwise each "<!--" would scan all the
	   rest */
	if (state->no_comment_end)
		return FALSE;
	while ((p = memchr(p, '>', state->end - p)) != NULL) {
		if (comment_ends(start, p)) {
			state->pos = p + 1;
			return TRUE;
		}
		p++;
	}
	state->no_comment_end = TRUE;
	return FALSE;
}

/* Append a CDATA section (XML): text up to "]]>", without entities. */
static void html_cdata(struct html_state *state, const unsigned char *start)
{
	const unsigned char *end = memmem(start, state->end - start, "]]>", 3);

	state->pos = end == NULL ? state->end : end + 3;
	if (end == NULL)
		end = state->end;
	html_text(state, start, end - start);
}

/* Skip "<!-- ... -->", "<!doctype ...>" or "<?...>". */
static void html_skip_comment(struct html_state *state)
{
	const unsigned char *p = state->pos;

	if (state->end - p >= 3 && memcmp(p, "!--", 3) == 0) {
		state->comments++;
		if (comment_skip(state))
			return;
	}
	if (state->end - p >= 8 && memcmp(p, "![CDATA[", 8) == 0 &&
	    html_in_foreign(state)) {
		html_cdata(state, p + 8);
		return;
	}
	if (state->end - p >= 8 && i_memcasecmp(p, "!doctype", 8) == 0)
		state->doctype = TRUE;
	p = memchr(p, '>', state->end - p);
	state->pos = p == NULL ? state->end : p + 1;
}

static void html_run(struct html_state *state)
{
	const unsigned char *p;

	while (state->pos < state->end &&
	       state->text->used - state->text_start < JUNK_MAX_TEXT_BYTES) {
		p = memchr(state->pos, '<', state->end - state->pos);
		if (p == NULL)
			p = state->end;
		if (p > state->pos)
			html_text(state, state->pos, p - state->pos);
		state->pos = p;
		if (state->end - p < 2) {
			state->pos = state->end;
			break;
		}
		state->pos++;
		if (ascii_isalpha(*state->pos)) {
			html_open_tag(state);
		} else if (*state->pos == '/') {
			state->pos++;
			html_close_tag(state);
		} else if (*state->pos == '!' || *state->pos == '?') {
			html_skip_comment(state);
		} else {
			html_text(state, p, 1);
		}
	}
}

/* Apply rules for html and body, whose tags are optional. */
static void html_style_page(struct html_state *state)
{
	static const char *const names[] = { "html", "body" };
	struct html_element *page = &state->stack[0];
	struct junk_style rules;

	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		page->names.tag = junk_sheet_hash(names[i]);
		if (state->sheet == NULL)
			continue;
		junk_style_init(&rules);
		junk_sheet_style(state->sheet, &page->names, &page->names,
				 sizeof(*page), 0, NULL, &rules);
		element_style(page, &rules);
		/* clients that drop this rule show everything */
		page->unseen &= ~UNSEEN_ALL;
		element_compare_colors(page);
	}
}

static void
html_read(struct html_state *state, const unsigned char *html, size_t size)
{
	state->pos = html;
	state->end = html + size;
	state->depth = 0;
	state->link_start = 0;
	state->no_comment_end = state->turned = state->in_link =
		state->doctype = FALSE;
	state->tags = state->urls = state->images = state->comments =
		state->hidden_bytes = state->unknown = 0;
	i_zero(&state->stack[0]);
	state->stack[0].tag = junk_html_tag_find(state->stack[0].name);
	state->stack[0].background = 0xffffff;
	state->stack[0].shadow = state->stack[0].stroke =
		JUNK_COLOR_TRANSPARENT;
	state->stack[0].link = 0x0000ee;
	state->stack[0].opacity = 1;
	html_style_page(state);
	if (junk_sheet_is_unknown(state->sheet))
		html_forget_background(state);
	html_run(state);
	html_turn(state, FALSE);
	html_link_end(state);
}

void junk_html_add(struct junk_token_set *set, const unsigned char *html,
		   size_t size, enum junk_html_flags flags,
		   unsigned int *styles, buffer_t *text)
{
	const unsigned int styles_before = *styles;
	struct html_state state;

	/* without i_zero(), since the stack is large */
	state.set = set;
	state.text = text;
	state.text_start = text->used;
	state.flags = flags;
	state.styles = styles;
	state.sheet = NULL;
	state.again = state.sheet_late = FALSE;
	html_read(&state, html, size);
	/* pages within the limit are read twice */
	if (state.sheet_late && state.tags <= JUNK_MAX_STYLES) {
		*styles = styles_before;
		buffer_set_used_size(text, state.text_start);
		state.again = TRUE;
		html_read(&state, html, size);
	}
	junk_sheet_free(&state.sheet);

	junk_token_set_add_log2(set, JUNK_TOKEN_HTML, "tags:", state.tags);
	junk_token_set_add_log2(set, JUNK_TOKEN_HTML, "urls:", state.urls);
	junk_token_set_add_log2(set, JUNK_TOKEN_HTML, "images:", state.images);
	if (state.comments > 0)
		junk_token_set_add_log2(set, JUNK_TOKEN_HTML, "comments:",
					state.comments);
	if (state.unknown > 0)
		junk_token_set_add_log2(set, JUNK_TOKEN_HTML, "unknown:",
					state.unknown);
	if (state.hidden_bytes > 0)
		junk_token_set_add_log2(set, JUNK_TOKEN_INVISIBLE, "html:",
					state.hidden_bytes);
}

/* Find an attribute in a tag. Returns a pointer behind its "=", or NULL. */
static const unsigned char *
tag_charset(const unsigned char *data, const unsigned char *end,
	    const char *name)
{
	const size_t len = strlen(name);

	for (; (size_t)(end - data) > len; data++) {
		if (i_memcasecmp(data, name, len) != 0)
			continue;
		for (data += len; data < end && *data <= ' '; )
			data++;
		if (data < end && *data == '=')
			return data + 1;
	}
	return NULL;
}

void junk_html_charset(const unsigned char *html, size_t size,
		       char *dest, size_t dest_size)
{
	const unsigned char *p = html, *end = html + size, *tag_end, *value;
	bool xml;
	size_t len = 0;

	while ((p = memchr(p, '<', end - p)) != NULL) {
		if (end - p > 4 && memcmp(p, "<!--", 4) == 0) {
			tag_end = memmem(p + 4, end - p - 4, "-->", 3);
			if (tag_end == NULL)
				return;
			p = tag_end;
			continue;
		}
		tag_end = memchr(p, '>', end - p);
		if (tag_end == NULL)
			return;
		xml = tag_end - p > 5 && memcmp(p, "<?xml", 5) == 0;
		value = NULL;
		if (xml || (tag_end - p > 5 &&
			    i_memcasecmp(p, "<meta", 5) == 0))
			value = tag_charset(p, tag_end,
					    xml ? "encoding" : "charset");
		if (value != NULL) {
			while (value < tag_end && (*value <= ' ' ||
			       *value == '"' || *value == '\''))
				value++;
			while (value + len < tag_end && value[len] > ' ' &&
			       strchr("\"';/>", value[len]) == NULL)
				len++;
			/* the declaration was read as bytes, so the page isn't
			   UTF-16 */
			if (len > 0 && len < dest_size &&
			    i_memcasecmp(value, "utf-16",
					 I_MIN(len, 6)) != 0) {
				memcpy(dest, value, len);
				dest[len] = '\0';
			}
			return;
		}
		p = tag_end;
	}
}

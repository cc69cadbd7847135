/* See junk-html-tags.h. The table follows the HTML standard (whatwg.org). */

#include "lib.h"
#include "junk-name.h"
#include "junk-html-tags.h"

/* Short names that keep the tables readable. */
enum {
	TAG_BREAKS = JUNK_TAG_BREAKS,
	TAG_EMPTY = JUNK_TAG_EMPTY,
	TAG_RAW = JUNK_TAG_RAW,
	TAG_FORMAT = JUNK_TAG_FORMAT,
	TAG_SCOPE = JUNK_TAG_SCOPE,
	TAG_LIST = JUNK_TAG_LIST,
	TAG_TABLE = JUNK_TAG_TABLE,
	TAG_PART = JUNK_TAG_PART,
	TAG_HIDES = JUNK_TAG_HIDES,
	TAG_FOREIGN = JUNK_TAG_FOREIGN,
	TAG_CONTROL = JUNK_TAG_CONTROL,
	TAG_BODY = JUNK_TAG_BODY,
	TAG_FONT = JUNK_TAG_FONT,
	TAG_SHOWS = JUNK_TAG_SHOWS,
	TAG_STYLE = JUNK_TAG_STYLE,
	TAG_OPENS = JUNK_TAG_OPENS,
	TAG_SUMMED = JUNK_TAG_SUMMED,
	TAG_SUMMARY = JUNK_TAG_SUMMARY,
	TAG_MARK = JUNK_TAG_MARK,
	TAG_DRAWING = JUNK_TAG_DRAWING,
	TAG_DRAWN_TEXT = JUNK_TAG_DRAWN_TEXT,
	TAG_PICTURE = JUNK_TAG_PICTURE,
	TAG_UNDISPLAYED = JUNK_TAG_UNDISPLAYED,
	TAG_PAGE = JUNK_TAG_PAGE,
};

enum html_group {
	GROUP_NONE,
	GROUP_BLOCK,
	GROUP_P,
	GROUP_HEADING,
	GROUP_LI,
	GROUP_DT,
	GROUP_OPTION,
	GROUP_A,
	GROUP_NOBR,
	GROUP_BUTTON,
	GROUP_CELL,
	GROUP_ROW,
	GROUP_ROWS,
	GROUP_FOREIGN,
	GROUP_COLS,
};
#define GROUP(name) (1U << GROUP_##name)

#define BLOCK_ENDS (GROUP(P) | GROUP(FOREIGN))
#define ROWS_END (GROUP(CELL) | GROUP(ROW) | GROUP(ROWS) | GROUP(COLS))

static const struct junk_html_group html_groups[] = {
	[GROUP_NONE] = { 0, 0 },
	[GROUP_BLOCK] = { BLOCK_ENDS, TAG_SCOPE },
	[GROUP_P] = { BLOCK_ENDS, TAG_SCOPE },
	[GROUP_HEADING] = { BLOCK_ENDS | GROUP(HEADING), TAG_SCOPE },
	[GROUP_LI] = { BLOCK_ENDS | GROUP(LI), TAG_SCOPE | TAG_LIST },
	[GROUP_DT] = { BLOCK_ENDS | GROUP(DT), TAG_SCOPE | TAG_LIST },
	[GROUP_OPTION] = { GROUP(OPTION), TAG_SCOPE },
	[GROUP_A] = { GROUP(A), TAG_SCOPE },
	[GROUP_NOBR] = { GROUP(NOBR), TAG_SCOPE },
	[GROUP_BUTTON] = { GROUP(BUTTON), TAG_SCOPE },
	[GROUP_CELL] = { GROUP(CELL), TAG_TABLE },
	[GROUP_ROW] = { GROUP(CELL) | GROUP(ROW) | GROUP(COLS), TAG_TABLE },
	[GROUP_ROWS] = { ROWS_END, TAG_TABLE },
	[GROUP_FOREIGN] = { 0, 0 },
	[GROUP_COLS] = { ROWS_END, TAG_TABLE },
};

#define INLINE 0, GROUP_NONE
#define FORMAT TAG_FORMAT, GROUP_NONE
#define EMPTY TAG_EMPTY, GROUP_NONE
#define SHOWN TAG_EMPTY | TAG_SHOWS, GROUP_NONE
#define HIDDEN TAG_HIDES, GROUP_NONE
#define HIDDEN_RAW TAG_HIDES | TAG_RAW, GROUP_NONE
#define UNDISPLAYED TAG_HIDES | TAG_UNDISPLAYED, GROUP_NONE
#define UNDISPLAYED_RAW TAG_HIDES | TAG_RAW | TAG_UNDISPLAYED, GROUP_NONE
#define BLOCK TAG_BREAKS, GROUP_BLOCK
/* Elements that hide or show their text in SVG and MathML. */
#define UNDRAWN TAG_DRAWING, GROUP_NONE
#define DRAWN TAG_DRAWING | TAG_DRAWN_TEXT, GROUP_NONE

/* In the order of strcmp(), for the binary search. */
static const struct junk_html_tag html_tags[] = {
	{ "a", TAG_FORMAT, GROUP_A }, { "abbr", INLINE }, { "acronym", INLINE },
	{ "address", BLOCK }, { "annotation", UNDRAWN },
	{ "annotation-xml", UNDRAWN }, { "applet", TAG_SCOPE, GROUP_NONE },
	{ "area", EMPTY }, { "article", BLOCK }, { "aside", BLOCK },
	{ "audio", HIDDEN }, { "b", FORMAT }, { "base", EMPTY },
	{ "basefont", EMPTY }, { "bgsound", EMPTY }, { "big", FORMAT },
	{ "blockquote", BLOCK }, { "body", TAG_BREAKS | TAG_BODY | TAG_PAGE, GROUP_NONE },
	{ "br", TAG_BREAKS | TAG_EMPTY, GROUP_NONE },
	{ "button", TAG_BREAKS | TAG_SCOPE | TAG_CONTROL, GROUP_BUTTON },
	{ "canvas", INLINE },
	{ "caption", TAG_BREAKS | TAG_SCOPE | TAG_PART, GROUP_CELL },
	{ "center", BLOCK }, { "cite", INLINE }, { "clippath", UNDRAWN },
	{ "code", FORMAT }, { "col", EMPTY },
	{ "colgroup", TAG_BREAKS | TAG_PART, GROUP_COLS },
	{ "datalist", UNDISPLAYED }, { "dd", TAG_BREAKS, GROUP_DT },
	{ "defs", UNDRAWN }, { "del", INLINE }, { "desc", UNDRAWN },
	{ "details", TAG_BREAKS | TAG_OPENS | TAG_SUMMED, GROUP_BLOCK },
	{ "dfn", INLINE }, { "dialog", TAG_BREAKS | TAG_OPENS, GROUP_BLOCK },
	{ "dir", TAG_BREAKS | TAG_LIST, GROUP_BLOCK }, { "div", BLOCK },
	{ "dl", TAG_BREAKS | TAG_LIST, GROUP_BLOCK },
	{ "dt", TAG_BREAKS, GROUP_DT }, { "em", FORMAT }, { "embed", EMPTY },
	{ "fieldset", BLOCK }, { "figcaption", BLOCK }, { "figure", BLOCK },
	{ "font", TAG_FORMAT | TAG_FONT, GROUP_NONE }, { "footer", BLOCK },
	{ "foreignobject", TAG_SCOPE | TAG_DRAWING | TAG_DRAWN_TEXT, GROUP_NONE },
	{ "form", BLOCK }, { "frame", EMPTY },
	{ "h1", TAG_BREAKS, GROUP_HEADING },
	{ "h2", TAG_BREAKS, GROUP_HEADING },
	{ "h3", TAG_BREAKS, GROUP_HEADING },
	{ "h4", TAG_BREAKS, GROUP_HEADING },
	{ "h5", TAG_BREAKS, GROUP_HEADING },
	{ "h6", TAG_BREAKS, GROUP_HEADING },
	{ "head", TAG_BREAKS | TAG_EMPTY, GROUP_NONE }, { "header", BLOCK },
	{ "hgroup", BLOCK }, { "hr", TAG_BREAKS | TAG_EMPTY, GROUP_BLOCK },
	{ "html", TAG_BREAKS | TAG_PAGE, GROUP_NONE }, { "i", FORMAT },
	{ "iframe", TAG_BREAKS | TAG_HIDES | TAG_RAW, GROUP_NONE },
	{ "image", SHOWN }, { "img", SHOWN }, { "input", SHOWN },
	{ "ins", INLINE }, { "kbd", INLINE }, { "keygen", EMPTY },
	{ "label", INLINE }, { "legend", TAG_BREAKS, GROUP_NONE },
	{ "li", TAG_BREAKS, GROUP_LI }, { "link", EMPTY }, { "listing", BLOCK },
	{ "main", BLOCK }, { "map", INLINE }, { "mark", TAG_MARK, GROUP_NONE },
	{ "marker", UNDRAWN },
	{ "marquee", TAG_BREAKS | TAG_SCOPE, GROUP_NONE }, { "mask", UNDRAWN },
	{ "math", TAG_FOREIGN, GROUP_FOREIGN },
	{ "menu", TAG_BREAKS | TAG_LIST, GROUP_BLOCK }, { "meta", EMPTY },
	{ "metadata", UNDRAWN }, { "meter", HIDDEN },
	{ "nav", BLOCK }, { "nobr", TAG_FORMAT, GROUP_NOBR },
	{ "noembed", UNDISPLAYED_RAW }, { "noframes", UNDISPLAYED_RAW },
	{ "noscript", INLINE }, { "object", TAG_SCOPE, GROUP_NONE },
	{ "ol", TAG_BREAKS | TAG_LIST, GROUP_BLOCK },
	{ "optgroup", TAG_BREAKS | TAG_SHOWS, GROUP_OPTION },
	{ "option", TAG_BREAKS | TAG_SHOWS, GROUP_OPTION },
	{ "p", TAG_BREAKS, GROUP_P }, { "param", EMPTY },
	{ "pattern", UNDRAWN }, { "picture", INLINE },
	{ "plaintext", TAG_BREAKS | TAG_RAW, GROUP_BLOCK }, { "pre", BLOCK },
	{ "progress", HIDDEN }, { "q", INLINE }, { "rp", UNDISPLAYED },
	{ "s", FORMAT }, { "samp", INLINE }, { "script", UNDISPLAYED_RAW },
	{ "search", BLOCK }, { "section", BLOCK },
	{ "select", TAG_BREAKS | TAG_CONTROL, GROUP_NONE }, { "small", FORMAT },
	{ "source", EMPTY }, { "span", INLINE }, { "strike", FORMAT },
	{ "strong", FORMAT },
	{ "style", TAG_HIDES | TAG_RAW | TAG_STYLE, GROUP_NONE },
	{ "sub", INLINE }, { "summary", TAG_BREAKS | TAG_SUMMARY, GROUP_BLOCK },
	{ "sup", INLINE },
	{ "svg", TAG_FOREIGN | TAG_DRAWING | TAG_PICTURE, GROUP_FOREIGN },
	{ "symbol", UNDRAWN },
	{ "table", TAG_BREAKS | TAG_SCOPE | TAG_TABLE, GROUP_BLOCK },
	{ "tbody", TAG_BREAKS | TAG_PART, GROUP_ROWS },
	{ "td", TAG_BREAKS | TAG_SCOPE | TAG_PART, GROUP_CELL },
	{ "template", HIDDEN }, { "text", DRAWN },
	{ "textarea", TAG_BREAKS | TAG_RAW | TAG_CONTROL | TAG_SHOWS, GROUP_NONE },
	{ "tfoot", TAG_BREAKS | TAG_PART, GROUP_ROWS },
	{ "th", TAG_BREAKS | TAG_SCOPE | TAG_PART, GROUP_CELL },
	{ "thead", TAG_BREAKS | TAG_PART, GROUP_ROWS }, { "title", UNDISPLAYED_RAW },
	{ "tr", TAG_BREAKS | TAG_PART, GROUP_ROW }, { "track", EMPTY },
	{ "tt", FORMAT }, { "u", FORMAT },
	{ "ul", TAG_BREAKS | TAG_LIST, GROUP_BLOCK }, { "var", INLINE },
	{ "video", HIDDEN }, { "wbr", EMPTY },
	{ "xmp", TAG_BREAKS | TAG_RAW, GROUP_BLOCK },
};

const struct junk_html_tag *junk_html_tag_find(const char *name)
{
	static const struct junk_html_tag unknown = { "", 0, GROUP_NONE };
	const struct junk_html_tag *tag;

	tag = junk_name_find(name, JUNK_TAG_NAME_BYTES, html_tags,
			     N_ELEMENTS(html_tags), sizeof(*html_tags));
	return tag != NULL ? tag : &unknown;
}

const struct junk_html_group *
junk_html_tag_group(const struct junk_html_tag *tag)
{
	return &html_groups[tag->group];
}

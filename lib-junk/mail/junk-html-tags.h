#ifndef JUNK_HTML_TAGS_H
#define JUNK_HTML_TAGS_H

/* What the elements of HTML are, as far as it decides where they end and what
   of them is text. */

/* Of tags and attributes; longer names are cut; a multiple of 8. */
#define JUNK_TAG_NAME_BYTES 16

enum {
	/* a line */
	JUNK_TAG_BREAKS = 0x01,
	/* has no content and no end tag, or nothing of its own */
	JUNK_TAG_EMPTY = 0x02,
	/* its content is text up to its end tag, not markup */
	JUNK_TAG_RAW = 0x04,
	/* goes on when the element around it ends */
	JUNK_TAG_FORMAT = 0x08,
	/* what is inside doesn't end what is around it */
	JUNK_TAG_SCOPE = 0x10,
	JUNK_TAG_LIST = 0x20,
	JUNK_TAG_TABLE = 0x40,
	/* browsers ignore it without a table around it */
	JUNK_TAG_PART = 0x80,
	/* its content isn't shown as text */
	JUNK_TAG_HIDES = 0x100,
	/* another language than HTML */
	JUNK_TAG_FOREIGN = 0x200,
	/* of a form: has colours and a size of its own */
	JUNK_TAG_CONTROL = 0x400,
	JUNK_TAG_BODY = 0x800,
	JUNK_TAG_FONT = 0x1000,
	/* shows values of its attributes */
	JUNK_TAG_SHOWS = 0x2000,
	/* a style sheet */
	JUNK_TAG_STYLE = 0x4000,
	/* isn't shown unless it says that it is open */
	JUNK_TAG_OPENS = 0x8000,
	/* ... but for its summary */
	JUNK_TAG_SUMMED = 0x10000,
	JUNK_TAG_SUMMARY = 0x20000,
	/* has colours of its own */
	JUNK_TAG_MARK = 0x40000,
	/* has a meaning in pictures or formulas alone: isn't shown, or is text */
	JUNK_TAG_DRAWING = 0x80000,
	JUNK_TAG_DRAWN_TEXT = 0x100000,
	JUNK_TAG_PICTURE = 0x200000,
	/* isn't shown unless a style says how */
	JUNK_TAG_UNDISPLAYED = 0x400000,
	/* is around all there is, wherever its tag stands */
	JUNK_TAG_PAGE = 0x800000,
};

struct junk_html_tag {
	char name[JUNK_TAG_NAME_BYTES];
	unsigned int flags;
	unsigned int group;
};

/* Elements whose end tag may be left out: bits of the groups that end where a
   tag of this one begins, and the flags of elements that they don't end
   through. */
struct junk_html_group {
	unsigned int ends;
	unsigned int within;
};

/* The name is padded with zeros. Of an unknown tag the result has no name. */
const struct junk_html_tag *junk_html_tag_find(const char *name);
const struct junk_html_group *
junk_html_tag_group(const struct junk_html_tag *tag);

#endif

#ifndef JUNK_HTML_TAGS_H
#define JUNK_HTML_TAGS_H

/* Table of HTML elements: where they end, and whether their content is visible
   text. */

/* Size of a name of a tag or an attribute, with a NUL; longer names are cut. A
   multiple of 8 (junk-name.h). */
#define JUNK_TAG_NAME_BYTES 16

enum {
	/* begins and ends a line */
	JUNK_TAG_BREAKS = 0x01,
	/* has no content and no end tag, or none that matters here */
	JUNK_TAG_EMPTY = 0x02,
	/* content is text up to the end tag, not markup */
	JUNK_TAG_RAW = 0x04,
	/* formatting element: continues after the element around it ends */
	JUNK_TAG_FORMAT = 0x08,
	/* a tag inside doesn't end elements outside */
	JUNK_TAG_SCOPE = 0x10,
	JUNK_TAG_LIST = 0x20,
	JUNK_TAG_TABLE = 0x40,
	/* part of a table: ignored by browsers outside of one */
	JUNK_TAG_PART = 0x80,
	/* content isn't shown as text */
	JUNK_TAG_HIDES = 0x100,
	/* SVG or MathML */
	JUNK_TAG_FOREIGN = 0x200,
	/* form control: has its own colours and size */
	JUNK_TAG_CONTROL = 0x400,
	JUNK_TAG_BODY = 0x800,
	JUNK_TAG_FONT = 0x1000,
	/* values of its attributes are shown */
	JUNK_TAG_SHOWS = 0x2000,
	/* contains a style sheet */
	JUNK_TAG_STYLE = 0x4000,
	/* hidden without the open attribute */
	JUNK_TAG_OPENS = 0x8000,
	/* ... except its summary */
	JUNK_TAG_SUMMED = 0x10000,
	JUNK_TAG_SUMMARY = 0x20000,
	/* has its own colours */
	JUNK_TAG_MARK = 0x40000,
	/* has a special meaning in SVG or MathML only: its content is hidden
	   there, or is text */
	JUNK_TAG_DRAWING = 0x80000,
	JUNK_TAG_DRAWN_TEXT = 0x100000,
	JUNK_TAG_PICTURE = 0x200000,
	/* hidden unless the display property is set */
	JUNK_TAG_UNDISPLAYED = 0x400000,
	/* is around the whole page, wherever its tag stands */
	JUNK_TAG_PAGE = 0x800000,
};

struct junk_html_tag {
	char name[JUNK_TAG_NAME_BYTES];
	unsigned int flags;
	unsigned int group;
};

/* Rules for optional end tags, for a group of elements. ends: bits of the
   groups whose open elements end before a tag of this group. within: flags of
   elements that this doesn't end through. */
struct junk_html_group {
	unsigned int ends;
	unsigned int within;
};

/* Returns the table's entry for a name, which is padded with zeros to
   JUNK_TAG_NAME_BYTES. The entry of an unknown tag has an empty name. */
const struct junk_html_tag *junk_html_tag_find(const char *name);
/* Returns the optional end tag rules of a tag's group. */
const struct junk_html_group *
junk_html_tag_group(const struct junk_html_tag *tag);

#endif

#ifndef JUNK_HTML_SHEET_H
#define JUNK_HTML_SHEET_H

#include "junk-html-style.h"

/* Style sheets of a page: their rules decide whether text is visible. Selectors
   (CSS Selectors 4) match by tag, class, id, attribute and child number, also
   relative to ancestors and preceding siblings, but not by what follows an
   element; other selectors match nothing. @media queries are evaluated for a
   usual screen, @supports conditions by the properties that junk-html-style.c
   knows. */

/* Maximum classes of an element or a selector; others are ignored. */
#define JUNK_SHEET_CLASSES 8

/* The names of an element that selectors match, as hashes; 0 = none. */
struct junk_sheet_names {
	uint32_t tag, id;
	uint32_t classes[JUNK_SHEET_CLASSES];
	/* child number in its parent, from 1; 0 = unknown */
	unsigned int idx;
	/* attributes as they stand in the page; not owned */
	const unsigned char *attrs;
	size_t attrs_size;
};

/* Children of an element that precede another one. */
struct junk_sheet_siblings {
	struct junk_sheet_names last;
	unsigned int count;
	/* one bit for each name of any of them (a Bloom filter) */
	uint64_t names;
};

struct junk_sheet;

/* Add the rules of css. *sheet is created by the first call. Returns TRUE if
   rules were added. */
bool junk_sheet_add(struct junk_sheet **sheet, const unsigned char *css,
		    size_t size);
void junk_sheet_free(struct junk_sheet **sheet);
/* Returns TRUE if a media query matches a usual screen. */
bool junk_sheet_media(const char *query);
/* Returns TRUE if there are rules for html or body. */
bool junk_sheet_is_of_page(const struct junk_sheet *sheet);
/* Returns TRUE if any rule depends on siblings. sheet may be NULL. */
bool junk_sheet_has_siblings(const struct junk_sheet *sheet);
/* Returns TRUE if a rule that wasn't understood may change the background of
   text. sheet may be NULL. */
bool junk_sheet_is_unknown(const struct junk_sheet *sheet);

/* Returns the hash of a name (in lower case); never 0. */
uint32_t junk_sheet_hash(const char *name);
/* Set the classes from a class attribute's value, which is modified. */
void junk_sheet_set_classes(struct junk_sheet_names *names, char *value);

/* Merge the rules that match an element into style. parents: names of the
   elements around it, the outermost first, stride bytes apart. siblings: what
   precedes it in its parent; NULL = unknown. */
void junk_sheet_style(struct junk_sheet *sheet,
		      const struct junk_sheet_names *names,
		      const void *parents, size_t stride, unsigned int depth,
		      const struct junk_sheet_siblings *siblings,
		      struct junk_style *style);

/* Add an element to the siblings of the next one. */
void junk_sheet_add_sibling(struct junk_sheet_siblings *siblings,
			    const struct junk_sheet_names *names);

/* Find an attribute by name in the attributes of a tag. *value_r points into
   attrs. Returns FALSE if there is none. Implemented by junk-html.c. */
bool junk_sheet_find_attr(const unsigned char *attrs, size_t size,
			  const char *name, const unsigned char **value_r,
			  size_t *size_r);

#endif

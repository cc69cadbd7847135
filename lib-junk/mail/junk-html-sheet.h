#ifndef JUNK_HTML_SHEET_H
#define JUNK_HTML_SHEET_H

#include "junk-html-style.h"

/* Style sheets in a page: rules that decide whether text is seen, for elements by
   name, class, id, attribute and number, also inside or behind others (CSS Selectors
   4; not those that depend on what follows). Of @media the queries that hold on a
   usual screen, of @supports what is known to us. Other selectors match nothing. */

/* Classes of an element or a selector that count. */
#define JUNK_SHEET_CLASSES 8

/* What selectors tell elements by: hashes of names, 0 = none. */
struct junk_sheet_names {
	uint32_t tag, id;
	uint32_t classes[JUNK_SHEET_CLASSES];
	/* which child of its parent it is, from 1 on; 0 = isn't known */
	unsigned int idx;
	/* its attributes, as they stand in the page */
	const unsigned char *attrs;
	size_t attrs_size;
};

/* Children of an element that precede another. */
struct junk_sheet_siblings {
	struct junk_sheet_names last;
	unsigned int count;
	/* a bit for each name of all of them */
	uint64_t names;
};

struct junk_sheet;

/* Add the rules of css. *sheet is made when there is one. Returns TRUE if there
   are more rules then. */
bool junk_sheet_add(struct junk_sheet **sheet, const unsigned char *css,
		    size_t size);
void junk_sheet_free(struct junk_sheet **sheet);
/* Does a style sheet for other screens hold on a usual one? */
bool junk_sheet_media(const char *query);
/* Has it rules for html or body? */
bool junk_sheet_is_of_page(const struct junk_sheet *sheet);
/* Do rules depend on what precedes an element? */
bool junk_sheet_has_siblings(const struct junk_sheet *sheet);
/* May a rule that wasn't understood change what is behind the text? */
bool junk_sheet_is_unknown(const struct junk_sheet *sheet);

uint32_t junk_sheet_hash(const char *name);
/* Of a class attribute, which is overwritten. */
void junk_sheet_set_classes(struct junk_sheet_names *names, char *value);

/* Set what the rules say of an element. parents: names of the elements around it,
   the outermost first, stride bytes from each to the next. siblings: what precedes
   it in its parent, NULL = isn't known. */
void junk_sheet_style(struct junk_sheet *sheet,
		      const struct junk_sheet_names *names,
		      const void *parents, size_t stride, unsigned int depth,
		      const struct junk_sheet_siblings *siblings,
		      struct junk_style *style);

void junk_sheet_add_sibling(struct junk_sheet_siblings *siblings,
			    const struct junk_sheet_names *names);

/* The value of an attribute by name in what stands in a tag: of junk-html.c. Returns
   FALSE if there is none. */
bool junk_sheet_find_attr(const unsigned char *attrs, size_t size,
			  const char *name, const unsigned char **value_r,
			  size_t *size_r);

#endif

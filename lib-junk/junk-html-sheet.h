#ifndef JUNK_HTML_SHEET_H
#define JUNK_HTML_SHEET_H

#include "junk-html-style.h"

/* Style sheets in a page: rules that decide whether text is seen, for elements by
   name, class and id, also inside others (CSS Selectors 4: type, class, id and
   "[class=x]", descendants and children). Of @media the queries that hold on a
   usual screen. Other selectors match nothing. */

/* Classes of an element or a selector that count. */
#define JUNK_SHEET_CLASSES 4

/* What selectors tell elements by: hashes of names, 0 = none. */
struct junk_sheet_names {
	uint32_t tag, id;
	uint32_t classes[JUNK_SHEET_CLASSES];
};

struct junk_sheet;

/* Add the rules of css. *sheet is made when there is one. Returns TRUE if there
   are more rules then. */
bool junk_sheet_add(struct junk_sheet **sheet, const unsigned char *css,
		    size_t size);
void junk_sheet_free(struct junk_sheet **sheet);
/* Does a style sheet for other screens hold on a usual one? */
bool junk_sheet_media(const char *query);
/* May a rule that wasn't understood change what is behind the text? */
bool junk_sheet_is_unknown(const struct junk_sheet *sheet);

uint32_t junk_sheet_hash(const char *name);
/* Of a class attribute, which is overwritten. */
void junk_sheet_set_classes(struct junk_sheet_names *names, char *value);

/* Set what the rules say of an element. parents: names of the elements around it,
   the outermost first, stride bytes from each to the next. */
void junk_sheet_style(struct junk_sheet *sheet,
		      const struct junk_sheet_names *names,
		      const void *parents, size_t stride, unsigned int depth,
		      struct junk_style *style);

#endif

#ifndef JUNK_HTML_ENTITY_H
#define JUNK_HTML_ENTITY_H

/* Entities of HTML. */

/* Append data to dest with its entities ("&amp;", "&#65;") decoded. Most
   symbols become a space, and accented letters lose their accents, since words
   are folded later anyway. Without ";", the names of HTML 4 also count at the
   beginning of a longer name, except in an attribute, as in
   "?a=1&copying=2&copy=3". */
void junk_html_decode_entities(buffer_t *dest, const unsigned char *data,
			       size_t size, bool attribute);

#endif

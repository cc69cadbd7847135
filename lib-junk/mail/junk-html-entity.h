#ifndef JUNK_HTML_ENTITY_H
#define JUNK_HTML_ENTITY_H

/* Append text with its entities ("&amp;", "&#65;") decoded to dest. Most symbols
   are a blank, accented letters are without accents: words are folded later.
   Without ";" an old name also counts as the begin of a longer one, but not in
   an attribute: "?a=1&copying=2&copy=3". */
void junk_html_decode_entities(buffer_t *dest, const unsigned char *data,
			       size_t size, bool attribute);

#endif

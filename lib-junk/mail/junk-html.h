#ifndef JUNK_HTML_H
#define JUNK_HTML_H

#include "junk-token-set.h"

/* HTML -> the text that a reader sees, and tokens for links, for the number of
   tags and pictures, and for hidden text.

   If visible text were taken as hidden, spam could hide there from the filter;
   if hidden text were taken as visible, spam could add innocent words unseen.
   So elements and styles are read as browsers do (whatwg.org, "Parsing HTML
   documents"), wherever a single tag could make a difference, and so are style
   sheets (junk-html-sheet.h).

   libdovecot's html2text isn't used: it drops links, and it returns text that
   no mail client shows, which is where spammers put innocent words. Other
   parsers aren't used either: doc/classifier.md says what they cost. */

enum junk_html_flags {
	/* an SVG file: all of it is markup, as in XML */
	JUNK_HTML_FOREIGN = 0x01,
	/* a file that the reader may open in a browser: its scripts and the
	   URLs in them are evidence */
	JUNK_HTML_FILE = 0x02,
};

/* Append the visible text of html (valid UTF-8) to text, up to
   JUNK_MAX_TEXT_BYTES. Tags that don't break a line don't break words either.
   Tokens for the rest are added to set. *styles: how much is left of a
   message's JUNK_MAX_STYLES, which is decreased; at 0, styles are ignored. */
void junk_html_add(struct junk_token_set *set, const unsigned char *html,
		   size_t size, enum junk_html_flags flags,
		   unsigned int *styles, buffer_t *text);
/* Set dest to the charset that a page declares in its first bytes, which may be
   in any charset. dest is unchanged if there is no declaration, or none that
   fits into dest_size bytes. */
void junk_html_charset(const unsigned char *html, size_t size,
		       char *dest, size_t dest_size);

#endif

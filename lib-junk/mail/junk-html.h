#ifndef JUNK_HTML_H
#define JUNK_HTML_H

#include "junk-token-set.h"

/* HTML -> the text that a reader sees, and tokens for links, how much
   there is of tags and pictures, and what is hidden.

   Text that we take for hidden though it is shown is a place to hide from the
   filter, and text that we read though nobody sees it one for innocent words.
   So elements and styles are read as browsers do (whatwg.org, "Parsing HTML
   documents"), as far as one tag could make a difference, and so are style
   sheets (junk-html-sheet.h).

   Not libdovecot's html2text: that one drops links, and shows text that no
   mail client shows, which is where spammers put innocent words. Not a parser of
   others: doc/classifier.md says what they cost. */

enum junk_html_flags {
	/* SVG: all is markup, as in XML */
	JUNK_HTML_FOREIGN = 0x01,
	/* a file that a reader may open in a browser: what its scripts do and
	   where they lead is evidence */
	JUNK_HTML_FILE = 0x02,
};

/* Append the visible text of html (valid UTF-8) to text, JUNK_MAX_TEXT_BYTES of
   it. Tags that don't break a line don't break words either. Tokens for the rest
   are added to set. styles: what remains of a message's JUNK_MAX_STYLES; without any
   all text counts as visible. */
void junk_html_add(struct junk_token_set *set, const unsigned char *html,
		   size_t size, enum junk_html_flags flags,
		   unsigned int *styles, buffer_t *text);
/* The charset that a page says in its first bytes, in whatever charset it is,
   into dest; that remains if there is none. */
void junk_html_charset(const unsigned char *html, size_t size,
		       char *dest, size_t dest_size);

#endif

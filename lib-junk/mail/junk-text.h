#ifndef JUNK_TEXT_H
#define JUNK_TEXT_H

#include "junk-charset.h"

/* Formats of text that are neither plain nor HTML -> the plain text that a
   reader sees. Each appends to dest. data is UTF-8 but for RTF; any bytes are
   valid input, and the time they take grows with their number only. */

/* RFC 3676 with DelSp: a line that ends in a blank goes on, without it. */
void junk_text_flowed(buffer_t *dest, const unsigned char *data, size_t size);
/* iCalendar and vCard (RFC 5545, RFC 6350, vCard 2.1): folded lines and escapes.
   Values that are HTML are appended to html instead. */
void junk_text_calendar(struct junk_charsets *charsets, buffer_t *dest,
			buffer_t *html, const unsigned char *data, size_t size);
/* text/enriched and text/richtext (RFC 1896, RFC 1341) */
void junk_text_enriched(buffer_t *dest, const unsigned char *data, size_t size);
/* Rich Text Format, also its links */
void junk_text_rtf(struct junk_charsets *charsets, buffer_t *dest,
		   const unsigned char *data, size_t size);

#endif

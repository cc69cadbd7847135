#ifndef JUNK_TEXT_H
#define JUNK_TEXT_H

#include "junk-charset.h"

/* Other text formats -> the plain text that a reader sees. The functions append
   to dest. data is UTF-8, except for RTF. Any bytes are valid input, and the
   time is linear in their number. */

/* RFC 3676 with DelSp: a line that ends in a space is joined with the next one,
   without the space. */
void junk_text_flowed(buffer_t *dest, const unsigned char *data, size_t size);
/* iCalendar and vCard (RFC 5545, RFC 6350, vCard 2.1): unfolds lines and
   decodes escapes. HTML values are appended to html. */
void junk_text_calendar(struct junk_charsets *charsets, buffer_t *dest,
			buffer_t *html, const unsigned char *data, size_t size);
/* text/enriched and text/richtext (RFC 1896, RFC 1341). */
void junk_text_enriched(buffer_t *dest, const unsigned char *data, size_t size);
/* Rich Text Format, including its links. */
void junk_text_rtf(struct junk_charsets *charsets, buffer_t *dest,
		   const unsigned char *data, size_t size);
/* Remove OpenPGP's blocks (RFC 9580, section 6) from text: encrypted or signed data in
   base64, in which no reader sees words. Only complete blocks that begin with an
   OpenPGP packet are removed, so that nothing readable can be hidden in one; fields
   such as "Comment:" stay. Returns TRUE if there was one. */
bool junk_text_remove_armor(buffer_t *text);

#endif

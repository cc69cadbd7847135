#ifndef JUNK_CHARSET_H
#define JUNK_CHARSET_H

/* Charset -> UTF-8. See junk-decode.h for why it isn't libdovecot's decoder
   that does it. */

#include "unichar.h"

/* The character that a byte of Windows-1252 is. */
unichar_t junk_charset_cp1252(unsigned char byte);

/* Translations that were used lately: to open one loads a module of iconv,
   which takes longer than to score a message. */
struct junk_charsets;

struct junk_charsets *junk_charsets_init(void);
void junk_charsets_deinit(struct junk_charsets **charsets);

/* Append as valid UTF-8. charset NULL or unknown, or Latin-1, which is often said
   of text that isn't: UTF-8 if most of it is, else Windows-1252 if it looks like
   Western text, else a Cyrillic charset or GB18030. */
void junk_charset_decode(struct junk_charsets *charsets, buffer_t *dest,
			 const char *charset, const unsigned char *data,
			 size_t size);

#endif

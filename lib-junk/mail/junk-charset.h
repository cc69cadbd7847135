#ifndef JUNK_CHARSET_H
#define JUNK_CHARSET_H

/* Charset -> UTF-8. Names mean what they mean to browsers (WHATWG Encoding
   Standard), so do those that only mail uses. See junk-decode.h for why it isn't
   libdovecot's decoder that does it.

   Charsets of one byte a character are tables of ours. For the few others that
   there are an iconv module is opened once and kept: that takes longer than to
   score a message. What else iconv knows is opened JUNK_MAX_ICONV_OPENS times in
   a message: the names in a mail must not decide what it costs. */

#include "unichar.h"

/* The character that a byte of Windows-1252 is. */
unichar_t junk_charset_cp1252(unsigned char byte);

struct junk_charsets;

struct junk_charsets *junk_charsets_init(void);
void junk_charsets_deinit(struct junk_charsets **charsets);
/* A message begins. */
void junk_charsets_begin(struct junk_charsets *charsets);

/* Append as valid UTF-8. charset NULL or unknown, or Latin-1, which is often said
   of text that isn't: UTF-8 if most of it is, else ISO-2022-JP if it has its
   escapes, Windows-1252 if it looks like Western text, or a Cyrillic charset or
   GB18030. What is UTF-8 all through is that, whatever it says, and so is what
   can't be in the charset that it says. */
void junk_charset_decode(struct junk_charsets *charsets, buffer_t *dest,
			 const char *charset, const unsigned char *data,
			 size_t size);

#endif

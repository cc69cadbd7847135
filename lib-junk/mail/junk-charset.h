#ifndef JUNK_CHARSET_H
#define JUNK_CHARSET_H

/* Charset -> UTF-8. Names of charsets have the same meaning as in browsers
   (WHATWG Encoding Standard); some are known only in mail. junk-decode.h says
   why libdovecot's decoder isn't used.

   Single-byte charsets are tables. For a few others, an iconv module is opened
   once and kept, since opening it takes longer than scoring a message. Any
   other charset that iconv knows is opened at most JUNK_MAX_ICONV_OPENS times
   per message, so that the names in a message can't cost much time. */

#include "unichar.h"

/* Returns the character of a byte in Windows-1252. */
unichar_t junk_charset_cp1252(unsigned char byte);

struct junk_charsets;

/* A decoder for any number of messages. deinit accepts NULL and clears the
   pointer. */
struct junk_charsets *junk_charsets_init(void);
void junk_charsets_deinit(struct junk_charsets **charsets);
/* Begin a message, which resets the limit. */
void junk_charsets_begin(struct junk_charsets *charsets);

/* Append data as valid UTF-8. If charset is NULL, unknown, or Latin-1 (a common
   wrong label), it is guessed: UTF-8 if most of the text is valid, ISO-2022-JP
   if there are its escapes, else Windows-1252, a Cyrillic charset or GB18030.
   Text that is entirely valid UTF-8, or isn't valid in its declared charset, is
   treated the same way. */
void junk_charset_decode(struct junk_charsets *charsets, buffer_t *dest,
			 const char *charset, const unsigned char *data,
			 size_t size);

#endif

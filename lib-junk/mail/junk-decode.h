#ifndef JUNK_DECODE_H
#define JUNK_DECODE_H

#include "junk-charset.h"

/* Content-Transfer-Encoding and RFC 2047 decoding for tokens.

   libdovecot's message-decoder isn't used for three reasons. Its result for
   malformed input differs between versions, and tokens must not. It skips
   bodies with an unknown encoding, which mail clients show. And it turns 8-bit
   text without a (correct) charset into replacement characters, so the words of
   much Asian and Russian spam are lost. Here, every byte that a client could
   show results in some token, and always in the same one. */

/* These functions append to dest. Malformed input is decoded as far as
   possible. */
void junk_decode_qp(buffer_t *dest, const unsigned char *data, size_t size);
void junk_decode_base64(buffer_t *dest, const unsigned char *data, size_t size);
/* uuencode, with or without its "begin" line; also "begin-base64". */
void junk_decode_uu(buffer_t *dest, const unsigned char *data, size_t size);

/* A uuencoded file in a text. All pointers point into the text. */
struct junk_uu_file {
	const unsigned char *start, *end;
	const unsigned char *name;
	size_t name_size;
};
/* Find the next file. Returns FALSE if there is none. */
bool junk_decode_find_uu(const unsigned char *data, const unsigned char *end,
			 struct junk_uu_file *file_r);

/* Append data unchanged up to the next special byte. Returns its position, or
   end. */
const unsigned char *
junk_decode_until(buffer_t *dest, const unsigned char *data,
		  const unsigned char *end, unsigned char special);

/* Append a header field's value (folded or unfolded) with its encoded words
   (RFC 2047) decoded, as valid UTF-8. They are decoded even where the RFC
   forbids them, since clients do this, too. */
void junk_decode_header(struct junk_charsets *charsets, buffer_t *dest,
			const unsigned char *data, size_t size);

#endif

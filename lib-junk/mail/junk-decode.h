#ifndef JUNK_DECODE_H
#define JUNK_DECODE_H

#include "junk-charset.h"

/* Content-Transfer-Encoding and RFC 2047 decoding for tokens.

   Not libdovecot's message-decoder, for three reasons: its result for broken
   input differs between versions, and tokens must not; it skips bodies with
   an unknown encoding, which mail clients show; and it turns 8-bit text
   without a (true) charset into replacement characters, which loses the words
   of much Asian and Russian spam. Here every byte that a client could show
   makes some token, and always the same one. */

/* Each appends to dest. Damaged input is decoded as far as it makes sense. */
void junk_decode_qp(buffer_t *dest, const unsigned char *data, size_t size);
void junk_decode_base64(buffer_t *dest, const unsigned char *data, size_t size);
/* uuencode, with its "begin" line or without; also "begin-base64" */
void junk_decode_uu(buffer_t *dest, const unsigned char *data, size_t size);

/* A file in a text, as uuencode writes it. */
struct junk_uu_file {
	const unsigned char *start, *end;
	const unsigned char *name;
	size_t name_size;
};
/* Find the next one. Returns FALSE if there is none. */
bool junk_decode_find_uu(const unsigned char *data, const unsigned char *end,
			 struct junk_uu_file *file_r);

/* Append data up to the next special byte as it is. Returns where that is, or
   the end. */
const unsigned char *
junk_decode_until(buffer_t *dest, const unsigned char *data,
		  const unsigned char *end, unsigned char special);

/* An unfolded or folded header field's value with its RFC 2047 words decoded,
   as valid UTF-8. Encoded-words are decoded everywhere, also where the RFC
   forbids them: clients do so too. */
void junk_decode_header(struct junk_charsets *charsets, buffer_t *dest,
			const unsigned char *data, size_t size);

#endif

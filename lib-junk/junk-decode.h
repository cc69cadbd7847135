#ifndef JUNK_DECODE_H
#define JUNK_DECODE_H

/* Content-Transfer-Encoding, charset and RFC 2047 decoding for tokens.

   Not libdovecot's message-decoder, for three reasons: its result for broken
   input differs between versions, and tokens must not; it skips bodies with
   an unknown encoding, which mail clients show; and it turns 8-bit text
   without a (true) charset into replacement characters, which loses the words
   of much Asian and Russian spam. Here every byte that a client could show
   makes some token, and always the same one. */

/* Each appends to dest. Damaged input is decoded as far as it makes sense. */
void junk_decode_qp(buffer_t *dest, const unsigned char *data, size_t size);
void junk_decode_base64(buffer_t *dest, const unsigned char *data, size_t size);

/* Append as valid UTF-8. charset NULL or unknown: UTF-8 if it is valid, else
   Windows-1252. */
void junk_decode_charset(buffer_t *dest, const char *charset,
			 const unsigned char *data, size_t size);
/* An unfolded or folded header field's value with its RFC 2047 words decoded,
   as valid UTF-8. Encoded-words are decoded everywhere, also where the RFC
   forbids them: clients do so too. */
void junk_decode_header(buffer_t *dest, const unsigned char *data, size_t size);

#endif

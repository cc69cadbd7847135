#ifndef JUNK_HEADERS_H
#define JUNK_HEADERS_H

#include "junk-words.h"

/* Header fields of the message itself -> tokens.

   Only listed fields are read: those that the sender's side writes. Delivery
   adds fields under any name (our own score is one of them), so a list of
   excluded fields would never be complete. */

/* Maximum size of the list of fields. */
#define JUNK_MAX_FIELD_NAMES 100

struct junk_headers {
	struct junk_token_set *set;
	struct junk_charsets *charsets;
	const struct junk_tokenizer_settings *tokenizer_set;
	struct junk_words_stats subject_stats;
	buffer_t *buf;
	/* hash of the fields' names in their order */
	uint64_t order_hash;
	unsigned int recipients;
	struct junk_host from_host;
	bool from_seen, has_from_host, reply_seen;
	/* verified name of the client of our MX, if it has one */
	struct junk_host client_host;
	bool client_seen, has_client_host;
	/* number of bytes read of each field in the list */
	uint16_t field_bytes[JUNK_MAX_FIELD_NAMES];
	/* hash of the Date field after folding; for the digest */
	uint64_t date_hash;
};

/* Initialise the state. set receives the tokens. charsets, buf (for decoded
   values) and tokenizer_set (may be NULL) belong to the caller and are used
   until junk_headers_finish(). */
void junk_headers_init(struct junk_headers *headers,
		       struct junk_token_set *set,
		       struct junk_charsets *charsets, buffer_t *buf,
		       const struct junk_tokenizer_settings *tokenizer_set);
/* Add a field. value: unfolded, not decoded. Returns FALSE if delivery may have
   added such a field. */
bool junk_headers_add(struct junk_headers *headers, const char *name,
		      const unsigned char *value, size_t size);
/* Call this after the last field. */
void junk_headers_finish(struct junk_headers *headers);

#endif

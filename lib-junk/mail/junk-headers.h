#ifndef JUNK_HEADERS_H
#define JUNK_HEADERS_H

#include "junk-words.h"

/* Header fields of the message itself -> tokens.

   Only fields that the sender's side writes are read: they are listed, and
   everything else is as if it weren't there. Delivery adds fields under any
   name (and our own score is one of them), so a list of what to leave out
   would never be complete. */

/* As many names as there may be in the list. */
#define JUNK_MAX_FIELD_NAMES 100

struct junk_headers {
	struct junk_token_set *set;
	struct junk_charsets *charsets;
	const struct junk_tokenizer_settings *tokenizer_set;
	struct junk_words_stats subject_stats;
	buffer_t *buf;
	/* of the fields' names in their order */
	uint64_t order_hash;
	unsigned int recipients;
	struct junk_host from_host;
	bool from_seen, has_from_host, reply_seen;
	/* the client's name, if it has one */
	struct junk_host client_host;
	bool client_seen, has_client_host;
	/* of each field that is read */
	uint16_t field_bytes[JUNK_MAX_FIELD_NAMES];
	/* of the Date field, folded; for the digest */
	uint64_t date_hash;
};

/* charsets, buf (for decoded values) and tokenizer_set (may be NULL) belong to the
   caller and are used until the last field. */
void junk_headers_init(struct junk_headers *headers,
		       struct junk_token_set *set,
		       struct junk_charsets *charsets, buffer_t *buf,
		       const struct junk_tokenizer_settings *tokenizer_set);
/* value: unfolded, not decoded. Returns FALSE if delivery may have added such a
   field. */
bool junk_headers_add(struct junk_headers *headers, const char *name,
		      const unsigned char *value, size_t size);
/* All fields were seen. */
void junk_headers_finish(struct junk_headers *headers);

#endif

#ifndef JUNK_TOKENIZER_H
#define JUNK_TOKENIZER_H

#include "junk-token.h"

/* Message -> tokens. The same message gives the same tokens at SMTP time, at
   LMTP and years later in Junk: nothing that delivery adds (Return-Path,
   Delivered-To, X-Spam-*, X-Sieve, X-Junk-*, Status, ...) is read, and of Received
   fields only one that is there, or is known, at all these times. */

struct istream;

#define JUNK_DIGEST_BYTES 16

/* Which set of tokens this version makes. Reports, models and segments carry
   it. Most tokens are the same from set to set: a model that was learned from
   an older set goes on scoring, and what a newer set adds is learned from the
   reports that come. */
#define JUNK_FEATURE_SET 5
/* The oldest set of which this is true: a token of that set either has the same
   meaning in this one, or doesn't occur in it. To be raised only if the hash or
   the number of a class changes its meaning: all that hosts have learned is
   lost with that. */
#define JUNK_FEATURE_SET_COMPATIBLE 4

/* Do tokens of that set mean the same to us? Of a newer set nobody knows. */
static inline bool junk_feature_set_is_compatible(unsigned int feature_set)
{
	return feature_set >= JUNK_FEATURE_SET_COMPATIBLE &&
		feature_set <= JUNK_FEATURE_SET;
}

ARRAY_DEFINE_TYPE(junk_tokens, junk_token_t);

struct junk_tokenizer_settings {
	/* Authentication-Results of these hosts only are evidence
	   (junk-auth-results.h). NULL or "" = none are. */
	const char *authserv_id;
	/* The client of these MXs is evidence (junk-received.h). NULL or "" =
	   none is. */
	const char *mx;
	/* Called for each distinct token with its plain (normalised) text:
	   for explanations to a caller who holds the message anyway. The text
	   is valid during the call. NULL = not wanted. */
	void (*token_callback)(junk_token_t token, const char *text,
			       void *context);
	void *token_context;
};

struct junk_message {
	/* Distinct, at most JUNK_MAX_TOKENS, words before structure. */
	ARRAY_TYPE(junk_tokens) tokens;
	/* The number of tokens in each group. */
	unsigned int group_count[JUNK_TOKEN_GROUP_COUNT];
	/* Of the Date field, 0 = there is none. */
	uint64_t date_hash;
	/* Bytes that were read, at most JUNK_MAX_READ_BYTES. */
	uoff_t size_bytes;
};

/* Reads many messages, one after the other, with the same memory. */
struct junk_tokenizer *junk_tokenizer_init(void);
void junk_tokenizer_deinit(struct junk_tokenizer **tokenizer);

/* Read a message from the stream's current offset. The result is allocated
   from the pool. Any input gives a result, also malformed or empty mail, in
   bounded time and memory. Returns -1 only if the stream fails to be read
   (error_r says why; the result is what came before). Doesn't seek back. */
int junk_tokenizer_read(struct junk_tokenizer *tokenizer, struct istream *input,
			const struct junk_tokenizer_settings *set, pool_t pool,
			struct junk_message *msg_r, const char **error_r);
/* The same with a tokenizer for this message alone. */
int junk_tokenize(struct istream *input,
		  const struct junk_tokenizer_settings *set, pool_t pool,
		  struct junk_message *msg_r, const char **error_r);

/* What identifies the message to its reporter also after a client has
   rewritten it (new Message-ID, CRLF changes): made from Date and all tokens
   that say what it is about and who sent it. */
void junk_message_digest(const struct junk_message *msg,
			 unsigned char digest_r[JUNK_DIGEST_BYTES]);

#endif

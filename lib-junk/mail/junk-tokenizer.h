#ifndef JUNK_TOKENIZER_H
#define JUNK_TOKENIZER_H

#include "junk-token.h"

/* Message -> tokens. A message gives the same tokens at SMTP time, at LMTP
   delivery and years later in Junk: fields that delivery adds (Return-Path,
   Delivered-To, X-Spam-*, X-Sieve, X-Junk-*, Status, ...) are ignored, and of
   the Received fields only one is used that is present, or known, at all these
   times. */

struct istream;

#define JUNK_DIGEST_BYTES 16

/* The version of the tokenizer. Reports, models and segments contain it. Most
   tokens don't change between versions: a model that was trained with an older
   one continues to score, and learns the new tokens from new reports. */
#define JUNK_FEATURE_SET 5
/* The oldest compatible version: each of its tokens either has the same meaning
   in the current version, or doesn't occur in it. Raise this only if the hash,
   or the number of a class, changes its meaning, since hosts then lose all that
   they have learned. */
#define JUNK_FEATURE_SET_COMPATIBLE 4

/* Returns TRUE if the tokens of a feature set have the same meaning here. A
   newer set is never compatible. */
static inline bool junk_feature_set_is_compatible(unsigned int feature_set)
{
	return feature_set >= JUNK_FEATURE_SET_COMPATIBLE &&
		feature_set <= JUNK_FEATURE_SET;
}

ARRAY_DEFINE_TYPE(junk_tokens, junk_token_t);

struct junk_tokenizer_settings {
	/* Only the Authentication-Results of these hosts are used
	   (junk-auth-results.h). NULL or "" = none. */
	const char *authserv_id;
	/* Only Received fields of these MXs are used (junk-received.h). NULL or
	   "" = none. */
	const char *mx;
	/* Called for each distinct token with its normalised text, to explain a
	   score to a caller who has the message anyway. The text is valid
	   during the call. NULL = not needed. */
	void (*token_callback)(junk_token_t token, const char *text,
			       void *context);
	void *token_context;
};

struct junk_message {
	/* Distinct tokens, at most JUNK_MAX_TOKENS, words before structure. */
	ARRAY_TYPE(junk_tokens) tokens;
	/* Number of tokens in each group. */
	unsigned int group_count[JUNK_TOKEN_GROUP_COUNT];
	/* Hash of the Date field; 0 = there is none. */
	uint64_t date_hash;
	/* Number of bytes read, at most JUNK_MAX_READ_BYTES. */
	uoff_t size_bytes;
};

/* A tokenizer reads any number of messages, one after the other, and reuses its
   memory. deinit accepts NULL and clears the pointer. */
struct junk_tokenizer *junk_tokenizer_init(void);
void junk_tokenizer_deinit(struct junk_tokenizer **tokenizer);

/* Read a message from the stream's current offset. The tokens are allocated
   from the pool. Malformed or empty mail gives a result, too, in bounded time
   and memory. Returns 0, or -1 if reading the stream fails; error_r then says
   why, and the result contains what was read before. Doesn't seek back. */
int junk_tokenizer_read(struct junk_tokenizer *tokenizer, struct istream *input,
			const struct junk_tokenizer_settings *set, pool_t pool,
			struct junk_message *msg_r, const char **error_r);
/* As above, with a tokenizer for this message only. */
int junk_tokenize(struct istream *input,
		  const struct junk_tokenizer_settings *set, pool_t pool,
		  struct junk_message *msg_r, const char **error_r);

/* Compute a digest that identifies the message to its reporter even after a
   client has rewritten it (new Message-ID, other line ends). It is made from
   the Date and all tokens of the content and the sender. */
void junk_message_digest(const struct junk_message *msg,
			 unsigned char digest_r[JUNK_DIGEST_BYTES]);

#endif

#ifndef JUNK_TOKEN_SET_H
#define JUNK_TOKEN_SET_H

#include "junk-host.h"
#include "junk-tokenizer.h"
#include "junk-limits.h"

/* The distinct tokens of one message, in the order they were seen, at most
   JUNK_MAX_GROUP_TOKENS in each group. All 0 before its first message. */

/* Twice the tokens: short probes. */
#define JUNK_TOKEN_SET_SLOTS (2*JUNK_MAX_GROUP_TOKENS)

/* What most words don't need, apart from what is done for every word: so that
   that needs few registers and no stack frame. */
#define SELDOM __attribute__((noinline))

struct junk_token_set {
	junk_token_t tokens[JUNK_TOKEN_GROUP_COUNT][JUNK_MAX_GROUP_TOKENS];
	unsigned int count[JUNK_TOKEN_GROUP_COUNT];
	/* of each group; a caller may lower it for a while */
	unsigned int max;
	/* index + 1 of a token, 0 = free */
	uint16_t slots[JUNK_TOKEN_GROUP_COUNT][JUNK_TOKEN_SET_SLOTS];
	const struct junk_tokenizer_settings *set;
	/* work of reading them */
	struct junk_hosts hosts;
};

void junk_token_set_init(struct junk_token_set *set,
			 const struct junk_tokenizer_settings *tokenizer_set);
/* Add the token of the normalised text, cut to JUNK_MAX_TOKEN_BYTES. */
void junk_token_set_add(struct junk_token_set *set, enum junk_token_class class,
			const void *text, size_t size);
void junk_token_set_add_str(struct junk_token_set *set,
			    enum junk_token_class class, const char *str);
/* Add the token of prefix and text together, cut likewise. */
void junk_token_set_add_prefixed(struct junk_token_set *set,
				 enum junk_token_class class,
				 const char *prefix,
				 const void *text, size_t size);
/* Add "name" + number. */
void junk_token_set_add_num(struct junk_token_set *set,
			    enum junk_token_class class, const char *name,
			    unsigned int num);
/* Add "name" + the number of bits of num: 0, 1, 2-3, 4-7, 8-15, ... */
void junk_token_set_add_log2(struct junk_token_set *set,
			     enum junk_token_class class, const char *name,
			     uint64_t num);

#endif

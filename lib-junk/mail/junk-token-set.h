#ifndef JUNK_TOKEN_SET_H
#define JUNK_TOKEN_SET_H

#include "junk-host.h"
#include "junk-tokenizer.h"
#include "junk-limits.h"

/* The distinct tokens of a message in the order in which they are found, at
   most JUNK_MAX_GROUP_TOKENS in each group. The structure must be zeroed before
   its first use. */

/* Twice the number of tokens, which keeps probe sequences short. */
#define JUNK_TOKEN_SET_SLOTS (4*JUNK_MAX_GROUP_TOKENS)

/* For functions that few words need. They aren't inlined, so that the code that
   runs for each word needs few registers and no stack frame. */
#define SELDOM __attribute__((noinline))

struct junk_token_set {
	junk_token_t tokens[JUNK_TOKEN_GROUP_COUNT][JUNK_MAX_GROUP_TOKENS];
	unsigned int count[JUNK_TOKEN_GROUP_COUNT];
	/* limit of each group, which a caller may lower temporarily */
	unsigned int max;
	/* hash table: index + 1 of a token; 0 = free */
	uint16_t slots[JUNK_TOKEN_GROUP_COUNT][JUNK_TOKEN_SET_SLOTS];
	const struct junk_tokenizer_settings *set;
	/* work spent on host names */
	struct junk_hosts hosts;
};

/* Begin a message. tokenizer_set may be NULL. */
void junk_token_set_init(struct junk_token_set *set,
			 const struct junk_tokenizer_settings *tokenizer_set);
/* Add the token of a normalised text, which is truncated to
   JUNK_MAX_TOKEN_BYTES. */
void junk_token_set_add(struct junk_token_set *set, enum junk_token_class class,
			const void *text, size_t size);
void junk_token_set_add_str(struct junk_token_set *set,
			    enum junk_token_class class, const char *str);
/* Add the token of prefix + text, truncated likewise. */
void junk_token_set_add_prefixed(struct junk_token_set *set,
				 enum junk_token_class class,
				 const char *prefix,
				 const void *text, size_t size);
/* Add the token of name + num. */
void junk_token_set_add_num(struct junk_token_set *set,
			    enum junk_token_class class, const char *name,
			    unsigned int num);
/* Add the token of name + the number of bits of num, i.e. for the ranges 0, 1,
   2-3, 4-7, 8-15, ... */
void junk_token_set_add_log2(struct junk_token_set *set,
			     enum junk_token_class class, const char *name,
			     uint64_t num);

#endif

/* See junk-token-set.h. */

#include "lib.h"
#include "junk-hash.h"
#include "junk-token-set.h"

#include <xxhash.h>

/* Longer texts are rare. For shorter ones, the inlined part of XXH3 is
   small. */
#define SHORT_BYTES 16

void junk_token_set_init(struct junk_token_set *set,
			 const struct junk_tokenizer_settings *tokenizer_set)
{
	memset(set->count, 0, sizeof(set->count));
	memset(set->slots, 0, sizeof(set->slots));
	set->max = JUNK_MAX_GROUP_TOKENS;
	set->set = tokenizer_set;
	set->hosts.converted = 0;
}

static SELDOM void
token_wanted(const struct junk_tokenizer_settings *set, junk_token_t token,
	     const void *text, size_t size)
{
	T_BEGIN {
		set->token_callback(token, t_strndup(text, size),
				    set->token_context);
	} T_END;
}

static inline void
token_add(struct junk_token_set *set, junk_token_t token, const void *text,
	  size_t size)
{
	const enum junk_token_group group =
		junk_class_group(junk_token_class(token));
	const unsigned int count = set->count[group];
	uint16_t *slots = set->slots[group];
	junk_token_t *tokens = set->tokens[group];
	unsigned int slot = junk_hash_slot(token) % JUNK_TOKEN_SET_SLOTS, idx;

	/* Every second token is new, which branch prediction can't know. So the
	   token is written to where a new one belongs before the search, and a
	   free slot counts as that index. */
	tokens[count] = token;
	for (;;) {
		idx = slots[slot];
		idx |= -(unsigned int)(idx == 0) & (count + 1);
		if (tokens[idx - 1] == token)
			break;
		slot = (slot + 1) % JUNK_TOKEN_SET_SLOTS;
	}
	slots[slot] = idx;
	set->count[group] = I_MAX(count, idx);

	if (set->set != NULL && set->set->token_callback != NULL &&
	    idx > count)
		token_wanted(set->set, token, text, size);
}

static SELDOM void
token_add_long(struct junk_token_set *set, enum junk_token_class class,
	       const void *text, size_t size)
{
	size = I_MIN(size, JUNK_MAX_TOKEN_BYTES);
	token_add(set, junk_token_hash(class, text, size), text, size);
}

/* Same as junk_token_hash(), inlined. */
static inline junk_token_t
token_hash_short(enum junk_token_class class, const void *text, size_t size)
{
	return junk_token_make(class, XXH3_64bits_withSeed(text, size, class));
}

void junk_token_set_add(struct junk_token_set *set, enum junk_token_class class,
			const void *text, size_t size)
{
	/* the group is full, or the token is already known */
	if (set->count[junk_class_group(class)] == set->max)
		return;
	if (size > SHORT_BYTES)
		token_add_long(set, class, text, size);
	else
		token_add(set, token_hash_short(class, text, size), text, size);
}

void junk_token_set_add_str(struct junk_token_set *set,
			    enum junk_token_class class, const char *str)
{
	junk_token_set_add(set, class, str, strlen(str));
}

void junk_token_set_add_prefixed(struct junk_token_set *set,
				 enum junk_token_class class,
				 const char *prefix,
				 const void *text, size_t size)
{
	unsigned char buf[JUNK_MAX_TOKEN_BYTES];
	size_t prefix_size = I_MIN(strlen(prefix), sizeof(buf));

	size = I_MIN(size, sizeof(buf) - prefix_size);
	/* @UNSAFE */
	memcpy(buf, prefix, prefix_size);
	memcpy(buf + prefix_size, text, size);
	junk_token_set_add(set, class, buf, prefix_size + size);
}

void junk_token_set_add_num(struct junk_token_set *set,
			    enum junk_token_class class, const char *name,
			    unsigned int num)
{
	char digits[MAX_INT_STRLEN];
	const char *str = dec2str_buf(digits, num);

	junk_token_set_add_prefixed(set, class, name, str, strlen(str));
}

void junk_token_set_add_log2(struct junk_token_set *set,
			     enum junk_token_class class, const char *name,
			     uint64_t num)
{
	unsigned int bits = 0;

	for (; num > 0; num >>= 1)
		bits++;
	junk_token_set_add_num(set, class, name, bits);
}

/* Fuzzes attached archives: any bytes that begin like an archive give a number
   of tokens within the limits, and the same tokens in each run. */

#include "lib.h"
#include "fuzz.h"
#include "junk-archive.h"

/* The maximum number of tokens: extensions of all members, type, prefix, number
   of members, and encryption. */
#define MAX_TOKENS (2*JUNK_MAX_ARCHIVE_MEMBERS + 4)

static void
fuzz_list(const uint8_t *data, size_t size, bool whole,
	  struct junk_token_set *set)
{
	junk_token_set_init(set, NULL);
	junk_archive_add(set, data, size, whole);
	if (set->count[JUNK_TOKEN_GROUP_WORDS] > 0 ||
	    set->count[JUNK_TOKEN_GROUP_STRUCTURE] > MAX_TOKENS)
		i_panic("too many tokens");
	if (set->count[JUNK_TOKEN_GROUP_STRUCTURE] > 0 &&
	    !junk_archive_is(data, size))
		i_panic("tokens of what is no archive");
}

FUZZ_ONE(data, size)
{
	static struct junk_token_set set, again;

	for (unsigned int whole = 0; whole < 2; whole++) {
		fuzz_list(data, size, whole == 1, &set);
		fuzz_list(data, size, whole == 1, &again);
		if (memcmp(set.tokens, again.tokens, sizeof(set.tokens)) != 0 ||
		    memcmp(set.count, again.count, sizeof(set.count)) != 0)
			i_panic("other tokens the second time");
	}
}

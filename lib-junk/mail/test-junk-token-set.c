/* Tests the hash table of tokens, also with colliding ones. */

#include "lib.h"
#include "test-common.h"
#include "junk-token-set.h"

#include <time.h>

/* Find words whose tokens have equal lowest bits, as an attacker could, to fill
   the table. */
static void test_find_words(char (*words)[16], unsigned int count)
{
	unsigned int found = 0, i;

	for (i = 0; found < count; i++) {
		i_snprintf(words[found], sizeof(*words), "w%u", i);
		if (junk_token_hash(JUNK_TOKEN_BODY_WORD, words[found],
				    strlen(words[found])) %
		    JUNK_TOKEN_SET_SLOTS == 7)
			found++;
	}
}

static clock_t test_set_once(char (*words)[16], unsigned int count)
{
	struct junk_token_set *set = i_new(struct junk_token_set, 1);
	clock_t before = clock();

	junk_token_set_init(set, NULL);
	for (unsigned int n = 0; n < 100; n++) {
		for (unsigned int i = 0; i < count; i++) {
			junk_token_set_add_str(set, JUNK_TOKEN_BODY_WORD,
					       words[i]);
		}
	}
	before = clock() - before;
	test_assert(set->count[JUNK_TOKEN_GROUP_WORDS] == count);
	i_free(set);
	return before;
}

/* The least of some measurements: the process may be interrupted. */
static clock_t test_set_ticks(char (*words)[16], unsigned int count)
{
	clock_t least = test_set_once(words, count);

	for (unsigned int i = 0; i < 4; i++) {
		clock_t ticks = test_set_once(words, count);

		least = I_MIN(least, ticks);
	}
	return least;
}

static void test_junk_token_set_flood(void)
{
	static char words[JUNK_MAX_GROUP_TOKENS - 1][16];
	clock_t usual, flood;

	test_begin("junk_token_set: words that are chosen for their hash");
	for (unsigned int i = 0; i < N_ELEMENTS(words); i++)
		i_snprintf(words[i], sizeof(words[i]), "w%u", i);
	usual = test_set_ticks(words, N_ELEMENTS(words));
	test_find_words(words, N_ELEMENTS(words));
	flood = test_set_ticks(words, N_ELEMENTS(words));
	test_assert(flood < usual * 5 + CLOCKS_PER_SEC / 1000);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_token_set_flood,
		NULL
	};
	return test_run(test_functions);
}

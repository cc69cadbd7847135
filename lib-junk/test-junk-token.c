#include "lib.h"
#include "test-common.h"
#include "junk-model.h"
#include "junk-token.h"
#include "junk-report.h"
#include "junk-token-set.h"

#include <time.h>

static void test_junk_token_class_names(void)
{
	enum junk_token_class class;

	test_begin("junk_token_class_name");
	for (unsigned int i = 0; i < JUNK_TOKEN_CLASS_COUNT; i++) {
		test_assert_idx(junk_token_class_find(junk_token_class_name(i),
						      &class), i);
		test_assert_idx(class == (enum junk_token_class)i, i);
	}
	test_assert_strcmp(junk_token_class_name(JUNK_TOKEN_CLASS_COUNT),
			   "unknown");
	test_assert(!junk_token_class_find("unknown", &class));
	test_end();
}

static void test_junk_token_hash(void)
{
	junk_token_t body = junk_token_hash(JUNK_TOKEN_BODY_WORD, "viagra", 6);
	junk_token_t subject =
		junk_token_hash(JUNK_TOKEN_SUBJECT_WORD, "viagra", 6);

	test_begin("junk_token_hash");
	test_assert(junk_token_class(body) == JUNK_TOKEN_BODY_WORD);
	test_assert(junk_token_class(subject) == JUNK_TOKEN_SUBJECT_WORD);
	/* a class is hashed too, not only put on top */
	test_assert(((body ^ subject) & JUNK_TOKEN_HASH_MASK) != 0);
	test_assert(body == junk_token_hash(JUNK_TOKEN_BODY_WORD,
					    "viagra", 6));
	test_assert(junk_class_group(junk_token_class(body)) ==
		    JUNK_TOKEN_GROUP_WORDS);
	test_assert(junk_class_group(junk_token_class(UINT64_MAX)) ==
		    JUNK_TOKEN_GROUP_STRUCTURE);
	test_assert(junk_token_source(body) == JUNK_TOKEN_SOURCE_BODY);
	test_assert(junk_token_source(subject) == JUNK_TOKEN_SOURCE_SUBJECT);
	test_assert(junk_token_source(UINT64_MAX) == JUNK_TOKEN_SOURCE_OTHER);
	test_end();
}

/* Words whose tokens are equal in their lowest bits, as an author of mail can find
   some: as many as there is room for. */
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

static clock_t test_set_ticks(char (*words)[16], unsigned int count)
{
	struct junk_token_set *set = i_new(struct junk_token_set, 1);
	clock_t before = clock();

	junk_token_set_init(set, NULL);
	for (unsigned int n = 0; n < 20; n++) {
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

/* The authors' own test vector, of eight bytes. What an identity becomes has to be
   the same in all processes, and to depend on each bit of both. */
static void test_junk_model_person(void)
{
	const uint64_t seed = UINT64_C(0x0706050403020100);
	unsigned char id[JUNK_REPORTER_BYTES];
	uint64_t person, other;

	test_begin("junk_model_person()");
	for (unsigned int i = 0; i < sizeof(id); i++)
		id[i] = (unsigned char)i;
	person = junk_model_person(seed, id);
	test_assert(person == UINT64_C(0x93f5f5799a932462));
	for (unsigned int bit = 0; bit < sizeof(id) * 8; bit++) {
		id[bit / 8] ^= 1U << (bit % 8);
		other = junk_model_person(seed, id);
		id[bit / 8] ^= 1U << (bit % 8);
		test_assert_idx(__builtin_popcountll(person ^ other) > 10, bit);
		other = junk_model_person(seed ^ (UINT64_C(1) << (bit % 64)),
					  id);
		test_assert_idx(__builtin_popcountll(person ^ other) > 10, bit);
	}
	test_end();
}

static void test_junk_report_names(void)
{
	test_begin("junk_verdict_name, junk_origin_name");
	test_assert_strcmp(junk_verdict_name(JUNK_VERDICT_WEAK_HAM),
			   "weak-ham");
	test_assert_strcmp(junk_verdict_name(0), "unknown");
	test_assert_strcmp(junk_origin_name(JUNK_ORIGIN_LEARN), "learn");
	test_assert_strcmp(junk_origin_name(JUNK_ORIGIN_KEPT), "kept");
	test_assert_strcmp(junk_origin_name(0), "unknown");
	test_assert_strcmp(junk_origin_name(JUNK_ORIGIN_LAST + 1), "unknown");
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_token_class_names,
		test_junk_token_hash,
		test_junk_token_set_flood,
		test_junk_model_person,
		test_junk_report_names,
		NULL
	};
	return test_run(test_functions);
}

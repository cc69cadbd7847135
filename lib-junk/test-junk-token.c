#include "lib.h"
#include "test-common.h"
#include "junk-token.h"

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

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_token_class_names,
		test_junk_token_hash,
		NULL
	};
	return test_run(test_functions);
}

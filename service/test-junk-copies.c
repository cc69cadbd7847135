/* Tests claims of near copies, which must work from the first report on. */

#include "lib.h"
#include "buffer.h"
#include "test-common.h"
#include "junk-learner.h"

#define WORDS 60

struct text {
	junk_token_t tokens[WORDS];
};

/* Make a text of words: same ones of the campaign, and own ones of the
   message. */
static void
text_init(struct text *text, unsigned int campaign, unsigned int same,
	  unsigned int own)
{
	char word[32];

	for (unsigned int i = 0; i < WORDS; i++) {
		unsigned int topic = i < same ? campaign : 1000 + own;

		if (i_snprintf(word, sizeof(word), "%u-%u", topic, i) < 0)
			i_unreached();
		text->tokens[i] = junk_token_hash(JUNK_TOKEN_BODY_WORD, word,
						  strlen(word));
	}
}

static void
report_init(struct junk_report *report, const struct text *text,
	    enum junk_verdict verdict, unsigned int nr, unsigned char person)
{
	i_zero(report);
	report->verdict = verdict;
	report->origin = JUNK_ORIGIN_MOVE;
	report->feature_set = JUNK_FEATURE_SET;
	memset(report->reporter, person, sizeof(report->reporter));
	memcpy(report->digest, &nr, sizeof(nr));
	report->tokens = text->tokens;
	report->token_count = WORDS;
}

static void
learn(struct junk_learner *learner, enum junk_verdict verdict,
      unsigned int campaign, unsigned int nr, unsigned char person)
{
	struct junk_report report;
	struct text text;

	text_init(&text, campaign, WORDS * 9 / 10, nr);
	report_init(&report, &text, verdict, nr, person);
	junk_learner_learn(learner, &report, 1);
}

static int
score(struct junk_learner *learner, unsigned int campaign, unsigned int same,
      unsigned char person)
{
	unsigned char reporter[JUNK_REPORTER_BYTES];
	struct junk_model model;
	struct junk_score score;
	struct text text;

	text_init(&text, campaign, same, 999);
	memset(reporter, person, sizeof(reporter));
	junk_learner_model(learner, &model);
	junk_model_score(&model, text.tokens, WORDS,
			 person == 0 ? NULL : reporter, &score);
	return score.score;
}

static bool is_claimed(struct junk_learner *learner, unsigned char person)
{
	return score(learner, 1, WORDS * 9 / 10, person) >= 90;
}

static struct junk_learner *learner_new(void)
{
	struct junk_learner_settings set;

	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = 14;
	set.seed = 42;
	return junk_learner_init(&set);
}

static void test_junk_copies_own(void)
{
	struct junk_learner *learner = learner_new();

	test_begin("junk copies: the same again, from a person's first report on");
	test_assert(!is_claimed(learner, 1));
	learn(learner, JUNK_VERDICT_SPAM, 1, 1, 1);
	test_assert(is_claimed(learner, 1));
	/* one person's report doesn't count for others */
	test_assert(!is_claimed(learner, 2));
	test_assert(!is_claimed(learner, 0));
	/* nor for other mail */
	test_assert(score(learner, 2, WORDS * 9 / 10, 1) < 90);
	test_assert(score(learner, 1, WORDS / 4, 1) < 90);
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_copies_shared(void)
{
	struct junk_learner *learner = learner_new();

	test_begin("junk copies: what two people have reported, and nobody kept");
	learn(learner, JUNK_VERDICT_SPAM, 1, 1, 1);
	learn(learner, JUNK_VERDICT_SPAM, 1, 2, 1);
	test_assert(!is_claimed(learner, 0));
	learn(learner, JUNK_VERDICT_SPAM, 1, 3, 2);
	test_assert(is_claimed(learner, 0));
	test_assert(is_claimed(learner, 3));
	/* once a person keeps it, it is claimed only for those who have
	   reported it */
	learn(learner, JUNK_VERDICT_WEAK_HAM, 1, 4, 4);
	test_assert(!is_claimed(learner, 0));
	test_assert(!is_claimed(learner, 4));
	learn(learner, JUNK_VERDICT_SPAM, 1, 5, 3);
	test_assert(!is_claimed(learner, 0));
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_copies_last_word(void)
{
	struct junk_learner *learner = learner_new();

	test_begin("junk copies: a person's last word counts");
	learn(learner, JUNK_VERDICT_SPAM, 1, 1, 1);
	learn(learner, JUNK_VERDICT_HAM, 1, 2, 1);
	test_assert(!is_claimed(learner, 1));
	learn(learner, JUNK_VERDICT_SPAM, 1, 3, 1);
	test_assert(is_claimed(learner, 1));
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_copies_forget(void)
{
	struct junk_learner *learner = learner_new();
	struct junk_report report;
	struct text text;

	test_begin("junk copies: forgotten reports claim nothing");
	learn(learner, JUNK_VERDICT_SPAM, 1, 1, 1);
	learn(learner, JUNK_VERDICT_SPAM, 1, 2, 2);
	test_assert(is_claimed(learner, 0));
	text_init(&text, 1, WORDS * 9 / 10, 2);
	report_init(&report, &text, JUNK_VERDICT_SPAM, 2, 2);
	junk_learner_forget(learner, &report);
	test_assert(!is_claimed(learner, 0));
	test_assert(!is_claimed(learner, 2));
	test_assert(is_claimed(learner, 1));
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_copies_snapshot(void)
{
	struct junk_learner *learner = learner_new(), *other = learner_new();
	buffer_t *state = buffer_create_dynamic(default_pool, 1024);
	struct junk_model model, other_model;
	const char *error;

	test_begin("junk copies: in a snapshot");
	learn(learner, JUNK_VERDICT_SPAM, 1, 1, 1);
	learn(learner, JUNK_VERDICT_SPAM, 1, 2, 2);
	learn(learner, JUNK_VERDICT_SPAM, 2, 3, 1);
	learn(learner, JUNK_VERDICT_HAM, 2, 4, 1);
	junk_learner_export(learner, state);
	test_assert(junk_learner_import(other, state->data, state->used,
					&error) == 0);
	junk_learner_model(learner, &model);
	junk_learner_model(other, &other_model);
	test_assert(memcmp(model.copies, other_model.copies,
			   sizeof(*model.copies)) == 0);
	buffer_free(&state);
	junk_learner_deinit(&learner);
	junk_learner_deinit(&other);
	test_end();
}

/* An outline that shares half of a sketch isn't found, however many outlines
   there are. */
static void test_junk_copies_outlines(void)
{
	struct junk_outlines *outlines = i_new(struct junk_outlines, 1);
	struct junk_sketch sketch;
	struct junk_outline outline;
	struct text text;

	test_begin("junk copies: outlines");
	for (unsigned int i = 0; i < JUNK_OUTLINES_MAX; i++) {
		text_init(&text, i, WORDS, 0);
		junk_sketch_init(&sketch, text.tokens, WORDS);
		junk_sketch_outline(&sketch, i % 3, &outline);
		junk_outlines_set(outlines, i, &outline);
	}
	for (unsigned int i = 0; i < 2 * JUNK_OUTLINES_MAX; i++) {
		text_init(&text, i, WORDS * 9 / 10, 5000 + i);
		junk_sketch_init(&sketch, text.tokens, WORDS);
		junk_sketch_outline(&sketch, i % 3, &outline);
		test_assert_idx(junk_outlines_find(outlines, &outline) ==
				(i < JUNK_OUTLINES_MAX), i);
		junk_sketch_outline(&sketch, 3, &outline);
		test_assert_idx(!junk_outlines_find(outlines, &outline), i);
	}
	text_init(&text, 1, WORDS, 0);
	junk_sketch_init(&sketch, text.tokens, WORDS);
	junk_sketch_outline(&sketch, 1, &outline);
	junk_outlines_set(outlines, 1, NULL);
	test_assert(!junk_outlines_find(outlines, &outline));
	/* too few words, which many messages have in common */
	junk_sketch_init(&sketch, text.tokens, JUNK_SKETCH_MIN_SAME - 1);
	junk_sketch_outline(&sketch, 1, &outline);
	junk_outlines_set(outlines, 1, &outline);
	test_assert(!junk_outlines_find(outlines, &outline));
	i_free(outlines);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_copies_own,
		test_junk_copies_shared,
		test_junk_copies_last_word,
		test_junk_copies_forget,
		test_junk_copies_snapshot,
		test_junk_copies_outlines,
		NULL
	};
	return test_run(test_functions);
}

/* Tests the learner: what it learns and forgets, snapshots, and limits of
   single people. */

#include "lib.h"
#include "buffer.h"
#include "test-common.h"
#include "junk-learner-private.h"

#define TOKENS 20

static void
report_init(struct junk_report *report, junk_token_t tokens[TOKENS],
	    enum junk_verdict verdict, unsigned int topic, unsigned int nr,
	    unsigned char person)
{
	char word[32];

	/* half of the words are common to the topic, half are the message's
	   own */
	for (unsigned int i = 0; i < TOKENS; i++) {
		if (i_snprintf(word, sizeof(word), "%u-%u",
			       i < TOKENS / 2 ? topic : 1000 + nr, i) < 0)
			i_unreached();
		tokens[i] = junk_token_hash(JUNK_TOKEN_BODY_WORD, word,
					    strlen(word));
	}
	i_zero(report);
	report->verdict = verdict;
	report->origin = JUNK_ORIGIN_MOVE;
	report->feature_set = JUNK_FEATURE_SET;
	memset(report->reporter, person, sizeof(report->reporter));
	memcpy(report->digest, &nr, sizeof(nr));
	report->tokens = tokens;
	report->token_count = TOKENS;
}

static struct junk_learner *
learner_new(unsigned int spam, unsigned int ham, unsigned int people)
{
	struct junk_learner_settings set;
	struct junk_learner *learner;
	struct junk_report report;
	junk_token_t tokens[TOKENS];

	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = 16;
	set.seed = 42;
	set.min_reports = 2;
	learner = junk_learner_init(&set);
	for (unsigned int i = 0; i < I_MAX(spam, ham); i++) {
		if (i < spam) {
			report_init(&report, tokens, JUNK_VERDICT_SPAM, 1,
				    i * 2, i % people);
			junk_learner_learn(learner, &report, 1);
		}
		if (i < ham) {
			report_init(&report, tokens, JUNK_VERDICT_HAM, 2,
				    i * 2 + 1, i % people);
			junk_learner_learn(learner, &report, 1);
		}
	}
	return learner;
}

static void
score(struct junk_learner *learner, unsigned int topic,
      const unsigned char *reporter, struct junk_score *score_r)
{
	struct junk_report report;
	struct junk_model model;
	junk_token_t tokens[TOKENS];

	report_init(&report, tokens, JUNK_VERDICT_SPAM, topic, 9999, 0);
	junk_learner_model(learner, &model);
	junk_model_score(&model, tokens, TOKENS, reporter, score_r);
}

static void test_junk_learner_learns(void)
{
	struct junk_learner *learner = learner_new(40, 40, 4);
	struct junk_score spam, ham;

	test_begin("junk learner: learns");
	score(learner, 1, NULL, &spam);
	score(learner, 2, NULL, &ham);
	test_assert(spam.score > 80 && spam.score <= 100);
	test_assert(ham.score >= 0 && ham.score < 20);
	test_assert(spam.evidence_count >= TOKENS / 2);
	/* the explanation agrees with the score */
	test_assert(spam.class_sum[JUNK_TOKEN_BODY_WORD] > 0);
	junk_learner_deinit(&learner);
	junk_learner_deinit(&learner);
	test_end();
}

/* Learn a report, compute claims, and return whether the report is in doubt. */
static bool
is_doubtful(struct junk_learner *learner, enum junk_verdict verdict,
	    unsigned int topic, unsigned int nr, unsigned char person)
{
	struct junk_report report;
	junk_token_t tokens[TOKENS];
	unsigned int i;

	report_init(&report, tokens, verdict, topic, nr, person);
	junk_learner_learn(learner, &report, 1);
	junk_learner_finish(learner);
	learner_update_claims(learner);
	for (i = learner->memory_count[FALSE]; i > 0; i--) {
		if (memcmp(learner->memory[FALSE][i - 1].digest, report.digest,
			   sizeof(report.digest)) == 0 &&
		    memcmp(learner->memory[FALSE][i - 1].reporter,
			   report.reporter, sizeof(report.reporter)) == 0)
			return learner->memory[FALSE][i - 1].doubtful;
	}
	i_panic("the report isn't in the replay buffer");
}

static void test_junk_learner_doubtful(void)
{
	struct junk_learner *learner = learner_new(100, 100, 4);
	const unsigned char stranger = 9;

	test_begin("junk learner: kept spam isn't evidence of ham's scores");
	/* by a person who never reports spam, and by one who does */
	test_assert(is_doubtful(learner, JUNK_VERDICT_WEAK_HAM, 2, 5000,
				stranger));
	test_assert(!is_doubtful(learner, JUNK_VERDICT_WEAK_HAM, 2, 5001, 0));
	/* a text that others have reported as spam */
	test_assert(is_doubtful(learner, JUNK_VERDICT_WEAK_HAM, 1, 2, 0));
	/* who moves a message out of Junk has looked at it */
	test_assert(!is_doubtful(learner, JUNK_VERDICT_HAM, 2, 5002,
				 stranger));
	junk_learner_deinit(&learner);

	/* there is no other evidence */
	learner = learner_new(100, 0, 4);
	for (unsigned int i = 0; i < 20; i++) {
		test_assert_idx(!is_doubtful(learner, JUNK_VERDICT_WEAK_HAM, 2,
					     5000 + i, stranger), i);
	}
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_learner_min_reporters(void)
{
	struct junk_learner *learner = learner_new(40, 40, 1);
	unsigned char reporter[JUNK_REPORTER_BYTES], stranger[JUNK_REPORTER_BYTES];
	struct junk_score s;

	memset(reporter, 0, sizeof(reporter));
	memset(stranger, 77, sizeof(stranger));
	test_begin("junk learner: one person's reports act for that person");
	score(learner, 1, reporter, &s);
	test_assert(s.score > 80);
	score(learner, 1, stranger, &s);
	test_assert(s.score == JUNK_SCORE_UNKNOWN);
	score(learner, 1, NULL, &s);
	test_assert(s.score == JUNK_SCORE_UNKNOWN);
	test_assert_strcmp(s.unknown_reason, "too little evidence");
	junk_learner_deinit(&learner);
	test_end();
}

/* The reports of two people about the same text count, whoever they are. */
static void test_junk_learner_two_people(void)
{
	struct junk_learner_settings set;
	struct junk_learner *learner;
	struct junk_report report;
	junk_token_t tokens[TOKENS];
	struct junk_score s;

	test_begin("junk learner: two people's reports act for others");
	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = 12;
	for (unsigned int other = 1; other < 200; other++) {
		learner = junk_learner_init(&set);
		for (unsigned int i = 0; i < 8; i++) {
			report_init(&report, tokens, i % 2 == 0 ?
				    JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM,
				    1 + i % 2, i, i / 2 % 2 == 0 ? 0 : other);
			junk_learner_learn(learner, &report, 1);
		}
		score(learner, 1, NULL, &s);
		test_assert_idx(s.score > 50, other);
		junk_learner_deinit(&learner);
	}
	test_end();
}

/* 30 people read a newsletter, two report it as spam, each ten times. */
static void test_junk_learner_overruled(void)
{
	struct junk_learner *learner = learner_new(60, 60, 30);
	unsigned char reporter[JUNK_REPORTER_BYTES];
	struct junk_report report;
	junk_token_t tokens[TOKENS];
	struct junk_score s;

	test_begin("junk learner: a few don't overrule many");
	for (unsigned int i = 0; i < 20; i++) {
		report_init(&report, tokens, JUNK_VERDICT_SPAM, 2, 3000 + i,
			    100 + i % 2);
		junk_learner_learn(learner, &report, 1);
	}
	score(learner, 2, NULL, &s);
	test_assert(s.score >= 0 && s.score < 20);
	/* except for the two themselves */
	memset(reporter, 100, sizeof(reporter));
	score(learner, 2, reporter, &s);
	test_assert(s.score > 80);

	/* as many people report it as spam as read it */
	for (unsigned int i = 0; i < 60; i++) {
		report_init(&report, tokens, JUNK_VERDICT_SPAM, 2, 4000 + i,
			    i % 30);
		junk_learner_learn(learner, &report, 1);
	}
	score(learner, 2, NULL, &s);
	test_assert(s.score > 50 && s.score < 90);
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_learner_min_reports(void)
{
	static const struct {
		unsigned int spam, ham;
		const char *reason;
	} tests[] = {
		{ 0, 0, "too few spam reports" },
		{ 1, 5, "too few spam reports" },
		{ 5, 1, "too few ham reports" },
		{ 100, 0, "too few ham reports" },
		{ 2, 2, NULL },
	};
	struct junk_score s;

	test_begin("junk learner: unknown with too few reports");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		struct junk_learner *learner =
			learner_new(tests[i].spam, tests[i].ham, 2);
		score(learner, 1, NULL, &s);
		if (tests[i].reason == NULL)
			test_assert_idx(s.unknown_reason == NULL, i);
		else
			test_assert_strcmp_idx(s.unknown_reason,
					       tests[i].reason, i);
		junk_learner_deinit(&learner);
	}
	test_end();
}

static void
learn_more(struct junk_learner *learner)
{
	struct junk_report report;
	junk_token_t tokens[TOKENS];

	for (unsigned int i = 0; i < 20; i++) {
		report_init(&report, tokens, i % 2 == 0 ? JUNK_VERDICT_SPAM :
			    JUNK_VERDICT_WEAK_HAM, i % 3, 2000 + i, i % 3);
		junk_learner_learn(learner, &report, i % 4 == 0 ? 0.5 : 1);
	}
}

static struct junk_learner *learner_copy(struct junk_learner *learner)
{
	struct junk_learner_settings set;
	struct junk_learner *copy;
	buffer_t *data = t_buffer_create(1024);
	const char *error;

	junk_learner_export(learner, data);
	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = 16;
	copy = junk_learner_init(&set);
	test_assert(junk_learner_import(copy, data->data, data->used,
					&error) == 0);
	return copy;
}

/* Another person reports the text of learner_new()'s third spam. */
static void learn_again(struct junk_learner *learner)
{
	struct junk_report report;
	junk_token_t tokens[TOKENS];

	report_init(&report, tokens, JUNK_VERDICT_SPAM, 1, 4, 5);
	junk_learner_learn(learner, &report, 1);
}

static void
test_learners_are_same(struct junk_learner *learner, struct junk_learner *copy)
{
	buffer_t *first = t_buffer_create(1024);
	buffer_t *second = t_buffer_create(1024);

	junk_learner_export(learner, first);
	junk_learner_export(copy, second);
	test_assert(buffer_cmp(first, second));
}

static void test_junk_learner_snapshot(void)
{
	struct junk_learner *learner = learner_new(40, 40, 4), *copy;

	test_begin("junk learner: export, import, go on");
	copy = learner_copy(learner);
	/* equal afterwards, bit by bit */
	learn_more(learner);
	learn_more(copy);
	test_learners_are_same(learner, copy);
	junk_learner_deinit(&copy);
	junk_learner_deinit(&learner);
	test_end();
}

/* Outlines in other people's reports move when the replay buffer does. */
static void test_junk_learner_snapshot_forgotten(void)
{
	struct junk_learner *learner = learner_new(3, 3, 1), *copy;
	struct junk_report report;
	junk_token_t tokens[TOKENS];

	test_begin("junk learner: forget, export, import, go on");
	report_init(&report, tokens, JUNK_VERDICT_SPAM, 1, 0, 0);
	junk_learner_forget(learner, &report);
	copy = learner_copy(learner);
	learn_again(learner);
	learn_again(copy);
	test_learners_are_same(learner, copy);
	junk_learner_deinit(&copy);
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_learner_bad_snapshot(void)
{
	struct junk_learner *learner = learner_new(5, 5, 4);
	buffer_t *good = t_buffer_create(1024), *bad = t_buffer_create(1024);
	buffer_t *after = t_buffer_create(1024);
	/* bytes of the header that are checked, then NaN as a share and as the
	   last weight */
	static const unsigned int offsets[] = { 0, 8, 12, 16, 20, 21 };
	const char *error;

	test_begin("junk learner: snapshots that aren't valid");
	junk_learner_export(learner, good);
	for (unsigned int i = 0; i < N_ELEMENTS(offsets); i++) {
		buffer_set_used_size(bad, 0);
		buffer_append_buf(bad, good, 0, SIZE_MAX);
		unsigned char *data =
			buffer_get_modifiable_data(bad, NULL);
		data[offsets[i]] ^= 0x40;
		error = NULL;
		test_assert_idx(junk_learner_import(learner, data, bad->used,
						    &error) < 0, i);
		test_assert_idx(error != NULL, i);
	}
	for (size_t size = 0; size < good->used;
	     size = size < 100 ? size + 1 : size * 3) {
		test_assert(junk_learner_import(learner, good->data, size,
						&error) < 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		buffer_set_used_size(bad, 0);
		buffer_append_buf(bad, good, 0, SIZE_MAX);
		memset(buffer_get_space_unsafe(bad, i == 0 ? 200 : 32768, 4),
		       0xff, 4);
		error = NULL;
		test_assert_idx(junk_learner_import(learner, bad->data,
						    bad->used, &error) < 0, i);
		test_assert_strcmp_idx(error, "a number is out of range", i);
	}
	/* an older feature set with other meanings of tokens, and a future
	   one */
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t set = i == 0 ? JUNK_FEATURE_SET_COMPATIBLE - 1 :
			JUNK_FEATURE_SET + 1;

		buffer_set_used_size(bad, 0);
		buffer_append_buf(bad, good, 0, SIZE_MAX);
		buffer_write(bad, 16, &set, sizeof(set));
		test_assert_idx(junk_learner_import(learner, bad->data,
						    bad->used, &error) < 0, i);
		test_assert_idx(strstr(error, "feature set") != NULL, i);
	}
	/* a compatible older set continues to score */
	buffer_set_used_size(bad, 0);
	buffer_append_buf(bad, good, 0, SIZE_MAX);
	uint32_t older = JUNK_FEATURE_SET_COMPATIBLE;
	buffer_write(bad, 16, &older, sizeof(older));
	test_assert(junk_learner_import(learner, bad->data, bad->used,
					&error) == 0);
	test_assert(junk_learner_feature_set(learner) == older);
	/* unchanged, but now of the current set */
	junk_learner_export(learner, after);
	test_assert(buffer_cmp(good, after));
	junk_learner_deinit(&learner);
	test_end();
}

static void test_junk_learner_published(void)
{
	struct junk_learner *learner = learner_new(40, 40, 4);
	struct junk_score before, after;
	int16_t *weights = i_malloc(junk_learner_weights_size(learner));

	test_begin("junk learner: publish to other memory");
	score(learner, 1, NULL, &before);
	junk_learner_set_published(learner, weights);
	score(learner, 1, NULL, &after);
	test_assert(before.sum == after.sum);
	learn_more(learner);
	score(learner, 1, NULL, &before);
	junk_learner_set_published(learner, NULL);
	memset(weights, 0, junk_learner_weights_size(learner));
	score(learner, 1, NULL, &after);
	test_assert(before.sum == after.sum);
	junk_learner_deinit(&learner);
	i_free(weights);
	test_end();
}

static void test_junk_learner_forget(void)
{
	struct junk_learner *learner = learner_new(3, 3, 2);
	struct junk_report report;
	junk_token_t tokens[TOKENS];
	buffer_t *before = buffer_create_dynamic(default_pool, 1024);
	buffer_t *after = buffer_create_dynamic(default_pool, 1024);

	test_begin("junk learner: forget");
	junk_learner_export(learner, before);
	/* another person's report of the same message stays */
	report_init(&report, tokens, JUNK_VERDICT_SPAM, 1, 2, 77);
	junk_learner_forget(learner, &report);
	junk_learner_export(learner, after);
	test_assert(buffer_cmp(before, after));
	report_init(&report, tokens, JUNK_VERDICT_SPAM, 1, 2, 1);
	junk_learner_forget(learner, &report);
	buffer_set_used_size(after, 0);
	junk_learner_export(learner, after);
	test_assert(after->used + TOKENS * sizeof(junk_token_t) <
		    before->used);
	buffer_free(&before);
	buffer_free(&after);
	junk_learner_deinit(&learner);
	test_end();
}

/* A fit is due when the reports have grown, not each time that people change their
   minds and the number of reports reaches the same value again. */
static void test_junk_learner_minds(void)
{
	struct junk_learner *learner = learner_new(160, 160, 10);
	struct junk_report report;
	junk_token_t tokens[TOKENS];
	unsigned int fits = 0;

	test_begin("junk learner: fits while reports come and go");
	learner->set.in_steps = TRUE;
	for (unsigned int i = 0; i < 200; i++) {
		/* ten come, ten go */
		report_init(&report, tokens, JUNK_VERDICT_SPAM, 1,
			    1000 + i % 10, 1);
		if (i / 10 % 2 == 0)
			junk_learner_learn(learner, &report, 1);
		else
			junk_learner_take_back(learner, &report);
		fits += junk_learner_is_busy(learner) ? 1 : 0;
		junk_learner_finish(learner);
	}
	test_assert_ucmp(fits, <=, 1);
	junk_learner_deinit(&learner);
	test_end();
}

/* One or several of many people report as spam what is in everybody's ham. */
static int flooded_score(unsigned int attackers, unsigned int reports)
{
	struct junk_learner *learner = learner_new(1000, 1000, 100);
	struct junk_report report;
	struct junk_score s;
	junk_token_t tokens[TOKENS];

	for (unsigned int i = 0; i < reports; i++) {
		report_init(&report, tokens, JUNK_VERDICT_SPAM, 2, 10000 + i,
			    200 + i % attackers);
		junk_learner_learn(learner, &report, 1);
	}
	score(learner, 2, NULL, &s);
	junk_learner_deinit(&learner);
	return s.score;
}

static void test_junk_learner_flood(void)
{
	test_begin("junk learner: a flood by one person");
	test_assert(flooded_score(1, 3000) < 20);
	/* as many people as there are others: three of four reports say spam */
	test_assert(flooded_score(100, 3000) >= 75);
	test_end();
}

static void test_junk_learner_few_ham(void)
{
	struct junk_learner *learner = learner_new(2000, 4, 4);
	struct junk_score s;

	test_begin("junk learner: hardly any ham, no 90");
	score(learner, 1, NULL, &s);
	test_assert(s.score < 90);
	junk_learner_deinit(&learner);
	test_end();
}

/* Two people report a campaign of unseen words. Returns its score for a third
   person. */
static int campaign_score(unsigned char person1, unsigned char person2,
			  bool ham_too)
{
	struct junk_learner *learner = learner_new(60, 60, 4);
	struct junk_report report, copy;
	struct junk_model model;
	struct junk_score s;
	junk_token_t tokens[TOKENS], copy_tokens[TOKENS];
	unsigned char people[] = { 9, person1, person2 };

	for (unsigned int i = 0; i < N_ELEMENTS(people) + 1; i++) {
		/* the template and two words of the copy */
		report_init(&report, tokens, JUNK_VERDICT_SPAM, 3, 500, 0);
		report_init(&copy, copy_tokens, i == 0 ? JUNK_VERDICT_HAM :
			    JUNK_VERDICT_SPAM, 2, 600 + i,
			    people[i % N_ELEMENTS(people)]);
		memcpy(tokens + TOKENS - 2, copy_tokens + TOKENS - 2,
		       2 * sizeof(*tokens));
		copy.tokens = tokens;
		if (i < N_ELEMENTS(people) && (i > 0 || ham_too))
			junk_learner_learn(learner, &copy, 1);
	}
	junk_learner_model(learner, &model);
	junk_model_score(&model, tokens, TOKENS, NULL, &s);
	junk_learner_deinit(&learner);
	return s.score;
}

static void test_junk_learner_campaign(void)
{
	test_begin("junk learner: two people report the same campaign");
	test_assert(campaign_score(5, 6, FALSE) >= 90);
	test_assert(campaign_score(5, 5, FALSE) < 90);
	/* another person reports it as good mail */
	test_assert(campaign_score(5, 6, TRUE) < 90);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_learner_learns,
		test_junk_learner_doubtful,
		test_junk_learner_min_reporters,
		test_junk_learner_two_people,
		test_junk_learner_overruled,
		test_junk_learner_min_reports,
		test_junk_learner_snapshot,
		test_junk_learner_snapshot_forgotten,
		test_junk_learner_bad_snapshot,
		test_junk_learner_published,
		test_junk_learner_forget,
		test_junk_learner_minds,
		test_junk_learner_flood,
		test_junk_learner_few_ham,
		test_junk_learner_campaign,
		NULL
	};
	return test_run(test_functions);
}

#include "lib.h"
#include "junk-bits.h"
#include "junk-siphash.h"
#include "junk-model.h"

#include <math.h>

/* What a score of 90 says, and from where on those that may not say it are moved
   together. */
#define CLAIM_PROBABILITY 0.9
#define CLAIM_NEAR 0.8
/* The minimum probability of a near copy of reported spam, unless the sum of
   all weights says ham. */
#define COPY_PROBABILITY 0.97
#define COPY_SUM 0

uint64_t junk_model_person(uint64_t seed, const unsigned char *reporter)
{
	/* the identity is the key: a reader of the segment, who knows the seed,
	   must not learn anything about it */
	return junk_siphash_number(reporter, seed);
}

static inline size_t
hash_index(uint64_t key, unsigned int log2, junk_token_t token)
{
	return junk_bits_mix(token ^ key) >> (64 - log2);
}

size_t junk_model_hash_index(uint64_t key, unsigned int log2,
			     junk_token_t token)
{
	return hash_index(key, log2, token);
}

size_t junk_model_index(const struct junk_model *model, junk_token_t token)
{
	return junk_model_hash_index(model->seed, model->global_log2, token);
}

size_t junk_model_personal_index(const struct junk_model *model,
				 junk_token_t token,
				 const unsigned char *reporter)
{
	return junk_model_hash_index(junk_model_person(model->seed, reporter),
				     model->personal_log2, token);
}

static inline int16_t weight_read(const int16_t *weight)
{
	/* another process may be writing */
	return __atomic_load_n(weight, __ATOMIC_RELAXED);
}

static const char *
model_unknown_reason(const struct junk_model *model, unsigned int evidence)
{
	if (model->weights == NULL)
		return "no model";
	if (model->spam_count < model->min_reports)
		return "too few spam reports";
	if (model->ham_count < model->min_reports)
		return "too few ham reports";
	if (evidence < model->min_evidence)
		return "too little evidence";
	return NULL;
}

static double model_probability(const struct junk_model *model, double sum)
{
	double p = 1 / (1 + exp(-(model->cal_a * sum + model->cal_b)));
	double spam = model->spam_count, ham = model->ham_count;
	double low = 1 / (JUNK_MODEL_PRIOR + spam);
	/* without any ham the score is unknown in any case */
	double rare = ham == 0 ? 0 :
		spam / (spam + JUNK_MODEL_RARE_HAM * ham + 1);
	double flood = spam * spam /
		(spam * spam + JUNK_MODEL_FLOOD * JUNK_MODEL_FLOOD);
	double high = 1 - 1 / (JUNK_MODEL_PRIOR + ham) -
		JUNK_MODEL_RARE_CAUTION * rare * rare * rare * flood;

	return low + (high - low) * p;
}

/* Factors of the sources: how reliable a source is relative to the others, and
   how much all of them count. Words of the subject and the sender's domain also
   count in the body and in URLs. */
static const float source_factors[JUNK_TOKEN_SOURCE_COUNT] = {
	[JUNK_TOKEN_SOURCE_OTHER] = 0.6,
	[JUNK_TOKEN_SOURCE_BODY] = 1.5,
	[JUNK_TOKEN_SOURCE_SUBJECT] = 0.42,
	[JUNK_TOKEN_SOURCE_SENDER] = 0.9,
	[JUNK_TOKEN_SOURCE_URL] = 0.63,
	[JUNK_TOKEN_SOURCE_PARTS] = 0.63,
};

void junk_model_count(const junk_token_t *tokens, unsigned int token_count,
		      unsigned int counts_r[JUNK_TOKEN_SOURCE_COUNT])
{
	memset(counts_r, 0, sizeof(*counts_r) * JUNK_TOKEN_SOURCE_COUNT);
	for (unsigned int i = 0; i < token_count; i++)
		counts_r[junk_token_source(tokens[i])]++;
}

void junk_model_scales(const unsigned int counts[JUNK_TOKEN_SOURCE_COUNT],
		       float scales_r[JUNK_TOKEN_SOURCE_COUNT])
{
	for (unsigned int i = 0; i < JUNK_TOKEN_SOURCE_COUNT; i++) {
		float n = counts[i];

		scales_r[i] = n == 0 ? 0 : source_factors[i] /
			sqrtf(n * I_MAX(1, n / JUNK_MODEL_LONG));
	}
}

/* A message with few tokens can't be familiar: so many are added to the
   count. */
#define FAMILIAR_WORDS_MISSING 3
#define FAMILIAR_FORM_MISSING 1

void junk_model_familiarity(const unsigned int counts[JUNK_TOKEN_SOURCE_COUNT],
			    const unsigned int familiar[JUNK_TOKEN_SOURCE_COUNT],
			    float *words_r, float *form_r)
{
	*words_r = (float)familiar[JUNK_TOKEN_SOURCE_BODY] /
		(counts[JUNK_TOKEN_SOURCE_BODY] + FAMILIAR_WORDS_MISSING);
	*form_r = (float)(familiar[JUNK_TOKEN_SOURCE_OTHER] +
			  familiar[JUNK_TOKEN_SOURCE_PARTS]) /
		(counts[JUNK_TOKEN_SOURCE_OTHER] +
		 counts[JUNK_TOKEN_SOURCE_PARTS] + FAMILIAR_FORM_MISSING);
}

/* Check whether the message is a near copy of one that the recipient, or enough
   people, have reported. */
static void
model_find_copy(const struct junk_model *model, const junk_token_t *tokens,
		unsigned int token_count, const uint64_t *person,
		struct junk_score *score)
{
	struct junk_sketch sketch;
	struct junk_outline outline;

	/* A copy changes no score below both sums. Most good mail is there, and
	   comparing outlines takes as long as looking up the weights. */
	if (model->copies == NULL ||
	    (score->sum < COPY_SUM && score->sum < model->claim_sum))
		return;
	junk_sketch_init(&sketch, tokens, token_count);
	if (person != NULL) {
		junk_sketch_outline(&sketch, *person, &outline);
		score->kept_copy = junk_outlines_find(&model->copies->own_ham,
						      &outline);
		if (score->kept_copy)
			return;
		score->spam_copy = junk_outlines_find(&model->copies->own_spam,
						      &outline);
	}
	if (!score->spam_copy) {
		junk_sketch_outline(&sketch, model->seed, &outline);
		score->spam_copy = junk_outlines_find(
			&model->copies->shared_spam, &outline);
	}
	score->spam_copy = score->spam_copy && score->sum >= COPY_SUM;
}

/* Returns the probability, reduced below a claim if no claim is allowed. The
   order of such scores is kept. */
static double
model_claim(const struct junk_model *model, struct junk_score *score, double p)
{
	if (score->spam_copy)
		return p;
	if (score->sum >= model->claim_sum && !score->kept_copy) {
		score->strange =
			score->familiar_words < model->familiar_words ||
			score->familiar_form < model->familiar_form;
		if (!score->strange)
			return I_MAX(p, CLAIM_PROBABILITY);
	}
	return p < CLAIM_NEAR ? p : CLAIM_NEAR + (p - CLAIM_NEAR) *
		(CLAIM_PROBABILITY - 1e-9 - CLAIM_NEAR) / (1 - CLAIM_NEAR);
}

/* What the weights say about the tokens: sums by class, counts by source. */
struct model_sums {
	int64_t sums[JUNK_TOKEN_CLASS_COUNT];
	unsigned int counts[JUNK_TOKEN_SOURCE_COUNT];
	unsigned int familiar[JUNK_TOKEN_SOURCE_COUNT];
	unsigned int evidence;
};

/* Weights of this many tokens are fetched from memory at the same time. */
#define FETCH_TOKENS 32

/* Add up to FETCH_TOKENS tokens. The weights are scattered over more memory than
   the caches hold, so all of them are requested before the first is used.
   personal: NULL = no weights of a person. */
static void
model_sums_add(const struct junk_model *model, const int16_t *personal,
	       uint64_t person, const junk_token_t *tokens,
	       unsigned int token_count, struct model_sums *sums)
{
	const int16_t *shared_weights[FETCH_TOKENS];
	const int16_t *personal_weights[FETCH_TOKENS];

	for (unsigned int i = 0; i < token_count; i++) {
		shared_weights[i] = &model->weights[
			hash_index(model->seed, model->global_log2,
				   tokens[i])];
		__builtin_prefetch(shared_weights[i]);
		if (personal == NULL)
			continue;
		personal_weights[i] = &personal[
			hash_index(person, model->personal_log2, tokens[i])];
		__builtin_prefetch(personal_weights[i]);
	}
	for (unsigned int i = 0; i < token_count; i++) {
		unsigned int class = I_MIN(junk_token_class(tokens[i]),
					   JUNK_TOKEN_CLASS_COUNT - 1);
		enum junk_token_source source = junk_token_sources[class];
		int w = weight_read(shared_weights[i]);
		int w2 = personal == NULL ? 0 :
			weight_read(personal_weights[i]);

		sums->counts[source]++;
		sums->familiar[source] += (w | w2) & JUNK_WEIGHT_FAMILIAR;
		w &= ~JUNK_WEIGHT_FAMILIAR;
		w2 &= ~JUNK_WEIGHT_FAMILIAR;
		sums->evidence += (w | w2) != 0 ? 1 : 0;
		sums->sums[class] += w + w2;
	}
}

static void
model_sum(const struct junk_model *model, const int16_t *personal,
	  uint64_t person, const junk_token_t *tokens,
	  unsigned int token_count, struct junk_score *score)
{
	struct model_sums sums;
	float scales[JUNK_TOKEN_SOURCE_COUNT];

	i_zero(&sums);
	for (unsigned int i = 0; i < token_count; i += FETCH_TOKENS) {
		model_sums_add(model, personal, person, tokens + i,
			       I_MIN(token_count - i, FETCH_TOKENS), &sums);
	}
	junk_model_scales(sums.counts, scales);
	for (unsigned int i = 0; i < JUNK_TOKEN_CLASS_COUNT; i++) {
		score->class_sum[i] = (double)sums.sums[i] *
			scales[junk_token_sources[i]] / JUNK_WEIGHT_SCALE;
		score->sum += score->class_sum[i];
	}
	score->evidence_count = sums.evidence;
	junk_model_familiarity(sums.counts, sums.familiar,
			       &score->familiar_words, &score->familiar_form);
}

void junk_model_score(const struct junk_model *model,
		      const junk_token_t *tokens, unsigned int token_count,
		      const unsigned char *reporter,
		      struct junk_score *score_r)
{
	const int16_t *personal = NULL;
	uint64_t person = 0;

	i_zero(score_r);
	score_r->score = JUNK_SCORE_UNKNOWN;
	score_r->probability = 0.5;
	if (model->weights == NULL) {
		score_r->unknown_reason = model_unknown_reason(model, 0);
		return;
	}
	if (reporter != NULL) {
		personal = model->weights +
			((size_t)1 << model->global_log2);
		person = junk_model_person(model->seed, reporter);
	}
	model_sum(model, personal, person, tokens, token_count, score_r);
	model_find_copy(model, tokens, token_count,
			reporter == NULL ? NULL : &person, score_r);
	score_r->probability = model_probability(model, score_r->sum);
	if (score_r->spam_copy) {
		score_r->probability = I_MAX(score_r->probability,
					     COPY_PROBABILITY);
	} else {
		score_r->unknown_reason = model_unknown_reason(
			model, score_r->evidence_count);
	}
	/* a corrupt segment may give NaN */
	if (!(score_r->probability >= 0 && score_r->probability <= 1))
		score_r->unknown_reason = "no valid model";
	else if (score_r->unknown_reason == NULL)
		score_r->score = 100 * model_claim(model, score_r,
						   score_r->probability);
}

void junk_score_trust(struct junk_score *score)
{
	if (score->score == JUNK_SCORE_UNKNOWN)
		return;
	score->score = 0;
	score->trusted = TRUE;
}

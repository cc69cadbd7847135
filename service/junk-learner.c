/* Noise-corrected logistic regression with AdaGrad over hashed tokens, shared
   and personal weights learned together, with a memory of recent reports that
   are learned again. doc/classifier.md has the reasons and the figures.

   The tokens of a report with label y (spam 1, ham 0) are split at random into
   VIEWS parts. s is the sum of one part times VIEWS, as a reader would compute it,
   and p = 1 / (1 + exp(-s)):

     q = (1 - rho0 - rho1) p + rho0   probability of the label as reported
     e = (1 - rho0 - rho1) p (1-p) (y - q) / (q (1-q))
     g = e * the weight's factor in s (junk_model_scales()) * c / (c + 1/2),
         for each token of the part
     G += g^2
     w += eta (g - lambda w) / (sqrt(G) + eps)

   Two kinds of reports take smaller steps of shared weights. A report of spam that
   the shared weights classify as ham does so at tokens that more people have in ham
   than in spam. A report by a person who has sent far more reports than others does
   so at all tokens (junk-shares.h).

   Readers use a weight with c reports as w c / (c + 1/2), which shrinks a weight
   that a single report has set.
   Each part learns without the others (dropout training: Wager, Wang, Liang 2013),
   so that every token of a message learns to classify it.
   rho0 and rho1 are the label noise of ham and of spam. They are estimated from
   recent reports: how often a confident score and the label disagreed before the
   report was learned. A rare class is assumed to be free of noise.

   If another person has reported the same text, the common tokens of both reports
   are learned again until the shared weights alone classify the message.

   AdaGrad: Duchi, Hazan, Singer 2011. Noisy labels: Natarajan et al. 2013.
   Replay without what the model doesn't believe: Malach, Shalev-Shwartz 2017
   and others. */

#include "lib.h"
#include "sort.h"
#include "junk-learner-private.h"

#include <math.h>

void junk_learner_settings_init(struct junk_learner_settings *set_r)
{
	i_zero(set_r);
	set_r->global_log2 = DEFAULT_LOG2;
	set_r->personal_log2 = DEFAULT_LOG2;
	set_r->min_reporters = 2;
	set_r->min_reports = 1;
	set_r->min_evidence = 4;
}

static void table_init(struct learner_table *table, unsigned int log2)
{
	table->log2 = log2;
	table->weights = i_new(struct learner_weight, (size_t)1 << log2);
	table->counts = i_new(uint8_t, (size_t)1 << log2);
}

static void table_deinit(struct learner_table *table)
{
	i_free(table->weights);
	i_free(table->counts);
}

size_t junk_learner_weights_size(struct junk_learner *learner)
{
	return (((size_t)1 << learner->global.log2) +
		((size_t)1 << learner->personal.log2)) * sizeof(int16_t);
}

struct junk_learner *
junk_learner_init(const struct junk_learner_settings *set)
{
	struct junk_learner *learner;

	i_assert(set->global_log2 >= MIN_LOG2 && set->global_log2 <= MAX_LOG2);
	i_assert(set->personal_log2 >= MIN_LOG2 &&
		 set->personal_log2 <= MAX_LOG2);

	learner = i_new(struct junk_learner, 1);
	learner->set = *set;
	table_init(&learner->global, set->global_log2);
	table_init(&learner->personal, set->personal_log2);
	learner->reporters = i_new(uint64_t, (size_t)1 << set->global_log2);
	learner->ham_seen = i_new(uint8_t, (size_t)1 << set->global_log2);
	learner->personal_flags =
		i_new(uint8_t, (size_t)1 << set->personal_log2);
	learner->familiar_min = FAMILIAR_MIN;
	junk_claims_init(&learner->claims);
	junk_learner_set_published(learner, NULL);
	return learner;
}

void junk_learner_deinit(struct junk_learner **_learner)
{
	struct junk_learner *learner = *_learner;

	if (learner == NULL)
		return;
	*_learner = NULL;
	learner_fit_cancel(learner);
	learner_memory_clear(learner);
	i_free(learner->ham_seen);
	i_free(learner->personal_flags);
	table_deinit(&learner->global);
	table_deinit(&learner->personal);
	i_free(learner->reporters);
	i_free(learner->own_published);
	i_free(learner);
}

/* --- publishing --- */

static inline float table_trust(const struct learner_table *table, size_t idx)
{
	return table->counts[idx] / (table->counts[idx] + LEARN_DOUBT);
}

/* flags: JUNK_WEIGHT_FAMILIAR or 0 */
static void
weight_publish(int16_t *dest, const struct learner_table *table, size_t idx,
	       int flags)
{
	const float weight = table->weights[idx].weight;
	/* most weights are 0, in a young model */
	int16_t value = weight == 0 ? 0 :
		lrintf(weight * table_trust(table, idx) * JUNK_WEIGHT_SCALE);

	value = (value & ~JUNK_WEIGHT_FAMILIAR) | flags;
	__atomic_store_n(dest, value, __ATOMIC_RELAXED);
}

static int global_flags(const struct junk_learner *learner, size_t idx)
{
	return learner->ham_seen[idx] >= learner->familiar_min ?
		JUNK_WEIGHT_FAMILIAR : 0;
}

static bool global_is_public(const struct junk_learner *learner, size_t idx)
{
	uint64_t people = learner->reporters[idx];

	/* most weights are nobody's, in a young model */
	return people != 0 &&
		junk_bits_count((uint32_t)people | (uint32_t)(people >> 32)) >=
		learner->set.min_reporters;
}

void learner_publish_all(struct junk_learner *learner)
{
	size_t global_count = (size_t)1 << learner->global.log2;
	size_t personal_count = (size_t)1 << learner->personal.log2;

	for (size_t i = 0; i < global_count; i++) {
		if (global_is_public(learner, i)) {
			weight_publish(&learner->published[i],
				       &learner->global, i,
				       global_flags(learner, i));
		} else
			learner->published[i] = 0;
	}
	for (size_t i = 0; i < personal_count; i++) {
		weight_publish(&learner->published[global_count + i],
			       &learner->personal, i,
			       learner->personal_flags[i]);
	}
}

void junk_learner_set_published(struct junk_learner *learner,
				int16_t *weights)
{
	if (weights != NULL) {
		learner->published = weights;
		i_free(learner->own_published);
	} else if (learner->own_published == NULL) {
		learner->own_published =
			i_malloc(junk_learner_weights_size(learner));
		learner->published = learner->own_published;
	}
	learner_publish_all(learner);
}

void junk_learner_model(struct junk_learner *learner,
			struct junk_model *model_r)
{
	i_zero(model_r);
	model_r->weights = learner->published;
	model_r->global_log2 = learner->global.log2;
	model_r->personal_log2 = learner->personal.log2;
	model_r->seed = learner->set.seed;
	model_r->cal_a = 1;
	model_r->cal_b = learner->claims.shift;
	model_r->claim_sum = learner->claims.sum;
	model_r->familiar_words = learner->claims.familiar_words;
	model_r->familiar_form = learner->claims.familiar_form;
	model_r->copies = &learner->copies;
	model_r->spam_count = learner->spam_count;
	model_r->ham_count = learner->ham_count;
	model_r->min_reports = learner->set.min_reports;
	model_r->min_evidence = learner->set.min_evidence;
}

/* --- learning --- */

/* splitmix64 (Steele et al. 2014): the same everywhere, part of the state */
static uint64_t random_next(struct junk_learner *learner)
{
	uint64_t x = (learner->random_state += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

unsigned int
learner_random_below(struct junk_learner *learner, unsigned int limit)
{
	return random_next(learner) % limit;
}

/* Compute the indexes of the report's weights and prefetch the weights. */
void learner_example_init(struct junk_learner *learner, uint64_t person,
	     const junk_token_t *tokens, unsigned int count,
	     struct learner_example *example_r)
{
	count = I_MIN(count, JUNK_MAX_TOKENS);
	example_r->count = count;
	example_r->shared = FALSE;
	example_r->worth = 1;
	for (unsigned int i = 0; i < count; i++) {
		uint32_t gidx = junk_model_hash_index(
			learner->set.seed, learner->global.log2, tokens[i]);
		uint32_t pidx = junk_model_hash_index(
			person, learner->personal.log2, tokens[i]);

		__builtin_prefetch(&learner->global.weights[gidx], 1);
		__builtin_prefetch(&learner->reporters[gidx]);
		__builtin_prefetch(&learner->personal.weights[pidx], 1);
		example_r->global_idx[i] = gidx;
		example_r->personal_idx[i] = pidx;
	}
}

/* Returns the factor, 0 to 1, of a spam report's step of a shared weight. */
static float people_say(uint64_t people)
{
	unsigned int ham_count = junk_bits_count((uint32_t)people);
	unsigned int spam_count = junk_bits_count(people >> 32);
	float part;

	if (spam_count >= ham_count)
		return 1;
	part = (spam_count + SAY_PRIOR) / (ham_count + SAY_PRIOR);
	return part * part;
}

/* A few people who report a newsletter as spam must not remove it from the inboxes
   of the many who have reported it as ham. So the report's steps shrink, as far as
   the shared weights classify the message as ham. Reports of ham never shrink:
   they are rare, and a false positive is worse than a false negative. */
static void
example_yield(const struct junk_learner *learner,
	      struct learner_example *example)
{
	float sum = 0, part;

	for (unsigned int i = 0; i < example->count; i++) {
		if (example->public[i]) {
			sum += learner->global.weights[
				example->global_idx[i]].weight *
				example->global_scale[i];
		}
	}
	if (sum >= 0)
		return;
	part = I_MIN(-sum / SAY_SURE_SUM, 1);
	for (unsigned int i = 0; i < example->count; i++) {
		float say = people_say(
			learner->reporters[example->global_idx[i]]);

		example->say[i] *= 1 - part * (1 - say);
	}
}

/* Compute each weight's factor in the sum, and draw its part at random. */
void learner_example_prepare(struct junk_learner *learner, bool spam,
		const junk_token_t *tokens, struct learner_example *example_r)
{
	unsigned int counts[JUNK_TOKEN_SOURCE_COUNT];
	float scales[JUNK_TOKEN_SOURCE_COUNT];
	uint32_t salt = random_next(learner);

	junk_model_count(tokens, example_r->count, counts);
	junk_model_scales(counts, scales);
	for (unsigned int i = 0; i < example_r->count; i++) {
		junk_token_t token = tokens[i];
		uint32_t mixed = ((uint32_t)token ^ salt) * 0x9e3779b1U;

		example_r->global_scale[i] = scales[junk_token_source(token)] *
			table_trust(&learner->global, example_r->global_idx[i]);
		example_r->personal_scale[i] =
			scales[junk_token_source(token)] *
			table_trust(&learner->personal,
				    example_r->personal_idx[i]);
		example_r->view[i] = ((uint64_t)mixed * VIEWS) >> 32;
		example_r->public[i] =
			global_is_public(learner, example_r->global_idx[i]);
		example_r->say[i] = example_r->worth;
	}
	if (spam)
		example_yield(learner, example_r);
}

/* The sum that a reader would get, without rounding. */
double learner_example_sum(const struct junk_learner *learner,
	    struct learner_example *example)
{
	double sum = 0;

	for (unsigned int i = 0; i < VIEWS; i++)
		example->view_sum[i] = 0;
	for (unsigned int i = 0; i < example->count; i++) {
		float part = example->shared ? 0 :
			learner->personal.weights[
				example->personal_idx[i]].weight *
			example->personal_scale[i];

		if (example->shared || example->public[i]) {
			part += learner->global.weights[
				example->global_idx[i]].weight *
				example->global_scale[i];
		}
		example->view_sum[example->view[i]] += part;
	}
	for (unsigned int i = 0; i < VIEWS; i++)
		sum += example->view_sum[i];
	return sum;
}

double learner_example_shared_sum(const struct junk_learner *learner,
				  const struct learner_example *example)
{
	unsigned int known = 0;
	double sum = 0;

	for (unsigned int i = 0; i < example->count; i++) {
		float weight = learner->global.weights[
			example->global_idx[i]].weight;

		if (!example->public[i] || weight == 0)
			continue;
		known++;
		sum += weight * example->global_scale[i];
	}
	return known < learner->set.min_evidence ? -INFINITY : sum;
}

static double noise_rate(const struct junk_learner *learner,
			 struct learner_noise *noise_r)
{
	double spam = learner->spam_count, ham = learner->ham_count;
	double known = I_MIN(spam, ham);
	double noise = NOISE_FACTOR *
		(learner->wrong_count + NOISE_MIN * NOISE_PRIOR_REPORTS) /
		(learner->sure_count + NOISE_PRIOR_REPORTS);

	noise = I_MIN(I_MAX(noise, NOISE_MIN), NOISE_MAX);
	noise *= I_MIN(known, NOISE_WARMUP_REPORTS) / NOISE_WARMUP_REPORTS;
	/* Most labels of a rare class are right. */
	noise_r->ham = I_MIN(noise, NOISE_RARE_CLASS * spam / (ham + 1));
	noise_r->spam = I_MIN(noise, NOISE_RARE_CLASS * ham / (spam + 1));
	return noise;
}

static void
noise_learn(struct junk_learner *learner, double sum, bool spam, double worth)
{
	double keep = 1 - worth / NOISE_REPORTS;

	if (fabs(sum) <= NOISE_SURE_SUM)
		return;
	learner->sure_count = learner->sure_count * keep + worth;
	learner->wrong_count *= keep;
	if ((sum > 0) != spam)
		learner->wrong_count += worth;
}

void learner_step_init(const struct junk_learner *learner, double rate,
		       struct learner_step *step_r)
{
	double noise = noise_rate(learner, &step_r->noise);

	step_r->rate = rate;
	step_r->epsilon = LEARN_EPSILON + LEARN_EPSILON_NOISE * noise;
	step_r->disbelief = REPLAY_DISBELIEF - REPLAY_DOUBT * noise;
}

static double
example_error(double sum, double label, const struct learner_noise *noise)
{
	double p = 1 / (1 + exp(-sum));
	double slope = 1 - noise->ham - noise->spam;
	double q = slope * p + noise->ham;

	/* the limit without noise; q (1 - q) may be 0 */
	if (q * (1 - q) < 1e-9)
		return label - p;
	return slope * p * (1 - p) * (label - q) / (q * (1 - q));
}

static inline void
weight_step(struct learner_weight *w, float gradient, float rate,
	    float epsilon)
{
	w->square += gradient * gradient;
	w->weight += rate * (gradient - LEARN_DECAY * w->weight) /
		(sqrtf(w->square) + epsilon);
	if (w->weight > MAX_WEIGHT)
		w->weight = MAX_WEIGHT;
	else if (w->weight < -MAX_WEIGHT)
		w->weight = -MAX_WEIGHT;
}

static float personal_rate(bool public, float say)
{
	return !public ? 1 : PERSONAL_RATE +
		(PERSONAL_OVERRULED_RATE - PERSONAL_RATE) * (1 - say);
}

/* Take one step. learner_example_sum() must have been called before. */
void learner_example_learn(struct junk_learner *learner,
	      const struct learner_example *example,
	      const struct learner_step *step)
{
	struct learner_table *global = &learner->global;
	struct learner_table *personal = &learner->personal;
	int16_t *published_personal =
		learner->published + ((size_t)1 << global->log2);
	float errors[VIEWS];

	for (unsigned int i = 0; i < VIEWS; i++) {
		errors[i] = step->weight *
			example_error(VIEWS * example->view_sum[i],
				      step->label, &step->noise);
	}
	for (unsigned int i = 0; i < example->count; i++) {
		uint32_t gidx = example->global_idx[i];
		uint32_t pidx = example->personal_idx[i];
		float error = errors[example->view[i]];
		bool public = example->public[i];
		float say = example->say[i];

		if (example->shared && !example->learned[i])
			continue;
		weight_step(&global->weights[gidx],
			    error * example->global_scale[i], step->rate * say,
			    step->epsilon);
		if (public && learner->fit == NULL) {
			weight_publish(&learner->published[gidx], global,
				       gidx,
				       global_flags(learner, gidx));
		}
		if (example->shared)
			continue;
		weight_step(&personal->weights[pidx],
			    error * example->personal_scale[i],
			    step->rate * personal_rate(public, say),
			    step->epsilon);
		if (learner->fit == NULL) {
			weight_publish(&published_personal[pidx], personal,
				       pidx, learner->personal_flags[pidx]);
		}
	}
}

bool learner_class_is_rare(const struct junk_learner *learner, bool spam)
{
	double own = spam ? learner->spam_count : learner->ham_count;
	double other = spam ? learner->ham_count : learner->spam_count;

	return own < other * RARE_CLASS;
}

/* Reports of a rare class are believed whatever their sum is. */
bool learner_is_believed(const struct junk_learner *learner, bool spam, double sum,
		   double disbelief)
{
	return (spam ? sum >= -disbelief : sum <= disbelief) ||
		learner_class_is_rare(learner, spam);
}

double learner_balance(const struct junk_learner *learner, bool spam)
{
	double own = BALANCE_PRIOR +
		(spam ? learner->spam_count : learner->ham_count);
	double other = BALANCE_PRIOR +
		(spam ? learner->ham_count : learner->spam_count);

	return other >= own ? 1 : pow(other / own, BALANCE_POWER);
}

static int token_cmp(const junk_token_t *t1, const junk_token_t *t2)
{
	return *t1 < *t2 ? -1 : (*t1 > *t2 ? 1 : 0);
}

/* Learn the common tokens of the example and of a remembered report of the same
   text. */
static void
learn_confirmed(struct junk_learner *learner, struct learner_example *example,
		const junk_token_t *tokens,
		const struct learner_memory *memory,
		const struct learner_step *confirmed_step)
{
	struct learner_step step = *confirmed_step;
	double noise = I_MAX(step.noise.ham, step.noise.spam);
	double enough = CONFIRM_SUM * (1 - CONFIRM_DOUBT * noise);
	junk_token_t sorted[JUNK_MAX_TOKENS];
	double sum;

	memcpy(sorted, memory->tokens, memory->token_count * sizeof(*sorted));
	i_qsort(sorted, memory->token_count, sizeof(*sorted), token_cmp);
	for (unsigned int i = 0; i < example->count; i++) {
		example->learned[i] =
			i_bsearch(&tokens[i], sorted, memory->token_count,
				  sizeof(*sorted), token_cmp) != NULL;
	}
	example->shared = TRUE;
	i_zero(&step.noise);
	for (unsigned int i = 0; i < CONFIRM_PASSES; i++) {
		sum = learner_example_sum(learner, example);
		if (step.label > 0 ? sum > enough : sum < -enough)
			break;
		learner_example_learn(learner, example, &step);
	}
}

/* Draw the class to replay: in proportion to its reports, but a rare class as often
   as the other one. */
static bool replay_class(struct junk_learner *learner)
{
	double spam = learner->spam_count;
	double part = spam / (spam + learner->ham_count);

	if (part < RARE_CLASS || part > 1 - RARE_CLASS)
		part = 0.5;
	return learner_random_below(learner, 1000) < part * 1000;
}

static void table_count(struct learner_table *table, size_t idx)
{
	if (table->counts[idx] < UINT8_MAX)
		table->counts[idx]++;
}

/* Count the report and its reporter at each of its weights. */
static void
example_count(struct junk_learner *learner, uint64_t person, bool spam,
	      const struct learner_example *example)
{
	const unsigned int half = spam ? 32 : 0;

	for (unsigned int i = 0; i < example->count; i++) {
		uint32_t idx = example->global_idx[i];

		learner->reporters[idx] |= UINT64_C(1) <<
			(half + junk_model_hash_index(person, 5, idx));
		table_count(&learner->global, idx);
		table_count(&learner->personal, example->personal_idx[i]);
	}
}

static void ham_seen_halve(struct junk_learner *learner)
{
	for (size_t i = 0; i < (size_t)1 << learner->global.log2; i++)
		learner->ham_seen[i] /= 2;
	learner->ham_seen_total /= 2;
}

/* Count the tokens of ham. example_count() must have been called before. */
static void
example_count_ham(struct junk_learner *learner, bool spam,
		  const struct learner_example *example)
{
	for (unsigned int i = 0; i < example->count; i++) {
		const uint32_t pidx = example->personal_idx[i];
		uint8_t *seen = &learner->ham_seen[example->global_idx[i]];

		if (!spam && *seen < UINT8_MAX)
			(*seen)++;
		learner->personal_flags[pidx] =
			*seen >= learner->familiar_min ?
			JUNK_WEIGHT_FAMILIAR : 0;
	}
	if (!spam && ++learner->ham_seen_total >= HAM_SEEN_MAX)
		ham_seen_halve(learner);
}

void learner_confirm(struct junk_learner *learner, bool spam,
		     const unsigned char *reporter,
		     const junk_token_t *tokens,
		     const struct junk_sketch *sketch,
		     struct learner_example *example,
		     const struct learner_step *step)
{
	const struct learner_memory *memory =
		learner_copies_confirm(learner, spam, reporter, sketch);

	if (memory != NULL)
		learn_confirmed(learner, example, tokens, memory, step);
}

void learner_learn_now(struct junk_learner *learner,
		       const struct junk_report *report, bool spam,
		       double weight)
{
	struct learner_example example;
	struct learner_memory what;
	struct learner_step step;
	uint64_t person = junk_model_person(learner->set.seed,
					    report->reporter);
	const bool trusted = weight >= 1;
	double sum;

	i_zero(&what);
	what.trust = weight;
	what.weight = weight *= learner_balance(learner, spam);
	learner_example_init(learner, person, report->tokens,
			     report->token_count, &example);
	example_count(learner, person, spam, &example);
	example_count_ham(learner, spam, &example);
	if (!learner->set.unlimited_shares && !junk_report_is_admins(report)) {
		example.worth =
			junk_shares_add(&learner->shares[spam], person);
	}
	learner_example_prepare(learner, spam, report->tokens, &example);
	sum = learner_example_sum(learner, &example);
	what.honest_sum = sum;
	what.honest_shared_sum = learner_example_shared_sum(learner, &example);
	what.honest_counts[FALSE] = learner->ham_count;
	what.honest_counts[TRUE] = learner->spam_count;
	noise_learn(learner, sum, spam, example.worth);

	learner_step_init(learner, learner_fit_is_of_use(learner) ?
			  YOUNG_RATE : LEARN_RATE, &step);
	step.label = spam ? 1 : 0;
	step.weight = weight;
	learner_example_learn(learner, &example, &step);
	junk_sketch_init(&what.sketch, report->tokens, report->token_count);
	if (trusted) {
		learner_confirm(learner, spam, report->reporter,
				report->tokens, &what.sketch, &example, &step);
	}
	if (spam)
		learner->spam_count++;
	else
		learner->ham_count++;

	if (example.worth >= 1 ||
	    learner_random_below(learner, 1 << 16) < example.worth * (1 << 16))
		learner_memory_add(learner, report, spam, &what);
	step.rate = REPLAY_RATE;
	for (unsigned int i = 0; i < REPLAY_COUNT; i++) {
		learner_memory_replay(learner, replay_class(learner), &step,
			      &example);
	}
	learner_fit_check(learner, spam);
}

static void
learner_queue(struct junk_learner *learner, const struct junk_report *report,
	      double weight)
{
	const unsigned int count = I_MIN(report->token_count, JUNK_MAX_TOKENS);
	struct learner_queued *queued =
		i_malloc(sizeof(*queued) + count * sizeof(junk_token_t));

	queued->report = *report;
	queued->weight = weight;
	memcpy(queued->tokens, report->tokens, count * sizeof(junk_token_t));
	queued->report.tokens = queued->tokens;
	queued->report.token_count = count;
	if (learner->queue_tail == NULL)
		learner->queue_head = queued;
	else
		learner->queue_tail->next = queued;
	learner->queue_tail = queued;
	learner->queue_count++;
}

static void
learner_learn(struct junk_learner *learner, const struct junk_report *report,
	      double weight)
{
	switch (report->verdict) {
	case JUNK_VERDICT_SPAM:
		learner_learn_now(learner, report, TRUE, weight);
		break;
	case JUNK_VERDICT_HAM:
		learner_learn_now(learner, report, FALSE, weight);
		break;
	case JUNK_VERDICT_WEAK_HAM:
		learner_learn_now(learner, report, FALSE,
				  weight * WEAK_HAM_WEIGHT);
		break;
	default:
		break;
	}
}

void junk_learner_learn(struct junk_learner *learner,
			const struct junk_report *report, double weight)
{
	if (learner->queue_count >= QUEUE_MAX)
		junk_learner_finish(learner);
	if (learner->fit != NULL || learner->queue_head != NULL) {
		learner_queue(learner, report, weight);
		return;
	}
	learner_learn(learner, report, weight);
	if (!learner->set.in_steps || learner_fit_is_short(learner))
		junk_learner_finish(learner);
}

bool junk_learner_is_busy(const struct junk_learner *learner)
{
	return learner->fit != NULL || learner->queue_head != NULL;
}

bool junk_learner_step(struct junk_learner *learner, unsigned int count)
{
	while (count > 0 && junk_learner_is_busy(learner)) {
		struct learner_queued *queued = learner->queue_head;

		count--;
		if (learner->fit != NULL) {
			learner_fit_step(learner);
			continue;
		}
		learner->queue_head = queued->next;
		if (learner->queue_head == NULL)
			learner->queue_tail = NULL;
		learner->queue_count--;
		learner_learn(learner, &queued->report, queued->weight);
		i_free(queued);
	}
	return junk_learner_is_busy(learner);
}

void junk_learner_finish(struct junk_learner *learner)
{
	while (junk_learner_step(learner, UINT_MAX)) ;
}

void junk_learner_take_back(struct junk_learner *learner,
			    const struct junk_report *report)
{
	const bool spam = report->verdict == JUNK_VERDICT_SPAM;
	struct junk_report opposite = *report;
	uint32_t spam_count, ham_count;

	junk_learner_forget(learner, report);
	spam_count = learner->spam_count;
	ham_count = learner->ham_count;
	opposite.verdict = spam ? JUNK_VERDICT_HAM : JUNK_VERDICT_SPAM;
	junk_learner_learn(learner, &opposite,
			   report->verdict == JUNK_VERDICT_WEAK_HAM ?
			   WEAK_UNDO_WEIGHT : 1);
	/* with what it has begun */
	junk_learner_forget(learner, report);
	/* exactly one report less, whatever the step has counted */
	learner->spam_count = spam_count - (spam && spam_count > 0 ? 1 : 0);
	learner->ham_count = ham_count - (!spam && ham_count > 0 ? 1 : 0);
	learner_fit_taken_back(learner);
}

/* A fit computes the weights of a young model anew from the whole replay buffer. Its
   result does not depend on the order in which the classes were reported.

   Online steps alone let the most recent reports dominate a young model: AdaGrad's
   first step of a weight has the same length for every report, and tokens that are
   common to all mail follow the class that is reported in a burst. So while the
   replay buffer holds all reports of a class, the weights are fitted again whenever
   the reports have grown by a factor. A fit goes over the reports FIT_PASSES times,
   both classes interleaved in proportion, each in the order of its reports.

   Before that, a fit does cross-validation: for each of FIT_FOLDS folds, a model is
   fitted without the reports of the fold and then applied to them. These honest sums
   determine the claims (junk-claims.h). Copies of a message are in the same fold.

   A fit of 2,000 reports takes a few hundred milliseconds. It is done in steps of one
   report (learner_fit_step()). Readers use the previous weights meanwhile, and new
   reports are queued, so that the result does not depend on the timing of steps. */

#include "lib.h"
#include "sort.h"
#include "junk-learner-private.h"

#include <math.h>

#define FIT_FOLDS 3
#define FIT_PASSES 2
#define FIT_RATE 0.5
/* A fit is due when a class, or both together, have grown by this factor. Up to so
   many reports, one is due after each report. */
#define FIT_GROWTH 1.2
#define FIT_ALWAYS 10
/* A fit of at most so many reports is completed at once. */
#define FIT_SHORT 40
/* With fewer reports of either class, all labels are believed. The first pass
   believes all as well. */
#define FIT_BELIEVED_REPORTS 20
/* With more reports of spam for each one of ham, and more than so many reports in
   all, online steps give a better ranking than a fit. */
#define FIT_RARE_HAM 4
#define FIT_FEW_REPORTS 100
/* A class with more than MEMORY_REPORTS reports is fitted, as a sample, only if the
   other class is rarer by this factor. */
#define FIT_RARE_CLASS 10
/* Claims are computed again when reports have grown by this factor, or after so
   many reports. */
#define CLAIMS_GROWTH 1.05
#define CLAIMS_REPORTS 100
/* A person's bit among those who have reported spam. */
#define REPORTERS_LOG2 14
/* All weak reports of ham are used if people who report spam have made less than this
   part of the reports of ham. */
#define EXAMINED_PART 10

struct spam_reporters {
	bool bits[1 << REPORTERS_LOG2];
};

struct fit_report {
	struct learner_memory *memory;
	uint64_t message;
	double place;
	unsigned int fold;
	bool spam;
};

/* A fit in progress. The last fold, FIT_FOLDS, leaves no reports out. */
struct learner_fit {
	struct fit_report *reports;
	unsigned int count;
	/* Position. An additional last pass applies the model to its fold. */
	unsigned int fold, pass, next;
	/* The learner's state, restored at the end */
	uint64_t random_state;
	struct learner_step step;
};

/* --- reports --- */

static int
fit_message_cmp(const struct fit_report *r1, const struct fit_report *r2)
{
	if (r1->spam != r2->spam)
		return r1->spam ? 1 : -1;
	if (r1->message != r2->message)
		return r1->message < r2->message ? -1 : 1;
	return r1->memory->number < r2->memory->number ? -1 : 1;
}

static int
fit_number_cmp(const struct fit_report *r1, const struct fit_report *r2)
{
	return r1->memory->number < r2->memory->number ? -1 : 1;
}

static int
fit_place_cmp(const struct fit_report *r1, const struct fit_report *r2)
{
	if (r1->place != r2->place)
		return r1->place < r2->place ? -1 : 1;
	return (int)r2->spam - (int)r1->spam;
}

/* Returns a keyed hash of the message. */
static uint64_t
message_number(const struct junk_learner *learner,
	       const struct learner_memory *memory)
{
	return junk_model_person(learner->set.seed, memory->digest);
}

static void fit_collect(struct junk_learner *learner, struct learner_fit *fit)
{
	for (unsigned int spam = 0; spam < 2; spam++) {
		for (unsigned int i = 0; i < learner->memory_count[spam]; i++) {
			struct fit_report *report = &fit->reports[fit->count++];

			report->memory = &learner->memory[spam][i];
			report->message = message_number(learner,
							 report->memory);
			report->spam = spam != 0;
		}
	}
}

static void fit_order(struct junk_learner *learner, struct learner_fit *fit)
{
	unsigned int places[2] = { 0, 0 }, message = 0;

	i_qsort(fit->reports, fit->count, sizeof(*fit->reports),
		fit_message_cmp);
	for (unsigned int i = 0; i < fit->count; i++) {
		struct fit_report *report = &fit->reports[i];

		if (i > 0 && report->message != report[-1].message)
			message++;
		report->fold = message % FIT_FOLDS;
	}
	i_qsort(fit->reports, fit->count, sizeof(*fit->reports),
		fit_number_cmp);
	for (unsigned int i = 0; i < fit->count; i++) {
		struct fit_report *report = &fit->reports[i];

		report->place = (places[report->spam]++ + 0.5) /
			learner->memory_count[report->spam];
	}
	i_qsort(fit->reports, fit->count, sizeof(*fit->reports),
		fit_place_cmp);
}

/* --- steps --- */

static void
fit_clear_weights(struct junk_learner *learner)
{
	memset(learner->global.weights, 0,
	       sizeof(struct learner_weight) << learner->global.log2);
	memset(learner->personal.weights, 0,
	       sizeof(struct learner_weight) << learner->personal.log2);
}

static void
fit_example(struct junk_learner *learner, const struct fit_report *report,
	    struct learner_example *example_r)
{
	const struct learner_memory *memory = report->memory;

	learner_example_init(learner, junk_model_person(learner->set.seed,
							memory->reporter),
			     memory->tokens, memory->token_count, example_r);
	learner_example_prepare(learner, report->spam, memory->tokens,
				example_r);
}

static void
fit_learn(struct junk_learner *learner, const struct fit_report *report)
{
	struct learner_fit *fit = learner->fit;
	const struct learner_memory *memory = report->memory;
	const unsigned int fewer = I_MIN(learner->memory_count[FALSE],
					 learner->memory_count[TRUE]);
	struct learner_example example;
	double sum;

	fit_example(learner, report, &example);
	sum = learner_example_sum(learner, &example);
	if (fit->pass > 0 && fewer >= FIT_BELIEVED_REPORTS &&
	    !learner_is_believed(learner, report->spam, sum,
				 fit->step.disbelief))
		return;
	fit->step.label = report->spam ? 1 : 0;
	fit->step.weight = memory->trust *
		learner_balance(learner, report->spam);
	learner_example_learn(learner, &example, &fit->step);
	if (fit->fold == FIT_FOLDS && fit->pass == FIT_PASSES - 1 &&
	    memory->trust >= 1) {
		learner_confirm(learner, report->spam, memory->reporter,
				memory->tokens, &memory->sketch, &example,
				&fit->step);
	}
}

static void
fit_ask(struct junk_learner *learner, const struct fit_report *report)
{
	struct learner_memory *memory = report->memory;
	struct learner_example example;

	fit_example(learner, report, &example);
	memory->honest_sum = learner_example_sum(learner, &example);
	memory->honest_shared_sum =
		learner_example_shared_sum(learner, &example);
	memory->honest_counts[FALSE] = learner->ham_count;
	memory->honest_counts[TRUE] = learner->spam_count;
}

/* Replace the estimate of label noise by that of the honest sums if the latter is
   lower: bursts of one class inflate the online estimate. */
static void fit_update_noise(struct junk_learner *learner)
{
	const struct learner_fit *fit = learner->fit;
	double sure = 0, wrong = 0;

	for (unsigned int i = 0; i < fit->count; i++) {
		const struct fit_report *report = &fit->reports[i];

		if (fabsf(report->memory->honest_sum) <= NOISE_SURE_SUM)
			continue;
		sure++;
		if ((report->memory->honest_sum > 0) != report->spam)
			wrong++;
	}
	if ((wrong + 1) * (learner->sure_count + NOISE_PRIOR_REPORTS) <
	    (learner->wrong_count + 1) * (sure + NOISE_PRIOR_REPORTS)) {
		learner->sure_count = sure;
		learner->wrong_count = wrong;
	}
}

void learner_fit_cancel(struct junk_learner *learner)
{
	struct learner_queued *queued;

	if (learner->fit != NULL) {
		i_free(learner->fit->reports);
		i_free(learner->fit);
	}
	while ((queued = learner->queue_head) != NULL) {
		learner->queue_head = queued->next;
		i_free(queued);
	}
	learner->queue_tail = NULL;
	learner->queue_count = 0;
}

static void fit_end(struct junk_learner *learner)
{
	learner->random_state = learner->fit->random_state;
	i_free(learner->fit->reports);
	i_free(learner->fit);
	learner_update_claims(learner);
	learner_publish_all(learner);
}

static void fit_next_pass(struct junk_learner *learner)
{
	struct learner_fit *fit = learner->fit;

	fit->next = 0;
	/* the last fold has no pass to apply the model */
	if (++fit->pass < FIT_PASSES + (fit->fold < FIT_FOLDS ? 1 : 0))
		return;
	fit->pass = 0;
	if (fit->fold++ == FIT_FOLDS) {
		fit_end(learner);
		return;
	}
	if (fit->fold == FIT_FOLDS)
		fit_update_noise(learner);
	learner_step_init(learner, FIT_RATE, &fit->step);
	fit_clear_weights(learner);
}

void learner_fit_step(struct junk_learner *learner)
{
	struct learner_fit *fit = learner->fit;
	const struct fit_report *report = &fit->reports[fit->next++];

	if (fit->pass == FIT_PASSES) {
		if (report->fold == fit->fold)
			fit_ask(learner, report);
	} else if (report->fold != fit->fold) {
		fit_learn(learner, report);
	}
	if (fit->next == fit->count)
		fit_next_pass(learner);
}

static void fit_begin(struct junk_learner *learner)
{
	struct learner_fit *fit = i_new(struct learner_fit, 1);

	fit->reports = i_new(struct fit_report,
			     learner->memory_count[FALSE] +
			     learner->memory_count[TRUE]);
	fit_collect(learner, fit);
	if (fit->count == 0) {
		i_free(fit->reports);
		i_free(fit);
		return;
	}
	fit_order(learner, fit);
	fit->random_state = learner->random_state;
	learner->random_state = learner->set.seed;
	learner_step_init(learner, FIT_RATE, &fit->step);
	learner->fit = fit;
	fit_clear_weights(learner);
}

bool learner_fit_is_short(const struct junk_learner *learner)
{
	return learner->fit != NULL && learner->fit->count <= FIT_SHORT;
}

/* --- schedule --- */

/* Has a number of reports grown by the factor? reached: the highest number before.
   A number that goes up and down, because reports are taken back, hasn't grown. */
static bool has_grown(uint32_t count, uint32_t reached, double factor)
{
	return count <= FIT_ALWAYS || (count > reached &&
		(unsigned int)(log(count) / log(factor)) !=
		(unsigned int)(log(count - 1) / log(factor)));
}

bool learner_fit_is_of_use(const struct junk_learner *learner)
{
	const uint32_t ham = learner->ham_count, spam = learner->spam_count;
	const uint32_t fewer = I_MIN(ham, spam), more = I_MAX(ham, spam);

	if (fewer == 0 || fewer > MEMORY_REPORTS)
		return FALSE;
	if (more > MEMORY_REPORTS && fewer > more / FIT_RARE_CLASS)
		return FALSE;
	return ham + spam <= FIT_FEW_REPORTS || ham >= spam / FIT_RARE_HAM;
}

void learner_fit_check(struct junk_learner *learner, bool spam)
{
	const uint32_t all = learner->ham_count + learner->spam_count;
	const uint32_t own = spam ? learner->spam_count : learner->ham_count;
	const uint32_t all_reached = learner->all_reached;
	const uint32_t own_reached = learner->reached[spam];

	learner->all_reached = I_MAX(all, all_reached);
	learner->reached[spam] = I_MAX(own, own_reached);
	if (learner_fit_is_of_use(learner) &&
	    (has_grown(all, all_reached, FIT_GROWTH) ||
	     has_grown(own, own_reached, FIT_GROWTH)))
		fit_begin(learner);
	else if (has_grown(all, all_reached, CLAIMS_GROWTH) ||
		 has_grown(own, own_reached, CLAIMS_GROWTH) ||
		 all % CLAIMS_REPORTS == 0)
		learner_update_claims(learner);
}

/* After many reports were taken back, a fit is worth its time again. */
static void limit_reached(uint32_t *reached, uint32_t count)
{
	if (*reached > count * FIT_GROWTH)
		*reached = count;
}

void learner_fit_taken_back(struct junk_learner *learner)
{
	limit_reached(&learner->reached[FALSE], learner->ham_count);
	limit_reached(&learner->reached[TRUE], learner->spam_count);
	limit_reached(&learner->all_reached,
		      learner->ham_count + learner->spam_count);
}

/* --- claims --- */

/* Compute the familiarity of a ham report, without counting the report itself. */
static void
ham_familiarity(const struct junk_learner *learner,
		const struct learner_memory *memory,
		struct junk_claims_report *report_r)
{
	unsigned int familiar[JUNK_TOKEN_SOURCE_COUNT] = { 0 };
	unsigned int counts[JUNK_TOKEN_SOURCE_COUNT];

	for (unsigned int i = 0; i < memory->token_count; i++) {
		size_t idx = junk_model_hash_index(learner->set.seed,
						   learner->global.log2,
						   memory->tokens[i]);

		if (learner->ham_seen[idx] > learner->familiar_min)
			familiar[junk_token_source(memory->tokens[i])]++;
	}
	junk_model_count(memory->tokens, memory->token_count, counts);
	junk_model_familiarity(counts, familiar, &report_r->familiar_words,
			       &report_r->familiar_form);
}

/* Note the people who have reported spam. */
static void
spam_reporters_init(const struct junk_learner *learner,
		    struct spam_reporters *reporters_r)
{
	i_zero(reporters_r);
	for (unsigned int i = 0; i < learner->memory_count[TRUE]; i++) {
		const uint64_t person = junk_model_person(learner->set.seed,
			learner->memory[TRUE][i].reporter);

		reporters_r->bits[person >> (64 - REPORTERS_LOG2)] = TRUE;
	}
}

/* Has the person of this report also reported spam? Such a person would have
   reported this message too if it were spam. */
static bool
reports_spam(const struct junk_learner *learner,
	     const struct spam_reporters *reporters,
	     const struct learner_memory *memory)
{
	const uint64_t person = junk_model_person(learner->set.seed,
						  memory->reporter);

	return reporters->bits[person >> (64 - REPORTERS_LOG2)] ||
		junk_shares_count(&learner->shares[TRUE], person) > 0;
}

/* Kept mail contains spam that nobody has reported yet. Its sums must not count as
   sums of ham: the claims would begin where most spam doesn't reach. So weak reports
   don't count by people who never report spam, unless hardly any others are left,
   nor of texts that at least as many people have reported as spam. */
static void
claims_mark_ham(struct junk_learner *learner)
{
	const unsigned int count = learner->memory_count[FALSE];
	struct spam_reporters reporters;
	unsigned int examined = 0;

	spam_reporters_init(learner, &reporters);
	for (unsigned int i = 0; i < count; i++) {
		struct learner_memory *memory = &learner->memory[FALSE][i];

		memory->doubtful = memory->trust < 1 &&
			!reports_spam(learner, &reporters, memory);
		examined += memory->doubtful ? 0 : 1;
	}
	for (unsigned int i = 0; i < count; i++) {
		struct learner_memory *memory = &learner->memory[FALSE][i];

		if (examined * EXAMINED_PART < count)
			memory->doubtful = FALSE;
		if (memory->trust < 1 && !memory->doubtful &&
		    memory->honest_sum > 0)
			memory->doubtful = learner_copies_are_spam(learner, i);
	}
}

/* Collect the honest sums of a class, except those by models with less than half of
   the present reports. */
static unsigned int
claims_collect(const struct junk_learner *learner, bool spam,
	       struct junk_claims_report *reports)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < learner->memory_count[spam]; i++) {
		const struct learner_memory *memory =
			&learner->memory[spam][i];
		struct junk_claims_report *report = &reports[count];

		if (memory->honest_counts[FALSE] < learner->ham_count / 2 ||
		    memory->honest_counts[TRUE] < learner->spam_count / 2 ||
		    (!spam && memory->doubtful))
			continue;
		report->sum = I_MAX(memory->honest_sum,
				    memory->honest_shared_sum);
		report->message = message_number(learner, memory);
		report->weak = memory->trust < 1;
		if (!spam)
			ham_familiarity(learner, memory, report);
		count++;
	}
	return count;
}

static void update_familiar_min(struct junk_learner *learner)
{
	uint32_t min = learner->ham_seen_total * FAMILIAR_PER_MILLE / 1000;

	learner->familiar_min = I_MAX(I_MIN(min, UINT8_MAX - 1), FAMILIAR_MIN);
}

void learner_update_claims(struct junk_learner *learner)
{
	struct junk_claims_report *ham, *spam;
	unsigned int ham_count, spam_count;

	update_familiar_min(learner);
	claims_mark_ham(learner);
	ham = i_new(struct junk_claims_report,
		    learner->memory_count[FALSE] + 1);
	spam = i_new(struct junk_claims_report,
		     learner->memory_count[TRUE] + 1);
	ham_count = claims_collect(learner, FALSE, ham);
	spam_count = claims_collect(learner, TRUE, spam);
	junk_claims_compute(ham, ham_count, spam, spam_count,
			    &learner->claims);
	i_free(ham);
	i_free(spam);
}

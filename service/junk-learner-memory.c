/* The replay buffer: recent reports of each class, which are learned again. It
   also decides which texts are near copies of reported ones. */

#include "lib.h"
#include "junk-learner-private.h"

void learner_memory_clear(struct junk_learner *learner)
{
	for (unsigned int spam = 0; spam < 2; spam++) {
		for (unsigned int i = 0; i < learner->memory_count[spam]; i++)
			i_free(learner->memory[spam][i].tokens);
		learner->memory_count[spam] = 0;
	}
	i_zero(&learner->copies);
}

void learner_memory_add(struct junk_learner *learner,
			const struct junk_report *report, bool spam,
			const struct learner_memory *what)
{
	struct learner_memory *memory;
	unsigned int idx = learner->memory_count[spam];

	if (idx < MEMORY_REPORTS)
		learner->memory_count[spam]++;
	else {
		idx = learner_random_below(learner, MEMORY_REPORTS);
		i_free(learner->memory[spam][idx].tokens);
	}
	memory = &learner->memory[spam][idx];
	*memory = *what;
	memcpy(memory->reporter, report->reporter, sizeof(memory->reporter));
	memcpy(memory->digest, report->digest, sizeof(memory->digest));
	memory->number = learner->next_number++;
	memory->day = (uint32_t)I_MIN(report->stamp_usecs / DAY_USECS,
				      UINT32_MAX - 1);
	memory->token_count = I_MIN(report->token_count, JUNK_MAX_TOKENS);
	memory->tokens = i_new(junk_token_t, memory->token_count + 1);
	memcpy(memory->tokens, report->tokens,
	       memory->token_count * sizeof(junk_token_t));
	learner_copies_add(learner, spam, idx);
}

void learner_memory_replay(struct junk_learner *learner, bool spam,
			   struct learner_step *step,
			   struct learner_example *example)
{
	const struct learner_memory *memory;
	double sum;

	if (learner->memory_count[spam] == 0)
		return;
	memory = &learner->memory[spam][
		learner_random_below(learner, learner->memory_count[spam])];
	learner_example_init(learner, junk_model_person(learner->set.seed,
						memory->reporter),
		     memory->tokens, memory->token_count, example);
	learner_example_prepare(learner, spam, memory->tokens, example);
	sum = learner_example_sum(learner, example);
	if (!learner_is_believed(learner, spam, sum, step->disbelief))
		return;
	step->label = spam ? 1 : 0;
	step->weight = memory->weight;
	learner_example_learn(learner, example, step);
}

/* Selects the reports to forget. NULL selects all. */
struct learner_forget {
	const unsigned char *reporter, *digest;
	uint32_t before_day;
};

static bool memory_is_meant(const struct learner_memory *memory,
			    const struct learner_forget *forget)
{
	return memory->day < forget->before_day &&
		(forget->reporter == NULL ||
		 memcmp(memory->reporter, forget->reporter,
			sizeof(memory->reporter)) == 0) &&
		(forget->digest == NULL ||
		 memcmp(memory->digest, forget->digest,
			sizeof(memory->digest)) == 0);
}

/* Returns the number of reports that were removed. */
static unsigned int
memory_forget(struct junk_learner *learner, bool spam,
	      const struct learner_forget *forget)
{
	const unsigned int old_count = learner->memory_count[spam];
	struct learner_memory *memory;
	struct junk_sketch gone;

	for (unsigned int i = 0; i < learner->memory_count[spam]; ) {
		memory = &learner->memory[spam][i];
		if (!memory_is_meant(memory, forget)) {
			i++;
			continue;
		}
		i_free(memory->tokens);
		learner->memory_count[spam]--;
		gone = memory->sketch;
		*memory = learner->memory[spam][learner->memory_count[spam]];
		learner_copies_write(learner, spam, i);
		learner_copies_write(learner, spam,
				     learner->memory_count[spam]);
		if (spam)
			learner_copies_forget(learner, &gone);
	}
	return old_count - learner->memory_count[spam];
}

void junk_learner_forget(struct junk_learner *learner,
			 const struct junk_report *report)
{
	const struct learner_forget forget = {
		.reporter = report->reporter,
		.digest = report->digest,
		.before_day = UINT32_MAX,
	};

	junk_learner_finish(learner);
	(void)memory_forget(learner, FALSE, &forget);
	(void)memory_forget(learner, TRUE, &forget);
}

unsigned int
junk_learner_forget_many(struct junk_learner *learner,
			 const unsigned char *reporter, uint32_t before_day)
{
	const struct learner_forget forget = {
		.reporter = reporter,
		.before_day = before_day,
	};

	junk_learner_finish(learner);
	return memory_forget(learner, FALSE, &forget) +
		memory_forget(learner, TRUE, &forget);
}

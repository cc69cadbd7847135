/* Near copies in the replay buffer (junk-sketch.h). Two people who report the same
   text are hardly both wrong, and a near copy of reported spam may be claimed to be
   spam from the first report on, before the weights have learned anything.

   Outlines of the reports are published in two ways. A person's own reports are
   published under the person's key, so that only the person's processes can compare
   them with a message. Texts that min_reporters people have reported as spam and
   nobody as ham are published under the seed. */

#include "lib.h"
#include "junk-learner-private.h"

/* Maximum number of people that are counted, and so the maximum of min_reporters
   for texts. */
#define COPIES_MAX_REPORTERS 64

/* Returns TRUE if the sketches of two outlines may be near copies. The loop has
   no branches, so that the compiler vectorises it. */
static bool outline_may_be_same(const struct junk_outline *outline1,
				const struct junk_outline *outline2)
{
	uint8_t same = 0;

	for (unsigned int i = 0; i < JUNK_SKETCH_PLACES; i++) {
		uint8_t min1 = outline1->places[i], min2 = outline2->places[i];

		same += (min1 != 0) & (min1 == min2);
	}
	return same >= JUNK_SKETCH_MIN_SAME;
}

/* Returns the next near copy among the reports of a class from *pos on, or NULL. */
static struct learner_memory *
memory_next_same(struct junk_learner *learner, bool spam,
		 const struct junk_sketch *sketch,
		 const struct junk_outline *outline, unsigned int *pos)
{
	const unsigned int count = learner->memory_count[spam];

	while (*pos < count) {
		unsigned int i = (*pos)++;

		if (outline_may_be_same(&learner->outlines[spam][i], outline) &&
		    junk_sketch_is_same(&learner->memory[spam][i].sketch, sketch))
			return &learner->memory[spam][i];
	}
	return NULL;
}

const struct learner_memory *
learner_copies_confirm(struct junk_learner *learner, bool spam,
		const unsigned char *reporter,
		const struct junk_sketch *sketch)
{
	const struct learner_memory *memory;
	struct junk_outline outline;
	unsigned int pos = 0;

	if (learner_class_is_rare(learner, !spam))
		return NULL;
	junk_sketch_outline(sketch, learner->set.seed, &outline);
	if (memory_next_same(learner, !spam, sketch, &outline, &pos) != NULL)
		return NULL;
	pos = 0;
	do {
		memory = memory_next_same(learner, spam, sketch, &outline,
					  &pos);
	} while (memory != NULL && memcmp(memory->reporter, reporter,
					  sizeof(memory->reporter)) == 0);
	return memory;
}

/* Publish the outlines of an index of the replay buffer, which may be unused. */
void learner_copies_write(struct junk_learner *learner, bool spam,
			  unsigned int idx)
{
	const struct learner_memory *memory = &learner->memory[spam][idx];
	struct junk_outlines *own = spam ? &learner->copies.own_spam :
		&learner->copies.own_ham;
	const bool used = idx < learner->memory_count[spam];
	struct junk_outline *outline = &learner->outlines[spam][idx];
	struct junk_outline own_outline;
	uint64_t person;

	/* the outline of an unused index is never read */
	if (used)
		junk_sketch_outline(&memory->sketch, learner->set.seed,
				    outline);
	if (spam) {
		junk_outlines_set(&learner->copies.shared_spam, idx,
				  used && memory->shared ? outline : NULL);
	}
	if (!used || !memory->own) {
		junk_outlines_set(own, idx, NULL);
		return;
	}
	person = junk_model_person(learner->set.seed, memory->reporter);
	junk_sketch_outline(&memory->sketch, person, &own_outline);
	junk_outlines_set(own, idx, &own_outline);
}

/* Returns TRUE if min_reporters people have reported this text as spam. */
static bool
copies_are_enough(struct junk_learner *learner,
		  const struct junk_sketch *sketch,
		  const struct junk_outline *outline)
{
	const unsigned int enough = I_MIN(learner->set.min_reporters,
					  COPIES_MAX_REPORTERS);
	const struct learner_memory *memory, *people[COPIES_MAX_REPORTERS];
	unsigned int pos = 0, count = 0, i;

	while (count < enough &&
	       (memory = memory_next_same(learner, TRUE, sketch, outline,
					  &pos)) != NULL) {
		for (i = 0; i < count; i++) {
			if (memcmp(people[i]->reporter, memory->reporter,
				   sizeof(memory->reporter)) == 0)
				break;
		}
		if (i == count)
			people[count++] = memory;
	}
	return count >= enough;
}

/* Withdraw outlines of the other class that a new report contradicts: the person's
   own ones, and the shared ones. Returns TRUE if there are reports of the same text
   as the other class. */
static bool
copies_contradict(struct junk_learner *learner, bool spam,
		  const struct learner_memory *last,
		  const struct junk_outline *outline)
{
	struct learner_memory *memory;
	unsigned int pos = 0;
	bool found = FALSE;

	while ((memory = memory_next_same(learner, !spam, &last->sketch,
					  outline, &pos)) != NULL) {
		const bool own = memory->own &&
			memcmp(memory->reporter, last->reporter,
			       sizeof(memory->reporter)) != 0;

		found = TRUE;
		if (own == memory->own && !memory->shared)
			continue;
		memory->own = own;
		memory->shared = FALSE;
		learner_copies_write(learner, !spam, pos - 1);
	}
	return found;
}

void learner_copies_add(struct junk_learner *learner, bool spam,
			unsigned int idx)
{
	struct learner_memory *memory = &learner->memory[spam][idx];
	const struct junk_outline *outline = &learner->outlines[spam][idx];

	memory->own = TRUE;
	memory->shared = FALSE;
	learner_copies_write(learner, spam, idx);
	if (copies_contradict(learner, spam, memory, outline) || !spam)
		return;
	memory->shared = copies_are_enough(learner, &memory->sketch, outline);
	if (memory->shared)
		learner_copies_write(learner, TRUE, idx);
}

static unsigned int
copies_count(struct junk_learner *learner, bool spam,
	     const struct junk_sketch *sketch,
	     const struct junk_outline *outline)
{
	unsigned int pos = 0, count = 0;

	while (memory_next_same(learner, spam, sketch, outline, &pos) != NULL)
		count++;
	return count;
}

bool learner_copies_are_spam(struct junk_learner *learner, unsigned int idx)
{
	const struct junk_sketch *sketch =
		&learner->memory[FALSE][idx].sketch;
	const struct junk_outline *outline = &learner->outlines[FALSE][idx];
	unsigned int spam = copies_count(learner, TRUE, sketch, outline);

	return spam > 0 &&
		spam >= copies_count(learner, FALSE, sketch, outline);
}

void learner_copies_forget(struct junk_learner *learner,
			   const struct junk_sketch *sketch)
{
	struct learner_memory *memory;
	struct junk_outline outline;
	unsigned int pos = 0;

	junk_sketch_outline(sketch, learner->set.seed, &outline);
	while ((memory = memory_next_same(learner, TRUE, sketch, &outline,
					  &pos)) != NULL) {
		if (!memory->shared ||
		    copies_are_enough(learner, &memory->sketch,
				      &learner->outlines[TRUE][pos - 1]))
			continue;
		memory->shared = FALSE;
		learner_copies_write(learner, TRUE, pos - 1);
	}
}

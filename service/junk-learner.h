#ifndef JUNK_LEARNER_H
#define JUNK_LEARNER_H

#include "junk-report.h"

/* The online learner: reports -> weights. Pure logic: no clock, no I/O, no
   random numbers; the same reports in the same order give the same weights.
   doc/classifier.md has formula, papers and figures. */

struct junk_learner;

struct junk_learner_settings {
	unsigned int global_log2, personal_log2;
	/* The key of token -> index; random for each database. An imported
	   snapshot brings its own. */
	uint64_t seed;
	/* A shared weight is published once this many different people stand
	   behind it. */
	unsigned int min_reporters;
	/* One person may teach the others as much as he likes, not only his
	   share (junk-shares.h); for bench/poisoning. */
	bool unlimited_shares;
	/* What takes long is done by junk_learner_step(), not by
	   junk_learner_learn(): for a service whose clients wait. The outcome
	   is the same. */
	bool in_steps;
	/* Copied into the model: see junk-model.h. */
	uint32_t min_reports, min_evidence;
};

/* Fill in the defaults (seed 0). */
void junk_learner_settings_init(struct junk_learner_settings *set_r);

struct junk_learner *
junk_learner_init(const struct junk_learner_settings *set);
void junk_learner_deinit(struct junk_learner **learner);

/* Where the published weights go: junk_learner_weights_size() bytes, kept by
   the caller until deinit or the next call, e.g. inside the segment; NULL =
   memory of our own again. Writes them all. Each weight is written whole
   (relaxed atomic store): readers need no lock. */
void junk_learner_set_published(struct junk_learner *learner,
				int16_t *weights);
size_t junk_learner_weights_size(struct junk_learner *learner);
/* The model as published, valid until the next change of the learner. */
void junk_learner_model(struct junk_learner *learner,
			struct junk_model *model_r);

/* Learn from a report of verdict spam, ham or weak ham; others are ignored.
   weight: 1 = a normal report, less for one that is trusted less. */
void junk_learner_learn(struct junk_learner *learner,
			const struct junk_report *report, double weight);
/* Is there something for junk_learner_step() to do? The model stays as it is until
   that is done; reports that come meanwhile are learned after it. */
bool junk_learner_is_busy(const struct junk_learner *learner);
/* Do so much of it as takes about as long as learning from count reports. Returns
   TRUE if there is more. */
bool junk_learner_step(struct junk_learner *learner, unsigned int count);
/* Do all of it. */
void junk_learner_finish(struct junk_learner *learner);
/* The report must not be learned from again (it was taken back or its verdict
   has changed): forget it in the memory of recent reports. To take back what
   it did to the weights as well, import an older snapshot and replay. */
void junk_learner_forget(struct junk_learner *learner,
			 const struct junk_report *report);
/* Take a report back that is too old for that: its own effect can't be told any
   more, and the opposite of it is the best that can be done. */
void junk_learner_take_back(struct junk_learner *learner,
			    const struct junk_report *report);
/* Forget in the memory all reports before a day (since 1970), of one reporter, or of
   all if that is NULL. Returns how many. */
unsigned int
junk_learner_forget_many(struct junk_learner *learner,
			 const unsigned char *reporter, uint32_t before_day);

/* The feature set that the model was made with, which may be an older one; 0 =
   it was begun by this process. */
unsigned int junk_learner_feature_set(const struct junk_learner *learner);

/* Append the whole state: an import of it continues exactly here. */
void junk_learner_export(struct junk_learner *learner, buffer_t *dest);
/* Replace the whole state (settings but for sizes and seed stay). Returns -1
   and error_r if data isn't a valid state for the sizes that were set; the
   learner is unchanged then. */
int junk_learner_import(struct junk_learner *learner, const void *data,
			size_t size, const char **error_r);

#endif

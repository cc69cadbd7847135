#ifndef JUNK_LEARNER_H
#define JUNK_LEARNER_H

#include "junk-report.h"

/* The online learner: reports -> weights. Pure logic without clock, I/O or
   random numbers: the same reports in the same order give the same weights.
   doc/classifier.md has the formula, papers and figures. */

struct junk_learner;

struct junk_learner_settings {
	unsigned int global_log2, personal_log2;
	/* The key of the hash from token to index; random for each database. An
	   imported snapshot has its own. */
	uint64_t seed;
	/* A shared weight is published once so many different people have
	   reported its token. */
	unsigned int min_reporters;
	/* Don't limit what one person teaches the others (junk-shares.h); for
	   bench/poisoning. */
	bool unlimited_shares;
	/* Leave work that takes long to junk_learner_step(), so that a
	   service's clients don't have to wait. The result is the same. */
	bool in_steps;
	/* Copied into the model (junk-model.h). */
	uint32_t min_reports, min_evidence;
};

/* Set the defaults (seed 0). */
void junk_learner_settings_init(struct junk_learner_settings *set_r);

struct junk_learner *
junk_learner_init(const struct junk_learner_settings *set);
void junk_learner_deinit(struct junk_learner **learner);

/* Set where weights are published: junk_learner_weights_size() bytes that the
   caller keeps until deinit or the next call, e.g. in the segment; NULL = the
   learner's own memory. All weights are written. Each is one relaxed atomic
   store, so readers need no lock. */
void junk_learner_set_published(struct junk_learner *learner,
				int16_t *weights);
size_t junk_learner_weights_size(struct junk_learner *learner);
/* Get the model as published. It is valid until the learner's next change. */
void junk_learner_model(struct junk_learner *learner,
			struct junk_model *model_r);

/* Learn a report whose verdict is spam, ham or weak ham; others are ignored.
   weight: 1 for a normal report, less if it is trusted less. */
void junk_learner_learn(struct junk_learner *learner,
			const struct junk_report *report, double weight);
/* Returns TRUE if junk_learner_step() has work to do. The model doesn't change
   until that is done; reports that arrive meanwhile are learned after it. */
bool junk_learner_is_busy(const struct junk_learner *learner);
/* Do a part of this work, which takes about as long as learning count reports.
   Returns TRUE if there is more. */
bool junk_learner_step(struct junk_learner *learner, unsigned int count);
/* Do all of this work. */
void junk_learner_finish(struct junk_learner *learner);
/* Remove a report from the replay buffer, since it was taken back or its
   verdict has changed. To undo its effect on the weights as well, import an
   older snapshot and replay. */
void junk_learner_forget(struct junk_learner *learner,
			 const struct junk_report *report);
/* Take back a report that is older than the snapshots. Its own effect is
   unknown by then, so the opposite report is learned as an approximation. */
void junk_learner_take_back(struct junk_learner *learner,
			    const struct junk_report *report);
/* Remove all reports before a day (since 1970) from the replay buffer, of one
   reporter, or of all if that is NULL. Returns their number. */
unsigned int
junk_learner_forget_many(struct junk_learner *learner,
			 const unsigned char *reporter, uint32_t before_day);

/* Returns the feature set that the imported model was made with, which may be
   older; 0 = the model is new. */
unsigned int junk_learner_feature_set(const struct junk_learner *learner);

/* Append the whole state. A learner that imports it continues identically. */
void junk_learner_export(struct junk_learner *learner, buffer_t *dest);
/* Replace the whole state, including the seed; other settings stay. Returns 0,
   or -1 and error_r if data isn't a valid state for the configured sizes; the
   learner is unchanged then. */
int junk_learner_import(struct junk_learner *learner, const void *data,
			size_t size, const char **error_r);

#endif

#ifndef JUNK_CLAIMS_H
#define JUNK_CLAIMS_H

#include "junk-model.h"

/* What a model may claim, given what it has seen. A score of 90 promises: of the
   mail that people keep, hardly any scores so high. The proof is what the model
   said of reports that it had not learned. Pure arithmetic, no state. */

/* Of the mail that people keep, the part that may be claimed to be spam. */
#define JUNK_CLAIMS_HAM 0.0025

/* A report, as a model saw it that hadn't learned it. */
struct junk_claims_report {
	float sum;
	/* Reports of the same message count once. */
	uint64_t message;
	/* Parts of its tokens that are familiar from other good mail
	   (junk_model_familiarity()); of ham only. */
	float familiar_words, familiar_form;
};

struct junk_claims {
	/* A message with a lower sum, or with less that is familiar from good
	   mail, isn't claimed to be spam. */
	float sum, familiar_words, familiar_form;
	/* What is added to sums, so that the lowest that is claimed makes a
	   probability of 90 %: 0 unless so few of either class were reported
	   that even spam's sums are low. */
	float shift;
};

/* Nothing may be claimed. */
void junk_claims_init(struct junk_claims *claims_r);
/* Sorts both arrays, and drops copies from them. */
void junk_claims_compute(struct junk_claims_report *ham, unsigned int ham_count,
			 struct junk_claims_report *spam,
			 unsigned int spam_count, struct junk_claims *claims_r);
/* Could they have been computed? */
bool junk_claims_are_sane(const struct junk_claims *claims);

#endif

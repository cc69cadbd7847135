#ifndef JUNK_CLAIMS_H
#define JUNK_CLAIMS_H

#include "junk-model.h"

/* From which sum on a message may score 90 and above. Such a score is a claim: of the
   mail that people keep, at most JUNK_CLAIMS_HAM scores so high. The evidence are the
   sums of reports by models that had not learned them. Pure arithmetic, no state. */

/* The share of ham that may be claimed to be spam. */
#define JUNK_CLAIMS_HAM 0.0015

/* A report, as seen by a model that hadn't learned it */
struct junk_claims_report {
	float sum;
	/* Reports of the same message count once. */
	uint64_t message;
	/* Shares of its tokens that are familiar from other ham, 0 to 1
	   (junk_model_familiarity()). Set for ham only. */
	float familiar_words, familiar_form;
	/* A weak report of ham: nobody may have examined the message. */
	bool weak;
};

struct junk_claims {
	/* Minimum sum and minimum familiarity of a claim. The sum is
	   JUNK_MODEL_NO_CLAIM if there are no claims. */
	float sum, familiar_words, familiar_form;
	/* Added to sums, so that the lowest claimed sum has a probability of 90 %.
	   It is 0 unless so little was reported that even spam has low sums. */
	float shift;
};

/* Allow no claims. */
void junk_claims_init(struct junk_claims *claims_r);
/* Compute the claims. Both arrays are sorted, and copies are removed from them. */
void junk_claims_compute(struct junk_claims_report *ham, unsigned int ham_count,
			 struct junk_claims_report *spam,
			 unsigned int spam_count, struct junk_claims *claims_r);
/* Returns TRUE if the values are within the ranges that junk_claims_compute()
   returns. */
bool junk_claims_are_sane(const struct junk_claims *claims);

#endif

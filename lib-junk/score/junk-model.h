#ifndef JUNK_MODEL_H
#define JUNK_MODEL_H

#include "junk-sketch.h"

/* How a message is scored: the one implementation, used by every reader of
   the segment and by the service before it learns.

     s = sum over sources (scale * sum of w[token])
         scale = factor of the source / sqrt(n * max(1, n / JUNK_MODEL_LONG))
         n = the source's tokens in this message
     p = 1 / (1 + exp(-(cal_a * s + cal_b)))
     p' = low + (high - low) p
          low = 1 / (JUNK_MODEL_PRIOR + spam reports)
          high = 1 - 1 / (JUNK_MODEL_PRIOR + ham reports)
                 - JUNK_MODEL_RARE_CAUTION rare^3 flood
          rare = spam / (spam + JUNK_MODEL_RARE_HAM * ham + 1)
          flood = spam^2 / (spam^2 + JUNK_MODEL_FLOOD^2)
     score = floor(100 * p'), 0..100, or unknown; 90 and above is a claim, for
             which s has to reach claim_sum, and the message has to be of a kind
             of which good mail is known; else it is below 90, in the same order.
             A near copy of reported spam scores 97 at least, unless s < 0; one of
             what the recipient has kept, below 90.

   What wasn't seen in n reports may still come: the last step keeps a young
   model from being surer than its number of reports allows (the rule of
   succession).

   Each token counts twice: once with the weight that everybody shares, once
   with the recipient's own (Attenberg et al. 2009), in a table of its own so
   that a shared weight can be withheld until enough people stand behind it. */

/* Weights are int16, in units of 1/JUNK_WEIGHT_SCALE: +-8. */
#define JUNK_WEIGHT_SCALE 4096
/* This bit of a weight isn't of its value: good mail often has its token. */
#define JUNK_WEIGHT_FAMILIAR 1

/* No model, too few reports, or too little evidence in this message. Never
   mapped to a number. */
#define JUNK_SCORE_UNKNOWN (-1)

/* Tokens of a source from which on more of them don't say more: what the words
   of a long text have in common with spam would add up otherwise. */
#define JUNK_MODEL_LONG 100

/* Reports of either class that are believed to have been there before the
   first one. */
#define JUNK_MODEL_PRIOR 30
/* Spam reports for each ham report from which on ham is rare, and how many of
   them are a flood. Far beyond both the model has seen too little ham to say 90:
   who only ever reports spam must not lose good mail. */
#define JUNK_MODEL_RARE_HAM 10
#define JUNK_MODEL_FLOOD 2000.0
#define JUNK_MODEL_RARE_CAUTION 0.16

/* Fewer different messages of either class were reported: nothing but near copies is
   claimed. */
#define JUNK_MODEL_CLAIM_HAM 8
#define JUNK_MODEL_CLAIM_SPAM 10
/* No sum is this high: nothing may be claimed. */
#define JUNK_MODEL_NO_CLAIM 1e9f

/* Identifies a reporter: random, kept in the user's own control directory
   (junk-identity.h), never made from a name. */
#define JUNK_REPORTER_BYTES 16

struct junk_model {
	/* 1 << global_log2 weights, then 1 << personal_log2 weights. Another
	   process may change them while we read: each is read once, whole. */
	const int16_t *weights;
	unsigned int global_log2, personal_log2;
	/* Random for each segment. */
	uint64_t seed;
	float cal_a, cal_b;
	/* From this sum on a message may be said to be spam: of the mail that
	   people keep, hardly any reaches it. */
	float claim_sum;
	/* ... unless so few of its words, or of what tells its form, are
	   familiar from good mail that nothing is known of its kind. */
	float familiar_words, familiar_form;
	/* Which texts have been reported; NULL = not known. */
	const struct junk_copies *copies;
	/* Reports behind the model. */
	uint32_t spam_count, ham_count;
	/* Fewer reports of either class than this: unknown. */
	uint32_t min_reports;
	/* Fewer tokens with a weight than this: unknown. */
	uint32_t min_evidence;
};

struct junk_score {
	/* 0..100 or JUNK_SCORE_UNKNOWN */
	int score;
	/* Raw sum and calibrated probability. Set also when the score is
	   unknown, for measurements; without weights they are 0 and 0.5. */
	double sum, probability;
	/* Tokens that had a weight. */
	unsigned int evidence_count;
	/* Which part of the words, and of what tells its form, is familiar
	   from good mail: 0..1 */
	float familiar_words, familiar_form;
	/* The sum is high enough for a claim, but the kind isn't known. */
	bool strange;
	/* A near copy of what the recipient, or as many people as shared weights
	   need, have reported as spam; of what the recipient has kept. */
	bool spam_copy, kept_copy;
	/* Why unknown, NULL if a score. Static text. */
	const char *unknown_reason;
	/* What each class added to the sum. */
	double class_sum[JUNK_TOKEN_CLASS_COUNT];
};

/* The two below for callers that look up many tokens: a person's key into the
   personal weights (the key of the shared ones is the seed), and the index of
   a token in a table of 1 << log2. */
uint64_t junk_model_person(uint64_t seed, const unsigned char *reporter);
size_t junk_model_hash_index(uint64_t key, unsigned int log2,
			     junk_token_t token);
/* Index of a token's shared weight: 0 .. (1 << global_log2)-1. */
size_t junk_model_index(const struct junk_model *model, junk_token_t token);
/* Index of a token's weight for one person: in the second table. */
size_t junk_model_personal_index(const struct junk_model *model,
				 junk_token_t token,
				 const unsigned char *reporter);

/* How many of a message's tokens each source has. */
void junk_model_count(const junk_token_t *tokens, unsigned int token_count,
		      unsigned int counts_r[JUNK_TOKEN_SOURCE_COUNT]);
/* For each source, what a weight is multiplied with in the sum. */
void junk_model_scales(const unsigned int counts[JUNK_TOKEN_SOURCE_COUNT],
		       float scales_r[JUNK_TOKEN_SOURCE_COUNT]);
/* Which part of a message's words, and of what tells its form, is familiar: 0..1. */
void junk_model_familiarity(const unsigned int counts[JUNK_TOKEN_SOURCE_COUNT],
			    const unsigned int familiar[JUNK_TOKEN_SOURCE_COUNT],
			    float *words_r, float *form_r);
/* reporter: whose taste counts, JUNK_REPORTER_BYTES; NULL = nobody's. Makes
   no system call and takes no lock. */
void junk_model_score(const struct junk_model *model,
		      const junk_token_t *tokens, unsigned int token_count,
		      const unsigned char *reporter,
		      struct junk_score *score_r);

#endif

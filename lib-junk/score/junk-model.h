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
/* A flag in the lowest bit of a weight, which isn't part of its value: good
   mail often has the token. */
#define JUNK_WEIGHT_FAMILIAR 1

/* No model, too few reports, or too little evidence in this message. Never used
   as a number. */
#define JUNK_SCORE_UNKNOWN (-1)

/* From this number of a source's tokens on, further tokens don't increase the
   sum: the words of a long text that also occur in spam would add up. */
#define JUNK_MODEL_LONG 100

/* Virtual reports of each class before the first one (a prior). */
#define JUNK_MODEL_PRIOR 30
/* Ham is rare if there are more spam reports for each ham report than this, and
   this many spam reports are a flood. Far beyond both, the model has seen too
   little ham to give 90: a user who only reports spam must not lose good
   mail. */
#define JUNK_MODEL_RARE_HAM 10
#define JUNK_MODEL_FLOOD 2000.0
#define JUNK_MODEL_RARE_CAUTION 0.16

/* With fewer different reported messages of each class, only near copies get
   claims. */
#define JUNK_MODEL_CLAIM_HAM 8
#define JUNK_MODEL_CLAIM_SPAM 10
/* A sum that is never reached: no claims are allowed. */
#define JUNK_MODEL_NO_CLAIM 1e9f

/* Size of a reporter's identity: random bytes in the user's own control
   directory (junk-identity.h), not derived from a name. */
#define JUNK_REPORTER_BYTES 16

struct junk_model {
	/* 1 << global_log2 shared weights, then 1 << personal_log2 personal
	   ones. Another process may change them at any time, so each weight is
	   read once, atomically. */
	const int16_t *weights;
	unsigned int global_log2, personal_log2;
	/* Random for each segment. */
	uint64_t seed;
	float cal_a, cal_b;
	/* The minimum sum of a claim: hardly any mail that people keep reaches
	   it. */
	float claim_sum;
	/* ... and the minimum shares of familiar words and form. Below them,
	   nothing is known about good mail of this kind, and no claim is
	   allowed. */
	float familiar_words, familiar_form;
	/* Reported texts, to find near copies; NULL = unknown. */
	const struct junk_copies *copies;
	/* Numbers of reports that the model has learned. */
	uint32_t spam_count, ham_count;
	/* With fewer reports of either class the score is unknown. */
	uint32_t min_reports;
	/* With fewer known tokens the score is unknown. */
	uint32_t min_evidence;
};

struct junk_score {
	/* 0..100 or JUNK_SCORE_UNKNOWN */
	int score;
	/* Raw sum and calibrated probability. For measurements they are set
	   also if the score is unknown. Without weights they are 0 and 0.5. */
	double sum, probability;
	/* Number of tokens with a weight. */
	unsigned int evidence_count;
	/* Shares of words and of form tokens that are familiar from good mail,
	   0..1 */
	float familiar_words, familiar_form;
	/* The sum is high enough for a claim, but good mail of this kind is
	   unknown. */
	bool strange;
	/* spam_copy: near copy of spam that the recipient, or enough people,
	   have reported. kept_copy: near copy of mail that the recipient has
	   kept. Both are FALSE if the sum is so low that a copy doesn't matter. */
	bool spam_copy, kept_copy;
	/* junk_score_trust() was called. */
	bool trusted;
	/* Why the score is unknown, NULL if it is known. Static text. */
	const char *unknown_reason;
	/* The sum of each class. */
	double class_sum[JUNK_TOKEN_CLASS_COUNT];
};

/* Keys and table indexes, for callers that look up many tokens. The key of the
   shared weights is the seed; this returns a person's key of the personal
   weights. */
uint64_t junk_model_person(uint64_t seed, const unsigned char *reporter);
size_t junk_model_hash_index(uint64_t key, unsigned int log2,
			     junk_token_t token);
/* Returns the index of a token's shared weight: 0 .. (1 << global_log2)-1. */
size_t junk_model_index(const struct junk_model *model, junk_token_t token);
/* Returns the index of a token's weight for one person, in the second table. */
size_t junk_model_personal_index(const struct junk_model *model,
				 junk_token_t token,
				 const unsigned char *reporter);

/* Count a message's tokens by source. */
void junk_model_count(const junk_token_t *tokens, unsigned int token_count,
		      unsigned int counts_r[JUNK_TOKEN_SOURCE_COUNT]);
/* Compute each source's factor of its weights. */
void junk_model_scales(const unsigned int counts[JUNK_TOKEN_SOURCE_COUNT],
		       float scales_r[JUNK_TOKEN_SOURCE_COUNT]);
/* Which part of a message's words, and of what tells its form, is familiar: 0..1. */
void junk_model_familiarity(const unsigned int counts[JUNK_TOKEN_SOURCE_COUNT],
			    const unsigned int familiar[JUNK_TOKEN_SOURCE_COUNT],
			    float *words_r, float *form_r);
/* Score a message. reporter: JUNK_REPORTER_BYTES of the recipient's identity;
   NULL = none. Makes no system call and takes no lock. */
void junk_model_score(const struct junk_model *model,
		      const junk_token_t *tokens, unsigned int token_count,
		      const unsigned char *reporter,
		      struct junk_score *score_r);
/* The sender is trusted: a known score becomes 0, whatever the content. */
void junk_score_trust(struct junk_score *score);

#endif

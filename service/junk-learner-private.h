#ifndef JUNK_LEARNER_PRIVATE_H
#define JUNK_LEARNER_PRIVATE_H

/* Internal interface of junk-learner.c (online steps), junk-learner-memory.c (replay
   buffer), junk-learner-fit.c (fits and claims), junk-learner-copies.c (near copies)
   and junk-learner-state.c (snapshots). */

#include "junk-bits.h"
#include "junk-claims.h"
#include "junk-learner.h"
#include "junk-limits.h"
#include "junk-shares.h"

#define VIEWS 7
#define LEARN_RATE 0.7
/* The rate of a young model between two fits. At LEARN_RATE the most recent reports
   would dominate it. */
#define YOUNG_RATE 0.2
#define LEARN_EPSILON 0.003
/* Added to LEARN_EPSILON, times the label noise: rare tokens are less reliable
   then. */
#define LEARN_EPSILON_NOISE 0.1
#define LEARN_DECAY 0.0007
/* A weight with c reports counts as c / (c + LEARN_DOUBT) of its value. */
#define LEARN_DOUBT 0.5f

/* Factor of the learning rate of a personal weight whose shared weight is
   published: what people agree on belongs into shared weights. The second value
   applies where the report takes no step of the shared weight. */
#define PERSONAL_RATE 0.2f
#define PERSONAL_OVERRULED_RATE 2.0f

/* Virtual people of both classes in people_say(). Its factor applies in full from
   this sum of shared weights for ham on. */
#define SAY_PRIOR 12.0f
#define SAY_SURE_SUM 2.0f

/* Size of the replay buffer of each class, the number of reports that are replayed
   after each new one, and their learning rate. */
#define MEMORY_REPORTS 1000
#define REPLAY_COUNT 2
#define REPLAY_RATE 0.3
/* A report isn't replayed if its sum contradicts the label by more than
   DISBELIEF - DOUBT * label noise. */
#define REPLAY_DISBELIEF 1.0
#define REPLAY_DOUBT 5
/* A class is rare if it has less than this share of the other one's reports. */
#define RARE_CLASS 0.1

/* Two people who report the same text are hardly both wrong. Their common tokens
   are learned at most PASSES times, until the sum exceeds
   SUM * (1 - DOUBT * label noise). */
#define CONFIRM_PASSES 20
#define CONFIRM_SUM 5.0
#define CONFIRM_DOUBT 6

/* The label noise is estimated from reports with an absolute sum above
   NOISE_SURE_SUM: a moving average over about NOISE_REPORTS of them, which starts
   with NOISE_PRIOR_REPORTS virtual reports at NOISE_MIN. */
#define NOISE_SURE_SUM 2.0
#define NOISE_MIN 0.02
#define NOISE_MAX 0.3
#define NOISE_FACTOR 1.5
#define NOISE_PRIOR_REPORTS 50
#define NOISE_REPORTS 1000
/* Maximum label noise of a class, times the other class's reports for each of its
   own. */
#define NOISE_RARE_CLASS 0.5
/* The estimate is scaled up linearly over so many reports of the rarer class. */
#define NOISE_WARMUP_REPORTS 50

/* Weight of a report of the more frequent class:
   ((other + BALANCE_PRIOR) / (own + BALANCE_PRIOR))^BALANCE_POWER */
#define BALANCE_POWER 0.25
#define BALANCE_PRIOR 20
#define WEAK_HAM_WEIGHT 0.5
/* Weight of the opposite report by which a report is taken back. */
#define WEAK_UNDO_WEIGHT 0.3
#define MAX_WEIGHT 7.99

/* A token is familiar if it occurs in so many of a thousand reports of ham, and in
   FAMILIAR_MIN at least. */
#define FAMILIAR_PER_MILLE 10
#define FAMILIAR_MIN 2
/* The counts in ham_seen are halved after so many reports. */
#define HAM_SEEN_MAX 20000

/* Maximum number of reports that wait for a fit. The fit is completed at once when
   it is exceeded. */
#define QUEUE_MAX 1000

#define DAY_USECS (UINT64_C(86400) * 1000000)
#define DEFAULT_LOG2 18
#define MIN_LOG2 8
#define MAX_LOG2 22

/* Both values are adjacent because nearly every access is a cache miss. */
struct learner_weight {
	float weight;
	/* AdaGrad: sum of squared gradients */
	float square;
};

struct learner_table {
	unsigned int log2;
	struct learner_weight *weights;
	/* Number of reports that have changed a weight, at most UINT8_MAX */
	uint8_t *counts;
};

/* A FIFO queue of reports that arrived during a fit. */
struct learner_queued {
	struct learner_queued *next;
	struct junk_report report;
	double weight;
	junk_token_t tokens[];
};

/* A report in the replay buffer. */
struct learner_memory {
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned char digest[JUNK_DIGEST_BYTES];
	/* Weight of its steps, with and without the balance of classes */
	float weight, trust;
	/* The sum by a model that hasn't learned this report, with and without
	   the reporter's personal weights, and the numbers of ham and spam
	   reports that this model had learned. */
	float honest_sum, honest_shared_sum;
	uint32_t honest_counts[2];
	/* Sequence number of the report */
	uint32_t number;
	/* Day of the report, counted from 1970-01-01 */
	uint32_t day;
	unsigned int token_count;
	junk_token_t *tokens;
	struct junk_sketch sketch;
	/* own: the outline is published under the reporter's key. It is as long as
	   the reporter hasn't reported the text as the other class. shared: it is
	   published for everybody, because min_reporters people have reported the
	   text as spam and nobody as ham. */
	bool own, shared;
	/* Only for junk-learner-fit.c, which sets it when it computes claims: the
	   message may be spam that its reporter hasn't reported. */
	bool doubtful;
};

struct junk_learner {
	struct junk_learner_settings set;
	struct learner_table global, personal;
	/* [ham, spam]: recent reports of each person */
	struct junk_shares shares[2];
	/* For each shared weight, a set of reporters with a bit each: of ham in the
	   lower half, of spam in the upper half. Two people have the same bit at
	   one weight in 32. */
	uint64_t *reporters;
	uint32_t spam_count, ham_count;
	/* The highest ham_count, spam_count and sum of both, for the schedule
	   of fits */
	uint32_t reached[2], all_reached;
	/* Feature set of the imported model, which may be older than ours */
	uint32_t feature_set;
	/* Moving counts of confident scores, and of those with the other label */
	double sure_count, wrong_count;
	uint64_t random_state;
	/* Sequence number of the next report in the replay buffer */
	uint32_t next_number;

	/* For each shared weight, the number of ham reports with its token, of
	   ham_seen_total reports */
	uint8_t *ham_seen;
	uint32_t ham_seen_total;
	/* A token is familiar if its count in ham_seen is at least this. */
	uint8_t familiar_min;
	/* JUNK_WEIGHT_FAMILIAR or 0 for each personal weight, as of its last report */
	uint8_t *personal_flags;
	struct junk_claims claims;

	/* The fit in progress, or NULL */
	struct learner_fit *fit;
	struct learner_queued *queue_head, *queue_tail;
	unsigned int queue_count;

	/* ham, spam */
	struct learner_memory memory[2][MEMORY_REPORTS];
	/* The outline of each sketch under the seed. A new report is compared with
	   all of them. */
	struct junk_outline outlines[2][MEMORY_REPORTS];
	unsigned int memory_count[2];
	/* The published outlines, at the same indexes as the replay buffer */
	struct junk_copies copies;

	int16_t *published, *own_published;
};

/* The report that is being learned */
struct learner_example {
	unsigned int count;
	uint32_t global_idx[JUNK_MAX_TOKENS];
	uint32_t personal_idx[JUNK_MAX_TOKENS];
	/* Factor of each weight in the sum, with its shrinkage */
	float global_scale[JUNK_MAX_TOKENS], personal_scale[JUNK_MAX_TOKENS];
	uint8_t view[JUNK_MAX_TOKENS];
	/* The shared weight is published */
	bool public[JUNK_MAX_TOKENS];
	/* Factor of the shared weight's step. worth: the same for all tokens */
	float say[JUNK_MAX_TOKENS];
	float worth;
	/* Learn only shared weights, and only where learned is set */
	bool shared;
	bool learned[JUNK_MAX_TOKENS];
	/* The sum of each part */
	double view_sum[VIEWS];
};

/* Label noise: the shares of true ham and of true spam with the wrong label */
struct learner_noise {
	double ham, spam;
};

struct learner_step {
	double label, weight, rate, epsilon;
	struct learner_noise noise;
	/* A label is taken for wrong if the sum contradicts it by more than this. */
	double disbelief;
};

/* --- junk-learner.c --- */

void learner_example_init(struct junk_learner *learner, uint64_t person,
			  const junk_token_t *tokens, unsigned int count,
			  struct learner_example *example_r);
void learner_example_prepare(struct junk_learner *learner, bool spam,
			     const junk_token_t *tokens,
			     struct learner_example *example_r);
/* The sum that a reader would get, without rounding. */
double learner_example_sum(const struct junk_learner *learner,
			   struct learner_example *example);
/* The same for a reader without an identity; -INFINITY = too little evidence. */
double learner_example_shared_sum(const struct junk_learner *learner,
				  const struct learner_example *example);
/* Take one step. learner_example_sum() must have been called before. */
void learner_example_learn(struct junk_learner *learner,
			   const struct learner_example *example,
			   const struct learner_step *step);
/* Learn the common tokens of a report and of a remembered one of the same text. */
void learner_confirm(struct junk_learner *learner, bool spam,
		     const unsigned char *reporter,
		     const junk_token_t *tokens,
		     const struct junk_sketch *sketch,
		     struct learner_example *example,
		     const struct learner_step *step);
void learner_step_init(const struct junk_learner *learner, double rate,
		       struct learner_step *step_r);
bool learner_is_believed(const struct junk_learner *learner, bool spam,
			 double sum, double disbelief);
double learner_balance(const struct junk_learner *learner, bool spam);
void learner_publish_all(struct junk_learner *learner);
void learner_learn_now(struct junk_learner *learner,
		       const struct junk_report *report, bool spam,
		       double weight);

bool learner_class_is_rare(const struct junk_learner *learner, bool spam);
/* Returns a pseudo-random number below limit; a part of the state. */
unsigned int
learner_random_below(struct junk_learner *learner, unsigned int limit);

/* --- junk-learner-memory.c --- */

/* Remember a report. If the buffer is full, it replaces one at random. what: the
   fields that the report itself doesn't have. */
void learner_memory_add(struct junk_learner *learner,
			const struct junk_report *report, bool spam,
			const struct learner_memory *what);
/* Learn a random report of this class again, unless the model no longer believes
   it. The label and weight of step are overwritten. */
void learner_memory_replay(struct junk_learner *learner, bool spam,
			   struct learner_step *step,
			   struct learner_example *example);
void learner_memory_clear(struct junk_learner *learner);

/* --- junk-learner-copies.c --- */

/* Returns a report of the same text by another person, or NULL if there is none or
   if anybody has reported the text as the other class. */
const struct learner_memory *
learner_copies_confirm(struct junk_learner *learner, bool spam,
		       const unsigned char *reporter,
		       const struct junk_sketch *sketch);
/* Update the published outlines for a new report at this index. */
void learner_copies_add(struct junk_learner *learner, bool spam,
			unsigned int idx);
/* Update the published outlines after a report of spam was removed. */
void learner_copies_forget(struct junk_learner *learner,
			   const struct junk_sketch *sketch);
/* Are there at least as many reports of this text as spam as there are as ham? idx:
   index of a report of ham */
bool learner_copies_are_spam(struct junk_learner *learner, unsigned int idx);
/* Rewrite the published outlines of this index. */
void learner_copies_write(struct junk_learner *learner, bool spam,
			  unsigned int idx);

/* --- junk-learner-fit.c --- */

/* A report of this class was learned: begin a fit, or compute claims, if due. */
void learner_fit_check(struct junk_learner *learner, bool spam);
/* A report was taken back. */
void learner_fit_taken_back(struct junk_learner *learner);
/* Is the model young enough for fits? */
bool learner_fit_is_of_use(const struct junk_learner *learner);
/* Abort a fit and drop the queue. */
void learner_fit_cancel(struct junk_learner *learner);
/* Does the fit take only some milliseconds? */
bool learner_fit_is_short(const struct junk_learner *learner);
/* Process one report of the fit. */
void learner_fit_step(struct junk_learner *learner);
/* Compute the claims from the replay buffer. */
void learner_update_claims(struct junk_learner *learner);

#endif

#ifndef JUNK_LEARNER_PRIVATE_H
#define JUNK_LEARNER_PRIVATE_H

/* What junk-learner.c (online steps, memory, snapshots) and junk-learner-fit.c
   (fits of all that is remembered, claims) share. */

#include "junk-bits.h"
#include "junk-claims.h"
#include "junk-learner.h"
#include "junk-limits.h"
#include "junk-shares.h"

#define VIEWS 7
#define LEARN_RATE 0.7
/* ... of a young model, between its fits: the reports that came last would move it as
   a whole */
#define YOUNG_RATE 0.2
#define LEARN_EPSILON 0.003
/* ... and so much more for each part of wrong labels: rare tokens are trusted
   less then */
#define LEARN_EPSILON_NOISE 0.1
#define LEARN_DECAY 0.0007
/* Reports of a weight that are missing to be sure of it. */
#define LEARN_DOUBT 0.5f

/* Where the shared weight counts, one's own learns at this part of the rate: what
   people agree on is to be found in the shared ones. Who is overruled there
   learns it the faster for himself. */
#define PERSONAL_RATE 0.2f
#define PERSONAL_OVERRULED_RATE 2.0f

/* So many people more are assumed on both sides of people_say(), which counts
   in full where the shared weights add up to this for ham. */
#define SAY_PRIOR 12.0f
#define SAY_SURE_SUM 2.0f

/* Recent reports of each class that are learned again, so many after each new
   one, at a lower rate. */
#define MEMORY_REPORTS 1000
#define REPLAY_COUNT 2
#define REPLAY_RATE 0.3
/* Sum against the label from which on the label isn't believed again: less
   where many labels are wrong (the part of wrong ones times DOUBT). */
#define REPLAY_DISBELIEF 1.0
#define REPLAY_DOUBT 5
/* ... unless its class is so much rarer than the other one. */
#define RARE_CLASS 0.1

/* Two people who report the same text are hardly both wrong: it is learned at
   most so many times, until the sum is beyond this; less far where many labels
   are wrong (the part of wrong ones times DOUBT). */
#define CONFIRM_PASSES 20
#define CONFIRM_SUM 5.0
#define CONFIRM_DOUBT 6

/* Noise: of reports whose sum was beyond NOISE_SURE_SUM. The estimate starts
   as if NOISE_PRIOR_REPORTS had the minimum, and remembers some
   NOISE_REPORTS. */
#define NOISE_SURE_SUM 2.0
#define NOISE_MIN 0.02
#define NOISE_MAX 0.3
#define NOISE_FACTOR 1.5
#define NOISE_PRIOR_REPORTS 50
#define NOISE_REPORTS 1000
/* Wrong labels of a class, at most so many for each of its reports. */
#define NOISE_RARE_CLASS 0.5
/* No noise is assumed before so many reports of either class. */
#define NOISE_WARMUP_REPORTS 50

/* A report of the class that is reported more often counts less:
   ((other + BALANCE_PRIOR) / (own + BALANCE_PRIOR))^BALANCE_POWER */
#define BALANCE_POWER 0.25
#define BALANCE_PRIOR 20
#define WEAK_HAM_WEIGHT 0.5
/* As weakly as weak ham is learned. */
#define WEAK_UNDO_WEIGHT 0.3
#define MAX_WEIGHT 7.99

/* A token is familiar if so many of a thousand reports of ham had it, and no less
   than FAMILIAR_MIN. */
#define FAMILIAR_PER_MILLE 10
#define FAMILIAR_MIN 2
/* ham_seen's numbers are halved when so many reports were counted. */
#define HAM_SEEN_MAX 20000

/* Reports that wait for a fit at most: then it is finished at once. */
#define QUEUE_MAX 1000

#define DAY_USECS (UINT64_C(86400) * 1000000)
#define DEFAULT_LOG2 18
#define MIN_LOG2 8
#define MAX_LOG2 22

/* What a step changes is next to each other: nearly each one is a cache miss. */
struct learner_weight {
	float weight;
	/* AdaGrad: sum of squared gradients */
	float square;
};

struct learner_table {
	unsigned int log2;
	struct learner_weight *weights;
	/* Reports behind a weight, at most UINT8_MAX */
	uint8_t *counts;
};

/* Whole reports that wait for a fit to end, first come, first served. */
struct learner_queued {
	struct learner_queued *next;
	struct junk_report report;
	double weight;
	junk_token_t tokens[];
};

/* A report that may be learned again. */
struct learner_memory {
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned char digest[JUNK_DIGEST_BYTES];
	/* of its steps; trust is the same before the classes were balanced */
	float weight, trust;
	/* The sum that a model gave which hadn't learned this report, as its
	   reporter and as nobody in particular would get it, and how many
	   reports of ham and spam that model had learned. */
	float honest_sum, honest_shared_sum;
	uint32_t honest_counts[2];
	/* The order in which reports came. */
	uint32_t number;
	/* of the report, since 1970 */
	uint32_t day;
	unsigned int token_count;
	junk_token_t *tokens;
	struct junk_sketch sketch;
	/* Its outline is among its reporter's own: he has said nothing else of the
	   text since; and among the shared ones: it is spam that enough people have
	   reported, and nobody as ham. */
	bool own, shared;
};

struct junk_learner {
	struct junk_learner_settings set;
	struct learner_table global, personal;
	/* ham, spam: who has reported how much of late */
	struct junk_shares shares[2];
	/* For each shared weight: a bit for each reporter of ham, in the upper
	   half of spam. Two people share a bit of one weight in 32 by chance,
	   not those of all. */
	uint64_t *reporters;
	uint32_t spam_count, ham_count;
	/* of the model that was imported; it may be an older one */
	uint32_t feature_set;
	/* Reports with a sure score, and those of them with the other label */
	double sure_count, wrong_count;
	uint64_t random_state;
	/* of the next report in the memory */
	uint32_t next_number;

	/* Reports of ham that had a shared weight's token, of ham_seen_total;
	   all are halved now and then. */
	uint8_t *ham_seen;
	uint32_t ham_seen_total;
	/* A token is familiar from so many of them on. */
	uint8_t familiar_min;
	/* JUNK_WEIGHT_FAMILIAR of a personal weight, when it was last reported. */
	uint8_t *personal_flags;
	struct junk_claims claims;

	/* The fit that is being made, or NULL. */
	struct learner_fit *fit;
	struct learner_queued *queue_head, *queue_tail;
	unsigned int queue_count;

	/* ham, spam */
	struct learner_memory memory[2][MEMORY_REPORTS];
	/* of each one's sketch, under the seed: a report is compared with all */
	struct junk_outline outlines[2][MEMORY_REPORTS];
	unsigned int memory_count[2];
	/* what readers may see of the memory, at the same places */
	struct junk_copies copies;

	int16_t *published, *own_published;
};

/* What is known of the report that is being learned. */
struct learner_example {
	unsigned int count;
	uint32_t global_idx[JUNK_MAX_TOKENS];
	uint32_t personal_idx[JUNK_MAX_TOKENS];
	/* each weight's factor in the sum, its doubt included */
	float global_scale[JUNK_MAX_TOKENS], personal_scale[JUNK_MAX_TOKENS];
	uint8_t view[JUNK_MAX_TOKENS];
	/* enough people stand behind the shared weight */
	bool public[JUNK_MAX_TOKENS];
	/* part of a step that the shared weight takes: what the report is
	   worth to others, as far as it doesn't yield to them */
	float say[JUNK_MAX_TOKENS];
	float worth;
	/* learn the shared weights only, and only of some tokens */
	bool shared;
	bool learned[JUNK_MAX_TOKENS];
	/* what each view says alone */
	double view_sum[VIEWS];
};

/* The part of labels that is wrong: of what is really ham, of what is really
   spam. */
struct learner_noise {
	double ham, spam;
};

struct learner_step {
	double label, weight, rate, epsilon;
	struct learner_noise noise;
	/* a sum against the label that is taken for a wrong label */
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
/* ... one whose identity isn't known; -INFINITY = unknown. */
double learner_example_shared_sum(const struct junk_learner *learner,
				  const struct learner_example *example);
/* After learner_example_sum() */
void learner_example_learn(struct junk_learner *learner,
			   const struct learner_example *example,
			   const struct learner_step *step);
/* Learn what a remembered report and another of the same text have in common. */
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

/* --- junk-learner-copies.c --- */

/* The report of the same text by somebody else, if nobody has reported it as
   the other class; or NULL. */
const struct learner_memory *
learner_copies_confirm(struct junk_learner *learner, bool spam,
		       const unsigned char *reporter,
		       const struct junk_sketch *sketch);
/* A report has come to this place of the memory. */
void learner_copies_add(struct junk_learner *learner, bool spam,
			unsigned int idx);
/* A report of spam has left the memory. */
void learner_copies_forget(struct junk_learner *learner,
			   const struct junk_sketch *sketch);
/* Write anew what readers see of this place. */
void learner_copies_write(struct junk_learner *learner, bool spam,
			  unsigned int idx);

/* --- junk-learner-fit.c --- */

/* A report of this class has been learned: begin a fit if one is due. */
void learner_fit_check(struct junk_learner *learner, bool spam);
/* Are there few enough reports for fits? */
bool learner_fit_is_of_use(const struct junk_learner *learner);
/* Give a fit up, with what waits for it. */
void learner_fit_cancel(struct junk_learner *learner);
/* Is it done in some milliseconds? */
bool learner_fit_is_short(const struct junk_learner *learner);
/* Go on with it by one report. */
void learner_fit_step(struct junk_learner *learner);
/* What may be claimed, from what is remembered. */
void learner_update_claims(struct junk_learner *learner);

#endif

#ifndef BENCH_METRICS_H
#define BENCH_METRICS_H

#include "corpus.h"

/* Figures of the TREC Spam Track (Cormack & Lynam 2005) and calibration. */

struct result {
	/* orders the messages: higher = more like spam */
	double rank;
	/* 0..1 */
	double probability;
	bool spam;
	/* classified as spam at the product's default threshold */
	bool caught;
	bool unknown;
};

enum metric {
	/* 1 - area under the ROC curve, in percent */
	METRIC_AUC,
	/* logistic average of the rates of false positives and false negatives,
	   in percent */
	METRIC_LAM,
	/* percent of spam missed at a false positive rate of 0.1 % and 1 % */
	METRIC_SPAM_AT_0_1,
	METRIC_SPAM_AT_1,
	/* percent of ham caught and of spam missed at the default threshold */
	METRIC_HAM,
	METRIC_SPAM,

	METRIC_COUNT
};

struct metrics {
	double value[METRIC_COUNT];
	/* 95 % confidence interval */
	double low[METRIC_COUNT], high[METRIC_COUNT];
};

#define CALIBRATION_BINS 10

struct calibration {
	struct {
		unsigned int count, spam;
		double probability_sum;
	} bins[CALIBRATION_BINS];
	/* expected calibration error in percent, over messages with a score */
	double error;
};

const char *metric_name(enum metric metric);
/* Compute the figures. bootstrap: number of samples for the intervals, 0 =
   none. Both classes must be present. Sorts results. */
void metrics_compute(struct result *results, unsigned int count,
		     unsigned int bootstrap, struct metrics *metrics_r);
void calibration_compute(const struct result *results, unsigned int count,
			 struct calibration *calibration_r);
/* Print "NAME VALUE UNIT bound BOUND ok|short". at_most: the bound is a maximum,
   else a minimum. Returns TRUE if the value keeps it. */
bool metrics_print_bound(const char *name, double value, const char *unit,
			 double bound, bool at_most);

#endif

/* See metrics.h. */

#include "lib.h"
#include "sort.h"
#include "metrics.h"

#include <math.h>
#include <stdio.h>

const char *metric_name(enum metric metric)
{
	static const char *const names[METRIC_COUNT] = {
		"1-AUC%", "LAM%", "sm@hm0.1%", "sm@hm1%", "hm%", "sm%"
	};
	return names[metric];
}

static int result_cmp(const struct result *a, const struct result *b)
{
	return a->rank < b->rank ? -1 : (a->rank > b->rank ? 1 : 0);
}

static double logit(double p)
{
	return log(p / (1 - p));
}

/* Compute the figures. results are sorted by rank; weights: how often each
   result counts (for the bootstrap). */
static bool
metrics_weighted(const struct result *results, const uint16_t *weights,
		 unsigned int count, double value_r[METRIC_COUNT])
{
	double spam = 0, ham = 0, caught_ham = 0, missed = 0;
	double pairs = 0, spam_below = 0, tie_spam, tie_ham, weight;
	double at01 = -1, at1 = -1, ham_above;
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		weight = weights == NULL ? 1 : weights[i];
		if (results[i].spam) {
			spam += weight;
			missed += results[i].caught ? 0 : weight;
		} else {
			ham += weight;
			caught_ham += results[i].caught ? weight : 0;
		}
	}
	if (spam == 0 || ham == 0)
		return FALSE;
	ham_above = ham;
	for (i = 0; i < count; i = j) {
		/* all results i..j have the same rank, and a threshold at it
		   catches them and everything above */
		if (at1 < 0 && ham_above <= ham * 0.01)
			at1 = spam_below;
		if (at01 < 0 && ham_above <= ham * 0.001)
			at01 = spam_below;
		tie_spam = tie_ham = 0;
		for (j = i; j < count && results[j].rank == results[i].rank;
		     j++) {
			weight = weights == NULL ? 1 : weights[j];
			if (results[j].spam)
				tie_spam += weight;
			else
				tie_ham += weight;
		}
		pairs += tie_ham * (spam_below + tie_spam / 2);
		spam_below += tie_spam;
		ham_above -= tie_ham;
	}
	value_r[METRIC_AUC] = 100 * pairs / (spam * ham);
	value_r[METRIC_SPAM_AT_0_1] = 100 * (at01 < 0 ? spam : at01) / spam;
	value_r[METRIC_SPAM_AT_1] = 100 * (at1 < 0 ? spam : at1) / spam;
	value_r[METRIC_HAM] = 100 * caught_ham / ham;
	value_r[METRIC_SPAM] = 100 * missed / spam;
	/* add half a message, so that the logarithm is finite */
	value_r[METRIC_LAM] = 100 / (1 + exp(-(
		logit((caught_ham + 0.5) / (ham + 1)) +
		logit((missed + 0.5) / (spam + 1))) / 2));
	return TRUE;
}

static int double_cmp(const double *a, const double *b)
{
	return *a < *b ? -1 : (*a > *b ? 1 : 0);
}

static void
metrics_bootstrap(const struct result *results, unsigned int count,
		  unsigned int bootstrap, struct metrics *metrics)
{
	struct corpus_random random = { 1 };
	uint16_t *weights = i_new(uint16_t, count);
	double *values = i_new(double, METRIC_COUNT * bootstrap);
	double value[METRIC_COUNT];
	unsigned int i, j, samples = 0;

	for (i = 0; i < bootstrap; i++) {
		memset(weights, 0, count * sizeof(*weights));
		for (j = 0; j < count; j++)
			weights[corpus_random_next(&random) % count]++;
		if (!metrics_weighted(results, weights, count, value))
			continue;
		for (j = 0; j < METRIC_COUNT; j++)
			values[j * bootstrap + samples] = value[j];
		samples++;
	}
	for (j = 0; j < METRIC_COUNT && samples > 0; j++) {
		double *v = values + j * bootstrap;

		i_qsort(v, samples, sizeof(*v), double_cmp);
		metrics->low[j] = v[samples * 25 / 1000];
		metrics->high[j] = v[samples * 975 / 1000];
	}
	i_free(values);
	i_free(weights);
}

void metrics_compute(struct result *results, unsigned int count,
		     unsigned int bootstrap, struct metrics *metrics_r)
{
	i_zero(metrics_r);
	i_qsort(results, count, sizeof(*results), result_cmp);
	if (!metrics_weighted(results, NULL, count, metrics_r->value))
		i_unreached();
	if (bootstrap > 0)
		metrics_bootstrap(results, count, bootstrap, metrics_r);
}

void calibration_compute(const struct result *results, unsigned int count,
			 struct calibration *calibration_r)
{
	unsigned int bin, total = 0;

	i_zero(calibration_r);
	for (unsigned int i = 0; i < count; i++) {
		if (results[i].unknown)
			continue;
		bin = I_MIN(results[i].probability * CALIBRATION_BINS,
			    CALIBRATION_BINS - 1);
		total++;
		calibration_r->bins[bin].count++;
		calibration_r->bins[bin].probability_sum +=
			results[i].probability;
		if (results[i].spam)
			calibration_r->bins[bin].spam++;
	}
	for (unsigned int i = 0; i < CALIBRATION_BINS && total > 0; i++) {
		calibration_r->error += 100 *
			fabs(calibration_r->bins[i].probability_sum -
			     calibration_r->bins[i].spam) / total;
	}
}

bool metrics_print_bound(const char *name, double value, const char *unit,
			 double bound, bool at_most)
{
	const bool ok = at_most ? value <= bound : value >= bound;

	printf("%s %.2f %s bound %g %s\n", name, value, unit, bound,
	       ok ? "ok" : "short");
	return ok;
}

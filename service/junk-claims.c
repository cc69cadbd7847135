/* Computes the sum from which on a message may be claimed to be spam.

   The claim begins at the sum that JUNK_CLAIMS_HAM of the ham exceeds. With few
   messages of ham this quantile is extrapolated: the highest TAIL_PART of the sums
   are modelled as an exponential distribution (peaks over threshold: Pickands 1975).
   Its mean is estimated from these sums and TAIL_PRIOR virtual ones. With few spam
   reports the sums themselves are uncertain, so the tail is modelled as longer.

   An extrapolation cannot predict a kind of ham, such as a newsletter, that does not
   occur among the reports. Its sums overlap with those of spam. So with few messages
   of ham, only the spam with the highest sums is claimed.

   Some labels are wrong. If some ham has sums like spam and spam has sums like ham
   about as often, these ham reports are left out as mislabelled. The claim then
   begins at the sum to which the model itself assigns 90 % or more. A few weak reports
   of ham with sums like spam are left out in any case: nobody may have examined these
   messages.

   The sum is meaningless for a kind of message of which no ham was reported. Each kind
   has words and a form of its own. A message is of an unknown kind if it shares less
   with reported ham than nearly every ham report shares with the others. */

#include "lib.h"
#include "sort.h"
#include "junk-claims.h"

#include <math.h>

#define TAIL_SCALE 0.4
#define TAIL_PART 0.05
#define TAIL_MIN 2
/* Virtual messages in the tail, with the usual scale. */
#define TAIL_PRIOR 5
/* Factor of the tail's length: sqrt(1 + SPAM_DOUBT / spam). */
#define SPAM_DOUBT 4.0
/* With RARE_HAM messages of ham, RARE_SPAM_PART of the spam may be claimed; the part
   grows with this power of their number. Each message of spam allows for at most
   RARE_HAM_PER_SPAM messages of ham. */
#define RARE_HAM 100
#define RARE_HAM_PER_SPAM 10
#define RARE_SPAM_PART 0.4
#define RARE_POWER 0.4
/* Maximum ratio of mislabelled ham to mislabelled spam, and the number below which
   mislabelled ham is taken for chance. */
#define WRONG_FACTOR 2.0
#define WRONG_MIN 4
/* The share of weak reports of ham that may be unreported spam. */
#define WRONG_WEAK 0.01
/* The share of ham that may be taken for an unknown kind. */
#define STRANGE_HAM 0.02
/* Minimum familiarity of a known kind, relative to the median of ham. */
#define STRANGE_WORDS 0.5
#define STRANGE_FORM 0.33
/* ln 9: the sum with a probability of 90 % */
#define SURE_SUM 2.1972246

static int
message_cmp(const struct junk_claims_report *r1,
	    const struct junk_claims_report *r2)
{
	if (r1->message != r2->message)
		return r1->message < r2->message ? -1 : 1;
	return r1->sum > r2->sum ? -1 : (r1->sum < r2->sum ? 1 : 0);
}

static int
sum_cmp(const struct junk_claims_report *r1,
	const struct junk_claims_report *r2)
{
	return r1->sum > r2->sum ? -1 : (r1->sum < r2->sum ? 1 : 0);
}

static int float_cmp(const float *f1, const float *f2)
{
	return *f1 < *f2 ? -1 : (*f1 > *f2 ? 1 : 0);
}

/* Keep the highest sum of each message, and sort in descending order. */
static unsigned int
reports_distinct(struct junk_claims_report *reports, unsigned int count)
{
	unsigned int used = 0;

	i_qsort(reports, count, sizeof(*reports), message_cmp);
	for (unsigned int i = 0; i < count; i++) {
		if (used == 0 ||
		    reports[used - 1].message != reports[i].message)
			reports[used++] = reports[i];
	}
	i_qsort(reports, used, sizeof(*reports), sum_cmp);
	return used;
}

/* Returns how many of the sorted reports exceed a sum. */
static unsigned int
count_above(const struct junk_claims_report *reports, unsigned int count,
	    float sum)
{
	unsigned int low = 0, high = count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (reports[middle].sum > sum)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static unsigned int
count_weak(const struct junk_claims_report *reports, unsigned int count)
{
	unsigned int weak = 0;

	for (unsigned int i = 0; i < count; i++)
		weak += reports[i].weak ? 1 : 0;
	return weak;
}

static double
deviation(const struct junk_claims_report *reports, unsigned int count)
{
	double sum = 0, squares = 0;

	for (unsigned int i = 0; i < count; i++) {
		sum += reports[i].sum;
		squares += (double)reports[i].sum * reports[i].sum;
	}
	sum /= count;
	return sqrt(I_MAX(squares / count - sum * sum, 0));
}

/* Returns the estimated number of mislabelled ham reports: those with sums like spam,
   limited by the number of spam reports with sums like ham. */
static double
wrong_labels(const struct junk_claims_report *ham, unsigned int ham_count,
	     const struct junk_claims_report *spam, unsigned int spam_count)
{
	double of_ham = 2 * count_above(ham, ham_count,
					spam[spam_count / 2].sum);
	double of_spam = 2 * (spam_count - count_above(spam, spam_count,
						ham[ham_count / 2].sum));
	double wrong = I_MIN(of_ham, WRONG_FACTOR * of_spam * spam_count /
			     ham_count + WRONG_WEAK *
			     count_weak(ham, ham_count));

	return wrong < WRONG_MIN ? 0 : wrong;
}

/* Returns how many of the highest sums of ham mislabelled reports explain. */
static unsigned int
wrong_highest(const struct junk_claims_report *ham, unsigned int ham_count,
	      const struct junk_claims_report *spam, unsigned int spam_count,
	      double wrong)
{
	unsigned int highest = 0;
	double expected = 0;

	for (unsigned int i = 0; i < ham_count && expected < wrong * 0.99; i++) {
		expected = wrong / spam_count *
			count_above(spam, spam_count, ham[i].sum);
		if (i + 1 <= expected + 2 * sqrt(expected))
			highest = i + 1;
	}
	return highest;
}

/* Returns the sum that JUNK_CLAIMS_HAM of the ham exceeds: the highest sums are
   modelled as exponential above the next one. scale: mean of the virtual ones */
static double
ham_tail(const struct junk_claims_report *ham, unsigned int count,
	 double scale)
{
	const unsigned int highest =
		I_MIN(I_MAX(TAIL_MIN, ceil(count * TAIL_PART)), count - 1);
	const double start = ham[highest].sum;
	double excess = 0;

	for (unsigned int i = 0; i < highest; i++)
		excess += ham[i].sum - start;
	scale = (excess + TAIL_PRIOR * scale) / (highest + TAIL_PRIOR);
	return start + scale *
		log(highest / (JUNK_CLAIMS_HAM * (count + 1)));
}

/* Returns the sum above which lies the part of the spam that so many messages of ham
   allow to be claimed. */
static double
spam_limit(const struct junk_claims_report *spam, unsigned int spam_count,
	   unsigned int ham_count)
{
	double enough = I_MIN(ham_count, spam_count * RARE_HAM_PER_SPAM);
	double part = RARE_SPAM_PART * pow(enough / RARE_HAM, RARE_POWER);

	return part >= 1 ? -JUNK_MODEL_NO_CLAIM :
		spam[(unsigned int)(part * spam_count)].sum;
}

static double
claims_sum(const struct junk_claims_report *ham, unsigned int ham_count,
	   const struct junk_claims_report *spam, unsigned int spam_count)
{
	unsigned int skip = 0;
	double wrong, tail, limit, least;

	if (ham_count < JUNK_MODEL_CLAIM_HAM ||
	    spam_count < JUNK_MODEL_CLAIM_SPAM)
		return JUNK_MODEL_NO_CLAIM;
	wrong = wrong_labels(ham, ham_count, spam, spam_count);
	if (wrong > 0) {
		skip = wrong_highest(ham, ham_count, spam, spam_count, wrong);
		if (ham_count - skip < JUNK_MODEL_CLAIM_HAM)
			return JUNK_MODEL_NO_CLAIM;
	}
	ham += skip;
	ham_count -= skip;
	tail = ham_tail(ham, ham_count, deviation(ham, ham_count) *
			TAIL_SCALE * sqrt(1 + SPAM_DOUBT / spam_count));
	limit = spam_limit(spam, spam_count, ham_count);
	/* the model itself must assign 90 %, unless it doesn't do so for most spam
	   yet */
	least = wrong > 0 ? SURE_SUM :
		I_MIN(SURE_SUM, spam[spam_count / 2].sum);
	return I_MAX(I_MAX(tail, limit), least);
}

/* Returns the lower of two values: what all but STRANGE_HAM of the ham reaches, and a
   part of the median. Sorts the values. */
static float
least_familiar(float *values, unsigned int count, double part)
{
	i_qsort(values, count, sizeof(*values), float_cmp);
	return I_MIN(values[(unsigned int)(count * STRANGE_HAM)],
		     values[count / 2] * part);
}

static void
claims_familiar(const struct junk_claims_report *ham, unsigned int count,
		struct junk_claims *claims_r)
{
	float *words = i_new(float, count), *form = i_new(float, count);

	for (unsigned int i = 0; i < count; i++) {
		words[i] = ham[i].familiar_words;
		form[i] = ham[i].familiar_form;
	}
	claims_r->familiar_words = least_familiar(words, count,
						  STRANGE_WORDS);
	claims_r->familiar_form = least_familiar(form, count,
						 STRANGE_FORM);
	i_free(words);
	i_free(form);
}

void junk_claims_init(struct junk_claims *claims_r)
{
	i_zero(claims_r);
	claims_r->sum = JUNK_MODEL_NO_CLAIM;
}

void junk_claims_compute(struct junk_claims_report *ham, unsigned int ham_count,
			 struct junk_claims_report *spam,
			 unsigned int spam_count, struct junk_claims *claims_r)
{
	junk_claims_init(claims_r);
	ham_count = reports_distinct(ham, ham_count);
	spam_count = reports_distinct(spam, spam_count);
	claims_r->sum = claims_sum(ham, ham_count, spam, spam_count);
	if (claims_r->sum >= JUNK_MODEL_NO_CLAIM)
		return;
	claims_r->shift = I_MAX(SURE_SUM - claims_r->sum, 0);
	claims_familiar(ham, ham_count, claims_r);
}

bool junk_claims_are_sane(const struct junk_claims *claims)
{
	return isfinite(claims->sum) && isfinite(claims->shift) &&
		claims->familiar_words >= 0 && claims->familiar_words <= 1 &&
		claims->familiar_form >= 0 && claims->familiar_form <= 1;
}

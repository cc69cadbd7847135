/* From which sum on may a message be said to be spam?

   Of n messages that people kept, sorted from the highest sum to the lowest, the
   one at place n JUNK_CLAIMS_HAM is the answer where there are enough. Of fewer
   messages the tail is extrapolated: the highest TAIL_PART of the sums are taken to be
   exponential, with their own mean as far as they are many (peaks over threshold:
   Pickands 1975). Few reports of spam make the sums themselves uncertain: the tail
   is taken to be longer then.

   No extrapolation sees a kind of ham, a newsletter, say, of which few messages have
   none. What it looks like is somewhere among the spam, so of few messages of ham only
   that spam is claimed which looks most like it.

   Some labels are wrong. Ham whose sums look like spam's, while spam whose sums
   look like ham's is as frequent, is explained by that and left out; what remains
   has to be what the model itself calls 90 % spam then.

   A message of a kind that people have kept nothing of isn't compared with
   anything by such a sum. Each kind has words and a form of its own; what has
   less in common with the mail that people keep than almost all of that mail has
   with the rest of it is of an unknown kind. */

#include "lib.h"
#include "sort.h"
#include "junk-claims.h"

#include <math.h>

/* Fewer messages of a class: nothing is claimed. */
#define MIN_HAM 8
#define MIN_SPAM 10
#define TAIL_SCALE 0.4
#define TAIL_PART 0.05
#define TAIL_MIN 2
/* So many messages more are assumed in the tail, at its usual scale. */
#define TAIL_PRIOR 5
/* The tail is sqrt(1 + SPAM_DOUBT / spam) times as long. */
#define SPAM_DOUBT 4.0
/* Of so many messages of ham, or so many for each of spam, it isn't known what the
   rarest kinds look like: that part of the spam may be claimed, and more by this power
   of their number. */
#define RARE_HAM 100
#define RARE_HAM_PER_SPAM 10
#define RARE_SPAM_PART 0.4
#define RARE_POWER 0.4
/* Wrong labels of ham for each of spam that are believed, and so many of them are
   chance. */
#define WRONG_FACTOR 2.0
#define WRONG_MIN 4
/* Of the mail that people keep, the part that may be of an unknown kind. */
#define STRANGE_HAM 0.02
/* ... and the parts of what is usual that are familiar of a known one. */
#define STRANGE_WORDS 0.5
#define STRANGE_FORM 0.33
/* ln 9: the sum that is a probability of 90 % */
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

/* Keep the highest sum of each message, and sort from high to low. */
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

/* How many of the sorted reports are above a sum. */
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

/* About how many reports of ham are spam: those that look like it, as far as
   reports of spam are as often the opposite. */
static double
wrong_labels(const struct junk_claims_report *ham, unsigned int ham_count,
	     const struct junk_claims_report *spam, unsigned int spam_count)
{
	double of_ham = 2 * count_above(ham, ham_count,
					spam[spam_count / 2].sum);
	double of_spam = 2 * (spam_count - count_above(spam, spam_count,
						ham[ham_count / 2].sum));
	double wrong = I_MIN(of_ham, WRONG_FACTOR * of_spam * spam_count /
			     ham_count);

	return wrong < WRONG_MIN ? 0 : wrong;
}

/* How many of the highest sums of ham wrong labels explain. */
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

/* The sum that JUNK_CLAIMS_HAM of the ham reaches: the highest sums are those of an
   exponential distribution above the next one. scale: of it, as far as they are few. */
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

/* The sum above which there is as much of the spam as so many messages of ham allow
   to claim. */
static double
spam_limit(const struct junk_claims_report *spam, unsigned int spam_count,
	   unsigned int ham_count)
{
	double enough = I_MIN(ham_count, spam_count * RARE_HAM_PER_SPAM);
	double part = RARE_SPAM_PART * pow(enough / RARE_HAM, RARE_POWER);

	return part >= 1 ? -JUNK_CLAIMS_NONE :
		spam[(unsigned int)(part * spam_count)].sum;
}

static double
claims_sum(const struct junk_claims_report *ham, unsigned int ham_count,
	   const struct junk_claims_report *spam, unsigned int spam_count)
{
	unsigned int skip = 0;
	double wrong, tail, limit, least;

	if (ham_count < MIN_HAM || spam_count < MIN_SPAM)
		return JUNK_CLAIMS_NONE;
	wrong = wrong_labels(ham, ham_count, spam, spam_count);
	if (wrong > 0) {
		skip = wrong_highest(ham, ham_count, spam, spam_count, wrong);
		if (ham_count - skip < MIN_HAM)
			return JUNK_CLAIMS_NONE;
	}
	ham += skip;
	ham_count -= skip;
	tail = ham_tail(ham, ham_count, deviation(ham, ham_count) *
			TAIL_SCALE * sqrt(1 + SPAM_DOUBT / spam_count));
	limit = spam_limit(spam, spam_count, ham_count);
	/* the model has to say so too, unless it hasn't even learned to say it
	   of most spam */
	least = wrong > 0 ? SURE_SUM :
		I_MIN(SURE_SUM, spam[spam_count / 2].sum);
	return I_MAX(I_MAX(tail, limit), least);
}

/* What all but STRANGE_HAM of the ham has, or a part of what half of it has if that
   is less. Sorts. */
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
	claims_r->sum = JUNK_CLAIMS_NONE;
}

void junk_claims_compute(struct junk_claims_report *ham, unsigned int ham_count,
			 struct junk_claims_report *spam,
			 unsigned int spam_count, struct junk_claims *claims_r)
{
	junk_claims_init(claims_r);
	ham_count = reports_distinct(ham, ham_count);
	spam_count = reports_distinct(spam, spam_count);
	claims_r->sum = claims_sum(ham, ham_count, spam, spam_count);
	if (claims_r->sum >= JUNK_CLAIMS_NONE)
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

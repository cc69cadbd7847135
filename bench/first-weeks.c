/* Accuracy on a host after its first reports, in any order: sizes x order x
   kind of ham x people, with random draws of reported messages, tested on
   others. Each cell is the mean over the seeds; one line shows the worst cell
   of each size. */

#include "lib.h"
#include "array.h"
#include "junk-learner.h"
#include "accuracy.h"
#include "metrics.h"
#include "scenarios.h"

#include <math.h>
#include <stdio.h>

#define TEST_EASY 500
#define TEST_HARD 100
#define TEST_SPAM 400
/* The number of people who get the same message, where several do. */
#define COPIES 3
/* The best threshold in hindsight has this rate of false positives. */
#define BEST_HAM 0.005

/* Bounds: percent of easy and of hard ham at 90 and above in the worst cell;
   1-AUC of the worst order divided by that of the best; spam at 90 and above
   divided by the recall at the best threshold in hindsight. */
#define EASY_BOUND 0.5
#define HARD_BOUND 5
#define SPREAD_BOUND 1.2
#define SPREAD_BOUND_LARGE 1.3
#define CAUGHT_BOUND 0.8
#define CAUGHT_MIN_HAM 100

enum order { HAM_FIRST, SPAM_FIRST, PROPORTION, RANDOM, HSH, SHS, ORDERS };

static const unsigned int sizes[][2] = {
	{ 10, 5 }, { 30, 10 }, { 30, 30 }, { 100, 5 }, { 5, 40 }, { 100, 40 },
	{ 300, 20 }, { 300, 100 }, { 1000, 50 }, { 1000, 1000 }, { 3000, 3000 },
};
#define MAX_REPORTS 3000

static const struct {
	unsigned int people;
	bool same, weak;
} kinds[] = {
	{ 1, FALSE, TRUE }, { 3, FALSE, TRUE }, { 3, TRUE, TRUE },
	{ 30, TRUE, TRUE }, { 3, TRUE, FALSE },
};

struct event {
	const struct corpus_mail *mail;
	unsigned int person;
};

/* The messages of a draw. */
struct draw {
	ARRAY(const struct corpus_mail *) ham, spam, test;
	struct event *ham_events, *spam_events;
};

/* Figures in percent, for a person without reports and for a reporter. */
struct figures {
	double easy, hard, caught, best, auc;
};

static bool mail_is_hard(const struct corpus_mail *mail)
{
	return strstr(mail->path, "hard-ham") != NULL;
}

/* Choose the messages of the test from a shuffled corpus. The others are shuffled
   again, since the first of them have no hard ham: that is in the test. */
static void
draw_test(struct draw *draw, const struct corpus *corpus,
	  struct corpus_random *random)
{
	unsigned int counts[3] = { 0, 0, 0 };
	const unsigned int max[3] = { TEST_EASY, TEST_HARD, TEST_SPAM };
	const struct corpus_mail *mail;

	i_array_init(&draw->ham, 4096);
	i_array_init(&draw->spam, 2048);
	i_array_init(&draw->test, TEST_EASY + TEST_HARD + TEST_SPAM);
	array_foreach(&corpus->mails, mail) {
		unsigned int kind = mail->spam ? 2 : mail_is_hard(mail) ? 1 : 0;

		if (counts[kind] < max[kind]) {
			counts[kind]++;
			array_push_back(&draw->test, &mail);
		} else if (mail->spam) {
			array_push_back(&draw->spam, &mail);
		} else {
			array_push_back(&draw->ham, &mail);
		}
	}
	corpus_random_shuffle(random, array_front_modifiable(&draw->ham),
			      array_count(&draw->ham), sizeof(mail));
	corpus_random_shuffle(random, array_front_modifiable(&draw->spam),
			      array_count(&draw->spam), sizeof(mail));
	draw->ham_events = i_new(struct event, MAX_REPORTS);
	draw->spam_events = i_new(struct event, MAX_REPORTS);
}

static void draw_deinit(struct draw *draw)
{
	array_free(&draw->ham);
	array_free(&draw->spam);
	array_free(&draw->test);
	i_free(draw->ham_events);
	i_free(draw->spam_events);
}

/* Make reports of the first count messages of a shuffled pool. */
static void
draw_events(const struct corpus_mail *const *mails, unsigned int count,
	    unsigned int kind, struct corpus_random *random,
	    struct event *events)
{
	const unsigned int copies = kinds[kind].same ? COPIES : 1;
	unsigned int first = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (i % copies == 0)
			first = corpus_random_next(random) % kinds[kind].people;
		events[i].mail = mails[i / copies];
		events[i].person = (first + i % copies) % kinds[kind].people;
	}
}

/* Decide whether the next event is spam: ham event i of n, or spam event j of
   m. */
static bool
next_is_spam(enum order order, unsigned int i, unsigned int n, unsigned int j,
	     unsigned int m, struct corpus_random *random)
{
	if (i == n || j == m)
		return i == n;
	switch (order) {
	case HAM_FIRST:
		return FALSE;
	case SPAM_FIRST:
		return TRUE;
	case PROPORTION:
		return (j + 1) * n < (i + 1) * m;
	case RANDOM:
		return corpus_random_next(random) % (n - i + m - j) >= n - i;
	case HSH:
		return i >= n / 2;
	case SHS:
		return j < m / 2;
	case ORDERS:
		break;
	}
	i_unreached();
}

static void
learn_event(struct junk_learner *learner, const struct event *event, bool weak)
{
	bench_learn(learner, event->mail, event->person,
		    event->mail->spam ? JUNK_VERDICT_SPAM :
		    weak ? JUNK_VERDICT_WEAK_HAM : JUNK_VERDICT_HAM);
}

static struct junk_learner *
learn_all(const struct draw *draw, unsigned int n, unsigned int m,
	  unsigned int kind, enum order order, uint64_t seed)
{
	struct junk_learner_settings set;
	struct junk_learner *learner;
	struct corpus_random random = { seed };

	junk_learner_settings_init(&set);
	set.seed = seed;
	learner = junk_learner_init(&set);
	for (unsigned int i = 0, j = 0; i + j < n + m; ) {
		const struct event *event =
			next_is_spam(order, i, n, j, m, &random) ?
			&draw->spam_events[j++] : &draw->ham_events[i++];

		learn_event(learner, event, kinds[kind].weak);
	}
	return learner;
}

static int result_cmp(const struct result *r1, const struct result *r2)
{
	return r1->rank < r2->rank ? 1 : (r1->rank > r2->rank ? -1 : 0);
}

static double
best_caught(struct result *results, unsigned int count)
{
	unsigned int ham = 0, spam = 0;

	qsort(results, count, sizeof(*results),
	      (int (*)(const void *, const void *))result_cmp);
	for (unsigned int i = 0; i < count; i++) {
		if (results[i].spam)
			spam++;
		else if (++ham > BEST_HAM * (TEST_EASY + TEST_HARD))
			break;
	}
	return 100.0 * spam / TEST_SPAM;
}

static void
test(struct junk_learner *learner, const struct draw *draw,
     const unsigned char *reporter, double part, struct figures *figures)
{
	const unsigned int count = array_count(&draw->test);
	struct result *results = i_new(struct result, count);
	unsigned int claimed[3] = { 0, 0, 0 };
	struct junk_model model;
	struct junk_score score;
	struct metrics metrics;

	junk_learner_model(learner, &model);
	for (unsigned int i = 0; i < count; i++) {
		const struct corpus_mail *mail =
			array_idx_elem(&draw->test, i);

		junk_model_score(&model, mail->tokens, mail->token_count,
				 reporter, &score);
		results[i].rank = score.sum;
		results[i].spam = mail->spam;
		if (score.score >= DEFAULT_THRESHOLD)
			claimed[mail->spam ? 2 : mail_is_hard(mail) ? 1 : 0]++;
	}
	metrics_compute(results, count, 0, &metrics);
	figures->easy += part * 100.0 * claimed[0] / TEST_EASY;
	figures->hard += part * 100.0 * claimed[1] / TEST_HARD;
	figures->caught += part * 100.0 * claimed[2] / TEST_SPAM;
	figures->auc += part * metrics.value[METRIC_AUC];
	figures->best += part * best_caught(results, count);
	i_free(results);
}

static bool
print_line(const char *name, const unsigned int size[2], double value,
	   const char *unit, double bound, bool most)
{
	name = t_strdup_printf("%s_%u_%u", name, size[0], size[1]);
	return metrics_print_bound(name, value, unit, bound, most);
}

/* Does the corpus have enough messages, without those of the test? */
static bool
kind_is_possible(const struct corpus *corpus, const unsigned int size[2],
		 unsigned int kind)
{
	const unsigned int copies = kinds[kind].same ? COPIES : 1;

	return size[0] / copies + TEST_EASY + TEST_HARD <= corpus->ham_count &&
		size[1] / copies + TEST_SPAM <= corpus->spam_count;
}

/* Run all orders for one kind of ham and people, for a person without reports
   and for a reporter. */
static void
run_kind(struct corpus *corpus, const unsigned int size[2], unsigned int kind,
	 uint64_t first_seed, unsigned int seeds,
	 struct figures figures_r[ORDERS][2])
{
	unsigned char reporter[JUNK_REPORTER_BYTES];

	bench_person(0, reporter);
	memset(figures_r, 0, sizeof(struct figures) * ORDERS * 2);
	for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
		struct corpus_random random = { seed * 1000003 };
		struct draw draw;

		corpus_shuffle(corpus, &random);
		draw_test(&draw, corpus, &random);
		draw_events(array_front(&draw.ham), size[0], kind, &random,
			    draw.ham_events);
		draw_events(array_front(&draw.spam), size[1], kind, &random,
			    draw.spam_events);
		for (unsigned int order = 0; order < ORDERS; order++) {
			struct junk_learner *learner =
				learn_all(&draw, size[0], size[1], kind, order,
					  seed);

			test(learner, &draw, NULL, 1.0 / seeds,
			     &figures_r[order][0]);
			test(learner, &draw, reporter, 1.0 / seeds,
			     &figures_r[order][1]);
			junk_learner_deinit(&learner);
		}
		draw_deinit(&draw);
	}
}

static bool
run_size(struct corpus *corpus, const unsigned int size[2], uint64_t seed,
	 unsigned int seeds)
{
	struct figures figures[ORDERS][2];
	double easy = 0, hard = 0, spread = 1, caught = 0, best = 0;
	bool ok;

	for (unsigned int kind = 0; kind < N_ELEMENTS(kinds); kind++) {
		if (!kind_is_possible(corpus, size, kind))
			continue;
		run_kind(corpus, size, kind, seed, seeds, figures);
		/* if only one person reports, nothing is known for others */
		for (unsigned int who = kinds[kind].people == 1 ? 1 : 0;
		     who < 2; who++) {
			double low = 100, high = 0;

			for (unsigned int order = 0; order < ORDERS; order++) {
				const struct figures *f = &figures[order][who];

				easy = I_MAX(easy, f->easy);
				hard = I_MAX(hard, f->hard);
				low = I_MIN(low, f->auc);
				high = I_MAX(high, f->auc);
				caught += f->caught;
				best += f->best;
			}
			if (low > 0)
				spread = I_MAX(spread, high / low);
		}
	}
	ok = print_line("easy_ham_worst", size, easy, "%", EASY_BOUND, TRUE);
	ok = print_line("hard_ham_worst", size, hard, "%", HARD_BOUND, TRUE) &&
		ok;
	ok = print_line("order_worst", size, spread, "x",
			size[0] + size[1] > 1000 ? SPREAD_BOUND_LARGE :
			SPREAD_BOUND, TRUE) && ok;
	if (size[0] >= CAUGHT_MIN_HAM) {
		ok = print_line("spam_caught", size, caught / best, "x",
				CAUGHT_BOUND, FALSE) && ok;
	}
	fflush(stdout);
	return ok;
}

bool scenario_first_weeks(struct corpus *corpus, uint64_t seed,
			  unsigned int seeds)
{
	bool ok = TRUE;

	for (unsigned int i = 0; i < N_ELEMENTS(sizes); i++)
		ok = run_size(corpus, sizes[i], seed, seeds) && ok;
	return ok;
}

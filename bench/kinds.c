/* Kinds of mail of which a host has no ham: another script, or good mail as it
   looks today. Is good mail of the kind filed, and what does caution cost once
   there is some ham? The corpus has several kinds: a message belongs to kind NAME
   if its path has a folder "kind-NAME" (bench/kinds makes such an index), all
   others are the host's usual mail. */

#include "lib.h"
#include "array.h"
#include "accuracy.h"
#include "metrics.h"
#include "scenarios.h"

#include <stdio.h>

#define KIND_PREFIX "/kind-"
#define PEOPLE 10
/* Number of people who report the same message. */
#define COPIES 2
/* The part of spam that is of the kind, if the model knows it as spam. */
#define SPAM_PART 4
/* Number of hams of the kind after which its spam should be recognized. */
#define KNOWN_HAM 20
#define MAX_TEST 400

/* Bounds in percent: good mail at the threshold and above, before the model has
   any ham of the kind; spam of the kind that the familiarity rule alone keeps
   below the threshold, after KNOWN_HAM hams. */
#define FILED_BOUND 2
#define COST_BOUND 10
/* With less ham, an answer may be rare in any case. */
#define COST_MIN_HAM 100

/* Numbers of reported messages: ham, spam. */
static const unsigned int sizes[][2] = {
	{ 30, 30 }, { 100, 40 }, { 300, 100 }, { 1000, 500 },
};

ARRAY_DEFINE_TYPE(kind_mail, const struct corpus_mail *);

struct kind {
	char *name;
	ARRAY_TYPE(kind_mail) ham, spam;
};
ARRAY_DEFINE_TYPE(kind, struct kind);

struct kind_run {
	struct kind *usual, *kind;
	unsigned int ham_count, spam_count;
	/* the model has reports of the kind's spam */
	bool spam_known;
	uint64_t seed;

	struct junk_learner *learner;
	struct corpus_random random;
};

/* Percent of the kind's ham that is filed, and of its spam that is filed, and that
   isn't because of the familiarity rule. */
struct kind_figures {
	double filed, caught, cost;
};

static const char *mail_kind(const struct corpus_mail *mail)
{
	const char *name = strstr(mail->path, KIND_PREFIX);

	return name == NULL ? "" : t_strcut(name + strlen(KIND_PREFIX), '/');
}

static struct kind *kind_get(ARRAY_TYPE(kind) *kinds, const char *name)
{
	struct kind *kind;

	array_foreach_modifiable(kinds, kind) {
		if (strcmp(kind->name, name) == 0)
			return kind;
	}
	kind = array_append_space(kinds);
	kind->name = i_strdup(name);
	i_array_init(&kind->ham, 1024);
	i_array_init(&kind->spam, 1024);
	return kind;
}

/* The first kind is the usual mail. */
static void kinds_init(ARRAY_TYPE(kind) *kinds, const struct corpus *corpus)
{
	const struct corpus_mail *mail;
	struct kind *kind;

	i_array_init(kinds, 8);
	(void)kind_get(kinds, "");
	array_foreach(&corpus->mails, mail) T_BEGIN {
		kind = kind_get(kinds, mail_kind(mail));
		if (mail->spam)
			array_push_back(&kind->spam, &mail);
		else
			array_push_back(&kind->ham, &mail);
	} T_END;
}

static void kinds_deinit(ARRAY_TYPE(kind) *kinds)
{
	struct kind *kind;

	array_foreach_modifiable(kinds, kind) {
		array_free(&kind->ham);
		array_free(&kind->spam);
		i_free(kind->name);
	}
	array_free(kinds);
}

static void
mails_shuffle(ARRAY_TYPE(kind_mail) *mails, struct corpus_random *random)
{
	if (array_count(mails) > 0) {
		corpus_random_shuffle(random, array_front_modifiable(mails),
				      array_count(mails),
				      sizeof(const struct corpus_mail *));
	}
}

static void
kind_learn(struct kind_run *run, const struct corpus_mail *mail)
{
	unsigned int first = corpus_random_next(&run->random) % PEOPLE;

	for (unsigned int i = 0; i < COPIES; i++) {
		bench_learn(run->learner, mail, (first + i) % PEOPLE,
			    mail->spam ? JUNK_VERDICT_SPAM :
			    JUNK_VERDICT_WEAK_HAM);
	}
}

/* Learn the usual mail, and spam of the kind if it is known, in random order.
   Spam that is learned is taken from the end, since the first is for the
   test. */
static void kind_learn_all(struct kind_run *run)
{
	unsigned int ham = 0, spam = 0;
	const struct corpus_mail *mail;

	while (ham + spam < run->ham_count + run->spam_count) {
		unsigned int left = run->ham_count + run->spam_count -
			ham - spam;

		if (corpus_random_next(&run->random) % left <
		    run->ham_count - ham) {
			mail = array_idx_elem(&run->usual->ham, ham++);
		} else {
			spam++;
			mail = run->spam_known && spam % SPAM_PART == 1 ?
				array_idx_elem(&run->kind->spam,
					array_count(&run->kind->spam) - 1 -
					spam / SPAM_PART) :
				array_idx_elem(&run->usual->spam, spam);
		}
		kind_learn(run, mail);
	}
}

static bool
kind_is_filed(struct kind_run *run, const struct corpus_mail *mail,
	      const unsigned int *person)
{
	struct junk_score score;

	bench_score(run->learner, mail, person, &score);
	return score.score >= DEFAULT_THRESHOLD;
}

/* Percent of the kind's ham that is filed, for the worse of a person without
   reports and one who reports. */
static double kind_filed(struct kind_run *run)
{
	const unsigned int person = 0;
	const unsigned int count = I_MIN(array_count(&run->kind->ham),
					 MAX_TEST);
	unsigned int filed[2] = { 0, 0 };

	for (unsigned int i = 0; i < count; i++) {
		const struct corpus_mail *mail =
			array_idx_elem(&run->kind->ham, i);

		filed[0] += kind_is_filed(run, mail, NULL) ? 1 : 0;
		filed[1] += kind_is_filed(run, mail, &person) ? 1 : 0;
	}
	return 100.0 * I_MAX(filed[0], filed[1]) / count;
}

/* After some ham of the kind: add the part of its spam that is filed, and the
   part that isn't only because of the familiarity rule. */
static void kind_spam(struct kind_run *run, struct kind_figures *figures)
{
	const unsigned int count = I_MIN(array_count(&run->kind->spam) / 2,
					 MAX_TEST);
	unsigned int caught = 0, strange = 0;
	struct junk_score score;

	for (unsigned int i = 0; i < count; i++) {
		bench_score(run->learner,
			    array_idx_elem(&run->kind->spam, i), NULL, &score);
		caught += score.score >= DEFAULT_THRESHOLD ? 1 : 0;
		strange += score.strange ? 1 : 0;
	}
	figures->caught += 100.0 * caught / count;
	figures->cost += 100.0 * strange / count;
}

static void
kind_run_seed(struct kind_run *run, struct kind_figures *figures)
{
	struct junk_learner_settings set;

	run->random.state = run->seed * 1000003;
	mails_shuffle(&run->usual->ham, &run->random);
	mails_shuffle(&run->usual->spam, &run->random);
	mails_shuffle(&run->kind->ham, &run->random);
	mails_shuffle(&run->kind->spam, &run->random);
	junk_learner_settings_init(&set);
	set.seed = run->seed;
	run->learner = junk_learner_init(&set);
	kind_learn_all(run);
	figures->filed += kind_filed(run);
	if (run->spam_known) {
		for (unsigned int i = 0; i < KNOWN_HAM; i++)
			kind_learn(run, array_idx_elem(&run->kind->ham, i));
		kind_spam(run, figures);
	}
	junk_learner_deinit(&run->learner);
}

/* Run all sizes, each with the mean over the seeds; print the worst. */
static bool
run_kind(struct kind *usual, struct kind *kind, bool spam_known, uint64_t seed,
	 unsigned int seeds)
{
	struct kind_figures worst = { 0, 0, 0 };
	const char *name;
	bool ok;

	for (unsigned int i = 0; i < N_ELEMENTS(sizes); i++) {
		struct kind_figures figures = { 0, 0, 0 };

		for (unsigned int n = 0; n < seeds; n++) {
			struct kind_run run = {
				.usual = usual,
				.kind = kind,
				.ham_count = sizes[i][0],
				.spam_count = sizes[i][1],
				.spam_known = spam_known,
				.seed = seed + n,
			};

			kind_run_seed(&run, &figures);
		}
		worst.filed = I_MAX(worst.filed, figures.filed / seeds);
		if (sizes[i][0] < COST_MIN_HAM)
			continue;
		worst.cost = I_MAX(worst.cost, figures.cost / seeds);
		if (spam_known) {
			printf("  %u + %u: %.1f %% of the spam of %s filed\n",
			       sizes[i][0], sizes[i][1],
			       figures.caught / seeds, kind->name);
		}
	}
	name = t_strconcat(spam_known ? "filed_spam_only_" : "filed_unknown_",
			   kind->name, NULL);
	ok = metrics_print_bound(name, worst.filed, "%", FILED_BOUND, TRUE);
	if (spam_known) {
		name = t_strconcat("cost_", kind->name, NULL);
		ok = metrics_print_bound(name, worst.cost, "%", COST_BOUND,
					 TRUE) && ok;
	}
	return ok;
}

bool scenario_kinds(struct corpus *corpus, uint64_t seed, unsigned int seeds)
{
	const unsigned int *largest = sizes[N_ELEMENTS(sizes) - 1];
	ARRAY_TYPE(kind) kinds;
	struct kind *usual, *kind;
	bool ok = TRUE;

	kinds_init(&kinds, corpus);
	usual = array_front_modifiable(&kinds);
	if (array_count(&kinds) == 1 ||
	    array_count(&usual->ham) < largest[0] ||
	    array_count(&usual->spam) <= largest[1])
		i_fatal("too little usual mail, or no other kind");
	array_foreach_modifiable(&kinds, kind) {
		if (kind == usual)
			continue;
		if (array_count(&kind->ham) <= KNOWN_HAM)
			i_fatal("too little ham of %s", kind->name);
		ok = run_kind(usual, kind, FALSE, seed, seeds) && ok;
		/* half of the spam is for the test */
		if (array_count(&kind->spam) / 2 > largest[1] / SPAM_PART)
			ok = run_kind(usual, kind, TRUE, seed, seeds) && ok;
		fflush(stdout);
	}
	kinds_deinit(&kinds);
	return ok;
}

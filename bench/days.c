/* The first 60 days of a host: people of several kinds get mail, act on what they
   see, and the filter learns only from that. Counts day by day the good mail that
   went to Junk and the spam that went to INBOX. */

#include "lib.h"
#include "array.h"
#include "junk-learner.h"
#include "accuracy.h"
#include "metrics.h"
#include "scenarios.h"

#include <stdio.h>

#define DAYS 60
#define WEEK 7
/* The filter's last days, over which the spam that it misses is counted. */
#define LATE_DAY 30
/* A message of spam goes to so many people of a host that has enough. */
#define SPAM_COPIES 3
/* What a person who does it does with a message of the kind. */
#define REPORTS_SPAM 0.9
#define FILES_HAM 0.3
#define RESCUES_HAM 0.9
#define READS_HAM 0.8
/* Spam is opened and kept by mistake. */
#define READS_SPAM 0.03
/* The defaults of junk_feedback_kept and junk_feedback_kept_age. */
#define KEPT_A_DAY 5
#define KEPT_DAYS 3

/* Bounds: good mail in Junk in the first week, later per 1,000, and of one person
   in all. */
#define FIRST_WEEK_BOUND 0
#define LATER_BOUND 1
#define PERSON_BOUND 3

static const unsigned int host_sizes[] = { 5, 20, 200 };

enum reports { REPORTS_AT_ONCE, REPORTS_WEEKLY, REPORTS_NEVER, REPORTS_COUNT };

struct message {
	const struct corpus_mail *mail;
	unsigned int day;
	bool read, done;
};

struct person {
	unsigned int number;
	enum reports reports;
	bool files, looks;
	ARRAY(struct message) inbox, junk;
	/* messages of inbox before it are too old to be sampled */
	unsigned int next_kept;
	unsigned int ham_filed;
};

struct host {
	struct junk_learner *learner;
	struct corpus_random random;
	struct person *people;
	unsigned int count;
	/* by day */
	unsigned int ham[DAYS], spam[DAYS], ham_filed[DAYS], spam_missed[DAYS];
};

/* The sums of all runs of a size and order, and the worst run. */
struct totals {
	unsigned int first_week, worst_day, worst_person;
	unsigned int later_ham, later_filed, late_spam, late_missed;
};

static bool happens(struct host *host, double probability)
{
	return corpus_random_double(&host->random) < probability;
}

static void
report(struct host *host, const struct person *person,
       const struct corpus_mail *mail, enum junk_verdict verdict)
{
	bench_learn(host->learner, mail, person->number, verdict);
}

static bool
is_filed(struct host *host, const struct person *person,
	 const struct corpus_mail *mail)
{
	struct junk_score score;

	bench_score(host->learner, mail, &person->number, &score);
	return score.score >= DEFAULT_THRESHOLD;
}

/* A message arrives, and its recipient sees it. */
static void
deliver(struct host *host, struct person *person,
	const struct corpus_mail *mail, unsigned int day)
{
	struct message message = { .mail = mail, .day = day };
	const bool filed = is_filed(host, person, mail);

	if (mail->spam) {
		host->spam[day]++;
		host->spam_missed[day] += filed ? 0 : 1;
	} else {
		host->ham[day]++;
		host->ham_filed[day] += filed ? 1 : 0;
		person->ham_filed += filed ? 1 : 0;
	}
	if (filed) {
		array_push_back(&person->junk, &message);
		return;
	}
	if (mail->spam && person->reports == REPORTS_AT_ONCE &&
	    happens(host, REPORTS_SPAM)) {
		report(host, person, mail, JUNK_VERDICT_SPAM);
		return;
	}
	if (!mail->spam && person->files && happens(host, FILES_HAM)) {
		report(host, person, mail, JUNK_VERDICT_WEAK_HAM);
		return;
	}
	message.read = happens(host, mail->spam ? READS_SPAM : READS_HAM);
	array_push_back(&person->inbox, &message);
}

/* Who reports once a week takes all spam of the week. */
static void report_week(struct host *host, struct person *person)
{
	struct message *message;

	array_foreach_modifiable(&person->inbox, message) {
		if (message->done || !message->mail->spam ||
		    !happens(host, REPORTS_SPAM))
			continue;
		message->done = TRUE;
		report(host, person, message->mail, JUNK_VERDICT_SPAM);
	}
}

static void rescue(struct host *host, struct person *person)
{
	struct message *message;

	array_foreach_modifiable(&person->junk, message) {
		if (!message->mail->spam && happens(host, RESCUES_HAM))
			report(host, person, message->mail, JUNK_VERDICT_HAM);
	}
	array_clear(&person->junk);
}

/* What the imap process finds in INBOX after some days. */
static void
sample_kept(struct host *host, struct person *person, unsigned int day)
{
	unsigned int left = KEPT_A_DAY;

	while (left > 0 && person->next_kept < array_count(&person->inbox)) {
		struct message *message = array_idx_modifiable(&person->inbox,
							person->next_kept);

		if (message->day + KEPT_DAYS > day)
			break;
		person->next_kept++;
		if (message->done || !message->read)
			continue;
		message->done = TRUE;
		report(host, person, message->mail, JUNK_VERDICT_WEAK_HAM);
		left--;
	}
}

static void end_day(struct host *host, unsigned int day)
{
	for (unsigned int i = 0; i < host->count; i++) {
		struct person *person = &host->people[i];

		if (person->looks)
			rescue(host, person);
		if (person->reports == REPORTS_WEEKLY &&
		    (day + person->number) % WEEK == 0)
			report_week(host, person);
		sample_kept(host, person, day);
	}
}

static void
deliver_all(struct host *host, const struct corpus_mail *mail,
	    unsigned int day)
{
	const unsigned int copies =
		mail->spam && host->count > 2 * SPAM_COPIES ? SPAM_COPIES : 1;
	unsigned int first = corpus_random_next(&host->random) % host->count;

	for (unsigned int i = 0; i < copies; i++) {
		deliver(host, &host->people[(first + i) % host->count], mail,
			day);
	}
}

static void
host_init(struct host *host, unsigned int count, uint64_t seed)
{
	struct junk_learner_settings set;
	/* which kinds of people a small host has */
	unsigned int first;

	i_zero(host);
	host->random.state = seed;
	first = corpus_random_next(&host->random) % (REPORTS_COUNT * 4);
	junk_learner_settings_init(&set);
	set.seed = seed;
	host->learner = junk_learner_init(&set);
	host->count = count;
	host->people = i_new(struct person, count);
	for (unsigned int i = 0; i < count; i++) {
		struct person *person = &host->people[i];
		const unsigned int kind = first + i;

		person->number = i;
		person->reports = kind % REPORTS_COUNT;
		person->files = kind / REPORTS_COUNT % 2 == 0;
		person->looks = kind / REPORTS_COUNT / 2 % 2 == 0;
		i_array_init(&person->inbox, 64);
		i_array_init(&person->junk, 16);
	}
}

static void host_deinit(struct host *host)
{
	for (unsigned int i = 0; i < host->count; i++) {
		array_free(&host->people[i].inbox);
		array_free(&host->people[i].junk);
	}
	i_free(host->people);
	junk_learner_deinit(&host->learner);
}

static void
run(const struct corpus *corpus, struct host *host)
{
	const struct corpus_mail *mails;
	unsigned int count;

	mails = array_get(&corpus->mails, &count);
	for (unsigned int day = 0; day < DAYS; day++) {
		for (unsigned int i = count * day / DAYS;
		     i < count * (day + 1) / DAYS; i++)
			deliver_all(host, &mails[i], day);
		end_day(host, day);
	}
}

static void totals_add(struct totals *totals, const struct host *host)
{
	unsigned int first_week = 0;

	for (unsigned int day = 0; day < DAYS; day++) {
		if (day < WEEK) {
			first_week += host->ham_filed[day];
		} else {
			totals->later_ham += host->ham[day];
			totals->later_filed += host->ham_filed[day];
		}
		if (day >= LATE_DAY) {
			totals->late_spam += host->spam[day];
			totals->late_missed += host->spam_missed[day];
		}
		totals->worst_day = I_MAX(totals->worst_day,
					  host->ham_filed[day]);
	}
	totals->first_week = I_MAX(totals->first_week, first_week);
	for (unsigned int i = 0; i < host->count; i++) {
		totals->worst_person = I_MAX(totals->worst_person,
					     host->people[i].ham_filed);
	}
}

/* The days of one run: ham in Junk and the spam in INBOX. */
static void print_days(const struct host *host)
{
	printf("  ham in Junk by day:");
	for (unsigned int day = 0; day < DAYS; day++)
		printf(" %u", host->ham_filed[day]);
	printf("\n  spam in INBOX by day:");
	for (unsigned int day = 0; day < DAYS; day++)
		printf(" %u/%u", host->spam_missed[day], host->spam[day]);
	putchar('\n');
}

static bool
print_line(const char *name, const char *order, unsigned int people,
	   double value, const char *unit, double bound)
{
	name = t_strdup_printf("%s_%s_%u", name, order, people);
	return metrics_print_bound(name, value, unit, bound, TRUE);
}

static bool
print_totals(const struct totals *totals, const char *order,
	     unsigned int people)
{
	bool ok;

	ok = print_line("ham_first_week", order, people, totals->first_week,
			"messages", FIRST_WEEK_BOUND);
	ok = print_line("ham_later", order, people, 1000.0 *
			totals->later_filed / I_MAX(totals->later_ham, 1),
			"/1000", LATER_BOUND) && ok;
	ok = print_line("ham_worst_person", order, people,
			totals->worst_person, "messages", PERSON_BOUND) && ok;
	printf("  worst day %u; spam in INBOX from day %u on: %.1f %%\n",
	       totals->worst_day, LATE_DAY, 100.0 * totals->late_missed /
	       I_MAX(totals->late_spam, 1));
	fflush(stdout);
	return ok;
}

static bool
run_size(struct corpus *corpus, bool random, unsigned int people,
	 uint64_t first_seed, unsigned int seeds)
{
	struct totals totals;
	struct host host;

	i_zero(&totals);
	for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
		struct corpus_random shuffle = { seed * 1000003 };

		if (random)
			corpus_shuffle(corpus, &shuffle);
		host_init(&host, people, seed);
		run(corpus, &host);
		totals_add(&totals, &host);
		if (seed == first_seed)
			print_days(&host);
		host_deinit(&host);
	}
	return print_totals(&totals, random ? "random" : "delivered", people);
}

bool scenario_days(struct corpus *corpus, uint64_t first_seed,
		   unsigned int seeds)
{
	bool ok = TRUE;

	/* first the order of delivery, which shuffling destroys */
	for (unsigned int random = 0; random < 2; random++) {
		for (unsigned int i = 0; i < N_ELEMENTS(host_sizes); i++) {
			ok = run_size(corpus, random == 1, host_sizes[i],
				      first_seed, seeds) && ok;
		}
	}
	return ok;
}

/* Measures how good the classifier is with the protocol of the TREC Spam Track:
   in the order of the index, score each message, then let the learner learn
   what the protocol's user reports. Tokenizer, score and learner are the
   product's own. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "junk-learner.h"
#include "accuracy.h"
#include "metrics.h"
#include "scenarios.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define BOOTSTRAP_SAMPLES 200
#define DEFAULT_SEEDS 5
/* Probabilities for users who act on what they see (protocol partial). */
#define PARTIAL_REPORTS_SPAM 0.5
#define PARTIAL_RESCUES_HAM 0.9
#define PARTIAL_WEAK_HAM 0.05
/* Share of the messages in INBOX that have been read, and that nobody has
   reported, that is sampled as kept (--kept), and after how many messages. Most
   spam isn't opened. */
#define KEPT_HAM 0.3
#define KEPT_SPAM 0.03
#define KEPT_DELAY 200

enum protocol {
	PROTOCOL_IMMEDIATE,
	PROTOCOL_DELAYED,
	PROTOCOL_NOISE,
	PROTOCOL_PARTIAL,
	PROTOCOL_TOE,
	/* all those with results of the peers */
	PROTOCOL_ALL,
	/* scenarios with tables of their own */
	PROTOCOL_USERS,
	PROTOCOL_CAMPAIGNS,
	PROTOCOL_REPORTS_ONLY,
	PROTOCOL_FIRST_WEEKS,
	PROTOCOL_KINDS,
};

struct options {
	const char *index_path, *scores_path;
	enum protocol protocol;
	const char *protocol_name;
	/* number of messages, or percent */
	unsigned int protocol_arg;
	uint64_t seed;
	/* 0 = the product's default */
	unsigned int min_reports;
	/* number of people who get and report the mail */
	unsigned int people;
	bool strip, shuffle, peers, kept, days;
};

struct run {
	const struct options *opts;
	struct corpus *corpus;
	struct junk_learner *learner;
	struct corpus_random random;
	struct corpus_random kept_random;
	struct result *results;
	/* for each message */
	bool *reported;
	FILE *scores;
	/* the next message to be learned (protocol delayed) */
	unsigned int next_learned;
};

void bench_person(unsigned int number,
		  unsigned char reporter_r[JUNK_REPORTER_BYTES])
{
	memset(reporter_r, 0, JUNK_REPORTER_BYTES);
	memcpy(reporter_r, &number, sizeof(number));
}

void bench_learn(struct junk_learner *learner, const struct corpus_mail *mail,
		 unsigned int person, enum junk_verdict verdict)
{
	struct junk_report report;

	i_zero(&report);
	report.verdict = verdict;
	report.origin = verdict == JUNK_VERDICT_WEAK_HAM ?
		JUNK_ORIGIN_ACTION : JUNK_ORIGIN_MOVE;
	report.feature_set = JUNK_FEATURE_SET;
	bench_person(person, report.reporter);
	memcpy(report.digest, mail->digest, sizeof(report.digest));
	report.tokens = mail->tokens;
	report.token_count = mail->token_count;
	junk_learner_learn(learner, &report, 1);
}

void bench_score(struct junk_learner *learner, const struct corpus_mail *mail,
		 const unsigned int *person, struct junk_score *score_r)
{
	unsigned char reporter[JUNK_REPORTER_BYTES];
	struct junk_model model;

	if (person != NULL)
		bench_person(*person, reporter);
	junk_learner_model(learner, &model);
	junk_model_score(&model, mail->tokens, mail->token_count,
			 person == NULL ? NULL : reporter, score_r);
}

/* Returns the random person to whom the message belongs. */
static unsigned int
run_person(const struct run *run, const struct corpus_mail *mail)
{
	struct corpus_random random;

	memcpy(&random.state, mail->digest, sizeof(random.state));
	random.state ^= run->opts->seed;
	return corpus_random_next(&random) % run->opts->people;
}

static void
run_learn(struct run *run, const struct corpus_mail *mail,
	  enum junk_verdict verdict)
{
	bench_learn(run->learner, mail, run_person(run, mail), verdict);
}

static enum junk_verdict mail_verdict(bool spam)
{
	return spam ? JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM;
}

bool partial_feedback(bool spam, bool caught, struct corpus_random *random,
		      bool *weak_r)
{
	double x = corpus_random_double(random);

	*weak_r = !spam && !caught;
	if (spam)
		return !caught && x < PARTIAL_REPORTS_SPAM;
	return x < (caught ? PARTIAL_RESCUES_HAM : PARTIAL_WEAK_HAM);
}

static void
run_partial(struct run *run, const struct corpus_mail *mail, bool caught)
{
	bool weak;

	if (!partial_feedback(mail->spam, caught, &run->random, &weak))
		return;
	run->reported[mail - array_front(&run->corpus->mails)] = TRUE;
	run_learn(run, mail, weak ? JUNK_VERDICT_WEAK_HAM :
		  mail_verdict(mail->spam));
}

/* Learn what the imap process finds in INBOX after some days
   (junk_feedback_kept). */
static void run_kept(struct run *run, unsigned int idx)
{
	const struct corpus_mail *mail;
	double x;

	if (!run->opts->kept || idx < KEPT_DELAY)
		return;
	idx -= KEPT_DELAY;
	mail = array_idx(&run->corpus->mails, idx);
	x = corpus_random_double(&run->kept_random);
	if (!run->results[idx].caught && !run->reported[idx] &&
	    x < (mail->spam ? KEPT_SPAM : KEPT_HAM))
		run_learn(run, mail, JUNK_VERDICT_WEAK_HAM);
}

static void run_feedback(struct run *run, unsigned int idx, bool caught)
{
	const struct corpus_mail *mail = array_idx(&run->corpus->mails, idx);
	bool spam = mail->spam;

	switch (run->opts->protocol) {
	case PROTOCOL_NOISE:
		if (corpus_random_double(&run->random) * 100 <
		    run->opts->protocol_arg)
			spam = !spam;
		/* fall through */
	case PROTOCOL_IMMEDIATE:
		run_learn(run, mail, mail_verdict(spam));
		break;
	case PROTOCOL_DELAYED:
		while (run->next_learned + run->opts->protocol_arg <= idx) {
			mail = array_idx(&run->corpus->mails,
					 run->next_learned++);
			run_learn(run, mail, mail_verdict(mail->spam));
		}
		break;
	case PROTOCOL_PARTIAL:
		run_partial(run, mail, caught);
		break;
	case PROTOCOL_TOE:
		/* an unknown score counts as an error, too */
		if (caught != mail->spam || run->results[idx].unknown)
			run_learn(run, mail, mail_verdict(mail->spam));
		break;
	case PROTOCOL_ALL:
	case PROTOCOL_USERS:
	case PROTOCOL_CAMPAIGNS:
	case PROTOCOL_REPORTS_ONLY:
	case PROTOCOL_FIRST_WEEKS:
	case PROTOCOL_KINDS:
		i_unreached();
	}
}

static void
run_score(struct run *run, unsigned int idx, struct result *result_r)
{
	const struct corpus_mail *mail = array_idx(&run->corpus->mails, idx);
	const unsigned int person = run_person(run, mail);
	struct junk_score score;

	bench_score(run->learner, mail, &person, &score);
	i_zero(result_r);
	result_r->spam = mail->spam;
	result_r->unknown = score.score == JUNK_SCORE_UNKNOWN;
	result_r->caught = score.score >= DEFAULT_THRESHOLD;
	/* "unknown" has no value, so messages are ranked by the weights' sum
	   anyway */
	result_r->rank = result_r->probability = score.probability;
	if (run->scores != NULL) {
		fprintf(run->scores, "%s\t%.10g\t%s\t%s\n",
			mail->spam ? "spam" : "ham",
			100 * result_r->probability,
			result_r->unknown ? "unknown" :
			(result_r->caught ? "spam" : "ham"), mail->path);
	}
}

static void run_protocol(struct run *run)
{
	unsigned int count = array_count(&run->corpus->mails);

	for (unsigned int i = 0; i < count; i++) {
		run_score(run, i, &run->results[i]);
		run_feedback(run, i, run->results[i].caught);
		run_kept(run, i);
	}
}

static void print_calibration(const struct calibration *calibration)
{
	printf("\nreliability, messages with a score:\n"
	       "  score    messages  mean score  spam %%\n");
	for (unsigned int i = 0; i < CALIBRATION_BINS; i++) {
		unsigned int count = calibration->bins[i].count;

		if (count == 0) {
			printf("  %2u-%-3u  %8u\n", i * 10, i * 10 + 10, 0);
			continue;
		}
		double spam = 100.0 * calibration->bins[i].spam / count;
		printf("  %2u-%-3u  %8u  %10.1f  %6.1f  |", i * 10,
		       i * 10 + 10, count,
		       100 * calibration->bins[i].probability_sum / count,
		       spam);
		for (unsigned int j = 0; j < spam / 2.5; j++)
			putchar('#');
		putchar('\n');
	}
	printf("expected calibration error: %.2f %%\n", calibration->error);
}

static void print_metrics(const struct metrics *metrics)
{
	printf("%-10s %9s   95 %% interval\n", "", "");
	for (unsigned int i = 0; i < METRIC_COUNT; i++) {
		printf("%-10s %9.3f   %.3f - %.3f\n", metric_name(i),
		       metrics->value[i], metrics->low[i], metrics->high[i]);
	}
}

static void print_last_line(const struct metrics *metrics)
{
	printf("1-AUC%% %.4f  LAM%% %.3f  sm@hm0.1%% %.2f  hm%% %.3f  "
	       "sm%% %.2f\n", metrics->value[METRIC_AUC],
	       metrics->value[METRIC_LAM], metrics->value[METRIC_SPAM_AT_0_1],
	       metrics->value[METRIC_HAM], metrics->value[METRIC_SPAM]);
}

static void print_head(const struct run *run, unsigned int count)
{
	const struct options *opts = run->opts;
	unsigned int unknown = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (run->results[i].unknown)
			unknown++;
	}
	printf("%u spam, %u ham, protocol %s%s%s, %u people, seed %llu, "
	       "unknown %u\n\n",
	       run->corpus->spam_count, run->corpus->ham_count,
	       opts->protocol_name, opts->strip ? ", stripped" : "",
	       opts->shuffle ? ", shuffled" : "", opts->people,
	       (unsigned long long)opts->seed, unknown);
}

static void run_stream(struct run *run)
{
	struct junk_learner_settings learner_set;
	struct metrics metrics;
	struct calibration calibration;
	unsigned int count = array_count(&run->corpus->mails);

	junk_learner_settings_init(&learner_set);
	if (run->opts->min_reports > 0)
		learner_set.min_reports = run->opts->min_reports;
	run->learner = junk_learner_init(&learner_set);
	run->results = i_new(struct result, count);
	run->reported = i_new(bool, count);
	run_protocol(run);

	print_head(run, count);
	calibration_compute(run->results, count, &calibration);
	metrics_compute(run->results, count, BOOTSTRAP_SAMPLES, &metrics);
	print_metrics(&metrics);
	print_calibration(&calibration);
	print_last_line(&metrics);
	junk_learner_deinit(&run->learner);
	i_free(run->reported);
	i_free(run->results);
}

static unsigned int seeds_of(const struct options *opts)
{
	return opts->protocol_arg == 0 ? DEFAULT_SEEDS : opts->protocol_arg;
}

static bool
run_first_weeks(const struct options *opts, struct corpus *corpus)
{
	const unsigned int seeds = seeds_of(opts);

	return opts->days ? scenario_days(corpus, opts->seed, seeds) :
		scenario_first_weeks(corpus, opts->seed, seeds);
}

static int run_index(const struct options *opts)
{
	struct corpus corpus;
	struct run run;
	const char *error;
	int ret = 0;

	if (corpus_read(opts->index_path, opts->strip, &corpus, &error) < 0) {
		i_error("%s", error);
		return 1;
	}
	i_zero(&run);
	run.opts = opts;
	run.corpus = &corpus;
	run.random.state = opts->seed;
	run.kept_random.state = ~opts->seed;
	if (opts->shuffle)
		corpus_shuffle(&corpus, &run.random);
	if (opts->scores_path != NULL) {
		run.scores = fopen(opts->scores_path, "w");
		if (run.scores == NULL) {
			i_error("fopen(%s) failed: %m", opts->scores_path);
			return 1;
		}
	}
	switch (opts->protocol) {
	case PROTOCOL_USERS:
		scenario_users(&corpus, I_MAX(opts->protocol_arg, 1),
			       opts->seed);
		break;
	case PROTOCOL_CAMPAIGNS:
		ret = scenario_campaigns(&corpus, opts->seed) ? 0 : 1;
		break;
	case PROTOCOL_REPORTS_ONLY:
		ret = scenario_reports_only(&corpus, opts->seed) ? 0 : 1;
		break;
	case PROTOCOL_FIRST_WEEKS:
		ret = run_first_weeks(opts, &corpus) ? 0 : 1;
		break;
	case PROTOCOL_KINDS:
		ret = scenario_kinds(&corpus, opts->seed, seeds_of(opts)) ?
			0 : 1;
		break;
	default:
		run_stream(&run);
		break;
	}
	corpus_free(&corpus);
	if (run.scores != NULL && fclose(run.scores) != 0) {
		i_error("write(%s) failed: %m", opts->scores_path);
		return 1;
	}
	return ret;
}

/* Run the other filters, which a script does. */
static void ATTR_NORETURN run_peers(const struct options *opts)
{
	const char *args[] = {
		PEERS_PATH, "--index", opts->index_path, "--protocol",
		opts->protocol_name, "--seed", t_strdup_printf("%llu",
			(unsigned long long)opts->seed),
		"--accuracy", "accuracy", opts->strip ? "--strip" : NULL, NULL
	};
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len > 0) {
		path[len] = '\0';
		args[8] = path;
	}
	execv(PEERS_PATH, (char **)args);
	i_fatal("execv(%s) failed: %m", PEERS_PATH);
}

static bool parse_protocol(const char *str, struct options *opts)
{
	static const struct {
		const char *name;
		enum protocol protocol;
		bool arg, optional;
	} protocols[] = {
		{ "immediate", PROTOCOL_IMMEDIATE, FALSE, FALSE },
		{ "delayed", PROTOCOL_DELAYED, TRUE, FALSE },
		{ "noise", PROTOCOL_NOISE, TRUE, FALSE },
		{ "partial", PROTOCOL_PARTIAL, FALSE, FALSE },
		{ "toe", PROTOCOL_TOE, FALSE, FALSE },
		{ "all", PROTOCOL_ALL, FALSE, FALSE },
		{ "users", PROTOCOL_USERS, TRUE, FALSE },
		{ "campaigns", PROTOCOL_CAMPAIGNS, FALSE, FALSE },
		{ "reports-only", PROTOCOL_REPORTS_ONLY, FALSE, FALSE },
		{ "first-weeks", PROTOCOL_FIRST_WEEKS, TRUE, TRUE },
		{ "kinds", PROTOCOL_KINDS, TRUE, TRUE },
	};
	const char *name = t_strcut(str, ':'), *arg = strchr(str, ':');

	for (unsigned int i = 0; i < N_ELEMENTS(protocols); i++) {
		if (strcmp(protocols[i].name, name) != 0)
			continue;
		if ((arg != NULL) != protocols[i].arg &&
		    !protocols[i].optional)
			return FALSE;
		opts->protocol = protocols[i].protocol;
		opts->protocol_name = str;
		return arg == NULL || str_to_uint(arg + 1,
						  &opts->protocol_arg) == 0;
	}
	return FALSE;
}

static void ATTR_NORETURN usage(void)
{
	fprintf(stderr,
"usage: accuracy --index FILE [--protocol PROTOCOL] [--strip] [--shuffle]\n"
"                [--seed N] [--scores OUT.tsv]\n"
"                [--min-reports N] [--people N] [--kept] [--days] [--peers]\n"
"PROTOCOL: immediate | delayed:MESSAGES | noise:PERCENT | partial | toe |\n"
"          users:COUNT | campaigns | reports-only | first-weeks[:SEEDS] |\n"
"          kinds[:SEEDS] (see bench/kinds) | all (with --peers)\n");
	lib_exit(64);
}

int main(int argc, char *argv[])
{
	static const struct option long_opts[] = {
		{ "index", required_argument, NULL, 'i' },
		{ "protocol", required_argument, NULL, 'p' },
		{ "strip", no_argument, NULL, 's' },
		{ "shuffle", no_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 'S' },
		{ "scores", required_argument, NULL, 'o' },
		{ "peers", no_argument, NULL, 'P' },
		{ "min-reports", required_argument, NULL, 'n' },
		{ "people", required_argument, NULL, 'u' },
		{ "kept", no_argument, NULL, 'k' },
		{ "days", no_argument, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opts = { .protocol_name = "immediate", .people = 1 };
	int c, ret;

	lib_init();
	while ((c = getopt_long(argc, argv, "", long_opts, NULL)) != -1) {
		switch (c) {
		case 'i':
			opts.index_path = optarg;
			break;
		case 'p':
			if (!parse_protocol(optarg, &opts))
				usage();
			break;
		case 's':
			opts.strip = TRUE;
			break;
		case 'r':
			opts.shuffle = TRUE;
			break;
		case 'S':
			if (str_to_uint64(optarg, &opts.seed) < 0)
				usage();
			break;
		case 'n':
			if (str_to_uint(optarg, &opts.min_reports) < 0)
				usage();
			break;
		case 'u':
			if (str_to_uint(optarg, &opts.people) < 0 ||
			    opts.people == 0)
				usage();
			break;
		case 'k':
			opts.kept = TRUE;
			break;
		case 'd':
			opts.days = TRUE;
			break;
		case 'P':
			opts.peers = TRUE;
			break;
		case 'o':
			opts.scores_path = optarg;
			break;
		default:
			usage();
		}
	}
	if (opts.index_path == NULL || optind != argc ||
	    (opts.protocol == PROTOCOL_ALL && !opts.peers) ||
	    (opts.days && opts.protocol != PROTOCOL_FIRST_WEEKS))
		usage();
	if (opts.peers)
		run_peers(&opts);
	ret = run_index(&opts);
	lib_deinit();
	return ret;
}

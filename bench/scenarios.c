/* See scenarios.h. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "junk-limits.h"
#include "junk-learner.h"
#include "accuracy.h"
#include "metrics.h"
#include "scenarios.h"

#include <stdio.h>

static struct junk_learner *learner_new(unsigned int min_reporters)
{
	struct junk_learner_settings set;

	junk_learner_settings_init(&set);
	if (min_reporters > 0)
		set.min_reporters = min_reporters;
	return junk_learner_init(&set);
}

static const char *target(bool holds)
{
	return holds ? "ok" : "short";
}

static bool caught(const struct junk_score *score)
{
	return score->score >= DEFAULT_THRESHOLD;
}

/* --- users --- */

enum users_variant {
	USERS_BOTH,
	USERS_SHARED,
	USERS_PERSONAL,
};

/* Returns the user's opinion, which is the same in each variant. */
static bool
user_label(const struct corpus_mail *mail, unsigned int user, uint64_t seed)
{
	struct corpus_random random = { corpus_mail_domain(mail) ^ seed };

	if (corpus_random_next(&random) % 3 != 0)
		return mail->spam;
	random.state ^= (uint64_t)(user + 1) << 32;
	return corpus_random_next(&random) % 2 == 0;
}

static void
users_run(struct corpus *corpus, unsigned int users, uint64_t seed,
	  enum users_variant variant, unsigned int min_reporters,
	  struct result *results)
{
	struct junk_learner *learner =
		learner_new(variant == USERS_PERSONAL ? 65 : min_reporters);
	struct corpus_random random = { seed + 1 };
	const struct corpus_mail *mails;
	struct junk_score s;
	unsigned int count, user, reporter;

	mails = array_get(&corpus->mails, &count);
	for (unsigned int i = 0; i < count; i++) {
		user = corpus_random_next(&random) % users;
		/* without personal weights, every report is by another
		   person */
		reporter = variant == USERS_SHARED ? users + i : user;
		bench_score(learner, &mails[i],
			    variant == USERS_SHARED ? NULL : &reporter, &s);
		i_zero(&results[i]);
		results[i].spam = user_label(&mails[i], user, seed);
		results[i].rank = results[i].probability = s.probability;
		results[i].unknown = s.unknown_reason != NULL;
		results[i].caught = caught(&s);
		bench_learn(learner, &mails[i], reporter, results[i].spam ?
		      JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM);
	}
	junk_learner_deinit(&learner);
}

static void
users_print(const char *name, struct result *results, unsigned int count)
{
	struct metrics metrics;

	metrics_compute(results, count, 0, &metrics);
	printf("%-20s  %6.3f  %5.2f  %5.2f\n", name, metrics.value[METRIC_AUC],
	       metrics.value[METRIC_HAM], metrics.value[METRIC_SPAM]);
}

void scenario_users(struct corpus *corpus, unsigned int users, uint64_t seed)
{
	/* values of junk_feedback_min_reporters: doc/privacy.md */
	static const unsigned int reporters[] = { 2, 3, 5 };
	static const char *const names[] = {
		"shared and personal", "shared only", "personal only",
	};
	unsigned int count = array_count(&corpus->mails);
	struct result *results = i_new(struct result, count);

	printf("%u users, a third of the senders' domains disputed\n\n"
	       "%-20s  1-AUC%%  hm%%    sm%%\n", users, "");
	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		users_run(corpus, users, seed, i, 0, results);
		users_print(names[i], results, count);
	}
	for (unsigned int i = 0; i < N_ELEMENTS(reporters); i++) T_BEGIN {
		users_run(corpus, users, seed, USERS_BOTH, reporters[i],
			  results);
		users_print(t_strdup_printf("min_reporters = %u",
					    reporters[i]), results, count);
	} T_END;
	i_free(results);
}

/* --- campaigns --- */

#define CAMPAIGN_WORDS 60
#define CAMPAIGN_RANDOM_WORDS 20
#define CAMPAIGN_COUNT 100

/* Targets */
#define CAMPAIGNS_CAUGHT 90
#define YOUNG_REPORTS 20
#define YOUNG_CAUGHT_PERCENT 50

struct campaign {
	/* half of them are words of the corpus' ham, half are new */
	junk_token_t words[CAMPAIGN_WORDS];
	/* host and domain of its URL */
	junk_token_t url[2];
};

static junk_token_t
new_token(struct corpus_random *random, enum junk_token_class class)
{
	return ((junk_token_t)class << JUNK_TOKEN_CLASS_SHIFT) |
		(corpus_random_next(random) & JUNK_TOKEN_HASH_MASK);
}

static const struct corpus_mail *
random_mail(struct corpus *corpus, struct corpus_random *random, bool spam)
{
	const struct corpus_mail *mail;

	do {
		mail = array_idx(&corpus->mails, corpus_random_next(random) %
				 array_count(&corpus->mails));
	} while (mail->spam != spam || mail->token_count < 20);
	return mail;
}

static junk_token_t
ham_word(struct corpus *corpus, struct corpus_random *random)
{
	const struct corpus_mail *mail;
	junk_token_t token;

	do {
		mail = random_mail(corpus, random, FALSE);
		token = mail->tokens[corpus_random_next(random) %
				     mail->token_count];
	} while (junk_token_class(token) != JUNK_TOKEN_BODY_WORD);
	return token;
}

static void
campaign_init(struct campaign *campaign, struct corpus *corpus,
	      struct corpus_random *random)
{
	for (unsigned int i = 0; i < CAMPAIGN_WORDS; i++) {
		campaign->words[i] = i < CAMPAIGN_WORDS / 2 ?
			ham_word(corpus, random) :
			new_token(random, JUNK_TOKEN_BODY_WORD);
	}
	campaign->url[0] = new_token(random, JUNK_TOKEN_URL_HOST);
	campaign->url[1] = new_token(random, JUNK_TOKEN_URL_DOMAIN);
}

/* Initialise a message with the given tokens. */
static void
mail_init(struct corpus_mail *mail, junk_token_t *tokens, unsigned int count,
	  struct corpus_random *random)
{
	uint64_t digest = corpus_random_next(random);

	i_zero(mail);
	memcpy(mail->digest, &digest, sizeof(digest));
	mail->tokens = tokens;
	mail->token_count = count;
}

/* Make a copy of a campaign: the template, random words, a new sender, and the
   structure of some ham message, so that only the content reveals it. */
static void
campaign_copy(const struct campaign *campaign, struct corpus *corpus,
	      struct corpus_random *random, junk_token_t *tokens,
	      struct corpus_mail *mail_r)
{
	const struct corpus_mail *base = random_mail(corpus, random, FALSE);
	unsigned int count = 0;

	memcpy(tokens, campaign->words, sizeof(campaign->words));
	count += CAMPAIGN_WORDS;
	for (unsigned int i = 0; i < CAMPAIGN_RANDOM_WORDS; i++) {
		tokens[count++] = i % 2 == 0 ? ham_word(corpus, random) :
			new_token(random, JUNK_TOKEN_BODY_WORD);
	}
	tokens[count++] = campaign->url[0];
	tokens[count++] = campaign->url[1];
	tokens[count++] = new_token(random, JUNK_TOKEN_SENDER_ADDRESS);
	tokens[count++] = new_token(random, JUNK_TOKEN_SENDER_DOMAIN);
	tokens[count++] = new_token(random, JUNK_TOKEN_SENDER_NAME);
	for (unsigned int i = 0; i < base->token_count; i++) {
		switch (junk_token_class(base->tokens[i])) {
		case JUNK_TOKEN_MIME_SHAPE:
		case JUNK_TOKEN_MEDIA_TYPE:
		case JUNK_TOKEN_CHARSET:
		case JUNK_TOKEN_HTML:
		case JUNK_TOKEN_SIZE:
			if (count < JUNK_MAX_TOKENS)
				tokens[count++] = base->tokens[i];
			break;
		default:
			break;
		}
	}
	mail_init(mail_r, tokens, count, random);
	mail_r->spam = TRUE;
}

/* Make ham from a real message and the campaign's ham words. */
static void
campaign_ham(const struct campaign *campaign, struct corpus *corpus,
	     struct corpus_random *random, junk_token_t *tokens,
	     struct corpus_mail *mail_r)
{
	const struct corpus_mail *base = random_mail(corpus, random, FALSE);
	unsigned int count;

	count = I_MIN(base->token_count,
		      JUNK_MAX_TOKENS - CAMPAIGN_WORDS / 2);
	memcpy(tokens, base->tokens, count * sizeof(*tokens));
	memcpy(tokens + count, campaign->words,
	       CAMPAIGN_WORDS / 2 * sizeof(*tokens));
	mail_init(mail_r, tokens, count + CAMPAIGN_WORDS / 2, random);
}

static void
learn_corpus(struct junk_learner *learner, struct corpus *corpus,
	     unsigned int users)
{
	const struct corpus_mail *mail;
	unsigned int i = 0;

	array_foreach(&corpus->mails, mail) {
		bench_learn(learner, mail, i++ % users, mail->spam ?
		      JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM);
	}
}

bool scenario_campaigns(struct corpus *corpus, uint64_t seed)
{
	struct junk_learner *learner = learner_new(0);
	struct corpus_random random = { seed + 1 };
	buffer_t *snapshot = buffer_create_dynamic(default_pool, 1024);
	junk_token_t *tokens = i_new(junk_token_t, JUNK_MAX_TOKENS);
	unsigned int before = 0, spam = 0, ham = 0, ham_before = 0;
	const unsigned int third = 12;
	struct campaign campaign;
	struct corpus_mail mail;
	struct junk_score s;
	const char *error;

	learn_corpus(learner, corpus, 10);
	junk_learner_export(learner, snapshot);
	for (unsigned int i = 0; i < CAMPAIGN_COUNT; i++) {
		if (junk_learner_import(learner, snapshot->data,
					snapshot->used, &error) < 0)
			i_fatal("import failed: %s", error);
		campaign_init(&campaign, corpus, &random);
		campaign_copy(&campaign, corpus, &random, tokens, &mail);
		bench_score(learner, &mail, &third, &s);
		before += caught(&s) ? 1 : 0;
		campaign_ham(&campaign, corpus, &random, tokens, &mail);
		bench_score(learner, &mail, &third, &s);
		ham_before += caught(&s) ? 1 : 0;
		for (unsigned int user = 10; user < 12; user++) {
			campaign_copy(&campaign, corpus, &random, tokens,
				      &mail);
			bench_learn(learner, &mail, user, JUNK_VERDICT_SPAM);
		}
		/* nobody reports copies 3 and 4 */
		campaign_copy(&campaign, corpus, &random, tokens, &mail);
		bench_score(learner, &mail, &third, &s);
		spam += caught(&s) ? 1 : 0;
		campaign_ham(&campaign, corpus, &random, tokens, &mail);
		bench_score(learner, &mail, &third, &s);
		ham += caught(&s) ? 1 : 0;
	}
	printf("%u new campaigns, for a third user\n\n"
	       "%-34s  caught\n"
	       "%-34s  %u\n%-34s  %u  at least %u: %s\n"
	       "%-34s  %u\n%-34s  %u  no more than before: %s\n",
	       CAMPAIGN_COUNT, "", "before any report", before,
	       "after 2 reports by different users", spam, CAMPAIGNS_CAUGHT,
	       target(spam >= CAMPAIGNS_CAUGHT),
	       "ham of the same words, before", ham_before,
	       "ham of the same words, after", ham,
	       target(ham <= ham_before));
	junk_learner_deinit(&learner);
	buffer_free(&snapshot);
	i_free(tokens);
	return spam >= CAMPAIGNS_CAUGHT && ham <= ham_before;
}

/* --- reports only --- */

/* Users act on what they see, from the first message on. After some messages a
   campaign begins. Returns the share of its next copies that is caught after
   this number of reports about it. */
static double
young_campaign(struct corpus *corpus, struct corpus_random *random,
	       unsigned int messages, unsigned int reports)
{
	struct junk_learner *learner = learner_new(0);
	junk_token_t *tokens = i_new(junk_token_t, JUNK_MAX_TOKENS);
	struct campaign campaign;
	struct corpus_mail mail;
	struct junk_score s;
	unsigned int spam = 0, user;
	const unsigned int copies = 50;
	bool weak;

	for (unsigned int i = 0; i < messages; i++) {
		const struct corpus_mail *next = array_idx(&corpus->mails,
			corpus_random_next(random) %
			array_count(&corpus->mails));
		user = corpus_random_next(random) % 10;
		bench_score(learner, next, &user, &s);
		if (!partial_feedback(next->spam, caught(&s), random, &weak))
			continue;
		bench_learn(learner, next, user, next->spam ? JUNK_VERDICT_SPAM :
		      (weak ? JUNK_VERDICT_WEAK_HAM : JUNK_VERDICT_HAM));
	}
	campaign_init(&campaign, corpus, random);
	for (unsigned int i = 0; i < reports; i++) {
		campaign_copy(&campaign, corpus, random, tokens, &mail);
		bench_learn(learner, &mail, i % 10, JUNK_VERDICT_SPAM);
	}
	for (unsigned int i = 0; i < copies; i++) {
		user = 20;
		campaign_copy(&campaign, corpus, random, tokens, &mail);
		bench_score(learner, &mail, &user, &s);
		spam += caught(&s) ? 1 : 0;
	}
	junk_learner_deinit(&learner);
	i_free(tokens);
	return 100.0 * spam / copies;
}

/* Returns the number of false positives after a flood of spam reports. */
static unsigned int
spam_flood(struct corpus *corpus, struct corpus_random *random,
	   unsigned int spam_reports, unsigned int ham_reports)
{
	struct junk_learner *learner = learner_new(0);
	const struct corpus_mail *mail;
	struct junk_score s;
	unsigned int ham = 0, total = 0, user = 50;

	for (unsigned int i = 0; i < spam_reports; i++) {
		bench_learn(learner, random_mail(corpus, random, TRUE), i % 50,
		      JUNK_VERDICT_SPAM);
		if (ham_reports > 0 && i % (spam_reports / ham_reports) == 0) {
			bench_learn(learner, random_mail(corpus, random, FALSE),
			      i % 50, JUNK_VERDICT_HAM);
		}
	}
	array_foreach(&corpus->mails, mail) {
		if (mail->spam)
			continue;
		total++;
		bench_score(learner, mail, &user, &s);
		ham += caught(&s) ? 1 : 0;
	}
	printf("%6u spam reports, %4u ham reports: %6.2f %% of ham caught",
	       spam_reports, ham_reports, 100.0 * ham / total);
	junk_learner_deinit(&learner);
	return ham;
}

bool scenario_reports_only(struct corpus *corpus, uint64_t seed)
{
	static const unsigned int reports[] = { 2, 5, 10, 20 };
	static const unsigned int ham_reports[] = { 0, 1, 10, 50, 200, 1000 };
	struct corpus_random random = { seed + 1 };
	const unsigned int runs = 10;
	bool holds, all_hold = TRUE;

	printf("partial feedback over 200 messages, then a campaign:\n");
	for (unsigned int i = 0; i < N_ELEMENTS(reports); i++) {
		double sum = 0;

		for (unsigned int run = 0; run < runs; run++)
			sum += young_campaign(corpus, &random, 200, reports[i]);
		printf("after %2u reports: %5.1f %% of its next mails caught",
		       reports[i], sum / runs);
		if (reports[i] == YOUNG_REPORTS) {
			holds = sum / runs >= YOUNG_CAUGHT_PERCENT;
			all_hold = all_hold && holds;
			printf("  at least %u: %s", YOUNG_CAUGHT_PERCENT,
			       target(holds));
		}
		printf("\n");
	}
	printf("\n");
	for (unsigned int i = 0; i < N_ELEMENTS(ham_reports); i++) {
		holds = spam_flood(corpus, &random, 10000,
				   ham_reports[i]) == 0;
		if (ham_reports[i] == 0) {
			all_hold = all_hold && holds;
			printf("  none: %s", target(holds));
		}
		printf("\n");
	}
	return all_hold;
}

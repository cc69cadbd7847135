/* Attackers among the reporters, with the service's own engine: one step of
   bench/poisoning.

     poison STATE_DIR SEGMENT INDEX ATTACK ATTACKERS RATE REPORTS...

   With ATTACK honest, USERS people report one half of INDEX (corpus.h). The
   other attacks continue from that state: this number of ATTACKERS report
   within an hour, each of them REPORTS reports. Then the scores of the other
   half of the mail are measured for a person who never reported anything.

     focused     ham of one kind, from the most frequent sender's domain, as
                 spam
     dictionary  messages of words from ham, as spam
     whitewash   spam as ham

   (Nelson et al. 2008 for the first two.) RATE is junk_feedback_rate; 0 = no
   limit, neither of the rate nor of each person's share. At the end, the
   reports of all who exceeded the limit are forgotten, and the model is
   compared with the one before. Prints key=value lines. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "str.h"
#include "accuracy.h"
#include "corpus.h"
#include "junk-engine.h"
#include "junk-limits.h"
#include "junk-model.h"
#include "junk-segment.h"

#include <stdio.h>

#define USERS 200
/* The honest reports take a day, the attack comes a week later. */
#define HONEST_TIME ((time_t)(472500 * 3600))
#define HONEST_PAUSE_SECS 20
#define ATTACK_TIME (HONEST_TIME + 7 * 86400)
#define FIRST_ATTACKER 1000000
#define FIRST_ATTACK_SERIAL 2000000
#define DICTIONARY_TOKENS 500

struct poisoning {
	struct junk_engine *engine;
	const char *segment_path;
	struct corpus corpus;
	/* the domain whose ham the focused attack targets */
	uint64_t target;
	/* distinct words of ham */
	ARRAY(junk_token_t) words;
	struct corpus_random random;
	unsigned int serial;
};

struct measure {
	unsigned int ham, ham_caught, spam, spam_missed, target, target_caught;
};

/* Returns TRUE for the half that is reported; the other one is measured. */
static bool mail_is_reported(unsigned int idx)
{
	return idx % 2 == 0;
}

/* --- the engine --- */

static void
poisoning_start(struct poisoning *p, const char *state_dir,
		const char *segment_path, unsigned int rate)
{
	const struct junk_engine_settings set = {
		.state_dir = state_dir,
		.chroot_dir = "",
		.segment_path = segment_path,
		.segment_fd = -1,
		.segment_mode = 0644,
		.rate = rate,
		.unlimited_shares = rate == 0,
		.min_reporters = 2,
		.min_reports = 1,
		.threshold = DEFAULT_THRESHOLD,
	};

	p->segment_path = segment_path;
	p->engine = junk_engine_init(&set);
	if (!junk_engine_start(p->engine, HONEST_TIME))
		i_fatal("the engine doesn't start");
}

static void poisoning_commit(struct poisoning *p, time_t now)
{
	if (!junk_engine_commit(p->engine, now))
		i_fatal("commit failed");
	while (junk_engine_maintain(p->engine, now)) ;
}

static void
poisoning_report(struct poisoning *p, unsigned int person, bool spam,
		 const junk_token_t *tokens, unsigned int count, time_t now)
{
	struct junk_report report = {
		.stamp_usecs = (uint64_t)now * 1000000,
		.verdict = spam ? JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM,
		.origin = JUNK_ORIGIN_MOVE,
		.feature_set = JUNK_FEATURE_SET,
		.tokens = tokens,
		.token_count = count,
	};

	p->serial++;
	memcpy(report.reporter, &person, sizeof(person));
	memcpy(report.digest, &p->serial, sizeof(p->serial));
	junk_engine_add(p->engine, &report);
	if (junk_engine_is_full(p->engine))
		poisoning_commit(p, now);
}

/* Copy the weights that readers see. */
static buffer_t *poisoning_weights(struct poisoning *p)
{
	struct junk_segment *segment = junk_segment_open(p->segment_path);
	buffer_t *copy = buffer_create_dynamic(default_pool, 1024);
	struct junk_model model;
	const char *reason;

	if (junk_segment_get(segment, HONEST_TIME, &model, &reason) < 0)
		i_fatal("no segment: %s", reason);
	buffer_append(copy, model.weights,
		      (((size_t)1 << model.global_log2) +
		       ((size_t)1 << model.personal_log2)) *
		      sizeof(*model.weights));
	buffer_append(copy, &model.spam_count, sizeof(model.spam_count));
	buffer_append(copy, &model.ham_count, sizeof(model.ham_count));
	junk_segment_close(&segment);
	return copy;
}

/* --- effect on others --- */

static void
measure_mail(const struct poisoning *p, const struct junk_model *model,
	     const struct corpus_mail *mail, struct measure *m)
{
	unsigned char reporter[JUNK_REPORTER_BYTES] = "nobody";
	struct junk_score score;
	bool caught;

	junk_model_score(model, mail->tokens, mail->token_count, reporter,
			 &score);
	caught = score.score >= DEFAULT_THRESHOLD;
	if (mail->spam) {
		m->spam++;
		m->spam_missed += caught ? 0 : 1;
		return;
	}
	m->ham++;
	m->ham_caught += caught ? 1 : 0;
	if (corpus_mail_domain(mail) == p->target) {
		m->target++;
		m->target_caught += caught ? 1 : 0;
	}
}

static void
poisoning_measure(struct poisoning *p, unsigned int reports)
{
	struct junk_segment *segment = junk_segment_open(p->segment_path);
	const struct corpus_mail *mail;
	struct measure m;
	struct junk_model model;
	const char *reason;

	i_zero(&m);
	if (junk_segment_get(segment, HONEST_TIME, &model, &reason) < 0)
		i_fatal("no segment: %s", reason);
	array_foreach(&p->corpus.mails, mail) {
		if (!mail_is_reported(array_foreach_idx(&p->corpus.mails,
							mail)))
			measure_mail(p, &model, mail, &m);
	}
	junk_segment_close(&segment);
	printf("at_%u=%.4f %.4f %.4f\n", reports,
	       100.0 * m.ham_caught / I_MAX(m.ham, 1),
	       100.0 * m.target_caught / I_MAX(m.target, 1),
	       100.0 * m.spam_missed / I_MAX(m.spam, 1));
}

/* --- reporters --- */

static void poisoning_honest(struct poisoning *p)
{
	const struct corpus_mail *mail;
	time_t now = HONEST_TIME;

	array_foreach(&p->corpus.mails, mail) {
		if (!mail_is_reported(array_foreach_idx(&p->corpus.mails,
							mail)))
			continue;
		now += HONEST_PAUSE_SECS;
		poisoning_report(p, corpus_random_next(&p->random) % USERS + 1,
				 mail->spam, mail->tokens, mail->token_count,
				 now);
	}
	poisoning_commit(p, now);
}

/* Choose a message for an attacker, from the half that is reported. */
static const struct corpus_mail *
attack_mail(struct poisoning *p, bool spam, uint64_t domain)
{
	const struct corpus_mail *mail;
	unsigned int idx;

	do {
		idx = corpus_random_next(&p->random) %
			array_count(&p->corpus.mails);
		mail = array_idx(&p->corpus.mails, idx);
	} while (!mail_is_reported(idx) || mail->spam != spam ||
		 (domain != 0 && corpus_mail_domain(mail) != domain));
	return mail;
}

static unsigned int
attack_dictionary(struct poisoning *p, junk_token_t *tokens)
{
	const unsigned int total = array_count(&p->words);
	unsigned int start = corpus_random_next(&p->random) % total;
	unsigned int count = I_MIN(total, DICTIONARY_TOKENS);

	/* they were shuffled once, so consecutive ones are a random choice */
	for (unsigned int i = 0; i < count; i++) {
		tokens[i] = *(const junk_token_t *)
			array_idx(&p->words, (start + i) % total);
	}
	return count;
}

static void
attack_report(struct poisoning *p, const char *attack, unsigned int person)
{
	const bool whitewash = strcmp(attack, "whitewash") == 0;
	const struct corpus_mail *mail;
	junk_token_t tokens[DICTIONARY_TOKENS];
	unsigned int count;

	if (strcmp(attack, "dictionary") == 0) {
		count = attack_dictionary(p, tokens);
		poisoning_report(p, person, TRUE, tokens, count, ATTACK_TIME);
		return;
	}
	mail = attack_mail(p, whitewash, whitewash ? 0 : p->target);
	poisoning_report(p, person, !whitewash, mail->tokens,
			 mail->token_count, ATTACK_TIME);
}

static void
poisoning_attack(struct poisoning *p, const char *attack,
		 unsigned int attackers, char *const *sizes)
{
	unsigned int size, done = 0;

	poisoning_measure(p, 0);
	for (; *sizes != NULL; sizes++) {
		if (str_to_uint(*sizes, &size) < 0)
			i_fatal("not a number: %s", *sizes);
		for (; done < size; done++) {
			for (unsigned int i = 0; i < attackers; i++) T_BEGIN {
				attack_report(p, attack, FIRST_ATTACKER + i);
			} T_END;
		}
		poisoning_commit(p, ATTACK_TIME);
		poisoning_measure(p, size);
	}
}

/* Returns TRUE if forgetting is exact. */
static bool poisoning_forget(struct poisoning *p)
{
	const struct junk_forget forget = {
		.since = ATTACK_TIME, .burst = TRUE,
	};
	buffer_t *data = buffer_create_dynamic(default_pool, 128);
	string_t *answer = t_str_new(128);
	struct junk_frame frame;
	const char *error;
	size_t size;

	junk_frame_encode_forget(data, &forget);
	if (junk_frame_decode(data->data, data->used, &frame, &size,
			      &error) <= 0 ||
	    junk_engine_admin(p->engine, &frame, ATTACK_TIME, answer,
			      &error) < 0)
		i_fatal("forget: %s", error);
	buffer_free(&data);
	return strstr(str_c(answer), "exact=yes") != NULL;
}

/* --- the corpus --- */

static int uint64_cmp(const uint64_t *a, const uint64_t *b)
{
	return *a < *b ? -1 : *a > *b ? 1 : 0;
}

/* Find the domain that sends most ham. */
static void find_target(struct poisoning *p)
{
	const struct corpus_mail *mail;
	const uint64_t *domain;
	ARRAY(uint64_t) domains;
	unsigned int run = 0, longest = 0;
	uint64_t last = 0, found;

	i_array_init(&domains, 1024);
	array_foreach(&p->corpus.mails, mail) {
		found = corpus_mail_domain(mail);
		if (!mail->spam && found != 0)
			array_push_back(&domains, &found);
	}
	array_sort(&domains, uint64_cmp);
	array_foreach(&domains, domain) {
		run = *domain == last ? run + 1 : 1;
		last = *domain;
		if (run > longest) {
			longest = run;
			p->target = last;
		}
	}
	array_free(&domains);
}

/* Collect the distinct words of ham in the reported half, shuffled. */
static void find_words(struct poisoning *p)
{
	const struct corpus_mail *mail;
	junk_token_t *words, last = 0;
	unsigned int count, used = 0;

	i_array_init(&p->words, 65536);
	array_foreach(&p->corpus.mails, mail) {
		if (mail->spam || !mail_is_reported(array_foreach_idx(
						&p->corpus.mails, mail)))
			continue;
		for (unsigned int i = 0; i < mail->token_count; i++) {
			if (junk_token_class(mail->tokens[i]) ==
			    JUNK_TOKEN_BODY_WORD)
				array_push_back(&p->words, &mail->tokens[i]);
		}
	}
	array_sort(&p->words, uint64_cmp);
	words = array_get_modifiable(&p->words, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (i == 0 || words[i] != last)
			words[used++] = last = words[i];
	}
	array_delete(&p->words, used, count - used);
	for (unsigned int i = used; i > 1; i--) {
		unsigned int j = corpus_random_next(&p->random) % i;

		last = words[i - 1];
		words[i - 1] = words[j];
		words[j] = last;
	}
}

static void poisoning_read(struct poisoning *p, const char *index_path)
{
	const char *error;

	if (corpus_read(index_path, FALSE, &p->corpus, &error) < 0)
		i_fatal("%s", error);
	/* the same halves each time */
	p->random.state = 1;
	corpus_shuffle(&p->corpus, &p->random);
	find_target(p);
	find_words(p);
}

int main(int argc, char *argv[])
{
	struct poisoning p;
	unsigned int attackers, rate;
	buffer_t *before, *after;
	bool exact;

	lib_init();
	if (argc < 7 || str_to_uint(argv[5], &attackers) < 0 ||
	    str_to_uint(argv[6], &rate) < 0) {
		i_fatal("usage: poison STATE_DIR SEGMENT INDEX ATTACK "
			"ATTACKERS RATE REPORTS...");
	}
	i_zero(&p);
	poisoning_read(&p, argv[3]);
	poisoning_start(&p, argv[1], argv[2], rate);
	if (strcmp(argv[4], "honest") == 0) {
		poisoning_honest(&p);
	} else {
		p.serial = FIRST_ATTACK_SERIAL;
		before = poisoning_weights(&p);
		poisoning_attack(&p, argv[4], attackers, argv + 7);
		exact = poisoning_forget(&p);
		after = poisoning_weights(&p);
		printf("forgotten=%s\n", exact && buffer_cmp(before, after) ?
		       "exactly" : "not");
		buffer_free(&before);
		buffer_free(&after);
	}
	junk_engine_deinit(&p.engine);
	array_free(&p.words);
	corpus_free(&p.corpus);
	lib_deinit();
	return 0;
}

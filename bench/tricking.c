/* Prints the scores of messages by a model that has learned a corpus.

     tricking INDEX SEGMENT FILE ...

   INDEX: a corpus, see corpus.h. SEGMENT: a file to be created. Prints a line
   for each FILE. For test-tricks.py. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "corpus.h"
#include "junk-learner.h"
#include "junk-score.h"
#include "publish.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void learn(struct junk_learner *learner, const struct corpus *corpus)
{
	const struct corpus_mail *mail;

	array_foreach(&corpus->mails, mail) {
		struct junk_report report = {
			.verdict = mail->spam ? JUNK_VERDICT_SPAM :
				JUNK_VERDICT_HAM,
			.origin = JUNK_ORIGIN_LEARN,
			.feature_set = JUNK_FEATURE_SET,
			.tokens = mail->tokens,
			.token_count = mail->token_count,
		};
		unsigned int idx = array_foreach_idx(&corpus->mails, mail);

		memcpy(report.reporter, &idx, sizeof(idx));
		memcpy(report.digest, mail->digest, sizeof(report.digest));
		junk_learner_learn(learner, &report, 1);
	}
}

static void publish(const struct corpus *corpus, const char *path)
{
	struct junk_learner_settings set;
	struct junk_learner *learner;

	junk_learner_settings_init(&set);
	/* the same hashes and random draws each time */
	set.seed = 1;
	learner = junk_learner_init(&set);
	learn(learner, corpus);
	publish_model(learner, path);
	junk_learner_deinit(&learner);
}

static void print_score(struct junk_scores *scores, const char *path)
{
	static const unsigned char reporter[JUNK_REPORTER_BYTES] = { 7 };
	buffer_t *mail = buffer_create_dynamic(default_pool, 64*1024);
	const char *error;
	int score;

	if (corpus_read_mail(path, mail, &error) < 0)
		i_fatal("%s", error);
	score = junk_scores_message(scores, mail->data, mail->used, reporter);
	if (score < 0)
		i_fatal("%s: %s", path, junk_scores_reason(scores));
	printf("%d\n", score);
	buffer_free(&mail);
}

int main(int argc, char *argv[])
{
	struct corpus corpus;
	struct junk_scores *scores;
	const char *error;

	lib_init();
	if (argc < 4)
		i_fatal("usage: tricking INDEX SEGMENT FILE ...");
	if (corpus_read(argv[1], FALSE, &corpus, &error) < 0)
		i_fatal("%s", error);
	publish(&corpus, argv[2]);
	corpus_free(&corpus);
	scores = junk_scores_open(argv[2]);
	for (int i = 3; i < argc; i++) T_BEGIN {
		print_score(scores, argv[i]);
	} T_END;
	junk_scores_close(&scores);
	i_unlink(argv[2]);
	lib_deinit();
	return 0;
}

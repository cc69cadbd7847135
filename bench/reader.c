/* A reader of the score segment beside a service that learns.

     reader INDEX SEGMENT MESSAGES

   Scores the messages of INDEX (corpus.h), all in memory, in turn until
   MESSAGES of them are done, for one recipient. Each score is checked: if the
   weights give the same sum before and after it was computed, it must be the
   score for this sum. Prints key=value lines. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "corpus.h"
#include "junk-score.h"
#include "junk-segment.h"

#include <stdio.h>
#include <time.h>

struct reader {
	struct corpus corpus;
	buffer_t **mails;
	unsigned int mail_count;
	struct junk_scores *scores;
	struct junk_segment *segment;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	/* number of scores by result: the model has changed meanwhile; the
	   score was correct; it was wrong or missing */
	uint64_t changed, checked, wrong;
};

static double cpu_usecs(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void reader_load(struct reader *reader, const char *index_path)
{
	const struct corpus_mail *mail;
	const char *error;

	if (corpus_read(index_path, FALSE, &reader->corpus, &error) < 0)
		i_fatal("%s", error);
	reader->mails = i_new(buffer_t *, array_count(&reader->corpus.mails));
	array_foreach(&reader->corpus.mails, mail) {
		buffer_t *buf = buffer_create_dynamic(default_pool, 8192);

		if (corpus_read_mail(mail->path, buf, &error) < 0)
			i_fatal("%s", error);
		reader->mails[reader->mail_count++] = buf;
	}
}

/* Score a message's tokens with the present model. */
static void
reader_score_tokens(struct reader *reader, const struct corpus_mail *mail,
		    struct junk_score *score_r)
{
	struct junk_model model;
	const char *reason;

	if (junk_segment_get(reader->segment, time(NULL), &model,
			     &reason) < 0)
		i_fatal("%s", reason);
	junk_model_score(&model, mail->tokens, mail->token_count,
			 reader->reporter, score_r);
}

static int reader_score(struct reader *reader, unsigned int idx)
{
	const buffer_t *mail = reader->mails[idx];

	return junk_scores_message(reader->scores, mail->data, mail->used,
				   reader->reporter);
}

static void reader_check(struct reader *reader, unsigned int idx)
{
	const struct corpus_mail *mail =
		array_idx(&reader->corpus.mails, idx);
	struct junk_score before, after;
	int score;

	reader_score_tokens(reader, mail, &before);
	score = reader_score(reader, idx);
	reader_score_tokens(reader, mail, &after);
	if (score < JUNK_SCORES_UNKNOWN || score > 100)
		reader->wrong++;
	else if (before.sum != after.sum ||
		 before.probability != after.probability)
		reader->changed++;
	else if (score == after.score)
		reader->checked++;
	else
		reader->wrong++;
}

int main(int argc, char *argv[])
{
	struct reader reader;
	unsigned int count;
	double start;

	lib_init();
	if (argc != 4 || str_to_uint(argv[3], &count) < 0 || count == 0)
		i_fatal("usage: reader INDEX SEGMENT MESSAGES");
	i_zero(&reader);
	reader_load(&reader, argv[1]);
	reader.scores = junk_scores_open(argv[2]);
	reader.segment = junk_segment_open(argv[2]);

	/* warm up the caches */
	for (unsigned int i = 0; i < reader.mail_count; i++)
		reader_check(&reader, i);
	start = cpu_usecs();
	for (unsigned int i = 0; i < count; i++)
		(void)reader_score(&reader, i % reader.mail_count);
	printf("usecs=%.3f\n", (cpu_usecs() - start) / count);
	for (unsigned int i = 0; i < count; i++)
		reader_check(&reader, i % reader.mail_count);
	printf("changed=%"PRIu64"\n", reader.changed);
	printf("checked=%"PRIu64"\n", reader.checked);
	printf("wrong=%"PRIu64"\n", reader.wrong);

	junk_segment_close(&reader.segment);
	junk_scores_close(&reader.scores);
	for (unsigned int i = 0; i < reader.mail_count; i++)
		buffer_free(&reader.mails[i]);
	i_free(reader.mails);
	corpus_free(&reader.corpus);
	lib_deinit();
	return 0;
}

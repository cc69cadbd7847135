/* Measures the time from a message to its score, compared with what libdovecot
   needs to parse and decode it.

     scoring INDEX SEGMENT [ROUNDS [PHASE]]

   INDEX: a corpus, see corpus.h. SEGMENT: a file to be created, on tmpfs. All
   of the corpus is in memory; a model that has learned it is published in the
   segment. Each phase processes all messages; the order of phases changes from
   round to round:

     floor     message-parser and message-decoder; the result is discarded
     tokenize  message -> tokens
     lookup    tokens -> score
     count     a score -> the counter page, SEGMENT.counts
     score     message -> score for one recipient, like a delivery, without
               counting: there is no counter page beside the segment

   Prints key=value lines: the median over the rounds, in microseconds of CPU
   time per message; and for messages of 5 to 20 kB, whose median is about 10
   kB, their median in real time. With PHASE only this one runs, for
   profilers. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "istream.h"
#include "message-decoder.h"
#include "message-parser.h"
#include "corpus.h"
#include "junk-counts.h"
#include "junk-learner.h"
#include "junk-score.h"
#include "junk-segment.h"
#include "publish.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 100
/* messages of "10 kB" */
#define TYPICAL_MIN_BYTES (5*1024)
#define TYPICAL_MAX_BYTES (20*1024)

struct bench_mail {
	const void *data;
	size_t size;
	const junk_token_t *tokens;
	unsigned int token_count;
};

struct bench {
	struct corpus corpus;
	struct bench_mail *mails;
	unsigned int count;
	uint64_t bytes;

	struct junk_tokenizer *tokenizer;
	struct junk_scores *scores;
	struct junk_segment *segment;
	struct junk_counts *counts;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	pool_t pool;
	/* prevents the compiler from removing the work */
	uint64_t sum;
};

struct phase {
	const char *name;
	void (*run)(struct bench *bench, const struct bench_mail *mail);
	double round_usecs[MAX_ROUNDS], typical_usecs[MAX_ROUNDS];
};

static uint64_t clock_nsecs(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int double_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y ? 1 : 0;
}

static double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), double_compare);
	return values[count / 2];
}

/* --- phases --- */

static void run_floor(struct bench *bench, const struct bench_mail *mail)
{
	const struct message_parser_settings set = {
		.hdr_flags = MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP,
	};
	struct istream *input =
		i_stream_create_from_data(mail->data, mail->size);
	struct message_parser_ctx *parser;
	struct message_decoder_context *decoder;
	struct message_block block, decoded;
	struct message_part *parts;

	p_clear(bench->pool);
	parser = message_parser_init(bench->pool, input, &set);
	decoder = message_decoder_init(NULL, 0);
	while (message_parser_parse_next_block(parser, &block) > 0) {
		if (message_decoder_decode_next_block(decoder, &block,
						      &decoded))
			bench->sum += decoded.size;
	}
	message_decoder_deinit(&decoder);
	message_parser_deinit(&parser, &parts);
	i_stream_unref(&input);
}

static void run_tokenize(struct bench *bench, const struct bench_mail *mail)
{
	struct istream *input =
		i_stream_create_from_data(mail->data, mail->size);
	struct junk_message msg;
	const char *error;

	p_clear(bench->pool);
	if (junk_tokenizer_read(bench->tokenizer, input, NULL, bench->pool,
				&msg, &error) < 0)
		i_unreached();
	bench->sum += array_count(&msg.tokens);
	i_stream_unref(&input);
}

static void run_lookup(struct bench *bench, const struct bench_mail *mail)
{
	struct junk_model model;
	struct junk_score score;
	const char *reason;

	if (junk_segment_get(bench->segment, 0, &model, &reason) < 0)
		i_fatal("%s", reason);
	junk_model_score(&model, mail->tokens, mail->token_count,
			 bench->reporter, &score);
	bench->sum += (uint64_t)score.score;
}

static void
run_count(struct bench *bench, const struct bench_mail *mail ATTR_UNUSED)
{
	junk_counts_add(bench->counts, JUNK_COUNTS_LMTP, 90, 90, time(NULL));
}

static void run_score(struct bench *bench, const struct bench_mail *mail)
{
	int score = junk_scores_message(bench->scores, mail->data, mail->size,
					bench->reporter);

	if (score < 0)
		i_fatal("%s", junk_scores_reason(bench->scores));
	bench->sum += (uint64_t)score;
}

static struct phase phases[] = {
	{ .name = "floor", .run = run_floor },
	{ .name = "tokenize", .run = run_tokenize },
	{ .name = "lookup", .run = run_lookup },
	{ .name = "count", .run = run_count },
	{ .name = "score", .run = run_score },
};

static void
phase_round(struct bench *bench, struct phase *phase, unsigned int round)
{
	double *typical = i_new(double, bench->count);
	unsigned int typical_count = 0;
	uint64_t cpu = clock_nsecs(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t last = clock_nsecs(CLOCK_MONOTONIC), now;

	for (unsigned int i = 0; i < bench->count; i++) {
		const struct bench_mail *mail = &bench->mails[i];

		T_BEGIN {
			phase->run(bench, mail);
		} T_END;
		now = clock_nsecs(CLOCK_MONOTONIC);
		if (mail->size >= TYPICAL_MIN_BYTES &&
		    mail->size <= TYPICAL_MAX_BYTES)
			typical[typical_count++] = (double)(now - last) / 1000;
		last = now;
	}
	phase->round_usecs[round] =
		(double)(clock_nsecs(CLOCK_PROCESS_CPUTIME_ID) - cpu) /
		1000 / bench->count;
	phase->typical_usecs[round] = typical_count == 0 ? 0 :
		median(typical, typical_count);
	i_free(typical);
}

/* --- the corpus and its model --- */

static void bench_learn(struct bench *bench, struct junk_learner *learner)
{
	const struct corpus_mail *mail;

	array_foreach(&bench->corpus.mails, mail) {
		struct junk_report report = {
			.verdict = mail->spam ? JUNK_VERDICT_SPAM :
				JUNK_VERDICT_HAM,
			.origin = JUNK_ORIGIN_LEARN,
			.feature_set = JUNK_FEATURE_SET,
			.tokens = mail->tokens,
			.token_count = mail->token_count,
		};
		unsigned int idx = array_foreach_idx(&bench->corpus.mails,
						     mail);

		memcpy(report.reporter, &idx, sizeof(idx));
		memcpy(report.digest, mail->digest, sizeof(report.digest));
		junk_learner_learn(learner, &report, 1);
	}
}

static void bench_create_counts(struct bench *bench, const char *path)
{
	const char *error;
	int fd = junk_counts_create(path, &error);

	if (fd == -1 || junk_counts_begin(fd, NULL, time(NULL), &error) < 0)
		i_fatal("%s", error);
	i_close_fd(&fd);
	bench->counts = junk_counts_open(path);
}

static void bench_publish(struct bench *bench, const char *path)
{
	struct junk_learner_settings set;
	struct junk_learner *learner;

	junk_learner_settings_init(&set);
	set.seed = UINT64_C(0x243f6a8885a308d3);
	learner = junk_learner_init(&set);
	bench_learn(bench, learner);
	publish_model(learner, path);
	junk_learner_deinit(&learner);
}

static void bench_load(struct bench *bench, const char *index_path)
{
	buffer_t *buf = buffer_create_dynamic(default_pool, 256*1024);
	const struct corpus_mail *mail;
	struct bench_mail *dest;
	const char *error;

	if (corpus_read(index_path, FALSE, &bench->corpus, &error) < 0)
		i_fatal("%s", error);
	bench->mails = i_new(struct bench_mail,
			     array_count(&bench->corpus.mails));
	array_foreach(&bench->corpus.mails, mail) {
		if (corpus_read_mail(mail->path, buf, &error) < 0)
			i_fatal("%s", error);
		dest = &bench->mails[bench->count++];
		dest->data = p_memdup(bench->corpus.pool, buf->data, buf->used);
		dest->size = buf->used;
		dest->tokens = mail->tokens;
		dest->token_count = mail->token_count;
		bench->bytes += buf->used;
	}
	buffer_free(&buf);
}

static double typical_size(const struct bench *bench)
{
	double *sizes = i_new(double, bench->count), ret;
	unsigned int count = 0;

	for (unsigned int i = 0; i < bench->count; i++) {
		if (bench->mails[i].size >= TYPICAL_MIN_BYTES &&
		    bench->mails[i].size <= TYPICAL_MAX_BYTES)
			sizes[count++] = (double)bench->mails[i].size;
	}
	ret = count == 0 ? 0 : median(sizes, count);
	i_free(sizes);
	return ret;
}

static void bench_print(const struct bench *bench, unsigned int rounds)
{
	printf("messages=%u\n", bench->count);
	printf("bytes=%"PRIu64"\n", bench->bytes);
	printf("typical_bytes=%.0f\n", typical_size(bench));
	for (unsigned int i = 0; i < N_ELEMENTS(phases); i++) {
		printf("%s_usecs=%.3f\n", phases[i].name,
		       median(phases[i].round_usecs, rounds));
		printf("%s_typical_usecs=%.3f\n", phases[i].name,
		       median(phases[i].typical_usecs, rounds));
	}
}

static void bench_run(struct bench *bench, unsigned int rounds)
{
	double ratios[MAX_ROUNDS];

	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < N_ELEMENTS(phases); i++) {
			unsigned int idx = round % 2 == 0 ? i :
				N_ELEMENTS(phases) - 1 - i;

			phase_round(bench, &phases[idx], round);
		}
		ratios[round] = phases[N_ELEMENTS(phases) - 1].
			round_usecs[round] / phases[0].round_usecs[round];
	}
	bench_print(bench, rounds);
	(void)median(ratios, rounds);
	printf("ratio=%.3f\n", ratios[rounds / 2]);
	printf("ratio_quartiles=%.3f-%.3f\n", ratios[rounds / 4],
	       ratios[rounds * 3 / 4]);
}

static void bench_run_one(struct bench *bench, const char *name,
			  unsigned int rounds)
{
	for (unsigned int i = 0; i < N_ELEMENTS(phases); i++) {
		if (strcmp(phases[i].name, name) != 0)
			continue;
		for (unsigned int round = 0; round < rounds; round++)
			phase_round(bench, &phases[i], round);
		printf("%s_usecs=%.3f\n", name,
		       median(phases[i].round_usecs, rounds));
		return;
	}
	i_fatal("no such phase: %s", name);
}

int main(int argc, char *argv[])
{
	struct bench bench;
	const char *counts_path;
	unsigned int rounds = 5;

	lib_init();
	if (argc < 3 || argc > 5 ||
	    (argc > 3 && (str_to_uint(argv[3], &rounds) < 0 || rounds == 0 ||
			  rounds > MAX_ROUNDS)))
		i_fatal("usage: scoring INDEX SEGMENT [ROUNDS [PHASE]]");
	i_zero(&bench);
	bench.pool = pool_alloconly_create("bench", 64*1024);
	memset(bench.reporter, 7, sizeof(bench.reporter));
	bench_load(&bench, argv[1]);
	bench_publish(&bench, argv[2]);
	bench.tokenizer = junk_tokenizer_init();
	bench.scores = junk_scores_open(argv[2]);
	bench.segment = junk_segment_open(argv[2]);
	counts_path = t_strconcat(argv[2], ".counts", NULL);
	bench_create_counts(&bench, counts_path);

	if (argc > 4)
		bench_run_one(&bench, argv[4], rounds);
	else
		bench_run(&bench, rounds);

	junk_counts_close(&bench.counts);
	i_unlink(counts_path);
	junk_segment_close(&bench.segment);
	junk_scores_close(&bench.scores);
	junk_tokenizer_deinit(&bench.tokenizer);
	i_unlink(argv[2]);
	i_free(bench.mails);
	corpus_free(&bench.corpus);
	pool_unref(&bench.pool);
	lib_deinit();
	return bench.sum == 0 ? 1 : 0;
}

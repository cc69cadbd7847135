#include "lib.h"
#include "test-common.h"
#include "write-full.h"
#include "junk-model.h"
#include "junk-score.h"
#include "junk-segment.h"
#include "junk-tokenizer.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#define TEST_PATH ".test-junk-score.scores"
#define TEST_ALLOW ".test-junk-score.allow"
#define TEST_LOG2 JUNK_SEGMENT_MIN_LOG2
#define TEST_WEIGHTS_END (JUNK_SEGMENT_HEADER_BYTES + 2 * 2 * (1 << TEST_LOG2))
#define TEST_SIZE (TEST_WEIGHTS_END + sizeof(struct junk_copies))

static const char test_message[] =
	"From: Someone <someone@example.org>\r\n"
	"Subject: Cheap pills\r\n"
	"\r\n"
	"Buy these cheap pills now, lowest prices of all pharmacies.\r\n";

static void put(unsigned char *dest, uint64_t value, size_t size)
{
	uint32_t value32 = (uint32_t)value;

	memcpy(dest, size == 8 ? (void *)&value : (void *)&value32, size);
}

/* A segment whose every weight is w. */
static void write_segment(int16_t w, uint32_t reports)
{
	unsigned char *data = i_malloc(TEST_SIZE);
	float one = 1, never = 1e9;
	int fd;

	memcpy(data, "JUNKSCOR", 8);
	put(data + 8, 0x01020304, 4);
	put(data + 12, JUNK_SEGMENT_VERSION, 4);
	put(data + 16, TEST_SIZE, 8);
	put(data + 24, JUNK_FEATURE_SET, 4);
	data[28] = data[29] = TEST_LOG2;
	put(data + 32, 12345, 8);
	put(data + 48, 10, 4);
	put(data + 52, 3, 4);
	put(data + 56, XXH64(data, 56, 0), 8);
	put(data + 64, JUNK_SEGMENT_IN_USE, 4);
	put(data + 68, reports, 4);
	put(data + 72, reports, 4);
	memcpy(data + 88, &one, 4);
	/* no sum makes a claim */
	memcpy(data + 96, &never, 4);
	for (size_t i = JUNK_SEGMENT_HEADER_BYTES; i < TEST_WEIGHTS_END; i += 2)
		memcpy(data + i, &w, 2);
	fd = open(TEST_PATH, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	if (fd == -1 || write_full(fd, data, TEST_SIZE) < 0)
		i_fatal("write(%s) failed: %m", TEST_PATH);
	i_close_fd(&fd);
	i_free(data);
}

static int score(struct junk_scores *scores)
{
	return junk_scores_message(scores, test_message,
				   sizeof(test_message) - 1, NULL);
}

static void test_junk_scores_message(void)
{
	struct junk_scores *scores;
	unsigned char reporter[JUNK_SCORES_REPORTER_BYTES] = { 1 };
	int shared;

	test_begin("junk_scores_message");
	write_segment(JUNK_WEIGHT_SCALE / 16, 10);
	scores = junk_scores_open(TEST_PATH);
	shared = score(scores);
	test_assert(shared > 50 && shared <= 100);
	/* the classes that speak, the strongest first */
	test_assert(strstr(junk_scores_reason(scores), "-word +") != NULL);
	/* the same message, the same score */
	test_assert(score(scores) == shared);
	/* the recipient's own weights add to it */
	test_assert(junk_scores_message(scores, test_message,
					sizeof(test_message) - 1,
					reporter) > shared);
	junk_scores_close(&scores);
	test_assert(scores == NULL);
	junk_scores_close(&scores);
	test_end();
}

static void test_junk_scores_unknown(void)
{
	struct junk_scores *scores;

	test_begin("junk_scores_message: unknown");
	i_unlink_if_exists(TEST_PATH);
	scores = junk_scores_open(TEST_PATH);
	test_assert(score(scores) == JUNK_SCORES_UNKNOWN);
	test_assert(*junk_scores_reason(scores) != '\0');
	junk_scores_close(&scores);

	write_segment(100, 9);
	scores = junk_scores_open(TEST_PATH);
	test_assert(score(scores) == JUNK_SCORES_UNKNOWN);
	test_assert_strcmp(junk_scores_reason(scores),
			   "too few spam reports");
	junk_scores_close(&scores);

	/* no weights: no evidence, in an empty message as well */
	write_segment(0, 10);
	scores = junk_scores_open(TEST_PATH);
	test_assert(score(scores) == JUNK_SCORES_UNKNOWN);
	test_assert(junk_scores_message(scores, "", 0, NULL) ==
		    JUNK_SCORES_UNKNOWN);
	test_assert_strcmp(junk_scores_reason(scores), "too little evidence");
	junk_scores_close(&scores);
	i_unlink(TEST_PATH);
	test_end();
}

static void test_junk_scores_trusted(void)
{
	static const char results[] =
		"Authentication-Results: mx; dkim=pass header.d=example.org\r\n";
	const char *message = t_strconcat(results, test_message, NULL);
	struct junk_scores *scores;
	int fd;

	test_begin("junk_scores_message: trusted senders");
	fd = open(TEST_ALLOW, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	test_assert(write_full(fd, "@example.org\n", 13) == 0);
	i_close_fd(&fd);
	write_segment(JUNK_WEIGHT_SCALE / 16, 10);
	scores = junk_scores_open(TEST_PATH);
	junk_scores_set_allow_file(scores, TEST_ALLOW);
	/* nobody's results are trusted */
	test_assert(junk_scores_message(scores, message, strlen(message),
					NULL) > 0);
	junk_scores_set_authserv_id(scores, "mx");
	test_assert(junk_scores_message(scores, message, strlen(message),
					NULL) == 0);
	test_assert(strncmp(junk_scores_reason(scores), "trusted sender, ",
			    16) == 0);
	test_assert(score(scores) > 0);
	test_assert(strstr(junk_scores_reason(scores), "trusted") == NULL);
	i_unlink(TEST_ALLOW);
	test_assert(junk_scores_message(scores, message, strlen(message),
					NULL) > 0);
	junk_scores_close(&scores);
	i_unlink(TEST_PATH);
	test_end();
}

static void test_junk_score_trust(void)
{
	struct junk_score score = { .score = JUNK_SCORE_UNKNOWN };

	test_begin("junk_score_trust()");
	junk_score_trust(&score);
	test_assert(score.score == JUNK_SCORE_UNKNOWN && !score.trusted);
	score.score = 100;
	junk_score_trust(&score);
	test_assert(score.score == 0 && score.trusted);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_scores_message,
		test_junk_scores_unknown,
		test_junk_scores_trusted,
		test_junk_score_trust,
		NULL
	};
	return test_run(test_functions);
}

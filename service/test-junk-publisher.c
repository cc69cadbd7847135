/* Tests the segment's writer with real readers: batches, restarts, replaced
   files. */

#include "lib.h"
#include "test-common.h"
#include "test-junk-service.h"
#include "junk-learner.h"
#include "junk-publisher.h"
#include "junk-segment.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TEST_LOG2 JUNK_SEGMENT_MIN_LOG2
#define NOW 1700000000

/* Replaces libc's posix_fallocate(): the end of the allocated blocks. */
static off_t test_reserved;

int posix_fallocate(int fd, off_t offset, off_t len)
{
	test_reserved = offset + len;
	return syscall(SYS_fallocate, fd, 0, offset, len) == 0 ? 0 : errno;
}

static struct junk_learner_settings learner_set;
/* file descriptor of the last publisher */
static int segment_fd = -1;
static unsigned int delay_secs;

static struct junk_learner *test_learner_new(void)
{
	return junk_learner_init(&learner_set);
}

static void test_learn(struct junk_learner *learner)
{
	junk_token_t tokens[3] = { 1, 2, 3 };
	struct junk_report report;

	i_zero(&report);
	report.verdict = JUNK_VERDICT_SPAM;
	report.feature_set = JUNK_FEATURE_SET;
	report.tokens = tokens;
	report.token_count = N_ELEMENTS(tokens);
	junk_learner_learn(learner, &report, 1);
}

static double test_reader_sum(struct junk_segment *segment, time_t now)
{
	unsigned char reporter[JUNK_REPORTER_BYTES] = { 0 };
	junk_token_t tokens[3] = { 1, 2, 3 };
	struct junk_model model;
	struct junk_score score;
	const char *reason;

	if (junk_segment_get(segment, now, &model, &reason) < 0)
		return -100;
	junk_model_score(&model, tokens, 3, reporter, &score);
	return score.sum;
}

static struct junk_publisher *
test_publisher_new(struct junk_learner *learner, time_t now)
{
	struct junk_publisher *publisher;
	const char *error;

	i_close_fd(&segment_fd);
	segment_fd = junk_publisher_prepare(test_path("scores"), (uid_t)-1,
					    (gid_t)-1, 0644, &error);
	if (segment_fd == -1 ||
	    junk_publisher_init("scores", segment_fd, delay_secs, learner, now,
				&publisher, &error) < 0)
		i_fatal("publisher failed: %s", error);
	return publisher;
}

/* Readers see at once what the learner learns (without a delay). */
static void test_junk_publisher_live(void)
{
	struct junk_segment *segment = junk_segment_open(test_path("scores"));
	struct junk_learner *learner = test_learner_new();
	struct junk_publisher *publisher;
	struct junk_model model;
	const char *reason;
	double sum;

	test_begin("junk_publisher: live");
	publisher = test_publisher_new(learner, NOW);
	test_assert(test_reader_sum(segment, 1) == 0);
	test_assert(junk_segment_last_change(segment) == NOW);
	test_learn(learner);
	junk_publisher_update(publisher, NOW + 1);
	test_assert(test_reader_sum(segment, 1) > 0);
	test_assert(junk_segment_last_change(segment) == NOW + 1);
	test_assert(junk_segment_get(segment, 1, &model, &reason) == 0);
	test_assert(model.spam_count == 1 && model.ham_count == 0);
	test_assert(model.seed == learner_set.seed);
	test_assert(model.min_reports == learner_set.min_reports);
	test_assert(junk_segment_generation(segment) ==
		    junk_publisher_generation(publisher));
	test_assert(junk_publisher_is_current(publisher));

	/* when the service ends, readers keep the scores */
	sum = test_reader_sum(segment, 1);
	junk_publisher_deinit(&publisher);
	junk_publisher_deinit(&publisher);
	test_learn(learner);
	test_assert(test_reader_sum(segment, 1) == sum);

	/* and the next one continues in the same file, which readers have
	   mapped */
	publisher = test_publisher_new(learner, NOW + 9);
	test_assert(test_reader_sum(segment, 1) > sum);
	junk_publisher_deinit(&publisher);
	junk_learner_deinit(&learner);
	junk_segment_close(&segment);
	test_end();
}

/* After a change of settings, seed or sizes, readers open the segment again and
   never use new weights with old hashes. */
static void test_junk_publisher_change(void)
{
	struct junk_segment *segment = junk_segment_open(test_path("scores"));
	struct junk_publisher *publisher;
	struct junk_learner *learner;
	struct junk_model model;
	const char *reason;

	test_begin("junk_publisher: change");
	learner = test_learner_new();
	publisher = test_publisher_new(learner, NOW);
	test_assert(test_reader_sum(segment, 1) == 0);
	junk_publisher_deinit(&publisher);
	junk_learner_deinit(&learner);
	for (unsigned int i = 0; i < 4; i++) {
		switch (i) {
		case 0:
			learner_set.seed++;
			break;
		case 1:
			learner_set.global_log2 += 3;
			break;
		case 2:
			learner_set.min_reports += 5;
			break;
		case 3:
			/* when it gets smaller, the file keeps its size */
			learner_set.global_log2 -= 3;
			break;
		}
		learner = test_learner_new();
		publisher = test_publisher_new(learner, NOW);
		test_learn(learner);
		junk_publisher_update(publisher, NOW);
		test_assert_idx(test_reader_sum(segment, 2 + i) > 0, i);
		test_assert_idx(junk_segment_get(segment, 2 + i, &model,
						 &reason) == 0, i);
		test_assert_idx(model.seed == learner_set.seed, i);
		test_assert_idx(model.global_log2 == learner_set.global_log2,
				i);
		test_assert_idx(model.min_reports == learner_set.min_reports,
				i);
		junk_publisher_deinit(&publisher);
		junk_learner_deinit(&learner);
	}
	junk_segment_close(&segment);
	test_end();
}

static void test_junk_publisher_files(void)
{
	struct junk_learner *learner = test_learner_new();
	struct junk_segment *segment;
	struct junk_publisher *publisher;
	struct stat st, st2;
	const char *error, *path = t_strdup(test_path("scores"));

	test_begin("junk_publisher: files");
	publisher = test_publisher_new(learner, NOW);
	segment = junk_segment_open(path);
	test_assert(test_reader_sum(segment, 1) == 0);
	test_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0644);
	junk_publisher_deinit(&publisher);

	/* a mode that lets others write isn't trusted: the file is replaced,
	   and processes that have it mapped open the new one */
	test_assert(chmod(path, 0666) == 0);
	publisher = test_publisher_new(learner, NOW);
	test_assert(stat(path, &st2) == 0 && st2.st_ino != st.st_ino);
	test_assert((st2.st_mode & 07777) == 0644);
	test_learn(learner);
	junk_publisher_update(publisher, NOW);
	test_assert(test_reader_sum(segment, 2) > 0);
	test_assert(junk_publisher_is_current(publisher));

	/* the file is deleted */
	i_unlink(path);
	test_assert(!junk_publisher_is_current(publisher));
	/* no reader continues with it */
	test_assert(test_reader_sum(segment, 2) == -100);
	junk_publisher_deinit(&publisher);

	/* a symlink isn't followed */
	test_assert(symlink("elsewhere", path) == 0);
	publisher = test_publisher_new(learner, NOW);
	test_assert(lstat(path, &st) == 0 && S_ISREG(st.st_mode));
	junk_publisher_deinit(&publisher);

	/* garbage in the file's place is overwritten */
	test_assert(truncate(path, 0) == 0 && truncate(path, 5000) == 0);
	publisher = test_publisher_new(learner, NOW);
	test_assert(test_reader_sum(segment, 3) > 0);
	junk_publisher_deinit(&publisher);

	test_assert(junk_publisher_prepare("missing/dir/scores", (uid_t)-1,
					   (gid_t)-1, 0644, &error) == -1);
	test_assert(strstr(error, "started as root") != NULL);
	test_assert(junk_publisher_init("scores", -1, 0, learner, NOW,
					&publisher, &error) == -1);
	test_assert(strstr(error, "scores can't grow") != NULL);
	junk_learner_deinit(&learner);
	junk_segment_close(&segment);
	test_end();
}

/* A full tmpfs must be detected when the file is created: all blocks are
   allocated then, even those that nothing is written to. */
static void test_junk_publisher_blocks(void)
{
	struct junk_learner *learner = test_learner_new();
	struct junk_publisher *publisher;
	struct stat st;

	test_begin("junk_publisher: the file has its blocks");
	i_unlink_if_exists(test_path("scores"));
	test_reserved = 0;
	publisher = test_publisher_new(learner, NOW);
	test_assert(fstat(segment_fd, &st) == 0 &&
		    st.st_size == (off_t)junk_segment_size(TEST_LOG2,
							   TEST_LOG2));
	test_assert(test_reserved == st.st_size);
	junk_publisher_deinit(&publisher);
	junk_learner_deinit(&learner);
	test_end();
}

/* Poll the state until it is superseded. */
static void ATTR_NORETURN test_watch_state(const char *path)
{
	const struct junk_segment_header *map;
	int fd = open(path, O_RDONLY);

	map = mmap(NULL, sizeof(*map), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		_exit(1);
	while (__atomic_load_n(&map->state, __ATOMIC_ACQUIRE) !=
	       JUNK_SEGMENT_SUPERSEDED) ;
	_exit(0);
}

/* Maximum number of rewrites; a watcher usually sees it at the first one. */
#define MAX_REWRITES 2000

/* Processes that have it mapped must not use weights with another seed. */
static void test_junk_publisher_rewrite(void)
{
	struct junk_learner *learner = test_learner_new();
	struct junk_publisher *publisher;
	const char *path = t_strdup(test_path("scores"));
	unsigned int count = 0;
	int status = -1;
	pid_t pid, ended = 0;

	test_begin("junk_publisher: readers are told before it is rewritten");
	i_unlink_if_exists(path);
	publisher = test_publisher_new(learner, NOW);
	junk_publisher_deinit(&publisher);
	junk_learner_deinit(&learner);
	pid = fork();
	if (pid < 0)
		i_fatal("fork() failed: %m");
	if (pid == 0)
		test_watch_state(path);
	for (; ended == 0 && count < MAX_REWRITES; count++) {
		learner_set.seed++;
		learner = test_learner_new();
		publisher = test_publisher_new(learner, NOW);
		junk_publisher_deinit(&publisher);
		junk_learner_deinit(&learner);
		ended = waitpid(pid, &status, WNOHANG);
	}
	if (ended == 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
	}
	test_assert(status == 0);
	test_end();
}

/* Learn a report of a person with words of its own and one common word. */
static void
test_learn_one(struct junk_learner *learner, unsigned int num, bool spam)
{
	junk_token_t tokens[4];
	struct junk_report report;

	for (unsigned int i = 0; i < N_ELEMENTS(tokens); i++) {
		tokens[i] = junk_token_make(JUNK_TOKEN_BODY_WORD, i == 0 ? 77 :
			(num * 16 + i) * UINT64_C(0x9e3779b97f4a7c15));
	}
	i_zero(&report);
	report.verdict = spam ? JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM;
	report.feature_set = JUNK_FEATURE_SET;
	report.reporter[0] = (unsigned char)(num + 1);
	report.tokens = tokens;
	report.token_count = N_ELEMENTS(tokens);
	junk_learner_learn(learner, &report, 1);
}

static struct {
	struct junk_segment *segment;
	int16_t *weights;
	uint32_t spam_count, ham_count;
} test_seen;

/* Returns how many shared and personal weights have changed since the last
   call. */
static void test_count_changes(unsigned int *shared_r, unsigned int *personal_r)
{
	struct junk_model model;
	const char *reason;

	*shared_r = *personal_r = 0;
	test_assert(junk_segment_get(test_seen.segment, 1, &model,
				     &reason) == 0);
	test_seen.spam_count = model.spam_count;
	test_seen.ham_count = model.ham_count;
	for (size_t i = 0; i < 2U << TEST_LOG2; i++) {
		if (test_seen.weights[i] == model.weights[i])
			continue;
		test_seen.weights[i] = model.weights[i];
		*(i < 1U << TEST_LOG2 ? shared_r : personal_r) += 1;
	}
}

/* Personal weights are published at once, shared ones in batches. */
static void test_junk_publisher_batches(void)
{
	struct junk_learner *learner;
	struct junk_publisher *publisher;
	unsigned int shared, personal, n = 0;

	test_begin("junk_publisher: batches");
	i_unlink_if_exists(test_path("scores"));
	learner_set.min_reporters = 1;
	delay_secs = 60;
	learner = test_learner_new();
	publisher = test_publisher_new(learner, NOW);
	test_seen.segment = junk_segment_open(test_path("scores"));
	test_seen.weights = i_new(int16_t, 2U << TEST_LOG2);

	/* one report */
	test_learn_one(learner, n++, TRUE);
	junk_publisher_update(publisher, NOW);
	test_count_changes(&shared, &personal);
	test_assert(shared == 0 && personal > 0);
	test_assert(test_seen.spam_count == 0);
	/* ... and nothing else until the delay is over */
	for (time_t t = 0; t < 60; t++) {
		junk_publisher_tick(publisher, NOW + t);
		test_count_changes(&shared, &personal);
		test_assert_idx(shared == 0, t);
	}
	test_assert(test_seen.spam_count == 0);
	junk_publisher_tick(publisher, NOW + 60);
	test_count_changes(&shared, &personal);
	test_assert(shared > 0 && test_seen.spam_count == 1);
	/* nothing else waits */
	junk_publisher_tick(publisher, NOW + 200);
	test_count_changes(&shared, &personal);
	test_assert(shared == 0 && personal == 0);

	/* a batch that is large enough is published at once */
	for (unsigned int i = 0; i < 19; i++) {
		test_learn_one(learner, n++, i % 2 == 0);
		junk_publisher_update(publisher, NOW + 300);
		test_count_changes(&shared, &personal);
		/* only the common word is published, after some reports */
		test_assert_idx(shared <= 8, i);
	}
	test_assert(test_seen.spam_count == 1 && test_seen.ham_count == 0);
	test_learn_one(learner, n++, TRUE);
	junk_publisher_update(publisher, NOW + 300);
	test_count_changes(&shared, &personal);
	test_assert(shared > 40);
	test_assert(test_seen.spam_count == 12 && test_seen.ham_count == 9);

	/* nothing is lost when the service ends */
	test_learn_one(learner, n++, TRUE);
	junk_publisher_update(publisher, NOW + 301);
	test_count_changes(&shared, &personal);
	test_assert(test_seen.spam_count == 12);
	junk_publisher_deinit(&publisher);
	test_count_changes(&shared, &personal);
	test_assert(shared > 0 && test_seen.spam_count == 13);
	junk_learner_deinit(&learner);
	junk_segment_close(&test_seen.segment);
	i_free(test_seen.weights);
	delay_secs = 0;
	test_end();
}

/* After four copies, a campaign is in the shared weights within seconds. */
static void test_junk_publisher_campaign(void)
{
	struct junk_learner *learner;
	struct junk_publisher *publisher;
	unsigned int shared, personal, all = 0;

	test_begin("junk_publisher: copies of the same message");
	i_unlink_if_exists(test_path("scores"));
	delay_secs = 120;
	learner = test_learner_new();
	publisher = test_publisher_new(learner, NOW);
	test_seen.segment = junk_segment_open(test_path("scores"));
	test_seen.weights = i_new(int16_t, 2U << TEST_LOG2);
	for (unsigned int i = 0; i < 4; i++) {
		junk_token_t tokens[20];
		struct junk_report report;

		for (unsigned int t = 0; t < N_ELEMENTS(tokens); t++) {
			tokens[t] = junk_token_make(JUNK_TOKEN_BODY_WORD,
				(t + 1) * UINT64_C(0x9e3779b97f4a7c15));
		}
		i_zero(&report);
		report.verdict = JUNK_VERDICT_SPAM;
		report.feature_set = JUNK_FEATURE_SET;
		report.reporter[0] = (unsigned char)(i + 1);
		report.tokens = tokens;
		report.token_count = N_ELEMENTS(tokens);
		junk_learner_learn(learner, &report, 1);
		junk_publisher_update(publisher, NOW + i);
	}
	for (time_t t = 4; t < 7; t++) {
		junk_publisher_tick(publisher, NOW + t);
		test_count_changes(&shared, &personal);
		all += shared;
	}
	test_assert_ucmp(all, >=, 19);
	junk_publisher_deinit(&publisher);
	junk_learner_deinit(&learner);
	junk_segment_close(&test_seen.segment);
	i_free(test_seen.weights);
	delay_secs = 0;
	test_end();
}

/* The administrator chooses who may read the segment. */
static void test_junk_publisher_modes(void)
{
	static const mode_t modes[] = { 0600, 0640, 0644 };
	const char *error, *path = t_strdup(test_path("scores"));
	const gid_t gid = getegid() == 0 ? 12345 : getegid();
	struct stat st;
	int fd;

	test_begin("junk_publisher: modes");
	for (unsigned int i = 0; i < N_ELEMENTS(modes); i++) {
		fd = junk_publisher_prepare(path, (uid_t)-1, gid, modes[i],
					    &error);
		test_assert_idx(fd != -1, i);
		test_assert_idx(stat(path, &st) == 0 && st.st_gid == gid &&
				(st.st_mode & 07777) == modes[i], i);
		i_close_fd(&fd);
	}
	test_end();
}

static void test_deinit(void)
{
	i_close_fd(&segment_fd);
	test_dir_deinit();
}

static void test_init(void)
{
	test_dir_init("junk-publisher");
	junk_learner_settings_init(&learner_set);
	learner_set.global_log2 = learner_set.personal_log2 = TEST_LOG2;
	learner_set.seed = 99;
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_init,
		test_junk_publisher_live,
		test_junk_publisher_change,
		test_junk_publisher_files,
		test_junk_publisher_blocks,
		test_junk_publisher_rewrite,
		test_junk_publisher_batches,
		test_junk_publisher_campaign,
		test_junk_publisher_modes,
		test_deinit,
		NULL
	};
	return test_run(test_functions);
}

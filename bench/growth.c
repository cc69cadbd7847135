/* Measures the cost of the service's engine as reports accumulate: one step of
   bench/scale.

     growth STATE_DIR SEGMENT INDEX FIRST LAST DATABASE_BYTES

   Starts the engine with the FIRST reports that are in STATE_DIR, adds reports
   up to LAST as fast as possible, with durable commits and all maintenance done
   at once, and exits as if killed, so that the next start has to replay. If
   FIRST is LAST, it does instead what waits for some seconds: writing token
   counts. A report is a message of INDEX (corpus.h) in which every fifth token
   is replaced; this is seeded, so that the same number gives the same report.
   Prints key=value lines. */

#include "lib.h"
#include "array.h"
#include "corpus.h"
#include "junk-engine.h"
#include "junk-limits.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Replacement words follow Zipf's law over a vocabulary of this size. */
#define VOCABULARY 1000000
#define REPORTERS 1000
/* Token counts are written after this time, while a snapshot isn't due; it is
   after this number of reports (service/junk-maintain.c). */
#define SETTLE_SECS 15

struct growth {
	struct junk_engine *engine;
	const struct corpus_mail *mails;
	unsigned int mail_count;
};

static uint64_t clock_usecs(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Reset VmHWM, so that it is the maximum from here on. */
static void forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "w");

	if (f == NULL || fputs("5", f) < 0 || fclose(f) != 0)
		i_fatal("write(/proc/self/clear_refs) failed: %m");
}

/* Returns the value of a "Name: 123 kB" line of our /proc status, in kB. */
static unsigned long status_kbytes(const char *name)
{
	char line[256];
	unsigned long value = 0;
	size_t len = strlen(name);
	FILE *f = fopen("/proc/self/status", "r");

	if (f == NULL)
		i_fatal("open(/proc/self/status) failed: %m");
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, len) == 0)
			value = strtoul(line + len, NULL, 10);
	}
	(void)fclose(f);
	return value;
}

/* Returns another word of the same class. */
static junk_token_t
changed_token(junk_token_t token, struct corpus_random *random)
{
	double rank = exp(corpus_random_double(random) * log(VOCABULARY));

	return (token & ~JUNK_TOKEN_HASH_MASK) |
		(((uint64_t)rank * UINT64_C(0x9e3779b97f4a7c15)) &
		 JUNK_TOKEN_HASH_MASK);
}

static bool
has_token(const junk_token_t *tokens, unsigned int count, junk_token_t token)
{
	for (unsigned int i = 0; i < count; i++) {
		if (tokens[i] == token)
			return TRUE;
	}
	return FALSE;
}

static void growth_add(struct growth *growth, uint64_t num)
{
	struct corpus_random random = { .state = num };
	const struct corpus_mail *mail = &growth->mails[
		corpus_random_next(&random) % growth->mail_count];
	junk_token_t tokens[JUNK_MAX_TOKENS], token;
	struct junk_report report = {
		.stamp_usecs = clock_usecs(CLOCK_REALTIME),
		.verdict = mail->spam ? JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM,
		.origin = JUNK_ORIGIN_LEARN,
		.feature_set = JUNK_FEATURE_SET,
		.tokens = tokens,
	};
	uint64_t reporter = corpus_random_next(&random) % REPORTERS;

	for (unsigned int i = 0; i < mail->token_count; i++) {
		token = mail->tokens[i];
		if (corpus_random_next(&random) % 5 == 0)
			token = changed_token(token, &random);
		if (token == mail->tokens[i] ||
		    !has_token(tokens, report.token_count, token))
			tokens[report.token_count++] = token;
	}
	memcpy(report.reporter, &reporter, sizeof(reporter));
	memcpy(report.digest, &num, sizeof(num));
	junk_engine_add(growth->engine, &report);
}

static void growth_commit(struct growth *growth)
{
	if (!junk_engine_commit(growth->engine, time(NULL)))
		i_fatal("commit failed");
	while (junk_engine_maintain(growth->engine, time(NULL))) ;
}

static void growth_run(struct growth *growth, uint64_t first, uint64_t last)
{
	uint64_t cpu = clock_usecs(CLOCK_PROCESS_CPUTIME_ID);

	for (uint64_t num = first + 1; num <= last; num++) {
		T_BEGIN {
			growth_add(growth, num);
			if (junk_engine_is_full(growth->engine) || num == last)
				growth_commit(growth);
		} T_END;
	}
	printf("cpu_usecs=%.2f\n",
	       (double)(clock_usecs(CLOCK_PROCESS_CPUTIME_ID) - cpu) /
	       (double)(last - first));
}

/* Let some time pass without reports. */
static void growth_settle(struct growth *growth)
{
	uint64_t cpu = clock_usecs(CLOCK_PROCESS_CPUTIME_ID);
	time_t now = time(NULL);

	/* token counts wait from now on */
	while (junk_engine_maintain(growth->engine, now)) ;
	while (junk_engine_maintain(growth->engine, now + SETTLE_SECS)) ;
	printf("settle_cpu_msecs=%.1f\n",
	       (double)(clock_usecs(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1000);
}

static void growth_start(struct growth *growth, char *argv[], uint64_t size)
{
	const struct junk_engine_settings set = {
		.state_dir = argv[1],
		.chroot_dir = "",
		.segment_path = argv[2],
		.segment_fd = -1,
		.segment_mode = 0644,
		.retention_days = 180,
		.database_size = size,
		.min_reporters = 2,
		.min_reports = 20,
		.threshold = 90,
	};
	uint64_t cpu = clock_usecs(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t start = clock_usecs(CLOCK_MONOTONIC);

	growth->engine = junk_engine_init(&set);
	if (!junk_engine_start(growth->engine, time(NULL)))
		i_fatal("the engine doesn't start");
	printf("start_msecs=%.1f\n",
	       (double)(clock_usecs(CLOCK_MONOTONIC) - start) / 1000);
	printf("start_cpu_msecs=%.1f\n",
	       (double)(clock_usecs(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1000);
}

int main(int argc, char *argv[])
{
	struct growth growth;
	struct corpus corpus;
	uint64_t first, last, size;
	unsigned long before;
	const char *error;

	lib_init();
	if (argc != 7 || str_to_uint64(argv[4], &first) < 0 ||
	    str_to_uint64(argv[5], &last) < 0 || last < first ||
	    str_to_uint64(argv[6], &size) < 0) {
		i_fatal("usage: growth STATE_DIR SEGMENT INDEX FIRST LAST "
			"DATABASE_BYTES");
	}
	if (corpus_read(argv[3], FALSE, &corpus, &error) < 0)
		i_fatal("%s", error);
	growth.mails = array_get(&corpus.mails, &growth.mail_count);
	/* the memory of the corpus isn't the service's */
	forget_peak();
	before = status_kbytes("VmRSS:");
	growth_start(&growth, argv, size);
	if (last > first)
		growth_run(&growth, first, last);
	else
		growth_settle(&growth);
	printf("memory_kbytes=%lu\n", status_kbytes("VmHWM:") - before);
	(void)fflush(stdout);
	/* as if killed */
	_exit(0);
}

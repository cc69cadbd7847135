#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "istream.h"
#include "ioloop.h"
#include "time-util.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-later.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In the place of libc's: the time of day may be set back. */
static time_t test_set_back_secs = 0;

int clock_gettime(clockid_t id, struct timespec *time_r)
{
	int ret = (int)syscall(SYS_clock_gettime, id, time_r);

	if (ret == 0 && id == CLOCK_REALTIME)
		time_r->tv_sec -= test_set_back_secs;
	return ret;
}

static struct {
	/* uids of the reports, in their order */
	uint32_t uids[64];
	unsigned int count, done_count;
	/* each report takes so long */
	unsigned int msecs;
	bool stop_at_first, stop_at_end, set_back;
	struct junk_later *later;
} test;

static void test_report(const struct junk_pending *pending,
			void *context ATTR_UNUSED)
{
	uint64_t end = i_microseconds() + (uint64_t)test.msecs * 1000;

	test_assert(pending->body->size == 3 &&
		    memcmp(pending->body->data, "abc", 3) == 0);
	test.uids[test.count++ % N_ELEMENTS(test.uids)] = pending->uid;
	while (i_microseconds() < end) ;
	if (test.set_back)
		test_set_back_secs += 3600;
}

static void test_done(void *context ATTR_UNUSED)
{
	test.done_count++;
	if (test.stop_at_first ||
	    (test.stop_at_end && junk_later_is_empty(test.later)))
		io_loop_stop(current_ioloop);
}

static const struct junk_later_callbacks test_callbacks = {
	.report = test_report,
	.done = test_done,
};

static void test_init(void)
{
	i_zero(&test);
	test.later = junk_later_init(&test_callbacks, NULL);
}

static void test_add(uint32_t uid, const char *kept_vname)
{
	struct junk_pending pending = {
		.uid = uid, .kept_vname = i_strdup(kept_vname),
	};

	pending.body = junk_body_alloc(3);
	memcpy(pending.body->data, "abc", 3);
	junk_later_add(test.later, &pending);
}

static void test_junk_later_quiet(void)
{
	struct ioloop *ioloop;
	uint64_t start;

	test_begin("junk_later waits for quiet");
	ioloop = io_loop_create();
	test_init();
	test.stop_at_end = TRUE;
	junk_later_start(test.later);
	test_add(1, NULL);
	test_add(2, "Junk");
	test_assert(!junk_later_is_empty(test.later));
	start = i_microseconds();
	junk_later_start(test.later);
	test_assert(test.count == 0);
	io_loop_run(ioloop);
	test_assert(i_microseconds() - start >= 10000);
	test_assert(test.count == 2 && test.uids[0] == 1 && test.uids[1] == 2);
	test_assert(test.done_count > 0);
	test_assert(junk_later_is_empty(test.later));
	/* and again */
	test_add(3, NULL);
	junk_later_start(test.later);
	io_loop_run(ioloop);
	test_assert(test.count == 3 && test.uids[2] == 3);
	junk_later_deinit(&test.later);
	io_loop_destroy(&ioloop);
	test_end();
}

/* Commands come one after the other, without a pause but those that a busy machine
   makes. */
static uint64_t last_command, longest_pause;

static void test_busy(void *context ATTR_UNUSED)
{
	uint64_t now = i_microseconds();

	longest_pause = I_MAX(longest_pause, now - last_command);
	last_command = now;
	junk_later_start(test.later);
}

/* Returns how long it has waited. */
static uint64_t test_wait_busy(struct ioloop *ioloop)
{
	struct timeout *to;
	uint64_t start;

	test_init();
	test.stop_at_end = TRUE;
	test_add(1, NULL);
	start = last_command = i_microseconds();
	longest_pause = 0;
	to = timeout_add_short(5, test_busy, NULL);
	io_loop_run(ioloop);
	timeout_remove(&to);
	test_busy(NULL);
	test_assert(test.count == 1);
	junk_later_deinit(&test.later);
	return last_command - start;
}

static void test_junk_later_busy(void)
{
	struct ioloop *ioloop;
	unsigned int tries = 0;
	uint64_t waited;

	test_begin("junk_later doesn't wait for ever");
	ioloop = io_loop_create();
	/* after a pause it is right to begin */
	do {
		waited = test_wait_busy(ioloop);
	} while (longest_pause >= 15000 && ++tries < 20);
	test_assert(waited >= 240000 || longest_pause >= 15000);
	io_loop_destroy(&ioloop);
	test_end();
}

static void test_junk_later_slices(void)
{
	struct ioloop *ioloop;

	test_begin("junk_later works in slices");
	ioloop = io_loop_create();
	test_init();
	test.msecs = 2;
	test.stop_at_first = TRUE;
	for (unsigned int i = 0; i < 3; i++)
		test_add(i + 1, NULL);
	junk_later_start(test.later);
	io_loop_run(ioloop);
	test_assert(test.count == 1 && test.done_count == 1);
	/* what comes meanwhile is done as well */
	test_add(4, NULL);
	junk_later_start(test.later);
	io_loop_run(ioloop);
	test_assert(test.count == 2);
	junk_later_finish(test.later);
	test_assert(test.count == 4 && test.uids[3] == 4);
	test_assert(test.done_count == 3);
	junk_later_finish(test.later);
	test_assert(test.done_count == 3);
	/* what isn't done is freed */
	test_add(5, "Junk");
	junk_later_start(test.later);
	junk_later_deinit(&test.later);
	junk_later_deinit(&test.later);
	io_loop_destroy(&ioloop);
	test_end();
}

/* A slice ends all the same, and so does the wait. */
static void test_junk_later_set_back(void)
{
	struct ioloop *ioloop;

	test_begin("junk_later while the time of day is set back");
	ioloop = io_loop_create();
	test_init();
	test.msecs = 2;
	test.stop_at_first = test.set_back = TRUE;
	for (unsigned int i = 0; i < 3; i++)
		test_add(i + 1, NULL);
	junk_later_start(test.later);
	io_loop_run(ioloop);
	test_assert(test.count == 1 && test.done_count == 1);
	junk_later_deinit(&test.later);
	io_loop_destroy(&ioloop);
	test_set_back_secs = 0;
	test_end();
}

static void test_junk_later_forget_kept(void)
{
	struct ioloop *ioloop;

	test_begin("junk_later_forget_kept()");
	ioloop = io_loop_create();
	test_init();
	test_add(1, "Junk");
	test_add(1, NULL);
	test_add(1, "Other");
	test_add(2, "Junk");
	test_add(1, "Junk");
	junk_later_forget_kept(test.later, "Junk", 1);
	junk_later_forget_kept(test.later, "Junk", 3);
	junk_later_finish(test.later);
	test_assert(test.count == 3 && test.uids[0] == 1 &&
		    test.uids[1] == 1 && test.uids[2] == 2);
	junk_later_forget_kept(test.later, "Junk", 2);
	junk_later_deinit(&test.later);
	io_loop_destroy(&ioloop);
	test_end();
}

static void test_junk_later_full(void)
{
	struct ioloop *ioloop;
	unsigned int limit;

	test_begin("junk_later_is_full()");
	ioloop = io_loop_create();
	test_init();
	limit = (JUNK_LATER_MAX_BYTES - 1) / (sizeof(struct junk_pending) + 3);
	for (unsigned int i = 0; i < limit; i++)
		test_add(i, NULL);
	test_assert(!junk_later_is_full(test.later, 0));
	test_assert(junk_later_is_full(test.later,
				       sizeof(struct junk_pending) + 3));
	test_add(limit, NULL);
	test_assert(junk_later_is_full(test.later, 0));
	junk_later_finish(test.later);
	test_assert(!junk_later_is_full(test.later, JUNK_LATER_MAX_BYTES - 1));
	test_assert(junk_later_is_full(test.later, JUNK_LATER_MAX_BYTES));
	test_assert(test.count == limit + 1);
	junk_later_deinit(&test.later);
	io_loop_destroy(&ioloop);
	test_end();
}

static void test_junk_body_read(void)
{
	static const struct {
		size_t size;
		uoff_t known_size;
		size_t step, expect;
	} tests[] = {
		{ 0, UOFF_T_MAX, 1, 0 },
		{ 0, 0, 1, 0 },
		{ 100, UOFF_T_MAX, 100, 100 },
		{ 100, UOFF_T_MAX, 7, 100 },
		{ 100, 100, 100, 100 },
		{ 100, 100, 7, 100 },
		/* more follows it */
		{ 100, 50, 100, 50 },
		{ 100, 50, 7, 50 },
		{ 100, 0, 100, 0 },
		/* it isn't all there */
		{ 100, 101, 100, 100 },
		{ 100, 101, 7, 100 },
		{ JUNK_MAX_READ_BYTES, UOFF_T_MAX, 100000,
		  JUNK_MAX_READ_BYTES },
		{ JUNK_MAX_READ_BYTES + 1, UOFF_T_MAX, 100000,
		  JUNK_MAX_READ_BYTES },
		{ JUNK_MAX_READ_BYTES + 1, UOFF_T_MAX, SIZE_MAX,
		  JUNK_MAX_READ_BYTES },
		{ JUNK_MAX_READ_BYTES + 1, JUNK_MAX_READ_BYTES + 1, SIZE_MAX,
		  JUNK_MAX_READ_BYTES },
	};
	unsigned char *data = i_malloc(JUNK_MAX_READ_BYTES + 1);
	buffer_t *buf = buffer_create_dynamic(default_pool, 64);
	struct junk_body *body;
	const char *error;

	test_begin("junk_body_read()");
	for (unsigned int i = 0; i <= JUNK_MAX_READ_BYTES; i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		struct istream *input =
			i_stream_create_from_data(data, tests[i].size);
		struct istream *limited = i_stream_create_limit(input,
								UOFF_T_MAX);

		i_stream_set_max_buffer_size(limited, tests[i].step);
		test_assert_idx(junk_body_read(limited, tests[i].known_size,
					       buf, &body, &error) == 0, i);
		test_assert_idx(body->size == tests[i].expect, i);
		test_assert_idx(memcmp(body->data, data, body->size) == 0, i);
		junk_body_free(&body);
		i_stream_unref(&limited);
		i_stream_unref(&input);
	}
	buffer_free(&buf);
	i_free(data);
	test_end();
}

static void test_junk_body_read_error(void)
{
	struct istream *input = i_stream_create_error_str(EIO, "broken");
	buffer_t *buf = buffer_create_dynamic(default_pool, 64);
	struct junk_body *body;
	const char *error;

	test_begin("junk_body_read() of a broken stream");
	test_assert(junk_body_read(input, 10, buf, &body, &error) == -1 &&
		    strstr(error, "broken") != NULL);
	buffer_free(&buf);
	i_stream_unref(&input);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_later_quiet,
		test_junk_later_busy,
		test_junk_later_slices,
		test_junk_later_set_back,
		test_junk_later_forget_kept,
		test_junk_later_full,
		test_junk_body_read,
		test_junk_body_read_error,
		NULL
	};
	return test_run(test_functions);
}

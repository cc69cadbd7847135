#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-frame.h"

#include <time.h>

static junk_token_t test_tokens[JUNK_MAX_TOKENS + 1];

static void test_report_init(struct junk_report *report, unsigned int count)
{
	for (unsigned int i = 0; i < N_ELEMENTS(test_tokens); i++)
		test_tokens[i] = UINT64_C(0x0123456789abcdef) * (i + 1);
	i_zero(report);
	report->stamp_usecs = UINT64_C(1700000000123456);
	report->verdict = JUNK_VERDICT_WEAK_HAM;
	report->origin = JUNK_ORIGIN_ACTION;
	report->feature_set = 0x1234;
	report->size_bytes = 0x12345678;
	memset(report->reporter, 'r', sizeof(report->reporter));
	memset(report->digest, 'd', sizeof(report->digest));
	report->tokens = test_tokens;
	report->token_count = count;
}

static void test_junk_frame_report(void)
{
	static const unsigned int counts[] = { 0, 1, 300, JUNK_MAX_TOKENS };
	struct junk_report in, out;
	struct junk_frame frame;
	const char *error;
	size_t size;

	test_begin("junk_frame: report");
	for (unsigned int i = 0; i < N_ELEMENTS(counts); i++) T_BEGIN {
		buffer_t *buf = t_buffer_create(256);

		test_report_init(&in, counts[i]);
		junk_frame_encode_report(buf, &in);
		/* what follows isn't part of it */
		buffer_append(buf, "xx", 2);
		test_assert_idx(junk_frame_decode(buf->data, buf->used, &frame,
						  &size, &error) == 1, i);
		test_assert_idx(size == buf->used - 2, i);
		test_assert_idx(junk_frame_decode_report(&frame, &out,
							 &error) == 0, i);
		test_assert_idx(out.stamp_usecs == in.stamp_usecs, i);
		test_assert_idx(out.verdict == in.verdict, i);
		test_assert_idx(out.origin == in.origin, i);
		test_assert_idx(out.feature_set == in.feature_set, i);
		test_assert_idx(out.size_bytes == in.size_bytes, i);
		test_assert_idx(memcmp(out.reporter, in.reporter,
				       sizeof(in.reporter)) == 0, i);
		test_assert_idx(memcmp(out.digest, in.digest,
				       sizeof(in.digest)) == 0, i);
		test_assert_idx(out.token_count == counts[i], i);
		test_assert_idx(memcmp(out.tokens, in.tokens, counts[i] *
				       sizeof(*in.tokens)) == 0, i);
	} T_END;
	test_end();
}

/* The bytes are the documented ones on every machine. */
static void test_junk_frame_bytes(void)
{
	static const unsigned char ack[] = {
		4, 0, 0, 0, 1, 0x81, 0, 0, 0x78, 0x56, 0x34, 0x12
	};
	struct junk_report report;
	const unsigned char *data;
	buffer_t *buf = t_buffer_create(256);

	test_begin("junk_frame: bytes");
	junk_frame_encode_ack(buf, 0x12345678);
	test_assert(buf->used == sizeof(ack) &&
		    memcmp(buf->data, ack, sizeof(ack)) == 0);

	buffer_set_used_size(buf, 0);
	test_report_init(&report, 1);
	junk_frame_encode_report(buf, &report);
	data = buf->data;
	test_assert(buf->used == 8 + 52 + 8);
	test_assert(data[0] == 60 && data[4] == 1 && data[5] == 1);
	test_assert(data[8 + 8] == 3 && data[8 + 9] == 5);
	test_assert(data[8 + 10] == 0x34 && data[8 + 12] == 0x78);
	test_assert(data[8 + 16] == 'r' && data[8 + 32] == 'd');
	test_assert(data[8 + 50] == 1 && data[8 + 52] == 0xef);
	test_end();
}

/* Every truncation waits for more; none is an error or a frame. */
static void test_junk_frame_truncated(void)
{
	struct junk_report report;
	struct junk_frame frame;
	const char *error;
	size_t size;
	buffer_t *buf = t_buffer_create(256);

	test_begin("junk_frame: truncated");
	test_report_init(&report, 3);
	junk_frame_encode_report(buf, &report);
	for (size_t i = 0; i < buf->used; i++) {
		unsigned char *copy = i_malloc(i + 1);

		/* memory of its own: valgrind sees a read past it */
		memcpy(copy, buf->data, i);
		test_assert_idx(junk_frame_decode(copy, i, &frame, &size,
						  &error) == 0, i);
		i_free(copy);
	}
	test_end();
}

static void test_junk_frame_bad_header(void)
{
	static const struct {
		unsigned char data[8];
		size_t size;
		const char *error;
	} tests[] = {
		/* garbage: another protocol's greeting */
		{ "GET / HT", 8, "larger than" },
		{ "VERSION\t", 8, "larger than" },
		/* one past the limit, seen from the first 4 bytes */
		{ { 1, 0, 1, 0 }, 4, "frame of 65537 bytes" },
		{ { 0xff, 0xff, 0xff, 0xff, 1, 1 }, 8, "larger than" },
		{ { 0, 0, 0, 0, 0, 2 }, 8, "protocol version 0" },
		{ { 0, 0, 0, 0, 2 }, 5, "protocol version 2" },
		{ { 0, 0, 0, 0, 1, 0 }, 8, "unknown frame type 0" },
		{ { 0, 0, 0, 0, 1, 8 }, 6, "unknown frame type 8" },
		{ { 0, 0, 0, 0, 1, 2, 1, 0 }, 8, "reserved" },
		{ { 0, 0, 0, 0, 1, 2, 0, 1 }, 8, "reserved" },
	};
	struct junk_frame frame;
	const char *error;
	size_t size;

	test_begin("junk_frame: bad header");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		error = "";
		test_assert_idx(junk_frame_decode(tests[i].data, tests[i].size,
						  &frame, &size,
						  &error) == -1, i);
		test_assert_idx(strstr(error, tests[i].error) != NULL, i);
	} T_END;
	test_end();
}

/* At the limit of a frame's size and one past it. */
static void test_junk_frame_size_limit(void)
{
	unsigned char *data = i_malloc(JUNK_FRAME_HEADER_BYTES +
				       JUNK_MAX_FRAME_BYTES + 1);
	struct junk_frame frame;
	const char *error;
	size_t size;

	test_begin("junk_frame: size limit");
	cpu32_to_le_unaligned(JUNK_MAX_FRAME_BYTES, data);
	data[4] = JUNK_FRAME_VERSION;
	data[5] = JUNK_FRAME_TEXT;
	test_assert(junk_frame_decode(data, JUNK_FRAME_HEADER_BYTES +
				      JUNK_MAX_FRAME_BYTES - 1,
				      &frame, &size, &error) == 0);
	test_assert(junk_frame_decode(data, JUNK_FRAME_HEADER_BYTES +
				      JUNK_MAX_FRAME_BYTES,
				      &frame, &size, &error) == 1);
	test_assert(frame.payload_size == JUNK_MAX_FRAME_BYTES);
	cpu32_to_le_unaligned(JUNK_MAX_FRAME_BYTES + 1, data);
	test_assert(junk_frame_decode(data, JUNK_FRAME_HEADER_BYTES +
				      JUNK_MAX_FRAME_BYTES + 1,
				      &frame, &size, &error) == -1);
	i_free(data);
	test_end();
}

static void test_junk_frame_bad_report(void)
{
	/* one field of a report with two tokens is overwritten */
	static const struct {
		unsigned int offset, size;
		uint64_t value;
		const char *error;
	} tests[] = {
		{ 0, 8, 0, "time" },
		{ 0, 8, UINT64_C(0x8000000000000000), "time" },
		{ 8, 1, 0, "verdict 0" },
		{ 8, 1, 5, "verdict 5" },
		{ 9, 1, 0, "origin 0" },
		{ 9, 1, 9, "origin 9" },
		{ 48, 2, 1, "reserved" },
		{ 50, 2, 1, "has the wrong size for 1 tokens" },
		{ 50, 2, 3, "has the wrong size for 3 tokens" },
		{ 50, 2, JUNK_MAX_TOKENS + 1, "with 1025 tokens" },
		{ 50, 2, 0xffff, "65535 tokens" },
	};
	struct junk_report report;
	struct junk_frame frame;
	const char *error;
	size_t size;

	test_begin("junk_frame: bad report");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		buffer_t *buf = t_buffer_create(256);
		unsigned char value[8];

		test_report_init(&report, 2);
		junk_frame_encode_report(buf, &report);
		cpu64_to_le_unaligned(tests[i].value, value);
		buffer_write(buf, JUNK_FRAME_HEADER_BYTES + tests[i].offset,
			     value, tests[i].size);
		test_assert_idx(junk_frame_decode(buf->data, buf->used, &frame,
						  &size, &error) == 1, i);
		error = "";
		test_assert_idx(junk_frame_decode_report(&frame, &report,
							 &error) == -1, i);
		test_assert_idx(strstr(error, tests[i].error) != NULL, i);
	} T_END;

	/* a token twice, wherever it stands */
	for (unsigned int i = 0; i < JUNK_MAX_TOKENS; i += 31) T_BEGIN {
		buffer_t *buf = t_buffer_create(16*1024);

		test_report_init(&report, JUNK_MAX_TOKENS);
		test_tokens[JUNK_MAX_TOKENS - 1 - i] = test_tokens[0] * 2;
		test_tokens[i] = test_tokens[0] * 2;
		junk_frame_encode_report(buf, &report);
		test_assert_idx(junk_frame_decode(buf->data, buf->used, &frame,
						  &size, &error) == 1, i);
		test_assert_idx(junk_frame_decode_report(&frame, &report,
							 &error) == -1, i);
		test_assert_strcmp_idx(error, "report has a token twice", i);
	} T_END;

	/* every payload that is too short, and the wrong type */
	for (size = 0; size < JUNK_FRAME_REPORT_BYTES; size++) T_BEGIN {
		unsigned char *payload = i_malloc(size + 1);

		frame.type = JUNK_FRAME_REPORT;
		frame.payload = payload;
		frame.payload_size = size;
		test_assert_idx(junk_frame_decode_report(&frame, &report,
							 &error) == -1, size);
		i_free(payload);
	} T_END;
	frame.type = JUNK_FRAME_STATUS;
	test_assert(junk_frame_decode_report(&frame, &report, &error) == -1);
	test_end();
}

static clock_t test_decode_ticks(const struct junk_report *report)
{
	buffer_t *buf = t_buffer_create(16*1024);
	struct junk_report decoded;
	struct junk_frame frame;
	const char *error;
	clock_t before;
	size_t size;

	junk_frame_encode_report(buf, report);
	test_assert(junk_frame_decode(buf->data, buf->used, &frame, &size,
				      &error) == 1);
	before = clock();
	for (unsigned int i = 0; i < 100; i++) T_BEGIN {
		test_assert(junk_frame_decode_report(&frame, &decoded,
						     &error) == 0);
	} T_END;
	return clock() - before;
}

/* Whoever chooses tokens that are equal in any of their bits gains nothing. */
static void test_junk_frame_flood(void)
{
	struct junk_report report;
	clock_t usual, flood;

	test_begin("junk_frame: tokens that are chosen for their bits");
	test_report_init(&report, JUNK_MAX_TOKENS);
	usual = test_decode_ticks(&report);
	for (unsigned int shift = 0; shift <= 48; shift += 8) T_BEGIN {
		for (unsigned int i = 0; i < JUNK_MAX_TOKENS; i++)
			test_tokens[i] = ((uint64_t)i + 1) << shift;
		flood = test_decode_ticks(&report);
		test_assert_idx(flood < usual * 10 + CLOCKS_PER_SEC / 100,
				shift);
	} T_END;
	test_end();
}

static void test_junk_frame_ack(void)
{
	buffer_t *buf = t_buffer_create(16);
	struct junk_frame frame;
	const char *error;
	uint32_t count;
	size_t size;

	test_begin("junk_frame: ack");
	junk_frame_encode_ack(buf, UINT32_MAX);
	test_assert(junk_frame_decode(buf->data, buf->used, &frame, &size,
				      &error) == 1);
	test_assert(junk_frame_decode_ack(&frame, &count, &error) == 0);
	test_assert(count == UINT32_MAX);
	frame.payload_size = 3;
	test_assert(junk_frame_decode_ack(&frame, &count, &error) == -1);
	frame.payload_size = 4;
	frame.type = JUNK_FRAME_TEXT;
	test_assert(junk_frame_decode_ack(&frame, &count, &error) == -1);
	test_end();
}

/* Any bytes give an answer and no read past them. */
static void test_junk_frame_garbage(void)
{
	struct junk_report report;
	struct junk_frame frame;
	const char *error;
	size_t frame_size;

	test_begin("junk_frame: garbage");
	for (unsigned int i = 0; i < 20000; i++) T_BEGIN {
		size_t size = i_rand_limit(200);
		unsigned char *data = i_malloc(size + 1);

		for (size_t j = 0; j < size; j++)
			data[j] = (unsigned char)i_rand_limit(256);
		/* let most get past the first checks */
		if (size >= 8 && i % 4 != 0) {
			cpu32_to_le_unaligned(i_rand_limit(200), data);
			data[4] = JUNK_FRAME_VERSION;
			data[5] = JUNK_FRAME_REPORT;
			data[6] = data[7] = 0;
		}
		if (junk_frame_decode(data, size, &frame, &frame_size,
				      &error) > 0) {
			test_assert_idx(frame_size <= size, i);
			(void)junk_frame_decode_report(&frame, &report,
						       &error);
		}
		i_free(data);
	} T_END;
	test_end();
}

static void test_junk_frame_admin(void)
{
	const struct junk_forget forget = {
		.since = UINT64_C(1234567890123),
		.until = UINT64_C(9876543210987), .origin = JUNK_ORIGIN_MOVE,
		.burst = TRUE, .dry_run = TRUE,
		.reporter = (const unsigned char *)"0123456789abcdef",
	};
	junk_token_t tokens[JUNK_MAX_LOOKUP_TOKENS + 1];
	const junk_token_t *tokens2;
	struct junk_forget forget2;
	struct junk_frame frame;
	unsigned char *data;
	unsigned int count;
	const char *error;
	buffer_t *buf;
	size_t size;

	test_begin("junk_frame: administration");
	buf = t_buffer_create(64);
	junk_frame_encode_forget(buf, &forget);
	test_assert(junk_frame_decode(buf->data, buf->used, &frame, &size,
				      &error) == 1);
	test_assert(frame.type == JUNK_FRAME_FORGET && size == buf->used);
	test_assert(junk_frame_decode_forget(&frame, &forget2, &error) == 0);
	test_assert(forget2.since == forget.since &&
		    forget2.until == forget.until &&
		    forget2.origin == forget.origin && forget2.burst &&
		    forget2.dry_run);
	test_assert(memcmp(forget2.reporter, forget.reporter,
			   JUNK_REPORTER_BYTES) == 0);
	/* each reserved byte, and each unknown flag */
	data = buffer_get_modifiable_data(buf, NULL);
	for (unsigned int i = 33; i < JUNK_FRAME_FORGET_BYTES; i++) {
		data[JUNK_FRAME_HEADER_BYTES + i] ^= 0x80;
		test_assert_idx(junk_frame_decode_forget(&frame, &forget2,
							 &error) < 0, i);
		data[JUNK_FRAME_HEADER_BYTES + i] ^= 0x80;
	}
	/* a reporter without the flag isn't everybody */
	data[JUNK_FRAME_HEADER_BYTES + 33] ^= 2;
	test_assert(junk_frame_decode_forget(&frame, &forget2, &error) < 0);
	data[JUNK_FRAME_HEADER_BYTES + 33] ^= 2;
	frame.payload_size--;
	test_assert(junk_frame_decode_forget(&frame, &forget2, &error) < 0);

	for (unsigned int i = 0; i < N_ELEMENTS(tokens); i++)
		tokens[i] = UINT64_C(0x0102030405060708) * i;
	for (unsigned int n = 0; n <= N_ELEMENTS(tokens); n++) T_BEGIN {
		buf = t_buffer_create(64);
		junk_frame_encode_lookup(buf, tokens, n);
		test_assert_idx(junk_frame_decode(buf->data, buf->used, &frame,
						  &size, &error) == 1, n);
		if (n > JUNK_MAX_LOOKUP_TOKENS) {
			test_assert_idx(junk_frame_decode_lookup(
				&frame, &tokens2, &count, &error) < 0, n);
		} else {
			test_assert_idx(junk_frame_decode_lookup(
				&frame, &tokens2, &count, &error) == 0 &&
				count == n &&
				memcmp(tokens, tokens2,
				       n * sizeof(*tokens)) == 0, n);
		}
		frame.payload_size++;
		test_assert_idx(junk_frame_decode_lookup(&frame, &tokens2,
							 &count, &error) < 0,
				n);
	} T_END;
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_frame_report,
		test_junk_frame_bytes,
		test_junk_frame_truncated,
		test_junk_frame_bad_header,
		test_junk_frame_size_limit,
		test_junk_frame_bad_report,
		test_junk_frame_flood,
		test_junk_frame_ack,
		test_junk_frame_admin,
		test_junk_frame_garbage,
		NULL
	};
	return test_run(test_functions);
}

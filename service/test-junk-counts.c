/* Tests the unwritten token counts and the hourly counts of reporters. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "test-common.h"
#include "junk-rate.h"
#include "junk-token-counts.h"

#include <time.h>

static void test_junk_token_counts(void)
{
	struct junk_token_counts *counts = junk_token_counts_init();
	struct junk_token_count count;
	const struct junk_token_count *c;
	unsigned int pos = 0, seen = 0;

	test_begin("junk_token_counts");
	test_assert(junk_token_counts_next(counts, 0, &pos) == NULL);
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 10000; i++) {
			i_zero(&count);
			/* parts differ much in size */
			count.token = i < 5000 ? i :
				(uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
			count.spam = 2;
			count.ham = round == 0 ? 0 : -1;
			count.sketch = 1U << round;
			count.day = 7 - round;
			count.class_num = (uint8_t)(i % 23);
			junk_token_counts_add(counts, &count);
		}
	}
	/* token 0 counts as token 1 */
	test_assert(junk_token_counts_size(counts) == 9999);
	for (unsigned int part = 0; part < JUNK_TOKEN_PART_COUNT; part++) {
		unsigned int n = 0;

		pos = 0;
		while ((c = junk_token_counts_next(counts, part,
						   &pos)) != NULL) {
			test_assert(junk_token_part(c->token) == part);
			if (c->token != 1)
				test_assert(c->spam == 4 && c->ham == -1);
			test_assert(c->sketch == 3 && c->day == 7);
			n++;
		}
		test_assert(n == junk_token_counts_part_size(counts, part));
		seen += n;
	}
	test_assert(seen == 9999);
	pos = junk_token_counts_part_size(counts, 0);
	junk_token_counts_clear_part(counts, 0);
	test_assert(junk_token_counts_size(counts) == 9999 - pos);
	junk_token_counts_clear(counts);
	test_assert(junk_token_counts_size(counts) == 0);

	/* the maximum count */
	i_zero(&count);
	count.token = 9;
	for (unsigned int i = 0; i < 2; i++) {
		count.spam = i == 0 ? JUNK_TOKEN_COUNT_MAX : 1;
		count.ham = -count.spam;
		junk_token_counts_add(counts, &count);
	}
	pos = 0;
	c = junk_token_counts_next(counts, junk_token_part(9), &pos);
	test_assert(c != NULL && c->spam == JUNK_TOKEN_COUNT_MAX &&
		    c->ham == -JUNK_TOKEN_COUNT_MAX);
	junk_token_counts_deinit(&counts);
	junk_token_counts_deinit(&counts);
	test_end();
}

static void test_junk_rate(void)
{
	unsigned char anna[JUNK_REPORTER_BYTES] = "anna";
	unsigned char bert[JUNK_REPORTER_BYTES] = "bert";
	struct junk_rate *rate = junk_rate_init(), *copy = junk_rate_init();
	buffer_t *buf = t_buffer_create(256);

	test_begin("junk_rate");
	test_assert(junk_rate_add(rate, 3600, anna) == 1);
	test_assert(junk_rate_add(rate, 7199, anna) == 2);
	test_assert(junk_rate_add(rate, 7199, bert) == 1);
	junk_rate_undo(rate, anna);
	test_assert(junk_rate_add(rate, 7199, anna) == 2);
	junk_rate_undo(rate, bert);
	test_assert(junk_rate_add(rate, 7199, bert) == 1);
	/* a clock that goes back a little doesn't reset the counts */
	test_assert(junk_rate_add(rate, 1, anna) == 3);
	/* a clock that was far ahead does */
	test_assert(junk_rate_add(rate, 36000000, anna) == 1);
	test_assert(junk_rate_add(rate, 7199, anna) == 1);
	test_assert(junk_rate_add(rate, 7199, anna) == 2);
	test_assert(junk_rate_add(rate, 7199, anna) == 3);
	test_assert(junk_rate_add(rate, 7199, bert) == 1);

	junk_rate_export(rate, buf);
	test_assert(buf->used == 8 + 2 * 20);
	test_assert(junk_rate_import(copy, buf->data, buf->used) == 0);
	test_assert(junk_rate_add(copy, 7199, anna) == 4);
	test_assert(junk_rate_add(copy, 7200, anna) == 1);
	for (size_t i = 0; i < buf->used; i++) {
		test_assert_idx(junk_rate_import(copy, buf->data, i) ==
				(i == 8 || i == 28 ? 0 : -1), i);
	}
	junk_rate_undo(copy, bert);
	junk_rate_deinit(&rate);
	junk_rate_deinit(&copy);
	junk_rate_deinit(&copy);
	test_end();
}

static void test_junk_rate_limit(void)
{
	unsigned char reporter[JUNK_REPORTER_BYTES] = { 0 };
	struct junk_rate *rate = junk_rate_init();

	test_begin("junk_rate: limit");
	for (unsigned int i = 0; i <= JUNK_RATE_MAX_REPORTERS; i++) {
		memcpy(reporter, &i, sizeof(i));
		(void)junk_rate_add(rate, 3600, reporter);
	}
	/* the reporter beyond the limit isn't counted, the others are */
	test_assert(junk_rate_add(rate, 3600, reporter) == 1);
	memset(reporter, 0, sizeof(reporter));
	test_assert(junk_rate_add(rate, 3600, reporter) == 2);
	junk_rate_deinit(&rate);
	test_end();
}

static clock_t test_rate_ticks(bool chosen)
{
	struct junk_rate *rate = junk_rate_init();
	unsigned char id[JUNK_REPORTER_BYTES];
	clock_t before = clock();

	for (unsigned int i = 0; i < 20000; i++) {
		memset(id, 0, sizeof(id));
		/* an attacker's choice: equal first bytes, and an equal sum of
		   all words */
		cpu32_to_le_unaligned(chosen ? 7 : i * 0x9e3779b1U, id);
		cpu32_to_le_unaligned(i, id + 4);
		cpu32_to_le_unaligned(-i, id + 8);
		test_assert(junk_rate_add(rate, 3600, id) == 1);
	}
	before = clock() - before;
	junk_rate_deinit(&rate);
	return before;
}

static void test_junk_rate_flood(void)
{
	clock_t usual, flood;

	test_begin("junk_rate: identities that are chosen for their bytes");
	usual = test_rate_ticks(FALSE);
	flood = test_rate_ticks(TRUE);
	test_assert(flood < usual * 5 + CLOCKS_PER_SEC / 10);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_token_counts,
		test_junk_rate,
		test_junk_rate_flood,
		test_junk_rate_limit,
		NULL
	};
	return test_run(test_functions);
}

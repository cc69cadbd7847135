/* Tests the limits of what one person teaches the others. */

#include "lib.h"
#include "test-common.h"
#include "junk-shares.h"

#include <math.h>

static struct junk_shares shares;

/* Returns a hash whose upper bits are the number. */
static uint64_t person(unsigned int number)
{
	return (uint64_t)number << (64 - JUNK_SHARES_BITS);
}

/* Add this number of reports of each person. Returns their total worth. */
static float add(unsigned int first, unsigned int people, unsigned int reports)
{
	float worth = 0;

	for (unsigned int i = 0; i < reports; i++) {
		for (unsigned int j = 0; j < people; j++)
			worth += junk_shares_add(&shares, person(first + j));
	}
	return worth;
}

static void test_junk_shares_alone(void)
{
	test_begin("junk shares: few people, all is worth what it is");
	for (unsigned int people = 1; people <= 4; people++) {
		i_zero(&shares);
		test_assert_idx(add(0, people, 5000) == 5000 * people, people);
	}
	test_end();
}

static void test_junk_shares_few_reports(void)
{
	test_begin("junk shares: a few reports are always fair");
	i_zero(&shares);
	(void)add(0, 500, 4);
	test_assert(add(600, 1, 20) == 20);
	test_end();
}

static void test_junk_shares_flood(void)
{
	float few, many;

	test_begin("junk shares: a flood");
	i_zero(&shares);
	(void)add(0, 100, 20);
	few = add(200, 1, 100);
	many = few + add(200, 1, 10000);
	test_assert(few > 60 && few < 110);
	test_assert(many < 130);
	/* others' reports have full value as before */
	test_assert(add(0, 100, 1) == 100);
	/* and so have the flooder's, once the others have reported much more */
	(void)add(0, 100, 200);
	test_assert(junk_shares_add(&shares, person(200)) == 1);
	test_end();
}

/* A flood of weeks with few others: counts stay finite, no report is worth more
   than 1, and the flood hardly raises the limit. */
static void test_junk_shares_long_flood(void)
{
	float worth, most = 0;

	test_begin("junk shares: a flood for weeks");
	i_zero(&shares);
	(void)add(0, 9, 20);
	for (unsigned int i = 0; i < 800000 && most <= 1; i++) {
		worth = junk_shares_add(&shares, person(200));
		most = I_MAX(most, worth);
		if (i % 150 == 0)
			(void)add(i / 150 % 9, 1, 1);
		if (i % 10000 == 0)
			test_assert_idx(junk_shares_are_sane(&shares), i);
	}
	test_assert(most <= 1);
	test_assert(shares.limit < 2000);
	test_end();
}

static void test_junk_shares_sane(void)
{
	static const float bad[] = { -1, INFINITY, NAN };

	test_begin("junk shares: what isn't sane");
	i_zero(&shares);
	test_assert(junk_shares_are_sane(&shares));
	(void)add(0, 10, 300);
	test_assert(junk_shares_are_sane(&shares));
	for (unsigned int i = 0; i < N_ELEMENTS(bad); i++) {
		float *numbers[] = { &shares.counts[JUNK_SHARES_PEOPLE - 1],
				     &shares.total, &shares.limit,
				     &shares.since };

		for (unsigned int j = 0; j < N_ELEMENTS(numbers); j++) {
			float saved = *numbers[j];

			*numbers[j] = bad[i];
			test_assert_idx(!junk_shares_are_sane(&shares), i);
			*numbers[j] = saved;
		}
	}
	test_assert(junk_shares_are_sane(&shares));
	/* the next report would be divided by 0 */
	shares.limit = 0;
	test_assert(!junk_shares_are_sane(&shares));
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_shares_alone,
		test_junk_shares_few_reports,
		test_junk_shares_flood,
		test_junk_shares_long_flood,
		test_junk_shares_sane,
		NULL
	};
	return test_run(test_functions);
}

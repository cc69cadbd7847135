/* Where claims begin, by the sums of reports that a model hadn't learned. */

#include "lib.h"
#include "test-common.h"
#include "junk-claims.h"

#define HAM_COUNT 800
#define SPAM_COUNT 200
#define MAX_MORE 30

static uint64_t next_message;

/* Sums that are spread evenly around a middle. */
static void
add_reports(struct junk_claims_report *reports, unsigned int *used,
	    unsigned int count, float middle, float spread, bool weak)
{
	for (unsigned int i = 0; i < count; i++) {
		struct junk_claims_report *report = &reports[(*used)++];

		i_zero(report);
		report->sum = middle + spread * ((i + 0.5F) / count - 0.5F);
		report->message = next_message++;
		report->familiar_words = report->familiar_form = 0.5;
		report->weak = weak;
	}
}

/* Returns the sum from which on messages are claimed. Beside ham of -6 to -2 and spam
   of 2 to 10 there are more reports of ham with sums of spam. */
static float
claim_sum(unsigned int ham_count, unsigned int spam_count, bool weak,
	  unsigned int more, bool more_weak)
{
	struct junk_claims_report ham[HAM_COUNT + MAX_MORE];
	struct junk_claims_report spam[SPAM_COUNT];
	struct junk_claims claims;
	unsigned int ham_used = 0, spam_used = 0;

	add_reports(ham, &ham_used, ham_count, -4, 4, weak);
	add_reports(ham, &ham_used, more, 6, 8, more_weak);
	add_reports(spam, &spam_used, spam_count, 6, 8, FALSE);
	junk_claims_compute(ham, ham_used, spam, spam_used, &claims);
	test_assert(junk_claims_are_sane(&claims));
	return claims.sum;
}

static void test_junk_claims_few(void)
{
	test_begin("junk claims: none with few messages");
	test_assert(claim_sum(JUNK_MODEL_CLAIM_HAM - 1, SPAM_COUNT, FALSE, 0,
			      FALSE) == JUNK_MODEL_NO_CLAIM);
	test_assert(claim_sum(HAM_COUNT, JUNK_MODEL_CLAIM_SPAM - 1, FALSE, 0,
			      FALSE) == JUNK_MODEL_NO_CLAIM);
	test_assert(claim_sum(JUNK_MODEL_CLAIM_HAM, JUNK_MODEL_CLAIM_SPAM,
			      FALSE, 0, FALSE) < JUNK_MODEL_NO_CLAIM);
	/* with more ham more of the spam is claimed */
	test_assert(claim_sum(HAM_COUNT, SPAM_COUNT, FALSE, 0, FALSE) <
		    claim_sum(30, SPAM_COUNT, FALSE, 0, FALSE));
	test_end();
}

static void test_junk_claims_hard_ham(void)
{
	const float usual = claim_sum(HAM_COUNT, SPAM_COUNT, FALSE, 0, FALSE);

	test_begin("junk claims: ham with sums of spam");
	test_assert(usual < 5.5);
	/* newsletters that people have moved out of Junk */
	test_assert(claim_sum(HAM_COUNT, SPAM_COUNT, FALSE, 8, FALSE) >
		    usual + 0.5);
	/* most of the evidence is kept mail: some of it is spam that nobody has
	   reported */
	test_assert(claim_sum(HAM_COUNT, SPAM_COUNT, TRUE, 8, TRUE) <
		    usual + 0.1);
	/* ... but not so much */
	test_assert(claim_sum(HAM_COUNT, SPAM_COUNT, TRUE, MAX_MORE, TRUE) >
		    usual + 1.5);
	test_end();
}

static void test_junk_claims_copies(void)
{
	struct junk_claims_report ham[2 * HAM_COUNT], spam[SPAM_COUNT];
	struct junk_claims claims;
	unsigned int ham_used = 0, spam_used = 0;

	test_begin("junk claims: copies of a message count once");
	add_reports(ham, &ham_used, JUNK_MODEL_CLAIM_HAM - 1, -4, 4, FALSE);
	memcpy(ham + ham_used, ham, ham_used * sizeof(*ham));
	add_reports(spam, &spam_used, SPAM_COUNT, 6, 8, FALSE);
	junk_claims_compute(ham, 2 * ham_used, spam, spam_used, &claims);
	test_assert(claims.sum == JUNK_MODEL_NO_CLAIM);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_claims_few,
		test_junk_claims_hard_ham,
		test_junk_claims_copies,
		NULL
	};
	return test_run(test_functions);
}

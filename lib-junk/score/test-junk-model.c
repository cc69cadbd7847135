#include "lib.h"
#include "test-common.h"
#include "junk-model.h"

/* The authors' own test vector, of eight bytes. What an identity becomes has to be
   the same in all processes, and to depend on each bit of both. */
static void test_junk_model_person(void)
{
	const uint64_t seed = UINT64_C(0x0706050403020100);
	unsigned char id[JUNK_REPORTER_BYTES];
	uint64_t person, other;

	test_begin("junk_model_person()");
	for (unsigned int i = 0; i < sizeof(id); i++)
		id[i] = (unsigned char)i;
	person = junk_model_person(seed, id);
	test_assert(person == UINT64_C(0x93f5f5799a932462));
	for (unsigned int bit = 0; bit < sizeof(id) * 8; bit++) {
		id[bit / 8] ^= 1U << (bit % 8);
		other = junk_model_person(seed, id);
		id[bit / 8] ^= 1U << (bit % 8);
		test_assert_idx(__builtin_popcountll(person ^ other) > 10, bit);
		other = junk_model_person(seed ^ (UINT64_C(1) << (bit % 64)),
					  id);
		test_assert_idx(__builtin_popcountll(person ^ other) > 10, bit);
	}
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_model_person,
		NULL
	};
	return test_run(test_functions);
}

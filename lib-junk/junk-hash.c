#include "lib.h"
#include "junk-hash.h"

#include <sys/auxv.h>

uint64_t junk_hash_secret[2] = { 1, 1 };

/* The kernel gives 16 random bytes to each program that it starts: no system call
   at each login, and nothing that could fail. */
static void __attribute__((constructor)) junk_hash_init(void)
{
	const unsigned long random = getauxval(AT_RANDOM);

	if (random != 0) {
		memcpy(junk_hash_secret, (const void *)random,
		       sizeof(junk_hash_secret));
	}
	junk_hash_secret[0] |= 1;
	junk_hash_secret[1] |= 1;
}

#include "lib.h"
#include "junk-hash.h"

#include <sys/auxv.h>

uint64_t junk_hash_secret[2] = { 1, 1 };

/* Take the secret from the 16 random bytes that the kernel passes to each new
   program (AT_RANDOM). This needs no system call at login and can't fail. */
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

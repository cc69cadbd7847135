#ifndef JUNK_SIPHASH_H
#define JUNK_SIPHASH_H

#include "byteorder.h"

/* SipHash-2-4 (Aumasson, Bernstein 2012) of one 64-bit number: results don't
   reveal anything about the key. libsodium has SipHash too, but it would have
   to be loaded into each imap process. */

#define JUNK_SIPHASH_KEY_BYTES 16

static inline uint64_t junk_siphash_rotate(uint64_t x, unsigned int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline void junk_siphash_rounds(uint64_t v[4], unsigned int count)
{
	for (; count > 0; count--) {
		v[0] += v[1];
		v[1] = junk_siphash_rotate(v[1], 13) ^ v[0];
		v[0] = junk_siphash_rotate(v[0], 32);
		v[2] += v[3];
		v[3] = junk_siphash_rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = junk_siphash_rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = junk_siphash_rotate(v[1], 17) ^ v[2];
		v[2] = junk_siphash_rotate(v[2], 32);
	}
}

static inline uint64_t
junk_siphash_number(const unsigned char key[JUNK_SIPHASH_KEY_BYTES],
		    uint64_t number)
{
	const uint64_t k0 = le64_to_cpu_unaligned(key);
	const uint64_t k1 = le64_to_cpu_unaligned(key + 8);
	/* the last block has the input's length */
	const uint64_t blocks[] = {
		number, (uint64_t)sizeof(number) << 56
	};
	uint64_t v[4] = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};

	for (unsigned int i = 0; i < N_ELEMENTS(blocks); i++) {
		v[3] ^= blocks[i];
		junk_siphash_rounds(v, 2);
		v[0] ^= blocks[i];
	}
	v[2] ^= 0xff;
	junk_siphash_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif

#ifndef JUNK_BITS_H
#define JUNK_BITS_H

/* Returns the number of bits that are set (Warren, Hacker's Delight). The
   compiler's builtin is a function call where the target may be an old
   processor. */
static inline unsigned int junk_bits_count(uint64_t bits)
{
	bits -= (bits >> 1) & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) +
		((bits >> 2) & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (bits * UINT64_C(0x0101010101010101)) >> 56;
}

/* The finalizer of splitmix64 (Steele et al. 2014): each bit of the result
   depends on all bits of x. */
static inline uint64_t junk_bits_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

#endif

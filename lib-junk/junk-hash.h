#ifndef JUNK_HASH_H
#define JUNK_HASH_H

/* Places in tables of what others choose: words of mail, tokens and identities
   of reports. Whoever knows where each is looked for can choose such as are all
   looked for at the same place, so that each look takes as long as there are
   entries. So the place depends on a number that is drawn by each process and
   leaves it nowhere. */

/* Two random odd numbers, drawn before main(). */
extern uint64_t junk_hash_secret[2];

/* Multiply-shift twice (Dietzfelbinger et al. 1997). All bits are good. */
static inline uint64_t junk_hash_slot(uint64_t number)
{
	uint64_t x = number * junk_hash_secret[0];

	x = (x ^ (x >> 32)) * junk_hash_secret[1];
	return x ^ (x >> 32);
}

#endif

#ifndef JUNK_HASH_H
#define JUNK_HASH_H

/* Slots of hash tables whose keys others choose: words of mail, tokens and
   identities. An attacker who can predict slots can choose keys that all
   collide, and each lookup then takes time in proportion to the number of
   entries. So the slot depends on a secret that each process draws at its start
   and never reveals. */

/* Two random odd numbers, set before main(). */
extern uint64_t junk_hash_secret[2];

/* Multiply-shift hashing, applied twice (Dietzfelbinger et al. 1997). All bits
   of the result are usable. */
static inline uint64_t junk_hash_slot(uint64_t number)
{
	uint64_t x = number * junk_hash_secret[0];

	x = (x ^ (x >> 32)) * junk_hash_secret[1];
	return x ^ (x >> 32);
}

#endif

#ifndef JUNK_SHARES_H
#define JUNK_SHARES_H

/* Limits what one person teaches the others. The further reports of a person
   who has sent far more than a fair share of the recent reports are worth less
   and less.

   A plain struct without pointers, so a copy of its bytes is a copy of the
   state. */

/* Bits of a person's hash that are used; people with equal ones share a
   count. */
#define JUNK_SHARES_BITS 10
#define JUNK_SHARES_PEOPLE (1 << JUNK_SHARES_BITS)

struct junk_shares {
	/* Recent reports of each (hashed) person, and of all as of the last
	   update */
	float counts[JUNK_SHARES_PEOPLE];
	float total;
	/* Reports of one person that have full value */
	float limit;
	/* Reports of full value since the last update */
	float since;
};

/* Count a report of a person (a hash). Returns what it is worth to the others,
   0..1. */
float junk_shares_add(struct junk_shares *shares, uint64_t person);
/* Returns the number of a person's recent reports, and of those people who share the
   hash's first bits. Less than half a report is none. */
float junk_shares_count(const struct junk_shares *shares, uint64_t person);
/* Returns TRUE if all values are within the bounds that junk_shares_add()
   keeps. */
bool junk_shares_are_sane(const struct junk_shares *shares);

#endif

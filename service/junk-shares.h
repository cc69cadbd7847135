#ifndef JUNK_SHARES_H
#define JUNK_SHARES_H

/* How much of what the others learn comes from one person. Who has sent many
   times his fair share of the recent reports teaches the others ever less by
   each further one.

   A plain struct without pointers: a copy of its bytes is a copy of the state. */

/* Bits of a person's hash that are told apart. */
#define JUNK_SHARES_BITS 10
#define JUNK_SHARES_PEOPLE (1 << JUNK_SHARES_BITS)

struct junk_shares {
	/* Recent reports of each (hashed) person, in all as of the last
	   update */
	float counts[JUNK_SHARES_PEOPLE];
	float total;
	/* So many reports may be one person's. */
	float limit;
	/* Reports of full value since the last update */
	float since;
};

/* Count one more report of a person (a hash). Returns what it is worth to the
   others, 0-1. */
float junk_shares_add(struct junk_shares *shares, uint64_t person);
/* Returns the number of a person's recent reports, and of those people who share the
   hash's first bits. Less than half a report is none. */
float junk_shares_count(const struct junk_shares *shares, uint64_t person);
/* Within the bounds that adding keeps? */
bool junk_shares_are_sane(const struct junk_shares *shares);

#endif

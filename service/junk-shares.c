/* See junk-shares.h. */

#include "lib.h"
#include "junk-shares.h"

#include <math.h>

/* Recent: the count of a report decays to 1/e after so many reports of full
   value. */
#define RECENT_REPORTS 2000
/* The limit is so many times the mean of all people who report, and at least
   FAIR_MIN reports. */
#define FAIR_FACTOR 4
#define FAIR_MIN 20
/* Beyond the limit, a report is worth (limit / reports)^FAIR_POWER, so the rest
   of a flood, however long, is worth a third of the limit. */
#define FAIR_POWER 4
/* A person's count is at most so many times the limit, so that nobody is
   ignored forever. */
#define COUNT_LIMITS 20
/* Minimum count of a person who is included in the mean. */
#define COUNT_MIN 0.5f
/* Update the limit after so many reports: this part of the total. */
#define UPDATE_PART 32

static void junk_shares_update(struct junk_shares *shares)
{
	float keep = 1 - shares->since / RECENT_REPORTS;
	const float most = I_MAX(shares->limit, FAIR_MIN);
	float total = 0;
	unsigned int people = 0;

	for (unsigned int i = 0; i < JUNK_SHARES_PEOPLE; i++) {
		shares->counts[i] *= keep;
		/* a flood must not raise the limit */
		total += I_MIN(shares->counts[i], most);
		people += shares->counts[i] >= COUNT_MIN ? 1 : 0;
	}
	shares->total = total;
	shares->limit = I_MAX(FAIR_MIN, FAIR_FACTOR * total / I_MAX(people, 1));
	shares->since = 0;
}

float junk_shares_add(struct junk_shares *shares, uint64_t person)
{
	float *count = &shares->counts[person >> (64 - JUNK_SHARES_BITS)];
	float ratio, worth;

	if (shares->since * UPDATE_PART >=
	    I_MIN(shares->total, RECENT_REPORTS))
		junk_shares_update(shares);
	*count = I_MIN(*count + 1, COUNT_LIMITS * shares->limit);
	ratio = shares->limit / *count;
	worth = ratio >= 1 ? 1 : powf(ratio, FAIR_POWER);
	shares->since += worth;
	return worth;
}

float junk_shares_count(const struct junk_shares *shares, uint64_t person)
{
	float count = shares->counts[person >> (64 - JUNK_SHARES_BITS)];

	return count < COUNT_MIN ? 0 : count;
}

static bool number_is_sane(float number)
{
	return isfinite(number) && number >= 0;
}

bool junk_shares_are_sane(const struct junk_shares *shares)
{
	for (unsigned int i = 0; i < JUNK_SHARES_PEOPLE; i++) {
		if (!number_is_sane(shares->counts[i]))
			return FALSE;
	}
	/* the limit is 0 only before the first update */
	return number_is_sane(shares->total) &&
		number_is_sane(shares->limit) &&
		(shares->limit >= FAIR_MIN || shares->total == 0) &&
		number_is_sane(shares->since) &&
		shares->since <= RECENT_REPORTS;
}

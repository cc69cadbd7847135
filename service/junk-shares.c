#include "lib.h"
#include "junk-shares.h"

#include <math.h>

/* Recent: an older report counts 1/e after so many of full value. */
#define RECENT_REPORTS 2000
/* The mean of those who report, so many times, is still fair; and so many
   reports are in any case. */
#define FAIR_FACTOR 4
#define FAIR_MIN 20
/* Beyond, a report is worth (limit / reports)^FAIR_POWER: the rest of a flood,
   however long, is worth a third of the limit. */
#define FAIR_POWER 4
/* One person's reports are counted up to so many limits: nobody is unheard for
   ever. */
#define COUNT_LIMITS 20
/* Who counts among those who report. */
#define COUNT_MIN 0.5f
/* Update when so much of the total has come. */
#define UPDATE_PART 32

static void junk_shares_update(struct junk_shares *shares)
{
	float keep = 1 - shares->since / RECENT_REPORTS;
	const float most = I_MAX(shares->limit, FAIR_MIN);
	float total = 0;
	unsigned int people = 0;

	for (unsigned int i = 0; i < JUNK_SHARES_PEOPLE; i++) {
		shares->counts[i] *= keep;
		/* who floods doesn't raise what is fair */
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
	/* a limit of 0 is for the very beginning, before the first update */
	return number_is_sane(shares->total) &&
		number_is_sane(shares->limit) &&
		(shares->limit >= FAIR_MIN || shares->total == 0) &&
		number_is_sane(shares->since) &&
		shares->since <= RECENT_REPORTS;
}

#ifndef BENCH_SCENARIOS_H
#define BENCH_SCENARIOS_H

#include "corpus.h"

/* What a stream of messages with one label each can't show. Each prints its
   own table; those with targets print "ok" or "short" beside each of them and
   return TRUE if all hold. */

/* Several users, each with a taste of their own: a third of the senders'
   domains is disputed, and each user finds each of those spam or not. Shared
   and personal weights together against either alone. */
void scenario_users(struct corpus *corpus, unsigned int users, uint64_t seed);
/* New campaigns (a template with random words, another sender each time)
   after the learner knows the corpus: is the fifth copy caught by a third
   user once two users have reported one each, and is ham that shares half of
   the template's words not? */
bool scenario_campaigns(struct corpus *corpus, uint64_t seed);
/* Only what users report: a campaign in a young model with partial feedback,
   and spam reports without any ham, or with little. */
bool scenario_reports_only(struct corpus *corpus, uint64_t seed);
/* A host's first reports, in every order: does what it claims harm anybody? The
   mean of so many seeds from the first on; it shuffles the corpus. Some minutes a
   seed. */
bool scenario_first_weeks(struct corpus *corpus, uint64_t first_seed,
			  unsigned int seeds);
/* A host's first 60 days, with people of several kinds. The worst of so many seeds
   from the first on. */
bool scenario_days(struct corpus *corpus, uint64_t first_seed,
		   unsigned int seeds);

#endif

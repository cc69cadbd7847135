#ifndef BENCH_SCENARIOS_H
#define BENCH_SCENARIOS_H

#include "corpus.h"

/* Scenarios that a stream of messages with one label each can't cover. Each
   prints its own table. Those with targets print "ok" or "short" beside each
   one and return TRUE if all are met. */

/* Several users with different opinions: a third of the senders' domains is
   disputed, and each user randomly considers each of them spam or not. Compares
   shared and personal weights together with either of them alone. */
void scenario_users(struct corpus *corpus, unsigned int users, uint64_t seed);
/* New campaigns (a template with random words, another sender each time) after
   the learner has learned the corpus. Is the fifth copy caught for a third user
   after two users have reported one copy each, and is ham that shares half of
   the template's words not? */
bool scenario_campaigns(struct corpus *corpus, uint64_t seed);
/* Only what users report: a campaign in a young model with partial feedback,
   and spam reports with little or no ham. */
bool scenario_reports_only(struct corpus *corpus, uint64_t seed);
/* A host's first reports in every order: do its claims have false positives?
   The mean over this number of seeds from the first one on. Shuffles the
   corpus. Takes some minutes per seed. */
bool scenario_first_weeks(struct corpus *corpus, uint64_t first_seed,
			  unsigned int seeds);
/* A host's first 60 days, with people of several kinds. The worst of so many seeds
   from the first on. Shuffles the corpus. */
bool scenario_days(struct corpus *corpus, uint64_t first_seed,
		   unsigned int seeds);
/* Good mail of kinds of which the host has no ham: is it filed, and is spam of the
   kind recognized after some ham? Shuffles each kind. */
bool scenario_kinds(struct corpus *corpus, uint64_t first_seed,
		    unsigned int seeds);

#endif

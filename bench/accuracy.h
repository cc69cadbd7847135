#ifndef BENCH_ACCURACY_H
#define BENCH_ACCURACY_H

/* Shared by the accuracy benchmark and its scenarios. */

#include "corpus.h"
#include "junk-learner.h"
#include "junk-model.h"

/* The default of junk_feedback_threshold. */
#define DEFAULT_THRESHOLD 90

/* Simulates a user who acts on what is seen. Returns TRUE if the user reports
   the message; *weak_r is TRUE if that is only weak ham. */
bool partial_feedback(bool spam, bool caught, struct corpus_random *random,
		      bool *weak_r);
/* Set the identity of a person. */
void bench_person(unsigned int number,
		  unsigned char reporter_r[JUNK_REPORTER_BYTES]);
/* Let the learner have a person's report of a message. */
void bench_learn(struct junk_learner *learner, const struct corpus_mail *mail,
		 unsigned int person, enum junk_verdict verdict);
/* Score a message as a person's process does. person: NULL = without an
   identity */
void bench_score(struct junk_learner *learner, const struct corpus_mail *mail,
		 const unsigned int *person, struct junk_score *score_r);

#endif

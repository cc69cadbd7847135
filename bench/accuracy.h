#ifndef BENCH_ACCURACY_H
#define BENCH_ACCURACY_H

#include "corpus.h"
#include "junk-model.h"

/* The default of junk_feedback_threshold. */
#define DEFAULT_THRESHOLD 90

/* What a user does who acts on what is seen. Returns TRUE if it is a report;
   weak_r tells whether it's only weak ham. */
bool partial_feedback(bool spam, bool caught, struct corpus_random *random,
		      bool *weak_r);
/* The identity of one of the people. */
void bench_person(unsigned int number,
		  unsigned char reporter_r[JUNK_REPORTER_BYTES]);

#endif

#ifndef JUNK_RATE_H
#define JUNK_RATE_H

#include "junk-report.h"

/* How many reports each reporter has sent in the current hour: no single one
   may teach too much. */

struct junk_rate;

struct junk_rate *junk_rate_init(void);
void junk_rate_deinit(struct junk_rate **rate);

/* Count one more in an hour (seconds since 1970, any second of it) and return
   how many it are now. A new hour begins with 0 for everybody; the hour before
   counts into the current one. */
unsigned int
junk_rate_add(struct junk_rate *rate, time_t now,
	      const unsigned char reporter[JUNK_REPORTER_BYTES]);
/* How many they are, without one more. */
unsigned int
junk_rate_get(struct junk_rate *rate, time_t now,
	      const unsigned char reporter[JUNK_REPORTER_BYTES]);
/* Take the last one of a reporter back. */
void junk_rate_undo(struct junk_rate *rate,
		    const unsigned char reporter[JUNK_REPORTER_BYTES]);

/* Reporters that are counted are bounded: beyond, nobody new is counted. */
#define JUNK_RATE_MAX_REPORTERS 100000

/* As bytes, for the snapshot. import replaces what is there, and returns -1 if
   the data isn't valid (then all are 0). */
void junk_rate_export(const struct junk_rate *rate, buffer_t *dest);
int junk_rate_import(struct junk_rate *rate, const void *data, size_t size);

#endif

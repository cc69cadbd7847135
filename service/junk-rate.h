#ifndef JUNK_RATE_H
#define JUNK_RATE_H

#include "junk-report.h"

/* Counts each reporter's reports in the current hour, to limit what a single
   one may teach. */

struct junk_rate;

struct junk_rate *junk_rate_init(void);
void junk_rate_deinit(struct junk_rate **rate);

/* Count a report and return the reporter's count in this hour. now: seconds
   since 1970. A new hour resets all counts; a report of the previous hour is
   counted in the current one. */
unsigned int
junk_rate_add(struct junk_rate *rate, time_t now,
	      const unsigned char reporter[JUNK_REPORTER_BYTES]);
/* Returns the reporter's count without changing it. */
unsigned int
junk_rate_get(struct junk_rate *rate, time_t now,
	      const unsigned char reporter[JUNK_REPORTER_BYTES]);
/* Undo the last junk_rate_add() of a reporter. */
void junk_rate_undo(struct junk_rate *rate,
		    const unsigned char reporter[JUNK_REPORTER_BYTES]);

/* Maximum number of reporters; further ones aren't counted. */
#define JUNK_RATE_MAX_REPORTERS 100000

/* Export and import for the snapshot. import replaces all counts and returns 0,
   or -1 if the data isn't valid (then all counts are 0). */
void junk_rate_export(const struct junk_rate *rate, buffer_t *dest);
int junk_rate_import(struct junk_rate *rate, const void *data, size_t size);

#endif

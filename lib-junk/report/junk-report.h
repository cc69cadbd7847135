#ifndef JUNK_REPORT_H
#define JUNK_REPORT_H

#include "junk-tokenizer.h"
#include "junk-model.h"

/* A user's verdict about a message, without a name of either. The numbers are
   stored in databases and frames: append only. */

enum junk_verdict {
	JUNK_VERDICT_SPAM = 1,
	JUNK_VERDICT_HAM = 2,
	/* weak evidence of ham: the user answered, flagged, filed or kept the
	   message */
	JUNK_VERDICT_WEAK_HAM = 3,
	/* take an earlier report back, as if it never was. With the origin
	   keyword, a junk mark was taken off. With the origin action, a
	   not-junk mark became void: it was taken off, or the message was moved
	   from Junk to Trash. These two take back no more than the mark. */
	JUNK_VERDICT_RETRACT = 4,
};

enum junk_origin {
	JUNK_ORIGIN_MOVE = 1,
	JUNK_ORIGIN_COPY = 2,
	JUNK_ORIGIN_APPEND = 3,
	JUNK_ORIGIN_KEYWORD = 4,
	/* answered, flagged or filed */
	JUNK_ORIGIN_ACTION = 5,
	/* Sieve junkreport (spam trap) */
	JUNK_ORIGIN_SIEVE = 6,
	/* doveadm junk learn */
	JUNK_ORIGIN_LEARN = 7,
	/* read, and still in its mailbox days later */
	JUNK_ORIGIN_KEPT = 8,
};
#define JUNK_ORIGIN_LAST JUNK_ORIGIN_KEPT

struct junk_report {
	/* Time of the action in microseconds since 1970. Reports of one
	   (reporter, message) pair count in this order; a report that isn't
	   newer than the last one is a repetition. */
	uint64_t stamp_usecs;
	enum junk_verdict verdict;
	enum junk_origin origin;
	uint16_t feature_set;
	uint32_t size_bytes;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned char digest[JUNK_DIGEST_BYTES];
	const junk_token_t *tokens;
	unsigned int token_count;
	/* uid of the sending process, as the kernel tells it to the service */
	uint32_t uid;
};

/* Root may report for any reporter. */
#define JUNK_REPORT_UID_TRUSTED 0

/* Returns TRUE if an administrator has learned it; such reports have no
   limit. */
static inline bool junk_report_is_admins(const struct junk_report *report)
{
	return report->origin == JUNK_ORIGIN_LEARN &&
		report->uid == JUNK_REPORT_UID_TRUSTED;
}

/* The names used in SQL and doveadm; "unknown" for other numbers. */
const char *junk_verdict_name(unsigned int verdict);
const char *junk_origin_name(unsigned int origin);

#endif

#ifndef JUNK_REPORT_H
#define JUNK_REPORT_H

#include "junk-tokenizer.h"
#include "junk-model.h"

/* One user's verdict about one message, without anything that names either.
   The numbers are stored in databases and frames: append only. */

enum junk_verdict {
	JUNK_VERDICT_SPAM = 1,
	JUNK_VERDICT_HAM = 2,
	/* the user answered, flagged, filed or kept it: ham, at a lower
	   weight */
	JUNK_VERDICT_WEAK_HAM = 3,
	/* an earlier report is taken back, if there is one: as if it never
	   was. With the origin keyword a mark of junk that was taken off, with
	   the origin action a mark of good mail that is void: it was taken off,
	   or the message thrown away from Junk. Neither takes back more than
	   the mark. */
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
	/* read, and still where it was days later */
	JUNK_ORIGIN_KEPT = 8,
};
#define JUNK_ORIGIN_LAST JUNK_ORIGIN_KEPT

struct junk_report {
	/* When the user did it, microseconds since 1970: reports of one
	   (reporter, message) pair count in this order, and one that isn't
	   newer than the last is a repetition. */
	uint64_t stamp_usecs;
	enum junk_verdict verdict;
	enum junk_origin origin;
	uint16_t feature_set;
	uint32_t size_bytes;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned char digest[JUNK_DIGEST_BYTES];
	const junk_token_t *tokens;
	unsigned int token_count;
	/* The process that has sent it: what the service knows by itself. */
	uint32_t uid;
};

/* Root may report for anybody. */
#define JUNK_REPORT_UID_TRUSTED 0

/* Learned by an administrator, who isn't limited as users are? */
static inline bool junk_report_is_admins(const struct junk_report *report)
{
	return report->origin == JUNK_ORIGIN_LEARN &&
		report->uid == JUNK_REPORT_UID_TRUSTED;
}

/* The names used in SQL and doveadm; "unknown" for other numbers. */
const char *junk_verdict_name(unsigned int verdict);
const char *junk_origin_name(unsigned int origin);

#endif

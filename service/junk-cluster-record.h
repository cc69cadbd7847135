#ifndef JUNK_CLUSTER_RECORD_H
#define JUNK_CLUSTER_RECORD_H

#include "junk-report.h"

/* A record of the shared log, sealed with the cluster's key. Little-endian:

     0  u8   format version (1)
     1  u8   kind
     2  u8   flags: 1 = the report's uid was JUNK_REPORT_UID_TRUSTED
     3  u8   score of a report, 255 = unknown
     4  a frame (junk-frame.h): REPORT, whose digest is the report's id, or
        FORGET; i64 before of EXPIRE; nothing for a checkpoint */

enum junk_cluster_kind {
	JUNK_CLUSTER_REPORT = 1,
	JUNK_CLUSTER_CHECKPOINT = 2,
	JUNK_CLUSTER_FORGET = 3,
	JUNK_CLUSTER_EXPIRE = 4,
};

struct junk_key;
struct junk_forget;

struct junk_cluster_record {
	enum junk_cluster_kind kind;
	/* only of a report */
	int score;
	struct junk_report report;
	/* only of FORGET; its reporter is on the data stack after reading */
	const struct junk_forget *forget;
	/* only of EXPIRE: reports of hours before this one expire, in seconds
	   since 1970 */
	int64_t before;
};

/* Append the sealed record to dest. */
void junk_cluster_record_write(const struct junk_key *key,
			       const struct junk_cluster_record *record,
			       buffer_t *dest);
/* Read a record. Tokens and the like are on the data stack. Returns 0, or -1 if it
   wasn't sealed with this key, or isn't valid. */
int junk_cluster_record_read(const struct junk_key *key, const void *sealed,
			     size_t size, struct junk_cluster_record *record_r);

#endif

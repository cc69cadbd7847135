#ifndef JUNK_RECORDER_PRIVATE_H
#define JUNK_RECORDER_PRIVATE_H

#include "junk-db.h"
#include "junk-key.h"
#include "junk-learner.h"
#include "junk-rate.h"
#include "junk-report-ids.h"
#include "junk-sealed.h"
#include "junk-token-counts.h"
#include "junk-recorder.h"

/* What is to be learned once the transaction is committed. */
struct junk_recorder_event {
	int64_t seq;
	/* the report that is taken back; 0 = none, this is a new one */
	int64_t undo_of;
	/* doesn't teach: over the limit, or a retract */
	bool ignored;
	int64_t hour;
	/* in the pending pool */
	struct junk_report report;
};

/* What junk_recorder_maintain() does by turns */
enum junk_recorder_work {
	JUNK_RECORDER_WORK_LEARN,
	JUNK_RECORDER_WORK_SNAPSHOT,
	JUNK_RECORDER_WORK_TOKENS,
	JUNK_RECORDER_WORK_IDS,
	JUNK_RECORDER_WORK_EXPIRE,
	JUNK_RECORDER_WORK_EXPIRE_TOKENS,

	JUNK_RECORDER_WORK_COUNT
};

/* Where the snapshot is (junk-snapshot.c). */
struct junk_recorder_snapshot {
	/* it is in the second half of its table */
	bool second;
	/* so many are to be written though nothing is new: both halves may
	   have what was forgotten */
	unsigned int due;
	/* the one that is being written; NULL = none is */
	buffer_t *copy;
	int64_t copy_seq;
	unsigned int copy_part;
};

/* How far expiry is (junk-expire.c). */
struct junk_recorder_expiry {
	/* when it was last done */
	time_t time;
	/* what expires is older than this, which follows the clock, but not
	   when that jumps; 0 = not known yet */
	time_t clock;
	/* ... as the database has it, and steps since they are apart */
	time_t stored_clock;
	unsigned int clock_steps;
	/* expiry is under way: no further step */
	bool running;
	/* the size of the database was last looked at */
	int64_t seq;
	/* where the next piece of expiry looks at tokens: the old ones, and
	   any that can go if the database is too large */
	int64_t old_token, rare_token;
	/* all that are rare go: how many are gone, and would be worth another
	   round; the last report when they weren't, 0 = never */
	bool rare_round;
	unsigned int rare_deleted, rare_wanted;
	int64_t rare_useless_seq;
	/* the day that was the last to expire when all tokens were begun to be
	   gone through; days since 1970 */
	int64_t old_token_day;
	/* the database is larger than it may be */
	bool oversized;
};

struct junk_recorder {
	struct junk_recorder_settings set;
	struct junk_db *db;
	const struct junk_key *key;
	struct junk_learner *learner;
	struct junk_recorder_counters counters;

	pool_t pending_pool;
	ARRAY(struct junk_report) pending;

	/* of the transaction that is being made */
	ARRAY(struct junk_recorder_event) events;
	struct junk_recorder_counters txn_counters;
	int64_t txn_seq;

	/* how many of each reporter: reports that teach, and retracts of what
	   isn't known */
	struct junk_rate *rate, *retracts;
	struct junk_report_ids *ids;
	struct junk_token_counts *tokens;
	/* events up to these are in the table tokens */
	int64_t token_seqs[JUNK_TOKEN_PART_COUNT];
	/* where writing them goes on */
	unsigned int next_part;

	int64_t last_seq, snapshot_seq;
	struct junk_recorder_snapshot snapshot;
	struct junk_recorder_expiry expiry;

	enum junk_recorder_work next_work;
	time_t rebuild_time, snapshot_time, tokens_time, wal_time;
	/* something newer than the snapshot was taken back */
	bool need_rebuild;
};

/* The digest isn't stored: towards the learner, the number that stands for the
   pair takes its place, live and in a replay. */
static inline void
junk_recorder_set_digest(struct junk_report *report, uint64_t id)
{
	memset(report->digest, 0, sizeof(report->digest));
	memcpy(report->digest, &id, sizeof(id));
}

static inline uint64_t junk_recorder_get_digest(const struct junk_report *report)
{
	uint64_t id;

	memcpy(&id, report->digest, sizeof(id));
	return id;
}

/* junk-recorder.c */

/* A report's tokens, in the pool of the transaction. */
const junk_token_t *
junk_recorder_copy_tokens(struct junk_recorder *recorder,
			  const struct junk_report *report);

/* junk-record.c: what is recorded */

/* Record a report, or what it changes, in the transaction that is being made, and add
   to its events. Returns 0, or -1 if the database failed. */
int junk_recorder_process(struct junk_recorder *recorder,
			  const struct junk_report *report, time_t now);
/* Is it one of those that the rate is for? */
bool junk_recorder_is_limited(struct junk_recorder *recorder,
			      const struct junk_report *report);
/* The statistics of a report's hour change by so many reports. */
int junk_recorder_count_hour(struct junk_recorder *recorder,
			     const struct junk_db_report *row, int reports);

/* junk-identities.c: where a uid may have a few identities only. Returns 1 if
   the sender may report as this reporter, 0 if not, -1 if the database
   failed. */
int junk_identities_check(struct junk_recorder *recorder,
			  const struct junk_report *report, time_t now);

/* junk-replay.c: events on their way to learner and token counts */

/* Events up to this number are in the snapshot and in all token counts. */
int64_t junk_recorder_settled_seq(const struct junk_recorder *recorder);
/* Learn and count one event. */
void junk_recorder_apply(struct junk_recorder *recorder,
			 const struct junk_recorder_event *event);
/* Apply the events that are in the log and not settled yet. Returns 0, or -1 if the
   database failed. */
int junk_recorder_replay(struct junk_recorder *recorder);

/* junk-state.c: snapshot and the events after it */

/* Back to the last snapshot and replay. As junk_recorder_load(). */
int junk_recorder_rebuild(struct junk_recorder *recorder,
			  const char **error_r);
/* The learner's memory of recent reports: forget those before a day, of one
   reporter, or of all if that is NULL. What is learned then is learned without
   them, so there is a snapshot without them before that. Returns 0 or -1. */
int junk_recorder_forget_memory(struct junk_recorder *recorder,
				const unsigned char *reporter,
				uint32_t before_day);
int junk_recorder_read_token_seqs(struct junk_recorder *recorder);
int junk_recorder_write_token_seqs(struct junk_recorder *recorder);

/* junk-snapshot.c: the learner's state in the database */

/* It has room for so many. */
#define JUNK_SNAPSHOT_HALVES 2

/* Bring the learner, and the reporters' counts if with_rate, to the snapshot.
   Returns 1 if done, 0 if there is none (error_r is NULL) or it is of no use
   (error_r says why), -1 if the database failed. */
int junk_snapshot_read(struct junk_recorder *recorder, bool with_rate,
		       const char **error_r);
/* Write a snapshot: begin, then step until it doesn't return 1 (more to do);
   0 = it is whole. May be given up at any time. */
void junk_snapshot_begin(struct junk_recorder *recorder);
int junk_snapshot_step(struct junk_recorder *recorder);
void junk_snapshot_cancel(struct junk_recorder *recorder);

/* junk-space.c: make room where somebody has far more of it than the others.
   Returns how many reports are gone, 0 if nobody has, -1 if the database
   failed. */
int junk_recorder_expire_largest(struct junk_recorder *recorder);

/* junk-expire.c: what is too old, or too much. Return 1 if there is more to do at
   once, 0 if not, -1 if the database failed. */
int junk_recorder_expire(struct junk_recorder *recorder, time_t now);
/* Once through all tokens each day: they know no more than days. One that comes
   late, behind us, goes the next day. */
int junk_recorder_expire_old_tokens(struct junk_recorder *recorder, time_t now);
/* The clock by which they expire, as the database has it. Returns 0 or -1. */
int junk_recorder_read_clock(struct junk_recorder *recorder);

#endif

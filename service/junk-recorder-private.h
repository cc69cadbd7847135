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

/* An event of the transaction, which is learned after the commit. */
struct junk_recorder_event {
	int64_t seq;
	/* number of the report that is taken back; 0 = this is a new report */
	int64_t undo_of;
	/* it isn't learned: over the limit, or a retract */
	bool ignored;
	int64_t hour;
	/* allocated from the pending pool */
	struct junk_report report;
};

struct junk_recorder_pending {
	struct junk_report report;
	/* only with the setting ordered */
	struct junk_recorder_ordered ordered;
};

/* With the setting ordered, the numbers of a record's events begin here: a
   report takes back at most one other, and is recorded itself. */
#define JUNK_RECORDER_RECORD_EVENTS 2
static inline int64_t junk_recorder_first_event(int64_t log_seq)
{
	return log_seq * JUNK_RECORDER_RECORD_EVENTS;
}

/* Kinds of work that junk_recorder_maintain() does in turn */
enum junk_recorder_work {
	JUNK_RECORDER_WORK_LEARN,
	JUNK_RECORDER_WORK_SNAPSHOT,
	JUNK_RECORDER_WORK_TOKENS,
	JUNK_RECORDER_WORK_IDS,
	JUNK_RECORDER_WORK_EXPIRE,
	JUNK_RECORDER_WORK_EXPIRE_TOKENS,

	JUNK_RECORDER_WORK_COUNT
};

/* State of the snapshots (junk-snapshot.c). */
struct junk_recorder_snapshot {
	/* the current snapshot is in the second half of the table */
	bool second;
	/* number of snapshots to write even if nothing is new, since both
	   halves may contain forgotten reports */
	unsigned int due;
	/* the snapshot that is being written; NULL = none */
	buffer_t *copy;
	int64_t copy_seq;
	unsigned int copy_part;
};

/* State of the expiry (junk-expire.c). */
struct junk_recorder_expiry {
	/* time of the last complete expiry */
	time_t time;
	/* the clock of expiry. It follows the system's clock except when that
	   jumps; 0 = unknown yet */
	time_t clock;
	/* its value in the database, and the number of steps by which it
	   follows a jump */
	time_t stored_clock;
	unsigned int clock_steps;
	/* an expiry is in progress; the clock doesn't advance */
	bool running;
	/* the last event when the database's size was checked */
	int64_t seq;
	/* positions of the next pieces of token expiry: for old tokens, and for
	   tokens of few people if the database is too large */
	int64_t old_token, rare_token;
	/* a round through all tokens of few people: number of deleted ones,
	   number that makes another round worthwhile; last event after a round
	   that wasn't, 0 = never */
	bool rare_round;
	unsigned int rare_deleted, rare_wanted;
	int64_t rare_useless_seq;
	/* the last day that expires in the current round through all tokens;
	   days since 1970 */
	int64_t old_token_day;
	/* the database exceeds its limit */
	bool oversized;
};

struct junk_recorder {
	struct junk_recorder_settings set;
	struct junk_db *db;
	const struct junk_key *key;
	struct junk_learner *learner;
	struct junk_recorder_counters counters;

	pool_t pending_pool;
	ARRAY(struct junk_recorder_pending) pending;
	struct junk_recorder_position position;
	/* the record whose report is being processed; NULL without a log */
	const struct junk_recorder_ordered *ordered;
	/* a replay counts the reports of each reporter again */
	bool replays_rate;

	/* of the current transaction */
	ARRAY(struct junk_recorder_event) events;
	struct junk_recorder_counters txn_counters;
	int64_t txn_seq;

	/* numbers of each reporter in this hour: reports that are learned, and
	   retracts of unknown reports */
	struct junk_rate *rate, *retracts;
	struct junk_report_ids *ids;
	struct junk_token_counts *tokens;
	/* for each part, the last event that is counted in the table tokens */
	int64_t token_seqs[JUNK_TOKEN_PART_COUNT];
	/* the next part to be written */
	unsigned int next_part;

	int64_t last_seq, snapshot_seq;
	struct junk_recorder_snapshot snapshot;
	struct junk_recorder_expiry expiry;

	enum junk_recorder_work next_work;
	time_t rebuild_time, snapshot_time, tokens_time, wal_time;
	/* a report newer than the snapshot was undone: the state has to be
	   rebuilt */
	bool need_rebuild;
};

/* The digest isn't stored. For the learner, the id of the (reporter, message)
   pair replaces it, both live and in a replay. */
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

/* Copy a report's tokens to the transaction's pool. */
const junk_token_t *
junk_recorder_copy_tokens(struct junk_recorder *recorder,
			  const struct junk_report *report);

/* junk-record.c: what is recorded */

/* Record a report or the change that it makes in the current transaction, and
   add its events. Returns 0, or -1 if the database failed. */
int junk_recorder_process(struct junk_recorder *recorder,
			  const struct junk_report *report, time_t now);
/* Returns TRUE if the hourly limit applies to the report. */
bool junk_recorder_is_limited(struct junk_recorder *recorder,
			      const struct junk_report *report);
/* Change the statistics of a report's hour by so many reports. Returns 0 or
   -1. */
int junk_recorder_count_hour(struct junk_recorder *recorder,
			     const struct junk_db_report *row, int reports);

/* junk-identities.c: limits the identities of a uid. Returns 1 if the sender
   may report as this reporter, 0 if not, -1 if the database failed. */
int junk_identities_check(struct junk_recorder *recorder,
			  const struct junk_report *report, time_t now);

/* junk-replay.c: events on their way to learner and token counts */

/* Returns the number of the last event that is in the snapshot and in all token
   counts. */
int64_t junk_recorder_settled_seq(const struct junk_recorder *recorder);
/* Returns the number of the last event that is in all token counts. */
int64_t junk_recorder_counted_seq(const struct junk_recorder *recorder);
/* Learn an event and count its tokens. */
void junk_recorder_apply(struct junk_recorder *recorder,
			 const struct junk_recorder_event *event);
/* Apply the events in the log that aren't settled yet. Returns 0, or -1 if the
   database failed. */
int junk_recorder_replay(struct junk_recorder *recorder);

/* junk-state.c: snapshot and the events after it */

/* Read the last snapshot and replay the events after it. Returns as
   junk_recorder_load(). */
int junk_recorder_rebuild(struct junk_recorder *recorder,
			  const char **error_r);
/* Forget reports in the replay buffer: those before a day, of one reporter, or
   of all if that is NULL. A snapshot without them is written before anything
   else is learned. Returns 0 or -1. */
int junk_recorder_forget_memory(struct junk_recorder *recorder,
				const unsigned char *reporter,
				uint32_t before_day);
/* With the setting ordered, read and write the position. Return 0 or -1. */
int junk_recorder_read_position(struct junk_recorder *recorder);
int junk_recorder_write_position(struct junk_recorder *recorder);
int junk_recorder_read_token_seqs(struct junk_recorder *recorder);
int junk_recorder_write_token_seqs(struct junk_recorder *recorder);

/* junk-snapshot.c: the learner's state in the database */

/* The number of snapshots that the table has room for. */
#define JUNK_SNAPSHOT_HALVES 2

/* Read the snapshot into the learner, and into the reporters' counts if
   with_rate. Returns 1 if done, 0 if there is none (error_r is NULL) or it is
   unusable (error_r says why), -1 if the database failed. */
int junk_snapshot_read(struct junk_recorder *recorder, bool with_rate,
		       const char **error_r);
/* Write a snapshot: begin, then step until it returns 0 (complete) or -1; 1 =
   there is more to do. It can be cancelled at any time. */
void junk_snapshot_begin(struct junk_recorder *recorder);
int junk_snapshot_step(struct junk_recorder *recorder);
void junk_snapshot_cancel(struct junk_recorder *recorder);

/* junk-space.c: deletes reports of reporters with far more than others. Returns
   the number of deleted reports, 0 if there is no such reporter, -1 if the
   database failed. */
int junk_recorder_expire_largest(struct junk_recorder *recorder);

/* junk-expire.c: deletes what is too old or too much. Return 1 if there is more
   to do at once, 0 if not, -1 if the database failed. */
int junk_recorder_expire(struct junk_recorder *recorder, time_t now);
/* Expire old tokens: one round through all of them each day, since tokens have
   only a day. A token that is added behind the current position expires the
   next day. */
int junk_recorder_expire_old_tokens(struct junk_recorder *recorder, time_t now);
/* Read the clock of expiry from the database. Returns 0 or -1. */
int junk_recorder_read_clock(struct junk_recorder *recorder);

#endif

#ifndef JUNK_RECORDER_H
#define JUNK_RECORDER_H

#include "junk-report.h"
#include "junk-frame.h"

/* Decides what a report means: whether it counts and which earlier report it
   takes back. It makes this durable before anything is learned.

   Invariant: the classifier and the token counts are a function of the
   database. Each report has a number in the order of learning, and so has each
   undo. State = last snapshot + the events after it:

     report at s, not undone       learn it
     report at s, undone at u      nothing if the snapshot is older than s;
                                   else learn the opposite report at u

   So if the process is killed at any moment, the next one has the same state,
   bit by bit. If a report that is newer than the snapshot is undone, the state
   is rebuilt from the snapshot and the events after it, as if the report had
   never been sent. */

struct junk_db;
struct junk_db_token;
struct junk_key;
struct junk_learner;
struct junk_recorder;

/* Reports beyond this multiple of the rate aren't even recorded as a burst, so
   that nobody can fill the database and displace other users' reports. */
#define JUNK_RECORDER_REFUSE_FACTOR 20

/* Reports of one transaction: the caller commits when so many are pending. With
   more, throughput hardly increases, and the first reports wait for the
   last. */
#define JUNK_RECORDER_MAX_PENDING 128

#define JUNK_RECORDER_HASH_BYTES 16

struct junk_recorder_settings {
	/* Reports come from a log that several hosts share (junk-cluster.h).
	   Everything that decides about the state is in the log: the order of
	   reports, their hours and scores, and when a snapshot is taken or
	   reports expire. So all hosts have the same state, whenever each of
	   them commits, maintains or restarts. */
	bool ordered;
	/* Reports of one reporter that are learned in an hour; 0 = no limit. */
	unsigned int rate;
	/* Identities that one uid may have; 0 = no limit. */
	unsigned int uid_identities;
	unsigned int min_reporters;
	/* Reports are deleted after so many days; 0 = never. */
	unsigned int retention_days;
	/* The maximum size of the database; 0 = no limit. */
	uint64_t max_database_bytes;
};

/* Position in the shared log: the state has all records up to it. */
struct junk_recorder_position {
	/* number of the last record; 0 = none */
	int64_t seq;
	/* reports before this hour have expired; 0 = none */
	int64_t expired;
};

/* A report from the shared log. */
struct junk_recorder_ordered {
	/* the log's number of the record */
	int64_t seq;
	/* the score of the message before it was reported: 0..100 or
	   JUNK_SCORE_UNKNOWN */
	int score;
};

/* Numbers of reports since the start, by what happened to them. */
struct junk_recorder_counters {
	uint64_t recorded, repeated, changed, taken_back, burst;
	/* refused, since their feature set is incompatible; retracts of unknown
	   reports count as recorded */
	uint64_t dropped_feature_set;
	/* refused, since they are far over the limit, or of another uid's
	   identity */
	uint64_t refused;
	/* recorded with another time, since the client's was invalid */
	uint64_t misdated;
	uint64_t commits, snapshots, rebuilds, expired;
};

/* Create a recorder. The key belongs to the caller and must outlive the
   recorder. */
struct junk_recorder *
junk_recorder_init(const struct junk_recorder_settings *set,
		   const struct junk_key *key);
void junk_recorder_deinit(struct junk_recorder **recorder);

/* Set database and learner, which belong to the caller and are used until the
   next call. Must be followed by load or adopt. */
void junk_recorder_set_db(struct junk_recorder *recorder, struct junk_db *db,
			  struct junk_learner *learner);
/* Load the state of the database into the learner. Returns 0; 1 if the snapshot
   was unusable and error_r says why (all reports were learned anew then); -1 if
   the database failed. */
int junk_recorder_load(struct junk_recorder *recorder, const char **error_r);

/* Instead of load: use a new, empty database with the learner as it is. Returns
   0 or -1. */
int junk_recorder_adopt(struct junk_recorder *recorder);

/* Add a copy of a report; commit must follow. */
void junk_recorder_add(struct junk_recorder *recorder,
		       const struct junk_report *report);
/* With the setting ordered, instead: add a copy of a report from the log. The
   first 8 bytes of its digest are the report's id (junk_key_report_id()). All
   pending reports must be of the same hour, which commit gets as now. The log's
   hours never go back. */
void junk_recorder_add_ordered(struct junk_recorder *recorder,
			       const struct junk_report *report,
			       const struct junk_recorder_ordered *ordered);
/* Drop the pending reports, which will be read from the log again. */
void junk_recorder_drop_pending(struct junk_recorder *recorder);
/* Set the position that the next commit, snapshot or administrator's command
   stores together with its changes. */
void junk_recorder_set_position(struct junk_recorder *recorder,
				const struct junk_recorder_position *position);
const struct junk_recorder_position *
junk_recorder_position(const struct junk_recorder *recorder);
/* Take a snapshot at this position. Whether a report that is taken back later
   is as if it had never been depends only on these snapshots. Returns 0, or -1
   if the database failed. */
int junk_recorder_checkpoint(struct junk_recorder *recorder,
			     const struct junk_recorder_position *position);
/* Compute a hash of the learned state, to compare hosts. */
void junk_recorder_hash(struct junk_recorder *recorder,
			unsigned char hash_r[JUNK_RECORDER_HASH_BYTES]);
/* Let all reports expire that are before position->expired. Returns 0 or -1. */
int junk_recorder_expire_ordered(struct junk_recorder *recorder,
				 const struct junk_recorder_position *position);

unsigned int junk_recorder_pending_count(struct junk_recorder *recorder);
/* Make all pending reports durable, then learn them. Returns 0, and they may be
   acknowledged; or -1 if the database failed: then they stay pending, nothing
   has changed, and commit may be called again. */
int junk_recorder_commit(struct junk_recorder *recorder, time_t now);

/* Do a piece of maintenance: snapshots, token counts, expiry. It takes some
   tens of milliseconds at most. Returns 1 if there is more to do at once, 0 if
   not, -1 if the database failed. */
int junk_recorder_maintain(struct junk_recorder *recorder, time_t now);
/* Returns by how many seconds the clock is ahead of the clock of expiry, 0 if
   it is believed. */
time_t junk_recorder_clock_lag(struct junk_recorder *recorder, time_t now);
/* Write a snapshot now, so that the next start is fast. Returns 0 or -1. */
int junk_recorder_snapshot(struct junk_recorder *recorder);

/* --- administration: nothing may be pending, and the state must be loaded
   again afterwards --- */

/* Undo the matching reports. *exact_r: the result is as if they had never been
   sent; FALSE if older ones have expired, so that they can only be unlearned.
   If forget has dry_run, nothing is undone, and nothing has to be loaded again.
   Returns 0, or -1 if the database failed; nothing has changed then. */
int junk_recorder_forget(struct junk_recorder *recorder,
			 const struct junk_forget *forget,
			 unsigned int *count_r, bool *exact_r);
/* After forget and load: remove what the classifier keeps of expired reports,
   if all reports of a reporter are to be forgotten. Returns 0 or -1. */
int junk_recorder_forget_rest(struct junk_recorder *recorder,
			      const struct junk_forget *forget);
/* Let the next load learn from all stored reports. Returns 0 or -1. */
int junk_recorder_drop_snapshot(struct junk_recorder *recorder);
/* Before adopt: continue numbering after this event. */
void junk_recorder_continue(struct junk_recorder *recorder, int64_t last_seq);
/* Get the counts of a token. Returns 1; 0 if there are none, or if too few
   people have reported it; -1 if the database failed. */
int junk_recorder_lookup(struct junk_recorder *recorder, junk_token_t token,
			 struct junk_db_token *token_r);

const struct junk_recorder_counters *
junk_recorder_get_counters(struct junk_recorder *recorder);
/* Get the number of stored reports, in which undone ones count twice. Returns 0
   or -1. */
int junk_recorder_report_count(struct junk_recorder *recorder,
			       uint64_t *count_r);
/* Return the number of the last event, and of the last one in the snapshot. */
int64_t junk_recorder_last_seq(struct junk_recorder *recorder);
int64_t junk_recorder_snapshot_seq(struct junk_recorder *recorder);
/* TRUE if a report was undone and the model must still be rebuilt without
   it. */
bool junk_recorder_is_rebuild_pending(struct junk_recorder *recorder);
/* TRUE if reports arrive faster than maintenance keeps up. It must not wait
   then, or the database grows too large and a start takes long. */
bool junk_recorder_is_behind(struct junk_recorder *recorder);
/* Returns the number of distinct tokens that aren't in the database yet. */
unsigned int junk_recorder_token_count(struct junk_recorder *recorder);

#endif

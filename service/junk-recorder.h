#ifndef JUNK_RECORDER_H
#define JUNK_RECORDER_H

#include "junk-report.h"
#include "junk-frame.h"

/* What a report means: whether it counts, what it takes back, and that it is
   durable before anything is learned from it.

   Invariant: the classifier and the token counts are a function of what is in
   the database. Each report has a number in the order in which it was learned,
   and so has each taking back. State = last snapshot + the events after it:

     report at s, not taken back            learn it
     report at s, taken back at u           nothing, if the snapshot is older
                                            than s; else learn the opposite at
                                            u

   So a process that is killed at any moment comes back with the same state,
   bit by bit. A report that is newer than the snapshot and is taken back makes
   us go back to the snapshot and replay: as if it never was. */

struct junk_db;
struct junk_db_token;
struct junk_key;
struct junk_learner;
struct junk_recorder;

/* More than so many times the rate aren't even recorded as a burst: nobody may
   fill the database and drive out what the others have reported. */
#define JUNK_RECORDER_REFUSE_FACTOR 20

/* Reports of one transaction; the caller commits when so many are pending.
   More would hardly be faster, but the first ones wait for the last. */
#define JUNK_RECORDER_MAX_PENDING 128

struct junk_recorder_settings {
	/* Reports of one reporter in an hour that are learned; 0 = any. */
	unsigned int rate;
	/* Reporters that one uid may have; 0 = any. */
	unsigned int uid_identities;
	unsigned int min_reporters;
	/* Reports are deleted after so many days; 0 = never. */
	unsigned int retention_days;
	/* The database is kept below; 0 = any size. */
	uint64_t max_database_bytes;
};

/* What happened to reports since the start. */
struct junk_recorder_counters {
	uint64_t recorded, repeated, changed, taken_back, burst;
	/* refused: made by another feature set; retracts of nothing are
	   counted as recorded */
	uint64_t dropped_feature_set;
	/* refused: far over the limit, or in another's name */
	uint64_t refused;
	/* recorded with another time than the client's, which can't be */
	uint64_t misdated;
	uint64_t commits, snapshots, rebuilds, expired;
};

/* The key belongs to the caller and outlives the recorder. */
struct junk_recorder *
junk_recorder_init(const struct junk_recorder_settings *set,
		   const struct junk_key *key);
void junk_recorder_deinit(struct junk_recorder **recorder);

/* Where reports go: both belong to the caller and are used until the next
   call. Followed by load or adopt. */
void junk_recorder_set_db(struct junk_recorder *recorder, struct junk_db *db,
			  struct junk_learner *learner);
/* Bring the learner to the state of the database: before anything else.
   Returns 0; 1 if a snapshot was there but couldn't be used and error_r says
   why (then all reports were learned anew); -1 if the database failed. */
int junk_recorder_load(struct junk_recorder *recorder, const char **error_r);

/* Instead of load: begin a new, empty database with the learner as it is.
   Returns 0 or -1. */
int junk_recorder_adopt(struct junk_recorder *recorder);

/* Take a copy of a report, which must be followed by commit. */
void junk_recorder_add(struct junk_recorder *recorder,
		       const struct junk_report *report);
unsigned int junk_recorder_pending_count(struct junk_recorder *recorder);
/* Make all pending reports durable, then learn them. Returns 0; then they may
   be acknowledged. -1 if the database failed: they stay pending, nothing has
   changed, and commit may be called again. */
int junk_recorder_commit(struct junk_recorder *recorder, time_t now);

/* Do a piece of what can wait: snapshots, token counts, expiry. Each takes
   some tens of milliseconds at most. Returns 1 if there is more to do at once,
   0 if not, -1 if the database failed. */
int junk_recorder_maintain(struct junk_recorder *recorder, time_t now);
/* How far the clock is ahead of the one that reports expire by, 0 if it is
   believed. */
time_t junk_recorder_clock_lag(struct junk_recorder *recorder, time_t now);
/* Write the snapshot now, if anything has changed since: the next start is
   then fast. Returns 0 or -1. */
int junk_recorder_snapshot(struct junk_recorder *recorder);

/* --- administration; nothing may be pending. Load it again afterwards. --- */

/* Take back the reports that are meant. exact_r: it is as if they never were;
   FALSE if older ones have expired, so that what was learned can only be
   unlearned. Returns 0, or -1 if the database failed: nothing has changed. */
int junk_recorder_forget(struct junk_recorder *recorder,
			 const struct junk_forget *forget,
			 unsigned int *count_r, bool *exact_r);
/* After forget, once it is loaded again: what the classifier keeps of reports
   that have expired, if all of a reporter's are meant. Returns 0 or -1. */
int junk_recorder_forget_rest(struct junk_recorder *recorder,
			      const struct junk_forget *forget);
/* The next load learns from all reports that are kept. */
int junk_recorder_drop_snapshot(struct junk_recorder *recorder);
/* Before adopt: numbers go on after this one. */
void junk_recorder_continue(struct junk_recorder *recorder, int64_t last_seq);
/* What is known of a token. Returns 1; 0 if nothing, or if too few people have
   reported it; -1 if the database failed. */
int junk_recorder_lookup(struct junk_recorder *recorder, junk_token_t token,
			 struct junk_db_token *token_r);

const struct junk_recorder_counters *
junk_recorder_get_counters(struct junk_recorder *recorder);
/* How many reports are kept, those that were taken back twice. */
int junk_recorder_report_count(struct junk_recorder *recorder,
			       uint64_t *count_r);
/* Number of the last event, and of the one that the snapshot was taken at. */
int64_t junk_recorder_last_seq(struct junk_recorder *recorder);
int64_t junk_recorder_snapshot_seq(struct junk_recorder *recorder);
/* TRUE if something was taken back and the model has still to be made without
   it: a matter of milliseconds. */
bool junk_recorder_is_rebuild_pending(struct junk_recorder *recorder);
/* TRUE if reports come faster than what they need later is done: maintenance
   must not wait, or the database gets too large, and a start takes long. */
bool junk_recorder_is_behind(struct junk_recorder *recorder);
/* Different tokens that aren't in the database yet. */
unsigned int junk_recorder_token_count(struct junk_recorder *recorder);

#endif

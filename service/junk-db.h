#ifndef JUNK_DB_H
#define JUNK_DB_H

#include "junk-database.h"
#include "junk-report.h"

/* The database: statements and faults of SQLite, nothing about what a report
   means. One connection writes; admins read beside it (WAL).

   Functions that return int give -1 on error; junk_db_fault() and
   junk_db_error() then tell what it was. */

struct junk_key;
struct junk_db;

/* What an error means to the operator; each has its own fix. */
enum junk_db_fault {
	JUNK_DB_FAULT_NONE = 0,
	/* somebody else holds a lock: goes away by itself */
	JUNK_DB_FAULT_BUSY,
	JUNK_DB_FAULT_FULL,
	JUNK_DB_FAULT_READONLY,
	/* not a database, or a damaged one */
	JUNK_DB_FAULT_CORRUPT,
	/* written with another key */
	JUNK_DB_FAULT_KEY,
	/* written by a newer version of ours, or another program's */
	JUNK_DB_FAULT_FOREIGN,
	/* on a network file system */
	JUNK_DB_FAULT_REMOTE,
	JUNK_DB_FAULT_OTHER,
};

struct junk_db_settings {
	const char *path;
	const struct junk_key *key;
	/* for the views: how many different people a token needs to be shown,
	   and the score from which on mail is filed */
	unsigned int min_reporters, threshold;
};

/* A row of the table reports. */
struct junk_db_report {
	int64_t seq;
	uint64_t id;
	int64_t hour;
	enum junk_verdict verdict;
	enum junk_origin origin;
	/* 0..100 or JUNK_SCORE_UNKNOWN */
	int score;
	/* 0 = within its reporter's limit, else who it is of, in this hour */
	uint32_t burst;
	/* 0 = it counts */
	int64_t undone;
	/* when read: valid until the next call of the same function or the
	   end of the transaction */
	const void *sealed;
	size_t sealed_size;
};

/* How many reports an hour's row is to be changed by. */
struct junk_db_hour {
	int64_t hour;
	enum junk_verdict verdict;
	enum junk_origin origin;
	int score;
	int reports, burst;
};

/* What a token's row is to be changed by. */
struct junk_db_token {
	uint64_t token;
	unsigned int class_num;
	int spam, ham;
	uint64_t sketch;
	/* days since 1970 */
	int64_t day;
};

/* A report (undo = FALSE), or the taking back of one, in their order. */
struct junk_db_event {
	int64_t seq;
	bool undo;
	struct junk_db_report report;
};

/* Open, create or upgrade. Returns 0, or -1 with fault_r and error_r (which
   names the fix). */
int junk_db_open(const struct junk_db_settings *set, struct junk_db **db_r,
		 enum junk_db_fault *fault_r, const char **error_r);
void junk_db_close(struct junk_db **db);
/* Of the last function that returned -1. The text names the path and the
   fix and is valid until the next call. */
enum junk_db_fault junk_db_fault(struct junk_db *db);
const char *junk_db_error(struct junk_db *db);

/* A transaction of the writer; begin fails if somebody else has one. After an
   error only rollback may be called. */
int junk_db_begin(struct junk_db *db);
int junk_db_commit(struct junk_db *db);
void junk_db_rollback(struct junk_db *db);

/* The report of that number, if it has that id. Returns 1 if found, 0 if not.
   What it points to is valid until the end of the transaction, or the next
   call. */
int junk_db_report_find(struct junk_db *db, int64_t seq, uint64_t id,
			struct junk_db_report *report_r);
int junk_db_report_insert(struct junk_db *db,
			  const struct junk_db_report *report);
/* Take a report back. */
int junk_db_report_undo(struct junk_db *db, int64_t seq, int64_t undone);
/* Replace what is sealed in a report. */
int junk_db_report_reseal(struct junk_db *db, int64_t seq,
			  const void *sealed, size_t sealed_size);
/* Delete reports from the oldest on, at most limit rows, none with a number
   above max_seq: before_hour = only older ones. Some that are newer than now
   don't stand in the way of others. Returns how many. */
int junk_db_report_expire(struct junk_db *db, int64_t before_hour,
			  int64_t now, int64_t max_seq, unsigned int limit);
/* Delete the oldest bursts likewise. */
int junk_db_report_expire_bursts(struct junk_db *db, int64_t max_seq,
				 unsigned int limit);
/* Reports from first_seq on that may be deleted, at most limit. The row is valid
   until the callback returns. */
typedef void junk_db_report_callback_t(const struct junk_db_report *row,
				       void *context);
int junk_db_report_window(struct junk_db *db, int64_t first_seq,
			  int64_t max_seq, unsigned int limit,
			  junk_db_report_callback_t *callback, void *context);
int junk_db_report_delete(struct junk_db *db, int64_t seq);
/* Number of the oldest report that is kept, 0 if none. */
int junk_db_first_seq(struct junk_db *db, int64_t *seq_r);
/* How many reports there are, those that were taken back twice: each was given
   two numbers. */
int junk_db_event_count(struct junk_db *db, int64_t *count_r);
/* Highest number ever used in reports, 0 if none. */
int junk_db_last_seq(struct junk_db *db, int64_t *seq_r);

/* The table of ids, in which each is a signed number: the newest report of
   each. find returns 1 if found, 0 if not. expire deletes in a range of ids
   what is of reports before a number, and returns how many. */
int junk_db_id_find(struct junk_db *db, int64_t id, int64_t *seq_r);
int junk_db_id_set(struct junk_db *db, int64_t id, int64_t seq);
int junk_db_id_expire(struct junk_db *db, int64_t first, int64_t last,
		      int64_t before_seq);
/* Ids of the reports after a number, in their order, read from the reports. */
typedef void junk_db_id_callback_t(int64_t id, int64_t seq, void *context);
int junk_db_id_foreach(struct junk_db *db, int64_t after_seq,
		       junk_db_id_callback_t *callback, void *context);

int junk_db_hour_add(struct junk_db *db, const struct junk_db_hour *hour);
int junk_db_hour_expire(struct junk_db *db, int64_t before_hour);
/* Who may report as whom: the uid that an identity belongs to. find returns 1,
   0 if it is nobody's yet, -1. set makes it known, or that it was used on a
   day. */
int junk_db_identity_find(struct junk_db *db, uint64_t identity,
			  uint64_t *uid_r, int64_t *day_r);
int junk_db_identity_count(struct junk_db *db, uint64_t uid,
			   unsigned int *count_r);
int junk_db_identity_set(struct junk_db *db, uint64_t identity, uint64_t uid,
			 int64_t day);
int junk_db_identity_expire(struct junk_db *db, int64_t before_day);

int junk_db_token_add(struct junk_db *db, const struct junk_db_token *token);
/* Returns 1 if found, 0 if not; reporters is what the sketch tells. */
int junk_db_token_find(struct junk_db *db, uint64_t token,
		       struct junk_db_token *token_r);
/* How many people a sketch stands for, estimated. */
unsigned int junk_db_sketch_reporters(uint64_t sketch);
/* Where a way through all tokens begins. */
#define JUNK_DB_FIRST_TOKEN INT64_MIN
/* About how many there are: their numbers are hashes, so some that follow each
   other tell by how far they are apart. 0 if there are few. */
int junk_db_token_estimate(struct junk_db *db, uint64_t *count_r);
/* Look at so many tokens from *token on and delete those that are older than a
   day and have fewer reporters. *token is then where to go on, which is
   JUNK_DB_FIRST_TOKEN after the last one. Returns how many are gone. */
int junk_db_token_expire(struct junk_db *db, int64_t before_day,
			 unsigned int min_reporters, unsigned int count,
			 int64_t *token);

/* Numbers and blobs by name. get returns 1 if found, 0 if not. */
int junk_db_meta_set(struct junk_db *db, const char *name,
		     const void *value, size_t size);
int junk_db_meta_get(struct junk_db *db, const char *name, buffer_t *value);

/* A part of a snapshot, by its number. get returns 1 if there is one, 0 if not;
   sealed is appended to. */
int junk_db_snapshot_set(struct junk_db *db, unsigned int id,
			 const void *sealed, size_t size);
int junk_db_snapshot_get(struct junk_db *db, unsigned int id,
			 buffer_t *sealed);

/* Go through all events after a number, in their order. next returns 1, 0 at
   the end. */
struct junk_db_iter;
struct junk_db_iter *junk_db_iter_init(struct junk_db *db, int64_t after_seq);
int junk_db_iter_next(struct junk_db_iter *iter,
		      struct junk_db_event *event_r);
void junk_db_iter_deinit(struct junk_db_iter **iter);

/* Bytes in use, without free pages. */
int junk_db_size(struct junk_db *db, uint64_t *size_r);
/* Give a few free pages back to the file system, if with them the database is
   larger than that. Returns 1 if it was, 0 if not. */
int junk_db_shrink(struct junk_db *db, uint64_t max_bytes);
/* If anything was deleted or taken back, it may be in older pages of the WAL
   still: write all of it back and make it empty. Returns 1 if nothing is left,
   0 if a reader needs it still, -1. */
int junk_db_empty_wal(struct junk_db *db);

/* Let nothing grow past this many pages: fails as a full disk does. */
int junk_db_set_max_pages(struct junk_db *db, unsigned int pages);

/* A damaged database is never deleted: it, and what SQLite keeps beside it, is
   renamed to "PATH.corrupt-TIME". Returns the new name, or NULL and error_r. */
const char *junk_db_move_aside(const char *path, time_t now,
			       const char **error_r);

/* The name of a network file system, where SQLite's locks and shared memory
   can't be trusted; NULL for others. type: statfs(2). */
const char *junk_db_remote_fs_name(uint32_t type);

#endif

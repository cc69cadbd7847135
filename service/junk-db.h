#ifndef JUNK_DB_H
#define JUNK_DB_H

#include "junk-database.h"
#include "junk-report.h"

/* The database: SQLite's statements and faults. It doesn't know what a report
   means. One connection writes; administrators read beside it (WAL).

   Functions that return int return -1 on error; junk_db_fault() and
   junk_db_error() then describe the error. */

struct junk_key;
struct junk_db;

/* Kinds of errors, each with its own fix. */
enum junk_db_fault {
	JUNK_DB_FAULT_NONE = 0,
	/* another process holds a lock; passes by itself */
	JUNK_DB_FAULT_BUSY,
	JUNK_DB_FAULT_FULL,
	JUNK_DB_FAULT_READONLY,
	/* not a database, or damaged */
	JUNK_DB_FAULT_CORRUPT,
	/* written with another key */
	JUNK_DB_FAULT_KEY,
	/* written by a newer version, or by another program */
	JUNK_DB_FAULT_FOREIGN,
	/* on a network file system */
	JUNK_DB_FAULT_REMOTE,
	JUNK_DB_FAULT_OTHER,
};

struct junk_db_settings {
	const char *path;
	const struct junk_key *key;
	/* for the views: the number of people that must have reported a token
	   before it is shown, and the score from which mail is filed */
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
	/* 0 = within the reporter's limit; else a number that identifies the
	   reporter within this hour */
	uint32_t burst;
	/* number of the event that took it back; 0 = it counts */
	int64_t undone;
	/* after reading: valid until the next call of the same function or the
	   end of the transaction */
	const void *sealed;
	size_t sealed_size;
};

/* A change of an hour's row. */
struct junk_db_hour {
	int64_t hour;
	enum junk_verdict verdict;
	enum junk_origin origin;
	int score;
	int reports, burst;
};

/* A change of a token's row. */
struct junk_db_token {
	uint64_t token;
	unsigned int class_num;
	int spam, ham;
	uint64_t sketch;
	/* days since 1970 */
	int64_t day;
};

/* An event: a report, or the undo of one. */
struct junk_db_event {
	int64_t seq;
	bool undo;
	struct junk_db_report report;
};

/* Open, create or upgrade the database. Returns 0, or -1 with fault_r and
   error_r, which names the fix. */
int junk_db_open(const struct junk_db_settings *set, struct junk_db **db_r,
		 enum junk_db_fault *fault_r, const char **error_r);
void junk_db_close(struct junk_db **db);
/* The error of the last function that returned -1. The text names the path and
   the fix and is valid until the next call. */
enum junk_db_fault junk_db_fault(struct junk_db *db);
const char *junk_db_error(struct junk_db *db);

/* A write transaction. begin fails if another process has one. After an error
   only rollback may be called. */
int junk_db_begin(struct junk_db *db);
int junk_db_commit(struct junk_db *db);
void junk_db_rollback(struct junk_db *db);

/* Find the report with this number and id. Returns 1 if found, 0 if not. Its
   pointers are valid until the next call or the end of the transaction. */
int junk_db_report_find(struct junk_db *db, int64_t seq, uint64_t id,
			struct junk_db_report *report_r);
int junk_db_report_insert(struct junk_db *db,
			  const struct junk_db_report *report);
/* Mark a report as undone by the event with this number. */
int junk_db_report_undo(struct junk_db *db, int64_t seq, int64_t undone);
/* Replace the sealed part of a report. */
int junk_db_report_reseal(struct junk_db *db, int64_t seq,
			  const void *sealed, size_t sealed_size);
/* Delete the oldest reports, at most limit rows, none with a number above
   max_seq and, with before_hour, only older ones. Reports of a time after now
   don't block the deletion of others. Returns the number of deleted reports. */
int junk_db_report_expire(struct junk_db *db, int64_t before_hour,
			  int64_t now, int64_t max_seq, unsigned int limit);
/* Likewise delete the oldest bursts. */
int junk_db_report_expire_bursts(struct junk_db *db, int64_t max_seq,
				 unsigned int limit);
/* Read up to limit deletable reports from first_seq on. A row is valid until
   the callback returns. */
typedef void junk_db_report_callback_t(const struct junk_db_report *row,
				       void *context);
int junk_db_report_window(struct junk_db *db, int64_t first_seq,
			  int64_t max_seq, unsigned int limit,
			  junk_db_report_callback_t *callback, void *context);
int junk_db_report_delete(struct junk_db *db, int64_t seq);
/* Get the number of the oldest report, 0 if there is none. */
int junk_db_first_seq(struct junk_db *db, int64_t *seq_r);
/* Get the number of events in the table: undone reports count twice, since they
   have two numbers. */
int junk_db_event_count(struct junk_db *db, int64_t *count_r);
/* Get the highest event number in the table, 0 if there is none. */
int junk_db_last_seq(struct junk_db *db, int64_t *seq_r);

/* The table of ids, which has the number of each id's newest report. Ids are
   signed here. find returns 1 if found, 0 if not. expire deletes the ids in a
   range whose report is older than before_seq, and returns how many. */
int junk_db_id_find(struct junk_db *db, int64_t id, int64_t *seq_r);
int junk_db_id_set(struct junk_db *db, int64_t id, int64_t seq);
int junk_db_id_expire(struct junk_db *db, int64_t first, int64_t last,
		      int64_t before_seq);
/* Read the ids of the reports after a number in their order, from the table
   reports. */
typedef void junk_db_id_callback_t(int64_t id, int64_t seq, void *context);
int junk_db_id_foreach(struct junk_db *db, int64_t after_seq,
		       junk_db_id_callback_t *callback, void *context);

int junk_db_hour_add(struct junk_db *db, const struct junk_db_hour *hour);
int junk_db_hour_expire(struct junk_db *db, int64_t before_hour);
/* The uid that an identity belongs to. find returns 1, 0 if the identity is
   new, or -1. set adds the identity or updates the day of its last use. */
int junk_db_identity_find(struct junk_db *db, uint64_t identity,
			  uint64_t *uid_r, int64_t *day_r);
int junk_db_identity_count(struct junk_db *db, uint64_t uid,
			   unsigned int *count_r);
int junk_db_identity_set(struct junk_db *db, uint64_t identity, uint64_t uid,
			 int64_t day);
int junk_db_identity_expire(struct junk_db *db, int64_t before_day);

int junk_db_token_add(struct junk_db *db, const struct junk_db_token *token);
/* Returns 1 if found, 0 if not. The number of reporters is that of the
   sketch. */
int junk_db_token_find(struct junk_db *db, uint64_t token,
		       struct junk_db_token *token_r);
/* Returns the estimated number of people in a sketch. */
unsigned int junk_db_sketch_reporters(uint64_t sketch);
/* The first number of an iteration through all tokens. */
#define JUNK_DB_FIRST_TOKEN INT64_MIN
/* Estimate the number of tokens: their numbers are hashes, so the distance of
   consecutive ones tells it. The result is 0 if there are few. */
int junk_db_token_estimate(struct junk_db *db, uint64_t *count_r);
/* Examine count tokens from *token on, and delete those that are older than
   before_day and have fewer reporters. *token is set to the next position,
   JUNK_DB_FIRST_TOKEN after the last one. Returns the number of deleted
   tokens. */
int junk_db_token_expire(struct junk_db *db, int64_t before_day,
			 unsigned int min_reporters, unsigned int count,
			 int64_t *token);
/* Delete all tokens. Returns 0 or -1. */
int junk_db_token_clear(struct junk_db *db);

/* Values by name. get appends to value and returns 1 if found, 0 if not. */
int junk_db_meta_set(struct junk_db *db, const char *name,
		     const void *value, size_t size);
int junk_db_meta_get(struct junk_db *db, const char *name, buffer_t *value);

/* A part of a snapshot by its number. get appends to sealed and returns 1 if
   found, 0 if not. */
int junk_db_snapshot_set(struct junk_db *db, unsigned int id,
			 const void *sealed, size_t size);
int junk_db_snapshot_get(struct junk_db *db, unsigned int id,
			 buffer_t *sealed);

/* Iterate through all events after a number, in their order. next returns 1, or
   0 at the end. */
struct junk_db_iter;
struct junk_db_iter *junk_db_iter_init(struct junk_db *db, int64_t after_seq);
int junk_db_iter_next(struct junk_db_iter *iter,
		      struct junk_db_event *event_r);
void junk_db_iter_deinit(struct junk_db_iter **iter);

/* Get the number of bytes in use, without free pages. */
int junk_db_size(struct junk_db *db, uint64_t *size_r);
/* Return a few free pages to the file system if the file is larger than
   max_bytes. Returns 1 if it was larger, 0 if not. */
int junk_db_shrink(struct junk_db *db, uint64_t max_bytes);
/* Write back and truncate the WAL if anything was deleted or undone, since
   older pages of the WAL may still have it. Returns 1 if nothing is left, 0 if
   a reader still needs it, -1 on error. */
int junk_db_empty_wal(struct junk_db *db);

/* Limit the database to so many pages; beyond them statements fail as with a
   full disk. */
int junk_db_set_max_pages(struct junk_db *db, unsigned int pages);

/* Rename a damaged database and SQLite's files beside it to
   "PATH.corrupt-TIME"; it is never deleted. Returns the new name, or NULL and
   error_r. */
const char *junk_db_move_aside(const char *path, time_t now,
			       const char **error_r);

/* Returns the name of a network file system, on which SQLite's locks and shared
   memory are unreliable; NULL for others. type: as of statfs(2). */
const char *junk_db_remote_fs_name(uint32_t type);

#endif

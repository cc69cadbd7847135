#ifndef JUNK_ENGINE_PRIVATE_H
#define JUNK_ENGINE_PRIVATE_H

#include "junk-db.h"
#include "junk-engine.h"

struct junk_recorder_counters;

/* The same fault is logged again after so long. */
#define JUNK_ENGINE_LOG_SECS 600

struct junk_engine {
	struct junk_engine_settings set;
	struct event *event;
	char *segment_path, *chroot_dir, *lock_path, *key_path, *db_path;

	int lock_fd;
	struct junk_key *key;
	struct junk_db *db;
	struct junk_learner *learner;
	/* of the learner that comes next; 0 = random */
	uint64_t learner_seed;
	struct junk_recorder *recorder;
	struct junk_publisher *publisher;
	/* the model in memory isn't in the database yet, which is a new one;
	   its numbers go on after adopt_seq */
	bool need_adopt;
	int64_t adopt_seq;

	/* why it isn't ready; NULL = it is */
	char *fault;
	/* NONE = the database isn't why */
	enum junk_db_fault db_fault;
	time_t fault_time;
	/* the last fault that the log has, and when; outlives the fault: one
	   that comes and goes isn't logged each time */
	char *logged_fault;
	enum junk_db_fault logged_db_fault;
	time_t logged_time;
	/* refused reports that the log knows of, and since when */
	uint64_t logged_refused;
	time_t refused_time;
	/* ... and those with a time that can't be, and those that were
	   deleted */
	uint64_t logged_misdated, logged_expired;
	time_t misdated_time, expired_time;
	/* whether scores of 90 and above are given, as the log has it */
	bool claims_logged;
	time_t claims_time;
	bool lag_logged;
	/* the log doesn't know yet that it has ended */
	bool fault_is_logged;
	/* it may pass: another process is about to end, or to let go of a lock */
	bool fault_is_young;
};

/* --- junk-engine-fault.c --- */

void junk_engine_set_fault(struct junk_engine *engine, const char *fault,
			   unsigned int wait_secs, time_t now);
void junk_engine_set_db_fault(struct junk_engine *engine,
			      enum junk_db_fault fault, const char *error,
			      time_t now);
void junk_engine_clear_fault(struct junk_engine *engine);

/* --- junk-engine-open.c: return 0, or -1 and the fault is set --- */

/* What is there already stays. */
int junk_engine_open(struct junk_engine *engine, time_t now);
/* The learner's state is lost only if nothing of it can be read. */
int junk_engine_load_model(struct junk_engine *engine, time_t now);
int junk_engine_publish(struct junk_engine *engine, time_t now);
/* The model is in memory still: it goes on in a new database. What fails of that
   is tried again by the next start. */
int junk_engine_adopt(struct junk_engine *engine, time_t now);
void junk_engine_need_adopt(struct junk_engine *engine);
/* Something has failed in the database. */
void junk_engine_db_failed(struct junk_engine *engine, time_t now);

/* --- junk-engine-log.c --- */

/* What became of the reports of a transaction: for metrics. */
void junk_engine_count(struct junk_engine *engine,
		       const struct junk_recorder_counters *old);
/* Somebody means mischief, or a user has a new uid. */
void junk_engine_log_refused(struct junk_engine *engine, time_t now);
void junk_engine_log_misdated(struct junk_engine *engine, time_t now);
/* What goes that nobody may have wanted to go. */
void junk_engine_log_expired(struct junk_engine *engine, time_t now);
/* Where the filter stands: it begins to file, or stops. While it learns many reports
   that may change with each. */
void junk_engine_log_claims(struct junk_engine *engine, time_t now);

#endif

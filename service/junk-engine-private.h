#ifndef JUNK_ENGINE_PRIVATE_H
#define JUNK_ENGINE_PRIVATE_H

#include "junk-db.h"
#include "junk-engine.h"
#include "junk-recorder.h"

/* The minimum interval between two messages about the same fault. */
#define JUNK_ENGINE_LOG_SECS 600

struct junk_engine {
	struct junk_engine_settings set;
	struct event *event;
	char *segment_path, *chroot_dir, *lock_path, *key_path, *db_path;

	int lock_fd;
	struct junk_key *key;
	struct junk_db *db;
	struct junk_learner *learner;
	/* seed of the next learner; 0 = random */
	uint64_t learner_seed;
	struct junk_recorder *recorder;
	struct junk_publisher *publisher;
	/* NULL = this host alone */
	struct junk_cluster *cluster;
	/* the model in memory isn't in the new database yet; event numbers
	   continue after adopt_seq */
	bool need_adopt;
	int64_t adopt_seq;

	/* why the engine isn't ready; NULL = it is */
	char *fault;
	/* kind of the database's fault; NONE = another part has failed */
	enum junk_db_fault db_fault;
	time_t fault_time;
	/* the last logged fault and its time. They outlive the fault, so that
	   one that comes and goes isn't logged each time */
	char *logged_fault;
	enum junk_db_fault logged_db_fault;
	time_t logged_time;
	/* number of refused reports in the log, and time of that message */
	uint64_t logged_refused;
	time_t refused_time;
	/* likewise for reports with an invalid time, and for deleted ones */
	uint64_t logged_misdated, logged_expired;
	time_t misdated_time, expired_time;
	/* whether scores of 90 and above are given, as last logged */
	bool claims_logged;
	time_t claims_time;
	bool lag_logged;
	/* the fault was logged, its end not yet */
	bool fault_is_logged;
	/* the fault may pass: another process is about to end or to release a
	   lock */
	bool fault_is_young;
};

static inline bool junk_engine_is_clustered(const struct junk_engine *engine)
{
	return engine->set.cluster != NULL && *engine->set.cluster != '\0';
}

/* --- junk-engine-fault.c --- */

void junk_engine_set_fault(struct junk_engine *engine, const char *fault,
			   unsigned int wait_secs, time_t now);
void junk_engine_set_db_fault(struct junk_engine *engine,
			      enum junk_db_fault fault, const char *error,
			      time_t now);
void junk_engine_clear_fault(struct junk_engine *engine);

/* --- junk-engine-open.c: return 0, or -1 and the fault is set --- */

/* Open key, database and recorder, those that aren't open yet. */
int junk_engine_open(struct junk_engine *engine, time_t now);
/* Load the model. It is lost only if nothing of it can be read. */
int junk_engine_load_model(struct junk_engine *engine, time_t now);
int junk_engine_publish(struct junk_engine *engine, time_t now);
/* Continue with the model in memory and a new database. If that fails, the next
   start tries again. */
int junk_engine_adopt(struct junk_engine *engine, time_t now);
void junk_engine_need_adopt(struct junk_engine *engine);
/* Handle a database error. */
void junk_engine_db_failed(struct junk_engine *engine, time_t now);

/* --- junk-engine-admin.c --- */

/* Take back reports at this position of the cluster's log. Returns 0, or -1 and
   the fault is set. */
int junk_engine_forget_ordered(struct junk_engine *engine,
			       const struct junk_forget *forget,
			       const struct junk_recorder_position *position,
			       time_t now);

/* --- junk-engine-log.c --- */

/* Send events about what happened to the reports of a transaction, for
   metrics. */
void junk_engine_count(struct junk_engine *engine,
		       const struct junk_recorder_counters *old);
/* Log refused reports: an attack, or a user has a new uid. */
void junk_engine_log_refused(struct junk_engine *engine, time_t now);
void junk_engine_log_misdated(struct junk_engine *engine, time_t now);
/* Log deletions that the administrator may not expect. */
void junk_engine_log_expired(struct junk_engine *engine, time_t now);
/* Log when the filter begins to give scores of 90 and above, or stops. While it
   learns many reports this can change with each. */
void junk_engine_log_claims(struct junk_engine *engine, time_t now);

#endif

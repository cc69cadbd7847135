#include "lib.h"
#include "byteorder.h"
#include "str.h"
#include "junk-clock.h"
#include "junk-db.h"
#include "junk-key.h"
#include "junk-learner.h"
#include "junk-publisher.h"
#include "junk-recorder.h"
#include "junk-engine.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>

/* The same fault is logged again after so long. */
#define FAULT_LOG_SECS 600
/* So many reports that expire within FAULT_LOG_SECS are worth a line, if they are
   such a part of those that are left. */
#define EXPIRED_LOG_REPORTS 1000
#define EXPIRED_LOG_PART 10
/* An old process may need so long to end after a reload. */
#define LOCK_WAIT_SECS 30
/* Others may hold a lock on the database so long without a word. */
#define BUSY_WAIT_SECS 5

/* When it is tried again. */
#define RETRY_BUSY_MSECS 100
#define RETRY_MSECS 1000
/* The log has so often whether scores of 90 and above are given. */
#define CLAIMS_LOG_SECS 600

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

struct junk_engine *junk_engine_init(const struct junk_engine_settings *set)
{
	struct junk_engine *engine = i_new(struct junk_engine, 1);

	engine->set = *set;
	engine->segment_path = i_strdup(set->segment_path);
	engine->chroot_dir = i_strdup(set->chroot_dir);
	engine->event = event_create(set->event_parent);
	engine->lock_path = i_strconcat(set->state_dir, "/lock", NULL);
	engine->key_path = i_strconcat(set->state_dir, "/key", NULL);
	engine->db_path = i_strconcat(set->state_dir, "/stats.sqlite3", NULL);
	engine->lock_fd = -1;
	engine->fault = i_strdup("not started");
	return engine;
}

/* Pending reports are in the recorder: it lives until the end. */
static void junk_engine_close(struct junk_engine *engine)
{
	junk_publisher_deinit(&engine->publisher);
	junk_recorder_deinit(&engine->recorder);
	junk_learner_deinit(&engine->learner);
	junk_db_close(&engine->db);
	junk_key_unref(&engine->key);
}

void junk_engine_deinit(struct junk_engine **_engine)
{
	struct junk_engine *engine = *_engine;

	if (engine == NULL)
		return;
	*_engine = NULL;
	/* the next start has nothing to replay */
	if (engine->fault == NULL &&
	    junk_recorder_last_seq(engine->recorder) >
	    junk_recorder_snapshot_seq(engine->recorder) &&
	    junk_recorder_snapshot(engine->recorder) < 0)
		e_error(engine->event, "%s", junk_db_error(engine->db));
	junk_engine_close(engine);
	i_close_fd(&engine->set.segment_fd);
	i_close_fd(&engine->lock_fd);
	event_unref(&engine->event);
	i_free(engine->fault);
	i_free(engine->logged_fault);
	i_free(engine->lock_path);
	i_free(engine->key_path);
	i_free(engine->db_path);
	i_free(engine->chroot_dir);
	i_free(engine->segment_path);
	i_free(engine);
}

/* --- faults --- */

/* A full disk or a lock fails now this, now that. */
static bool
fault_is_same(enum junk_db_fault kind1, const char *fault1,
	      enum junk_db_fault kind2, const char *fault2)
{
	if (fault1 == NULL || fault2 == NULL)
		return FALSE;
	if (strcmp(fault1, fault2) == 0)
		return TRUE;
	return kind1 == kind2 && kind1 != JUNK_DB_FAULT_NONE &&
		kind1 != JUNK_DB_FAULT_OTHER;
}

static void
junk_engine_log_fault(struct junk_engine *engine, time_t now)
{
	if (fault_is_same(engine->db_fault, engine->fault,
			  engine->logged_db_fault, engine->logged_fault) &&
	    !junk_clock_has_passed(now, engine->logged_time, FAULT_LOG_SECS))
		return;
	i_free(engine->logged_fault);
	engine->logged_fault = i_strdup(engine->fault);
	engine->logged_db_fault = engine->db_fault;
	engine->logged_time = now;
	engine->fault_is_logged = TRUE;
	e_error(engine->event, "%s (reports wait in the users' spools)",
		engine->fault);
}

static void
junk_engine_set_any_fault(struct junk_engine *engine,
			  enum junk_db_fault db_fault, const char *fault,
			  unsigned int wait_secs, time_t now)
{
	if (!fault_is_same(engine->db_fault, engine->fault, db_fault, fault))
		engine->fault_time = now;
	i_free(engine->fault);
	engine->fault = i_strdup(fault);
	engine->db_fault = db_fault;
	engine->fault_is_young =
		!junk_clock_has_passed(now, engine->fault_time, wait_secs);
	if (!engine->fault_is_young)
		junk_engine_log_fault(engine, now);
}

static void
junk_engine_set_fault(struct junk_engine *engine, const char *fault,
		      unsigned int wait_secs, time_t now)
{
	junk_engine_set_any_fault(engine, JUNK_DB_FAULT_NONE, fault, wait_secs,
				  now);
}

static void
junk_engine_set_db_fault(struct junk_engine *engine, enum junk_db_fault fault,
			 const char *error, time_t now)
{
	junk_engine_set_any_fault(engine, fault, error,
				  fault == JUNK_DB_FAULT_BUSY ?
				  BUSY_WAIT_SECS : 0, now);
}

static void junk_engine_clear_fault(struct junk_engine *engine)
{
	i_free(engine->fault);
	if (engine->fault_is_logged)
		e_info(engine->event, "Reports are recorded again");
	engine->fault_is_logged = FALSE;
}

bool junk_engine_is_ready(struct junk_engine *engine)
{
	return engine->fault == NULL;
}

unsigned int junk_engine_retry_msecs(struct junk_engine *engine)
{
	return engine->db_fault == JUNK_DB_FAULT_BUSY ?
		RETRY_BUSY_MSECS : RETRY_MSECS;
}

/* --- start --- */

/* One process owns database and segment; the kernel frees the lock when it
   dies. */
static int
junk_engine_lock(struct junk_engine *engine, time_t now)
{
	if (engine->lock_fd == -1) {
		engine->lock_fd = open(engine->lock_path, O_RDWR | O_CREAT |
				       O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (engine->lock_fd == -1) {
		junk_engine_set_fault(engine, t_strdup_printf(
			"open(%s) failed: %m: the directory has to belong to "
			"the service's user", engine->lock_path), 0, now);
		return -1;
	}
	if (flock(engine->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	junk_engine_set_fault(engine, errno != EWOULDBLOCK ?
		t_strdup_printf("flock(%s) failed: %m", engine->lock_path) :
		t_strdup_printf("%s is locked by another process of this "
				"service: is process_limit = 1?",
				engine->lock_path),
		errno != EWOULDBLOCK ? 0 : LOCK_WAIT_SECS, now);
	return -1;
}

/* A key is made only together with a database: a new one wouldn't fit an old
   database. */
static int junk_engine_load_key(struct junk_engine *engine, time_t now)
{
	struct stat st;
	const char *error;
	bool create = stat(engine->db_path, &st) < 0 && errno == ENOENT;
	int ret;

	if (engine->key != NULL)
		return 0;
	ret = junk_key_load(engine->key_path, create, &engine->key, &error);
	if (ret > 0)
		return 0;
	if (ret == 0) {
		error = t_strdup_printf(
			"%s is missing, without which database %s can't be "
			"used: restore it from a backup, or move the database "
			"away to start afresh", engine->key_path,
			engine->db_path);
	}
	junk_engine_set_fault(engine, error, 0, now);
	return -1;
}

static int
junk_engine_try_open_db(struct junk_engine *engine,
			enum junk_db_fault *fault_r, const char **error_r)
{
	const struct junk_db_settings set = {
		.path = engine->db_path,
		.key = engine->key,
		.min_reporters = engine->set.min_reporters,
		.threshold = engine->set.threshold,
	};

	return junk_db_open(&set, &engine->db, fault_r, error_r);
}

/* What is damaged is kept for the admin, and counting begins anew: the filter
   must go on learning. */
static bool
junk_engine_move_db_aside(struct junk_engine *engine, const char *db_error,
			  time_t now)
{
	const char *path, *error;

	junk_db_close(&engine->db);
	path = junk_db_move_aside(engine->db_path, now, &error);
	if (path == NULL) {
		junk_engine_set_fault(engine, error, 0, now);
		return FALSE;
	}
	e_error(engine->event, "%s (moved to %s, a new one is begun)",
		db_error, path);
	return TRUE;
}

static int junk_engine_open_db(struct junk_engine *engine, time_t now)
{
	enum junk_db_fault fault;
	const char *error;

	if (engine->db != NULL)
		return 0;
	if (junk_engine_try_open_db(engine, &fault, &error) == 0)
		return 0;
	if (fault == JUNK_DB_FAULT_CORRUPT) {
		if (!junk_engine_move_db_aside(engine, error, now))
			return -1;
		if (junk_engine_try_open_db(engine, &fault, &error) == 0)
			return 0;
	}
	/* the right one may be put back */
	if (fault == JUNK_DB_FAULT_KEY)
		junk_key_unref(&engine->key);
	junk_engine_set_db_fault(engine, fault, error, now);
	return -1;
}

/* For the case that there is no snapshot, which brings its own. */
static uint64_t junk_engine_get_seed(struct junk_engine *engine)
{
	buffer_t *value = t_buffer_create(sizeof(uint64_t));
	uint64_t seed = engine->learner_seed;

	if (seed != 0)
		return seed;
	if (junk_db_meta_get(engine->db, "seed", value) > 0 &&
	    value->used == sizeof(seed))
		return le64_to_cpu_unaligned(value->data);
	randombytes_buf(&seed, sizeof(seed));
	return seed;
}

static void junk_engine_init_learner(struct junk_engine *engine)
{
	struct junk_learner_settings set;

	junk_learner_settings_init(&set);
	set.seed = junk_engine_get_seed(engine);
	set.min_reporters = engine->set.min_reporters;
	set.min_reports = engine->set.min_reports;
	set.unlimited_shares = engine->set.unlimited_shares;
	set.in_steps = TRUE;
	engine->learner = junk_learner_init(&set);
}

static void junk_engine_init_recorder(struct junk_engine *engine)
{
	const struct junk_recorder_settings set = {
		.rate = engine->set.rate,
		.uid_identities = engine->set.uid_identities,
		.min_reporters = engine->set.min_reporters,
		.retention_days = engine->set.retention_days,
		.max_database_bytes = engine->set.database_size,
	};

	/* it keeps pending reports over a fault */
	if (engine->recorder != NULL)
		return;
	engine->recorder = junk_recorder_init(&set, engine->key);
	engine->logged_refused = 0;
}

/* What is there already stays. */
static int junk_engine_open(struct junk_engine *engine, time_t now)
{
	if (junk_engine_load_key(engine, now) < 0 ||
	    junk_engine_open_db(engine, now) < 0)
		return -1;
	junk_engine_init_recorder(engine);
	return 0;
}

/* After an upgrade. */
static void junk_engine_log_feature_set(struct junk_engine *engine)
{
	unsigned int set = junk_learner_feature_set(engine->learner);

	if (set == 0 || set == JUNK_FEATURE_SET)
		return;
	e_info(engine->event, "The model was learned with feature set %u. It "
	       "goes on scoring; what feature set %u adds is learned from new "
	       "reports", set, JUNK_FEATURE_SET);
}

/* Returns -1 if the database failed. */
static int junk_engine_load(struct junk_engine *engine, const char **error_r)
{
	const char *error;
	int ret;

	junk_recorder_set_db(engine->recorder, engine->db, engine->learner);
	ret = junk_recorder_load(engine->recorder, &error);
	if (ret < 0) {
		*error_r = t_strdup(junk_db_error(engine->db));
		return -1;
	}
	junk_engine_log_feature_set(engine);
	if (ret > 0) {
		e_warning(engine->event, "The classifier is learned anew from "
			  "the reports in %s: %s", engine->db_path, error);
	}
	return 0;
}

/* The learner's state is lost only if nothing of it can be read. */
static int junk_engine_load_model(struct junk_engine *engine, time_t now)
{
	enum junk_db_fault fault;
	const char *error;

	if (engine->learner != NULL)
		return 0;
	junk_engine_init_learner(engine);
	if (junk_engine_load(engine, &error) == 0)
		return 0;
	fault = junk_db_fault(engine->db);
	junk_learner_deinit(&engine->learner);
	if (fault == JUNK_DB_FAULT_CORRUPT) {
		if (!junk_engine_move_db_aside(engine, error, now))
			return -1;
		return junk_engine_open_db(engine, now) < 0 ? -1 :
			junk_engine_load_model(engine, now);
	}
	junk_db_close(&engine->db);
	junk_engine_set_db_fault(engine, fault, error, now);
	return -1;
}

static int junk_engine_publish(struct junk_engine *engine, time_t now)
{
	const char *error;
	int *fd = &engine->set.segment_fd;

	if (engine->publisher != NULL)
		return 0;
	/* that failed with our privileges, or we never had any */
	if (*fd == -1) {
		*fd = junk_publisher_prepare(engine->segment_path, (uid_t)-1,
					     (gid_t)-1,
					     engine->set.segment_mode, &error);
	}
	if (*fd == -1 ||
	    junk_publisher_init(engine->segment_path, *fd,
				engine->set.publish_delay_secs,
				engine->learner, now, &engine->publisher,
				&error) < 0) {
		junk_engine_set_fault(engine, error, 0, now);
		return -1;
	}
	return 0;
}

/* The model is in memory still: it goes on in a new database. What fails of that
   is tried again by the next start. */
static int junk_engine_adopt(struct junk_engine *engine, time_t now)
{
	if (!engine->need_adopt)
		return 0;
	junk_recorder_set_db(engine->recorder, engine->db, engine->learner);
	junk_recorder_continue(engine->recorder, engine->adopt_seq);
	if (junk_recorder_adopt(engine->recorder) < 0) {
		junk_engine_set_db_fault(engine, junk_db_fault(engine->db),
					 junk_db_error(engine->db), now);
		junk_db_close(&engine->db);
		return -1;
	}
	engine->need_adopt = FALSE;
	return 0;
}

static void junk_engine_need_adopt(struct junk_engine *engine)
{
	engine->need_adopt = TRUE;
	engine->adopt_seq = junk_recorder_last_seq(engine->recorder);
}

static void junk_engine_replace_db(struct junk_engine *engine, time_t now)
{
	const char *error = t_strdup(junk_db_error(engine->db));

	junk_engine_need_adopt(engine);
	if (junk_engine_move_db_aside(engine, error, now) &&
	    junk_engine_open_db(engine, now) == 0)
		(void)junk_engine_adopt(engine, now);
}

/* Something has failed in the database. */
static void junk_engine_db_failed(struct junk_engine *engine, time_t now)
{
	enum junk_db_fault fault = junk_db_fault(engine->db);

	if (fault == JUNK_DB_FAULT_CORRUPT)
		junk_engine_replace_db(engine, now);
	else
		junk_engine_set_db_fault(engine, fault,
					 junk_db_error(engine->db), now);
}

/* Is it well enough to be written to? */
static int junk_engine_probe_db(struct junk_engine *engine, time_t now)
{
	if (junk_db_begin(engine->db) == 0) {
		if (junk_db_meta_set(engine->db, "probe", &now,
				     sizeof(now)) < 0)
			junk_db_rollback(engine->db);
		else if (junk_db_commit(engine->db) == 0)
			return 0;
	}
	junk_engine_db_failed(engine, now);
	return engine->fault == NULL ? 0 : -1;
}

bool junk_engine_start(struct junk_engine *engine, time_t now)
{
	if (engine->fault == NULL)
		return TRUE;
	if (junk_engine_lock(engine, now) < 0 ||
	    junk_engine_open(engine, now) < 0 ||
	    junk_engine_load_model(engine, now) < 0 ||
	    junk_engine_publish(engine, now) < 0 ||
	    junk_engine_adopt(engine, now) < 0 ||
	    junk_engine_probe_db(engine, now) < 0)
		return FALSE;
	junk_engine_clear_fault(engine);
	return TRUE;
}

/* --- reports --- */

bool junk_engine_is_full(struct junk_engine *engine)
{
	return engine->recorder == NULL ||
		junk_recorder_pending_count(engine->recorder) >=
		JUNK_RECORDER_MAX_PENDING;
}

void junk_engine_add(struct junk_engine *engine,
		     const struct junk_report *report)
{
	junk_recorder_add(engine->recorder, report);
}

static void
junk_engine_send_events(struct junk_engine *engine, const char *result,
			uint64_t count)
{
	for (; count > 0; count--) {
		struct event_passthrough *e =
			event_create_passthrough(engine->event)->
			set_name("junk_feedback_recorded")->
			add_str("result", result);

		e_debug(e->event(), "Report: %s", result);
	}
}

/* What became of the reports of a transaction: for metrics. */
static void
junk_engine_count(struct junk_engine *engine,
		  const struct junk_recorder_counters *old)
{
	const struct junk_recorder_counters *new =
		junk_recorder_get_counters(engine->recorder);

	junk_engine_send_events(engine, "recorded",
				new->recorded - old->recorded);
	junk_engine_send_events(engine, "repeated",
				new->repeated - old->repeated);
	junk_engine_send_events(engine, "changed",
				new->changed - old->changed);
	junk_engine_send_events(engine, "taken-back",
				new->taken_back - old->taken_back);
	junk_engine_send_events(engine, "feature-set",
				new->dropped_feature_set -
				old->dropped_feature_set);
	junk_engine_send_events(engine, "refused",
				new->refused - old->refused);
}

/* Somebody means mischief, or a user has a new uid. */
static void junk_engine_log_refused(struct junk_engine *engine, time_t now)
{
	const uint64_t refused =
		junk_recorder_get_counters(engine->recorder)->refused;

	if (refused == engine->logged_refused ||
	    !junk_clock_has_passed(now, engine->refused_time, FAULT_LOG_SECS))
		return;
	e_warning(engine->event, "%"PRIu64" reports were refused: more than "
		  "%u times junk_feedback_rate, or from a uid that isn't the "
		  "reporter's (junk_feedback_uid_identities)",
		  refused - engine->logged_refused,
		  JUNK_RECORDER_REFUSE_FACTOR);
	engine->logged_refused = refused;
	engine->refused_time = now;
}

static void junk_engine_log_misdated(struct junk_engine *engine, time_t now)
{
	const uint64_t misdated =
		junk_recorder_get_counters(engine->recorder)->misdated;

	if (misdated == engine->logged_misdated ||
	    !junk_clock_has_passed(now, engine->misdated_time, FAULT_LOG_SECS))
		return;
	e_warning(engine->event, "%"PRIu64" reports had a time of the future, "
		  "or from before junk_feedback_retention: they count from "
		  "now on", misdated - engine->logged_misdated);
	engine->logged_misdated = misdated;
	engine->misdated_time = now;
}

/* What goes that nobody may have wanted to go. */
static void junk_engine_log_expired(struct junk_engine *engine, time_t now)
{
	const uint64_t expired =
		junk_recorder_get_counters(engine->recorder)->expired;
	const time_t lag = junk_recorder_clock_lag(engine->recorder, now);
	uint64_t kept;

	if (lag == 0) {
		engine->lag_logged = FALSE;
	} else if (!engine->lag_logged) {
		engine->lag_logged = TRUE;
		e_warning(engine->event, "The clock is %ld days ahead of the "
			  "last expiry: reports expire day by day until it "
			  "has said so for a day: is it right?",
			  (long)(lag / 86400) + 1);
	}
	if (!junk_clock_has_passed(now, engine->expired_time, FAULT_LOG_SECS))
		return;
	if (expired - engine->logged_expired >= EXPIRED_LOG_REPORTS &&
	    junk_recorder_report_count(engine->recorder, &kept) == 0 &&
	    expired - engine->logged_expired > kept / EXPIRED_LOG_PART) {
		e_warning(engine->event, "%"PRIu64" reports were deleted, "
			  "%"PRIu64" are left: they were older than "
			  "junk_feedback_retention, or the database larger "
			  "than junk_feedback_database_size",
			  expired - engine->logged_expired, kept);
	}
	engine->logged_expired = expired;
	engine->expired_time = now;
}

/* Where the filter stands: it begins to file, or stops. While it learns many reports
   that may change with each. */
static void junk_engine_log_claims(struct junk_engine *engine, time_t now)
{
	struct junk_model model;
	bool claims;

	junk_learner_model(engine->learner, &model);
	claims = model.claim_sum < JUNK_MODEL_NO_CLAIM;
	if (engine->claims_time != 0 &&
	    (claims == engine->claims_logged ||
	     !junk_clock_has_passed(now, engine->claims_time,
				    CLAIMS_LOG_SECS)))
		return;
	if (claims) {
		e_info(engine->event, "Scores of 90 and above are given: the "
		       "reports tell good mail from spam");
	} else {
		e_info(engine->event, "Learning: only near copies of reported "
		       "spam score 90 and above until more good mail and "
		       "spam are reported (doveadm junk start)");
	}
	engine->claims_time = now;
	engine->claims_logged = claims;
}

bool junk_engine_commit(struct junk_engine *engine, time_t now)
{
	struct junk_recorder_counters old;

	/* twice: a damaged database is replaced once */
	for (unsigned int i = 0; i < 2 && engine->fault == NULL; i++) {
		old = *junk_recorder_get_counters(engine->recorder);
		if (junk_recorder_commit(engine->recorder, now) == 0) {
			junk_engine_count(engine, &old);
			junk_engine_log_refused(engine, now);
			junk_engine_log_misdated(engine, now);
			junk_publisher_update(engine->publisher, now);
			junk_engine_log_claims(engine, now);
			return TRUE;
		}
		junk_engine_db_failed(engine, now);
	}
	return FALSE;
}

bool junk_engine_maintain(struct junk_engine *engine, time_t now)
{
	int ret;

	if (engine->fault != NULL)
		return FALSE;
	ret = junk_recorder_maintain(engine->recorder, now);
	if (ret < 0)
		junk_engine_db_failed(engine, now);
	/* what was taken back is out of the weights: the numbers in the
	   header have to follow */
	else if (ret > 0)
		junk_publisher_update(engine->publisher, now);
	else
		junk_engine_log_expired(engine, now);
	if (ret >= 0 && engine->publisher != NULL)
		junk_publisher_tick(engine->publisher, now);
	return ret > 0;
}

bool junk_engine_is_behind(struct junk_engine *engine)
{
	return engine->recorder != NULL &&
		junk_recorder_is_behind(engine->recorder);
}

bool junk_engine_segment_is_current(struct junk_engine *engine)
{
	return engine->publisher == NULL ||
		junk_publisher_is_current(engine->publisher);
}

/* --- administration --- */

/* What the database holds now is the model. */
static int
junk_engine_reload_model(struct junk_engine *engine, time_t now,
			 const char **error_r)
{
	struct junk_model model;

	/* the same reports give the same scores */
	junk_learner_model(engine->learner, &model);
	engine->learner_seed = model.seed;
	junk_publisher_deinit(&engine->publisher);
	junk_learner_deinit(&engine->learner);
	if (junk_engine_load_model(engine, now) == 0 &&
	    junk_engine_publish(engine, now) == 0) {
		junk_publisher_update(engine->publisher, now);
		return 0;
	}
	*error_r = engine->fault;
	return -1;
}

static int
junk_engine_admin_failed(struct junk_engine *engine, time_t now,
			 const char **error_r)
{
	*error_r = t_strdup(junk_db_error(engine->db));
	junk_engine_db_failed(engine, now);
	return -1;
}

static int
junk_engine_lookup(struct junk_engine *engine, const struct junk_frame *frame,
		   time_t now, string_t *answer, const char **error_r)
{
	const junk_token_t *tokens;
	struct junk_db_token token;
	unsigned int count;
	int ret;

	if (junk_frame_decode_lookup(frame, &tokens, &count, error_r) < 0)
		return -1;
	for (unsigned int i = 0; i < count; i++) {
		ret = junk_recorder_lookup(engine->recorder, tokens[i],
					   &token);
		if (ret < 0)
			return junk_engine_admin_failed(engine, now, error_r);
		if (ret == 0)
			continue;
		str_printfa(answer, "%u=%s %d %d %u %016"PRIx64"\n", i,
			    junk_token_class_name(token.class_num),
			    I_MAX(token.spam, 0), I_MAX(token.ham, 0),
			    junk_db_sketch_reporters(token.sketch),
			    token.token);
	}
	return 0;
}

static int
junk_engine_forget(struct junk_engine *engine, const struct junk_frame *frame,
		   time_t now, string_t *answer, const char **error_r)
{
	struct junk_forget forget;
	unsigned int count;
	bool exact;

	if (junk_frame_decode_forget(frame, &forget, error_r) < 0)
		return -1;
	if (junk_recorder_forget(engine->recorder, &forget, &count,
				 &exact) < 0)
		return junk_engine_admin_failed(engine, now, error_r);
	str_printfa(answer, "forgotten=%u\nexact=%s\n", count,
		    exact ? "yes" : "no");
	if (count > 0) {
		e_info(engine->event, "%u reports were forgotten", count);
		if (junk_engine_reload_model(engine, now, error_r) < 0)
			return -1;
	}
	return junk_recorder_forget_rest(engine->recorder, &forget) < 0 ?
		junk_engine_admin_failed(engine, now, error_r) : 0;
}

static int
junk_engine_rebuild(struct junk_engine *engine, time_t now, string_t *answer,
		    const char **error_r)
{
	struct junk_model model;

	if (junk_recorder_drop_snapshot(engine->recorder) < 0)
		return junk_engine_admin_failed(engine, now, error_r);
	if (junk_engine_reload_model(engine, now, error_r) < 0)
		return -1;
	junk_learner_model(engine->learner, &model);
	str_printfa(answer, "model_spam=%u\nmodel_ham=%u\n",
		    model.spam_count, model.ham_count);
	e_info(engine->event, "The classifier was learned anew");
	return 0;
}

/* Without the key, the old database can't be connected with anybody. */
static int
junk_engine_drop_key(struct junk_engine *engine, time_t now,
		     string_t *answer, const char **error_r)
{
	const char *moved, *path;

	junk_db_close(&engine->db);
	moved = junk_db_move_aside(engine->db_path, now, error_r);
	if (moved == NULL)
		return -1;
	path = t_strdup_printf("%s.rekeyed-%ld", engine->db_path, (long)now);
	if (rename(moved, path) < 0)
		path = moved;
	str_printfa(answer, "old_database=%s%s\n", engine->chroot_dir, path);
	if (unlink(engine->key_path) < 0) {
		*error_r = t_strdup_printf("unlink(%s) failed: %m",
					   engine->key_path);
		return -1;
	}
	return 0;
}

static int
junk_engine_rekey(struct junk_engine *engine, time_t now, string_t *answer,
		  const char **error_r)
{
	int ret;

	junk_engine_need_adopt(engine);
	/* whose they are would be known with the new key */
	(void)junk_learner_forget_many(engine->learner, NULL, UINT32_MAX);
	ret = junk_engine_drop_key(engine, now, answer, error_r);
	/* the model goes on; the old key is used still if that failed */
	junk_recorder_deinit(&engine->recorder);
	junk_key_unref(&engine->key);
	if (junk_engine_open(engine, now) < 0 ||
	    junk_engine_adopt(engine, now) < 0) {
		*error_r = engine->fault;
		return -1;
	}
	if (ret == 0)
		e_info(engine->event, "A new key is in use");
	return ret;
}

int junk_engine_admin(struct junk_engine *engine,
		      const struct junk_frame *frame, time_t now,
		      string_t *answer, const char **error_r)
{
	if (engine->fault != NULL) {
		*error_r = engine->fault;
		return -1;
	}
	switch (frame->type) {
	case JUNK_FRAME_LOOKUP:
		return junk_engine_lookup(engine, frame, now, answer, error_r);
	case JUNK_FRAME_FORGET:
		return junk_engine_forget(engine, frame, now, answer, error_r);
	case JUNK_FRAME_REBUILD:
		return junk_engine_rebuild(engine, now, answer, error_r);
	case JUNK_FRAME_REKEY:
		return junk_engine_rekey(engine, now, answer, error_r);
	}
	*error_r = "not an administrator's frame";
	return -1;
}

/* --- status --- */

static void
junk_engine_status_counters(struct junk_engine *engine, string_t *str)
{
	const struct junk_recorder_counters *c =
		junk_recorder_get_counters(engine->recorder);
	struct junk_model model;

	str_printfa(str, "reports_recorded=%"PRIu64"\n", c->recorded);
	str_printfa(str, "reports_repeated=%"PRIu64"\n", c->repeated);
	str_printfa(str, "reports_changed=%"PRIu64"\n", c->changed);
	str_printfa(str, "reports_taken_back=%"PRIu64"\n", c->taken_back);
	str_printfa(str, "reports_burst=%"PRIu64"\n", c->burst);
	str_printfa(str, "reports_dropped_feature_set=%"PRIu64"\n",
		    c->dropped_feature_set);
	str_printfa(str, "reports_refused=%"PRIu64"\n", c->refused);
	str_printfa(str, "reports_misdated=%"PRIu64"\n", c->misdated);
	str_printfa(str, "reports_pending=%u\n",
		    junk_recorder_pending_count(engine->recorder));
	str_printfa(str, "reports_expired=%"PRIu64"\n", c->expired);
	str_printfa(str, "last_seq=%"PRId64"\n",
		    junk_recorder_last_seq(engine->recorder));
	str_printfa(str, "snapshot_seq=%"PRId64"\n",
		    junk_recorder_snapshot_seq(engine->recorder));
	str_printfa(str, "rebuild_pending=%d\n",
		    junk_recorder_is_rebuild_pending(engine->recorder) ?
		    1 : 0);
	str_printfa(str, "tokens_pending=%u\n",
		    junk_recorder_token_count(engine->recorder));
	if (engine->learner == NULL)
		return;
	str_printfa(str, "fit_pending=%d\n",
		    junk_learner_is_busy(engine->learner) ? 1 : 0);
	junk_learner_model(engine->learner, &model);
	str_printfa(str, "model_spam=%u\n", model.spam_count);
	str_printfa(str, "model_ham=%u\n", model.ham_count);
	if (junk_learner_feature_set(engine->learner) != 0) {
		str_printfa(str, "model_feature_set=%u\n",
			    junk_learner_feature_set(engine->learner));
	}
}

void junk_engine_status(struct junk_engine *engine, string_t *str)
{
	uint64_t size;

	/* "error: " is what doveadm junk status looks for; after a reload the
	   process before this one may take some seconds to end */
	str_append(str, "state=");
	if (engine->fault == NULL)
		str_append(str, "ready\n");
	else
		str_printfa(str, "%s: %s\n",
			    engine->fault_is_young ? "waiting" : "error",
			    t_strcut(engine->fault, '\n'));
	str_printfa(str, "key=%s%s\n", engine->chroot_dir, engine->key_path);
	str_printfa(str, "database=%s%s\n", engine->chroot_dir,
		    engine->db_path);
	if (engine->db != NULL && junk_db_size(engine->db, &size) == 0)
		str_printfa(str, "database_bytes=%"PRIu64"\n", size);
	str_printfa(str, "segment=%s\n", engine->segment_path);
	if (engine->publisher != NULL) {
		str_printfa(str, "segment_generation=%u\n",
			    junk_publisher_generation(engine->publisher));
	}
	if (engine->recorder != NULL)
		junk_engine_status_counters(engine, str);
}

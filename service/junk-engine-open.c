/* Starts the service, or starts it again after a fault: lock, key, database,
   model, segment. A damaged database is moved aside, and the model is kept with
   a new one. */

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "byteorder.h"
#include "junk-cluster.h"
#include "junk-key.h"
#include "junk-learner.h"
#include "junk-publisher.h"
#include "junk-recorder.h"
#include "junk-engine-private.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>

/* After a reload, the old process may take so long to end. */
#define LOCK_WAIT_SECS 30

/* Take the lock: only one process owns database and segment. The kernel
   releases the lock when the process dies. */
static int
junk_engine_lock(struct junk_engine *engine, time_t now)
{
	if (engine->lock_fd == -1) {
		engine->lock_fd = open(engine->lock_path, O_RDWR | O_CREAT |
				       O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (engine->lock_fd == -1) {
		junk_engine_set_fault(engine, t_strdup_printf(
			"open(%s) failed: %m: the directory must belong to the "
			"service's user", engine->lock_path), 0, now);
		return -1;
	}
	if (flock(engine->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	junk_engine_set_fault(engine, errno != EWOULDBLOCK ?
		t_strdup_printf("flock(%s) failed: %m", engine->lock_path) :
		t_strdup_printf("%s is locked by another process of this "
				"service: set process_limit = 1 in "
				"service junk-feedback { }",
				engine->lock_path),
		errno != EWOULDBLOCK ? 0 : LOCK_WAIT_SECS, now);
	return -1;
}

/* A key is created only together with a database, since a new key wouldn't fit
   an old database. */
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
			"%s is missing, and database %s can't be used without "
			"it: restore it from a backup, or move the database "
			"away to begin a new one", engine->key_path,
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

/* Move a damaged database aside, where the administrator finds it. Counting
   begins anew, since the filter must go on learning. */
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
	e_error(engine->event, "%s (moved to %s, a new database is created)",
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
	/* the administrator may restore the right key */
	if (fault == JUNK_DB_FAULT_KEY)
		junk_key_unref(&engine->key);
	junk_engine_set_db_fault(engine, fault, error, now);
	return -1;
}

/* Returns the seed for a new model. A snapshot has its own seed. */
static uint64_t junk_engine_get_seed(struct junk_engine *engine)
{
	buffer_t *value = t_buffer_create(sizeof(uint64_t));
	uint64_t seed = engine->learner_seed;

	if (seed != 0)
		return seed;
	if (junk_engine_is_clustered(engine))
		return junk_key_token(engine->key, 0);
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
		.ordered = junk_engine_is_clustered(engine),
		.rate = engine->set.rate,
		.uid_identities = engine->set.uid_identities,
		.min_reporters = engine->set.min_reporters,
		.retention_days = engine->set.retention_days,
		.max_database_bytes = junk_engine_is_clustered(engine) ? 0 :
			engine->set.database_size,
	};

	/* the recorder stays over a fault, with its pending reports */
	if (engine->recorder != NULL)
		return;
	engine->recorder = junk_recorder_init(&set, engine->key);
	engine->logged_refused = 0;
}

int junk_engine_open(struct junk_engine *engine, time_t now)
{
	if (junk_engine_load_key(engine, now) < 0 ||
	    junk_engine_open_db(engine, now) < 0)
		return -1;
	junk_engine_init_recorder(engine);
	return 0;
}

/* Log after an upgrade that the model is of an older feature set. */
static void junk_engine_log_feature_set(struct junk_engine *engine)
{
	unsigned int set = junk_learner_feature_set(engine->learner);

	if (set == 0 || set == JUNK_FEATURE_SET)
		return;
	e_info(engine->event, "The model was learned with feature set %u. It "
	       "is still used; tokens that feature set %u adds are learned "
	       "from new reports", set, JUNK_FEATURE_SET);
}

/* Load the model. Returns 0, or -1 if the database failed. */
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
		e_warning(engine->event, "The classifier learns again from "
			  "the reports in %s: %s", engine->db_path, error);
	}
	return 0;
}

int junk_engine_load_model(struct junk_engine *engine, time_t now)
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

int junk_engine_publish(struct junk_engine *engine, time_t now)
{
	const char *error;
	int *fd = &engine->set.segment_fd;

	if (engine->publisher != NULL)
		return 0;
	/* it failed with root's privileges, or the service never had them */
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

int junk_engine_adopt(struct junk_engine *engine, time_t now)
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

void junk_engine_need_adopt(struct junk_engine *engine)
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

/* In a cluster, a new database gets everything from the log. */
static void junk_engine_read_log_again(struct junk_engine *engine, time_t now)
{
	const char *error = t_strdup(junk_db_error(engine->db));

	junk_publisher_deinit(&engine->publisher);
	junk_learner_deinit(&engine->learner);
	junk_recorder_deinit(&engine->recorder);
	if (junk_engine_move_db_aside(engine, error, now)) {
		junk_engine_set_fault(engine, "the database is being made "
				      "again from the cluster's log", 1, now);
	}
}

void junk_engine_db_failed(struct junk_engine *engine, time_t now)
{
	enum junk_db_fault fault = junk_db_fault(engine->db);

	if (fault == JUNK_DB_FAULT_CORRUPT && junk_engine_is_clustered(engine))
		junk_engine_read_log_again(engine, now);
	else if (fault == JUNK_DB_FAULT_CORRUPT)
		junk_engine_replace_db(engine, now);
	else
		junk_engine_set_db_fault(engine, fault,
					 junk_db_error(engine->db), now);
}

/* Check that the database can be written to. */
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

/* This host is alone, or left a cluster: what it records from now on isn't in
   that cluster's log. */
static int junk_engine_leave_cluster(struct junk_engine *engine, time_t now)
{
	string_t *value = t_str_new(64);
	int ret = junk_db_meta_get(engine->db, "cluster", value);

	if (ret > 0 && str_len(value) > 0)
		ret = junk_db_meta_set(engine->db, "cluster", "", 0);
	if (ret < 0)
		junk_engine_db_failed(engine, now);
	return I_MIN(ret, 0);
}

/* Connect to the cluster's log. */
static int junk_engine_start_cluster(struct junk_engine *engine, time_t now)
{
	const char *error;

	if (!junk_engine_is_clustered(engine))
		return junk_engine_leave_cluster(engine, now);
	if (engine->cluster != NULL)
		return 0;
	e_warning(engine->event, "junk_feedback_cluster is experimental: "
		  "doc/cluster.md says what is missing");
	engine->cluster = junk_cluster_init(engine, &error);
	if (engine->cluster != NULL)
		return 0;
	junk_engine_set_fault(engine, t_strdup_printf(
		"junk_feedback_cluster: %s: install libpq5", error), 0, now);
	return -1;
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
	    junk_engine_probe_db(engine, now) < 0 ||
	    junk_engine_start_cluster(engine, now) < 0)
		return FALSE;
	junk_engine_clear_fault(engine);
	if (engine->cluster != NULL)
		junk_cluster_resume(engine->cluster);
	return TRUE;
}

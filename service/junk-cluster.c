/* See junk-cluster.h. One request to the log at a time: reports that wait, then
   records to read, then a checkpoint if one is due. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "ioloop.h"
#include "str.h"
#include "junk-clock.h"
#include "junk-cluster-record.h"
#include "junk-engine-private.h"
#include "junk-key.h"
#include "junk-learner.h"
#include "junk-log.h"
#include "junk-publisher.h"
#include "junk-rate.h"
#include "junk-recorder.h"
#include "junk-cluster.h"

/* The interval of reads when nothing is new. Others' reports are late by half of
   it on average. */
#define POLL_MSECS 200
/* A checkpoint is due after so many records, or so long after the last one. */
#define CHECKPOINT_RECORDS 3000
#define CHECKPOINT_SECS 300
/* The interval in which a host asks for one. */
#define CHECKPOINT_ASK_SECS 10
/* The same for the expiry, which happens once a day. */
#define EXPIRE_ASK_SECS 3600
#define DAY_SECS (24*60*60)

struct cluster_batch {
	/* sealed records, and where each of them ends */
	buffer_t *data;
	ARRAY(size_t) ends;
};

struct junk_cluster {
	struct junk_engine *engine;
	struct junk_log *log;
	struct timeout *to;
	/* what waits, and what is on its way: it may be in the log already */
	struct cluster_batch next, sent;
	/* limits each person's reports before they are in the log */
	struct junk_rate *rate;
	/* the log has this host's cluster */
	bool member;
	/* the last request was an append of sent */
	bool appending;
	/* all records were read */
	bool current;
	int64_t log_seq;
	time_t checkpoint_asked, expire_asked;
	uint64_t invalid_records, refused;
	char *error;
	unsigned char hash[JUNK_RECORDER_HASH_BYTES];
	int64_t hash_seq;
};

static void cluster_continue(struct junk_cluster *cluster);

/* --- batches --- */

static void batch_init(struct cluster_batch *batch)
{
	batch->data = buffer_create_dynamic(default_pool, 64*1024);
	i_array_init(&batch->ends, JUNK_RECORDER_MAX_PENDING);
}

static void batch_deinit(struct cluster_batch *batch)
{
	buffer_free(&batch->data);
	array_free(&batch->ends);
}

static void batch_clear(struct cluster_batch *batch)
{
	buffer_set_used_size(batch->data, 0);
	array_clear(&batch->ends);
}

static void
batch_add(struct cluster_batch *batch, const struct junk_key *key,
	  const struct junk_cluster_record *record)
{
	junk_cluster_record_write(key, record, batch->data);
	array_push_back(&batch->ends, &batch->data->used);
}

static void batch_append(struct junk_cluster *cluster)
{
	const unsigned int count = array_count(&cluster->sent.ends);
	struct junk_log_record *records = t_new(struct junk_log_record, count);
	const unsigned char *data = cluster->sent.data->data;
	size_t begin = 0;

	for (unsigned int i = 0; i < count; i++) {
		const size_t end = *array_idx(&cluster->sent.ends, i);

		records[i].sealed = data + begin;
		records[i].size = end - begin;
		begin = end;
	}
	cluster->appending = TRUE;
	junk_log_append(cluster->log, records, count);
}

/* --- applying records --- */

struct cluster_apply {
	struct junk_cluster *cluster;
	struct junk_recorder_position position;
	/* hour of the pending reports */
	int64_t hour;
};

/* Commit the pending reports. Returns 0, or -1 if the engine has a fault. */
static int apply_commit(struct cluster_apply *apply)
{
	struct junk_engine *engine = apply->cluster->engine;
	const struct junk_recorder_position old =
		*junk_recorder_position(engine->recorder);
	const struct junk_recorder_counters counters =
		*junk_recorder_get_counters(engine->recorder);

	if (junk_recorder_pending_count(engine->recorder) == 0)
		return 0;
	junk_recorder_set_position(engine->recorder, &apply->position);
	if (junk_recorder_commit(engine->recorder, (time_t)apply->hour) == 0) {
		junk_engine_count(engine, &counters);
		return 0;
	}
	junk_recorder_set_position(engine->recorder, &old);
	junk_recorder_drop_pending(engine->recorder);
	junk_engine_db_failed(engine, ioloop_time);
	return -1;
}

static int
apply_report(struct cluster_apply *apply, const struct junk_log_record *log,
	     const struct junk_cluster_record *record)
{
	struct junk_recorder *recorder = apply->cluster->engine->recorder;
	const struct junk_recorder_ordered ordered = {
		.seq = log->seq,
		.score = record->score,
	};

	if ((log->hour != apply->hour ||
	     junk_recorder_pending_count(recorder) >=
	     JUNK_RECORDER_MAX_PENDING) && apply_commit(apply) < 0)
		return -1;
	apply->hour = log->hour;
	junk_recorder_add_ordered(recorder, &record->report, &ordered);
	return 0;
}

static int
apply_now(struct cluster_apply *apply, const struct junk_log_record *log,
	  const struct junk_cluster_record *record)
{
	struct junk_cluster *cluster = apply->cluster;
	struct junk_engine *engine = cluster->engine;
	struct junk_recorder_position position;
	int ret;

	if (apply_commit(apply) < 0)
		return -1;
	position = apply->position;
	position.seq = log->seq;
	if (record->kind == JUNK_CLUSTER_FORGET) {
		return junk_engine_forget_ordered(engine, record->forget,
						  &position, ioloop_time);
	}
	if (record->kind == JUNK_CLUSTER_EXPIRE) {
		position.expired = I_MAX(position.expired, record->before);
		ret = junk_recorder_expire_ordered(engine->recorder, &position);
	} else {
		ret = junk_recorder_checkpoint(engine->recorder, &position);
	}
	if (ret < 0) {
		junk_engine_db_failed(engine, ioloop_time);
		return -1;
	}
	apply->position.expired = position.expired;
	junk_recorder_hash(engine->recorder, cluster->hash);
	cluster->hash_seq = log->seq;
	return 0;
}

static int
apply_record(struct cluster_apply *apply, const struct junk_log_record *log)
{
	struct junk_cluster *cluster = apply->cluster;
	struct junk_engine *engine = cluster->engine;
	struct junk_cluster_record record;
	int ret = 0;

	if (log->seq != apply->position.seq + 1) {
		e_error(engine->event, "junk_feedback_cluster: records %"PRId64
			" to %"PRId64" are missing in the log: somebody has "
			"deleted them, or it was restored from a backup",
			apply->position.seq + 1, log->seq - 1);
	}
	if (junk_cluster_record_read(engine->key, log->sealed, log->size,
				     &record) < 0) {
		if (cluster->invalid_records++ == 0) {
			e_error(engine->event, "junk_feedback_cluster: record "
				"%"PRId64" was not written with the cluster's "
				"key, or was changed: it is ignored",
				log->seq);
		}
	} else if (record.kind == JUNK_CLUSTER_REPORT) {
		ret = apply_report(apply, log, &record);
	} else {
		ret = apply_now(apply, log, &record);
	}
	if (ret < 0)
		return -1;
	apply->position.seq = log->seq;
	return 0;
}

static void
cluster_got_records(const struct junk_log_record *records, unsigned int count,
		    void *context)
{
	struct junk_cluster *cluster = context;
	struct junk_engine *engine = cluster->engine;
	struct cluster_apply apply;
	int ret = 0;

	if (engine->fault != NULL)
		return;
	i_zero(&apply);
	apply.cluster = cluster;
	apply.position = *junk_recorder_position(engine->recorder);
	for (unsigned int i = 0; i < count && ret == 0; i++) T_BEGIN {
		ret = apply_record(&apply, &records[i]);
	} T_END;
	if (ret == 0)
		ret = apply_commit(&apply);
	if (ret < 0) {
		engine->set.wake(FALSE);
		return;
	}
	if (count > 0) {
		junk_recorder_set_position(engine->recorder, &apply.position);
		junk_publisher_update(engine->publisher, ioloop_time);
		junk_engine_log_claims(engine, ioloop_time);
		cluster->log_seq = I_MAX(cluster->log_seq, apply.position.seq);
	}
	cluster->current = count == 0;
	cluster_continue(cluster);
}

/* --- the order of requests --- */

static void
cluster_seal(struct junk_cluster *cluster,
	     const struct junk_cluster_record *record,
	     struct junk_log_record *log_r)
{
	buffer_t *sealed = t_buffer_create(128);

	junk_cluster_record_write(cluster->engine->key, record, sealed);
	i_zero(log_r);
	log_r->sealed = sealed->data;
	log_r->size = sealed->used;
}

static void cluster_checkpoint(struct junk_cluster *cluster)
{
	const struct junk_cluster_record record = {
		.kind = JUNK_CLUSTER_CHECKPOINT,
		.score = JUNK_SCORE_UNKNOWN,
	};
	struct junk_log_record log;

	cluster_seal(cluster, &record, &log);
	cluster->checkpoint_asked = ioloop_time;
	junk_log_append_checkpoint(cluster->log, &log, CHECKPOINT_RECORDS,
				   CHECKPOINT_SECS);
}

/* Whole days expire, so the hosts ask for the same and one of them gets it. */
static void cluster_expire(struct junk_cluster *cluster)
{
	const int64_t keep_secs =
		(int64_t)cluster->engine->set.retention_days * DAY_SECS;
	const struct junk_cluster_record record = {
		.kind = JUNK_CLUSTER_EXPIRE,
		.score = JUNK_SCORE_UNKNOWN,
		.before = (ioloop_time - keep_secs) / DAY_SECS * DAY_SECS,
	};
	struct junk_log_record log;

	cluster_seal(cluster, &record, &log);
	cluster->expire_asked = ioloop_time;
	junk_log_append_expire(cluster->log, &log, record.before, keep_secs);
}

static void cluster_poll(struct junk_cluster *cluster)
{
	timeout_remove(&cluster->to);
	cluster->current = FALSE;
	cluster_continue(cluster);
}

static void cluster_continue(struct junk_cluster *cluster)
{
	struct junk_engine *engine = cluster->engine;

	if (!cluster->member || engine->fault != NULL ||
	    !junk_log_is_ready(cluster->log))
		return;
	timeout_remove(&cluster->to);
	if (array_count(&cluster->sent.ends) > 0) T_BEGIN {
		batch_append(cluster);
	} T_END; else if (!cluster->current) {
		junk_log_read(cluster->log,
			      junk_recorder_position(engine->recorder)->seq);
	} else if (junk_clock_has_passed(ioloop_time,
					 cluster->checkpoint_asked,
					 CHECKPOINT_ASK_SECS)) T_BEGIN {
		cluster_checkpoint(cluster);
	} T_END; else if (engine->set.retention_days > 0 &&
			  junk_clock_has_passed(ioloop_time,
						cluster->expire_asked,
						EXPIRE_ASK_SECS)) T_BEGIN {
		cluster_expire(cluster);
	} T_END; else {
		cluster->to = timeout_add_short(POLL_MSECS, cluster_poll,
						cluster);
	}
}

static void cluster_appended(int64_t seq, void *context)
{
	struct junk_cluster *cluster = context;
	const bool appending = cluster->appending;

	cluster->appending = FALSE;
	if (seq > 0)
		cluster->current = FALSE;
	cluster->log_seq = I_MAX(cluster->log_seq, seq);
	if (appending) {
		batch_clear(&cluster->sent);
		cluster->engine->set.wake(TRUE);
	}
	cluster_continue(cluster);
}

/* --- the connection --- */

static void cluster_set_error(struct junk_cluster *cluster, const char *error)
{
	const bool same = cluster->error != NULL && error != NULL &&
		strcmp(cluster->error, error) == 0;

	if (!same && error != NULL) {
		e_error(cluster->engine->event, "%s (reports wait in the "
			"users' spools)", error);
	} else if (error == NULL && cluster->error != NULL) {
		e_info(cluster->engine->event,
		       "junk_feedback_cluster: connected again");
	}
	if (!same) {
		i_free(cluster->error);
		cluster->error = i_strdup(error);
	}
}

static void cluster_failed(const char *error, void *context)
{
	struct junk_cluster *cluster = context;

	timeout_remove(&cluster->to);
	cluster->appending = FALSE;
	cluster->member = FALSE;
	cluster_set_error(cluster, error);
}

/* Check that this host's state is one of this cluster. Returns the error, NULL =
   it is. */
static const char *
cluster_check(struct junk_cluster *cluster, const struct junk_log_head *head)
{
	struct junk_engine *engine = cluster->engine;
	string_t *value = t_str_new(64);
	int ret;

	if (junk_recorder_position(engine->recorder)->seq + 1 <
	    head->first_seq) {
		return "junk_feedback_cluster: this host lacks records that "
			"have expired: copy the database of another host "
			"(doc/cluster.md)";
	}
	ret = junk_db_meta_get(engine->db, "cluster", value);
	if (ret == 0 && junk_recorder_last_seq(engine->recorder) <= 1) {
		ret = junk_db_meta_set(engine->db, "cluster", head->cluster,
				       strlen(head->cluster));
		return ret < 0 ? junk_db_error(engine->db) : NULL;
	}
	if (ret < 0)
		return junk_db_error(engine->db);
	if (strcmp(str_c(value), head->cluster) != 0) {
		return "junk_feedback_cluster: this host's database has "
			"reports of its own or of another cluster: move it "
			"away to join this one";
	}
	if (head->seq < junk_recorder_position(engine->recorder)->seq) {
		return "junk_feedback_cluster: the log has lost records that "
			"this host has: was it restored from a backup?";
	}
	return NULL;
}

static void cluster_ready(const struct junk_log_head *head, void *context)
{
	struct junk_cluster *cluster = context;
	const char *error;

	if (cluster->engine->fault != NULL)
		return;
	error = cluster_check(cluster, head);
	cluster_set_error(cluster, error);
	cluster->member = error == NULL;
	cluster->current = FALSE;
	cluster->expire_asked = 0;
	cluster->log_seq = head->seq;
	if (cluster->member)
		cluster->engine->set.wake(FALSE);
	cluster_continue(cluster);
}

static const struct junk_log_callbacks log_callbacks = {
	.ready = cluster_ready,
	.failed = cluster_failed,
	.read = cluster_got_records,
	.appended = cluster_appended,
};

/* --- interface --- */

static void
cluster_log_settings(const struct junk_engine *engine,
		     struct junk_log_settings *set_r)
{
	i_zero(set_r);
	set_r->conninfo = engine->set.cluster;
	junk_key_check(engine->key, set_r->check);
}

int junk_cluster_create(struct junk_cluster *cluster, const char **error_r)
{
	struct junk_log_settings set;

	cluster_log_settings(cluster->engine, &set);
	return junk_log_create(&set, error_r);
}

struct junk_cluster *
junk_cluster_init(struct junk_engine *engine, const char **error_r)
{
	struct junk_cluster *cluster = i_new(struct junk_cluster, 1);
	struct junk_log_settings set;

	cluster_log_settings(engine, &set);
	cluster->engine = engine;
	cluster->log = junk_log_init(&set, &log_callbacks, cluster, error_r);
	if (cluster->log == NULL) {
		i_free(cluster);
		return NULL;
	}
	batch_init(&cluster->next);
	batch_init(&cluster->sent);
	cluster->rate = junk_rate_init();
	return cluster;
}

void junk_cluster_deinit(struct junk_cluster **_cluster)
{
	struct junk_cluster *cluster = *_cluster;

	if (cluster == NULL)
		return;
	*_cluster = NULL;
	timeout_remove(&cluster->to);
	junk_log_deinit(&cluster->log);
	junk_rate_deinit(&cluster->rate);
	batch_deinit(&cluster->next);
	batch_deinit(&cluster->sent);
	i_free(cluster->error);
	i_free(cluster);
}

unsigned int junk_cluster_pending_count(const struct junk_cluster *cluster)
{
	return array_count(&cluster->next.ends);
}

/* Returns TRUE if the person has sent so many reports in this hour that they
   aren't even recorded. */
static bool
cluster_is_flood(struct junk_cluster *cluster, const struct junk_report *report)
{
	const unsigned int rate = cluster->engine->set.rate;

	return rate != 0 && !junk_report_is_admins(report) &&
		junk_rate_add(cluster->rate, ioloop_time, report->reporter) >
		rate * JUNK_RECORDER_REFUSE_FACTOR;
}

void junk_cluster_add(struct junk_cluster *cluster,
		      const struct junk_report *report)
{
	struct junk_engine *engine = cluster->engine;
	struct junk_cluster_record record;
	struct junk_model model;
	struct junk_score score;
	uint64_t id;

	if (cluster_is_flood(cluster, report)) {
		cluster->refused++;
		return;
	}
	i_zero(&record);
	record.kind = JUNK_CLUSTER_REPORT;
	record.report = *report;
	id = junk_key_report_id(engine->key, report->reporter, report->digest);
	memset(record.report.digest, 0, sizeof(record.report.digest));
	memcpy(record.report.digest, &id, sizeof(id));
	junk_learner_model(engine->learner, &model);
	junk_model_score(&model, report->tokens, report->token_count,
			 report->reporter, &score);
	record.score = score.score;
	batch_add(&cluster->next, engine->key, &record);
}

enum junk_engine_commit junk_cluster_commit(struct junk_cluster *cluster)
{
	struct cluster_batch batch;

	if (!cluster->member || array_count(&cluster->sent.ends) > 0)
		return JUNK_ENGINE_COMMIT_BUSY;
	/* those that were refused wait for nothing */
	if (array_count(&cluster->next.ends) == 0)
		return JUNK_ENGINE_COMMIT_DONE;
	batch = cluster->sent;
	cluster->sent = cluster->next;
	cluster->next = batch;
	cluster_continue(cluster);
	return JUNK_ENGINE_COMMIT_SENT;
}

int junk_cluster_forget(struct junk_cluster *cluster,
			const struct junk_forget *forget, const char **error_r)
{
	const struct junk_cluster_record record = {
		.kind = JUNK_CLUSTER_FORGET,
		.score = JUNK_SCORE_UNKNOWN,
		.forget = forget,
	};

	if (!cluster->member) {
		*error_r = cluster->error != NULL ? cluster->error :
			"junk_feedback_cluster: not connected yet";
		return -1;
	}
	batch_add(&cluster->next, cluster->engine->key, &record);
	cluster->engine->set.wake(FALSE);
	return 0;
}

void junk_cluster_resume(struct junk_cluster *cluster)
{
	cluster->current = FALSE;
	cluster_continue(cluster);
}

void junk_cluster_status(const struct junk_cluster *cluster, string_t *str)
{
	const int64_t seq =
		junk_recorder_position(cluster->engine->recorder)->seq;

	str_printfa(str, "cluster=%s\n", cluster->member ? "connected" :
		    cluster->error == NULL ? "connecting" :
		    t_strconcat("error: ", cluster->error, NULL));
	str_printfa(str, "cluster_seq=%"PRId64"\n", seq);
	str_printfa(str, "cluster_behind=%"PRId64"\n",
		    I_MAX(cluster->log_seq - seq, 0));
	str_printfa(str, "cluster_invalid_records=%"PRIu64"\n",
		    cluster->invalid_records);
	str_printfa(str, "cluster_refused=%"PRIu64"\n", cluster->refused);
	if (cluster->hash_seq > 0) {
		str_printfa(str, "cluster_state=%"PRId64" ", cluster->hash_seq);
		for (unsigned int i = 0; i < sizeof(cluster->hash); i++)
			str_printfa(str, "%02x", cluster->hash[i]);
		str_append_c(str, '\n');
	}
}

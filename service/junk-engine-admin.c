/* Commands of doveadm junk: lookup, forget, rebuild, rekey, status. */

#include "lib.h"
#include "str.h"
#include "junk-cluster.h"
#include "junk-key.h"
#include "junk-learner.h"
#include "junk-publisher.h"
#include "junk-recorder.h"
#include "junk-engine-private.h"

#include <stdio.h>
#include <unistd.h>

/* Rebuild the model from the database. */
static int
junk_engine_reload_model(struct junk_engine *engine, time_t now,
			 const char **error_r)
{
	struct junk_model model;

	/* keep the seed, so that the same reports give the same scores */
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

/* Take back reports, or only count them, if forget has dry_run. always: load the
   model again even if there are none. */
static int
junk_engine_take_back(struct junk_engine *engine,
		      const struct junk_forget *forget, bool always, time_t now,
		      unsigned int *count_r, bool *exact_r,
		      const char **error_r)
{
	if (junk_recorder_forget(engine->recorder, forget, count_r,
				 exact_r) < 0)
		return junk_engine_admin_failed(engine, now, error_r);
	if (forget->dry_run)
		return 0;
	if (*count_r > 0)
		e_info(engine->event, "Took back %u reports", *count_r);
	if ((*count_r > 0 || always) &&
	    junk_engine_reload_model(engine, now, error_r) < 0)
		return -1;
	return junk_recorder_forget_rest(engine->recorder, forget) < 0 ?
		junk_engine_admin_failed(engine, now, error_r) : 0;
}

int junk_engine_forget_ordered(struct junk_engine *engine,
			       const struct junk_forget *forget,
			       const struct junk_recorder_position *position,
			       time_t now)
{
	const char *error;
	unsigned int count;
	bool exact;

	junk_recorder_set_position(engine->recorder, position);
	if (junk_engine_take_back(engine, forget, TRUE, now, &count, &exact,
				  &error) < 0)
		return -1;
	if (junk_recorder_checkpoint(engine->recorder, position) == 0)
		return 0;
	return junk_engine_admin_failed(engine, now, &error);
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
	if (engine->cluster != NULL && !forget.dry_run) {
		str_append(answer, "cluster=yes\n");
		return junk_cluster_forget(engine->cluster, &forget, error_r);
	}
	if (junk_engine_take_back(engine, &forget, FALSE, now, &count, &exact,
				  error_r) < 0)
		return -1;
	str_printfa(answer, "%sforgotten=%u\nexact=%s\n",
		    forget.dry_run ? "dry_run=yes\n" : "", count,
		    exact ? "yes" : "no");
	return 0;
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
	e_info(engine->event, "The classifier has learned again from the "
			      "stored reports");
	return 0;
}

/* Move the old database aside and delete its key. Without the key the database
   can't be connected with any user. */
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
	/* the model is kept. If drop_key failed, the old key stays in use */
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

static int
junk_engine_cluster_init(struct junk_engine *engine, string_t *answer,
			 const char **error_r)
{
	if (engine->cluster == NULL) {
		*error_r = "set junk_feedback_cluster to the connection string "
			"of a PostgreSQL database";
		return -1;
	}
	if (junk_cluster_create(engine->cluster, error_r) < 0)
		return -1;
	str_append(answer, "cluster=created\n");
	return 0;
}

int junk_engine_admin(struct junk_engine *engine,
		      const struct junk_frame *frame, time_t now,
		      string_t *answer, const char **error_r)
{
	if (engine->fault != NULL) {
		*error_r = engine->fault;
		return -1;
	}
	if (engine->cluster != NULL && (frame->type == JUNK_FRAME_REBUILD ||
					frame->type == JUNK_FRAME_REKEY)) {
		*error_r = "this isn't possible on one host of a cluster "
			"(junk_feedback_cluster)";
		return -1;
	}
	switch (frame->type) {
	case JUNK_FRAME_LOOKUP:
		return junk_engine_lookup(engine, frame, now, answer, error_r);
	case JUNK_FRAME_FORGET:
		return junk_engine_forget(engine, frame, now, answer, error_r);
	case JUNK_FRAME_REBUILD:
		return junk_engine_rebuild(engine, now, answer, error_r);
	case JUNK_FRAME_CLUSTER_INIT:
		return junk_engine_cluster_init(engine, answer, error_r);
	case JUNK_FRAME_REKEY:
		return junk_engine_rekey(engine, now, answer, error_r);
	}
	*error_r = "frame isn't an administrative command";
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

	/* doveadm junk status looks for "error: ". After a reload the previous
	   process may take some seconds to end */
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
	if (engine->cluster != NULL && engine->recorder != NULL)
		junk_cluster_status(engine->cluster, str);
}

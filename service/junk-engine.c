/* The service without its sockets: recorder, learner, publisher, and the
   handling of a failed database. */

#include "lib.h"
#include "junk-cluster.h"
#include "junk-key.h"
#include "junk-learner.h"
#include "junk-publisher.h"
#include "junk-recorder.h"
#include "junk-engine-private.h"

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

/* The recorder holds pending reports, so it is closed only at the end. */
static void junk_engine_close(struct junk_engine *engine)
{
	junk_cluster_deinit(&engine->cluster);
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
	/* so that the next start has nothing to replay; in a cluster, the log
	   says when there is a snapshot */
	if (engine->fault == NULL && !junk_engine_is_clustered(engine) &&
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

/* --- reports --- */

bool junk_engine_is_full(struct junk_engine *engine)
{
	if (junk_engine_is_clustered(engine)) {
		/* reports are scored before they are sent */
		return engine->cluster == NULL || engine->learner == NULL ||
			junk_cluster_pending_count(engine->cluster) >=
			JUNK_RECORDER_MAX_PENDING;
	}
	return engine->recorder == NULL ||
		junk_recorder_pending_count(engine->recorder) >=
		JUNK_RECORDER_MAX_PENDING;
}

void junk_engine_add(struct junk_engine *engine,
		     const struct junk_report *report)
{
	if (engine->cluster != NULL)
		junk_cluster_add(engine->cluster, report);
	else
		junk_recorder_add(engine->recorder, report);
}

enum junk_engine_commit
junk_engine_commit(struct junk_engine *engine, time_t now)
{
	struct junk_recorder_counters old;

	if (engine->cluster != NULL) {
		return junk_cluster_commit(engine->cluster);
	}
	/* twice: after an error, a damaged database is replaced once */
	for (unsigned int i = 0; i < 2 && engine->fault == NULL; i++) {
		old = *junk_recorder_get_counters(engine->recorder);
		if (junk_recorder_commit(engine->recorder, now) == 0) {
			junk_engine_count(engine, &old);
			junk_engine_log_refused(engine, now);
			junk_engine_log_misdated(engine, now);
			junk_publisher_update(engine->publisher, now);
			junk_engine_log_claims(engine, now);
			return JUNK_ENGINE_COMMIT_DONE;
		}
		junk_engine_db_failed(engine, now);
	}
	return JUNK_ENGINE_COMMIT_FAILED;
}

bool junk_engine_maintain(struct junk_engine *engine, time_t now)
{
	int ret;

	if (engine->fault != NULL)
		return FALSE;
	ret = junk_recorder_maintain(engine->recorder, now);
	if (ret < 0)
		junk_engine_db_failed(engine, now);
	/* the weights no longer have undone reports, so the numbers in the
	   header must be updated too */
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

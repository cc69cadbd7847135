/* Messages to the log and events for metrics about reports. Each kind is logged
   once in a while. */

#include "lib.h"
#include "junk-clock.h"
#include "junk-learner.h"
#include "junk-recorder.h"
#include "junk-engine-private.h"

/* Expired reports are logged if there were so many within JUNK_ENGINE_LOG_SECS,
   and if they were more than this fraction of the reports that are left. */
#define EXPIRED_LOG_REPORTS 1000
#define EXPIRED_LOG_PART 10
/* The minimum interval of messages about whether scores of 90 and above are
   given. */
#define CLAIMS_LOG_SECS 600

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

void junk_engine_count(struct junk_engine *engine,
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

/* Returns how much a counter has grown since it was last logged, and marks that as
   logged; 0 if it hasn't grown, or was logged less than JUNK_ENGINE_LOG_SECS ago. */
static uint64_t
junk_engine_log_take(uint64_t count, uint64_t *logged, time_t *logged_time,
		     time_t now)
{
	const uint64_t added = count - *logged;

	if (added == 0 ||
	    !junk_clock_has_passed(now, *logged_time, JUNK_ENGINE_LOG_SECS))
		return 0;
	*logged = count;
	*logged_time = now;
	return added;
}

void junk_engine_log_refused(struct junk_engine *engine, time_t now)
{
	const uint64_t refused = junk_engine_log_take(
		junk_recorder_get_counters(engine->recorder)->refused,
		&engine->logged_refused, &engine->refused_time, now);

	if (refused == 0)
		return;
	e_warning(engine->event, "%"PRIu64" reports were refused: over %u "
		  "times junk_feedback_rate, or from a uid that does not "
		  "belong to the reporter (junk_feedback_uid_identities)",
		  refused,
		  JUNK_RECORDER_REFUSE_FACTOR);
}

void junk_engine_log_misdated(struct junk_engine *engine, time_t now)
{
	const uint64_t misdated = junk_engine_log_take(
		junk_recorder_get_counters(engine->recorder)->misdated,
		&engine->logged_misdated, &engine->misdated_time, now);

	if (misdated == 0)
		return;
	e_warning(engine->event, "%"PRIu64" reports had a time in the future "
		  "or before junk_feedback_retention: the nearest valid "
		  "time is used", misdated);
}

void junk_engine_log_expired(struct junk_engine *engine, time_t now)
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
			  "last expiry: check the clock. Reports expire in "
			  "steps of a day until it has been ahead for a day",
			  (long)(lag / 86400) + 1);
	}
	if (!junk_clock_has_passed(now, engine->expired_time, JUNK_ENGINE_LOG_SECS))
		return;
	if (expired - engine->logged_expired >= EXPIRED_LOG_REPORTS &&
	    junk_recorder_report_count(engine->recorder, &kept) == 0 &&
	    expired - engine->logged_expired > kept / EXPIRED_LOG_PART) {
		e_warning(engine->event, "%"PRIu64" reports were deleted, "
			  "%"PRIu64" are left: the deleted reports were older "
			  "than junk_feedback_retention, or the database "
			  "exceeded junk_feedback_database_size",
			  expired - engine->logged_expired, kept);
	}
	engine->logged_expired = expired;
	engine->expired_time = now;
}

void junk_engine_log_claims(struct junk_engine *engine, time_t now)
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
		e_info(engine->event, "The reports now separate good mail from "
		       "spam: scores of 90 and above are in use");
	} else {
		e_info(engine->event, "Still learning: only near copies of "
		       "reported spam score 90 and above until more good mail "
		       "and spam are reported (doveadm junk start)");
	}
	engine->claims_time = now;
	engine->claims_logged = claims;
}

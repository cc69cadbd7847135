/* Faults: why the service can't record reports, when this is logged, and when
   it is tried again. */

#include "lib.h"
#include "junk-clock.h"
#include "junk-engine-private.h"

/* Another process may hold a lock on the database for so long before it is
   logged. */
#define BUSY_WAIT_SECS 5

/* Delays before the next attempt. */
#define RETRY_BUSY_MSECS 100
#define RETRY_MSECS 1000

/* Returns TRUE if two faults have the same cause. With a full disk or a lock,
   different functions fail. */
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
	    !junk_clock_has_passed(now, engine->logged_time, JUNK_ENGINE_LOG_SECS))
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

void junk_engine_set_fault(struct junk_engine *engine, const char *fault,
			   unsigned int wait_secs, time_t now)
{
	junk_engine_set_any_fault(engine, JUNK_DB_FAULT_NONE, fault, wait_secs,
				  now);
}

void junk_engine_set_db_fault(struct junk_engine *engine,
			      enum junk_db_fault fault, const char *error,
			      time_t now)
{
	junk_engine_set_any_fault(engine, fault, error,
				  fault == JUNK_DB_FAULT_BUSY ?
				  BUSY_WAIT_SECS : 0, now);
}

void junk_engine_clear_fault(struct junk_engine *engine)
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

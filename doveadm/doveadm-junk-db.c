#include "lib.h"
#include "str.h"

#include "junk-settings.h"
#include "doveadm-junk.h"
#include "doveadm-junk-db.h"

#include <unistd.h>

#define DB_FNAME "stats.sqlite3"
#define DB_DIRNAME "junk-feedback"
/* A reader waits only during a checkpoint or an upgrade. */
#define DB_BUSY_MSECS 5000

const char *doveadm_junk_db_path(void)
{
	const char *dir;

	dir = doveadm_junk_settings_get(NULL, unsafe_data_stack_pool)->
		junk_feedback_state_dir;
	if (*dir != '\0')
		return t_strconcat(dir, "/"DB_FNAME, NULL);
	return t_strconcat(doveadm_junk_state_dir(),
			   "/"DB_DIRNAME"/"DB_FNAME, NULL);
}

static int db_pragma(sqlite3 *db, const char *name, int64_t *value_r)
{
	const char *sql = t_strconcat("PRAGMA ", name, NULL);
	sqlite3_stmt *stmt;
	int ret = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		*value_r = sqlite3_column_int64(stmt, 0);
		ret = 0;
	}
	(void)sqlite3_finalize(stmt);
	return ret;
}

static int db_check(sqlite3 *db, const char *path, const char **error_r)
{
	int64_t id, version;

	if (db_pragma(db, "application_id", &id) < 0 ||
	    db_pragma(db, "user_version", &version) < 0) {
		*error_r = t_strdup_printf("%s: %s", path, sqlite3_errmsg(db));
		return -1;
	}
	if (id != JUNK_DATABASE_APPLICATION_ID) {
		*error_r = t_strdup_printf(
			"%s isn't a database of junk-feedback", path);
		return -1;
	}
	if (version == JUNK_DATABASE_VERSION)
		return 0;
	*error_r = version < JUNK_DATABASE_VERSION ?
		t_strdup_printf("%s has an older version (%d): it is "
			"upgraded when the service starts", path,
			(int)version) :
		t_strdup_printf("%s has a newer version (%d, this program "
			"supports %d): install the version of "
			"dovecot-junk-feedback that has written it", path,
			(int)version, JUNK_DATABASE_VERSION);
	return -1;
}

int doveadm_junk_db_open(sqlite3 **db_r, const char **error_r)
{
	const char *path = doveadm_junk_db_path();

	if (access(path, F_OK) < 0) {
		*error_r = t_strdup_printf("%s: %m: the service "
			"junk-feedback creates this file when it starts: see "
			"doveadm junk status", path);
		return -1;
	}
	if (sqlite3_open_v2(path, db_r, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK) {
		*error_r = t_strdup_printf("%s: %s (run doveadm as root)",
			path, sqlite3_errmsg(*db_r));
		doveadm_junk_db_close(db_r);
		return -1;
	}
	(void)sqlite3_busy_timeout(*db_r, DB_BUSY_MSECS);
	if (db_check(*db_r, path, error_r) < 0) {
		doveadm_junk_db_close(db_r);
		return -1;
	}
	return 0;
}

void doveadm_junk_db_close(sqlite3 **db)
{
	(void)sqlite3_close(*db);
	*db = NULL;
}

sqlite3 *doveadm_junk_db_begin(const char *command)
{
	const char *error;
	sqlite3 *db;

	if (doveadm_junk_db_open(&db, &error) == 0)
		return db;
	i_error("%s: %s", command, error);
	doveadm_exit_code = EX_NOINPUT;
	return NULL;
}

static void db_failed(sqlite3 *db, const char *command)
{
	i_error("%s: %s: %s", command, sqlite3_db_filename(db, "main"),
		sqlite3_errmsg(db));
	doveadm_exit_code = EX_DATAERR;
}

sqlite3_stmt *
doveadm_junk_db_query(sqlite3 *db, const char *command, const char *sql,
		      const int64_t *args, unsigned int args_count)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		db_failed(db, command);
		return NULL;
	}
	for (unsigned int i = 0; i < args_count; i++)
		(void)sqlite3_bind_int64(stmt, (int)i + 1, args[i]);
	return stmt;
}

bool doveadm_junk_db_next(sqlite3 *db, const char *command,
			  sqlite3_stmt **stmt)
{
	int ret;

	if (*stmt == NULL)
		return FALSE;
	ret = sqlite3_step(*stmt);
	if (ret == SQLITE_ROW)
		return TRUE;
	if (ret != SQLITE_DONE)
		db_failed(db, command);
	(void)sqlite3_finalize(*stmt);
	*stmt = NULL;
	return FALSE;
}

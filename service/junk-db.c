/* The database: faults, statements, transactions and size. The tables are in
   junk-db-log.c, junk-db-tokens.c, junk-db-identities.c and junk-db-state.c. */

#include "lib.h"
#include "junk-db-private.h"

/* Number of pages that one junk_db_shrink() returns to the file system. */
#define JUNK_DB_SHRINK_PAGES 64

static const char *const statements[JUNK_DB_STMT_COUNT] = {
	[JUNK_DB_STMT_BEGIN] = "BEGIN IMMEDIATE",
	[JUNK_DB_STMT_COMMIT] = "COMMIT",
	[JUNK_DB_STMT_SIZE] =
		("SELECT (page_count - freelist_count) * page_size FROM "
		"pragma_page_count, pragma_freelist_count, pragma_page_size"),
};

/* --- faults --- */

static enum junk_db_fault junk_db_fault_from_code(int code, int system_errno)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return JUNK_DB_FAULT_BUSY;
	case SQLITE_FULL:
		return JUNK_DB_FAULT_FULL;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return JUNK_DB_FAULT_READONLY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return JUNK_DB_FAULT_CORRUPT;
	case SQLITE_IOERR:
		if (code == SQLITE_IOERR_CORRUPTFS)
			return JUNK_DB_FAULT_CORRUPT;
		if (system_errno == ENOSPC || system_errno == EDQUOT)
			return JUNK_DB_FAULT_FULL;
		break;
	}
	return JUNK_DB_FAULT_OTHER;
}

static const char *junk_db_fault_fix(enum junk_db_fault fault)
{
	switch (fault) {
	case JUNK_DB_FAULT_BUSY:
		return "another process has locked the database: stop the "
			"program that writes to it (sqlite3 -readonly is "
			"allowed)";
	case JUNK_DB_FAULT_FULL:
		return "the disk or quota is full: free some space";
	case JUNK_DB_FAULT_READONLY:
		return "check the owner and mode of the file and its "
			"directory (both must belong to the service's user), "
			"and that the file system isn't mounted read-only";
	case JUNK_DB_FAULT_CORRUPT:
		return "the file is damaged and is moved aside: sqlite3's "
			".recover may restore its content";
	default:
		return "see sqlite.org/rescode.html";
	}
}

void junk_db_set_error(struct junk_db *db, enum junk_db_fault fault,
		       const char *error)
{
	i_free(db->error);
	db->fault = fault;
	db->error = i_strdup(error);
}

int junk_db_fail(struct junk_db *db, const char *what)
{
	int code = sqlite3_extended_errcode(db->sqlite);
	enum junk_db_fault fault = junk_db_fault_from_code(
		code, sqlite3_system_errno(db->sqlite));

	junk_db_set_error(db, fault, t_strdup_printf(
		"database %s: %s: %s (%d): %s", db->path, what,
		sqlite3_errmsg(db->sqlite), code, junk_db_fault_fix(fault)));
	return -1;
}

enum junk_db_fault junk_db_fault(struct junk_db *db)
{
	return db->fault;
}

const char *junk_db_error(struct junk_db *db)
{
	return db->error != NULL ? db->error : "no error";
}

/* --- statements --- */

int junk_db_prepare(struct junk_db *db, const char *const *statements,
		    enum junk_db_stmt num, sqlite3_stmt **stmt_r)
{
	*stmt_r = NULL;
	if (db->stmts[num] == NULL &&
	    sqlite3_prepare_v3(db->sqlite, statements[num], -1,
			       SQLITE_PREPARE_PERSISTENT, &db->stmts[num],
			       NULL) != SQLITE_OK)
		return junk_db_fail(db, "prepare");
	*stmt_r = db->stmts[num];
	return 0;
}

int junk_db_run(struct junk_db *db, sqlite3_stmt *stmt, const char *what)
{
	int ret = 0;

	if (sqlite3_step(stmt) != SQLITE_DONE)
		ret = junk_db_fail(db, what);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return ret;
}

int junk_db_row(struct junk_db *db, sqlite3_stmt *stmt, const char *what)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	}
	return junk_db_fail(db, what);
}

int junk_db_delete(struct junk_db *db, sqlite3_stmt *stmt, const char *what)
{
	int count = sqlite3_total_changes(db->sqlite);

	if (junk_db_run(db, stmt, what) < 0)
		return -1;
	count = sqlite3_total_changes(db->sqlite) - count;
	if (count > 0)
		db->wal_has_deleted = TRUE;
	return count;
}

int junk_db_expire(struct junk_db *db, const char *const *statements,
		   enum junk_db_stmt num, int64_t before, const char *what)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements, num, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, before);
	return junk_db_delete(db, stmt, what) < 0 ? -1 : 0;
}

int junk_db_exec(struct junk_db *db, const char *sql)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		return junk_db_fail(db, "exec");
	return 0;
}

int junk_db_get_int(struct junk_db *db, const char *sql, int64_t *value_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
		return junk_db_fail(db, "prepare");
	ret = junk_db_row(db, stmt, sql);
	*value_r = ret > 0 ? sqlite3_column_int64(stmt, 0) : 0;
	(void)sqlite3_finalize(stmt);
	return ret < 0 ? -1 : 0;
}

/* --- transactions --- */

/* Release the last row that was found. It is valid until the end of the
   transaction: holding it longer would keep the connection on an old state of
   the database. */
static void junk_db_release_row(struct junk_db *db)
{
	(void)sqlite3_reset(db->stmts[JUNK_DB_STMT_REPORT_FIND]);
}

int junk_db_begin(struct junk_db *db)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_BEGIN, &stmt) < 0)
		return -1;
	return junk_db_run(db, stmt, "begin");
}

int junk_db_commit(struct junk_db *db)
{
	sqlite3_stmt *stmt;

	junk_db_release_row(db);
	if (junk_db_prepare(db, statements, JUNK_DB_STMT_COMMIT, &stmt) < 0 ||
	    junk_db_run(db, stmt, "commit") < 0) {
		junk_db_rollback(db);
		return -1;
	}
	return 0;
}

void junk_db_rollback(struct junk_db *db)
{
	junk_db_release_row(db);
	/* SQLite may have rolled back already */
	if (sqlite3_get_autocommit(db->sqlite) == 0) {
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	}
}

/* --- size --- */

int junk_db_size(struct junk_db *db, uint64_t *size_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_SIZE, &stmt) < 0)
		return -1;
	ret = junk_db_row(db, stmt, "size");
	if (ret > 0)
		*size_r = (uint64_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return ret > 0 ? 0 : -1;
}

int junk_db_shrink(struct junk_db *db, uint64_t max_bytes)
{
	int64_t size;

	if (junk_db_get_int(db, "SELECT page_count * page_size FROM "
			    "pragma_page_count, pragma_page_size", &size) < 0)
		return -1;
	if ((uint64_t)size <= max_bytes)
		return 0;
	return junk_db_exec(db, t_strdup_printf(
		"PRAGMA incremental_vacuum(%d)", JUNK_DB_SHRINK_PAGES)) < 0 ?
		-1 : 1;
}

int junk_db_empty_wal(struct junk_db *db)
{
	int64_t busy;

	if (!db->wal_has_deleted)
		return 1;
	if (junk_db_get_int(db, "PRAGMA wal_checkpoint(TRUNCATE)", &busy) < 0)
		return -1;
	db->wal_has_deleted = busy != 0;
	return busy == 0 ? 1 : 0;
}

int junk_db_set_max_pages(struct junk_db *db, unsigned int pages)
{
	return junk_db_exec(db, t_strdup_printf(
		"PRAGMA max_page_count = %u", pages));
}

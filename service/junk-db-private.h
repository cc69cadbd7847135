#ifndef JUNK_DB_PRIVATE_H
#define JUNK_DB_PRIVATE_H

#include "junk-db.h"

#include <sqlite3.h>

enum junk_db_stmt {
	JUNK_DB_STMT_BEGIN,
	JUNK_DB_STMT_COMMIT,
	JUNK_DB_STMT_REPORT_FIND,
	JUNK_DB_STMT_REPORT_INSERT,
	JUNK_DB_STMT_REPORT_UNDO,
	JUNK_DB_STMT_REPORT_RESEAL,
	JUNK_DB_STMT_REPORT_EXPIRE,
	JUNK_DB_STMT_REPORT_EXPIRE_BURSTS,
	JUNK_DB_STMT_REPORT_WINDOW,
	JUNK_DB_STMT_REPORT_DELETE,
	JUNK_DB_STMT_LAST_SEQ,
	JUNK_DB_STMT_ID_FIND,
	JUNK_DB_STMT_ID_SET,
	JUNK_DB_STMT_ID_EXPIRE,
	JUNK_DB_STMT_HOUR_ADD,
	JUNK_DB_STMT_HOUR_EXPIRE,
	JUNK_DB_STMT_TOKEN_ADD,
	JUNK_DB_STMT_TOKEN_SKIP,
	JUNK_DB_STMT_TOKEN_EXPIRE,
	JUNK_DB_STMT_TOKEN_CLEAR,
	JUNK_DB_STMT_TOKEN_FIND,
	JUNK_DB_STMT_IDENTITY_FIND,
	JUNK_DB_STMT_IDENTITY_COUNT,
	JUNK_DB_STMT_IDENTITY_SET,
	JUNK_DB_STMT_IDENTITY_EXPIRE,
	JUNK_DB_STMT_FIRST_SEQ,
	JUNK_DB_STMT_META_SET,
	JUNK_DB_STMT_META_GET,
	JUNK_DB_STMT_SNAPSHOT_SET,
	JUNK_DB_STMT_SNAPSHOT_GET,
	JUNK_DB_STMT_SIZE,

	JUNK_DB_STMT_COUNT
};

struct junk_db {
	char *path;
	sqlite3 *sqlite;
	sqlite3_stmt *stmts[JUNK_DB_STMT_COUNT];
	enum junk_db_fault fault;
	char *error;
	/* deleted data may still be in older pages of the WAL */
	bool wal_has_deleted;
};

void junk_db_set_error(struct junk_db *db, enum junk_db_fault fault,
		       const char *error);
/* Store SQLite's last error. Always returns -1. */
int junk_db_fail(struct junk_db *db, const char *what);
/* Get a prepared statement. statements is the caller's table of SQL texts.
   Returns 0 or -1. */
int junk_db_prepare(struct junk_db *db, const char *const *statements,
		    enum junk_db_stmt num, sqlite3_stmt **stmt_r);
/* Run a statement without result rows. Returns 0 or -1. */
int junk_db_run(struct junk_db *db, sqlite3_stmt *stmt, const char *what);
/* Step a statement. Returns 1 if there is a row, which is valid until
   sqlite3_reset(), 0 if not, -1 on error. */
int junk_db_row(struct junk_db *db, sqlite3_stmt *stmt, const char *what);
/* Run a DELETE. Returns the number of deleted rows, or -1. */
int junk_db_delete(struct junk_db *db, sqlite3_stmt *stmt, const char *what);
/* Delete all rows of a time before the given one. Returns 0 or -1. */
int junk_db_expire(struct junk_db *db, const char *const *statements,
		   enum junk_db_stmt num, int64_t before, const char *what);
int junk_db_exec(struct junk_db *db, const char *sql);
int junk_db_get_int(struct junk_db *db, const char *sql, int64_t *value_r);

#endif

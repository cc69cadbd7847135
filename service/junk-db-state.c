/* The tables meta and snapshot: values by name, and the learner's state in
   parts. */

#include "lib.h"
#include "buffer.h"
#include "junk-db-private.h"

static const char *const statements[JUNK_DB_STMT_COUNT] = {
	[JUNK_DB_STMT_META_SET] =
		("INSERT INTO meta (name, value) VALUES (?1, ?2) "
		"ON CONFLICT DO UPDATE SET value = excluded.value"),
	[JUNK_DB_STMT_META_GET] = "SELECT value FROM meta WHERE name = ?1",
	[JUNK_DB_STMT_SNAPSHOT_SET] =
		("INSERT INTO snapshot (id, sealed) VALUES (?1, ?2) "
		"ON CONFLICT DO UPDATE SET sealed = excluded.sealed"),
	[JUNK_DB_STMT_SNAPSHOT_GET] =
		"SELECT sealed FROM snapshot WHERE id = ?1",
};

int junk_db_meta_set(struct junk_db *db, const char *name, const void *value,
		     size_t size)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_META_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(stmt, 2, value, (int)size, SQLITE_STATIC);
	return junk_db_run(db, stmt, "set meta");
}

int junk_db_meta_get(struct junk_db *db, const char *name, buffer_t *value)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_META_GET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	ret = junk_db_row(db, stmt, "get meta");
	if (ret > 0) {
		buffer_append(value, sqlite3_column_blob(stmt, 0),
			      (size_t)sqlite3_column_bytes(stmt, 0));
	}
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return ret;
}

int junk_db_snapshot_set(struct junk_db *db, unsigned int id,
			 const void *sealed, size_t size)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_SNAPSHOT_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, id);
	(void)sqlite3_bind_blob64(stmt, 2, sealed, size, SQLITE_STATIC);
	return junk_db_run(db, stmt, "write snapshot");
}

int junk_db_snapshot_get(struct junk_db *db, unsigned int id, buffer_t *sealed)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_SNAPSHOT_GET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, id);
	ret = junk_db_row(db, stmt, "read snapshot");
	if (ret > 0) {
		buffer_append(sealed, sqlite3_column_blob(stmt, 0),
			      (size_t)sqlite3_column_bytes(stmt, 0));
	}
	(void)sqlite3_reset(stmt);
	return ret;
}

/* The table identities: the uid that each identity belongs to. */

#include "lib.h"
#include "junk-db-private.h"

static const char *const statements[JUNK_DB_STMT_COUNT] = {
	[JUNK_DB_STMT_IDENTITY_FIND] =
		"SELECT uid, day FROM identities WHERE identity = ?1",
	[JUNK_DB_STMT_IDENTITY_COUNT] =
		"SELECT count(*) FROM identities WHERE uid = ?1",
	[JUNK_DB_STMT_IDENTITY_SET] =
		("INSERT INTO identities (identity, uid, day) "
		"VALUES (?1, ?2, ?3) "
		"ON CONFLICT DO UPDATE SET day = excluded.day"),
	[JUNK_DB_STMT_IDENTITY_EXPIRE] =
		"DELETE FROM identities WHERE day < ?1",
};

int junk_db_identity_find(struct junk_db *db, uint64_t identity,
			  uint64_t *uid_r, int64_t *day_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_IDENTITY_FIND, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)identity);
	ret = junk_db_row(db, stmt, "find identity");
	if (ret > 0) {
		*uid_r = (uint64_t)sqlite3_column_int64(stmt, 0);
		*day_r = sqlite3_column_int64(stmt, 1);
	}
	(void)sqlite3_reset(stmt);
	return ret;
}

int junk_db_identity_count(struct junk_db *db, uint64_t uid,
			   unsigned int *count_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_IDENTITY_COUNT, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)uid);
	ret = junk_db_row(db, stmt, "count identities");
	*count_r = ret > 0 ? (unsigned int)sqlite3_column_int64(stmt, 0) : 0;
	(void)sqlite3_reset(stmt);
	return ret < 0 ? -1 : 0;
}

int junk_db_identity_set(struct junk_db *db, uint64_t identity, uint64_t uid,
			 int64_t day)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_IDENTITY_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)identity);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)uid);
	(void)sqlite3_bind_int64(stmt, 3, day);
	return junk_db_run(db, stmt, "set identity");
}

int junk_db_identity_expire(struct junk_db *db, int64_t before_day)
{
	return junk_db_expire(db, statements, JUNK_DB_STMT_IDENTITY_EXPIRE,
			      before_day, "expire identities");
}

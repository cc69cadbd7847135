#include "lib.h"
#include "buffer.h"
#include "randgen.h"
#include "str.h"
#include "junk-bits.h"
#include "junk-key.h"
#include "junk-schema.h"
#include "junk-db.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <xxhash.h>

/* How long a statement waits for another process's lock. The service answers
   nobody meanwhile, so it is short: the caller tries again later. */
#define JUNK_DB_BUSY_MSECS 100
/* Three reports of an average size fit into a page. */
#define JUNK_DB_PAGE_BYTES 8192
/* Pages of the WAL after which a commit also checkpoints: 32 MB. */
#define JUNK_DB_CHECKPOINT_PAGES 4000
#define JUNK_DB_CACHE_KBYTES (8*1024)
/* Tokens whose numbers tell how many there are. */
#define TOKEN_ESTIMATE_ROWS 1000
/* Pages that one junk_db_shrink() gives back. */
#define JUNK_DB_SHRINK_PAGES 64

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

#define REPORT_COLUMNS \
	"seq, id, hour, verdict, origin, score, burst, undone, sealed"

/* A sketch of one reporter is stored as the number of its bit: seven bytes less
   in most rows. ?5 = the sketch to be added, ?7 = its reporters, ?8 = as it is
   stored */
#define SKETCH_BITS "CASE reporters WHEN 1 THEN 1 << sketch ELSE sketch END"
#define NO_NEW_REPORTER "?7 = 0 OR (reporters = ?7 AND sketch = ?8)"
/* Then nobody is behind it any more. Of several reporters one can't be taken out
   of a sketch. */
#define ALL_TAKEN_BACK "?3 + ?4 < 0 AND spam + ?3 <= 0 AND ham + ?4 <= 0"

static const char *const junk_db_sql[JUNK_DB_STMT_COUNT] = {
	[JUNK_DB_STMT_BEGIN] = "BEGIN IMMEDIATE",
	[JUNK_DB_STMT_COMMIT] = "COMMIT",
	[JUNK_DB_STMT_REPORT_FIND] =
		"SELECT "REPORT_COLUMNS" FROM reports "
		"WHERE seq = ?1 AND id = ?2",
	[JUNK_DB_STMT_REPORT_INSERT] =
		"INSERT INTO reports ("REPORT_COLUMNS") "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[JUNK_DB_STMT_REPORT_UNDO] =
		"UPDATE reports SET undone = ?2 WHERE seq = ?1",
	[JUNK_DB_STMT_REPORT_RESEAL] =
		"UPDATE reports SET sealed = ?2 WHERE seq = ?1",
	/* looks at the oldest rows only: they were recorded about in the
	   order of their hours, but for those of a clock that was ahead */
	[JUNK_DB_STMT_REPORT_EXPIRE] =
		"DELETE FROM reports WHERE seq IN (SELECT seq FROM "
		"(SELECT seq, hour FROM reports WHERE seq <= ?2 "
		"ORDER BY seq LIMIT 20 * ?3) WHERE hour <= ?4 LIMIT ?3) "
		"AND hour < ?1 AND (undone IS NULL OR undone <= ?2)",
	[JUNK_DB_STMT_REPORT_EXPIRE_BURSTS] =
		"DELETE FROM reports WHERE seq IN (SELECT seq FROM reports "
		"WHERE burst <> 0 AND seq <= ?1 AND "
		"(undone IS NULL OR undone <= ?1) ORDER BY seq LIMIT ?2)",
	[JUNK_DB_STMT_REPORT_WINDOW] =
		"SELECT "REPORT_COLUMNS" FROM reports "
		"WHERE seq BETWEEN ?1 AND ?2 AND "
		"(undone IS NULL OR undone <= ?2) ORDER BY seq LIMIT ?3",
	[JUNK_DB_STMT_REPORT_DELETE] = "DELETE FROM reports WHERE seq = ?1",
	[JUNK_DB_STMT_LAST_SEQ] =
		"SELECT max(coalesce((SELECT max(seq) FROM reports), 0), "
		"coalesce((SELECT max(undone) FROM reports "
		"WHERE undone IS NOT NULL), 0))",
	[JUNK_DB_STMT_ID_FIND] = "SELECT seq FROM report_ids WHERE id = ?1",
	[JUNK_DB_STMT_ID_SET] =
		"INSERT INTO report_ids (id, seq) VALUES (?1, ?2) "
		"ON CONFLICT DO UPDATE SET seq = excluded.seq",
	[JUNK_DB_STMT_ID_EXPIRE] =
		"DELETE FROM report_ids WHERE id BETWEEN ?1 AND ?2 AND "
		"seq < ?3",
	[JUNK_DB_STMT_HOUR_ADD] =
		"INSERT INTO hours (hour, verdict, origin, score, reports, "
		"burst) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
		"ON CONFLICT DO UPDATE SET "
		"reports = max(reports + excluded.reports, 0), "
		"burst = max(burst + excluded.burst, 0)",
	[JUNK_DB_STMT_HOUR_EXPIRE] =
		"DELETE FROM hours WHERE hour < ?1",
	/* the statement that is run most of all: CASE is much faster than a
	   function, also max(). Most often it is nobody new who reports. */
	[JUNK_DB_STMT_TOKEN_ADD] =
		"INSERT INTO tokens (token, class, spam, ham, reporters, "
		"sketch, day, age) VALUES (?1, ?2, "
		"CASE WHEN ?3 < 0 THEN 0 ELSE ?3 END, "
		"CASE WHEN ?4 < 0 THEN 0 ELSE ?4 END, ?7, ?8, ?6, 0) "
		"ON CONFLICT DO UPDATE SET "
		"spam = CASE WHEN spam + ?3 < 0 THEN 0 ELSE spam + ?3 END, "
		"ham = CASE WHEN ham + ?4 < 0 THEN 0 ELSE ham + ?4 END, "
		"reporters = CASE WHEN "ALL_TAKEN_BACK" THEN 0 "
			"WHEN "NO_NEW_REPORTER" THEN reporters "
			"ELSE junk_reporters("SKETCH_BITS" | ?5) END, "
		"sketch = CASE WHEN "ALL_TAKEN_BACK" THEN 0 "
			"WHEN "NO_NEW_REPORTER" THEN sketch "
			"WHEN reporters = 0 THEN ?8 "
			"ELSE "SKETCH_BITS" | ?5 END, "
		"age = CASE WHEN day < ?6 THEN age + ?6 - day ELSE age END, "
		"day = CASE WHEN day < ?6 THEN ?6 ELSE day END",
	[JUNK_DB_STMT_TOKEN_FIND] =
		"SELECT class, spam, ham, "SKETCH_BITS", day FROM tokens "
		"WHERE token = ?1",
	[JUNK_DB_STMT_IDENTITY_FIND] =
		"SELECT uid, day FROM identities WHERE identity = ?1",
	[JUNK_DB_STMT_IDENTITY_COUNT] =
		"SELECT count(*) FROM identities WHERE uid = ?1",
	[JUNK_DB_STMT_IDENTITY_SET] =
		"INSERT INTO identities (identity, uid, day) "
		"VALUES (?1, ?2, ?3) "
		"ON CONFLICT DO UPDATE SET day = excluded.day",
	[JUNK_DB_STMT_IDENTITY_EXPIRE] =
		"DELETE FROM identities WHERE day < ?1",
	[JUNK_DB_STMT_FIRST_SEQ] =
		"SELECT coalesce(min(seq), 0) FROM reports",
	[JUNK_DB_STMT_TOKEN_SKIP] =
		"SELECT token FROM tokens WHERE token >= ?1 "
		"ORDER BY token LIMIT 1 OFFSET ?2",
	/* a range, since an index of days would have to be written with each
	   row of each report */
	[JUNK_DB_STMT_TOKEN_EXPIRE] =
		"DELETE FROM tokens WHERE token BETWEEN ?1 AND ?2 AND "
		"day < ?3 AND reporters < ?4",
	[JUNK_DB_STMT_META_SET] =
		"INSERT INTO meta (name, value) VALUES (?1, ?2) "
		"ON CONFLICT DO UPDATE SET value = excluded.value",
	[JUNK_DB_STMT_META_GET] = "SELECT value FROM meta WHERE name = ?1",
	[JUNK_DB_STMT_SNAPSHOT_SET] =
		"INSERT INTO snapshot (id, sealed) VALUES (?1, ?2) "
		"ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
	[JUNK_DB_STMT_SNAPSHOT_GET] =
		"SELECT sealed FROM snapshot WHERE id = ?1",
	[JUNK_DB_STMT_SIZE] =
		"SELECT (page_count - freelist_count) * page_size FROM "
		"pragma_page_count, pragma_freelist_count, pragma_page_size",
};

static const char junk_db_ids_sql[] =
	"SELECT seq, id FROM reports WHERE seq > ?1 ORDER BY seq";

/* Two scans in the order of their indexes, merged. */
static const char junk_db_iter_sql[] =
	"SELECT "REPORT_COLUMNS", seq AS event, 0 FROM reports "
	"WHERE seq > ?1 UNION ALL "
	"SELECT "REPORT_COLUMNS", undone AS event, 1 FROM reports "
	"WHERE undone > ?1 ORDER BY event";

struct junk_db {
	char *path;
	sqlite3 *sqlite;
	sqlite3_stmt *stmts[JUNK_DB_STMT_COUNT];
	enum junk_db_fault fault;
	char *error;
	/* what was deleted may be in older pages of the WAL still */
	bool wal_has_deleted;
};

struct junk_db_iter {
	struct junk_db *db;
	sqlite3_stmt *stmt;
	bool failed;
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
		return "another process holds a lock on it: "
			"end what writes to it (sqlite3 -readonly is fine)";
	case JUNK_DB_FAULT_FULL:
		return "the disk or quota is full: free some space";
	case JUNK_DB_FAULT_READONLY:
		return "check owner and mode of the file and its directory "
			"(both belong to the service's user), and that the "
			"file system isn't mounted read-only";
	case JUNK_DB_FAULT_CORRUPT:
		return "the file is damaged: it is moved aside; see "
			"sqlite3's .recover for what is in it";
	default:
		return "see sqlite.org/rescode.html";
	}
}

static void junk_db_set_error(struct junk_db *db, enum junk_db_fault fault,
			      const char *error)
{
	i_free(db->error);
	db->fault = fault;
	db->error = i_strdup(error);
}

/* Take over SQLite's last error. Always returns -1. */
static int junk_db_fail(struct junk_db *db, const char *what)
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

static int
junk_db_prepare(struct junk_db *db, enum junk_db_stmt num,
		sqlite3_stmt **stmt_r)
{
	*stmt_r = NULL;
	if (db->stmts[num] == NULL &&
	    sqlite3_prepare_v3(db->sqlite, junk_db_sql[num], -1,
			       SQLITE_PREPARE_PERSISTENT, &db->stmts[num],
			       NULL) != SQLITE_OK)
		return junk_db_fail(db, "prepare");
	*stmt_r = db->stmts[num];
	return 0;
}

/* Run a statement that gives no rows. */
static int
junk_db_run(struct junk_db *db, sqlite3_stmt *stmt, const char *what)
{
	int ret = 0;

	if (sqlite3_step(stmt) != SQLITE_DONE)
		ret = junk_db_fail(db, what);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return ret;
}

/* Returns 1 if there is a row, which stays valid until sqlite3_reset(). */
static int
junk_db_row(struct junk_db *db, sqlite3_stmt *stmt, const char *what)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	}
	return junk_db_fail(db, what);
}

static int junk_db_exec(struct junk_db *db, const char *sql)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		return junk_db_fail(db, "exec");
	return 0;
}

static int
junk_db_get_int(struct junk_db *db, const char *sql, int64_t *value_r)
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

/* --- opening --- */

/* Linear counting (Whang et al. 1990): how many threw a dart if that many of
   64 fields are hit. */
unsigned int junk_db_sketch_reporters(uint64_t sketch)
{
	int hit = junk_bits_count(sketch);

	/* all are hit: 64 * ln(64) or more */
	if (hit == 64)
		return 266;
	return (unsigned int)(-64 * log(1 - hit / 64.0) + 0.5);
}

static void
junk_db_reporters(sqlite3_context *ctx, int argc ATTR_UNUSED,
		  sqlite3_value **argv)
{
	uint64_t sketch = (uint64_t)sqlite3_value_int64(argv[0]);

	sqlite3_result_int(ctx, (int)junk_db_sketch_reporters(sketch));
}

static int junk_db_configure(struct junk_db *db)
{
	const char *sql = t_strdup_printf(
		"PRAGMA trusted_schema = OFF;"
		"PRAGMA cell_size_check = ON;"
		"PRAGMA synchronous = FULL;"
		"PRAGMA secure_delete = ON;"
		"PRAGMA temp_store = MEMORY;"
		"PRAGMA cache_size = -%d;"
		"PRAGMA wal_autocheckpoint = %d;"
		"PRAGMA journal_size_limit = %d;",
		JUNK_DB_CACHE_KBYTES, JUNK_DB_CHECKPOINT_PAGES,
		JUNK_DB_CHECKPOINT_PAGES * JUNK_DB_PAGE_BYTES);

	if (junk_db_exec(db, sql) < 0)
		return -1;
	if (sqlite3_create_function(db->sqlite, "junk_reporters", 1,
				    SQLITE_UTF8 | SQLITE_DETERMINISTIC |
				    SQLITE_DIRECTONLY, NULL,
				    junk_db_reporters, NULL,
				    NULL) != SQLITE_OK)
		return junk_db_fail(db, "create_function");
	return 0;
}

static int junk_db_set_wal(struct junk_db *db)
{
	sqlite3_stmt *stmt;
	const char *mode;
	int ret;

	if (sqlite3_prepare_v2(db->sqlite, "PRAGMA journal_mode = WAL", -1,
			       &stmt, NULL) != SQLITE_OK)
		return junk_db_fail(db, "journal_mode");
	ret = junk_db_row(db, stmt, "journal_mode");
	mode = ret > 0 ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (ret >= 0 && (mode == NULL || strcmp(mode, "wal") != 0)) {
		junk_db_set_error(db, JUNK_DB_FAULT_REMOTE, t_strdup_printf(
			"database %s: its file system has no shared memory "
			"for SQLite's WAL: use a local one", db->path));
		ret = -1;
	}
	(void)sqlite3_finalize(stmt);
	return ret < 0 ? -1 : 0;
}

static int junk_db_create(struct junk_db *db, const struct junk_key *key)
{
	unsigned char check[JUNK_KEY_CHECK_BYTES];

	junk_key_check(key, check);
	if (junk_db_exec(db, junk_schema_schema) < 0 ||
	    junk_db_exec(db, t_strdup_printf(
		"PRAGMA application_id = %d; PRAGMA user_version = %d;",
		JUNK_DATABASE_APPLICATION_ID, JUNK_DATABASE_VERSION)) < 0)
		return -1;
	return junk_db_meta_set(db, "key_check", check, sizeof(check));
}

static int junk_db_upgrade(struct junk_db *db, int64_t version)
{
	const struct junk_schema_upgrade *upgrade;

	for (upgrade = junk_schema_upgrades; upgrade->version != 0; upgrade++) {
		if (upgrade->version <= version)
			continue;
		if (junk_db_exec(db, upgrade->sql) < 0 ||
		    junk_db_exec(db, t_strdup_printf(
				"PRAGMA user_version = %u",
				upgrade->version)) < 0)
			return -1;
	}
	return 0;
}

static int junk_db_check_key(struct junk_db *db, const struct junk_key *key)
{
	unsigned char check[JUNK_KEY_CHECK_BYTES];
	buffer_t *value = t_buffer_create(JUNK_KEY_CHECK_BYTES);

	if (junk_db_meta_get(db, "key_check", value) < 0)
		return -1;
	junk_key_check(key, check);
	if (value->used == sizeof(check) &&
	    memcmp(value->data, check, sizeof(check)) == 0)
		return 0;
	junk_db_set_error(db, JUNK_DB_FAULT_KEY, t_strdup_printf(
		"database %s was written with another key: restore its key "
		"file, or move the database away to start afresh", db->path));
	return -1;
}

/* Returns 1 if ours, 0 if the file is new, -1 if it isn't for us. */
static int junk_db_identify(struct junk_db *db, int64_t *version_r)
{
	int64_t application_id, objects;

	if (junk_db_get_int(db, "PRAGMA application_id",
			    &application_id) < 0 ||
	    junk_db_get_int(db, "PRAGMA user_version", version_r) < 0 ||
	    junk_db_get_int(db, "SELECT count(*) FROM sqlite_master",
			    &objects) < 0)
		return -1;
	if (objects == 0 && *version_r == 0 && application_id == 0)
		return 0;
	if (application_id != JUNK_DATABASE_APPLICATION_ID || *version_r < 1) {
		junk_db_set_error(db, JUNK_DB_FAULT_FOREIGN, t_strdup_printf(
			"database %s belongs to another program: move it away",
			db->path));
		return -1;
	}
	if (*version_r > JUNK_DATABASE_VERSION) {
		junk_db_set_error(db, JUNK_DB_FAULT_FOREIGN, t_strdup_printf(
			"database %s has the newer version %"PRId64", this "
			"program knows %d: upgrade dovecot-junk-feedback, or "
			"move the database away", db->path, *version_r,
			JUNK_DATABASE_VERSION));
		return -1;
	}
	return 1;
}

static int junk_db_update_views(struct junk_db *db)
{
	const char *hash = t_strdup_printf("%016"PRIx64, XXH3_64bits(
		junk_schema_views, strlen(junk_schema_views)));
	buffer_t *value = t_buffer_create(32);

	if (junk_db_meta_get(db, "views", value) < 0)
		return -1;
	if (value->used == strlen(hash) &&
	    memcmp(value->data, hash, value->used) == 0)
		return 0;
	if (junk_db_exec(db, junk_schema_views) < 0)
		return -1;
	return junk_db_meta_set(db, "views", hash, strlen(hash));
}

static int
junk_db_prepare_schema(struct junk_db *db, const struct junk_db_settings *set)
{
	int64_t version;
	int ret;

	if ((ret = junk_db_identify(db, &version)) < 0)
		return -1;
	if (ret == 0 && junk_db_create(db, set->key) < 0)
		return -1;
	if (ret > 0 && junk_db_upgrade(db, version) < 0)
		return -1;
	if (junk_db_check_key(db, set->key) < 0 ||
	    junk_db_update_views(db) < 0)
		return -1;
	return junk_db_exec(db, t_strdup_printf(
		"INSERT INTO meta (name, value) VALUES "
		"('min_reporters', %u), ('threshold', %u) "
		"ON CONFLICT DO UPDATE SET value = excluded.value "
		"WHERE value <> excluded.value",
		set->min_reporters, set->threshold));
}

static int
junk_db_setup(struct junk_db *db, const struct junk_db_settings *set)
{
	if (junk_db_configure(db) < 0)
		return -1;
	/* only the creation of the file can set these */
	if (junk_db_exec(db, t_strdup_printf(
		"PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL;",
		JUNK_DB_PAGE_BYTES)) < 0)
		return -1;
	if (junk_db_set_wal(db) < 0 || junk_db_begin(db) < 0)
		return -1;
	if (junk_db_prepare_schema(db, set) < 0) {
		junk_db_rollback(db);
		return -1;
	}
	return junk_db_commit(db);
}

const char *junk_db_remote_fs_name(uint32_t type)
{
	/* statfs(2), linux/magic.h and the file systems' own sources */
	static const struct {
		uint32_t type;
		const char *name;
	} remote[] = {
		{ 0x6969, "NFS" },
		{ 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB2" },
		{ 0x517b, "SMB" },
		{ 0x5346414f, "AFS" },
		{ 0x6b414653, "AFS" },
		{ 0x00c36400, "Ceph" },
		{ 0x0bd00bd0, "Lustre" },
		{ 0x01021997, "9P" },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(remote); i++) {
		if (remote[i].type == type)
			return remote[i].name;
	}
	return NULL;
}

static int junk_db_check_fs(const char *path, const char **error_r)
{
	struct statfs fs;
	const char *dir, *name, *p = strrchr(path, '/');

	dir = p == NULL ? "." : p == path ? "/" : t_strdup_until(path, p);
	/* what can't be found out isn't held against it */
	if (statfs(dir, &fs) < 0)
		return 0;
	name = junk_db_remote_fs_name((uint32_t)fs.f_type);
	if (name == NULL)
		return 0;
	*error_r = t_strdup_printf(
		"database %s is on a network file system (%s), which SQLite "
		"can't use safely: set junk_feedback_state_dir to a local "
		"directory", path, name);
	return -1;
}

static int
junk_db_open_file(struct junk_db *db, const struct junk_db_settings *set)
{
	mode_t old_mask = umask(0077);
	int code, ret;

	/* a tenth of SQLite's instructions are for other threads, which we
	   don't have; of no effect once it is in use */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	code = sqlite3_open_v2(db->path, &db->sqlite, SQLITE_OPEN_READWRITE |
			       SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
			       SQLITE_OPEN_PRIVATECACHE, NULL);
	if (db->sqlite == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "sqlite3_open(): out of memory");
	(void)sqlite3_busy_timeout(db->sqlite, JUNK_DB_BUSY_MSECS);
	if (code != SQLITE_OK)
		ret = junk_db_fail(db, "open");
	else
		ret = junk_db_setup(db, set);
	(void)umask(old_mask);
	return ret;
}

int junk_db_open(const struct junk_db_settings *set, struct junk_db **db_r,
		 enum junk_db_fault *fault_r, const char **error_r)
{
	struct junk_db *db;

	*fault_r = JUNK_DB_FAULT_NONE;
	if (junk_db_check_fs(set->path, error_r) < 0) {
		*fault_r = JUNK_DB_FAULT_REMOTE;
		return -1;
	}
	db = i_new(struct junk_db, 1);
	db->path = i_strdup(set->path);
	/* one that was killed may have left something */
	db->wal_has_deleted = TRUE;
	if (junk_db_open_file(db, set) < 0) {
		*fault_r = db->fault;
		*error_r = t_strdup(db->error);
		junk_db_close(&db);
		return -1;
	}
	*db_r = db;
	return 0;
}

void junk_db_close(struct junk_db **_db)
{
	struct junk_db *db = *_db;

	if (db == NULL)
		return;
	*_db = NULL;
	for (unsigned int i = 0; i < JUNK_DB_STMT_COUNT; i++)
		(void)sqlite3_finalize(db->stmts[i]);
	(void)sqlite3_close_v2(db->sqlite);
	i_free(db->error);
	i_free(db->path);
	i_free(db);
}

/* --- transactions --- */

/* The row that was found last is valid until the end of the transaction: one
   that is held longer would keep us on an old state of the database. */
static void junk_db_release_row(struct junk_db *db)
{
	(void)sqlite3_reset(db->stmts[JUNK_DB_STMT_REPORT_FIND]);
}

int junk_db_begin(struct junk_db *db)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_BEGIN, &stmt) < 0)
		return -1;
	return junk_db_run(db, stmt, "begin");
}

int junk_db_commit(struct junk_db *db)
{
	sqlite3_stmt *stmt;

	junk_db_release_row(db);
	if (junk_db_prepare(db, JUNK_DB_STMT_COMMIT, &stmt) < 0 ||
	    junk_db_run(db, stmt, "commit") < 0) {
		junk_db_rollback(db);
		return -1;
	}
	return 0;
}

void junk_db_rollback(struct junk_db *db)
{
	junk_db_release_row(db);
	/* SQLite may have done it by itself already */
	if (sqlite3_get_autocommit(db->sqlite) == 0) {
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	}
}

/* --- reports --- */

static void
junk_db_report_get_row(sqlite3_stmt *stmt, struct junk_db_report *report_r)
{
	i_zero(report_r);
	report_r->seq = sqlite3_column_int64(stmt, 0);
	report_r->id = (uint64_t)sqlite3_column_int64(stmt, 1);
	report_r->hour = sqlite3_column_int64(stmt, 2);
	report_r->verdict = (enum junk_verdict)
		(unsigned int)sqlite3_column_int(stmt, 3);
	report_r->origin = (enum junk_origin)
		(unsigned int)sqlite3_column_int(stmt, 4);
	report_r->score = sqlite3_column_type(stmt, 5) == SQLITE_NULL ?
		JUNK_SCORE_UNKNOWN : sqlite3_column_int(stmt, 5);
	report_r->burst = (uint32_t)sqlite3_column_int64(stmt, 6);
	report_r->undone = sqlite3_column_int64(stmt, 7);
	report_r->sealed = sqlite3_column_blob(stmt, 8);
	report_r->sealed_size = (size_t)sqlite3_column_bytes(stmt, 8);
}

int junk_db_report_find(struct junk_db *db, int64_t seq, uint64_t id,
			struct junk_db_report *report_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_FIND, &stmt) < 0)
		return -1;
	/* reset only now: the row is the caller's until then */
	(void)sqlite3_reset(stmt);
	(void)sqlite3_bind_int64(stmt, 1, seq);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)id);
	ret = junk_db_row(db, stmt, "find report");
	if (ret > 0)
		junk_db_report_get_row(stmt, report_r);
	else
		(void)sqlite3_reset(stmt);
	return ret;
}

int junk_db_report_insert(struct junk_db *db,
			  const struct junk_db_report *report)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_INSERT, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, report->seq);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)report->id);
	(void)sqlite3_bind_int64(stmt, 3, report->hour);
	(void)sqlite3_bind_int(stmt, 4, (int)report->verdict);
	(void)sqlite3_bind_int(stmt, 5, (int)report->origin);
	if (report->score != JUNK_SCORE_UNKNOWN)
		(void)sqlite3_bind_int(stmt, 6, report->score);
	(void)sqlite3_bind_int64(stmt, 7, report->burst);
	if (report->undone != 0)
		(void)sqlite3_bind_int64(stmt, 8, report->undone);
	(void)sqlite3_bind_blob(stmt, 9, report->sealed,
				(int)report->sealed_size, SQLITE_STATIC);
	return junk_db_run(db, stmt, "insert report");
}

int junk_db_report_undo(struct junk_db *db, int64_t seq, int64_t undone)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_UNDO, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, seq);
	(void)sqlite3_bind_int64(stmt, 2, undone);
	db->wal_has_deleted = TRUE;
	return junk_db_run(db, stmt, "undo report");
}

int junk_db_report_reseal(struct junk_db *db, int64_t seq,
			  const void *sealed, size_t sealed_size)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_RESEAL, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, seq);
	(void)sqlite3_bind_blob(stmt, 2, sealed, (int)sealed_size,
				SQLITE_STATIC);
	return junk_db_run(db, stmt, "reseal report");
}

/* Returns how many rows are gone. */
static int
junk_db_delete(struct junk_db *db, sqlite3_stmt *stmt, const char *what)
{
	int count = sqlite3_total_changes(db->sqlite);

	if (junk_db_run(db, stmt, what) < 0)
		return -1;
	count = sqlite3_total_changes(db->sqlite) - count;
	if (count > 0)
		db->wal_has_deleted = TRUE;
	return count;
}

int junk_db_report_expire(struct junk_db *db, int64_t before_hour,
			  int64_t now, int64_t max_seq, unsigned int limit)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_EXPIRE, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, before_hour);
	(void)sqlite3_bind_int64(stmt, 2, max_seq);
	(void)sqlite3_bind_int64(stmt, 3, (int64_t)limit);
	(void)sqlite3_bind_int64(stmt, 4, now);
	return junk_db_delete(db, stmt, "expire reports");
}

int junk_db_report_expire_bursts(struct junk_db *db, int64_t max_seq,
				 unsigned int limit)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_EXPIRE_BURSTS, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, max_seq);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)limit);
	return junk_db_delete(db, stmt, "expire bursts");
}

int junk_db_report_window(struct junk_db *db, int64_t first_seq,
			  int64_t max_seq, unsigned int limit,
			  junk_db_report_callback_t *callback, void *context)
{
	struct junk_db_report row;
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_WINDOW, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, first_seq);
	(void)sqlite3_bind_int64(stmt, 2, max_seq);
	(void)sqlite3_bind_int64(stmt, 3, (int64_t)limit);
	while ((ret = junk_db_row(db, stmt, "read reports")) > 0) {
		junk_db_report_get_row(stmt, &row);
		callback(&row, context);
	}
	(void)sqlite3_reset(stmt);
	return ret;
}

int junk_db_report_delete(struct junk_db *db, int64_t seq)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_REPORT_DELETE, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, seq);
	return junk_db_delete(db, stmt, "delete report") < 0 ? -1 : 0;
}

int junk_db_last_seq(struct junk_db *db, int64_t *seq_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_LAST_SEQ, &stmt) < 0)
		return -1;
	ret = junk_db_row(db, stmt, "last report");
	if (ret > 0)
		*seq_r = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return ret > 0 ? 0 : -1;
}

int junk_db_event_count(struct junk_db *db, int64_t *count_r)
{
	return junk_db_get_int(db, "SELECT count(*) + count(undone) "
			       "FROM reports", count_r);
}

int junk_db_first_seq(struct junk_db *db, int64_t *seq_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_FIRST_SEQ, &stmt) < 0)
		return -1;
	ret = junk_db_row(db, stmt, "first report");
	if (ret > 0)
		*seq_r = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return ret > 0 ? 0 : -1;
}

/* --- ids --- */

int junk_db_id_find(struct junk_db *db, int64_t id, int64_t *seq_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_ID_FIND, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, id);
	ret = junk_db_row(db, stmt, "find id");
	if (ret > 0)
		*seq_r = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return ret;
}

int junk_db_id_set(struct junk_db *db, int64_t id, int64_t seq)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_ID_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, id);
	(void)sqlite3_bind_int64(stmt, 2, seq);
	return junk_db_run(db, stmt, "set id");
}

int junk_db_id_expire(struct junk_db *db, int64_t first, int64_t last,
		      int64_t before_seq)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_ID_EXPIRE, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, first);
	(void)sqlite3_bind_int64(stmt, 2, last);
	(void)sqlite3_bind_int64(stmt, 3, before_seq);
	return junk_db_delete(db, stmt, "expire ids");
}

int junk_db_id_foreach(struct junk_db *db, int64_t after_seq,
		       junk_db_id_callback_t *callback, void *context)
{
	sqlite3_stmt *stmt;
	int ret;

	if (sqlite3_prepare_v2(db->sqlite, junk_db_ids_sql, -1, &stmt,
			       NULL) != SQLITE_OK)
		return junk_db_fail(db, "prepare");
	(void)sqlite3_bind_int64(stmt, 1, after_seq);
	while ((ret = junk_db_row(db, stmt, "read ids")) > 0) {
		callback(sqlite3_column_int64(stmt, 1),
			 sqlite3_column_int64(stmt, 0), context);
	}
	(void)sqlite3_finalize(stmt);
	return ret;
}

/* --- hours and tokens --- */

int junk_db_hour_add(struct junk_db *db, const struct junk_db_hour *hour)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_HOUR_ADD, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, hour->hour);
	(void)sqlite3_bind_int(stmt, 2, (int)hour->verdict);
	(void)sqlite3_bind_int(stmt, 3, (int)hour->origin);
	(void)sqlite3_bind_int(stmt, 4, hour->score);
	(void)sqlite3_bind_int(stmt, 5, hour->reports);
	(void)sqlite3_bind_int(stmt, 6, hour->burst);
	return junk_db_run(db, stmt, "count report");
}

/* Delete whatever is of a time before that one. */
static int
junk_db_expire(struct junk_db *db, enum junk_db_stmt expire, int64_t before,
	       const char *what)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, expire, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, before);
	return junk_db_delete(db, stmt, what) < 0 ? -1 : 0;
}

int junk_db_hour_expire(struct junk_db *db, int64_t before_hour)
{
	return junk_db_expire(db, JUNK_DB_STMT_HOUR_EXPIRE, before_hour,
			      "expire hours");
}

int junk_db_identity_find(struct junk_db *db, uint64_t identity,
			  uint64_t *uid_r, int64_t *day_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_IDENTITY_FIND, &stmt) < 0)
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

	if (junk_db_prepare(db, JUNK_DB_STMT_IDENTITY_COUNT, &stmt) < 0)
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

	if (junk_db_prepare(db, JUNK_DB_STMT_IDENTITY_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)identity);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)uid);
	(void)sqlite3_bind_int64(stmt, 3, day);
	return junk_db_run(db, stmt, "set identity");
}

int junk_db_identity_expire(struct junk_db *db, int64_t before_day)
{
	return junk_db_expire(db, JUNK_DB_STMT_IDENTITY_EXPIRE, before_day,
			      "expire identities");
}

int junk_db_token_add(struct junk_db *db, const struct junk_db_token *token)
{
	const unsigned int reporters = junk_db_sketch_reporters(token->sketch);
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_TOKEN_ADD, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)token->token);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)token->class_num);
	(void)sqlite3_bind_int(stmt, 3, token->spam);
	(void)sqlite3_bind_int(stmt, 4, token->ham);
	(void)sqlite3_bind_int64(stmt, 5, (int64_t)token->sketch);
	(void)sqlite3_bind_int64(stmt, 6, token->day);
	(void)sqlite3_bind_int64(stmt, 7, reporters);
	(void)sqlite3_bind_int64(stmt, 8, reporters == 1 ?
				 __builtin_ctzll(token->sketch) :
				 (int64_t)token->sketch);
	if (token->spam < 0 || token->ham < 0)
		db->wal_has_deleted = TRUE;
	return junk_db_run(db, stmt, "count token");
}

int junk_db_token_find(struct junk_db *db, uint64_t token,
		       struct junk_db_token *token_r)
{
	sqlite3_stmt *stmt;
	int ret;

	i_zero(token_r);
	if (junk_db_prepare(db, JUNK_DB_STMT_TOKEN_FIND, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)token);
	ret = junk_db_row(db, stmt, "find token");
	if (ret > 0) {
		token_r->token = token;
		token_r->class_num =
			(unsigned int)sqlite3_column_int(stmt, 0);
		token_r->spam = sqlite3_column_int(stmt, 1);
		token_r->ham = sqlite3_column_int(stmt, 2);
		token_r->sketch = (uint64_t)sqlite3_column_int64(stmt, 3);
		token_r->day = sqlite3_column_int64(stmt, 4);
	}
	(void)sqlite3_reset(stmt);
	return ret;
}

/* The last number that is before the token that comes so many after another
   one. */
static int
junk_db_token_skip(struct junk_db *db, int64_t token, unsigned int count,
		   int64_t *last_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_TOKEN_SKIP, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, token);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)count);
	ret = junk_db_row(db, stmt, "skip tokens");
	*last_r = ret > 0 ? sqlite3_column_int64(stmt, 0) - 1 : INT64_MAX;
	(void)sqlite3_reset(stmt);
	return ret < 0 ? -1 : 0;
}

int junk_db_token_estimate(struct junk_db *db, uint64_t *count_r)
{
	unsigned int skipped = TOKEN_ESTIMATE_ROWS;
	int64_t first, last;

	/* somewhere: what was just gone through has fewer */
	random_fill(&first, sizeof(first));
	/* the lower half of the numbers: there is room for as many above */
	first = first > 0 ? -first : first;
	if (junk_db_token_skip(db, first, skipped, &last) < 0)
		return -1;
	*count_r = last == INT64_MAX ? 0 : skipped *
		(UINT64_MAX / ((uint64_t)last - (uint64_t)first + 1));
	return 0;
}

int junk_db_token_expire(struct junk_db *db, int64_t before_day,
			 unsigned int min_reporters, unsigned int count,
			 int64_t *token)
{
	sqlite3_stmt *stmt;
	int64_t last;
	int ret;

	if (junk_db_token_skip(db, *token, count, &last) < 0 ||
	    junk_db_prepare(db, JUNK_DB_STMT_TOKEN_EXPIRE, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, *token);
	(void)sqlite3_bind_int64(stmt, 2, last);
	(void)sqlite3_bind_int64(stmt, 3, before_day);
	(void)sqlite3_bind_int64(stmt, 4, (int64_t)min_reporters);
	ret = junk_db_delete(db, stmt, "expire tokens");
	if (ret >= 0)
		*token = last == INT64_MAX ? JUNK_DB_FIRST_TOKEN : last + 1;
	return ret;
}

/* --- meta and snapshot --- */

int junk_db_meta_set(struct junk_db *db, const char *name,
		     const void *value, size_t size)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, JUNK_DB_STMT_META_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(stmt, 2, value, (int)size, SQLITE_STATIC);
	return junk_db_run(db, stmt, "set meta");
}

int junk_db_meta_get(struct junk_db *db, const char *name, buffer_t *value)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_META_GET, &stmt) < 0)
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

	if (junk_db_prepare(db, JUNK_DB_STMT_SNAPSHOT_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, id);
	(void)sqlite3_bind_blob64(stmt, 2, sealed, size, SQLITE_STATIC);
	return junk_db_run(db, stmt, "write snapshot");
}

int junk_db_snapshot_get(struct junk_db *db, unsigned int id,
			 buffer_t *sealed)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_SNAPSHOT_GET, &stmt) < 0)
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

/* --- events --- */

struct junk_db_iter *junk_db_iter_init(struct junk_db *db, int64_t after_seq)
{
	struct junk_db_iter *iter = i_new(struct junk_db_iter, 1);

	iter->db = db;
	if (sqlite3_prepare_v2(db->sqlite, junk_db_iter_sql, -1, &iter->stmt,
			       NULL) != SQLITE_OK) {
		(void)junk_db_fail(db, "prepare");
		iter->failed = TRUE;
	} else {
		(void)sqlite3_bind_int64(iter->stmt, 1, after_seq);
	}
	return iter;
}

int junk_db_iter_next(struct junk_db_iter *iter,
		      struct junk_db_event *event_r)
{
	int ret;

	if (iter->failed)
		return -1;
	ret = junk_db_row(iter->db, iter->stmt, "read reports");
	if (ret < 0)
		iter->failed = TRUE;
	if (ret > 0) {
		junk_db_report_get_row(iter->stmt, &event_r->report);
		event_r->seq = sqlite3_column_int64(iter->stmt, 9);
		event_r->undo = sqlite3_column_int(iter->stmt, 10) != 0;
	}
	return ret;
}

void junk_db_iter_deinit(struct junk_db_iter **_iter)
{
	struct junk_db_iter *iter = *_iter;

	if (iter == NULL)
		return;
	*_iter = NULL;
	(void)sqlite3_finalize(iter->stmt);
	i_free(iter);
}

/* --- size --- */

int junk_db_size(struct junk_db *db, uint64_t *size_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, JUNK_DB_STMT_SIZE, &stmt) < 0)
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

const char *junk_db_move_aside(const char *path, time_t now,
			       const char **error_r)
{
	static const char *const suffixes[] = { "-wal", "-shm", "" };
	const char *new_path =
		t_strdup_printf("%s.corrupt-%ld", path, (long)now);

	for (unsigned int i = 0; i < N_ELEMENTS(suffixes); i++) {
		const char *from = t_strconcat(path, suffixes[i], NULL);
		const char *to = t_strconcat(new_path, suffixes[i], NULL);

		if (rename(from, to) < 0 &&
		    (errno != ENOENT || suffixes[i][0] == '\0')) {
			*error_r = t_strdup_printf(
				"rename(%s, %s) failed: %m", from, to);
			return NULL;
		}
	}
	return new_path;
}

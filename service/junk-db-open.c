/* Opens the database. It is created or upgraded if needed. Databases of other
   programs, and file systems on which SQLite isn't safe, are refused. */

#include "lib.h"
#include "buffer.h"
#include "sleep.h"
#include "junk-key.h"
#include "junk-schema.h"
#include "junk-db-private.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <xxhash.h>

/* How long a statement waits for another process's lock. The service answers
   nobody in the meantime, so it is short, and the caller tries again later. */
#define JUNK_DB_BUSY_MSECS 100
/* How long to wait for a reader that is just opening the database. */
#define READER_OPENS_MSECS 50
/* Three reports of average size fit into a page. */
#define JUNK_DB_PAGE_BYTES 8192
/* Size of the WAL in pages at which a commit also makes a checkpoint: 32 MB. */
#define JUNK_DB_CHECKPOINT_PAGES 4000
#define JUNK_DB_CACHE_KBYTES (8*1024)

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
		"file, or move the database away to begin a new one",
		db->path));
	return -1;
}

/* Returns 1 if the database is junk-feedback's, 0 if the file is new, -1 if it
   can't be used. */
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
	/* these have an effect only when the file is created */
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
	/* if the type can't be determined, the file system is accepted */
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

	/* a tenth of SQLite's instructions are for threads, which the service
	   doesn't have. This has no effect once SQLite is in use */
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

static int
junk_db_try_open(const struct junk_db_settings *set, struct junk_db **db_r,
		 enum junk_db_fault *fault_r, const char **error_r)
{
	struct junk_db *db;

	db = i_new(struct junk_db, 1);
	db->path = i_strdup(set->path);
	/* a killed process may have left deleted data in the WAL */
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

int junk_db_open(const struct junk_db_settings *set, struct junk_db **db_r,
		 enum junk_db_fault *fault_r, const char **error_r)
{
	*fault_r = JUNK_DB_FAULT_NONE;
	if (junk_db_check_fs(set->path, error_r) < 0) {
		*fault_r = JUNK_DB_FAULT_REMOTE;
		return -1;
	}
	if (junk_db_try_open(set, db_r, fault_r, error_r) == 0)
		return 0;
	if (*fault_r != JUNK_DB_FAULT_READONLY)
		return -1;
	/* A reader of root that opens the database at the same time creates
	   the WAL's files as root's, and only then gives them to the owner of
	   the database. */
	i_sleep_msecs(READER_OPENS_MSECS);
	return junk_db_try_open(set, db_r, fault_r, error_r);
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

#ifndef TEST_JUNK_SERVICE_H
#define TEST_JUNK_SERVICE_H

/* Common functions of the service's unit tests. */

#include "junk-db.h"
#include "junk-engine.h"
#include "junk-key.h"

#include <sqlite3.h>

/* Create and remove the test program's own directory; called by its first and
   its last test. */
void test_dir_init(const char *name);
void test_dir_deinit(void);
const char *test_dir_path(void);
const char *test_path(const char *name);

struct junk_key *test_key_new(void);
/* Open the database in the test's directory, which must succeed. */
struct junk_db *test_db_open(const struct junk_key *key);
const char *test_db_path(void);
/* Returns the size of its WAL in bytes, 0 if there is none. */
off_t test_db_wal_size(void);
/* Delete the database and SQLite's files beside it. */
void test_db_delete(void);
/* Prepare a statement with a connection of its own, which test_sqlite_finish()
   closes. */
sqlite3_stmt *test_sqlite_prepare(const char *path, const char *sql);
void test_sqlite_finish(sqlite3_stmt *stmt);
/* Returns the first column of the first row, read with another connection. */
int64_t test_db_int(const char *sql);
void test_db_exec(const char *sql);

/* Delete all files of an engine in the test's directory. */
void test_engine_delete(void);
/* Settings for an engine in the test's directory, with which one report is
   enough for scores. They are in the caller's data stack frame. */
struct junk_engine_settings test_engine_settings(void);
/* Create an engine with these settings. */
struct junk_engine *test_engine_new(void);
/* Add a person's report of message number num with these tokens as spam. */
void test_engine_add_tokens(struct junk_engine *engine, unsigned int num,
			    const unsigned char *reporter,
			    const junk_token_t *tokens, unsigned int count,
			    time_t now);
/* As above, with a fixed person and fixed tokens. */
void test_engine_add(struct junk_engine *engine, unsigned int num, time_t now);

#endif

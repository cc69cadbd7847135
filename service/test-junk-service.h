#ifndef TEST_JUNK_SERVICE_H
#define TEST_JUNK_SERVICE_H

/* What the service's unit tests share. */

#include "junk-db.h"
#include "junk-engine.h"
#include "junk-key.h"

#include <sqlite3.h>

/* A directory of its own for each test program; called by its first and its
   last test. */
void test_dir_init(const char *name);
void test_dir_deinit(void);
const char *test_dir_path(void);
const char *test_path(const char *name);

struct junk_key *test_key_new(void);
/* A database in the test's directory that has to open. */
struct junk_db *test_db_open(const struct junk_key *key);
const char *test_db_path(void);
/* Bytes of its WAL, 0 if there is none. */
off_t test_db_wal_size(void);
/* Delete it, with what SQLite keeps beside it. */
void test_db_delete(void);
/* A statement of another connection, which test_sqlite_finish() ends with
   it. */
sqlite3_stmt *test_sqlite_prepare(const char *path, const char *sql);
void test_sqlite_finish(sqlite3_stmt *stmt);
/* The first column of the first row, by another connection. */
int64_t test_db_int(const char *sql);
void test_db_exec(const char *sql);

/* Delete all that an engine keeps in the test's directory. */
void test_engine_delete(void);
/* Settings of an engine on the test's directory, which one report is enough
   for; in the caller's data stack frame. */
struct junk_engine_settings test_engine_settings(void);
/* An engine with them. */
struct junk_engine *test_engine_new(void);
/* A person reports message number num, with these tokens, as spam. */
void test_engine_add_tokens(struct junk_engine *engine, unsigned int num,
			    const unsigned char *reporter,
			    const junk_token_t *tokens, unsigned int count,
			    time_t now);
/* The same with tokens that are always the same, by one person. */
void test_engine_add(struct junk_engine *engine, unsigned int num, time_t now);

#endif

#ifndef DOVEADM_JUNK_DB_H
#define DOVEADM_JUNK_DB_H

#include "junk-database.h"

#include <sqlite3.h>

/* The service's database, read-only and beside the running service. */

/* Returns the path of the database by the configuration. */
const char *doveadm_junk_db_path(void);
/* Open the database. Returns 0, or -1 and error_r, a sentence that says what to
   do. */
int doveadm_junk_db_open(sqlite3 **db_r, const char **error_r);
void doveadm_junk_db_close(sqlite3 **db);

/* Open the database for a command. On error, returns NULL, logs the error and
   sets the exit code. */
sqlite3 *doveadm_junk_db_begin(const char *command);
/* Prepare a query and bind the integers to ?1, ?2, ... On error, returns NULL,
   logs the error and sets the exit code. */
sqlite3_stmt *
doveadm_junk_db_query(sqlite3 *db, const char *command, const char *sql,
		      const int64_t *args, unsigned int args_count);
/* Step to the next row. Returns TRUE if there is one. At the end and after an
   error, which is logged, the statement is finalized. */
bool doveadm_junk_db_next(sqlite3 *db, const char *command,
			  sqlite3_stmt **stmt);

#endif

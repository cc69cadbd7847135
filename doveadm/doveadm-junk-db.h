#ifndef DOVEADM_JUNK_DB_H
#define DOVEADM_JUNK_DB_H

#include "junk-database.h"

#include <sqlite3.h>

/* The service's database, read-only and beside the running service. */

/* Where it is, by the configuration. */
const char *doveadm_junk_db_path(void);
/* Returns 0, or -1 and error_r, a sentence that says what to do. */
int doveadm_junk_db_open(sqlite3 **db_r, const char **error_r);
void doveadm_junk_db_close(sqlite3 **db);

/* Open it for a command; an error is logged, sets the exit code and gives
   NULL. */
sqlite3 *doveadm_junk_db_begin(const char *command);
/* Prepare a query with the integers bound to ?1, ?2, ... An error is logged,
   sets the exit code and gives NULL. */
sqlite3_stmt *
doveadm_junk_db_query(sqlite3 *db, const char *command, const char *sql,
		      const int64_t *args, unsigned int args_count);
/* Returns TRUE while there is a row; at the end or after an error, which is
   logged, the statement is finalized. */
bool doveadm_junk_db_next(sqlite3 *db, const char *command,
			  sqlite3_stmt **stmt);

#endif

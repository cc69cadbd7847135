/* doveadm junk export: prints counts of tokens that enough different people
   have reported, so that no row belongs to any one person. */

#include "lib.h"
#include "array.h"
#include "ostream.h"
#include "str.h"
#include "doveadm-print.h"

#include "doveadm-junk.h"
#include "doveadm-junk-db.h"

#define COMMAND "junk export"

static const struct {
	const char *name, *sql;
} exports[] = {
	{ "hours", "SELECT * FROM report_hours ORDER BY hour" },
	{ "days", "SELECT * FROM report_days ORDER BY day" },
	{ "rates", "SELECT * FROM rate_days ORDER BY day, threshold" },
	{ "classes", "SELECT * FROM token_classes ORDER BY class" },
	{ "tokens", "SELECT * FROM shown_tokens "
	  "ORDER BY reporters DESC, token" },
};

static const char *column_text(sqlite3_stmt *stmt, int i)
{
	const char *text = (const char *)sqlite3_column_text(stmt, i);

	return text == NULL ? "" : text;
}

static void csv_append(string_t *line, const char *value)
{
	if (str_len(line) > 0)
		str_append_c(line, ',');
	if (strpbrk(value, ",\"\r\n") == NULL) {
		str_append(line, value);
		return;
	}
	str_append_c(line, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"')
			str_append_c(line, '"');
		str_append_c(line, *value);
	}
	str_append_c(line, '"');
}

static void csv_write(string_t *line)
{
	/* RFC 4180 */
	str_append(line, "\r\n");
	o_stream_nsend(doveadm_print_ostream, str_data(line), str_len(line));
	str_truncate(line, 0);
}

static void export_csv(sqlite3 *db, sqlite3_stmt *stmt)
{
	string_t *line = t_str_new(256);
	int count = sqlite3_column_count(stmt);

	for (int i = 0; i < count; i++)
		csv_append(line, sqlite3_column_name(stmt, i));
	csv_write(line);
	while (doveadm_junk_db_next(db, COMMAND, &stmt)) {
		for (int i = 0; i < count; i++)
			csv_append(line, column_text(stmt, i));
		csv_write(line);
	}
	/* doveadm itself only flushes output of doveadm_print() */
	if (o_stream_flush(doveadm_print_ostream) < 0) {
		i_error(COMMAND": write(stdout) failed: %s",
			o_stream_get_error(doveadm_print_ostream));
		doveadm_exit_code = EX_IOERR;
	}
}

static void export_print(sqlite3 *db, sqlite3_stmt *stmt)
{
	int count = sqlite3_column_count(stmt);

	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	for (int i = 0; i < count; i++)
		doveadm_print_header_simple(sqlite3_column_name(stmt, i));
	while (doveadm_junk_db_next(db, COMMAND, &stmt)) {
		for (int i = 0; i < count; i++)
			doveadm_print(column_text(stmt, i));
	}
}

static const char *find_sql(const char *name)
{
	for (unsigned int i = 0; i < N_ELEMENTS(exports); i++) {
		if (strcmp(exports[i].name, name) == 0)
			return exports[i].sql;
	}
	return NULL;
}

static void cmd_junk_export(struct doveadm_cmd_context *cctx)
{
	const char *name, *sql;
	bool csv = FALSE;
	sqlite3_stmt *stmt;
	sqlite3 *db;

	(void)doveadm_cmd_param_bool(cctx, "csv", &csv);
	if (!doveadm_cmd_param_str(cctx, "what", &name) ||
	    (sql = find_sql(name)) == NULL) {
		i_error(COMMAND": the argument must be hours, days, rates, "
			"classes or tokens");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	if (csv && doveadm_server) {
		i_error(COMMAND": --csv is not available over HTTP, which "
			       "always returns JSON");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	db = doveadm_junk_db_begin(COMMAND);
	if (db == NULL)
		return;
	stmt = doveadm_junk_db_query(db, COMMAND, sql, NULL, 0);
	if (stmt != NULL && csv)
		export_csv(db, stmt);
	else if (stmt != NULL)
		export_print(db, stmt);
	doveadm_junk_db_close(&db);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_export = {
	.name = "junk export",
	.usage = "[--csv] hours|days|rates|classes|tokens",
	.cmd = cmd_junk_export,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "csv", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "what", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};

#include "lib.h"
#include "array.h"
#include "doveadm-print.h"

#include "doveadm-junk.h"

static const char *const state_names[] = { "ok", "note", "error" };

/* Rows are collected and printed at the end, so that the column widths are
   known. */
static ARRAY(struct doveadm_junk_row) rows;
static unsigned int error_count;

void doveadm_junk_rows_begin(void)
{
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header("item", "item", 0);
	doveadm_print_header("state", "state", 0);
	doveadm_print_header("value", "value",
			     DOVEADM_PRINT_HEADER_FLAG_EXPAND);
	doveadm_junk_rows_collect();
}

void doveadm_junk_rows_collect(void)
{
	t_array_init(&rows, 64);
	error_count = 0;
}

const struct doveadm_junk_row *doveadm_junk_rows_get(unsigned int *count_r)
{
	return array_get(&rows, count_r);
}

const struct doveadm_junk_row *doveadm_junk_row_find(const char *item)
{
	const struct doveadm_junk_row *row;

	array_foreach(&rows, row) {
		if (strcmp(row->item, item) == 0)
			return row;
	}
	return NULL;
}

void doveadm_junk_rows_end(void)
{
	const struct doveadm_junk_row *row;

	array_foreach(&rows, row) {
		doveadm_print(row->item);
		doveadm_print(state_names[row->state]);
		doveadm_print(row->value);
	}
}

void doveadm_junk_row(const char *item, enum doveadm_junk_state state,
		      const char *value, const char *fix)
{
	struct doveadm_junk_row row = { item, state, value };

	/* a fix goes on a line of its own, since a table with two long columns
	   is unreadable */
	if (fix != NULL)
		row.value = t_strconcat(value, ". Fix: ", fix, NULL);
	array_push_back(&rows, &row);
}

void doveadm_junk_row_error(const char *item, int exit_code,
			    const char *value, const char *fix)
{
	doveadm_junk_row(item, DOVEADM_JUNK_ERROR, value, fix);
	error_count++;
	/* the HTTP API returns only the exit code on error */
	if (doveadm_server)
		i_error("junk: %s: %s", item, value);
	if (doveadm_exit_code == 0)
		doveadm_exit_code = exit_code;
}

unsigned int doveadm_junk_rows_errors(void)
{
	return error_count;
}

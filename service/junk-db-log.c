/* The log of reports: the table reports, the table of their ids, and the
   statistics of each hour. */

#include "lib.h"
#include "junk-db-private.h"

#define REPORT_COLUMNS \
	"seq, id, hour, verdict, origin, score, burst, undone, sealed"

static const char *const statements[JUNK_DB_STMT_COUNT] = {
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
	/* examines only the oldest rows: they are about in the order of their
	   hours, except those of a clock that was ahead */
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
	[JUNK_DB_STMT_FIRST_SEQ] =
		"SELECT coalesce(min(seq), 0) FROM reports",
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
};

static const char junk_db_ids_sql[] =
	"SELECT seq, id FROM reports WHERE seq > ?1 ORDER BY seq";

/* Two index scans in order, which are merged. */
static const char junk_db_iter_sql[] =
	"SELECT "REPORT_COLUMNS", seq AS event, 0 FROM reports "
	"WHERE seq > ?1 UNION ALL "
	"SELECT "REPORT_COLUMNS", undone AS event, 1 FROM reports "
	"WHERE undone > ?1 ORDER BY event, seq";

struct junk_db_iter {
	struct junk_db *db;
	sqlite3_stmt *stmt;
	bool failed;
};

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

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_FIND, &stmt) < 0)
		return -1;
	/* reset only now: the caller has used the last row until here */
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

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_INSERT, &stmt) < 0)
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

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_UNDO, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, seq);
	(void)sqlite3_bind_int64(stmt, 2, undone);
	db->wal_has_deleted = TRUE;
	return junk_db_run(db, stmt, "undo report");
}

int junk_db_report_reseal(struct junk_db *db, int64_t seq, const void *sealed,
			  size_t sealed_size)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_RESEAL, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, seq);
	(void)sqlite3_bind_blob(stmt, 2, sealed, (int)sealed_size,
				SQLITE_STATIC);
	return junk_db_run(db, stmt, "reseal report");
}

int junk_db_report_expire(struct junk_db *db, int64_t before_hour, int64_t now,
			  int64_t max_seq, unsigned int limit)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_EXPIRE, &stmt) < 0)
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

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_EXPIRE_BURSTS, &stmt) < 0)
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

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_WINDOW, &stmt) < 0)
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

	if (junk_db_prepare(db, statements,
			    JUNK_DB_STMT_REPORT_DELETE, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, seq);
	return junk_db_delete(db, stmt, "delete report") < 0 ? -1 : 0;
}

int junk_db_last_seq(struct junk_db *db, int64_t *seq_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_LAST_SEQ, &stmt) < 0)
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

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_FIRST_SEQ, &stmt) < 0)
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

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_ID_FIND, &stmt) < 0)
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

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_ID_SET, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, id);
	(void)sqlite3_bind_int64(stmt, 2, seq);
	return junk_db_run(db, stmt, "set id");
}

int junk_db_id_expire(struct junk_db *db, int64_t first, int64_t last,
		      int64_t before_seq)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_ID_EXPIRE, &stmt) < 0)
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

/* --- hours --- */

int junk_db_hour_add(struct junk_db *db, const struct junk_db_hour *hour)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_HOUR_ADD, &stmt) < 0)
		return -1;
	(void)sqlite3_bind_int64(stmt, 1, hour->hour);
	(void)sqlite3_bind_int(stmt, 2, (int)hour->verdict);
	(void)sqlite3_bind_int(stmt, 3, (int)hour->origin);
	(void)sqlite3_bind_int(stmt, 4, hour->score);
	(void)sqlite3_bind_int(stmt, 5, hour->reports);
	(void)sqlite3_bind_int(stmt, 6, hour->burst);
	return junk_db_run(db, stmt, "count report");
}

int junk_db_hour_expire(struct junk_db *db, int64_t before_hour)
{
	return junk_db_expire(db, statements, JUNK_DB_STMT_HOUR_EXPIRE,
			      before_hour, "expire hours");
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

int junk_db_iter_next(struct junk_db_iter *iter, struct junk_db_event *event_r)
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

/* The table tokens: how often each token was in spam and in ham, and how many
   people have reported it. */

#include "lib.h"
#include "randgen.h"
#include "junk-bits.h"
#include "junk-db-private.h"

#include <math.h>

/* The number of consecutive tokens from which the total is estimated. */
#define TOKEN_ESTIMATE_ROWS 1000

/* A sketch with a single bit is stored as the number of this bit, which saves
   seven bytes in most rows. ?5 = the sketch to add, ?7 = its number of
   reporters, ?8 = its stored form */
#define SKETCH_BITS "CASE reporters WHEN 1 THEN 1 << sketch ELSE sketch END"
#define NO_NEW_REPORTER "?7 = 0 OR (reporters = ?7 AND sketch = ?8)"
/* All reports of the token are undone, so its sketch becomes empty. A single
   reporter can't be removed from a sketch of several. */
#define ALL_TAKEN_BACK "?3 + ?4 < 0 AND spam + ?3 <= 0 AND ham + ?4 <= 0"

static const char *const statements[JUNK_DB_STMT_COUNT] = {
	/* the most frequent statement. CASE is much faster than a function such
	   as max(). Most reports add no new reporter. */
	[JUNK_DB_STMT_TOKEN_ADD] =
		("INSERT INTO tokens (token, class, spam, ham, reporters, "
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
		"day = CASE WHEN day < ?6 THEN ?6 ELSE day END"),
	[JUNK_DB_STMT_TOKEN_FIND] =
		("SELECT class, spam, ham, "SKETCH_BITS", day FROM tokens "
		"WHERE token = ?1"),
	[JUNK_DB_STMT_TOKEN_SKIP] =
		("SELECT token FROM tokens WHERE token >= ?1 "
		"ORDER BY token LIMIT 1 OFFSET ?2"),
	/* a range of tokens: an index by day would have to be written with each
	   row of each report */
	[JUNK_DB_STMT_TOKEN_EXPIRE] =
		("DELETE FROM tokens WHERE token BETWEEN ?1 AND ?2 AND "
		"day < ?3 AND reporters < ?4"),
	[JUNK_DB_STMT_TOKEN_CLEAR] = "DELETE FROM tokens",
};

/* Estimate the number of reporters by linear counting (Whang et al. 1990), from
   the number of set bits of 64. */
unsigned int junk_db_sketch_reporters(uint64_t sketch)
{
	int hit = junk_bits_count(sketch);

	/* all bits are set: at least 64 * ln(64) */
	if (hit == 64)
		return 266;
	return (unsigned int)(-64 * log(1 - hit / 64.0) + 0.5);
}

int junk_db_token_add(struct junk_db *db, const struct junk_db_token *token)
{
	const unsigned int reporters = junk_db_sketch_reporters(token->sketch);
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_TOKEN_ADD, &stmt) < 0)
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
	if (junk_db_prepare(db, statements, JUNK_DB_STMT_TOKEN_FIND, &stmt) < 0)
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

/* Find the last token number before the token that follows after count
   others. */
static int
junk_db_token_skip(struct junk_db *db, int64_t token, unsigned int count,
		   int64_t *last_r)
{
	sqlite3_stmt *stmt;
	int ret;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_TOKEN_SKIP, &stmt) < 0)
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

	/* a random position, since the range that was expired last has fewer
	   tokens */
	random_fill(&first, sizeof(first));
	/* in the lower half of the numbers, so that count tokens follow */
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
	    junk_db_prepare(db, statements,
			    JUNK_DB_STMT_TOKEN_EXPIRE, &stmt) < 0)
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

int junk_db_token_clear(struct junk_db *db)
{
	sqlite3_stmt *stmt;

	if (junk_db_prepare(db, statements, JUNK_DB_STMT_TOKEN_CLEAR,
			    &stmt) < 0)
		return -1;
	return junk_db_delete(db, stmt, "clear tokens") < 0 ? -1 : 0;
}

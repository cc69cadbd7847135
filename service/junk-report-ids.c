/* See junk-report-ids.h. */

#include "lib.h"
#include "array.h"
#include "bsearch-insert-pos.h"
#include "str.h"
#include "junk-db.h"
#include "junk-report-ids.h"

/* A round is due when so many ids wait: several for each page of a table of
   500,000 rows. */
#define IDS_MAX 8192
/* Number of pieces of a round; each covers an equal part of the range of
   ids. */
#define PIECES 16
/* Ids of expired reports are searched, which examines each row, when there are
   so many of them, or after so long. */
#define EXPIRED_MAX 65536
#define EXPIRED_SECS 600

struct report_id {
	/* signed, as in the table */
	int64_t id, seq;
};

struct junk_report_ids {
	/* sorted by id */
	ARRAY(struct report_id) waiting;

	/* a round is in progress; number of its finished pieces */
	bool writing;
	unsigned int pieces;
	/* at its end, the table has all reports up to this one */
	int64_t round_seq;
	/* ... and none before this one; 0 = the round doesn't delete ids */
	int64_t round_first_seq;

	/* the table has no report before this one */
	int64_t first_seq;
	/* time of the last search for expired reports, and whether any have
	   expired since */
	time_t expired_time;
	bool expired;
};

struct junk_report_ids *junk_report_ids_init(void)
{
	struct junk_report_ids *ids = i_new(struct junk_report_ids, 1);

	i_array_init(&ids->waiting, IDS_MAX);
	return ids;
}

void junk_report_ids_deinit(struct junk_report_ids **_ids)
{
	struct junk_report_ids *ids = *_ids;

	if (ids == NULL)
		return;
	*_ids = NULL;
	array_free(&ids->waiting);
	i_free(ids);
}

static int
report_id_cmp(const struct report_id *id1, const struct report_id *id2)
{
	return id1->id < id2->id ? -1 : id1->id > id2->id ? 1 : 0;
}

static int
report_id_seq_cmp(const struct report_id *id1, const struct report_id *id2)
{
	int ret = report_id_cmp(id1, id2);

	return ret != 0 ? ret : id1->seq < id2->seq ? -1 : 1;
}

/* Find an id in waiting, or the index at which it belongs. */
static bool
junk_report_ids_search(const struct junk_report_ids *ids, int64_t id,
		       unsigned int *idx_r)
{
	const struct report_id key = { .id = id };

	return array_bsearch_insert_pos(&ids->waiting, &key, report_id_cmp,
					idx_r);
}

void junk_report_ids_add(struct junk_report_ids *ids, uint64_t id, int64_t seq)
{
	const struct report_id new_id = { .id = (int64_t)id, .seq = seq };
	unsigned int idx;

	if (junk_report_ids_search(ids, new_id.id, &idx))
		array_idx_set(&ids->waiting, idx, &new_id);
	else
		array_insert(&ids->waiting, idx, &new_id, 1);
}

int junk_report_ids_find(struct junk_report_ids *ids, struct junk_db *db,
			 uint64_t id, int64_t *seq_r)
{
	const struct report_id *waiting;
	unsigned int idx;

	if (junk_report_ids_search(ids, (int64_t)id, &idx)) {
		waiting = array_idx(&ids->waiting, idx);
		*seq_r = waiting->seq;
		return 1;
	}
	return junk_db_id_find(db, (int64_t)id, seq_r);
}

/* --- reading --- */

static void load_id(int64_t id, int64_t seq, void *context)
{
	const struct report_id new_id = { .id = id, .seq = seq };
	struct junk_report_ids *ids = context;

	array_push_back(&ids->waiting, &new_id);
}

/* Sort by id. Of several reports with the same id, the newest stays. */
static void junk_report_ids_sort(struct junk_report_ids *ids)
{
	struct report_id *waiting;
	unsigned int count, kept = 0;

	array_sort(&ids->waiting, report_id_seq_cmp);
	waiting = array_get_modifiable(&ids->waiting, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (kept > 0 && waiting[kept - 1].id == waiting[i].id)
			kept--;
		waiting[kept++] = waiting[i];
	}
	array_delete(&ids->waiting, kept, count - kept);
}

int junk_report_ids_load(struct junk_report_ids *ids, struct junk_db *db)
{
	string_t *value = t_str_new(MAX_INT_STRLEN);
	int64_t seq;

	array_clear(&ids->waiting);
	ids->writing = FALSE;
	ids->first_seq = 0;
	ids->expired = TRUE;
	ids->expired_time = 0;
	if (junk_db_meta_get(db, "ids_seq", value) < 0)
		return -1;
	/* without a valid position, read all reports */
	if (str_to_int64(str_c(value), &seq) < 0)
		seq = 0;
	if (junk_db_id_foreach(db, seq, load_id, ids) < 0)
		return -1;
	junk_report_ids_sort(ids);
	return 0;
}

/* --- writing --- */

void junk_report_ids_set_expired(struct junk_report_ids *ids)
{
	ids->expired = TRUE;
}

static bool
junk_report_ids_have_expired(const struct junk_report_ids *ids, time_t now)
{
	return ids->expired && (now - ids->expired_time >= EXPIRED_SECS ||
				/* a clock may jump back */
				now < ids->expired_time);
}

bool junk_report_ids_is_due(const struct junk_report_ids *ids, time_t now)
{
	return ids->writing || array_count(&ids->waiting) >= IDS_MAX ||
		junk_report_ids_have_expired(ids, now);
}

static int
junk_report_ids_begin(struct junk_report_ids *ids, struct junk_db *db,
		      int64_t last_seq, time_t now)
{
	int64_t first_seq;

	if (junk_db_first_seq(db, &first_seq) < 0)
		return -1;
	if (first_seq == 0)
		first_seq = last_seq + 1;
	ids->round_first_seq = 0;
	if (junk_report_ids_have_expired(ids, now) ||
	    (ids->expired && first_seq - ids->first_seq >= EXPIRED_MAX)) {
		ids->round_first_seq = first_seq;
		ids->expired = FALSE;
		ids->expired_time = now;
	}
	ids->round_seq = last_seq;
	ids->pieces = 0;
	ids->writing = TRUE;
	return 0;
}

#define PIECE_SIZE (UINT64_MAX / PIECES + 1)

/* The range of ids of a piece. */
static int64_t piece_first_id(unsigned int piece)
{
	return (int64_t)((uint64_t)INT64_MIN + piece * PIECE_SIZE);
}

static int64_t piece_last_id(unsigned int piece)
{
	return (int64_t)((uint64_t)INT64_MIN + piece * PIECE_SIZE +
			 (PIECE_SIZE - 1));
}

static int
junk_report_ids_write_piece(struct junk_report_ids *ids, struct junk_db *db,
			    unsigned int begin, unsigned int end)
{
	const char *seq;

	for (unsigned int i = begin; i < end; i++) {
		const struct report_id *id = array_idx(&ids->waiting, i);

		if (junk_db_id_set(db, id->id, id->seq) < 0)
			return -1;
	}
	if (ids->round_first_seq > 0 &&
	    junk_db_id_expire(db, piece_first_id(ids->pieces),
			      piece_last_id(ids->pieces),
			      ids->round_first_seq) < 0)
		return -1;
	if (ids->pieces + 1 < PIECES)
		return 0;
	seq = t_strdup_printf("%"PRId64, ids->round_seq);
	return junk_db_meta_set(db, "ids_seq", seq, strlen(seq));
}

int junk_report_ids_write(struct junk_report_ids *ids, struct junk_db *db,
			  int64_t last_seq, time_t now)
{
	unsigned int begin, end = array_count(&ids->waiting);

	if (!ids->writing &&
	    junk_report_ids_begin(ids, db, last_seq, now) < 0)
		return -1;
	(void)junk_report_ids_search(ids, piece_first_id(ids->pieces), &begin);
	if (ids->pieces + 1 < PIECES) {
		(void)junk_report_ids_search(
			ids, piece_first_id(ids->pieces + 1), &end);
	}
	if (junk_db_begin(db) < 0)
		return -1;
	if (junk_report_ids_write_piece(ids, db, begin, end) < 0) {
		junk_db_rollback(db);
		return -1;
	}
	if (junk_db_commit(db) < 0)
		return -1;
	array_delete(&ids->waiting, begin, end - begin);
	if (++ids->pieces < PIECES)
		return 0;
	ids->writing = FALSE;
	if (ids->round_first_seq > 0)
		ids->first_seq = ids->round_first_seq;
	return 0;
}

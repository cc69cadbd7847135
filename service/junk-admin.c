/* Administrators' commands on recorded reports: forget, rebuild, lookup. */

#include "lib.h"
#include "array.h"
#include "byteorder.h"
#include "junk-recorder-private.h"

#define HOUR_SECS 3600
/* The tokens of so many events are counted again in memory, some ten megabytes. */
#define RECOUNT_EVENTS 10000

struct admin_reporter {
	unsigned char id[JUNK_REPORTER_BYTES];
};

/* --- which reports --- */

static int reporter_cmp(const struct admin_reporter *r1,
			const struct admin_reporter *r2)
{
	return memcmp(r1->id, r2->id, sizeof(r1->id));
}

/* Returns TRUE if the report counts and has the requested time and origin. */
static bool
admin_matches(const struct junk_forget *forget,
	      const struct junk_db_event *event)
{
	const struct junk_db_report *row = &event->report;

	return !event->undo && row->undone == 0 &&
		row->verdict != JUNK_VERDICT_RETRACT &&
		row->hour / HOUR_SECS >= (int64_t)(forget->since / HOUR_SECS) &&
		(forget->until == 0 || row->hour < (int64_t)forget->until) &&
		(forget->origin == 0 || row->origin == forget->origin);
}

static int
admin_reporter_read(struct junk_recorder *recorder,
		    const struct junk_db_report *row,
		    struct admin_reporter *reporter_r)
{
	enum junk_sealed_flags flags;
	struct junk_report report;

	if (junk_sealed_read(recorder->key, row->sealed, row->sealed_size,
			     &report, &flags) < 0)
		return -1;
	memcpy(reporter_r->id, report.reporter, sizeof(reporter_r->id));
	return 0;
}

typedef void admin_callback_t(struct junk_recorder *recorder,
			      const struct junk_db_report *row, void *context);

static int
admin_foreach(struct junk_recorder *recorder, const struct junk_forget *forget,
	      admin_callback_t *callback, void *context)
{
	struct junk_db_iter *iter = junk_db_iter_init(recorder->db, 0);
	struct junk_db_event event;
	int ret;

	while ((ret = junk_db_iter_next(iter, &event)) > 0) T_BEGIN {
		if (admin_matches(forget, &event) &&
		    event.report.hour >= recorder->position.expired)
			callback(recorder, &event.report, context);
	} T_END;
	junk_db_iter_deinit(&iter);
	return ret;
}

struct admin_search {
	/* sorted; used if only reports of these are requested */
	ARRAY(struct admin_reporter) reporters;
	bool only_reporters;
	/* rows, without their sealed part */
	ARRAY(struct junk_db_report) rows;
};

static void
admin_add_reporter(struct junk_recorder *recorder,
		   const struct junk_db_report *row, void *context)
{
	struct admin_search *search = context;
	struct admin_reporter reporter;

	if (row->burst != 0 && admin_reporter_read(recorder, row, &reporter) == 0)
		array_push_back(&search->reporters, &reporter);
}

static void
admin_add_row(struct junk_recorder *recorder,
	      const struct junk_db_report *row, void *context)
{
	struct admin_search *search = context;
	struct admin_reporter reporter;
	struct junk_db_report copy = *row;

	if (search->only_reporters &&
	    (admin_reporter_read(recorder, row, &reporter) < 0 ||
	     array_bsearch(&search->reporters, &reporter,
			   reporter_cmp) == NULL))
		return;
	copy.sealed = NULL;
	copy.sealed_size = 0;
	array_push_back(&search->rows, &copy);
}

static int
admin_find(struct junk_recorder *recorder, const struct junk_forget *forget,
	   struct admin_search *search)
{
	struct admin_reporter reporter;

	search->only_reporters = forget->burst || forget->reporter != NULL;
	if (forget->reporter != NULL) {
		memcpy(reporter.id, forget->reporter, sizeof(reporter.id));
		array_push_back(&search->reporters, &reporter);
	} else if (forget->burst) {
		if (admin_foreach(recorder, forget, admin_add_reporter,
				  search) < 0)
			return -1;
		array_sort(&search->reporters, reporter_cmp);
	}
	return admin_foreach(recorder, forget, admin_add_row, search);
}

/* --- taking them back --- */

/* Set *complete_r to TRUE if no report has expired: then the number of events
   equals the last event's number, and everything that was learned is still in
   the log. */
static int admin_is_complete(struct junk_recorder *recorder, bool *complete_r)
{
	int64_t count;

	if (recorder->set.ordered) {
		*complete_r = recorder->position.expired == 0;
		return 0;
	}
	if (junk_db_event_count(recorder->db, &count) < 0)
		return -1;
	*complete_r = count == recorder->last_seq;
	return 0;
}

static int
admin_undo_row(struct junk_recorder *recorder,
	       const struct junk_db_report *row, int64_t undone)
{
	if (junk_db_report_undo(recorder->db, row->seq, undone) < 0)
		return -1;
	return junk_recorder_count_hour(recorder, row, -1);
}

/* Let the next load learn and count all events of the log again. A person can't be
   removed from the number of people who have reported a token (junk-db-tokens.c), so
   the tokens are counted anew if there are not too many. */
static int admin_start_over(struct junk_recorder *recorder)
{
	if (junk_recorder_drop_snapshot(recorder) < 0)
		return -1;
	if (recorder->last_seq > RECOUNT_EVENTS)
		return 0;
	if (junk_db_token_clear(recorder->db) < 0)
		return -1;
	return junk_db_meta_set(recorder->db, "token_seqs", "", 0);
}

static int
admin_undo(struct junk_recorder *recorder, const struct admin_search *search,
	   bool complete)
{
	const struct junk_db_report *row;
	/* in the shared log it is one record, however many reports there are */
	const int64_t step = recorder->set.ordered ? 0 : 1;
	int64_t seq = recorder->set.ordered ?
		junk_recorder_first_event(recorder->position.seq) :
		recorder->last_seq + 1;
	int ret = 0;

	if (junk_db_begin(recorder->db) < 0)
		return -1;
	array_foreach(&search->rows, row) {
		if (ret == 0) T_BEGIN {
			ret = admin_undo_row(recorder, row, seq);
		} T_END;
		seq += step;
	}
	if (ret == 0 && complete)
		ret = admin_start_over(recorder);
	if (ret == 0)
		ret = junk_recorder_write_position(recorder);
	if (ret < 0) {
		junk_db_rollback(recorder->db);
		return -1;
	}
	return junk_db_commit(recorder->db);
}

int junk_recorder_forget_rest(struct junk_recorder *recorder,
			      const struct junk_forget *forget)
{
	/* the learner's memory can't tell which of a reporter's reports are
	   requested, so it forgets either all or none */
	if (forget->reporter == NULL || forget->since > 0 ||
	    forget->until > 0 || forget->origin != 0)
		return 0;
	return junk_recorder_forget_memory(recorder, forget->reporter,
					   UINT32_MAX);
}

int junk_recorder_forget(struct junk_recorder *recorder,
			 const struct junk_forget *forget,
			 unsigned int *count_r, bool *exact_r)
{
	struct admin_search search;
	int ret;

	i_assert(array_count(&recorder->pending) == 0);
	i_zero(&search);
	i_array_init(&search.reporters, 16);
	i_array_init(&search.rows, 128);
	ret = admin_find(recorder, forget, &search);
	if (ret == 0)
		ret = admin_is_complete(recorder, exact_r);
	*count_r = array_count(&search.rows);
	/* a host that has joined later never had the reports, but the others
	   learn anew at this position */
	if (ret == 0 && !forget->dry_run &&
	    (*count_r > 0 || recorder->set.ordered))
		ret = admin_undo(recorder, &search, *exact_r);
	array_free(&search.reporters);
	array_free(&search.rows);
	return ret;
}

int junk_recorder_drop_snapshot(struct junk_recorder *recorder)
{
	unsigned char seed[sizeof(uint64_t)];
	struct junk_model model;

	junk_snapshot_cancel(recorder);
	/* the seed was stored in the snapshot. A process that is killed before
	   the next snapshot must start with the same seed, to get the same
	   weights */
	junk_learner_model(recorder->learner, &model);
	cpu64_to_le_unaligned(model.seed, seed);
	if (junk_db_meta_set(recorder->db, "seed", seed, sizeof(seed)) < 0)
		return -1;
	return junk_db_meta_set(recorder->db, "snapshot", "", 0);
}

void junk_recorder_continue(struct junk_recorder *recorder, int64_t last_seq)
{
	recorder->last_seq = last_seq;
}

/* --- looking up --- */

int junk_recorder_lookup(struct junk_recorder *recorder, junk_token_t token,
			 struct junk_db_token *token_r)
{
	const uint64_t keyed = junk_key_token(recorder->key, token);
	const struct junk_token_count *count;
	unsigned int pos = 0;
	int ret;

	ret = junk_db_token_find(recorder->db, keyed, token_r);
	if (ret < 0)
		return -1;
	token_r->token = keyed;
	/* add the counts that aren't written yet */
	while ((count = junk_token_counts_next(recorder->tokens,
					       junk_token_part(keyed),
					       &pos)) != NULL) {
		if (count->token != keyed)
			continue;
		token_r->class_num = count->class_num;
		token_r->spam += count->spam;
		token_r->ham += count->ham;
		token_r->sketch |= count->sketch;
		ret = 1;
	}
	/* don't reveal tokens that only few people have reported */
	return ret > 0 && junk_db_sketch_reporters(token_r->sketch) >=
		recorder->set.min_reporters ? 1 : 0;
}

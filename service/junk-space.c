/* Decides whose reports are deleted when the database is too large: those of
   the reporters who use most of it, so that nobody can displace what others
   have reported.

   The reporter is only in the sealed part of a report, and a table of each
   reporter's share would reveal more than the rest of the database. So a sample
   of the reports is decrypted: windows of consecutive reports (deleting them
   frees whole pages) at random positions. Who has most of the sample has about
   most of the database. */

#include "lib.h"
#include "array.h"
#include "randgen.h"
#include "junk-recorder-private.h"

#define SPACE_WINDOWS 16
#define SPACE_WINDOW_REPORTS 16
/* A reporter has too much with more than this part of the sample, and more than
   so many times the average of the others. */
#define SPACE_PART 8
#define SPACE_FACTOR 2

struct space_holder {
	unsigned char reporter[JUNK_REPORTER_BYTES];
	uint64_t bytes;
};

struct space_report {
	int64_t seq;
	unsigned int holder;
};

struct space_sample {
	ARRAY(struct space_holder) holders;
	ARRAY(struct space_report) reports;
	uint64_t bytes;
};

static unsigned int
space_find_holder(struct space_sample *sample,
		  const unsigned char reporter[JUNK_REPORTER_BYTES])
{
	struct space_holder *holder;
	unsigned int count;

	holder = array_get_modifiable(&sample->holders, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (memcmp(holder[i].reporter, reporter,
			   JUNK_REPORTER_BYTES) == 0)
			return i;
	}
	holder = array_append_space(&sample->holders);
	memcpy(holder->reporter, reporter, JUNK_REPORTER_BYTES);
	return count;
}

static bool
space_has_report(const struct space_sample *sample, int64_t seq)
{
	const struct space_report *report;

	array_foreach(&sample->reports, report) {
		if (report->seq == seq)
			return TRUE;
	}
	return FALSE;
}

static void
space_add(struct junk_recorder *recorder, const struct junk_db_report *row,
	  struct space_sample *sample)
{
	struct space_report *added;
	struct space_holder *holder;
	struct junk_report report;
	enum junk_sealed_flags flags;

	/* windows may overlap */
	if (space_has_report(sample, row->seq))
		return;
	/* those that can't be decrypted count for a reporter of zeros */
	i_zero(&report);
	(void)junk_sealed_read(recorder->key, row->sealed, row->sealed_size,
			       &report, &flags);
	added = array_append_space(&sample->reports);
	added->seq = row->seq;
	added->holder = space_find_holder(sample, report.reporter);
	holder = array_idx_modifiable(&sample->holders, added->holder);
	holder->bytes += row->sealed_size;
	sample->bytes += row->sealed_size;
}

struct space_window {
	struct junk_recorder *recorder;
	struct space_sample *sample;
};

static void space_callback(const struct junk_db_report *row, void *context)
{
	struct space_window *window = context;

	T_BEGIN {
		space_add(window->recorder, row, window->sample);
	} T_END;
}

static int
space_take_sample(struct junk_recorder *recorder, int64_t max_seq,
		  struct space_sample *sample)
{
	struct space_window window = { recorder, sample };
	int64_t first_seq;
	uint64_t random;

	if (junk_db_first_seq(recorder->db, &first_seq) < 0)
		return -1;
	if (first_seq == 0 || first_seq > max_seq)
		return 0;
	for (unsigned int i = 0; i < SPACE_WINDOWS; i++) {
		random_fill(&random, sizeof(random));
		random %= (uint64_t)(max_seq - first_seq) + 1;
		/* the oldest reports, which would be deleted otherwise, are
		   always included */
		if (i == 0)
			random = 0;
		if (junk_db_report_window(recorder->db,
					  first_seq + (int64_t)random, max_seq,
					  SPACE_WINDOW_REPORTS,
					  space_callback, &window) < 0)
			return -1;
	}
	return 0;
}

/* Returns TRUE and the reporter who has too much, FALSE if there is none. */
static bool
space_find_largest(const struct space_sample *sample, unsigned int *holder_r)
{
	const struct space_holder *holders;
	unsigned int count;
	uint64_t most;

	holders = array_get(&sample->holders, &count);
	if (count < 2)
		return FALSE;
	*holder_r = 0;
	for (unsigned int i = 1; i < count; i++) {
		if (holders[i].bytes > holders[*holder_r].bytes)
			*holder_r = i;
	}
	most = holders[*holder_r].bytes;
	return most > sample->bytes / SPACE_PART &&
		most > (sample->bytes - most) / (count - 1) * SPACE_FACTOR;
}

static int
space_delete(struct junk_recorder *recorder, const struct space_sample *sample,
	     unsigned int holder)
{
	const struct space_report *report;
	int count = 0;

	if (junk_db_begin(recorder->db) < 0)
		return -1;
	array_foreach(&sample->reports, report) {
		if (report->holder != holder)
			continue;
		if (junk_db_report_delete(recorder->db, report->seq) < 0) {
			junk_db_rollback(recorder->db);
			return -1;
		}
		count++;
	}
	return junk_db_commit(recorder->db) < 0 ? -1 : count;
}

int junk_recorder_expire_largest(struct junk_recorder *recorder)
{
	struct space_sample sample;
	unsigned int holder;
	int ret;

	i_zero(&sample);
	i_array_init(&sample.holders, 64);
	i_array_init(&sample.reports, SPACE_WINDOWS * SPACE_WINDOW_REPORTS);
	ret = space_take_sample(recorder, junk_recorder_settled_seq(recorder),
				&sample);
	if (ret == 0 && space_find_largest(&sample, &holder))
		ret = space_delete(recorder, &sample, holder);
	array_free(&sample.holders);
	array_free(&sample.reports);
	return ret;
}

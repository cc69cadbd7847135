#ifndef JUNK_REPORT_IDS_H
#define JUNK_REPORT_IDS_H

/* Finds the newest report of an id, i.e. of a pair of reporter and message.

   Ids are keyed hashes, so consecutive ones are on different pages of the table
   report_ids. To write fewer pages, new ids wait in memory until several belong
   to each page. They are then written to the table in the order of ids, in
   rounds over its whole range, which also delete expired ids. At a start, ids
   that aren't in the table yet are read from the reports. */

struct junk_db;

struct junk_report_ids *junk_report_ids_init(void);
void junk_report_ids_deinit(struct junk_report_ids **ids);

/* Use a database, and read the ids that its table doesn't have yet. Returns 0,
   or -1 if the database failed. */
int junk_report_ids_load(struct junk_report_ids *ids, struct junk_db *db);

/* Set the newest report of an id. Call this only after its transaction is
   committed. */
void junk_report_ids_add(struct junk_report_ids *ids, uint64_t id,
			 int64_t seq);
/* Find the newest report of an id. Returns 1 if found, 0 if there is none, -1
   if the database failed. The report may have expired, so the number may not
   exist any more. */
int junk_report_ids_find(struct junk_report_ids *ids, struct junk_db *db,
			 uint64_t id, int64_t *seq_r);

/* Returns TRUE if a round is in progress or due: many ids wait, or expired ones
   should be deleted. */
bool junk_report_ids_is_due(const struct junk_report_ids *ids, time_t now);
/* Note that reports have expired. */
void junk_report_ids_set_expired(struct junk_report_ids *ids);
/* Write the next piece of a round. last_seq: number of the newest report.
   Returns 0, or -1 if the database failed. */
int junk_report_ids_write(struct junk_report_ids *ids, struct junk_db *db,
			  int64_t last_seq, time_t now);

#endif

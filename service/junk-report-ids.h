#ifndef JUNK_REPORT_IDS_H
#define JUNK_REPORT_IDS_H

/* Which report has which id, i.e. is of which pair of reporter and message.

   Ids are keyed hashes: each new one belongs on another page of the table
   report_ids, and each one that expires is on another. So what is new waits in
   memory until it is so much that one page takes several, and goes to the table
   in the order of ids, in rounds from the first to the last. At a start it is
   read from the reports. */

struct junk_db;

struct junk_report_ids *junk_report_ids_init(void);
void junk_report_ids_deinit(struct junk_report_ids **ids);

/* Begin with a database: what waits is what its reports have and its table
   hasn't. Returns 0, or -1 if the database failed. */
int junk_report_ids_load(struct junk_report_ids *ids, struct junk_db *db);

/* seq is now the newest report with that id; to be called once its transaction
   is committed. */
void junk_report_ids_add(struct junk_report_ids *ids, uint64_t id,
			 int64_t seq);
/* Returns 1 and the newest report with that id, 0 if there is none, -1 if the
   database failed. The report may have expired, and its number may stand for
   nothing. */
int junk_report_ids_find(struct junk_report_ids *ids, struct junk_db *db,
			 uint64_t id, int64_t *seq_r);

/* A round is under way, or due: so much waits, or reports have expired and it
   is time for theirs to go. */
bool junk_report_ids_is_due(const struct junk_report_ids *ids, time_t now);
/* Reports have expired. */
void junk_report_ids_set_expired(struct junk_report_ids *ids);
/* Write the next piece of a round; last_seq: the newest report. Returns 0, or
   -1 if the database failed. */
int junk_report_ids_write(struct junk_report_ids *ids, struct junk_db *db,
			  int64_t last_seq, time_t now);

#endif

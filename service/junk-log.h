#ifndef JUNK_LOG_H
#define JUNK_LOG_H

/* The ordered log that several hosts share. It stores sealed records and gives
   each a number; it doesn't know what a record means.

   All functions but create return at once; the answers come as callbacks from
   the ioloop. There is at most one request at a time. If a request fails, the
   connection is closed, "failed" tells why, and the log connects again by
   itself; it isn't known whether the records of a failed append are in the log,
   so they are appended again. */

struct junk_log;

#define JUNK_LOG_CHECK_BYTES 16
/* The largest record, in bytes. */
#define JUNK_LOG_MAX_BYTES (256*1024)

struct junk_log_settings {
	/* libpq's connection string or URI, without a password: that is in
	   libpq's password file */
	const char *conninfo;
	/* a value that tells the cluster's key from others */
	unsigned char check[JUNK_LOG_CHECK_BYTES];
};

/* The log when the connection was made. */
struct junk_log_head {
	/* a UUID; valid during the callback */
	const char *cluster;
	/* number of the last record; 0 = none */
	int64_t seq;
	/* number of the first record that hasn't expired; seq + 1 = there is
	   none */
	int64_t first_seq;
};

struct junk_log_record {
	int64_t seq;
	/* the hour of the append by the log's clock, in seconds since 1970. It
	   never goes back. */
	int64_t hour;
	const unsigned char *sealed;
	size_t size;
};

struct junk_log_callbacks {
	/* The log is connected, and it has our key. */
	void (*ready)(const struct junk_log_head *head, void *context);
	/* The connection or a request has failed. error names the fix. */
	void (*failed)(const char *error, void *context);
	/* Records in the order of their numbers, at most JUNK_LOG_READ_RECORDS.
	   They are valid during the callback. */
	void (*read)(const struct junk_log_record *records, unsigned int count,
		     void *context);
	/* The records are durable. seq: number of the last one; 0 = the
	   conditional record wasn't due. */
	void (*appended)(int64_t seq, void *context);
};

#define JUNK_LOG_READ_RECORDS 500

/* Create the log in an empty database. It blocks. Returns 0, or -1 and error_r
   if there is one already or if the database failed. */
int junk_log_create(const struct junk_log_settings *set, const char **error_r);

/* Connect. The callbacks must stay valid until deinit. Returns NULL and error_r if
   libpq can't be loaded. */
struct junk_log *junk_log_init(const struct junk_log_settings *set,
			       const struct junk_log_callbacks *callbacks,
			       void *context, const char **error_r);
void junk_log_deinit(struct junk_log **log);

/* Returns TRUE if a request may be made. */
bool junk_log_is_ready(const struct junk_log *log);
/* Read the records after a number. */
void junk_log_read(struct junk_log *log, int64_t after_seq);
/* Append records, in one transaction. */
void junk_log_append(struct junk_log *log, const struct junk_log_record *records,
		     unsigned int count);
/* Append a record if the last one of this kind is so many records or seconds old
   and others have come since. */
void junk_log_append_checkpoint(struct junk_log *log,
				const struct junk_log_record *record,
				unsigned int min_records,
				unsigned int min_secs);
/* Append a record, and delete the records of the hours before this one, unless
   that was done already, or some aren't keep_secs old by the log's clock. */
void junk_log_append_expire(struct junk_log *log,
			    const struct junk_log_record *record,
			    int64_t before, int64_t keep_secs);

#endif

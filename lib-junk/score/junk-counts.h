#ifndef JUNK_COUNTS_H
#define JUNK_COUNTS_H

/* The counter page: how much mail was scored, by which program, on which day,
   and when the last time was. A small file in Dovecot's base_dir that the
   service makes and that each scoring process adds to. It has numbers only:
   nothing in it belongs to a message or to a user.

   Invariants: the page is never mapped, because whoever can write to it can
   also shorten it; its size is fixed, and what is beyond that isn't read. No
   lock is taken: a process adds in a slot of its own (its pid), so that two
   processes rarely meet. A number that gets lost that way, or that somebody has
   forged, misleads a statistic and nothing else.

     0    8  magic "JUNKCNTS"
     8   u32 byte order 0x01020304
    12   u32 format version (JUNK_COUNTS_VERSION)
    16   u64 time of creation, seconds since 1970
    24   40 zero bytes
    64   cells of 16 bytes, by slot, program and day (since 1970) modulo
         JUNK_COUNTS_DAYS:
           0  u32 time of the last message, seconds since 1970: a cell whose
                  time is of another day is empty
           4  u32 messages
           8  u32 of these: whose score was unknown
          12  u32 of these: whose score reached the threshold */

/* Name of the file in Dovecot's base_dir. */
#define JUNK_COUNTS_FNAME "junk-feedback.counts"
#define JUNK_COUNTS_MAGIC "JUNKCNTS"
#define JUNK_COUNTS_BYTE_ORDER 0x01020304
#define JUNK_COUNTS_VERSION 1
#define JUNK_COUNTS_HEADER_BYTES 64
#define JUNK_COUNTS_CELL_BYTES 16
#define JUNK_COUNTS_SLOTS 16
/* Number of days that are kept, including today. */
#define JUNK_COUNTS_DAYS 64

enum junk_counts_program {
	JUNK_COUNTS_LMTP,
	JUNK_COUNTS_LDA,
	/* Sieve in IMAP */
	JUNK_COUNTS_IMAP,
	/* the milter and other programs that use libjunkscore */
	JUNK_COUNTS_MILTER,

	JUNK_COUNTS_PROGRAM_COUNT
};

#define JUNK_COUNTS_FILE_BYTES \
	(JUNK_COUNTS_HEADER_BYTES + JUNK_COUNTS_CELL_BYTES * \
	 JUNK_COUNTS_SLOTS * JUNK_COUNTS_PROGRAM_COUNT * JUNK_COUNTS_DAYS)

struct junk_counts_sum {
	/* number of messages; of those with unknown score; of those that
	   reached the threshold */
	uint64_t messages, unknown, above;
	/* seconds since 1970, 0 = none */
	time_t last;
};

struct junk_counts_totals {
	/* when the page was created */
	time_t created;
	/* the first is today */
	struct junk_counts_sum days[JUNK_COUNTS_DAYS];
	struct junk_counts_sum programs[JUNK_COUNTS_PROGRAM_COUNT];
	struct junk_counts_sum all;
};

const char *junk_counts_program_name(enum junk_counts_program program);

/* --- scoring processes --- */

struct junk_counts;

/* Never fails: the file is opened when it is needed. The path is copied. The
   counts belong to the calling process, not to one that it forks. */
struct junk_counts *junk_counts_open(const char *path);
void junk_counts_close(struct junk_counts **counts);
/* Count a message. score: 0..100 or JUNK_SCORE_UNKNOWN; threshold: 0 = none.
   Errors are ignored, since counting must not disturb a delivery. It makes two
   system calls that don't block, and once a second a third. */
void junk_counts_add(struct junk_counts *counts,
		     enum junk_counts_program program, int score,
		     unsigned int threshold, time_t now);

/* --- readers --- */

/* Read the page. Returns 0, or -1 and error_r if there is no page or it is
   invalid. */
int junk_counts_read(const char *path, time_t now,
		     struct junk_counts_totals *totals_r, const char **error_r);

/* --- the service --- */

/* Open the page. If there is none, create it with the content of saved_path, or
   empty if that is NULL or invalid. Returns the file descriptor, or -1 and
   error_r. The caller sets the permissions. */
int junk_counts_create(const char *path, const char **error_r);
/* Cut the page to its size: any process that may write to it may also have
   extended it. */
void junk_counts_trim(int fd);
int junk_counts_begin(int fd, const char *saved_path, time_t now,
		      const char **error_r);
/* Write a copy of the page to saved_path, which replaces an earlier copy.
   Returns 0, or -1 and error_r. */
int junk_counts_save(int fd, const char *saved_path, const char **error_r);

#endif

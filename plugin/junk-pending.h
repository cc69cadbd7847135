#ifndef JUNK_PENDING_H
#define JUNK_PENDING_H

#include "junk-report.h"

struct istream;

enum junk_body_place {
	/* read already */
	JUNK_BODY_MEMORY,
	/* a whole file */
	JUNK_BODY_FILE,
	/* the only message of a dbox file, after the file's header and its
	   own */
	JUNK_BODY_SDBOX,
	/* any message of a dbox file, after its header */
	JUNK_BODY_MDBOX
};

/* A message as it was when the user acted: its start, as far as it is ever
   read. A copy or an open file, since a moment later the message may be gone, or
   its mailbox closed. */
struct junk_body {
	enum junk_body_place place;
	/* where it begins in a file */
	int fd;
	uoff_t offset;
	/* what is in memory */
	size_t size;
	unsigned char data[];
};

/* The message wasn't saved by the transaction: it stays where it is. */
#define JUNK_NOT_SAVED UINT_MAX

/* A report that waits for its transaction's commit, or for its turn after
   it. */
struct junk_pending {
	enum junk_verdict verdict;
	enum junk_origin origin;
	uint64_t stamp_usecs;
	/* Yet to be tokenised. NULL = it was, and this is the result: */
	struct junk_body *body;
	uint32_t size_bytes;
	unsigned char digest[JUNK_DIGEST_BYTES];
	/* in the buffer that goes with it */
	size_t tokens_pos;
	unsigned int token_count;
	/* Ham only if the message isn't moved to Trash next: which one.
	   NULL = in any case. */
	char *kept_vname;
	uint32_t uid;
	/* the number of the transaction's saved message that this is, from 0 */
	unsigned int saved_idx;
};

/* Room for so many bytes */
struct junk_body *junk_body_alloc(size_t size);
/* In a file. Takes over the fd. */
struct junk_body *junk_body_keep(int fd, enum junk_body_place place,
				 uoff_t offset);
void junk_body_free(struct junk_body **body);
/* How many of them have a file, in the whole process. */
unsigned int junk_body_open_files(void);
/* Read a message from the stream's current offset: so many bytes, or to the
   end. Returns 0, or -1 and error_r. buf: used for reading, its content
   doesn't matter. */
int junk_body_read(struct istream *input, uoff_t size, buffer_t *buf,
		   struct junk_body **body_r, const char **error_r);

/* Free what is allocated in it. */
void junk_pending_clear(struct junk_pending *pending);

#endif

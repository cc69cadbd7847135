#ifndef JUNK_PENDING_H
#define JUNK_PENDING_H

#include "junk-report.h"
#include "junk-trail.h"

struct istream;

enum junk_body_place {
	/* in memory */
	JUNK_BODY_MEMORY,
	/* a whole file */
	JUNK_BODY_FILE,
	/* the only message of a dbox file, after the file's and the message's
	   header */
	JUNK_BODY_SDBOX,
	/* any message of a dbox file, after the message's header */
	JUNK_BODY_MDBOX
};

/* The beginning of a message at the time of the user's action, as far as it is
   tokenised. It is a copy or an open file, since the message may be expunged or
   its mailbox closed a moment later. */
struct junk_body {
	enum junk_body_place place;
	/* its file and its offset there */
	int fd;
	uoff_t offset;
	/* its bytes in memory */
	size_t size;
	unsigned char data[];
};

/* The transaction didn't save the message: it stays where it is. */
#define JUNK_NOT_SAVED UINT_MAX

/* A report that waits for the commit of its transaction, or for being processed
   after that. */
struct junk_pending {
	enum junk_verdict verdict;
	enum junk_origin origin;
	uint64_t stamp_usecs;
	/* The message, if it isn't tokenised yet. NULL = it is, with these
	   results: */
	struct junk_body *body;
	uint32_t size_bytes;
	unsigned char digest[JUNK_DIGEST_BYTES];
	/* position of the tokens in the transaction's buffer */
	size_t tokens_pos;
	unsigned int token_count;
	/* Mailbox of a message that is ham only if it isn't moved to Trash
	   next. NULL = no such condition. */
	char *kept_vname;
	uint32_t uid;
	/* index of the message among the transaction's saved ones, from 0 */
	unsigned int saved_idx;
	/* 0 = a report. DELETED or REMOVED = a note that the message was
	   deleted from a mailbox. It becomes a report if the same message was
	   appended elsewhere since it arrived. */
	enum junk_trail_type note;
	time_t arrived;
};

/* Allocate a body of so many bytes. */
struct junk_body *junk_body_alloc(size_t size);
/* Create a body for a message in a file. Takes ownership of the descriptor. */
struct junk_body *junk_body_keep(int fd, enum junk_body_place place,
				 uoff_t offset);
void junk_body_free(struct junk_body **body);
/* Returns the number of bodies with an open file in the whole process. */
unsigned int junk_body_open_files(void);
/* Read a message from the stream's current offset: so many bytes, or up to the
   end. Returns 0, or -1 and error_r. buf is used for reading; its content
   doesn't matter. */
int junk_body_read(struct istream *input, uoff_t size, buffer_t *buf,
		   struct junk_body **body_r, const char **error_r);

/* Free everything that it points to. */
void junk_pending_clear(struct junk_pending *pending);

#endif

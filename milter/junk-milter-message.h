#ifndef JUNK_MILTER_MESSAGE_H
#define JUNK_MILTER_MESSAGE_H

#include <stddef.h>

/* One message as the MTA sends it, cut off after JUNK_MAX_READ_BYTES: the
   tokenizer doesn't read more. */

/* The client of the connection, as in the Received field that the MTA will
   write later. Milters don't see that field. An empty string means unknown. */
struct junk_milter_client {
	char helo[256], name[256], address[64];
};

struct junk_milter_message {
	/* kept for the connection's next message */
	struct junk_milter_client client;
	char *data;
	size_t size, allocated;
	/* out of memory: the message passes without a score */
	int failed;
	/* number of recipients in skip_recipients, and of the others */
	int skipped, wanted;
	/* number of our own header fields that the message had already */
	unsigned int foreign_scores, foreign_reasons, foreign_flags;
};

/* Begin a message. mx: this host's name, or "" if the client is not used as
   evidence. */
void junk_milter_message_begin(struct junk_milter_message *msg,
			       const char *mx);
void junk_milter_message_header(struct junk_milter_message *msg,
				const char *name, const char *value);
void junk_milter_message_end_headers(struct junk_milter_message *msg);
void junk_milter_message_body(struct junk_milter_message *msg,
			      const unsigned char *data, size_t size);
/* Returns 1 if no more of the body is needed. */
int junk_milter_message_full(const struct junk_milter_message *msg);
/* Empty the message, to use it for the connection's next one. */
void junk_milter_message_reset(struct junk_milter_message *msg);

#endif

#ifndef JUNK_MILTER_MESSAGE_H
#define JUNK_MILTER_MESSAGE_H

#include <stddef.h>

/* One message as it comes in, at most JUNK_MAX_READ_BYTES of it: the scorer
   reads no more either. */

/* The client of the connection, as it is in the Received field that the MTA will
   write: milters don't see that. "" = not known. */
struct junk_milter_client {
	char helo[256], name[256], address[64];
};

struct junk_milter_message {
	/* stays for the connection's next message */
	struct junk_milter_client client;
	char *data;
	size_t size, allocated;
	/* out of memory: the message passes without a score */
	int failed;
	/* recipients that are in skip_recipients, and such that aren't */
	int skipped, wanted;
	/* header fields of ours that came from outside */
	unsigned int foreign_scores, foreign_reasons, foreign_flags;
};

/* The message begins. mx: this host's name, "" if the client is no evidence. */
void junk_milter_message_begin(struct junk_milter_message *msg,
			       const char *mx);
void junk_milter_message_header(struct junk_milter_message *msg,
				const char *name, const char *value);
void junk_milter_message_end_headers(struct junk_milter_message *msg);
void junk_milter_message_body(struct junk_milter_message *msg,
			      const unsigned char *data, size_t size);
/* Returns 1 if more of the body isn't needed. */
int junk_milter_message_full(const struct junk_milter_message *msg);
/* Empty again, for the connection's next message. */
void junk_milter_message_reset(struct junk_milter_message *msg);

#endif

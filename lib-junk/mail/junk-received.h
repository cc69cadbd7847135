#ifndef JUNK_RECEIVED_H
#define JUNK_RECEIVED_H

#include "junk-host.h"

/* The client that delivered a message to our own MX, from the Received field
   (RFC 5321, 4.4) that the MX added: "from HELO (NAME [ADDRESS]) by HOST
   ...". */

struct junk_client {
	/* HELO, and the verified name of the client's address; "" = none */
	const char *helo, *name;
	struct junk_host address;
};

/* Parse a field (unfolded, not decoded). mx: names of trusted hosts, separated
   by spaces; NULL or "" = none. Returns FALSE if another host added the field,
   or if the client isn't an external one (such as a filter on the same host).
   The result is on the data stack. */
bool junk_received_parse(struct junk_hosts *hosts,
			 const unsigned char *data, size_t size,
			 const char *mx, struct junk_client *client_r);

#endif

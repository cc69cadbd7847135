#ifndef JUNK_RECEIVED_H
#define JUNK_RECEIVED_H

#include "junk-host.h"

/* The client that has delivered a message to our own MX, from the Received field
   (RFC 5321, 4.4) that this wrote: "from HELO (NAME [ADDRESS]) by HOST ...". */

struct junk_client {
	/* what it said in HELO, and the name of its address that the MX has
	   verified; "" = none */
	const char *helo, *name;
	struct junk_host address;
};

/* Read a field (unfolded, not decoded). mx: names, separated by blanks, of
   those that are believed; NULL or "" = none are. Returns FALSE if another host
   wrote it, or it isn't from outside: by way of a filter, from this host. The result
   is on the data stack. */
bool junk_received_parse(struct junk_hosts *hosts,
			 const unsigned char *data, size_t size,
			 const char *mx, struct junk_client *client_r);

#endif

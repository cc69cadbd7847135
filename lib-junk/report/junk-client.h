#ifndef JUNK_CLIENT_H
#define JUNK_CLIENT_H

#include "junk-report.h"

/* Sends a user's reports to the service without blocking. Reports that can't be
   sent or aren't acknowledged go to the user's spool and are sent later. */

struct junk_client;

extern struct event_category event_category_junk_feedback;

struct junk_client_settings {
	/* full path of the service's socket */
	const char *socket_path;
	/* directory of identity and spool: the user's control directory */
	const char *control_dir;
	struct event *event_parent;
	/* Called from the main loop when junk_client_is_settled() may have
	   become TRUE. May be NULL. */
	void (*settled)(void *context);
	void *context;
};

/* Counters since the client's creation. */
struct junk_client_counters {
	unsigned int queued, acked, spooled, dropped;
};

/* Create a client. Never blocks or fails. If there is a spool, sending it
   begins. */
struct junk_client *
junk_client_init(const struct junk_client_settings *set);
/* Wait up to wait_msecs (0 = not at all) for acknowledgements, write the other
   reports to the spool, and set *client to NULL. */
void junk_client_deinit(struct junk_client **client, unsigned int wait_msecs);

/* Queue a report; the client sets the field reporter. Only junk_client_flush()
   guarantees that it is written. Returns 0, or -1 if it was dropped; error_r
   says why, and the client has counted it and logged it once. */
int junk_client_report(struct junk_client *client, struct junk_report *report,
		       const char **error_r);
/* Write the queue to the socket, as far as this doesn't block, and the rest to
   the spool. After this the reports survive the end of this process, unless the
   service ends before it has read them. */
void junk_client_flush(struct junk_client *client);
/* Returns TRUE if every report is recorded, in the spool, or logged as lost. */
bool junk_client_is_settled(const struct junk_client *client);

/* Returns TRUE if many reports are unacknowledged or the service can't be
   reached. Work that can wait should wait then. */
bool junk_client_is_busy(const struct junk_client *client);

const struct junk_client_counters *
junk_client_get_counters(struct junk_client *client);

#endif

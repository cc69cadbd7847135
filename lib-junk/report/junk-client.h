#ifndef JUNK_CLIENT_H
#define JUNK_CLIENT_H

#include "junk-report.h"

/* Sends a user's reports to the service, never waiting for it. What can't be
   sent or isn't acknowledged goes to the user's spool and is sent at the next
   chance. */

struct junk_client;

extern struct event_category event_category_junk_feedback;

struct junk_client_settings {
	/* full path of the service's socket */
	const char *socket_path;
	/* where identity and spool live: the user's control directory */
	const char *control_dir;
	struct event *event_parent;
	/* From the main loop: junk_client_is_settled() may have become TRUE.
	   NULL = nobody asks. */
	void (*settled)(void *context);
	void *context;
};

/* Counters since the client was made. */
struct junk_client_counters {
	unsigned int queued, acked, spooled, dropped;
};

/* Doesn't block and doesn't fail. If there is a spool, sending it begins. */
struct junk_client *
junk_client_init(const struct junk_client_settings *set);
/* Waits at most wait_msecs for outstanding acknowledgements (0 = not at all),
   then spools the rest. Sets *client to NULL. */
void junk_client_deinit(struct junk_client **client, unsigned int wait_msecs);

/* Queue a report, with reporter filled in by us. Nothing is certain to have
   been written before junk_client_flush(). Returns 0 if queued, -1 if it was
   dropped (error_r says why; the client has counted it and logged it once). */
int junk_client_report(struct junk_client *client, struct junk_report *report,
		       const char **error_r);
/* Write everything that was queued to the socket, as much as it takes without
   blocking, and the rest to the spool: after this the reports survive the end
   of this process, unless the service ends before it has read them. */
void junk_client_flush(struct junk_client *client);
/* Every report is recorded, in the spool, or said to be lost. */
bool junk_client_is_settled(const struct junk_client *client);

/* The service has yet to answer for much of what it was given, or isn't there:
   what can wait should. */
bool junk_client_is_busy(const struct junk_client *client);

const struct junk_client_counters *
junk_client_get_counters(struct junk_client *client);

#endif

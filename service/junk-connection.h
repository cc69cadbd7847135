#ifndef JUNK_CONNECTION_H
#define JUNK_CONNECTION_H

/* The service's clients: frames in, acknowledgements out (doc/protocol.md). */

struct event;
struct junk_engine;

struct junk_connections_settings {
	struct junk_engine *engine;
	struct event *event_parent;
	/* When there are so many, one that waits for nothing is closed. */
	unsigned int max_connections;
	/* Called once for each connection that has ended. */
	void (*closed_callback)(void);
	/* The process has to be started again. */
	void (*restart_callback)(void);
};

void junk_connections_init(const struct junk_connections_settings *set);
/* Commit what can be committed, acknowledge it and close all. */
void junk_connections_deinit(void);

/* Takes over fd. */
void junk_connection_create(int fd);
/* TRUE if reports wait for a commit or an acknowledgement. */
bool junk_connections_are_busy(void);
/* The end is near: read what clients have sent already, commit and acknowledge
   it. */
void junk_connections_drain(void);

#endif

#ifndef JUNK_CONNECTION_H
#define JUNK_CONNECTION_H

/* The service's connections: they receive frames and send acknowledgements
   (doc/protocol.md). */

struct event;
struct junk_engine;

struct junk_connections_settings {
	struct junk_engine *engine;
	struct event *event_parent;
	/* With so many connections, an idle one is closed for a new one. */
	unsigned int max_connections;
	/* Called once for each connection that has ended. */
	void (*closed_callback)(void);
	/* Called when the process has to be restarted. */
	void (*restart_callback)(void);
};

void junk_connections_init(const struct junk_connections_settings *set);
/* The engine's wake callback (junk-engine.h). */
void junk_connections_wake(bool committed);
/* Commit and acknowledge as far as possible, and close all connections. */
void junk_connections_deinit(void);

/* Takes ownership of fd. */
void junk_connection_create(int fd);
/* TRUE if reports wait for a commit or an acknowledgement. */
bool junk_connections_are_busy(void);
/* Before the end of the process: read what clients have already sent, commit
   and acknowledge it. */
void junk_connections_drain(void);

#endif

/* The reports of all connections are collected while the ioloop has input, and
   then committed together: one fsync for all that arrived during the last one.
   There is no additional wait. */

#include "lib.h"
#include "buffer.h"
#include "connection.h"
#include "ioloop.h"
#include "istream.h"
#include "llist.h"
#include "net.h"
#include "ostream.h"
#include "str.h"
#include "junk-clock.h"
#include "junk-engine.h"
#include "junk-frame.h"
#include "junk-limits.h"
#include "junk-connection.h"

#include <unistd.h>

/* Answers are small. A client that doesn't read them is disconnected. */
#define MAX_OUTPUT_BYTES (256*1024)
#define MAX_INPUT_BYTES (JUNK_FRAME_HEADER_BYTES + JUNK_MAX_FRAME_BYTES)
/* Frames of one client that are handled before other clients get their turn. */
#define MAX_INPUT_FRAMES 256
/* Maintenance is done when nothing was read for so long, and is checked at an
   interval. */
#define MAINTAIN_IDLE_MSECS 5
#define MAINTAIN_MSECS 1000
/* Many undone reports cause many replays. After each piece of maintenance,
   reports get so many times its duration. */
#define MAINTAIN_PAUSE_FACTOR 4
/* At the end, the maximum number of transactions for reports that are still in
   the sockets. */
#define DRAIN_MAX_COMMITS 1000
/* Interval of the check for the segment's file. */
#define SEGMENT_CHECK_SECS 10

/* All connections of one uid. */
struct junk_peer {
	struct junk_peer *prev, *next;
	uid_t uid;
	unsigned int connections_count;
};

struct junk_connection {
	struct connection conn;
	struct junk_connection *halted_prev, *halted_next;
	struct junk_peer *peer;
	/* when it was last read from, as a sequence number of reads */
	uint64_t last_read;
	/* number of reports that wait for the next transaction, and of those
	   that are on their way */
	unsigned int pending_count, sent_count;
	/* the engine is full, so input waits */
	bool halted;
	/* the client has closed the connection */
	bool eof;
	/* the client broke the protocol; its input is ignored */
	bool broken;
};

struct junk_connections {
	struct junk_connections_settings set;
	struct connection_list *list;
	struct junk_peer *peers;
	/* a queue in order of arrival */
	struct junk_connection *halted_head, *halted_tail;
	struct event *event;
	struct timeout *to_commit, *to_retry, *to_maintain;
	unsigned int maintain_msecs, maintain_pause_msecs;
	time_t segment_checked;
	time_t started;
	uint64_t accepted_count, rejected_frames, reads_count;
	bool stopping, error_logged, own_uid_logged;
};

static struct junk_connections *conns;

static void junk_connections_schedule_commit(void);
static void junk_connections_schedule_retry(void);
static enum junk_engine_commit junk_connections_try_commit(void);
static void junk_connections_schedule_maintain(unsigned int msecs);

/* --- output --- */

/* Close a connection's output. A client that has disconnected may have left
   reports in the socket, so its connection ends when all of them are read. A
   client that doesn't read its answers is disconnected at once; it will send
   reports again that it doesn't know to be acknowledged. */
static void
junk_connection_send(struct junk_connection *client, const buffer_t *data)
{
	ssize_t ret = o_stream_send(client->conn.output, data->data,
				    data->used);

	if (ret >= 0 && (size_t)ret < data->used && !client->broken) {
		conns->rejected_frames++;
		client->broken = TRUE;
	}
}

static void junk_connection_send_ack(struct junk_connection *client)
{
	if (client->sent_count == 0)
		return;
	T_BEGIN {
		buffer_t *data = t_buffer_create(32);

		junk_frame_encode_ack(data, client->sent_count);
		junk_connection_send(client, data);
	} T_END;
	client->sent_count = 0;
}

static void
junk_connection_send_text(struct junk_connection *client,
			  enum junk_frame_type type, const char *text)
{
	buffer_t *data = t_buffer_create(1024);
	size_t size = I_MIN(strlen(text), JUNK_MAX_FRAME_BYTES);

	junk_frame_encode(data, type, text, size);
	junk_connection_send(client, data);
}

static void junk_connection_send_status(struct junk_connection *client)
{
	string_t *str = t_str_new(1024);

	str_append(str, "version="JUNK_VERSION"\n");
	str_printfa(str, "protocol=%u\n", JUNK_FRAME_VERSION);
	str_printfa(str, "feature_set=%u\n", JUNK_FEATURE_SET);
	str_printfa(str, "pid=%ld\n", (long)getpid());
	str_printfa(str, "uptime_secs=%ld\n",
		    (long)(ioloop_time - conns->started));
	str_printfa(str, "connections=%u\n", conns->list->connections_count);
	str_printfa(str, "connections_accepted=%"PRIu64"\n",
		    conns->accepted_count);
	str_printfa(str, "frames_rejected=%"PRIu64"\n",
		    conns->rejected_frames);
	junk_engine_status(conns->set.engine, str);
	junk_connection_send_text(client, JUNK_FRAME_TEXT, str_c(str));
}

/* Send an error and disconnect a peer that breaks the protocol. Reports that it
   has sent before count. */
static void
junk_connection_reject(struct junk_connection *client, const char *error)
{
	conns->rejected_frames++;
	if (!conns->error_logged) {
		conns->error_logged = TRUE;
		e_warning(conns->event, "Protocol error of a client: %s "
			  "(further errors are not logged)", error);
	}
	junk_connection_send_text(client, JUNK_FRAME_ERROR, error);
	client->broken = TRUE;
}

/* --- administration --- */

/* Only root is an administrator, not the service's own user: if mail users
   share that uid, each of their processes could forget other users' reports. */
static bool junk_connection_is_admin(struct junk_connection *client)
{
	return client->peer->uid == 0;
}

/* Warn if a client runs with the service's uid, since it can read the key. */
static void junk_connection_check_uid(struct junk_connection *client)
{
	if (conns->own_uid_logged || client->peer->uid != geteuid())
		return;
	conns->own_uid_logged = TRUE;
	e_warning(conns->event, "Mail processes run with the uid of this "
		  "service (%ld) and can read its key: set a user in service "
		  "junk-feedback { } that no mail process has",
		  (long)client->peer->uid);
}

static void
junk_connection_refuse(struct junk_connection *client, const char *error)
{
	junk_connection_send_text(client, JUNK_FRAME_ERROR, error);
	client->broken = TRUE;
}

static void
junk_connection_handle_admin(struct junk_connection *client,
			     const struct junk_frame *frame)
{
	string_t *answer = t_str_new(1024);
	const char *error;

	if (!junk_connection_is_admin(client)) {
		junk_connection_refuse(client, "this command is for root only");
		return;
	}
	/* commit the reports that came before the command */
	if (junk_engine_is_ready(conns->set.engine))
		(void)junk_connections_try_commit();
	if (junk_engine_admin(conns->set.engine, frame, ioloop_time,
			      answer, &error) < 0) {
		junk_connection_refuse(client, error);
		if (!junk_engine_is_ready(conns->set.engine))
			junk_connections_schedule_retry();
	} else {
		junk_connection_send_text(client, JUNK_FRAME_TEXT,
					  str_c(answer));
	}
}

/* --- input --- */

/* Handle a frame. Returns 1 if it was handled, 0 if it has to wait, -1 on
   error. */
static int
junk_connection_handle_frame(struct junk_connection *client,
			     const struct junk_frame *frame,
			     const char **error_r)
{
	struct junk_report report;

	switch (frame->type) {
	case JUNK_FRAME_REPORT:
		if (junk_engine_is_full(conns->set.engine))
			return 0;
		if (junk_frame_decode_report(frame, &report, error_r) < 0)
			return -1;
		junk_connection_check_uid(client);
		report.uid = junk_connection_is_admin(client) ?
			JUNK_REPORT_UID_TRUSTED : client->peer->uid;
		junk_engine_add(conns->set.engine, &report);
		client->pending_count++;
		junk_connections_schedule_commit();
		return 1;
	case JUNK_FRAME_STATUS:
		if (frame->payload_size != 0) {
			*error_r = "STATUS must not have a payload";
			return -1;
		}
		junk_connection_send_status(client);
		return 1;
	case JUNK_FRAME_LOOKUP:
	case JUNK_FRAME_FORGET:
	case JUNK_FRAME_REBUILD:
	case JUNK_FRAME_REKEY:
	case JUNK_FRAME_CLUSTER_INIT:
		junk_connection_handle_admin(client, frame);
		return 1;
	default:
		*error_r = "frame type is for clients only";
		return -1;
	}
}

static void junk_connection_halt(struct junk_connection *client)
{
	client->halted = TRUE;
	DLLIST2_APPEND_FULL(&conns->halted_head, &conns->halted_tail, client,
			    halted_prev, halted_next);
}

static void junk_connection_unhalt(struct junk_connection *client)
{
	client->halted = FALSE;
	DLLIST2_REMOVE_FULL(&conns->halted_head, &conns->halted_tail, client,
			    halted_prev, halted_next);
}

/* Handle all complete frames. Returns 1 if more input is needed, 0 if it has to
   wait or none will come. */
static int junk_connection_handle_input(struct junk_connection *client)
{
	const unsigned char *data;
	struct junk_frame frame;
	size_t size, frame_size;
	const char *error;
	unsigned int count = 0;
	int ret;

	for (;; count++) {
		if (count >= MAX_INPUT_FRAMES && !client->eof) {
			i_stream_set_input_pending(client->conn.input, TRUE);
			return 0;
		}
		data = i_stream_get_data(client->conn.input, &size);
		ret = junk_frame_decode(data, size, &frame, &frame_size,
					&error);
		if (ret > 0) {
			ret = junk_connection_handle_frame(client, &frame,
							   &error);
			if (ret == 0) {
				junk_connection_halt(client);
				return 0;
			}
			if (client->broken)
				return 0;
		} else if (ret == 0) {
			return 1;
		}
		if (ret < 0) {
			junk_connection_reject(client, error);
			return 0;
		}
		i_stream_skip(client->conn.input, frame_size);
	}
}

static void junk_connection_destroy_if_done(struct junk_connection *client)
{
	bool done = client->broken || (client->eof && !client->halted);

	if (done && client->pending_count == 0 && client->sent_count == 0)
		client->conn.v.destroy(&client->conn);
	else if (done || client->halted)
		connection_input_halt(&client->conn);
}

static void junk_connection_input(struct connection *conn)
{
	struct junk_connection *client =
		container_of(conn, struct junk_connection, conn);
	ssize_t ret;
	int more;

	client->last_read = ++conns->reads_count;
	do {
		/* not connection_input_read(), which would destroy the
		   connection while reports aren't handled yet */
		ret = i_stream_read(conn->input);
		if (ret == -1)
			client->eof = TRUE;
		T_BEGIN {
			more = junk_connection_handle_input(client);
		} T_END;
	} while (more > 0 && (ret > 0 || ret == -2));
	junk_connection_destroy_if_done(client);
}

/* --- peers --- */

static struct junk_peer *junk_peer_get(int fd)
{
	struct junk_peer *peer;
	struct net_unix_cred cred;

	/* unknown credentials count as an untrusted peer */
	if (net_getunixcred(fd, &cred) < 0)
		cred.uid = (uid_t)-1;
	for (peer = conns->peers; peer != NULL; peer = peer->next) {
		if (peer->uid == cred.uid)
			break;
	}
	if (peer == NULL) {
		peer = i_new(struct junk_peer, 1);
		peer->uid = cred.uid;
		DLLIST_PREPEND(&conns->peers, peer);
	}
	peer->connections_count++;
	return peer;
}

static void junk_peer_unref(struct junk_peer *peer)
{
	if (--peer->connections_count > 0)
		return;
	DLLIST_REMOVE(&conns->peers, peer);
	i_free(peer);
}

/* Compare two connections: close the one of the uid with more connections; of
   the same uid, the one that was silent for longer. */
static bool
junk_connection_is_worse(const struct junk_connection *client,
			 const struct junk_connection *other)
{
	if (client->peer->connections_count != other->peer->connections_count) {
		return client->peer->connections_count >
			other->peer->connections_count;
	}
	return client->last_read < other->last_read;
}

/* Close an idle connection to make room for a new one, so that nobody can lock
   others out by holding connections open. The closed client loses nothing: it
   connects again when it has a report. */
static void junk_connections_make_room(void)
{
	struct junk_connection *client, *worst = NULL;
	struct connection *conn;

	if (conns->list->connections_count < conns->set.max_connections)
		return;
	for (conn = conns->list->connections; conn != NULL; conn = conn->next) {
		client = container_of(conn, struct junk_connection, conn);
		if (client->pending_count == 0 && client->sent_count == 0 &&
		    !client->halted &&
		    (worst == NULL || junk_connection_is_worse(client, worst)))
			worst = client;
	}
	if (worst != NULL)
		worst->conn.v.destroy(&worst->conn);
}

static void junk_connection_destroy(struct connection *conn)
{
	struct junk_connection *client =
		container_of(conn, struct junk_connection, conn);

	/* its reports are committed nevertheless */
	if (client->halted)
		junk_connection_unhalt(client);
	junk_peer_unref(client->peer);
	connection_deinit(conn);
	i_free(client);
	conns->set.closed_callback();
}

static const struct connection_settings junk_connection_set = {
	.dont_send_version = TRUE,
	.input_max_size = MAX_INPUT_BYTES,
	.output_max_size = MAX_OUTPUT_BYTES,
	.client = FALSE,
};

static const struct connection_vfuncs junk_connection_vfuncs = {
	.destroy = junk_connection_destroy,
	.input = junk_connection_input,
};

void junk_connection_create(int fd)
{
	struct junk_connection *client = i_new(struct junk_connection, 1);

	conns->accepted_count++;
	client->peer = junk_peer_get(fd);
	client->last_read = ++conns->reads_count;
	client->conn.event_parent = conns->event;
	connection_init_server(conns->list, &client->conn, "client", fd, fd);
	junk_connections_make_room();
}

/* --- transactions --- */

/* Continue with halted connections until the engine is full again. */
static void junk_connections_resume(void)
{
	struct junk_connection *client;

	while ((client = conns->halted_head) != NULL &&
	       !junk_engine_is_full(conns->set.engine)) {
		junk_connection_unhalt(client);
		if (!client->eof)
			connection_input_resume(&client->conn);
		T_BEGIN {
			(void)junk_connection_handle_input(client);
		} T_END;
		junk_connection_destroy_if_done(client);
	}
}

/* Destroy connections that have ended and only waited for their last report. */
static void junk_connections_destroy_done(void)
{
	struct connection *conn, *next;

	for (conn = conns->list->connections; conn != NULL; conn = next) {
		next = conn->next;
		junk_connection_destroy_if_done(
			container_of(conn, struct junk_connection, conn));
	}
}

/* All reports are on their way to the database or to the cluster's log. */
static void junk_connections_set_sent(void)
{
	struct connection *conn;

	for (conn = conns->list->connections; conn != NULL; conn = conn->next) {
		struct junk_connection *client =
			container_of(conn, struct junk_connection, conn);

		client->sent_count += client->pending_count;
		client->pending_count = 0;
	}
}

static void junk_connections_ack_sent(void)
{
	struct connection *conn;

	for (conn = conns->list->connections; conn != NULL; conn = conn->next) {
		junk_connection_send_ack(
			container_of(conn, struct junk_connection, conn));
	}
}

static void junk_connections_retry(void *context ATTR_UNUSED)
{
	timeout_remove(&conns->to_retry);
	if (junk_engine_start(conns->set.engine, ioloop_time)) {
		junk_connections_schedule_commit();
		junk_connections_schedule_maintain(MAINTAIN_MSECS);
		return;
	}
	conns->to_retry = timeout_add_short(
		junk_engine_retry_msecs(conns->set.engine),
		junk_connections_retry, (void *)NULL);
}

static void junk_connections_schedule_retry(void)
{
	if (conns->to_retry == NULL && !conns->stopping) {
		conns->to_retry = timeout_add_short(
			junk_engine_retry_msecs(conns->set.engine),
			junk_connections_retry, (void *)NULL);
	}
}

/* Continue after a commit, with room for other reports. */
static void junk_connections_go_on(void)
{
	junk_connections_destroy_done();
	junk_connections_resume();
	junk_connections_make_room();
	junk_connections_schedule_maintain(MAINTAIN_IDLE_MSECS);
}

static enum junk_engine_commit junk_connections_try_commit(void)
{
	const enum junk_engine_commit ret =
		junk_engine_commit(conns->set.engine, ioloop_time);

	if (ret == JUNK_ENGINE_COMMIT_DONE || ret == JUNK_ENGINE_COMMIT_SENT)
		junk_connections_set_sent();
	if (ret == JUNK_ENGINE_COMMIT_DONE)
		junk_connections_ack_sent();
	return ret;
}

static void junk_connections_commit(void *context ATTR_UNUSED)
{
	timeout_remove(&conns->to_commit);
	switch (junk_connections_try_commit()) {
	case JUNK_ENGINE_COMMIT_FAILED:
		junk_connections_schedule_retry();
		break;
	case JUNK_ENGINE_COMMIT_DONE:
	case JUNK_ENGINE_COMMIT_SENT:
		junk_connections_go_on();
		break;
	case JUNK_ENGINE_COMMIT_BUSY:
		break;
	}
}

void junk_connections_wake(bool committed)
{
	if (conns == NULL)
		return;
	if (committed)
		junk_connections_ack_sent();
	if (!junk_engine_is_ready(conns->set.engine)) {
		junk_connections_schedule_retry();
		return;
	}
	junk_connections_schedule_commit();
	junk_connections_go_on();
}

static void junk_connections_schedule_commit(void)
{
	if (conns->to_commit == NULL &&
	    junk_engine_is_ready(conns->set.engine)) {
		conns->to_commit = timeout_add_short(0,
			junk_connections_commit, (void *)NULL);
	}
}

/* --- maintenance --- */

static void junk_connections_check_segment(void)
{
	if (!junk_clock_has_passed(ioloop_time, conns->segment_checked,
				   SEGMENT_CHECK_SECS))
		return;
	conns->segment_checked = ioloop_time;
	if (junk_engine_segment_is_current(conns->set.engine) ||
	    conns->stopping)
		return;
	e_warning(conns->event, "The segment's file was deleted: restarting to "
		  "create a new one");
	conns->set.restart_callback();
}

static void junk_connections_maintain(void *context ATTR_UNUSED)
{
	const uint64_t start = junk_clock_usecs();
	uint64_t usecs;
	bool more;

	timeout_remove(&conns->to_maintain);
	more = junk_engine_maintain(conns->set.engine, ioloop_time);
	usecs = junk_clock_usecs() - start;
	conns->maintain_pause_msecs =
		junk_engine_is_behind(conns->set.engine) ? 0 : (unsigned int)
		I_MIN(usecs * MAINTAIN_PAUSE_FACTOR / 1000, MAINTAIN_MSECS);
	if (!junk_engine_is_ready(conns->set.engine)) {
		junk_connections_schedule_retry();
		return;
	}
	junk_connections_check_segment();
	junk_connections_schedule_maintain(more ? MAINTAIN_IDLE_MSECS :
					   MAINTAIN_MSECS);
}

/* Schedule maintenance. The earlier time wins, so that maintenance gets its
   turn even if reports never stop. */
static void junk_connections_schedule_maintain(unsigned int msecs)
{
	/* the pause, too, runs from its own beginning and not from the last
	   commit */
	msecs = I_MAX(msecs, conns->maintain_pause_msecs);
	if (conns->stopping ||
	    (conns->to_maintain != NULL && conns->maintain_msecs <= msecs))
		return;
	conns->maintain_msecs = msecs;
	timeout_remove(&conns->to_maintain);
	conns->to_maintain = timeout_add_short(msecs,
		junk_connections_maintain, (void *)NULL);
}

/* --- life --- */

void junk_connections_init(const struct junk_connections_settings *set)
{
	conns = i_new(struct junk_connections, 1);
	conns->set = *set;
	conns->event = event_create(set->event_parent);
	conns->started = time(NULL);
	conns->list = connection_list_init(&junk_connection_set,
					   &junk_connection_vfuncs);
	junk_connections_retry(NULL);
}

bool junk_connections_are_busy(void)
{
	struct connection *conn;

	for (conn = conns->list->connections; conn != NULL; conn = conn->next) {
		struct junk_connection *client =
			container_of(conn, struct junk_connection, conn);

		if (client->pending_count > 0 || client->sent_count > 0 ||
		    client->halted)
			return TRUE;
	}
	return conns->to_commit != NULL;
}

/* Read what is already in the sockets: a client that has disconnected won't
   send it again. */
static void junk_connections_read_all(void)
{
	struct connection *conn, *next;

	for (conn = conns->list->connections; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->io != NULL)
			conn->v.input(conn);
	}
}

void junk_connections_drain(void)
{
	conns->stopping = TRUE;
	/* each commit makes room for more */
	for (unsigned int i = 0; i < DRAIN_MAX_COMMITS; i++) {
		junk_connections_read_all();
		if (!junk_connections_are_busy() ||
		    !junk_engine_is_ready(conns->set.engine))
			break;
		junk_connections_commit(NULL);
	}
}

void junk_connections_deinit(void)
{
	junk_connections_drain();
	timeout_remove(&conns->to_commit);
	timeout_remove(&conns->to_retry);
	timeout_remove(&conns->to_maintain);
	connection_list_deinit(&conns->list);
	event_unref(&conns->event);
	i_free(conns);
	conns = NULL;
}

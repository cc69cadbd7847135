/* Each report is in one of these places, in the order in which it was made:

     queue, up to sent   written to the socket, not acknowledged
     queue, the rest     to be written
     spool_output        to be appended to the spool file
     the spool file

   A queue holds first the frames that are nowhere else, then those that were
   read from the spool and are still in its file:

     | direct_count frames | spooled_count frames |
     queue_start ... sent ... queue->used

   The queue never overtakes the spool: while the file holds something that
   isn't acknowledged (spool_pending), new reports are appended to it. A report
   that is sent twice counts once, so in doubt it is sent again. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "ioloop.h"
#include "net.h"
#include "junk-clock.h"
#include "junk-limits.h"
#include "junk-frame.h"
#include "junk-identity.h"
#include "junk-spool.h"
#include "junk-client.h"

#include <poll.h>
#include <sys/socket.h>

/* The queue is written to the socket when it has so many bytes. */
#define CLIENT_WRITE_BYTES (64*1024)
/* The maximum size of the queue in memory. Further reports go to the spool. */
#define CLIENT_MAX_QUEUE_BYTES (4*1024*1024)
/* Reports are appended to the spool file when so many bytes wait. */
#define CLIENT_SPOOL_WRITE_BYTES (1024*1024)
/* Bytes that are read from the spool at a time. */
#define CLIENT_SPOOL_READ_BYTES (128*1024)
/* Reads in a row without a valid report before a pause: a crash leaves less
   invalid data behind, and the user's client waits. */
#define CLIENT_SPOOL_READS 8
/* The delay of the first connection attempt after a failure; it is doubled each
   time. */
#define CLIENT_MIN_RETRY_MSECS 1000
#define CLIENT_MAX_RETRY_MSECS (60*1000)
#define CLIENT_MAX_FRAME_BYTES (JUNK_FRAME_HEADER_BYTES + JUNK_MAX_FRAME_BYTES)

struct event_category event_category_junk_feedback = {
	.name = "junk-feedback",
};

struct junk_client {
	struct event *event;
	char *socket_path, *control_dir;
	void (*settled)(void *context);
	void *context;
	struct junk_client_counters counters;
	unsigned char reporter[JUNK_REPORTER_BYTES];

	int fd;
	struct io *io_in, *io_out;
	buffer_t *input;

	buffer_t *queue;
	size_t queue_start, sent;
	unsigned int direct_count, spooled_count;

	struct junk_spool *spool;
	buffer_t *spool_output;
	unsigned int spool_output_count;
	/* bytes of the spool file that were skipped, since they held no
	   report */
	uoff_t skipped_bytes;

	struct timeout *to_retry;
	unsigned int retry_msecs;
	uint64_t retry_usecs;

	bool have_reporter:1;
	bool spool_pending:1;
	/* the whole file was read into the queue */
	bool spool_at_end:1;
	/* the spool can't be read */
	bool spool_failed:1;
	bool drop_logged:1;
	bool connect_logged:1;
	bool skip_logged:1;
};

static void junk_client_send(struct junk_client *client);
static void junk_client_disconnect(struct junk_client *client);
static void junk_client_retry(struct junk_client *client);

/* --- queue --- */

static size_t junk_client_frame_size(struct junk_client *client, size_t pos)
{
	const unsigned char *data = client->queue->data;

	return JUNK_FRAME_HEADER_BYTES + le32_to_cpu_unaligned(data + pos);
}

static bool junk_client_queue_is_full(struct junk_client *client)
{
	return client->queue->used - client->queue_start >=
		CLIENT_MAX_QUEUE_BYTES ||
		client->direct_count + client->spooled_count >=
		JUNK_MAX_CLIENT_QUEUE;
}

static void junk_client_queue_compact(struct junk_client *client)
{
	if (client->queue_start == client->queue->used) {
		/* free a buffer that a mass move has enlarged */
		if (buffer_get_size(client->queue) > CLIENT_SPOOL_READ_BYTES * 2)
			buffer_free(&client->queue);
		else
			buffer_set_used_size(client->queue, 0);
		if (client->queue == NULL) {
			client->queue = buffer_create_dynamic(default_pool,
							      4096);
		}
	} else if (client->queue_start > client->queue->used / 2) {
		buffer_delete(client->queue, 0, client->queue_start);
	} else {
		return;
	}
	client->sent -= client->queue_start;
	client->queue_start = 0;
}

/* Remove count acknowledged reports. Returns 0, or -1 if fewer were sent. */
static int junk_client_queue_ack(struct junk_client *client, uint32_t count)
{
	size_t size;

	if (count > client->direct_count + client->spooled_count)
		return -1;
	for (; count > 0; count--) {
		size = junk_client_frame_size(client, client->queue_start);
		if (client->sent - client->queue_start < size)
			return -1;
		client->queue_start += size;
		if (client->direct_count > 0)
			client->direct_count--;
		else
			client->spooled_count--;
		client->counters.acked++;
	}
	junk_client_queue_compact(client);
	return 0;
}

static void junk_client_queue_clear(struct junk_client *client)
{
	client->queue_start = client->queue->used;
	client->sent = client->queue->used;
	client->direct_count = client->spooled_count = 0;
	junk_client_queue_compact(client);
}

/* --- spool --- */

static void
junk_client_dropped(struct junk_client *client, unsigned int count,
		    const char *error)
{
	client->counters.dropped += count;
	if (client->drop_logged)
		return;
	client->drop_logged = TRUE;
	e_error(client->event, "Report lost: %s", error);
}

static void junk_client_spool_notice(struct junk_client *client)
{
	const char *notice = junk_spool_get_notice(client->spool);

	if (notice != NULL)
		e_error(client->event, "%s", notice);
}

static void junk_client_spool_write(struct junk_client *client)
{
	const char *error;
	int ret;

	if (client->spool_output_count == 0)
		return;
	T_BEGIN {
		ret = junk_spool_append(client->spool,
					client->spool_output->data,
					client->spool_output->used, &error);
		if (ret > 0) {
			client->counters.spooled += client->spool_output_count;
		} else {
			if (ret == 0) {
				error = t_strdup_printf(
					"%s is full: check that the "
					"service junk-feedback runs",
					junk_spool_get_path(client->spool));
			}
			junk_client_dropped(client, client->spool_output_count,
					    error);
		}
		junk_client_spool_notice(client);
	} T_END;
	client->spool_output_count = 0;
	client->spool_at_end = FALSE;
	buffer_set_used_size(client->spool_output, 0);
	if (buffer_get_size(client->spool_output) > CLIENT_WRITE_BYTES)
		buffer_free(&client->spool_output);
}

static void
junk_client_spool_add(struct junk_client *client, const void *data,
		      size_t size, unsigned int count)
{
	if (client->spool_output == NULL) {
		client->spool_output =
			buffer_create_dynamic(default_pool, 16*1024);
	}
	buffer_append(client->spool_output, data, size);
	client->spool_output_count += count;
	client->spool_pending = TRUE;
	if (client->spool_output->used >= CLIENT_SPOOL_WRITE_BYTES)
		junk_client_spool_write(client);
}

/* Append to the spool all frames that are only in the queue and weren't written
   to the socket completely. Only a partly written frame stays in the queue as
   well. */
static void junk_client_spool_unsent(struct junk_client *client)
{
	size_t pos = client->queue_start, next, end = client->queue->used;
	unsigned int sent_count = 0;

	/* if the spool was in use before, they are there already */
	if (client->spool_pending || client->sent == end)
		return;
	while ((next = pos + junk_client_frame_size(client, pos)) <=
	       client->sent) {
		pos = next;
		sent_count++;
	}
	junk_client_spool_add(client,
		CONST_PTR_OFFSET(client->queue->data, pos), end - pos,
		client->direct_count - sent_count);
	if (pos < client->sent) {
		/* partly written */
		pos = next;
		sent_count++;
	}
	client->direct_count = sent_count;
	buffer_set_used_size(client->queue, pos);
}

/* The connection failed: append all direct frames to the spool. The others are
   still in it. */
static void junk_client_spool_queue(struct junk_client *client)
{
	size_t pos = client->queue_start;

	for (unsigned int i = 0; i < client->direct_count; i++)
		pos += junk_client_frame_size(client, pos);
	if (client->direct_count > 0) {
		junk_client_spool_add(client,
			CONST_PTR_OFFSET(client->queue->data,
					 client->queue_start),
			pos - client->queue_start, client->direct_count);
	}
	junk_client_queue_clear(client);
	junk_client_spool_write(client);
	junk_spool_rewind(client->spool);
	client->spool_at_end = FALSE;
}

static void
junk_client_spool_failed(struct junk_client *client, const char *error)
{
	e_error(client->event, "%s", error);
	/* don't try again in this session; the file stays for the next
	   session */
	client->spool_failed = TRUE;
}

static void junk_client_spool_skipped(struct junk_client *client)
{
	if (client->skip_logged || client->skipped_bytes == 0)
		return;
	client->skip_logged = TRUE;
	e_error(client->event, "%s was damaged: "
		"%"PRIuUOFF_T" bytes were skipped, the rest is sent",
		junk_spool_get_path(client->spool), client->skipped_bytes);
}

/* Returns the number of complete frames from pos to the end of the queue. */
static unsigned int
junk_client_count_frames(struct junk_client *client, size_t pos)
{
	unsigned int count = 0;

	for (; pos < client->queue->used; count++)
		pos += junk_client_frame_size(client, pos);
	return count;
}

static bool junk_client_spool_has_more(struct junk_client *client)
{
	return client->spool_pending && !client->spool_at_end &&
		!client->spool_failed && !junk_client_queue_is_full(client);
}

/* Read more reports from the spool into the queue. */
static void junk_client_spool_read(struct junk_client *client)
{
	size_t old_used = client->queue->used;
	const char *error;
	uoff_t skipped;
	int ret = 1;

	if (client->sent != old_used || !junk_client_spool_has_more(client))
		return;
	junk_client_spool_write(client);
	for (unsigned int i = 0; ret > 0 && client->queue->used == old_used &&
	     i < CLIENT_SPOOL_READS; i++) T_BEGIN {
		ret = junk_spool_read(client->spool, client->queue,
				      CLIENT_SPOOL_READ_BYTES, &skipped,
				      &error);
		if (ret < 0)
			junk_client_spool_failed(client, error);
		else
			client->skipped_bytes += skipped;
		junk_client_spool_notice(client);
	} T_END;
	if (ret == 0) {
		client->spool_at_end = TRUE;
		T_BEGIN {
			junk_client_spool_skipped(client);
		} T_END;
	}
	client->spooled_count += junk_client_count_frames(client, old_used);
}

/* Delete the spool file if all of it is acknowledged. Returns FALSE if other
   processes have appended to it: then there is more to read. */
static bool junk_client_spool_finish(struct junk_client *client)
{
	const char *error;
	int ret;

	if (!client->spool_pending || !client->spool_at_end ||
	    client->spool_failed || client->spool_output_count > 0 ||
	    client->direct_count + client->spooled_count > 0)
		return TRUE;
	T_BEGIN {
		ret = junk_spool_finish(client->spool, &error);
		if (ret < 0)
			junk_client_spool_failed(client, error);
		junk_client_spool_notice(client);
	} T_END;
	if (ret > 0)
		client->spool_pending = FALSE;
	else if (ret == 0)
		client->spool_at_end = FALSE;
	return ret != 0;
}

/* --- connection --- */

static int
junk_client_handle_frame(struct junk_client *client,
			 const struct junk_frame *frame, const char **error_r)
{
	uint32_t count;

	switch (frame->type) {
	case JUNK_FRAME_ACK:
		if (junk_frame_decode_ack(frame, &count, error_r) < 0)
			return -1;
		if (junk_client_queue_ack(client, count) < 0) {
			*error_r = "more reports acknowledged than sent";
			return -1;
		}
		client->retry_msecs = 0;
		return 0;
	case JUNK_FRAME_ERROR:
		*error_r = t_strdup_printf("service says: %s", t_strndup(
			frame->payload, I_MIN(frame->payload_size, 1024)));
		return -1;
	default:
		return 0;
	}
}

/* Handle a frame. Returns 0, or -1 if the connection must be closed. */
static int
junk_client_parse_input(struct junk_client *client, const char **error_r)
{
	struct junk_frame frame;
	size_t frame_size, pos = 0;
	int ret = 0;

	while ((ret = junk_frame_decode(
			CONST_PTR_OFFSET(client->input->data, pos),
			client->input->used - pos, &frame, &frame_size,
			error_r)) > 0) {
		if (junk_client_handle_frame(client, &frame, error_r) < 0) {
			ret = -1;
			break;
		}
		pos += frame_size;
	}
	buffer_delete(client->input, 0, pos);
	return ret;
}

/* Read from the socket without blocking. Returns 1 if something was read, 0 if
   not, -1 if the connection was closed. */
static int junk_client_read(struct junk_client *client)
{
	unsigned char data[1024];
	const char *error;
	ssize_t ret;
	int read_ret = 0;

	while (client->fd != -1) {
		ret = recv(client->fd, data, sizeof(data), MSG_DONTWAIT);
		if (ret < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (ret <= 0) {
			/* disconnect while idle, so that the service can end */
			junk_client_disconnect(client);
			return -1;
		}
		buffer_append(client->input, data, (size_t)ret);
		T_BEGIN {
			read_ret = junk_client_parse_input(client, &error);
			if (read_ret < 0) {
				e_error(client->event, "%s: %s",
					client->socket_path, error);
			}
		} T_END;
		if (read_ret < 0) {
			junk_client_disconnect(client);
			return -1;
		}
		read_ret = 1;
	}
	return read_ret;
}

static void junk_client_check_settled(struct junk_client *client)
{
	if (client->settled != NULL && junk_client_is_settled(client))
		client->settled(client->context);
}

static void junk_client_input(struct junk_client *client)
{
	if (junk_client_read(client) > 0) {
		junk_client_send(client);
		junk_client_spool_write(client);
	}
	junk_client_check_settled(client);
}

static void junk_client_output(struct junk_client *client)
{
	junk_client_send(client);
	junk_client_spool_write(client);
	junk_client_check_settled(client);
}

static void junk_client_want_output(struct junk_client *client, bool want)
{
	if (!want) {
		io_remove(&client->io_out);
	} else if (client->io_out == NULL) {
		client->io_out = io_add_to(io_loop_get_root(), client->fd,
					   IO_WRITE, junk_client_output,
					   client);
	}
}

static void junk_client_retry_soon(struct junk_client *client)
{
	if (client->to_retry == NULL) {
		client->to_retry = timeout_add_short_to(io_loop_get_root(), 0,
							junk_client_retry,
							client);
	}
}

/* Write to the socket without blocking, and refill the queue from the spool. */
static void junk_client_send(struct junk_client *client)
{
	ssize_t ret;

	while (client->fd != -1) {
		junk_client_spool_read(client);
		if (client->sent == client->queue->used) {
			if (!junk_client_spool_finish(client))
				continue;
			junk_client_want_output(client, FALSE);
			if (junk_client_spool_has_more(client))
				junk_client_retry_soon(client);
			return;
		}
		ret = send(client->fd,
			   CONST_PTR_OFFSET(client->queue->data, client->sent),
			   client->queue->used - client->sent,
			   MSG_DONTWAIT | MSG_NOSIGNAL);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0 && errno == EAGAIN) {
			junk_client_want_output(client, TRUE);
			return;
		}
		if (ret < 0) {
			junk_client_disconnect(client);
			return;
		}
		client->sent += (size_t)ret;
	}
}

static void junk_client_retry_later(struct junk_client *client)
{
	if (client->retry_msecs == 0)
		client->retry_msecs = CLIENT_MIN_RETRY_MSECS;
	else {
		client->retry_msecs = I_MIN(client->retry_msecs * 2,
					    CLIENT_MAX_RETRY_MSECS);
	}
	client->retry_usecs = junk_clock_usecs() +
		(uint64_t)client->retry_msecs * 1000;
	timeout_remove(&client->to_retry);
	client->to_retry = timeout_add_to(io_loop_get_root(),
					  client->retry_msecs,
					  junk_client_retry, client);
}

/* Connect. This doesn't block: a Unix socket connects at once or fails. */
static void junk_client_connect(struct junk_client *client)
{
	if (client->fd != -1 || junk_clock_usecs() < client->retry_usecs)
		return;
	client->fd = net_connect_unix(client->socket_path);
	if (client->fd == -1) {
		if (!client->connect_logged) {
			e_error(client->event, "connect(%s) failed: %m: "
				"is the service junk-feedback configured? "
				"Reports are kept in %s", client->socket_path,
				junk_spool_get_path(client->spool));
			client->connect_logged = TRUE;
		}
		junk_client_retry_later(client);
		return;
	}
	timeout_remove(&client->to_retry);
	client->io_in = io_add_to(io_loop_get_root(), client->fd, IO_READ,
				  junk_client_input, client);
}

static void junk_client_disconnect(struct junk_client *client)
{
	bool unfinished = client->direct_count + client->spooled_count > 0;

	io_remove(&client->io_in);
	io_remove(&client->io_out);
	i_close_fd(&client->fd);
	buffer_set_used_size(client->input, 0);
	junk_client_spool_queue(client);
	if (unfinished || client->spool_pending)
		junk_client_retry_later(client);
}

static void junk_client_retry(struct junk_client *client)
{
	timeout_remove(&client->to_retry);
	client->retry_usecs = 0;
	junk_client_flush(client);
}

/* --- API --- */

struct junk_client *
junk_client_init(const struct junk_client_settings *set)
{
	struct junk_client *client;

	client = i_new(struct junk_client, 1);
	client->event = event_create(set->event_parent);
	event_add_category(client->event, &event_category_junk_feedback);
	event_set_append_log_prefix(client->event, "junk-feedback: ");
	client->socket_path = i_strdup(set->socket_path);
	client->control_dir = i_strdup(set->control_dir);
	client->settled = set->settled;
	client->context = set->context;
	client->fd = -1;
	client->input = buffer_create_dynamic(default_pool, 128);
	client->queue = buffer_create_dynamic(default_pool, 4096);
	client->spool = junk_spool_init(set->control_dir);
	if (junk_spool_exists(client->spool)) {
		client->spool_pending = TRUE;
		junk_client_retry_soon(client);
	}
	return client;
}

/* Wait for acknowledgements at the end of a session. The user's client has
   disconnected already. */
static void
junk_client_wait(struct junk_client *client, unsigned int wait_msecs)
{
	uint64_t now = junk_clock_usecs();
	uint64_t end = now + (uint64_t)wait_msecs * 1000;
	struct pollfd pfd;

	while (client->fd != -1 && now < end &&
	       (client->direct_count + client->spooled_count > 0 ||
		(client->spool_pending && !client->spool_at_end &&
		 !client->spool_failed))) {
		pfd.fd = client->fd;
		pfd.events = POLLIN;
		if (client->sent < client->queue->used ||
		    junk_client_spool_has_more(client))
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, (int)((end - now) / 1000) + 1) < 0 &&
		    errno != EINTR)
			break;
		if (junk_client_read(client) < 0)
			break;
		junk_client_send(client);
		now = junk_clock_usecs();
	}
}

void junk_client_deinit(struct junk_client **_client, unsigned int wait_msecs)
{
	struct junk_client *client = *_client;

	if (client == NULL)
		return;
	*_client = NULL;
	junk_client_flush(client);
	junk_client_wait(client, wait_msecs);
	if (client->fd != -1)
		junk_client_read(client);
	junk_client_disconnect(client);
	timeout_remove(&client->to_retry);

	junk_spool_deinit(&client->spool);
	buffer_free(&client->spool_output);
	buffer_free(&client->queue);
	buffer_free(&client->input);
	i_free(client->control_dir);
	i_free(client->socket_path);
	event_unref(&client->event);
	i_free(client);
}

int junk_client_report(struct junk_client *client, struct junk_report *report,
		       const char **error_r)
{
	if (!client->have_reporter) {
		if (junk_identity_get(client->control_dir, client->reporter,
				      error_r) < 0) {
			junk_client_dropped(client, 1, *error_r);
			return -1;
		}
		client->have_reporter = TRUE;
	}
	memcpy(report->reporter, client->reporter, sizeof(report->reporter));
	client->counters.queued++;

	if (!client->spool_pending && junk_client_queue_is_full(client)) {
		(void)junk_client_read(client);
		if (junk_client_queue_is_full(client)) {
			junk_client_spool_unsent(client);
			client->spool_pending = TRUE;
		}
	}
	if (client->spool_pending) {
		T_BEGIN {
			buffer_t *frame = t_buffer_create(8192);

			junk_frame_encode_report(frame, report);
			junk_client_spool_add(client, frame->data,
					      frame->used, 1);
		} T_END;
		return 0;
	}
	junk_frame_encode_report(client->queue, report);
	client->direct_count++;
	if (client->queue->used - client->sent >= CLIENT_WRITE_BYTES) {
		junk_client_connect(client);
		if (client->fd != -1)
			junk_client_send(client);
	}
	return 0;
}

void junk_client_flush(struct junk_client *client)
{
	if (client->direct_count + client->spooled_count == 0 &&
	    !client->spool_pending)
		return;
	junk_client_spool_write(client);
	junk_client_connect(client);
	if (client->fd == -1) {
		junk_client_spool_queue(client);
		return;
	}
	junk_client_send(client);
	if (client->fd != -1)
		junk_client_spool_unsent(client);
	junk_client_spool_write(client);
}

bool junk_client_is_settled(const struct junk_client *client)
{
	return client->direct_count == 0 && client->spool_output_count == 0;
}

bool junk_client_is_busy(const struct junk_client *client)
{
	return client->spool_pending ||
		client->queue->used - client->queue_start >=
		CLIENT_MAX_QUEUE_BYTES / 4;
}

const struct junk_client_counters *
junk_client_get_counters(struct junk_client *client)
{
	return &client->counters;
}

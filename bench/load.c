/* Load generator for the service: reports of many clients. Measures how long it
   takes until they are durable, and until a reader of the segment sees them.

     load SOCKET SEGMENT CLIENTS SECONDS TOKENS [WINDOW]

   Each client sends its next report when fewer than WINDOW (default 1) are
   unacknowledged. An additional client sends a report every 20 ms, each for
   another person, and polls the segment until most of that person's weights
   have changed (few of them collide with those of others). Prints key=value
   lines. */

#define _GNU_SOURCE /* for ppoll() */
#include "lib.h"
#include "buffer.h"
#include "net.h"
#include "time-util.h"
#include "junk-frame.h"
#include "junk-limits.h"
#include "junk-model.h"
#include "junk-segment.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>

/* Words follow Zipf's law over a vocabulary of this size. */
#define VOCABULARY 1000000
#define MAX_WINDOW 64
#define PROBE_USECS 20000
#define MAX_SAMPLES 1000000
/* Interval at which a watched score is polled. */
#define WATCH_USECS 200

struct load_client {
	int fd;
	unsigned int num, serial;
	unsigned int window, unacked;
	buffer_t *out;
	size_t sent;
	buffer_t *in;
	uint64_t sent_usecs[MAX_WINDOW];
	unsigned int first_sent;
};

struct samples {
	uint32_t *usecs;
	unsigned int count;
};

/* State of the client that polls the segment. */
struct probe {
	struct load_client *client;
	struct junk_segment *segment;
	uint64_t next_usecs, start_usecs;
	bool watching;
	struct junk_report report;
	junk_token_t tokens[JUNK_MAX_TOKENS];
	int16_t old_weights[JUNK_MAX_TOKENS];
};

static struct samples ack_samples, visible_samples;
static uint64_t random_state = UINT64_C(0x243f6a8885a308d3);
static unsigned int token_count;
static uint64_t acked_total;

static void samples_init(struct samples *samples)
{
	samples->usecs = i_new(uint32_t, MAX_SAMPLES);
}

static void samples_add(struct samples *samples, uint64_t usecs)
{
	if (samples->count < MAX_SAMPLES) {
		samples->usecs[samples->count++] =
			(uint32_t)I_MIN(usecs, UINT32_MAX);
	}
}

static int uint32_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y ? 1 : 0;
}

static void samples_print(struct samples *samples, const char *name)
{
	unsigned int n = samples->count;

	qsort(samples->usecs, n, sizeof(*samples->usecs), uint32_compare);
	if (n == 0)
		return;
	printf("%s_median_ms=%.2f\n", name, samples->usecs[n / 2] / 1000.0);
	printf("%s_p99_ms=%.2f\n", name,
	       samples->usecs[(size_t)n * 99 / 100] / 1000.0);
	printf("%s_max_ms=%.2f\n", name, samples->usecs[n - 1] / 1000.0);
	printf("%s_count=%u\n", name, n);
}

/* splitmix64, which gives the same load each time */
static uint64_t random_next(void)
{
	uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Each word has one class and occurs once in a report. */
static void random_tokens(junk_token_t *tokens)
{
	unsigned int i = 0, j;

	while (i < token_count) {
		double u = (double)(random_next() >> 11) / (1LL << 53);
		double rank = exp(u * log(VOCABULARY));
		junk_token_t token = (uint64_t)rank *
			UINT64_C(0x9e3779b97f4a7c15);

		token = (token & JUNK_TOKEN_HASH_MASK) |
			((junk_token_t)((uint64_t)rank %
					JUNK_TOKEN_CLASS_COUNT) <<
			 JUNK_TOKEN_CLASS_SHIFT);
		for (j = 0; j < i && tokens[j] != token; j++) ;
		if (j == i)
			tokens[i++] = token;
	}
}

static void
load_report(struct load_client *client, junk_token_t *tokens,
	    struct junk_report *report_r)
{
	uint64_t id = random_next();

	i_zero(report_r);
	random_tokens(tokens);
	report_r->stamp_usecs = i_microseconds();
	report_r->verdict = client->serial++ % 2 == 0 ? JUNK_VERDICT_SPAM :
		JUNK_VERDICT_HAM;
	/* this origin has no limit per reporter */
	report_r->origin = JUNK_ORIGIN_LEARN;
	report_r->feature_set = JUNK_FEATURE_SET;
	memcpy(report_r->reporter, &client->num, sizeof(client->num));
	memcpy(report_r->digest, &id, sizeof(id));
	report_r->tokens = tokens;
	report_r->token_count = token_count;
}

static void load_connect(struct load_client *client, const char *path,
			 unsigned int num, unsigned int window)
{
	client->fd = net_connect_unix_with_retries(path, 10000);
	if (client->fd == -1)
		i_fatal("connect(%s) failed: %m", path);
	net_set_nonblock(client->fd, TRUE);
	client->num = num;
	client->window = window;
	client->out = buffer_create_dynamic(default_pool, 16384);
	client->in = buffer_create_dynamic(default_pool, 1024);
}

static void load_queue(struct load_client *client,
		       const struct junk_report *report)
{
	junk_frame_encode_report(client->out, report);
	client->sent_usecs[(client->first_sent + client->unacked) %
			   MAX_WINDOW] = i_microseconds();
	client->unacked++;
}

static void load_write(struct load_client *client)
{
	ssize_t ret;

	ret = send(client->fd,
		   CONST_PTR_OFFSET(client->out->data, client->sent),
		   client->out->used - client->sent, MSG_NOSIGNAL);
	if (ret < 0 && errno != EAGAIN)
		i_fatal("send() failed: %m");
	if (ret > 0)
		client->sent += (size_t)ret;
	if (client->sent == client->out->used) {
		buffer_set_used_size(client->out, 0);
		client->sent = 0;
	}
}

static void load_acked(struct load_client *client, uint32_t count)
{
	uint64_t now = i_microseconds();

	for (; count > 0 && client->unacked > 0; count--) {
		samples_add(&ack_samples,
			    now - client->sent_usecs[client->first_sent]);
		client->first_sent = (client->first_sent + 1) % MAX_WINDOW;
		client->unacked--;
		acked_total++;
	}
}

static void load_read(struct load_client *client)
{
	struct junk_frame frame;
	const char *error;
	size_t size, pos = 0;
	uint32_t count;
	ssize_t ret;

	ret = recv(client->fd, buffer_append_space_unsafe(client->in, 4096),
		   4096, 0);
	if (ret <= 0)
		i_fatal("the service has closed the connection: %m");
	buffer_set_used_size(client->in, client->in->used - 4096 +
			     (size_t)ret);
	while (junk_frame_decode(CONST_PTR_OFFSET(client->in->data, pos),
				 client->in->used - pos, &frame, &size,
				 &error) > 0) {
		if (junk_frame_decode_ack(&frame, &count, &error) < 0)
			i_fatal("%s", error);
		load_acked(client, count);
		pos += size;
	}
	buffer_delete(client->in, 0, pos);
}

static void probe_weights(struct probe *probe, int16_t *weights_r)
{
	struct junk_model model;
	const char *reason;
	size_t idx;

	if (junk_segment_get(probe->segment, time(NULL), &model, &reason) < 0)
		i_fatal("%s", reason);
	for (unsigned int i = 0; i < token_count; i++) {
		idx = junk_model_personal_index(&model, probe->tokens[i],
						probe->report.reporter);
		/* personal weights are in the second table */
		weights_r[i] = model.weights[((size_t)1 <<
					      model.global_log2) + idx];
	}
}

static bool probe_is_visible(struct probe *probe)
{
	int16_t weights[JUNK_MAX_TOKENS];
	unsigned int changed = 0;

	probe_weights(probe, weights);
	for (unsigned int i = 0; i < token_count; i++) {
		if (weights[i] != probe->old_weights[i])
			changed++;
	}
	return changed > token_count * 6 / 10;
}

static void probe_step(struct probe *probe)
{
	uint64_t now = i_microseconds();

	if (probe->watching) {
		if (!probe_is_visible(probe))
			return;
		samples_add(&visible_samples, now - probe->start_usecs);
		probe->watching = FALSE;
	} else if (now >= probe->next_usecs && probe->client->unacked == 0) {
		probe->client->num++;
		load_report(probe->client, probe->tokens, &probe->report);
		probe_weights(probe, probe->old_weights);
		probe->start_usecs = i_microseconds();
		load_queue(probe->client, &probe->report);
		load_write(probe->client);
		probe->watching = TRUE;
		probe->next_usecs = now + PROBE_USECS;
	}
}

static void load_step(struct load_client *clients, unsigned int count)
{
	struct pollfd fds[count];
	junk_token_t tokens[JUNK_MAX_TOKENS];
	struct junk_report report;
	struct timespec timeout = { .tv_nsec = WATCH_USECS * 1000 };

	for (unsigned int i = 0; i < count; i++) {
		struct load_client *client = &clients[i];

		while (client->unacked < client->window) {
			load_report(client, tokens, &report);
			load_queue(client, &report);
		}
		if (client->out->used > 0)
			load_write(client);
		fds[i].fd = client->fd;
		fds[i].events = POLLIN |
			(client->out->used > 0 ? POLLOUT : 0);
	}
	if (ppoll(fds, count, &timeout, NULL) < 0)
		i_fatal("ppoll() failed: %m");
	for (unsigned int i = 0; i < count; i++) {
		if ((fds[i].revents & (POLLIN | POLLHUP)) != 0)
			load_read(&clients[i]);
	}
}

int main(int argc, char *argv[])
{
	struct load_client *clients;
	struct probe *probe;
	unsigned int count, seconds, window = 1;
	uint64_t start, end;

	lib_init();
	if (argc < 6 || str_to_uint(argv[3], &count) < 0 ||
	    str_to_uint(argv[4], &seconds) < 0 ||
	    str_to_uint(argv[5], &token_count) < 0 ||
	    token_count > JUNK_MAX_TOKENS ||
	    (argc > 6 && (str_to_uint(argv[6], &window) < 0 ||
			  window > MAX_WINDOW))) {
		i_fatal("usage: load SOCKET SEGMENT CLIENTS SECONDS TOKENS "
			"[WINDOW]");
	}
	random_state ^= i_microseconds();
	samples_init(&ack_samples);
	samples_init(&visible_samples);
	clients = i_new(struct load_client, count + 1);
	for (unsigned int i = 0; i < count; i++)
		load_connect(&clients[i], argv[1], i, window);
	/* sends only the probe's reports */
	load_connect(&clients[count], argv[1], 1U << 30, 0);
	probe = i_new(struct probe, 1);
	probe->client = &clients[count];
	probe->segment = junk_segment_open(argv[2]);

	start = i_microseconds();
	while ((end = i_microseconds()) - start < seconds * 1000000ULL) {
		load_step(clients, count + 1);
		probe_step(probe);
	}
	printf("clients=%u\n", count);
	printf("reports_per_sec=%.0f\n",
	       (double)acked_total * 1000000 / (double)(end - start));
	samples_print(&ack_samples, "ack");
	samples_print(&visible_samples, "visible");
	lib_deinit();
	return 0;
}

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "ioloop.h"
#include "net.h"
#include "time-util.h"
#include "lib-event.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-frame.h"
#include "junk-identity.h"
#include "junk-spool.h"
#include "junk-client.h"

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define TEST_DIR ".test-junk-client"
#define SOCKET_PATH TEST_DIR"/socket"
#define SPOOL_PATH TEST_DIR"/"JUNK_SPOOL_FNAME
#define IDENTITY_PATH TEST_DIR"/"JUNK_IDENTITY_FNAME

/* In the place of libc's: the time of day may be set back. */
static volatile time_t test_set_back_secs = 0;

int clock_gettime(clockid_t id, struct timespec *time_r)
{
	int ret = (int)syscall(SYS_clock_gettime, id, time_r);

	if (ret == 0 && id == CLOCK_REALTIME)
		time_r->tv_sec -= test_set_back_secs;
	return ret;
}

/* The service's side, as far as a client sees it. */
struct test_server {
	int listen_fd, fd;
	buffer_t *input;
	/* size_bytes of the reports that came, "1 2 3" */
	string_t *nums;
	unsigned int unacked;
};

static struct ioloop *test_ioloop;
static struct event *test_event;

static void test_cleanup(void)
{
	(void)unlink(SOCKET_PATH);
	(void)unlink(SPOOL_PATH);
	(void)unlink(IDENTITY_PATH);
}

static void test_setup(void)
{
	test_cleanup();
	if (mkdir(TEST_DIR, 0700) < 0 && errno != EEXIST)
		i_fatal("mkdir(%s) failed: %m", TEST_DIR);
	test_ioloop = io_loop_create();
	test_event = event_create(NULL);
}

static void test_teardown(void)
{
	event_unref(&test_event);
	io_loop_destroy(&test_ioloop);
	test_cleanup();
	(void)rmdir(TEST_DIR);
}

static void test_nothing(void *context ATTR_UNUSED)
{
}

static void test_run_ioloop(unsigned int msecs)
{
	struct timeout *to;

	to = timeout_add_short(msecs, io_loop_stop, test_ioloop);
	io_loop_run(test_ioloop);
	timeout_remove(&to);
	/* On a busy machine the time is over before we get our turn, and a
	   stopped ioloop looks at no input: look once at what is there. */
	to = timeout_add_short(0, test_nothing, (void *)NULL);
	io_loop_set_running(test_ioloop);
	io_loop_handler_run(test_ioloop);
	timeout_remove(&to);
}

static void test_server_start(struct test_server *server)
{
	i_zero(server);
	server->fd = -1;
	server->listen_fd = net_listen_unix(SOCKET_PATH, 10);
	if (server->listen_fd == -1)
		i_fatal("net_listen_unix(%s) failed: %m", SOCKET_PATH);
	server->input = buffer_create_dynamic(default_pool, 1024);
	server->nums = str_new(default_pool, 64);
	/* a client that doesn't come isn't waited for */
	net_set_nonblock(server->listen_fd, TRUE);
}

static void test_server_close(struct test_server *server)
{
	i_close_fd(&server->fd);
	server->unacked = 0;
	buffer_set_used_size(server->input, 0);
}

static void test_server_stop(struct test_server *server)
{
	test_server_close(server);
	i_close_fd(&server->listen_fd);
	(void)unlink(SOCKET_PATH);
	buffer_free(&server->input);
	str_free(&server->nums);
}

static void test_server_parse(struct test_server *server)
{
	struct junk_frame frame;
	struct junk_report report;
	const char *error;
	size_t size, pos = 0;

	while (junk_frame_decode(CONST_PTR_OFFSET(server->input->data, pos),
				 server->input->used - pos, &frame, &size,
				 &error) > 0) T_BEGIN {
		if (junk_frame_decode_report(&frame, &report, &error) < 0)
			i_fatal("junk_frame_decode_report() failed: %s", error);
		if (str_len(server->nums) > 0)
			str_append_c(server->nums, ' ');
		str_printfa(server->nums, "%u", report.size_bytes);
		server->unacked++;
		pos += size;
	} T_END;
	buffer_delete(server->input, 0, pos);
}

/* Read what has come by now. */
static const char *test_server_read(struct test_server *server)
{
	unsigned char data[4096];
	ssize_t ret;

	if (server->fd == -1)
		server->fd = net_accept(server->listen_fd, NULL, NULL);
	if (server->fd < 0)
		server->fd = -1;
	while (server->fd != -1 &&
	       (ret = recv(server->fd, data, sizeof(data),
			   MSG_DONTWAIT)) > 0)
		buffer_append(server->input, data, (size_t)ret);
	test_server_parse(server);
	return str_c(server->nums);
}

static void test_server_send(struct test_server *server, const buffer_t *data)
{
	if (send(server->fd, data->data, data->used, MSG_NOSIGNAL) !=
	    (ssize_t)data->used)
		i_fatal("send() failed: %m");
}

static void test_server_ack(struct test_server *server, unsigned int count)
{
	buffer_t *data = t_buffer_create(32);

	junk_frame_encode_ack(data, count);
	test_server_send(server, data);
	server->unacked -= count;
}

static struct junk_client *test_client(void)
{
	const struct junk_client_settings set = {
		.socket_path = SOCKET_PATH,
		.control_dir = TEST_DIR,
		.event_parent = test_event,
	};

	return junk_client_init(&set);
}

static void
test_report(struct junk_client *client, unsigned int num, unsigned int tokens)
{
	static junk_token_t token_array[JUNK_MAX_TOKENS];
	struct junk_report report = {
		.stamp_usecs = 1000 + num,
		.verdict = JUNK_VERDICT_SPAM,
		.origin = JUNK_ORIGIN_MOVE,
		.feature_set = JUNK_FEATURE_SET,
		.size_bytes = num,
		.tokens = token_array,
		.token_count = tokens,
	};
	const char *error;

	for (unsigned int i = 0; i < tokens; i++)
		token_array[i] = i + 1;
	test_assert(junk_client_report(client, &report, &error) == 0);
}

static bool test_spool_exists(void)
{
	struct stat st;

	return stat(SPOOL_PATH, &st) == 0;
}

static const char *test_nums(unsigned int from, unsigned int to)
{
	string_t *str = t_str_new(128);

	for (unsigned int i = from; i <= to; i++)
		str_printfa(str, "%s%u", i == from ? "" : " ", i);
	return str_c(str);
}

static void test_junk_client_normal(void)
{
	struct test_server server;
	struct junk_client *client;

	test_begin("junk_client sends and is acknowledged");
	test_setup();
	test_server_start(&server);
	client = test_client();
	test_report(client, 1, 3);
	test_report(client, 2, 0);
	junk_client_flush(client);
	/* it is in the socket already, without the ioloop */
	test_assert_strcmp(test_server_read(&server), "1 2");
	test_assert(!test_spool_exists());
	test_server_ack(&server, 2);
	test_run_ioloop(5);
	test_assert(junk_client_get_counters(client)->queued == 2);
	test_assert(junk_client_get_counters(client)->acked == 2);
	junk_client_deinit(&client, 0);
	test_assert(client == NULL);
	test_assert(!test_spool_exists());
	junk_client_deinit(&client, 0);
	test_server_stop(&server);
	test_teardown();
	test_end();
}

/* No service, then one that is there. */
static void test_junk_client_down(void)
{
	struct test_server server;
	struct junk_client *client;

	test_begin("junk_client without a service");
	test_setup();
	client = test_client();
	test_expect_error_string("is the service junk-feedback configured");
	test_report(client, 1, 3);
	junk_client_flush(client);
	test_expect_no_more_errors();
	test_assert(test_spool_exists());
	test_report(client, 2, 3);
	junk_client_flush(client);
	test_assert(junk_client_get_counters(client)->spooled == 2);
	junk_client_deinit(&client, 1000);

	/* the next client sends it */
	test_server_start(&server);
	client = test_client();
	test_run_ioloop(20);
	test_assert_strcmp(test_server_read(&server), "1 2");
	/* nothing overtakes it */
	test_report(client, 3, 3);
	junk_client_flush(client);
	test_assert_strcmp(test_server_read(&server), "1 2 3");
	test_assert(test_spool_exists());
	test_server_ack(&server, 3);
	test_run_ioloop(20);
	test_assert(!test_spool_exists());
	/* and from now on directly */
	test_report(client, 4, 3);
	junk_client_flush(client);
	test_assert(!test_spool_exists());
	test_assert_strcmp(test_server_read(&server), "1 2 3 4");
	test_server_ack(&server, 1);
	junk_client_deinit(&client, 1000);
	test_assert(!test_spool_exists());
	test_server_stop(&server);
	test_teardown();
	test_end();
}

/* The service comes back while the client lives and reports nothing. */
static void test_junk_client_reconnect(void)
{
	struct test_server server;
	struct junk_client *client;

	test_begin("junk_client reconnects");
	test_setup();
	test_server_start(&server);
	client = test_client();
	test_report(client, 1, 3);
	junk_client_flush(client);
	test_assert_strcmp(test_server_read(&server), "1");
	/* dies without acknowledging */
	test_server_close(&server);
	test_run_ioloop(20);
	test_assert(test_spool_exists());
	test_run_ioloop(1100);
	test_assert_strcmp(test_server_read(&server), "1 1");
	test_server_ack(&server, 1);
	test_run_ioloop(20);
	test_assert(!test_spool_exists());
	junk_client_deinit(&client, 0);
	test_server_stop(&server);
	test_teardown();
	test_end();
}

/* A service that hangs: the socket takes what it takes, the rest is on disk
   after the flush, nobody waits, and nothing is lost. */
static void test_junk_client_hung(void)
{
	const unsigned int count = 200;
	struct test_server server;
	struct junk_client *client;

	test_begin("junk_client with a service that hangs");
	test_setup();
	test_server_start(&server);
	client = test_client();
	for (unsigned int i = 1; i <= count; i++)
		test_report(client, i, JUNK_MAX_TOKENS);
	junk_client_flush(client);
	test_assert(test_spool_exists());
	test_assert(junk_client_get_counters(client)->spooled > 0);
	test_assert(junk_client_get_counters(client)->spooled < count);
	/* what comes now is behind what is in the spool */
	test_report(client, count + 1, 1);
	junk_client_flush(client);
	/* it wakes up */
	for (unsigned int i = 0; i < 1000 && test_spool_exists(); i++) {
		(void)test_server_read(&server);
		if (server.unacked > 0)
			test_server_ack(&server, server.unacked);
		test_run_ioloop(1);
	}
	test_assert(!test_spool_exists());
	/* one that was half written is sent twice */
	test_assert(str_len(server.nums) >= strlen(test_nums(1, count)));
	test_assert(strncmp(str_c(server.nums), "1 2 3 4 5 ", 10) == 0);
	test_assert_strcmp(strrchr(str_c(server.nums), ' '),
			   t_strdup_printf(" %u", count + 1));
	for (unsigned int i = 2; i <= count; i++) T_BEGIN {
		test_assert_idx(strstr(str_c(server.nums),
				       t_strdup_printf(" %u ", i)) != NULL, i);
	} T_END;
	test_assert(junk_client_get_counters(client)->dropped == 0);
	junk_client_deinit(&client, 0);
	test_server_stop(&server);
	test_teardown();
	test_end();
}

/* Not acknowledged until the end. */
static void test_junk_client_deinit_unacked(void)
{
	struct test_server server;
	struct junk_client *client;
	struct junk_spool *spool;
	buffer_t *data = t_buffer_create(1024);
	const char *error;
	uoff_t skipped;
	struct timeval start, end;

	test_begin("junk_client_deinit() spools what isn't acknowledged");
	test_setup();
	test_server_start(&server);
	client = test_client();
	for (unsigned int i = 1; i <= 3; i++)
		test_report(client, i, 3);
	junk_client_flush(client);
	(void)test_server_read(&server);
	test_server_ack(&server, 1);
	i_gettimeofday(&start);
	junk_client_deinit(&client, 100);
	i_gettimeofday(&end);
	test_assert(timeval_diff_msecs(&end, &start) < 1000);

	spool = junk_spool_init(TEST_DIR);
	test_assert(junk_spool_read(spool, data, SIZE_MAX, &skipped,
				    &error) == 1);
	buffer_set_used_size(server.input, 0);
	buffer_append_buf(server.input, data, 0, SIZE_MAX);
	str_truncate(server.nums, 0);
	test_server_parse(&server);
	test_assert_strcmp(str_c(server.nums), "2 3");
	junk_spool_deinit(&spool);
	test_server_stop(&server);
	test_teardown();
	test_end();
}

/* First the time of day is set back, then, for a client that waits for it, it is
   as it was. */
static void test_set_back(int signo ATTR_UNUSED)
{
	test_set_back_secs = test_set_back_secs == 0 ? 3600 : 0;
}

static uint64_t test_monotonic_msecs(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void test_junk_client_set_back(void)
{
	const struct itimerval timer = {
		.it_value = { .tv_usec = 50*1000 },
		.it_interval = { .tv_sec = 5 },
	}, no_timer = { .it_value = { .tv_sec = 0 } };
	const struct sigaction act = { .sa_handler = test_set_back };
	struct test_server server;
	struct junk_client *client;
	uint64_t start;

	test_begin("junk_client_deinit() while the time of day is set back");
	test_setup();
	test_server_start(&server);
	client = test_client();
	test_report(client, 1, 1);
	junk_client_flush(client);
	if (sigaction(SIGALRM, &act, NULL) < 0 ||
	    setitimer(ITIMER_REAL, &timer, NULL) < 0)
		i_fatal("setitimer() failed: %m");
	start = test_monotonic_msecs();
	junk_client_deinit(&client, 300);
	test_assert(test_monotonic_msecs() - start < 3000);
	test_assert(test_spool_exists());
	if (setitimer(ITIMER_REAL, &no_timer, NULL) < 0)
		i_fatal("setitimer() failed: %m");
	(void)signal(SIGALRM, SIG_DFL);
	test_set_back_secs = 0;
	test_server_stop(&server);
	test_teardown();
	test_end();
}

/* A service that breaks the protocol is left, with what is unsaid spooled. */
static void test_junk_client_bad_service(void)
{
	static const struct {
		const char *data;
		size_t size;
		const char *error;
	} tests[] = {
		{ "HTTP/1.1 400 Bad Request\r\n", 26, "larger" },
		{ "\x04\0\0\0\x01\x81\0\0\x02\0\0\0", 12,
		  "more reports acknowledged than sent" },
		{ "\x03\0\0\0\x01\x8f\0\0one", 11, "service says: one" },
		{ "\x03\0\0\0\x02\x81\0\0one", 11, "protocol version 2" },
		{ "\x00\0\0\0\x01\x81\0\0", 8, "isn't an acknowledgement" },
	};
	struct test_server server;
	struct junk_client *client;
	buffer_t data;

	test_begin("junk_client with a service that breaks the protocol");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_setup();
		test_server_start(&server);
		client = test_client();
		test_report(client, 1, 3);
		junk_client_flush(client);
		(void)test_server_read(&server);
		buffer_create_from_const_data(&data, tests[i].data,
					      tests[i].size);
		test_server_send(&server, &data);
		test_expect_error_string(tests[i].error);
		test_run_ioloop(10);
		test_expect_no_more_errors();
		test_assert_idx(test_spool_exists(), i);
		junk_client_deinit(&client, 0);
		test_server_stop(&server);
		test_teardown();
	}
	test_end();
}

/* A report of which only a part is in the socket isn't acknowledged by anybody who
   has read it. */
static void test_junk_client_half_sent(void)
{
	struct test_server server;
	struct junk_client *client;
	int waiting, unread = -1;

	test_begin("junk_client: acknowledged before all of it is sent");
	test_setup();
	test_server_start(&server);
	client = test_client();
	for (unsigned int i = 0; i < 200; i++)
		test_report(client, i + 1, JUNK_MAX_TOKENS);
	junk_client_flush(client);
	server.fd = net_accept(server.listen_fd, NULL, NULL);
	test_assert(server.fd >= 0);
	/* what it holds, up to the middle of a frame */
	while (ioctl(server.fd, FIONREAD, &waiting) == 0 && waiting != unread)
		unread = waiting;
	waiting /= JUNK_FRAME_HEADER_BYTES + JUNK_FRAME_REPORT_BYTES +
		JUNK_MAX_TOKENS * (int)sizeof(junk_token_t);
	test_assert(waiting > 0 && waiting < 200);
	server.unacked = (unsigned int)waiting + 1;
	test_server_ack(&server, (unsigned int)waiting + 1);
	test_expect_error_string("more reports acknowledged than sent");
	test_run_ioloop(10);
	test_expect_no_more_errors();
	test_assert(test_spool_exists());
	junk_client_deinit(&client, 0);
	test_server_stop(&server);
	test_teardown();
	test_end();
}

/* No identity, no spool: it is said once, and nothing else happens. */
static void test_junk_client_no_dir(void)
{
	const struct junk_client_settings set = {
		.socket_path = SOCKET_PATH,
		.control_dir = TEST_DIR"/missing",
		.event_parent = test_event,
	};
	struct junk_client *client;
	struct junk_report report;
	const char *error;

	test_begin("junk_client without a control directory");
	test_setup();
	client = junk_client_init(&set);
	i_zero(&report);
	test_expect_error_string("Report lost");
	test_assert(junk_client_report(client, &report, &error) == -1);
	test_expect_no_more_errors();
	test_assert(junk_client_report(client, &report, &error) == -1);
	test_assert(junk_client_get_counters(client)->dropped == 2);
	junk_client_deinit(&client, 100);
	test_teardown();
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_client_normal,
		test_junk_client_down,
		test_junk_client_reconnect,
		test_junk_client_hung,
		test_junk_client_deinit_unacked,
		test_junk_client_set_back,
		test_junk_client_bad_service,
		test_junk_client_half_sent,
		test_junk_client_no_dir,
		NULL
	};
	return test_run(test_functions);
}

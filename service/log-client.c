/* Appends records to the shared log and reads all of them, for
   tests/cluster/run:

	log-client CONNINFO NAME COUNT

   It appends COUNT records, again if it isn't known whether they are in the log,
   until it has read each of its own, and then reads on until it gets SIGTERM.
   It prints each record that it reads as "NUMBER HOUR TEXT", and errors to
   stderr. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "lib-signals.h"
#include "str.h"
#include "junk-log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define POLL_MSECS 20
#define MAX_BATCH 7

static struct junk_log *log_conn;
static const char *name;
static unsigned int count, appended, batch;
static int64_t last_seq;
static struct timeout *to_poll;

static void work(void *context ATTR_UNUSED)
{
	struct junk_log_record records[MAX_BATCH];

	timeout_remove(&to_poll);
	if (!junk_log_is_ready(log_conn))
		return;
	if (appended == count || batch > 0) {
		batch = 0;
		junk_log_read(log_conn, last_seq);
		return;
	}
	batch = I_MIN(count - appended, 1 + appended % MAX_BATCH);
	i_zero(&records);
	for (unsigned int i = 0; i < batch; i++) {
		const char *text = t_strdup_printf("%s-%u", name,
						   appended + i);

		records[i].sealed = (const unsigned char *)text;
		records[i].size = strlen(text);
	}
	junk_log_append(log_conn, records, batch);
}

static void ready(const struct junk_log_head *head, void *context)
{
	printf("# cluster %s %"PRId64"\n", head->cluster, head->seq);
	batch = 0;
	work(context);
}

static void failed(const char *error, void *context ATTR_UNUSED)
{
	timeout_remove(&to_poll);
	fprintf(stderr, "%s\n", error);
}

static void got_appended(int64_t seq ATTR_UNUSED, void *context)
{
	appended += batch;
	work(context);
}

static void got_records(const struct junk_log_record *records,
			unsigned int records_count, void *context)
{
	for (unsigned int i = 0; i < records_count; i++) {
		printf("%"PRId64" %"PRId64" %.*s\n", records[i].seq,
		       records[i].hour, (int)records[i].size,
		       (const char *)records[i].sealed);
		last_seq = records[i].seq;
	}
	fflush(stdout);
	if (records_count == 0 && appended == count)
		to_poll = timeout_add_short(POLL_MSECS, work, context);
	else
		work(context);
}

static void stop(const siginfo_t *si ATTR_UNUSED, void *context ATTR_UNUSED)
{
	io_loop_stop(current_ioloop);
}

int main(int argc, char *argv[])
{
	static const struct junk_log_callbacks callbacks = {
		.ready = ready,
		.failed = failed,
		.read = got_records,
		.appended = got_appended,
	};
	struct junk_log_settings set;
	struct ioloop *ioloop;
	const char *error;

	if (argc != 4) {
		fprintf(stderr, "Usage: log-client CONNINFO NAME COUNT\n");
		return EXIT_FAILURE;
	}
	lib_init();
	ioloop = io_loop_create();
	lib_signals_init();
	lib_signals_set_handler(SIGTERM, LIBSIG_FLAGS_SAFE, stop, NULL);
	i_zero(&set);
	set.conninfo = argv[1];
	name = argv[2];
	set.check[0] = (unsigned char)atoi(name);
	count = (unsigned int)atoi(argv[3]);
	log_conn = count == 0 ? NULL :
		junk_log_init(&set, &callbacks, NULL, &error);
	if (count == 0 && junk_log_create(&set, &error) < 0) {
		fprintf(stderr, "%s\n", error);
		return EXIT_FAILURE;
	}
	if (count > 0)
		io_loop_run(ioloop);
	timeout_remove(&to_poll);
	junk_log_deinit(&log_conn);
	lib_signals_deinit();
	io_loop_destroy(&ioloop);
	lib_deinit();
	return EXIT_SUCCESS;
}

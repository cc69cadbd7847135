/* doveadm junk check: the whole chain, step by step, by using it */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "randgen.h"
#include "str.h"
#include "time-util.h"
#include "master-service.h"
#include "write-full.h"

#include "junk-report.h"
#include "junk-segment.h"
#include "doveadm-junk.h"
#include "doveadm-junk-db.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A report of nobody's about nothing that exists. */
#define CHECK_TOKENS 16
/* The scores follow within a fraction of a second. */
#define CHECK_PUBLISH_MSECS 2000

/*
 * Database
 */

static void check_database(void)
{
	const char *error;
	sqlite3 *db;

	if (doveadm_junk_db_open(&db, &error) < 0) {
		doveadm_junk_row_error("database", EX_NOINPUT, error, NULL);
		return;
	}
	doveadm_junk_row("database", DOVEADM_JUNK_OK, doveadm_junk_db_path(),
			 NULL);
	doveadm_junk_db_close(&db);
}

/*
 * A report, there and back
 */

static unsigned int msecs_since(uint64_t start_usecs)
{
	return (unsigned int)((i_microseconds() - start_usecs + 999) / 1000);
}

static int
send_report(struct doveadm_junk_service *service, struct junk_report *report,
	    enum junk_verdict verdict, const char **error_r)
{
	report->verdict = verdict;
	report->stamp_usecs = i_microseconds();
	if (doveadm_junk_service_report(service, report, error_r) < 0)
		return -1;
	return doveadm_junk_service_finish(service, error_r);
}

static bool wait_published(struct junk_segment *segment, uint32_t generation)
{
	uint64_t start = i_microseconds();
	struct junk_model model;
	const char *reason;

	do {
		if (junk_segment_get(segment, ioloop_time, &model,
				     &reason) == 0 &&
		    junk_segment_generation(segment) != generation)
			return TRUE;
		usleep(1000);
	} while (msecs_since(start) < CHECK_PUBLISH_MSECS);
	return FALSE;
}

static void
check_round_trip(struct doveadm_junk_service *service,
		 struct junk_segment *segment, struct junk_report *report)
{
	uint32_t generation = junk_segment_generation(segment);
	uint64_t start = i_microseconds();
	const char *error;

	if (send_report(service, report, JUNK_VERDICT_HAM, &error) < 0) {
		doveadm_junk_row_error("report", EX_UNAVAILABLE, error,
			"the service's log says why: doveadm log errors");
		return;
	}
	doveadm_junk_row("report", DOVEADM_JUNK_OK, t_strdup_printf(
		"durable after %u ms", msecs_since(start)), NULL);

	start = i_microseconds();
	if (wait_published(segment, generation)) {
		doveadm_junk_row("scores", DOVEADM_JUNK_OK, t_strdup_printf(
			"changed %u ms later", msecs_since(start)), NULL);
	} else {
		doveadm_junk_row_error("scores", EX_SOFTWARE,
			"they don't change with a report",
			"doveadm service stop junk-feedback starts the "
			"service anew");
	}
	if (send_report(service, report, JUNK_VERDICT_RETRACT, &error) < 0) {
		doveadm_junk_row_error("take back", EX_UNAVAILABLE, error,
			"the service's log says why: doveadm log errors");
	} else {
		doveadm_junk_row("take back", DOVEADM_JUNK_OK,
				 "as if it never was", NULL);
	}
}

static void check_report(void)
{
	struct doveadm_junk_service *service;
	struct junk_segment *segment;
	struct junk_report report;
	struct junk_model model;
	junk_token_t tokens[CHECK_TOKENS];
	const char *error;

	i_zero(&report);
	report.origin = JUNK_ORIGIN_LEARN;
	report.feature_set = JUNK_FEATURE_SET;
	random_fill(report.reporter, sizeof(report.reporter));
	random_fill(report.digest, sizeof(report.digest));
	random_fill(tokens, sizeof(tokens));
	for (unsigned int i = 0; i < CHECK_TOKENS; i++)
		tokens[i] &= JUNK_TOKEN_HASH_MASK;
	report.tokens = tokens;
	report.token_count = CHECK_TOKENS;

	if (doveadm_junk_service_connect(&service, &error) < 0) {
		doveadm_junk_row_error("report", EX_UNAVAILABLE, error, NULL);
		return;
	}
	segment = junk_segment_open(doveadm_junk_segment_path());
	(void)junk_segment_get(segment, ioloop_time, &model, &error);
	check_round_trip(service, segment, &report);
	junk_segment_close(&segment);
	doveadm_junk_service_close(&service);
}

/*
 * Sieve
 */

static const char sieve_script[] =
	"require [\"vnd.junk-feedback\", \"variables\"];\n"
	"if junkscore \"unknown\" { stop; }\n"
	"set \"score\" \"${junk.score}\";\n";

static int write_script(const char *path, const char **error_r)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	if (write_full(fd, sieve_script, sizeof(sieve_script) - 1) < 0 ||
	    close(fd) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
		return -1;
	}
	return 0;
}

static int
compile_script(const char *path, const char *bin_path, const char **error_r)
{
	const char *argv[] = {
		"sievec", "-c", doveadm_junk_config_path(),
		path, bin_path, NULL
	};
	string_t *output = t_str_new(256);
	int status;

	if (doveadm_junk_exec(argv, TRUE, output, &status, error_r) < 0)
		return -1;
	if (status == 0)
		return 0;
	*error_r = status == 127 ? "sievec isn't installed" :
		t_str_replace(str_c(output), '\n', ' ');
	return -1;
}

/* A choice of the administrator's: without Sieve there is the milter. */
static void check_sieve(void)
{
	char dir[] = "/tmp/doveadm-junk-XXXXXX";
	const char *path, *bin_path, *error;

	if (mkdtemp(dir) == NULL) {
		doveadm_junk_row_error("sieve", EX_CANTCREAT,
			t_strdup_printf("mkdtemp(%s) failed: %m", dir), NULL);
		return;
	}
	path = t_strconcat(dir, "/check.sieve", NULL);
	bin_path = t_strconcat(dir, "/check.svbin", NULL);
	if (write_script(path, &error) < 0 ||
	    compile_script(path, bin_path, &error) < 0) {
		doveadm_junk_row("sieve", DOVEADM_JUNK_NOTE, error,
			"to score mail in Sieve scripts, set sieve_plugins = "
			"sieve_vnd_junk_feedback");
	} else {
		doveadm_junk_row("sieve", DOVEADM_JUNK_OK,
				 "scripts with junkscore compile", NULL);
	}
	i_unlink_if_exists(path);
	i_unlink_if_exists(bin_path);
	if (rmdir(dir) < 0)
		i_error("rmdir(%s) failed: %m", dir);
}

static void cmd_junk_check(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	ARRAY_TYPE(junk_key_values) status;
	const struct junk_key_value *kv;

	t_array_init(&status, 32);
	doveadm_junk_rows_begin();
	if (doveadm_junk_check_all(&status)) {
		array_foreach(&status, kv) {
			if (doveadm_junk_value_is_error(kv->value)) {
				doveadm_junk_row_error(kv->key, EX_SOFTWARE,
						       kv->value + 7, NULL);
			}
		}
		check_report();
	}
	check_database();
	check_sieve();
	doveadm_junk_rows_end();
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_check = {
	.name = "junk check",
	.usage = "",
	.cmd = cmd_junk_check,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

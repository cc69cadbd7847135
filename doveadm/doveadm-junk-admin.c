/* doveadm junk forget, rebuild, rekey: the service executes these commands if
   root sends them. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "ioloop.h"
#include "doveadm-print.h"
#include "doveadm-mail.h"

#include "doveadm-junk.h"
#include "junk-compat.h"

static void print_headers(void)
{
	doveadm_print_header_simple("item");
	doveadm_print_header("value", "value",
			     DOVEADM_PRINT_HEADER_FLAG_EXPAND);
}

/* Send a command and print the answer. Returns -1 if there is no answer, which
   is logged. */
static int
admin_ask(const char *command, struct doveadm_junk_service *service,
	  const buffer_t *request)
{
	ARRAY_TYPE(junk_key_values) answer;
	const struct junk_key_value *kv;
	const char *error;

	t_array_init(&answer, 8);
	if (doveadm_junk_service_ask(service, request, &answer, &error) < 0) {
		i_error("%s: %s", command, error);
		return -1;
	}
	array_foreach(&answer, kv) {
		doveadm_print(kv->key);
		doveadm_print(kv->value);
	}
	return 0;
}

static void admin_run(const char *command, const buffer_t *request)
{
	struct doveadm_junk_service *service;
	const char *error;

	if (doveadm_junk_service_connect_admin(&service, &error) < 0) {
		i_error("%s: %s", command, error);
		doveadm_exit_code = EX_UNAVAILABLE;
		return;
	}
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	print_headers();
	if (admin_ask(command, service, request) < 0)
		doveadm_exit_code = EX_UNAVAILABLE;
	doveadm_junk_service_close(&service);
}

/*
 * forget: of everybody, or of the users that are named
 */

struct junk_forget_cmd_context {
	struct doveadm_mail_cmd_context ctx;
	struct doveadm_junk_service *service;
	struct junk_forget forget;
};

static bool origin_find(const char *name, enum junk_origin *origin_r)
{
	for (unsigned int i = 1; i <= JUNK_ORIGIN_LAST; i++) {
		if (strcmp(junk_origin_name(i), name) == 0) {
			*origin_r = (enum junk_origin)i;
			return TRUE;
		}
	}
	return FALSE;
}

static int
forget_parse(struct doveadm_cmd_context *cctx, struct junk_forget *forget_r,
	     const char **error_r)
{
	const char *since, *until, *origin;
	time_t since_time, until_time = 0;

	i_zero(forget_r);
	/* an explicit time is required, so that nobody deletes everything by
	   mistake */
	if (!doveadm_cmd_param_str(cctx, "since", &since)) {
		*error_r = "--since is required, e.g. --since 24h";
		return -1;
	}
	if (doveadm_junk_parse_since(since, ioloop_time, &since_time,
				     error_r) < 0)
		return -1;
	forget_r->since = (uint64_t)I_MAX(since_time, 0);
	if (doveadm_cmd_param_str(cctx, "until", &until)) {
		if (doveadm_junk_parse_time(until, ioloop_time, &until_time,
					    error_r) < 0)
			return -1;
		if (until_time <= since_time) {
			*error_r = "--until must be later than --since";
			return -1;
		}
		forget_r->until = (uint64_t)until_time;
	}
	(void)doveadm_cmd_param_bool(cctx, "burst", &forget_r->burst);
	(void)doveadm_cmd_param_bool(cctx, "dry-run", &forget_r->dry_run);
	if (doveadm_cmd_param_str(cctx, "origin", &origin) &&
	    !origin_find(origin, &forget_r->origin)) {
		*error_r = t_strdup_printf("--origin %s: use move, copy, "
			"append, keyword, action, sieve, learn or kept", origin);
		return -1;
	}
	if (forget_r->burst && doveadm_junk_names_users(cctx)) {
		*error_r = "--burst can't be combined with -u, -A or -F: it "
			   "selects the users itself";
		return -1;
	}
	return 0;
}

static int
cmd_junk_forget_user_run(struct doveadm_mail_cmd_context *_ctx,
			 struct mail_user *user)
{
	struct junk_forget_cmd_context *ctx =
		(struct junk_forget_cmd_context *)_ctx;
	unsigned char buf[JUNK_REPORTER_BYTES];
	buffer_t *request = t_buffer_create(64);

	ctx->forget.reporter = doveadm_junk_reporter(user, buf);
	if (ctx->forget.reporter == NULL) {
		/* a user without an identity has never reported anything */
		doveadm_print("forgotten");
		doveadm_print("0");
		return 0;
	}
	junk_frame_encode_forget(request, &ctx->forget);
	if (admin_ask("junk forget", ctx->service, request) < 0) {
		_ctx->exit_code = EX_UNAVAILABLE;
		return -1;
	}
	return 0;
}

JUNK_DOVEADM_DEFINE_PARSE_ARG

static void cmd_junk_forget_user_init(JUNK_DOVEADM_INIT_PARAMS)
{
	struct junk_forget_cmd_context *ctx =
		(struct junk_forget_cmd_context *)_ctx;
	const char *error;

	if (forget_parse(_ctx->cctx, &ctx->forget, &error) < 0)
		i_fatal_status(EX_USAGE, "junk forget: %s", error);
	if (doveadm_junk_service_connect_admin(&ctx->service, &error) < 0)
		i_fatal_status(EX_UNAVAILABLE, "junk forget: %s", error);
	print_headers();
}

static void cmd_junk_forget_user_deinit(struct doveadm_mail_cmd_context *_ctx)
{
	struct junk_forget_cmd_context *ctx =
		(struct junk_forget_cmd_context *)_ctx;

	doveadm_junk_service_close(&ctx->service);
}

static struct doveadm_mail_cmd_context *cmd_junk_forget_user_alloc(void)
{
	struct junk_forget_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_forget_cmd_context);

	ctx->ctx.v.init = cmd_junk_forget_user_init;
	ctx->ctx.v.run = cmd_junk_forget_user_run;
	ctx->ctx.v.deinit = cmd_junk_forget_user_deinit;
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "s:t:o:bn");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

static void cmd_junk_forget(struct doveadm_cmd_context *cctx)
{
	buffer_t *request = t_buffer_create(64);
	struct junk_forget forget;
	const char *error;

	if (forget_parse(cctx, &forget, &error) < 0) {
		i_error("junk forget: %s", error);
		doveadm_exit_code = EX_USAGE;
		return;
	}
	if (doveadm_junk_names_users(cctx)) {
		doveadm_cmd_ver2_to_mail_cmd_wrapper(cctx);
		return;
	}
	junk_frame_encode_forget(request, &forget);
	admin_run("junk forget", request);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_forget = {
	.name = "junk forget",
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "--since <time> "
		"[--until <time>] [--origin <origin>] [--burst] [--dry-run]",
	.cmd = cmd_junk_forget,
	.mail_cmd = cmd_junk_forget_user_alloc,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('s', "since", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('t', "until", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('o', "origin", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('b', "burst", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('n', "dry-run", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

/*
 * rebuild, rekey
 */

static void admin_run_simple(const char *command, enum junk_frame_type type)
{
	buffer_t *request = t_buffer_create(JUNK_FRAME_HEADER_BYTES);

	junk_frame_encode(request, type, NULL, 0);
	admin_run(command, request);
}

static void cmd_junk_rebuild(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	admin_run_simple("junk rebuild", JUNK_FRAME_REBUILD);
}

static void
cmd_junk_cluster_init(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	admin_run_simple("junk cluster init", JUNK_FRAME_CLUSTER_INIT);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_cluster_init = {
	.name = "junk cluster init",
	.usage = "",
	.cmd = cmd_junk_cluster_init,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_junk_rebuild = {
	.name = "junk rebuild",
	.usage = "",
	.cmd = cmd_junk_rebuild,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

static void cmd_junk_rekey(struct doveadm_cmd_context *cctx)
{
	bool yes = FALSE;

	(void)doveadm_cmd_param_bool(cctx, "yes", &yes);
	if (!yes) {
		i_error("junk rekey: This deletes the key and can't be undone. "
			"Earlier reports can no longer be taken back, "
			"statistics start again from zero, and scores do not "
			"change. To continue, add --yes");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	admin_run_simple("junk rekey", JUNK_FRAME_REKEY);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_rekey = {
	.name = "junk rekey",
	.usage = "--yes",
	.cmd = cmd_junk_rekey,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('y', "yes", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

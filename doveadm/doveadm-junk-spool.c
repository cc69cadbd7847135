/* doveadm junk spool: reports that wait with the users, because the service
   couldn't be reached when they were made. A user's next IMAP session sends
   them; so does --send, which connects as that user: the user may have written
   anything there, and root's reports have no limit. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-storage.h"
#include "mail-user.h"
#include "doveadm-print.h"
#include "doveadm-mail.h"

#include "junk-compat.h"
#include "junk-report.h"
#include "junk-spool.h"
#include "doveadm-junk.h"

#define SPOOL_READ_BYTES (256*1024)
/* Passes over a spool that others write to at the same time. */
#define SPOOL_PASSES 10

struct junk_spool_cmd_context {
	struct doveadm_mail_cmd_context ctx;

	bool send;
	struct doveadm_junk_service *service;
	/* of the current user */
	uint64_t reports, sent;
};

/* Returns -1 if the service failed. */
static int
handle_frames(struct junk_spool_cmd_context *ctx, const buffer_t *data,
	      const char **error_r)
{
	struct junk_report report;
	struct junk_frame frame;
	size_t offset = 0, size, frame_size;

	while ((size = junk_spool_next(data->data, data->used, TRUE,
				       &offset)) > 0) {
		const unsigned char *p =
			CONST_PTR_OFFSET(data->data, offset);

		offset += size;
		ctx->reports++;
		if (!ctx->send)
			continue;
		/* what isn't valid would be refused */
		if (junk_frame_decode(p, size, &frame, &frame_size,
				      error_r) <= 0 ||
		    junk_frame_decode_report(&frame, &report, error_r) < 0)
			continue;
		if (doveadm_junk_service_report(ctx->service, &report,
						error_r) < 0)
			return -1;
		ctx->sent++;
	}
	return 0;
}

/* Returns -1 and error_r if the spool can't be read or the service failed. */
static int
read_spool(struct junk_spool_cmd_context *ctx, struct junk_spool *spool,
	   const char **error_r)
{
	buffer_t *data = buffer_create_dynamic(default_pool, SPOOL_READ_BYTES);
	uoff_t skipped;
	int ret;

	do {
		buffer_set_used_size(data, 0);
		ret = junk_spool_read(spool, data, SPOOL_READ_BYTES, &skipped,
				      error_r);
		if (ret > 0 && handle_frames(ctx, data, error_r) < 0)
			ret = -1;
	} while (ret > 0);
	buffer_free(&data);
	return ret < 0 ? -1 : 0;
}

static int
send_passes(struct junk_spool_cmd_context *ctx, struct junk_spool *spool,
	    const char **error_r)
{
	int ret = 0;

	for (unsigned int i = 0; i < SPOOL_PASSES && ret == 0; i++) {
		if (read_spool(ctx, spool, error_r) < 0 ||
		    doveadm_junk_service_finish(ctx->service, error_r) < 0)
			return -1;
		ret = junk_spool_finish(spool, error_r);
	}
	return ret < 0 ? -1 : 0;
}

static int
send_spool(struct junk_spool_cmd_context *ctx, struct junk_spool *spool,
	   const char **error_r)
{
	int ret;

	if (doveadm_junk_service_connect_user(&ctx->service, error_r) < 0)
		return -1;
	ret = send_passes(ctx, spool, error_r);
	doveadm_junk_service_close(&ctx->service);
	return ret;
}

static int
cmd_junk_spool_run(struct doveadm_mail_cmd_context *_ctx,
		   struct mail_user *user)
{
	struct junk_spool_cmd_context *ctx =
		(struct junk_spool_cmd_context *)_ctx;
	const char *dir = doveadm_junk_control_dir(user, FALSE);
	const char *error;
	struct junk_spool *spool;
	int ret = 0;

	ctx->reports = ctx->sent = 0;
	if (dir == NULL)
		return 0;
	spool = junk_spool_init(dir);
	if (junk_spool_exists(spool)) {
		ret = ctx->send ? send_spool(ctx, spool, &error) :
			read_spool(ctx, spool, &error);
		if (ret < 0) {
			i_error("junk spool: %s", error);
			_ctx->exit_code = EX_TEMPFAIL;
		}
		doveadm_print_num(ctx->reports);
		doveadm_print_num(ctx->sent);
	}
	junk_spool_deinit(&spool);
	return ret;
}

static void print_number(const char *name)
{
	doveadm_print_header(name, name,
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY |
			     DOVEADM_PRINT_HEADER_FLAG_NUMBER);
}

JUNK_DOVEADM_DEFINE_PARSE_ARG

static void cmd_junk_spool_init(JUNK_DOVEADM_INIT_PARAMS)
{
	struct junk_spool_cmd_context *ctx =
		(struct junk_spool_cmd_context *)_ctx;

	(void)doveadm_cmd_param_bool(_ctx->cctx, "send", &ctx->send);
	print_number("reports");
	print_number("sent");
}

static struct doveadm_mail_cmd_context *cmd_junk_spool_alloc(void)
{
	struct junk_spool_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_spool_cmd_context);

	ctx->ctx.v.init = cmd_junk_spool_init;
	ctx->ctx.v.run = cmd_junk_spool_run;
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "s");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_spool = {
	.name = "junk spool",
	.usage = "[-s] "DOVEADM_CMD_MAIL_USAGE_PREFIX,
	.mail_cmd = cmd_junk_spool_alloc,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('s', "send", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

/* doveadm junk learn: report the messages that a search finds, each in the name
   of the user whose mailbox it is in. Interrupted, it can be repeated: what was
   reported already is recognised by the service. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "time-util.h"
#include "mail-storage.h"
#include "doveadm-print.h"
#include "doveadm-mail.h"

#include "junk-identity.h"
#include "junk-report.h"
#include "junk-settings.h"
#include "doveadm-junk.h"
#include "junk-compat.h"

#include <stdio.h>
#include <unistd.h>

/* Messages between two signs of life on a terminal. */
#define LEARN_PROGRESS_MESSAGES 100

struct junk_learn_cmd_context {
	struct doveadm_mail_cmd_context ctx;

	enum junk_verdict verdict;
	struct doveadm_junk_service *service;
	struct doveadm_junk_found found;
	/* of the current message */
	pool_t pool;

	/* Of the current user */
	const char *authserv_id, *mx;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned int reported, failed;
	bool progress_shown;
};

static void show_progress(struct junk_learn_cmd_context *ctx)
{
	if (ctx->reported % LEARN_PROGRESS_MESSAGES != 0 ||
	    isatty(STDERR_FILENO) == 0)
		return;
	fprintf(stderr, "\r%u messages", ctx->reported);
	fflush(stderr);
	ctx->progress_shown = TRUE;
}

static void end_progress(struct junk_learn_cmd_context *ctx)
{
	if (ctx->progress_shown)
		fprintf(stderr, "\r%30s\r", "");
	ctx->progress_shown = FALSE;
}

static int
send_report(struct junk_learn_cmd_context *ctx, const struct junk_message *msg,
	    const char **error_r)
{
	struct junk_report report;
	struct timeval now;

	i_gettimeofday(&now);
	i_zero(&report);
	report.stamp_usecs = timeval_to_usecs(&now);
	report.verdict = ctx->verdict;
	report.origin = JUNK_ORIGIN_LEARN;
	report.feature_set = JUNK_FEATURE_SET;
	report.size_bytes = msg->size_bytes;
	memcpy(report.reporter, ctx->reporter, sizeof(report.reporter));
	junk_message_digest(msg, report.digest);
	report.tokens = array_get(&msg->tokens, &report.token_count);
	return doveadm_junk_service_report(ctx->service, &report, error_r);
}

/* Returns 0, or -1 if the message can't be read. */
static int
tokenize_mail(struct junk_learn_cmd_context *ctx, struct mail *mail,
	      struct junk_message *msg_r, const char **error_r)
{
	struct junk_tokenizer_settings set = {
		.authserv_id = ctx->authserv_id,
		.mx = ctx->mx,
	};
	struct istream *input;

	if (mail_get_stream_because(mail, NULL, NULL, "junk learn",
				    &input) < 0) {
		*error_r = mailbox_get_last_internal_error(mail->box, NULL);
		return -1;
	}
	p_clear(ctx->pool);
	return junk_tokenize(input, &set, ctx->pool, msg_r, error_r);
}

static int
learn_mail(struct doveadm_mail_cmd_context *_ctx, struct mail *mail)
{
	struct junk_learn_cmd_context *ctx =
		(struct junk_learn_cmd_context *)_ctx;
	struct junk_message msg;
	const char *error;

	if (doveadm_is_killed())
		return -1;
	if (tokenize_mail(ctx, mail, &msg, &error) < 0) {
		i_error("junk learn: %s: UID %u: %s",
			mailbox_get_vname(mail->box), mail->uid, error);
		ctx->failed++;
		_ctx->exit_code = EX_DATAERR;
		return 0;
	}
	if (send_report(ctx, &msg, &error) < 0) {
		i_error("junk learn: %s", error);
		_ctx->exit_code = EX_TEMPFAIL;
		return -1;
	}
	ctx->reported++;
	show_progress(ctx);
	return 0;
}

static int
learn_begin(struct junk_learn_cmd_context *ctx, struct mail_user *user)
{
	const char *dir = doveadm_junk_control_dir(user, TRUE);
	const char *error;

	ctx->reported = ctx->failed = 0;
	if (dir == NULL) {
		i_error("junk learn: the user has no control directory");
		ctx->ctx.exit_code = EX_CANTCREAT;
		return -1;
	}
	if (junk_identity_get(dir, ctx->reporter, &error) < 0) {
		i_error("junk learn: %s", error);
		ctx->ctx.exit_code = EX_CANTCREAT;
		return -1;
	}
	if (ctx->service == NULL &&
	    doveadm_junk_service_connect(&ctx->service, &error) < 0) {
		i_error("junk learn: %s: see doveadm junk status", error);
		ctx->ctx.exit_code = EX_UNAVAILABLE;
		return -1;
	}
	return 0;
}

static int
cmd_junk_learn_run(struct doveadm_mail_cmd_context *_ctx,
		   struct mail_user *user)
{
	struct junk_learn_cmd_context *ctx =
		(struct junk_learn_cmd_context *)_ctx;
	const struct junk_settings *set =
		doveadm_junk_settings_get(user, user->pool);
	const char *error;
	int ret;

	if (!set->junk_feedback)
		return 0;
	ctx->authserv_id = set->junk_feedback_authserv_id;
	ctx->mx = set->junk_feedback_mx;
	if (learn_begin(ctx, user) < 0)
		return -1;
	ret = doveadm_junk_search(_ctx, user, learn_mail, &ctx->found);
	end_progress(ctx);
	if (doveadm_is_killed()) {
		i_error("junk learn: interrupted: repeat it to go on, each "
			"message counts once");
		_ctx->exit_code = EX_TEMPFAIL;
	}
	if (doveadm_junk_service_finish(ctx->service, &error) < 0) {
		if (_ctx->exit_code == 0) {
			i_error("junk learn: %s", error);
			_ctx->exit_code = EX_TEMPFAIL;
		}
		ret = -1;
	}
	doveadm_junk_service_close(&ctx->service);

	doveadm_print(junk_verdict_name(ctx->verdict));
	doveadm_print_num(ctx->reported);
	doveadm_print_num(ctx->failed);
	return ret;
}

JUNK_DOVEADM_DEFINE_PARSE_ARG

static int
learn_parse(struct doveadm_cmd_context *cctx, enum junk_verdict *verdict_r,
	    const char *const **query_r, const char **error_r)
{
	const char *verdict;

	if (!doveadm_cmd_param_str(cctx, "verdict", &verdict) ||
	    !doveadm_cmd_param_array(cctx, "query", query_r)) {
		*error_r = "say what to learn, and of which messages: "
			"spam|ham <search query>";
		return -1;
	}
	if (strcmp(verdict, "spam") == 0)
		*verdict_r = JUNK_VERDICT_SPAM;
	else if (strcmp(verdict, "ham") == 0)
		*verdict_r = JUNK_VERDICT_HAM;
	else {
		*error_r = t_strdup_printf("the verdict is spam or ham, but "
					   "not %s", verdict);
		return -1;
	}
	return 0;
}

static void cmd_junk_learn_init(JUNK_DOVEADM_INIT_PARAMS)
{
	struct junk_learn_cmd_context *ctx =
		(struct junk_learn_cmd_context *)_ctx;
	const char *const *query, *error;

	if (learn_parse(_ctx->cctx, &ctx->verdict, &query, &error) < 0)
		i_fatal_status(EX_USAGE, "junk learn: %s", error);
	_ctx->search_args = doveadm_mail_build_search_args(query);
	/* with -u, root is given up for good before the mail is opened; if it
	   fails, it is tried again then */
	(void)doveadm_junk_service_connect(&ctx->service, &error);

	doveadm_print_header_simple("verdict");
	doveadm_print_header("reported", "reported",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY |
			     DOVEADM_PRINT_HEADER_FLAG_NUMBER);
	doveadm_print_header("unreadable", "unreadable",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY |
			     DOVEADM_PRINT_HEADER_FLAG_NUMBER);
}

static void cmd_junk_learn_deinit(struct doveadm_mail_cmd_context *_ctx)
{
	struct junk_learn_cmd_context *ctx =
		(struct junk_learn_cmd_context *)_ctx;

	doveadm_junk_search_finish(_ctx, "junk learn", &ctx->found);
	doveadm_junk_service_close(&ctx->service);
	pool_unref(&ctx->pool);
}

static struct doveadm_mail_cmd_context *cmd_junk_learn_alloc(void)
{
	struct junk_learn_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_learn_cmd_context);

	ctx->ctx.v.init = cmd_junk_learn_init;
	ctx->ctx.v.run = cmd_junk_learn_run;
	ctx->ctx.v.deinit = cmd_junk_learn_deinit;
	ctx->pool = pool_alloconly_create("junk learn", 16*1024);
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

/* What is wrong is said before a server process, or a user's mail, is asked. */
static void cmd_junk_learn(struct doveadm_cmd_context *cctx)
{
	enum junk_verdict verdict;
	const char *const *query, *error;

	if (learn_parse(cctx, &verdict, &query, &error) < 0) {
		i_error("junk learn: %s", error);
		doveadm_exit_code = EX_USAGE;
		return;
	}
	doveadm_cmd_ver2_to_mail_cmd_wrapper(cctx);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_learn = {
	.name = "junk learn",
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "spam|ham <search query>",
	.cmd = cmd_junk_learn,
	.mail_cmd = cmd_junk_learn_alloc,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('\0', "verdict", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAM('\0', "query", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};

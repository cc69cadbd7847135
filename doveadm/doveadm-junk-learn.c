/* doveadm junk learn: reports the messages that a search finds, each with the
   identity of the mailbox's user. After an interruption the command can be
   repeated: the service recognises reports that it already has. */

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
#include "doveadm-junk-learn.h"
#include "junk-compat.h"

#include <stdio.h>
#include <unistd.h>

/* The progress line on a terminal changes after so many messages. */
#define LEARN_PROGRESS_MESSAGES 100

struct junk_learn_cmd_context {
	struct doveadm_mail_cmd_context ctx;

	enum junk_verdict verdict;
	struct doveadm_junk_learn learn;
	struct doveadm_junk_found found;
};

/* --- any command that learns --- */

void doveadm_junk_learn_init(struct doveadm_junk_learn *learn,
			     const char *command)
{
	const char *error;

	learn->command = command;
	/* if this fails, it is tried again for the first user */
	(void)doveadm_junk_service_connect(&learn->service, &error);
}

void doveadm_junk_learn_deinit(struct doveadm_junk_learn *learn)
{
	doveadm_junk_service_close(&learn->service);
	pool_unref(&learn->pool);
}

static void show_progress(struct doveadm_junk_learn *learn)
{
	if (learn->reported % LEARN_PROGRESS_MESSAGES != 0 ||
	    isatty(STDERR_FILENO) == 0)
		return;
	fprintf(stderr, "\r%u ", learn->reported);
	if (learn->total > 0)
		fprintf(stderr, "of %u ", learn->total);
	fprintf(stderr, "messages");
	fflush(stderr);
	learn->progress_shown = TRUE;
}

static void end_progress(struct doveadm_junk_learn *learn)
{
	if (learn->progress_shown)
		fprintf(stderr, "\r%40s\r", "");
	learn->progress_shown = FALSE;
}

static int
send_report(struct doveadm_junk_learn *learn, const struct junk_message *msg,
	    enum junk_verdict verdict, const char **error_r)
{
	struct junk_report report;
	struct timeval now;

	i_gettimeofday(&now);
	i_zero(&report);
	report.stamp_usecs = timeval_to_usecs(&now);
	report.verdict = verdict;
	report.origin = JUNK_ORIGIN_LEARN;
	report.feature_set = JUNK_FEATURE_SET;
	report.size_bytes = msg->size_bytes;
	memcpy(report.reporter, learn->reporter, sizeof(report.reporter));
	junk_message_digest(msg, report.digest);
	report.tokens = array_get(&msg->tokens, &report.token_count);
	return doveadm_junk_service_report(learn->service, &report, error_r);
}

/* Report one message. Returns 0, or -1 if the message can't be read. */
static int
tokenize_mail(struct doveadm_junk_learn *learn, struct mail *mail,
	      struct junk_message *msg_r, const char **error_r)
{
	struct junk_tokenizer_settings set = {
		.authserv_id = learn->authserv_id,
		.mx = learn->mx,
	};
	struct istream *input;

	if (mail_get_stream_because(mail, NULL, NULL, "junk learn",
				    &input) < 0) {
		*error_r = mailbox_get_last_internal_error(mail->box, NULL);
		return -1;
	}
	p_clear(learn->pool);
	return junk_tokenize(input, &set, learn->pool, msg_r, error_r);
}

int doveadm_junk_learn_mail(struct doveadm_junk_learn *learn,
			    struct doveadm_mail_cmd_context *ctx,
			    struct mail *mail, enum junk_verdict verdict)
{
	struct junk_message msg;
	const char *error;

	if (doveadm_is_killed())
		return -1;
	if (tokenize_mail(learn, mail, &msg, &error) < 0) {
		i_error("%s: %s: UID %u: %s", learn->command,
			mailbox_get_vname(mail->box), mail->uid, error);
		learn->failed++;
		ctx->exit_code = EX_DATAERR;
		return 0;
	}
	if (send_report(learn, &msg, verdict, &error) < 0) {
		i_error("%s: %s", learn->command, error);
		ctx->exit_code = EX_TEMPFAIL;
		return -1;
	}
	learn->reported++;
	show_progress(learn);
	return 0;
}

static int
learn_get_reporter(struct doveadm_junk_learn *learn, struct mail_user *user)
{
	const char *dir = doveadm_junk_control_dir(user, TRUE);
	const char *error;

	if (dir == NULL) {
		i_error("%s: the user has no control directory",
			learn->command);
		return -1;
	}
	if (junk_identity_get(dir, learn->reporter, &error) < 0) {
		i_error("%s: %s", learn->command, error);
		return -1;
	}
	return 0;
}

int doveadm_junk_learn_begin(struct doveadm_junk_learn *learn,
			     struct doveadm_mail_cmd_context *ctx,
			     struct mail_user *user)
{
	const struct junk_settings *set =
		doveadm_junk_settings_get(user, user->pool);
	const char *error;

	if (!set->junk_feedback)
		return 0;
	if (learn->pool == NULL)
		learn->pool = pool_alloconly_create("junk learn", 16*1024);
	learn->authserv_id = set->junk_feedback_authserv_id;
	learn->mx = set->junk_feedback_mx;
	learn->reported = learn->failed = learn->total = 0;
	if (learn_get_reporter(learn, user) < 0) {
		ctx->exit_code = EX_CANTCREAT;
		return -1;
	}
	if (learn->service == NULL &&
	    doveadm_junk_service_connect(&learn->service, &error) < 0) {
		i_error("%s: %s: see doveadm junk status", learn->command,
			error);
		ctx->exit_code = EX_UNAVAILABLE;
		return -1;
	}
	return 1;
}

int doveadm_junk_learn_end(struct doveadm_junk_learn *learn,
			   struct doveadm_mail_cmd_context *ctx)
{
	const char *error;
	int ret = 0;

	end_progress(learn);
	if (doveadm_is_killed()) {
		i_error("%s: interrupted: repeat the command to continue; each "
			"message counts once", learn->command);
		ctx->exit_code = EX_TEMPFAIL;
	}
	if (doveadm_junk_service_finish(learn->service, &error) < 0) {
		if (ctx->exit_code == 0) {
			i_error("%s: %s", learn->command, error);
			ctx->exit_code = EX_TEMPFAIL;
		}
		ret = -1;
	}
	doveadm_junk_service_close(&learn->service);
	return ret;
}

/* --- learn --- */

static int
learn_mail(struct doveadm_mail_cmd_context *_ctx, struct mail *mail)
{
	struct junk_learn_cmd_context *ctx =
		(struct junk_learn_cmd_context *)_ctx;

	return doveadm_junk_learn_mail(&ctx->learn, _ctx, mail, ctx->verdict);
}

static int
cmd_junk_learn_run(struct doveadm_mail_cmd_context *_ctx,
		   struct mail_user *user)
{
	struct junk_learn_cmd_context *ctx =
		(struct junk_learn_cmd_context *)_ctx;
	int ret;

	ret = doveadm_junk_learn_begin(&ctx->learn, _ctx, user);
	if (ret <= 0)
		return ret;
	ret = doveadm_junk_search(_ctx, user, learn_mail, &ctx->found);
	if (doveadm_junk_learn_end(&ctx->learn, _ctx) < 0)
		ret = -1;

	doveadm_print(junk_verdict_name(ctx->verdict));
	doveadm_print_num(ctx->learn.reported);
	doveadm_print_num(ctx->learn.failed);
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
		*error_r = "a verdict and a query are required: spam|ham "
			"<search query>";
		return -1;
	}
	if (strcmp(verdict, "spam") == 0)
		*verdict_r = JUNK_VERDICT_SPAM;
	else if (strcmp(verdict, "ham") == 0)
		*verdict_r = JUNK_VERDICT_HAM;
	else {
		*error_r = t_strdup_printf("the verdict must be spam or ham, "
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
	doveadm_junk_learn_init(&ctx->learn, "junk learn");

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
	doveadm_junk_learn_deinit(&ctx->learn);
}

static struct doveadm_mail_cmd_context *cmd_junk_learn_alloc(void)
{
	struct junk_learn_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_learn_cmd_context);

	ctx->ctx.v.init = cmd_junk_learn_init;
	ctx->ctx.v.run = cmd_junk_learn_run;
	ctx->ctx.v.deinit = cmd_junk_learn_deinit;
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

/* Check the arguments before a server process is asked or a user's mail is
   opened. */
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

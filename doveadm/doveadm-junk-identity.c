/* doveadm junk identity: when a user's control directory changes, because the
   mail is converted to another format or moves to another disk, the user stays
   the same person. Never prints an identity. */

#include "lib.h"
#include "mail-user.h"
#include "doveadm-print.h"
#include "doveadm-mail.h"

#include "junk-compat.h"
#include "junk-identity.h"
#include "doveadm-junk.h"

struct junk_identity_cmd_context {
	struct doveadm_mail_cmd_context ctx;

	const char *from;
	bool replace;
};

static int
copy_identity(struct junk_identity_cmd_context *ctx, struct mail_user *user,
	      const char **error_r)
{
	const char *from = ctx->from, *dir;
	int ret;

	if (mail_user_try_home_expand(user, &from) < 0) {
		*error_r = "the user has no home directory";
		return -1;
	}
	dir = doveadm_junk_control_dir(user, TRUE);
	if (dir == NULL) {
		*error_r = "the user has no control directory";
		return -1;
	}
	ret = junk_identity_copy(from, dir, ctx->replace, error_r);
	if (ret >= 0)
		doveadm_print(ret > 0 ? "copied" : "already there");
	return ret;
}

static int
cmd_junk_identity_run(struct doveadm_mail_cmd_context *_ctx,
		      struct mail_user *user)
{
	struct junk_identity_cmd_context *ctx =
		(struct junk_identity_cmd_context *)_ctx;
	const char *error;

	/* the other users of -A or -F are done nevertheless */
	if (copy_identity(ctx, user, &error) < 0) {
		i_error("junk identity: %s", error);
		_ctx->exit_code = EX_NOINPUT;
	}
	return 0;
}

JUNK_DOVEADM_DEFINE_PARSE_ARG

static void cmd_junk_identity_init(JUNK_DOVEADM_INIT_PARAMS)
{
	struct junk_identity_cmd_context *ctx =
		(struct junk_identity_cmd_context *)_ctx;

	/* an absolute path would give all users of -A the same identity */
	if (!doveadm_cmd_param_str(_ctx->cctx, "from", &ctx->from) ||
	    strncmp(ctx->from, "~/", 2) != 0) {
		i_fatal_status(EX_USAGE, "junk identity: --from must be "
			"a directory in the user's home, quoted for the "
			"shell: --from '~/Maildir'");
	}
	(void)doveadm_cmd_param_bool(_ctx->cctx, "replace", &ctx->replace);
	doveadm_print_header_simple("identity");
}

static struct doveadm_mail_cmd_context *cmd_junk_identity_alloc(void)
{
	struct junk_identity_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_identity_cmd_context);

	ctx->ctx.v.init = cmd_junk_identity_init;
	ctx->ctx.v.run = cmd_junk_identity_run;
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "i:r");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_identity = {
	.name = "junk identity",
	.usage = "-i <directory> [-r] "DOVEADM_CMD_MAIL_USAGE_PREFIX,
	.mail_cmd = cmd_junk_identity_alloc,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('i', "from", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('r', "replace", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

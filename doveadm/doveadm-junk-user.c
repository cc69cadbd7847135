#include "lib.h"
#include "mail-user.h"
#include "mail-namespace.h"
#include "mail-storage.h"
#include "doveadm-mail.h"
#include "doveadm-mail-iter.h"
#include "doveadm-mailbox-list-iter.h"

#include "junk-identity.h"
#include "doveadm-junk.h"

bool doveadm_junk_names_users(const struct doveadm_cmd_context *cctx)
{
	struct istream *users;
	const char *user;
	bool all;

	return doveadm_cmd_param_str(cctx, "user", &user) ||
		doveadm_cmd_param_istream(cctx, "user-file", &users) ||
		doveadm_cmd_param_bool(cctx, "all-users", &all);
}

const char *doveadm_junk_control_dir(struct mail_user *user, bool create)
{
	struct mail_namespace *ns = mail_namespace_find_inbox(user->namespaces);
	const char *dir;

	if (!mailbox_list_get_root_path(ns->list,
					MAILBOX_LIST_PATH_TYPE_CONTROL, &dir))
		return NULL;
	if (create && mailbox_list_mkdir_root(ns->list, dir,
					MAILBOX_LIST_PATH_TYPE_CONTROL) < 0)
		return NULL;
	return dir;
}

const unsigned char *
doveadm_junk_reporter(struct mail_user *user,
		      unsigned char buf[JUNK_REPORTER_BYTES])
{
	const char *dir = doveadm_junk_control_dir(user, FALSE);
	const char *error;
	int ret;

	if (dir == NULL)
		return NULL;
	ret = junk_identity_read(dir, buf, &error);
	if (ret < 0) {
		i_error("junk: %s (the message is scored without the user's "
			"own reports)", error);
	}
	return ret > 0 ? buf : NULL;
}

static int
search_mailbox(struct doveadm_mail_cmd_context *ctx,
	       const struct mailbox_info *info,
	       doveadm_junk_mail_callback_t *callback,
	       struct doveadm_junk_found *found)
{
	struct doveadm_mail_iter *iter = NULL;
	struct mail *mail;
	int ret = 0;

	if (doveadm_mail_iter_init(ctx, info, ctx->search_args,
				   MAIL_FETCH_STREAM_HEADER |
				   MAIL_FETCH_STREAM_BODY, NULL,
				   DOVEADM_MAIL_ITER_FLAG_READONLY, &iter) < 0)
		return -1;
	if (iter == NULL) {
		/* on 2.4 this means that there is no such mailbox */
		return 0;
	}
	while (ret == 0 && doveadm_mail_iter_next(iter, &mail)) T_BEGIN {
		found->messages++;
		ret = callback(ctx, mail);
	} T_END;
	if (doveadm_mail_iter_deinit(&iter) < 0)
		ret = -1;
	return ret;
}

int doveadm_junk_search(struct doveadm_mail_cmd_context *ctx,
			struct mail_user *user,
			doveadm_junk_mail_callback_t *callback,
			struct doveadm_junk_found *found)
{
	struct doveadm_mailbox_list_iter *iter;
	const struct mailbox_info *info;
	int ret = 0;

	found->users++;
	iter = doveadm_mailbox_list_iter_init(ctx, user, ctx->search_args,
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS);
	while ((info = doveadm_mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		if (search_mailbox(ctx, info, callback, found) < 0)
			ret = -1;
	} T_END;
	if (doveadm_mailbox_list_iter_deinit(&iter) < 0)
		ret = -1;
	return ret;
}

void doveadm_junk_search_finish(struct doveadm_mail_cmd_context *ctx,
				const char *command,
				const struct doveadm_junk_found *found)
{
	if (found->users == 0 || found->messages > 0 || ctx->exit_code != 0)
		return;
	i_error("%s: the query finds no message", command);
	ctx->exit_code = DOVEADM_EX_NOTFOUND;
}

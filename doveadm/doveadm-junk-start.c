/* doveadm junk start: learns from existing mail. Spam is the mail in Junk
   mailboxes that their user opens, up to the last message that was seen: the
   user had a chance to rescue everything before it. Good mail is what was read
   and kept; it is weak evidence.

   Whoever the user has written to becomes a trusted sender, as if the mail in
   Sent were saved there now.

   Both classes are reported in proportion, mailbox by mailbox: a model that
   sees one class first overestimates it for a while. After an interruption the
   command can be repeated, as learn can. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-storage.h"
#include "mail-namespace.h"
#include "mailbox-list-iter.h"
#include "doveadm-print.h"
#include "doveadm-mail.h"

#include "../plugin/junk-feedback-settings.h"
#include "junk-allow.h"
#include "junk-limits.h"
#include "doveadm-junk.h"
#include "doveadm-junk-learn.h"
#include "junk-compat.h"

struct start_mail {
	/* the namespace of the mailbox; the name is allocated from the user's
	   pool */
	struct mail_namespace *ns;
	const char *vname;
	uint32_t uid;
};

ARRAY_DEFINE_TYPE(start_mail, struct start_mail);

/* Messages to be reported with one verdict. */
struct start_class {
	enum junk_verdict verdict;
	ARRAY_TYPE(start_mail) mails;
	/* index of the next mailbox */
	unsigned int next;
	unsigned int reported;

	/* name of the last message's mailbox */
	const char *vname;
	struct mailbox *box;
	struct mailbox_transaction_context *trans;
	struct mail *mail;
};

struct junk_start_cmd_context {
	struct doveadm_mail_cmd_context ctx;
	struct doveadm_junk_learn learn;
	/* totals of all users */
	unsigned int users, spam, kept, unreadable;

	/* settings of the current user */
	struct junk_feedback_settings set;
	struct start_class classes[2];
};

/* Indexes of classes */
enum { START_SPAM, START_KEPT };

/* --- what there is --- */

static bool
start_mail_is_old(const struct junk_start_cmd_context *ctx, struct mail *mail)
{
	time_t saved;

	return mail_get_save_date(mail, &saved) >= 0 &&
		saved <= ioloop_time - (time_t)ctx->set.kept_age_secs;
}

static bool
start_mail_is_fit(const struct junk_start_cmd_context *ctx,
		  enum junk_box kind, struct mail *mail)
{
	enum junk_keywords keywords =
		junk_keywords_parse(mail_get_keywords(mail));

	if (kind == JUNK_BOX_JUNK)
		return (keywords & JUNK_KEYWORDS_NOT_JUNK) == 0;
	return ctx->set.kept > 0 &&
		junk_decide_is_kept(kind, mail_get_flags(mail), keywords);
}

/* Returns the sequence of the last seen message, 0 if there is none. */
static uint32_t start_last_seen(struct mail *mail, uint32_t seq)
{
	for (; seq > 0; seq--) {
		mail_set_seq(mail, seq);
		if ((mail_get_flags(mail) & MAIL_SEEN) != 0)
			break;
	}
	return seq;
}

static void
start_find_mails(struct junk_start_cmd_context *ctx, enum junk_box kind,
		 struct mail_namespace *ns, const char *vname,
		 struct mail *mail, uint32_t last)
{
	struct start_class *class = kind == JUNK_BOX_JUNK ?
		&ctx->classes[START_SPAM] : &ctx->classes[START_KEPT];
	struct start_mail *one;

	if (kind == JUNK_BOX_JUNK)
		last = start_last_seen(mail, last);
	for (uint32_t seq = 1; seq <= last && !doveadm_is_killed(); seq++) {
		mail_set_seq(mail, seq);
		if (!start_mail_is_fit(ctx, kind, mail) ||
		    !start_mail_is_old(ctx, mail))
			continue;
		one = array_append_space(&class->mails);
		one->ns = ns;
		one->vname = vname;
		one->uid = mail->uid;
	}
}

/* Add the recipients of the last messages, the oldest first. */
static void
start_find_recipients(struct junk_start_cmd_context *ctx,
		      struct mail_user *user, struct mail *mail, uint32_t last)
{
	const char *dir = doveadm_junk_control_dir(user, TRUE), *error;
	struct istream *input;
	bool failed = FALSE;
	uint32_t seq = last > JUNK_MAX_ALLOWED ? last - JUNK_MAX_ALLOWED : 1;

	for (; dir != NULL && seq <= last && !failed &&
	     !doveadm_is_killed(); seq++) T_BEGIN {
		mail_set_seq(mail, seq);
		if (mail_get_hdr_stream(mail, NULL, &input) == 0 &&
		    junk_allow_add_recipients(dir, input, &error) < 0) {
			i_error("junk start: %s", error);
			ctx->ctx.exit_code = EX_CANTCREAT;
			failed = TRUE;
		}
	} T_END;
}

/* Returns -1 if the mailbox can't be opened. */
static int
start_open(struct mailbox *box, enum mail_fetch_field fields,
	   struct mailbox_transaction_context **trans_r, struct mail **mail_r)
{
	if (mailbox_open(box) < 0 || mailbox_sync(box, 0) < 0)
		return -1;
	*trans_r = mailbox_transaction_begin(box, 0, __func__);
	*mail_r = mail_alloc(*trans_r, fields, NULL);
	return 0;
}

static int
start_find_in(struct junk_start_cmd_context *ctx, struct mail_user *user,
	      const struct mailbox_info *info)
{
	struct mailbox *box = mailbox_alloc(info->ns->list, info->vname,
					    MAILBOX_FLAG_READONLY);
	enum junk_box kind = junk_mailbox_kind(&ctx->set.names, user, box);
	struct mailbox_transaction_context *trans;
	struct mailbox_status status;
	struct mail *mail;
	int ret = 0;

	if (junk_mailbox_is_virtual(box) ||
	    (kind != JUNK_BOX_JUNK && kind != JUNK_BOX_INBOX &&
	     kind != JUNK_BOX_OTHER &&
	     (kind != JUNK_BOX_SENT || !ctx->set.allow_sent))) {
		mailbox_free(&box);
		return 0;
	}
	if (start_open(box, MAIL_FETCH_FLAGS, &trans, &mail) < 0) {
		i_error("junk start: %s: %s", info->vname,
			mailbox_get_last_internal_error(box, NULL));
		doveadm_mail_failed_mailbox(&ctx->ctx, box);
		ret = -1;
	} else {
		mailbox_get_open_status(box, STATUS_MESSAGES, &status);
		if (kind == JUNK_BOX_SENT) {
			start_find_recipients(ctx, user, mail,
					      status.messages);
		} else {
			start_find_mails(ctx, kind, info->ns,
					 p_strdup(user->pool, info->vname),
					 mail, status.messages);
		}
		mail_free(&mail);
		mailbox_transaction_rollback(&trans);
	}
	mailbox_free(&box);
	return ret;
}

/* Find the user's own mailboxes. */
static int
start_find(struct junk_start_cmd_context *ctx, struct mail_user *user)
{
	static const char *const patterns[] = { "*", NULL };
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	int ret = 0;

	iter = mailbox_list_iter_init_namespaces(user->namespaces, patterns,
		MAIL_NAMESPACE_TYPE_PRIVATE,
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES);
	while ((info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) == 0 &&
		    info->ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    info->ns->owner == user &&
		    start_find_in(ctx, user, info) < 0)
			ret = -1;
	} T_END;
	if (mailbox_list_iter_deinit(&iter) < 0) {
		i_error("junk start: listing mailboxes failed: %s",
			mailbox_list_get_last_internal_error(
				user->namespaces->list, NULL));
		ctx->ctx.exit_code = EX_TEMPFAIL;
		ret = -1;
	}
	return ret;
}

/* --- reports --- */

static void start_class_close(struct start_class *class)
{
	class->vname = NULL;
	if (class->box == NULL)
		return;
	mail_free(&class->mail);
	mailbox_transaction_rollback(&class->trans);
	mailbox_free(&class->box);
}

/* Returns FALSE if the mailbox was deleted in the meantime. */
static bool
start_class_select(struct start_class *class, const struct start_mail *one)
{
	if (class->vname == one->vname)
		return class->box != NULL;
	start_class_close(class);
	class->vname = one->vname;
	class->box = mailbox_alloc(one->ns->list, one->vname,
				   MAILBOX_FLAG_READONLY);
	if (start_open(class->box, MAIL_FETCH_STREAM_HEADER |
		       MAIL_FETCH_STREAM_BODY, &class->trans,
		       &class->mail) < 0) {
		mailbox_free(&class->box);
		return FALSE;
	}
	return TRUE;
}

static int
start_learn_next(struct junk_start_cmd_context *ctx, struct start_class *class)
{
	const struct start_mail *one =
		array_idx(&class->mails, class->next++);
	const unsigned int before = ctx->learn.reported;
	int ret;

	if (!start_class_select(class, one) ||
	    !mail_set_uid(class->mail, one->uid))
		return 0;
	ret = doveadm_junk_learn_mail(&ctx->learn, &ctx->ctx, class->mail,
				      class->verdict);
	class->reported += ctx->learn.reported - before;
	return ret;
}

/* Returns the class with the smaller fraction of reported messages. */
static struct start_class *
start_choose(struct junk_start_cmd_context *ctx)
{
	struct start_class *spam = &ctx->classes[START_SPAM];
	struct start_class *kept = &ctx->classes[START_KEPT];
	const uint64_t spam_count = array_count(&spam->mails);
	const uint64_t kept_count = array_count(&kept->mails);

	if (spam->next == spam_count)
		return kept->next == kept_count ? NULL : kept;
	if (kept->next == kept_count)
		return spam;
	return spam->next * kept_count <= kept->next * spam_count ?
		spam : kept;
}

static int start_learn(struct junk_start_cmd_context *ctx)
{
	struct start_class *class;
	int ret = 0;

	for (unsigned int i = 0; i < N_ELEMENTS(ctx->classes); i++)
		ctx->learn.total += array_count(&ctx->classes[i].mails);
	while (ret == 0 && (class = start_choose(ctx)) != NULL) T_BEGIN {
		ret = start_learn_next(ctx, class);
	} T_END;
	for (unsigned int i = 0; i < N_ELEMENTS(ctx->classes); i++)
		start_class_close(&ctx->classes[i]);
	return ret;
}

/* --- the command --- */

static void start_print(struct junk_start_cmd_context *ctx)
{
	doveadm_print_num(ctx->classes[START_SPAM].reported);
	doveadm_print_num(ctx->classes[START_KEPT].reported);
	doveadm_print_num(ctx->learn.failed);
	ctx->users++;
	ctx->spam += ctx->classes[START_SPAM].reported;
	ctx->kept += ctx->classes[START_KEPT].reported;
	ctx->unreadable += ctx->learn.failed;
}

static int
cmd_junk_start_run(struct doveadm_mail_cmd_context *_ctx,
		   struct mail_user *user)
{
	struct junk_start_cmd_context *ctx =
		(struct junk_start_cmd_context *)_ctx;
	const char *error;
	int ret;

	ret = doveadm_junk_learn_begin(&ctx->learn, _ctx, user);
	if (ret <= 0)
		return ret;
	/* learn_begin() has logged invalid settings */
	(void)junk_feedback_settings_get(user, &ctx->set, &error);
	i_zero(&ctx->classes);
	ctx->classes[START_SPAM].verdict = JUNK_VERDICT_SPAM;
	ctx->classes[START_KEPT].verdict = JUNK_VERDICT_WEAK_HAM;
	for (unsigned int i = 0; i < N_ELEMENTS(ctx->classes); i++)
		i_array_init(&ctx->classes[i].mails, 128);

	ret = start_find(ctx, user);
	if (start_learn(ctx) < 0)
		ret = -1;
	if (doveadm_junk_learn_end(&ctx->learn, _ctx) < 0)
		ret = -1;
	start_print(ctx);
	for (unsigned int i = 0; i < N_ELEMENTS(ctx->classes); i++)
		array_free(&ctx->classes[i].mails);
	return ret;
}

static void print_header(const char *name)
{
	doveadm_print_header(name, name,
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY |
			     DOVEADM_PRINT_HEADER_FLAG_NUMBER);
}

JUNK_DOVEADM_DEFINE_PARSE_ARG

static void cmd_junk_start_init(JUNK_DOVEADM_INIT_PARAMS)
{
	struct junk_start_cmd_context *ctx =
		(struct junk_start_cmd_context *)_ctx;

	doveadm_junk_learn_init(&ctx->learn, "junk start");
	print_header("spam");
	print_header("kept");
	print_header("unreadable");
}

static void cmd_junk_start_deinit(struct doveadm_mail_cmd_context *_ctx)
{
	struct junk_start_cmd_context *ctx =
		(struct junk_start_cmd_context *)_ctx;

	doveadm_junk_learn_deinit(&ctx->learn);
	if (ctx->users > 1) {
		i_info("junk start: learned %u spam messages and %u kept "
		       "messages of %u users; %u messages could not be read",
		       ctx->spam, ctx->kept, ctx->users, ctx->unreadable);
	}
}

static struct doveadm_mail_cmd_context *cmd_junk_start_alloc(void)
{
	struct junk_start_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_start_cmd_context);

	ctx->ctx.v.init = cmd_junk_start_init;
	ctx->ctx.v.run = cmd_junk_start_run;
	ctx->ctx.v.deinit = cmd_junk_start_deinit;
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_start = {
	.name = "junk start",
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX,
	.mail_cmd = cmd_junk_start_alloc,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAMS_END
};

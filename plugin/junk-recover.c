#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "mail-namespace.h"
#include "junk-recover.h"

/* To detect that a mailbox is missing, all mailboxes must be examined. So many
   missing ones are looked for. */
#define MAX_MISSING_BOXES 64

struct junk_recover {
	struct mail_user *user;
	void (*callback)(const struct junk_intent *intent, struct mail *mail,
			 void *context);
	void *context;

	unsigned int missing_boxes;
	/* the open mailbox, that of the last message */
	guid_128_t guid;
	struct mailbox *box;
	struct mailbox_transaction_context *trans;
	struct mail *mail;
};

/* An open mailbox holds a reference to its user. Before deinit_pre() is called,
   the user of a disconnected client may have no reference except the client's,
   so give ours back until the mailbox is closed. */
static void junk_recover_user_unref(struct junk_recover *ctx)
{
	struct mail_user *user = ctx->box->storage->user;

	mail_user_unref(&user);
}

static void junk_recover_close(struct junk_recover *ctx)
{
	if (ctx->box == NULL)
		return;
	mail_user_ref(ctx->box->storage->user);
	mail_free(&ctx->mail);
	mailbox_transaction_rollback(&ctx->trans);
	mailbox_free(&ctx->box);
}

static bool junk_recover_open(struct junk_recover *ctx,
			      struct mail_namespace *ns)
{
	ctx->box = mailbox_alloc_guid(ns->list, ctx->guid,
				      MAILBOX_FLAG_READONLY);
	if (mailbox_open(ctx->box) < 0 || mailbox_sync(ctx->box, 0) < 0) {
		mailbox_free(&ctx->box);
		return FALSE;
	}
	ctx->trans = mailbox_transaction_begin(ctx->box, 0, __func__);
	ctx->mail = mail_alloc(ctx->trans, MAIL_FETCH_STREAM_HEADER |
			       MAIL_FETCH_STREAM_BODY, NULL);
	junk_recover_user_unref(ctx);
	return TRUE;
}

/* Open the intent's mailbox. Returns FALSE if it no longer exists. */
static bool
junk_recover_select(struct junk_recover *ctx, const guid_128_t guid)
{
	struct mail_namespace *ns;

	if (guid_128_equals(ctx->guid, guid))
		return ctx->box != NULL;
	junk_recover_close(ctx);
	guid_128_copy(ctx->guid, guid);
	if (ctx->missing_boxes >= MAX_MISSING_BOXES)
		return FALSE;
	for (ns = ctx->user->namespaces; ns != NULL; ns = ns->next) {
		if (junk_recover_open(ctx, ns))
			return TRUE;
	}
	ctx->missing_boxes++;
	return FALSE;
}

struct junk_recover *
junk_recover_init(struct mail_user *user,
		  void (*callback)(const struct junk_intent *intent,
				   struct mail *mail, void *context),
		  void *context)
{
	struct junk_recover *ctx = i_new(struct junk_recover, 1);

	ctx->user = user;
	ctx->callback = callback;
	ctx->context = context;
	return ctx;
}

void junk_recover_deinit(struct junk_recover **_ctx)
{
	struct junk_recover *ctx = *_ctx;

	if (ctx == NULL)
		return;
	*_ctx = NULL;
	junk_recover_close(ctx);
	i_free(ctx);
}

uint32_t junk_recover_find(struct junk_recover *ctx,
			   const struct junk_intent *intent, uint32_t max)
{
	const uint32_t last = I_MAX(intent->uid, intent->last_uid);
	struct mailbox_status status;
	uint32_t seq, last_seq, uid = last;

	if (!junk_recover_select(ctx, intent->mailbox_guid))
		return last - intent->uid + 1;
	mailbox_get_open_status(ctx->box, STATUS_UIDVALIDITY, &status);
	if (status.uidvalidity != intent->uid_validity)
		return last - intent->uid + 1;
	/* UIDs that don't exist cost nothing, as the user may have written any
	   range into the file */
	mailbox_get_seq_range(ctx->box, intent->uid, last, &seq, &last_seq);
	for (; seq != 0 && seq <= last_seq && max > 0; seq++, max--) {
		T_BEGIN {
			mail_set_seq(ctx->mail, seq);
			uid = ctx->mail->uid;
			ctx->callback(intent, ctx->mail, ctx->context);
		} T_END;
	}
	return (max > 0 ? last : uid) - intent->uid + 1;
}

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "mail-namespace.h"
#include "junk-recover.h"

struct junk_recover {
	void (*callback)(const struct junk_intent *intent, struct mail *mail,
			 void *context);
	void *context;

	/* the mailbox of the last message */
	guid_128_t guid;
	struct mailbox *box;
	struct mailbox_transaction_context *trans;
	struct mail *mail;
};

static void junk_recover_close(struct junk_recover *ctx)
{
	if (ctx->box == NULL)
		return;
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
	return TRUE;
}

/* Returns FALSE if the mailbox is gone. */
static bool
junk_recover_select(struct junk_recover *ctx, struct mail_user *user,
		    const guid_128_t guid)
{
	struct mail_namespace *ns;

	if (guid_128_equals(ctx->guid, guid))
		return ctx->box != NULL;
	junk_recover_close(ctx);
	guid_128_copy(ctx->guid, guid);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (junk_recover_open(ctx, ns))
			return TRUE;
	}
	return FALSE;
}

static void
junk_recover_one(struct junk_recover *ctx, struct mail_user *user,
		 const struct junk_intent *intent)
{
	struct mailbox_status status;

	if (!junk_recover_select(ctx, user, intent->mailbox_guid))
		return;
	mailbox_get_open_status(ctx->box, STATUS_UIDVALIDITY, &status);
	if (status.uidvalidity == intent->uid_validity &&
	    mail_set_uid(ctx->mail, intent->uid))
		ctx->callback(intent, ctx->mail, ctx->context);
}

void junk_recover(struct mail_user *user,
		  const ARRAY_TYPE(junk_intent) *intents,
		  void (*callback)(const struct junk_intent *intent,
				   struct mail *mail, void *context),
		  void *context)
{
	struct junk_recover ctx = {
		.callback = callback, .context = context,
	};
	const struct junk_intent *intent;

	array_foreach(intents, intent) T_BEGIN {
		junk_recover_one(&ctx, user, intent);
	} T_END;
	junk_recover_close(&ctx);
}

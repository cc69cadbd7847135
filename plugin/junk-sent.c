#include "lib.h"
#include "istream.h"
#include "lib-event.h"
#include "mail-storage-private.h"
#include "mail-namespace.h"
#include "junk-allow.h"
#include "junk-sender.h"
#include "junk-txn.h"
#include "junk-sent.h"

/* Of the messages that one command saves, so many are read before the client has
   its answer. A command with more sorts a folder. */
#define MAX_SENT_MAILS 32

static bool mailbox_is_own(struct mailbox *box)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);

	return ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		ns->owner == box->storage->user;
}

/* The user can do nothing about an error, and the next message to the same
   person may succeed. */
static void sent_error(struct junk_user *juser, const char *error)
{
	e_debug(junk_user_get_event(juser), "Trusted senders: %s", error);
}

static void sent_add(struct junk_user *juser, struct mail *mail)
{
	const char *dir = junk_user_get_control_dir(juser), *error;
	struct istream *input;

	if (dir == NULL || mail_get_hdr_stream(mail, NULL, &input) < 0)
		return;
	junk_user_create_control_dir(juser);
	if (junk_allow_add_recipients(dir, input, &error) < 0)
		sent_error(juser, error);
}

void junk_sent_saved(struct junk_txn *txn, struct mail *mail)
{
	if (!junk_user_get_settings(txn->juser)->allow_sent ||
	    txn->saved_count > MAX_SENT_MAILS || !mailbox_is_own(mail->box))
		return;
	T_BEGIN {
		sent_add(txn->juser, mail);
	} T_END;
}

void junk_sent_distrust(struct junk_user *juser, struct istream *input)
{
	const char *dir = junk_user_get_control_dir(juser), *error;
	const char *addresses[] = { NULL, NULL };
	unsigned int removed;

	addresses[0] = junk_sender_read(input,
		junk_user_get_settings(juser)->authserv_id);
	if (dir == NULL || addresses[0] == NULL)
		return;
	if (junk_allow_remove(dir, addresses, JUNK_ALLOW_WRITTEN, &removed,
			      &error) < 0)
		sent_error(juser, error);
}

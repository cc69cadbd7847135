/* Watches what users do with their mail through the notify plugin
   (junk-txn.h). */

#include "lib.h"
#include "master-service.h"
#include "module-context.h"
#include "mail-storage-private.h"
#include "mail-storage-hooks.h"
#include "notify-plugin.h"
#include "junk-compat.h"
#include "junk-imap.h"
#include "junk-txn.h"
#include "junk-feedback-plugin.h"

#include <malloc.h>

/* Freed memory that a process keeps, in bytes. */
#define KEEP_BYTES (1024*1024)

const char *junk_feedback_plugin_version = DOVECOT_ABI_VERSION;
const char *junk_feedback_plugin_dependencies[] = { "notify", NULL };

static struct notify_context *junk_notify_context;

static const struct notify_vfuncs junk_notify_vfuncs = {
	.mail_transaction_begin = junk_transaction_begin,
	.mail_save = junk_mail_save,
	.mail_copy = junk_mail_copy,
	.mail_update_flags = junk_mail_update_flags,
	.mail_update_keywords = junk_mail_update_keywords,
	.mail_transaction_commit = junk_transaction_commit,
	.mail_transaction_rollback = junk_transaction_rollback,
};

static void junk_namespaces_created(struct mail_namespace *namespaces)
{
	junk_user_namespaces_created(namespaces->user);
}

static const struct mail_storage_hooks junk_mail_storage_hooks = {
	.mail_user_created = junk_user_init,
	.mail_namespaces_created = junk_namespaces_created,
};

/* Returns TRUE in the imap process. Users act only over IMAP; in other
   processes the plugin does nothing. */
static bool junk_is_imap_process(void)
{
	const char *name = master_service == NULL ? "" :
		master_service_get_name(master_service);

	if (strcmp(name, "imap") == 0)
		return TRUE;
	if (strcmp(name, "lmtp") == 0 || strcmp(name, "lda") == 0 ||
	    strcmp(name, "pop3") == 0) {
		i_info("junk-feedback: the plugin has no function in %s: "
		       "name junk_feedback in mail_plugins only inside "
		       "protocol imap { }", name);
	}
	return FALSE;
}

/* Make glibc keep freed memory. A command needs some hundred kilobytes for a
   moment. By default, glibc returns the end of the heap to the system when more
   than 128 kB are free there, or more than twice the largest block that was
   ever mapped and freed, up to 64 MB. So the history of a process decides
   whether each command has to get all its pages again, which cost 100 page
   faults and a tenth of the time of a move after tokenising. A fixed threshold
   makes this equal for all processes. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD
	/* each call also switches off glibc's dynamic adjustment of both */
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
#endif
}

void junk_feedback_plugin_init(struct module *module)
{
	if (!junk_is_imap_process())
		return;
	keep_memory();
	mail_storage_hooks_add(module, &junk_mail_storage_hooks);
	junk_notify_context = notify_register(&junk_notify_vfuncs);
	junk_imap_init();
}

void junk_feedback_plugin_deinit(void)
{
	if (junk_notify_context == NULL)
		return;
	junk_imap_deinit();
	JUNK_NOTIFY_UNREGISTER(junk_notify_context);
	mail_storage_hooks_remove(&junk_mail_storage_hooks);
	junk_txn_free_spares();
}

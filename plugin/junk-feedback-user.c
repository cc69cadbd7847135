/* A user's session: settings, files in the control directory, the connection to
   the service, and the work at its beginning and end. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "hash.h"
#include "ioloop.h"
#include "lib-event.h"
#include "mail-storage-private.h"
#include "mail-namespace.h"
#include "junk-client.h"
#include "junk-spool.h"
#include "junk-tokenizer.h"
#include "junk-trail.h"
#include "junk-kept.h"
#include "junk-later.h"
#include "junk-feedback-user-private.h"

#include <sys/stat.h>

/* At the end of a session, the time limit for acknowledgements. */
#define DEINIT_WAIT_MSECS 500

static MODULE_CONTEXT_DEFINE_INIT(junk_feedback_user_module,
				  &mail_user_module_register);

#define JUNK_USER_CONTEXT(obj) \
	MODULE_CONTEXT(obj, junk_feedback_user_module)

struct junk_user *junk_user_get(struct mail_user *user)
{
	struct junk_user *juser = JUNK_USER_CONTEXT(user);

	return juser == NULL || juser->ended ? NULL : juser;
}

const struct junk_feedback_settings *
junk_user_get_settings(struct junk_user *juser)
{
	return &juser->set;
}

struct event *junk_user_get_event(struct junk_user *juser)
{
	return juser->event;
}

void junk_user_dropped(struct junk_user *juser, const char *reason,
		       const char *error)
{
	e_debug(event_create_passthrough(juser->event)->
		set_name("junk_feedback_dropped")->
		add_str("reason", reason)->event(),
		"Not reported (%s): %s", reason, error);
}

/* --- the service and the user's files --- */

const char *junk_user_get_control_dir(struct junk_user *juser)
{
	struct mail_namespace *ns;
	const char *path;

	if (juser->control_dir != NULL)
		return juser->control_dir;
	ns = mail_namespace_find_inbox(juser->user->namespaces);
	if (!mailbox_list_get_root_path(ns->list,
					MAILBOX_LIST_PATH_TYPE_CONTROL,
					&path)) {
		if (!juser->no_control_dir_logged) {
			e_error(juser->event, "The user's INBOX namespace has "
				"no control directory for the spool: nothing "
				"is reported");
			juser->no_control_dir_logged = TRUE;
		}
		return NULL;
	}
	juser->control_dir = p_strdup(juser->user->pool, path);
	return juser->control_dir;
}

void junk_user_create_control_dir(struct junk_user *juser)
{
	const char *control_dir;
	struct mail_namespace *ns;
	struct stat st;

	if (juser->control_dir_created)
		return;
	control_dir = junk_user_get_control_dir(juser);
	if (control_dir == NULL)
		return;
	juser->control_dir_created = TRUE;
	if (stat(control_dir, &st) == 0)
		return;
	ns = mail_namespace_find_inbox(juser->user->namespaces);
	/* if this fails, writing there fails too and logs the error */
	(void)mailbox_list_mkdir_root(ns->list, control_dir,
				      MAILBOX_LIST_PATH_TYPE_CONTROL);
}

void junk_user_settled(void *context)
{
	struct junk_user *juser = context;

	if (juser->intents != NULL && junk_later_is_empty(juser->later) &&
	    array_count(&juser->rest) == 0 &&
	    array_count(&juser->held) == 0 &&
	    (juser->client == NULL || junk_client_is_settled(juser->client)))
		junk_intents_clear(juser->intents);
}

struct junk_client *junk_user_get_client(struct junk_user *juser)
{
	struct junk_client_settings set;

	if (juser->client != NULL)
		return juser->client;
	i_zero(&set);
	set.control_dir = junk_user_get_control_dir(juser);
	if (set.control_dir == NULL)
		return NULL;
	set.socket_path = juser->set.socket_path;
	set.event_parent = juser->user->event;
	set.settled = junk_user_settled;
	set.context = juser;
	juser->client = junk_client_init(&set);
	return juser->client;
}

struct junk_trail *junk_user_get_trail(struct junk_user *juser)
{
	const char *control_dir;

	if (juser->trail == NULL) {
		control_dir = junk_user_get_control_dir(juser);
		if (control_dir != NULL)
			juser->trail = junk_trail_init(control_dir);
	}
	return juser->trail;
}

struct junk_intents *junk_user_get_intents(struct junk_user *juser)
{
	const char *control_dir;

	if (juser->intents == NULL) {
		control_dir = junk_user_get_control_dir(juser);
		if (control_dir != NULL)
			juser->intents = junk_intents_init(control_dir);
	}
	return juser->intents;
}

/* --- mailboxes --- */

enum junk_box junk_user_get_kind(struct junk_user *juser, struct mailbox *box)
{
	const char *vname = mailbox_get_vname(box);
	void *value;
	enum junk_box kind;

	value = hash_table_lookup(juser->kinds, vname);
	if (value != NULL)
		return (enum junk_box)(POINTER_CAST_TO(value, unsigned int) -
				       1);
	kind = junk_mailbox_kind(&juser->set.names, juser->user, box);
	e_debug(juser->event, "Mailbox is %s: %s", junk_box_name(kind), vname);
	hash_table_insert(juser->kinds, p_strdup(juser->user->pool, vname),
			  POINTER_CAST((unsigned int)kind + 1));
	return kind;
}

/* --- life --- */

static void junk_user_end(struct junk_user *juser)
{
	if (juser->ended)
		return;
	junk_kept_deinit(&juser->kept);
	junk_user_rest_end(juser);
	junk_user_send_held(juser);
	juser->ended = TRUE;
	junk_client_deinit(&juser->client, junk_process_is_shared() ? 0 :
			   DEINIT_WAIT_MSECS);
	junk_user_settled(juser);
	junk_trail_deinit(&juser->trail);
	junk_intents_deinit(&juser->intents);
	junk_later_deinit(&juser->later);
	junk_tokenizer_deinit(&juser->tokenizer);
	buffer_free(&juser->read_buffer);
	buffer_free(&juser->free_buffer);
	pool_unref(&juser->scratch);
	array_free(&juser->held);
	array_free(&juser->rest);
	hash_table_destroy(&juser->kinds);
	event_unref(&juser->event);
}

/* Called after the client has disconnected and the mailboxes are closed. */
static void junk_user_deinit_pre(struct mail_user *user)
{
	struct junk_user *juser = JUNK_USER_CONTEXT(user);
	void (*deinit_pre)(struct mail_user *user) =
		juser->module_ctx.super.deinit_pre;

	junk_user_end(juser);
	deinit_pre(user);
}

/* deinit_pre isn't called for a user whose creation failed. */
static void junk_user_deinit(struct mail_user *user)
{
	struct junk_user *juser = JUNK_USER_CONTEXT(user);
	void (*deinit)(struct mail_user *user) =
		juser->module_ctx.super.deinit;

	junk_user_end(juser);
	deinit(user);
}

static void
junk_user_create(struct mail_user *user,
		 const struct junk_feedback_settings *set)
{
	struct mail_user_vfuncs *v = user->vlast;
	struct junk_user *juser;

	juser = p_new(user->pool, struct junk_user, 1);
	juser->module_ctx.super = *v;
	user->vlast = &juser->module_ctx.super;
	v->deinit_pre = junk_user_deinit_pre;
	v->deinit = junk_user_deinit;

	juser->user = user;
	juser->set = *set;
	juser->event = event_create(user->event);
	event_add_category(juser->event, &event_category_junk_feedback);
	event_set_append_log_prefix(juser->event, "junk-feedback: ");
	juser->later = junk_later_init(&junk_user_later_callbacks, juser);
	i_array_init(&juser->held, 4);
	i_array_init(&juser->rest, 4);
	hash_table_create(&juser->kinds, default_pool, 0, str_hash, strcmp);
	MODULE_CONTEXT_SET(user, junk_feedback_user_module, juser);
}

void junk_user_init(struct mail_user *user)
{
	struct junk_feedback_settings set;
	const char *error;

	/* skip owners of shared mailboxes and the raw user of a delivery */
	if (user->autocreated)
		return;
	T_BEGIN {
		/* an invalid setting must not prevent the user's login */
		if (junk_feedback_settings_get(user, &set, &error) < 0)
			e_error(user->event, "junk-feedback: %s", error);
	} T_END;
	if (set.enabled)
		junk_user_create(user, &set);
}

void junk_user_namespaces_created(struct mail_user *user)
{
	struct junk_user *juser = junk_user_get(user);
	struct junk_intents *intents;
	struct stat st;

	if (juser == NULL)
		return;
	T_BEGIN {
		const char *dir = junk_user_get_control_dir(juser);

		if (dir != NULL && juser->set.kept > 0)
			juser->kept = junk_kept_init(juser, user, dir);
		if (dir != NULL &&
		    stat(t_strconcat(dir, "/"JUNK_SPOOL_FNAME, NULL),
			 &st) == 0)
			(void)junk_user_get_client(juser);
	} T_END;
	intents = junk_user_get_intents(juser);
	if (intents != NULL && junk_intents_exist(intents)) {
		/* later, so that the login isn't delayed */
		juser->to_rest = timeout_add_short_to(io_loop_get_root(), 0,
						      junk_user_recover_timeout,
						      juser);
	}
}

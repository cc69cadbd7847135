/* Messages that are read by their UIDs after the commit: those of a large set,
   and those that a killed session has left. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "lib-event.h"
#include "master-service.h"
#include "mail-storage-private.h"
#include "junk-client.h"
#include "junk-clock.h"
#include "junk-later.h"
#include "junk-mail-file.h"
#include "junk-recover.h"
#include "junk-feedback-user-private.h"

/* So many messages are read in one slice. */
#define REST_SLICE_COUNT 64
/* Delay before the next slice if the service is busy or not reachable. */
#define REST_WAIT_MSECS 100
/* Time limit at the end of a session, if the process serves no other user. The
   next session reports the remaining messages. */
#define REST_END_USECS (2*1000*1000)

static void
junk_user_found_mail(const struct junk_intent *intent, struct mail *mail,
		     void *context)
{
	struct junk_user *juser = context;
	struct junk_pending pending;
	size_t bytes = 0;

	if (junk_later_is_full(juser->later, 0) || junk_mail_files_are_full())
		junk_later_finish(juser->later);
	if (junk_user_read(juser, mail, FALSE, &bytes, &pending) <= 0)
		return;
	pending.stamp_usecs = intent->stamp_usecs;
	pending.verdict = intent->verdict;
	pending.origin = intent->origin;
	if (intent->kept)
		pending.kept_vname = i_strdup(mailbox_get_vname(mail->box));
	junk_user_report_later(juser, &pending);
}

/* Read the next slice. */
static void junk_user_rest_next(struct junk_user *juser)
{
	struct junk_intent *intent =
		array_idx_modifiable(&juser->rest, juser->rest_next);
	const uint32_t last = I_MAX(intent->uid, intent->last_uid);

	if (juser->recover == NULL) {
		juser->recover = junk_recover_init(juser->user,
						   junk_user_found_mail,
						   juser);
	}
	intent->uid += junk_recover_find(juser->recover, intent,
					 REST_SLICE_COUNT);
	if (intent->uid == 0 || intent->uid > last)
		juser->rest_next++;
	if (juser->rest_next == array_count(&juser->rest)) {
		junk_recover_deinit(&juser->recover);
		array_clear(&juser->rest);
		juser->rest_next = 0;
	}
}

static void junk_user_rest_timeout(struct junk_user *juser)
{
	timeout_remove(&juser->to_rest);
	if (juser->client != NULL && junk_client_is_busy(juser->client)) {
		junk_user_rest_start(juser, REST_WAIT_MSECS);
		return;
	}
	junk_user_rest_next(juser);
	/* continues when these are reported, or at once if there are none */
	if (junk_later_is_empty(juser->later))
		junk_user_later_done(juser);
	else
		junk_later_start(juser->later);
}

void junk_user_rest_start(struct junk_user *juser, unsigned int msecs)
{
	if (array_count(&juser->rest) > 0 && juser->to_rest == NULL) {
		juser->to_rest = timeout_add_short_to(io_loop_get_root(),
						      msecs,
						      junk_user_rest_timeout,
						      juser);
	}
}

void junk_user_report_saved(struct junk_user *juser,
			    const ARRAY_TYPE(junk_intent) *intents)
{
	array_append_array(&juser->rest, intents);
}

bool junk_process_is_shared(void)
{
	return master_service != NULL &&
		master_service_get_client_limit(master_service) > 1;
}

void junk_user_rest_end(struct junk_user *juser)
{
	const uint64_t end = junk_process_is_shared() ? 0 :
		junk_clock_usecs() + REST_END_USECS;
	const struct junk_intent *intents;
	unsigned int count;
	const char *error;

	timeout_remove(&juser->to_rest);
	junk_later_finish(juser->later);
	while (array_count(&juser->rest) > 0 && junk_clock_usecs() < end &&
	       (juser->client == NULL || !junk_client_is_busy(juser->client))) {
		junk_user_rest_next(juser);
		junk_later_finish(juser->later);
	}
	timeout_remove(&juser->to_rest);
	junk_recover_deinit(&juser->recover);
	if (array_count(&juser->rest) == 0 || juser->intents == NULL)
		return;
	junk_intents_clear(juser->intents);
	intents = array_get(&juser->rest, &count);
	for (unsigned int i = juser->rest_next; i < count; i++)
		junk_intents_add(juser->intents, &intents[i]);
	T_BEGIN {
		if (junk_intents_write(juser->intents, &error) < 0 &&
		    error != NULL)
			e_error(juser->event, "%s", error);
	} T_END;
}

void junk_user_recover_timeout(struct junk_user *juser)
{
	timeout_remove(&juser->to_rest);
	junk_intents_recover(juser->intents, &juser->rest);
	junk_user_rest_start(juser, 0);
	junk_user_settled(juser);
}

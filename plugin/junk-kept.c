#include "lib.h"
#include "array.h"
#include "byteorder.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "mail-namespace.h"
#include "mailbox-list-iter.h"
#include "junk-user-file.h"
#include "junk-trail.h"
#include "junk-feedback-user.h"
#include "junk-kept.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define KEPT_FNAME "junk-feedback.kept"

/* A session that lives so long is processed while it is idle, others at their
   end. */
#define IDLE_MSECS (10*1000)
/* A user's mailboxes are processed at this interval, by any of the sessions. */
#define AGAIN_SECS (60*60)
/* One look opens so many mailboxes, and reports so many messages. */
#define LOOK_MAX_BOXES 4
#define LOOK_MAX_MAILS 10
/* ... of so many times as many that it looks at, */
#define LOOK_PER_MAIL 8
/* ... which are among so many of a mailbox's last. */
#define BOX_MAX_MAILS 256
/* Only so many mailboxes are listed, which are enough for a sample. */
#define LIST_MAX_BOXES 1000

/* The file in the control directory, little-endian:
     0  u32 magic
     4  u32 day since 1970
     8  u32 messages that were reported that day
    12  u32 time of the last look, seconds since 1970
    16  u32 whose turn it is
    20  mailboxes, 16 bytes each:
	 0  u64 key, of its name and UIDVALIDITY
	 8  u32 the last UID that was looked at
	12  u32 turn in which it was
   What makes no sense in it is at worst a sample of other messages: the service
   knows those that were reported before. */
#define KEPT_MAGIC 0x314b464a
#define HEADER_BYTES 20
#define RECORD_BYTES 16
#define MAX_RECORDS 32

struct kept_box {
	uint64_t key;
	uint32_t uid, turn;
};

struct kept_state {
	uint32_t day, reported, looked, turn;
	unsigned int count;
	struct kept_box boxes[MAX_RECORDS];
};

struct junk_kept {
	struct junk_user *juser;
	struct mail_user *user;
	char *path;
	struct timeout *to;

	struct kept_state state;
	/* number of messages that this run may still report */
	unsigned int left;
	bool logged;
};

/* A mailbox that may be processed. */
struct kept_name {
	struct mail_namespace *ns;
	const char *vname;
};

/* A message that may be reported. */
struct kept_mail {
	uint32_t seq;
	bool marked;
};

ARRAY_DEFINE_TYPE(kept_name, struct kept_name);
ARRAY_DEFINE_TYPE(kept_mail, struct kept_mail);

/* --- what the user's sessions have done --- */

static void kept_state_read(struct kept_state *state, int fd)
{
	unsigned char data[HEADER_BYTES + MAX_RECORDS * RECORD_BYTES];
	const unsigned char *p;
	ssize_t got = pread(fd, data, sizeof(data), 0);

	i_zero(state);
	if (got < HEADER_BYTES || le32_to_cpu_unaligned(data) != KEPT_MAGIC)
		return;
	state->day = le32_to_cpu_unaligned(data + 4);
	state->reported = le32_to_cpu_unaligned(data + 8);
	state->looked = le32_to_cpu_unaligned(data + 12);
	state->turn = le32_to_cpu_unaligned(data + 16);
	state->count = (unsigned int)((size_t)got - HEADER_BYTES) /
		RECORD_BYTES;
	for (unsigned int i = 0; i < state->count; i++) {
		p = data + HEADER_BYTES + i * RECORD_BYTES;
		state->boxes[i].key = le64_to_cpu_unaligned(p);
		state->boxes[i].uid = le32_to_cpu_unaligned(p + 8);
		state->boxes[i].turn = le32_to_cpu_unaligned(p + 12);
	}
}

static bool kept_state_write(const struct kept_state *state, int fd)
{
	unsigned char data[HEADER_BYTES + MAX_RECORDS * RECORD_BYTES];
	size_t size = HEADER_BYTES + state->count * RECORD_BYTES;
	unsigned char *p;

	cpu32_to_le_unaligned(KEPT_MAGIC, data);
	cpu32_to_le_unaligned(state->day, data + 4);
	cpu32_to_le_unaligned(state->reported, data + 8);
	cpu32_to_le_unaligned(state->looked, data + 12);
	cpu32_to_le_unaligned(state->turn, data + 16);
	for (unsigned int i = 0; i < state->count; i++) {
		p = data + HEADER_BYTES + i * RECORD_BYTES;
		cpu64_to_le_unaligned(state->boxes[i].key, p);
		cpu32_to_le_unaligned(state->boxes[i].uid, p + 8);
		cpu32_to_le_unaligned(state->boxes[i].turn, p + 12);
	}
	return pwrite(fd, data, size, 0) == (ssize_t)size;
}

/* Returns the mailbox's record: its own, a new one, or that of the mailbox that
   was processed least recently. */
static struct kept_box *kept_state_get(struct kept_state *state, uint64_t key)
{
	struct kept_box *box = &state->boxes[0];

	for (unsigned int i = 0; i < state->count; i++) {
		if (state->boxes[i].key == key)
			return &state->boxes[i];
		if (state->boxes[i].turn < box->turn)
			box = &state->boxes[i];
	}
	if (state->count < MAX_RECORDS)
		box = &state->boxes[state->count++];
	box->key = key;
	box->uid = 0;
	return box;
}

/* Returns TRUE if there are messages left to report today and the interval has
   passed. */
static bool kept_is_due(struct junk_kept *kept)
{
	const unsigned int max = junk_user_get_settings(kept->juser)->kept;
	struct kept_state *state = &kept->state;
	const uint32_t now = (uint32_t)ioloop_time;
	const uint32_t day = now / (24*60*60);

	if (state->day != day) {
		state->day = day;
		state->reported = 0;
	}
	/* a time in the future comes from a wrong clock */
	if (state->reported >= max ||
	    (state->looked <= now && now - state->looked < AGAIN_SECS))
		return FALSE;
	state->looked = now;
	kept->left = I_MIN(max - state->reported, LOOK_MAX_MAILS);
	return TRUE;
}

/* --- messages --- */

/* In a Maildir the save date is the time of the last flag change. */
static bool kept_mail_is_young(struct junk_kept *kept, struct mail *mail)
{
	const time_t age =
		junk_user_get_settings(kept->juser)->kept_age_secs;
	time_t saved;

	return mail_get_save_date(mail, &saved) < 0 ||
		saved > ioloop_time - age;
}

static void kept_report(struct junk_kept *kept, struct mail *mail)
{
	struct junk_pending pending;
	size_t bytes = 0;

	if (junk_user_read(kept->juser, mail, FALSE, &bytes, &pending) <= 0)
		return;
	pending.verdict = JUNK_VERDICT_WEAK_HAM;
	pending.origin = JUNK_ORIGIN_KEPT;
	junk_user_report_later(kept->juser, &pending);
	kept->state.reported++;
	kept->left--;
}

/* Report as many messages as allowed: first those with flags, then the
   others. */
static void
kept_report_some(struct junk_kept *kept, const ARRAY_TYPE(kept_mail) *fit,
		 struct mail *mail, bool marked)
{
	const struct kept_mail *one;

	array_foreach(fit, one) {
		if (kept->left == 0)
			return;
		if (one->marked != marked)
			continue;
		mail_set_seq(mail, one->seq);
		T_BEGIN {
			kept_report(kept, mail);
		} T_END;
	}
}

/* Select messages of a mailbox. They are mostly in the order in which they were
   saved. The next run begins at the first message that is too young. */
static void
kept_look_mails(struct junk_kept *kept, struct mail *mail, uint32_t seq,
		uint32_t end_seq, struct kept_box *box)
{
	const enum junk_box kind = junk_user_get_kind(kept->juser, mail->box);
	ARRAY_TYPE(kept_mail) fit;
	struct kept_mail *one;

	t_array_init(&fit, 64);
	for (; seq <= end_seq; seq++) {
		mail_set_seq(mail, seq);
		if (kept_mail_is_young(kept, mail))
			break;
		box->uid = mail->uid;
		if (!junk_decide_is_kept(kind, mail_get_flags(mail),
				junk_keywords_parse(mail_get_keywords(mail))))
			continue;
		one = array_append_space(&fit);
		one->seq = seq;
		one->marked = (mail_get_flags(mail) &
			       (MAIL_ANSWERED | MAIL_FLAGGED)) != 0;
	}
	kept_report_some(kept, &fit, mail, TRUE);
	kept_report_some(kept, &fit, mail, FALSE);
}

/* --- mailboxes --- */

static uint64_t kept_box_key(const char *vname, uint32_t uid_validity)
{
	return junk_trail_key(vname, strlen(vname)) ^
		(uid_validity * 0x9E3779B97F4A7C15ULL);
}

/* Use the mailbox without a sync: messages that were saved days ago are in the
   index, and a sync may take long. */
static void kept_look_opened(struct junk_kept *kept, struct mailbox *mbox)
{
	struct mailbox_transaction_context *trans;
	struct mailbox_status status;
	struct kept_box *box;
	struct mail *mail;
	uint32_t seq, end_seq;

	mailbox_get_open_status(mbox, STATUS_MESSAGES | STATUS_UIDVALIDITY,
				&status);
	if (status.messages == 0)
		return;
	box = kept_state_get(&kept->state,
			     kept_box_key(mailbox_get_vname(mbox),
					  status.uidvalidity));
	box->turn = kept->state.turn;
	if (box->uid == UINT32_MAX)
		return;
	mailbox_get_seq_range(mbox, box->uid + 1, UINT32_MAX, &seq, &end_seq);
	if (seq == 0)
		return;
	if (end_seq - seq >= BOX_MAX_MAILS)
		seq = end_seq - BOX_MAX_MAILS + 1;
	end_seq = I_MIN(end_seq, seq + kept->left * LOOK_PER_MAIL - 1);

	trans = mailbox_transaction_begin(mbox, 0, __func__);
	mail = mail_alloc(trans, MAIL_FETCH_FLAGS, NULL);
	T_BEGIN {
		kept_look_mails(kept, mail, seq, end_seq, box);
	} T_END;
	mail_free(&mail);
	mailbox_transaction_rollback(&trans);
}

static void
kept_look_into(struct junk_kept *kept, const struct kept_name *name)
{
	struct mailbox *box = mailbox_alloc(name->ns->list, name->vname,
					    MAILBOX_FLAG_READONLY);
	enum junk_box kind = junk_user_get_kind(kept->juser, box);

	if ((kind == JUNK_BOX_INBOX || kind == JUNK_BOX_OTHER) &&
	    !junk_mailbox_is_virtual(box) && mailbox_open(box) == 0)
		kept_look_opened(kept, box);
	mailbox_free(&box);
}

/* List the user's own mailboxes except INBOX. */
static void
kept_list(struct junk_kept *kept, pool_t pool, ARRAY_TYPE(kept_name) *names)
{
	static const char *const patterns[] = { "*", NULL };
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct kept_name *name;

	iter = mailbox_list_iter_init_namespaces(kept->user->namespaces,
		patterns, MAIL_NAMESPACE_TYPE_PRIVATE,
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS);
	while (array_count(names) < LIST_MAX_BOXES &&
	       (info = mailbox_list_iter_next(iter)) != NULL) {
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) != 0 ||
		    info->ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    info->ns->owner != kept->user ||
		    strcasecmp(info->vname, "INBOX") == 0)
			continue;
		name = array_append_space(names);
		name->ns = info->ns;
		name->vname = p_strdup(pool, info->vname);
	}
	/* after an error, use those that were listed */
	(void)mailbox_list_iter_deinit(&iter);
}

/* Process INBOX and the other mailboxes in turn. */
static void kept_look(struct junk_kept *kept)
{
	const struct kept_name inbox = {
		.ns = mail_namespace_find_inbox(kept->user->namespaces),
		.vname = "INBOX",
	};
	pool_t pool = pool_alloconly_create("junk kept", 4096);
	ARRAY_TYPE(kept_name) names;
	const struct kept_name *name;
	uint32_t turn;

	p_array_init(&names, pool, 32);
	kept_list(kept, pool, &names);
	for (unsigned int i = 0; i < LOOK_MAX_BOXES && kept->left > 0; i++) {
		turn = kept->state.turn++;
		if (turn % 2 == 0 || array_count(&names) == 0) {
			name = &inbox;
		} else {
			name = array_idx(&names, turn / 2 %
					 array_count(&names));
		}
		T_BEGIN {
			kept_look_into(kept, name);
		} T_END;
	}
	pool_unref(&pool);
}

/* --- sessions --- */

static void kept_log(struct junk_kept *kept, const char *error)
{
	if (!kept->logged)
		e_error(junk_user_get_event(kept->juser), "%s", error);
	kept->logged = TRUE;
}

/* Only one of several sessions does this. The position is stored before a
   message is parsed, so that a message that crashes the process isn't tried
   again. */
static void kept_run_locked(struct junk_kept *kept, int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	kept_state_read(&kept->state, fd);
	if (!kept_is_due(kept) || !kept_state_write(&kept->state, fd))
		return;
	kept_look(kept);
	if (!kept_state_write(&kept->state, fd)) {
		kept_log(kept, t_strdup_printf("write(%s) failed: %m",
					       kept->path));
	}
	junk_user_start_later(kept->juser);
}

static void kept_run(struct junk_kept *kept)
{
	const char *error;
	struct stat st;
	int fd;

	fd = junk_user_file_open(kept->path, O_RDWR | O_CREAT, UOFF_T_MAX, &st,
				 &error);
	if (fd != -1)
		kept_run_locked(kept, fd);
	else if (errno != ENOENT)
		kept_log(kept, error);
	i_close_fd(&fd);
}

static void kept_timeout(struct junk_kept *kept)
{
	/* the user's own reports go first */
	if (!junk_user_is_idle(kept->juser))
		return;
	T_BEGIN {
		kept_run(kept);
	} T_END;
	timeout_remove(&kept->to);
	kept->to = timeout_add_to(io_loop_get_root(), AGAIN_SECS * 1000,
				  kept_timeout, kept);
}

struct junk_kept *
junk_kept_init(struct junk_user *juser, struct mail_user *user,
	       const char *control_dir)
{
	struct junk_kept *kept = i_new(struct junk_kept, 1);

	kept->juser = juser;
	kept->user = user;
	kept->path = i_strconcat(control_dir, "/"KEPT_FNAME, NULL);
	kept->to = timeout_add_to(io_loop_get_root(), IDLE_MSECS, kept_timeout,
				  kept);
	return kept;
}

void junk_kept_deinit(struct junk_kept **_kept)
{
	struct junk_kept *kept = *_kept;

	if (kept == NULL)
		return;
	*_kept = NULL;
	timeout_remove(&kept->to);
	T_BEGIN {
		kept_run(kept);
	} T_END;
	i_free(kept->path);
	i_free(kept);
}

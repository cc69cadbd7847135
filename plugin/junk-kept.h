#ifndef JUNK_KEPT_H
#define JUNK_KEPT_H

struct mail_user;
struct junk_user;

/* Mail that its user has read and kept. It is weak evidence of good mail and
   needs no action: most people only report what annoys them.

   Some messages a day (junk_feedback_kept) are sampled. Such a message was
   saved to INBOX or to a folder of the user's own junk_feedback_kept_age ago,
   is seen, isn't deleted or a draft, and has no junk keyword. Answered and
   flagged messages come first. The sample is taken while the session is idle
   and at its end, so nobody waits for it. */
struct junk_kept;

/* Called when the user's namespaces exist. The control directory is copied. */
struct junk_kept *
junk_kept_init(struct junk_user *juser, struct mail_user *user,
	       const char *control_dir);
/* Take a last sample. The messages are passed to junk_user_report_later(). */
void junk_kept_deinit(struct junk_kept **kept);

#endif

#ifndef JUNK_KEPT_H
#define JUNK_KEPT_H

struct mail_user;
struct junk_user;

/* Mail that its user has read and kept: weak evidence of good mail, which nobody
   has to do anything for, since most people report little but what annoys them.

   A sample, some messages a day (junk_feedback_kept), of what was saved to
   INBOX or a folder of the user's own junk_feedback_kept_age ago, is seen, isn't
   deleted or a draft, and doesn't carry a keyword of junk; what was answered or
   flagged comes first. It is taken while the session is idle, and at its end:
   nobody waits for it. */
struct junk_kept;

/* Called when the user's namespaces exist. The control directory is copied. */
struct junk_kept *
junk_kept_init(struct junk_user *juser, struct mail_user *user,
	       const char *control_dir);
/* Look a last time. What it finds is given to junk_user_report_later(). */
void junk_kept_deinit(struct junk_kept **kept);

#endif

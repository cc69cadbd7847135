#ifndef JUNK_MILTER_POLICY_H
#define JUNK_MILTER_POLICY_H

#include "junk-milter-settings.h"

enum junk_milter_action {
	/* pass, stamped with the score if there is one */
	JUNK_MILTER_PASS,
	JUNK_MILTER_TAG,
	JUNK_MILTER_QUARANTINE,
	JUNK_MILTER_DEFER,
	JUNK_MILTER_REJECT,
};

/* "pass", "tag", ... */
const char *junk_milter_action_name(enum junk_milter_action action);

/* The lowest threshold that is set; 0 = none. */
unsigned int
junk_milter_lowest_threshold(const struct junk_milter_settings *set);

/* What a score (0..100, or JUNK_SCORES_UNKNOWN) leads to: the strictest action
   whose threshold it reaches. An unknown score passes. dry_run doesn't count
   here. */
enum junk_milter_action
junk_milter_decide(const struct junk_milter_settings *set, int score);
/* Is this recipient, as in RCPT TO, one of skip_recipients? Case and what is
   behind a '+' don't count. */
int junk_milter_skips(const struct junk_milter_settings *set,
		      const char *recipient);

#endif

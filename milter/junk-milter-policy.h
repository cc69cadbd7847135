#ifndef JUNK_MILTER_POLICY_H
#define JUNK_MILTER_POLICY_H

#include "junk-milter-settings.h"

enum junk_milter_action {
	/* accept the message; a known score is added as a header field */
	JUNK_MILTER_PASS,
	JUNK_MILTER_TAG,
	JUNK_MILTER_QUARANTINE,
	JUNK_MILTER_DEFER,
	JUNK_MILTER_REJECT,
};

/* "pass", "tag", ... */
const char *junk_milter_action_name(enum junk_milter_action action);

/* Returns the lowest threshold that is set, 0 if none is. */
unsigned int
junk_milter_lowest_threshold(const struct junk_milter_settings *set);

/* Returns the strictest action whose threshold the score (0..100, or
   JUNK_SCORES_UNKNOWN) reaches. A message with an unknown score passes. The
   setting dry_run is not considered here. */
enum junk_milter_action
junk_milter_decide(const struct junk_milter_settings *set, int score);
/* Returns 1 if the recipient of RCPT TO is in skip_recipients. Letter case and
   a detail after '+' are ignored. */
int junk_milter_skips(const struct junk_milter_settings *set,
		      const char *recipient);

#endif

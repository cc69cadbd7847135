#ifndef EXT_JUNK_FEEDBACK_SETTINGS_H
#define EXT_JUNK_FEEDBACK_SETTINGS_H

#include "sieve-common.h"

/* The settings that the Sieve extension needs, of one delivery user. */
struct ext_junk_feedback_settings {
	/* junk_feedback: FALSE = nothing is scored or reported */
	bool enabled;
	/* junk_feedback_threshold, 0..100 */
	unsigned int threshold;
	/* junk_feedback_authserv_id */
	const char *authserv_id;
};

/* Strings are allocated from the pool. Never fails: a setting that isn't
   valid is logged and its default used, since mail has to be delivered. */
void ext_junk_feedback_settings_get(struct sieve_instance *svinst, pool_t pool,
				    struct ext_junk_feedback_settings *set_r);

#endif

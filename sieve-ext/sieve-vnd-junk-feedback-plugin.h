#ifndef SIEVE_VND_JUNK_FEEDBACK_PLUGIN_H
#define SIEVE_VND_JUNK_FEEDBACK_PLUGIN_H

#include "junk-compat.h"

/* The module's only exported symbols, which Pigeonhole looks up by name. */

extern const char *sieve_vnd_junk_feedback_plugin_version;

JUNK_SIEVE_PLUGIN_LOAD_TYPE
sieve_vnd_junk_feedback_plugin_load(struct sieve_instance *svinst,
				    void **context);
void sieve_vnd_junk_feedback_plugin_unload(struct sieve_instance *svinst,
					   void *context);
void sieve_vnd_junk_feedback_plugin_init(void);
void sieve_vnd_junk_feedback_plugin_deinit(void);

#endif

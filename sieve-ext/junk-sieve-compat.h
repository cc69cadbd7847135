#ifndef JUNK_SIEVE_COMPAT_H
#define JUNK_SIEVE_COMPAT_H

/* How the Pigeonhole of Dovecot 2.3 and that of 2.4 differ, for our use. The
   settings differ as well: see ext-junk-feedback-settings.c. */

#include "junk-compat.h"

#include "sieve-common.h"
#include "sieve-extensions.h"
#include "sieve-ext-variables.h"

#ifdef HAVE_SIEVE_INT_RESULTS
#  define JUNK_SIEVE_LOAD_TYPE int
#  define JUNK_SIEVE_LOAD_OK 0
#  define JUNK_SIEVE_PLUGIN_LOAD_TYPE int
#  define JUNK_SIEVE_PLUGIN_LOAD_RETURN(ret) return (ret)
#else
#  define JUNK_SIEVE_LOAD_TYPE bool
#  define JUNK_SIEVE_LOAD_OK TRUE
#  define JUNK_SIEVE_PLUGIN_LOAD_TYPE void
#  define JUNK_SIEVE_PLUGIN_LOAD_RETURN(ret) (void)(ret)
#endif

/* Returns 0, or -1 if the extension can't be registered. */
static inline int
junk_sieve_extension_register(struct sieve_instance *svinst,
			      const struct sieve_extension_def *def,
			      const struct sieve_extension **ext_r)
{
#ifdef HAVE_SIEVE_INT_RESULTS
	return sieve_extension_register(svinst, def, TRUE, ext_r);
#else
	*ext_r = sieve_extension_register(svinst, def, TRUE);
	return *ext_r == NULL ? -1 : 0;
#endif
}

/* NULL if there is no variables extension. */
static inline const struct sieve_extension *
junk_sieve_variables_get(struct sieve_instance *svinst)
{
	const struct sieve_extension *ext;

#ifdef HAVE_SIEVE_INT_RESULTS
	if (sieve_ext_variables_get_extension(svinst, &ext) < 0)
		ext = NULL;
#else
	ext = sieve_ext_variables_get_extension(svinst);
#endif
	return ext;
}

#endif

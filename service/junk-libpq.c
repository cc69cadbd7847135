/* See junk-libpq.h. */

#include "lib.h"
#include "junk-config.h"
#include "junk-library.h"
#include "junk-libpq.h"

const struct junk_libpq *junk_libpq_get(const char **error_r)
{
	static const struct junk_library_function functions[] = {
#define FUNCTION(name) { #name, offsetof(struct junk_libpq, name) },
		JUNK_LIBPQ_FUNCTIONS(FUNCTION)
	};
	static struct junk_libpq lib;
	static bool loaded = FALSE;

	if (!loaded) {
		loaded = junk_library_load(LIBPQ_SONAME, functions,
					   N_ELEMENTS(functions), &lib,
					   error_r);
	}
	return loaded ? &lib : NULL;
}

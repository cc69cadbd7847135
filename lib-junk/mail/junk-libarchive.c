/* See junk-libarchive.h. */

#include "lib.h"
#include "junk-config.h"
#include "junk-library.h"
#include "junk-libarchive.h"

const struct junk_libarchive *junk_libarchive_get(void)
{
	static const struct junk_library_function functions[] = {
#define FUNCTION(name) { #name, offsetof(struct junk_libarchive, name) },
		JUNK_LIBARCHIVE_FUNCTIONS(FUNCTION)
	};
	static struct junk_libarchive lib;
	static bool tried = FALSE, loaded = FALSE;
	const char *error;

	if (!tried) {
		tried = TRUE;
		loaded = junk_library_load(LIBARCHIVE_SONAME, functions,
					   N_ELEMENTS(functions), &lib,
					   &error);
		if (!loaded) {
			i_warning("junk-feedback: names in attached archives "
				  "are not evaluated: %s", error);
		}
	}
	return loaded ? &lib : NULL;
}

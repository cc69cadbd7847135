#include "lib.h"
#include "junk-config.h"
#include "junk-libarchive.h"

#include <dlfcn.h>

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define FUNCTION(name) { #name, offsetof(struct junk_libarchive, name) },
	JUNK_LIBARCHIVE_FUNCTIONS(FUNCTION)
};

static bool junk_libarchive_load(struct junk_libarchive *lib)
{
	void *handle = dlopen(LIBARCHIVE_SONAME, RTLD_NOW | RTLD_LOCAL);
	void *function;

	for (unsigned int i = 0; i < N_ELEMENTS(functions); i++) {
		function = handle == NULL ? NULL :
			dlsym(handle, functions[i].name);
		if (function == NULL) {
			i_warning("junk-feedback: names in attached archives "
				  "aren't looked at: %s", dlerror());
			return FALSE;
		}
		memcpy(PTR_OFFSET(lib, functions[i].offset), &function,
		       sizeof(function));
	}
	return TRUE;
}

const struct junk_libarchive *junk_libarchive_get(void)
{
	static struct junk_libarchive lib;
	static bool tried = FALSE, loaded = FALSE;

	if (!tried) {
		tried = TRUE;
		loaded = junk_libarchive_load(&lib);
	}
	return loaded ? &lib : NULL;
}

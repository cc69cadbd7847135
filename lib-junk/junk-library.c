#include "lib.h"
#include "junk-library.h"

#include <dlfcn.h>

bool junk_library_load(const char *soname,
		       const struct junk_library_function *functions,
		       unsigned int count, void *functions_r,
		       const char **error_r)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	void *function;

	for (unsigned int i = 0; i < count; i++) {
		function = handle == NULL ? NULL :
			dlsym(handle, functions[i].name);
		if (function == NULL) {
			*error_r = dlerror();
			return FALSE;
		}
		memcpy(PTR_OFFSET(functions_r, functions[i].offset),
		       &function, sizeof(function));
	}
	return TRUE;
}

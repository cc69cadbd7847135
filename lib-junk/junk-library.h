#ifndef JUNK_LIBRARY_H
#define JUNK_LIBRARY_H

/* Loads a shared library at its first use. Few processes need it, and linking
   it would slow down each login by loading it and its own dependencies. */

struct junk_library_function {
	const char *name;
	/* offset of the function's pointer in the caller's struct */
	size_t offset;
};

/* Fill the struct at functions_r. Returns FALSE with the reason if the library
   or one of the functions is missing. */
bool junk_library_load(const char *soname,
		       const struct junk_library_function *functions,
		       unsigned int count, void *functions_r,
		       const char **error_r);

#endif

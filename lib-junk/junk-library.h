#ifndef JUNK_LIBRARY_H
#define JUNK_LIBRARY_H

/* A shared library that is loaded when it is needed first, since few processes
   need it: each login would pay for what it, and all that it needs itself, takes
   to load. */

struct junk_library_function {
	const char *name;
	/* of its pointer in the struct of functions */
	size_t offset;
};

/* Fill the struct at functions_r. Returns FALSE with the reason if the library,
   or one of the functions, isn't there. */
bool junk_library_load(const char *soname,
		       const struct junk_library_function *functions,
		       unsigned int count, void *functions_r,
		       const char **error_r);

#endif

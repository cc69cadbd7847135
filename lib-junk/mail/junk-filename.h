#ifndef JUNK_FILENAME_H
#define JUNK_FILENAME_H

/* Returns a file's name as the system that opens it sees it: without a path, in
   lower case, with other forms of letters (fullwidth, mathematical) replaced,
   without invisible characters, and without dots and spaces at the end, which
   Windows removes. The result is on the data stack. */
const char *junk_filename_clean(const char *name);
/* Returns the extension of such a name (".exe"), NULL if it has none. It points
   into name. */
const char *junk_filename_extension(const char *name);

#endif

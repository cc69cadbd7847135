#ifndef JUNK_FILENAME_H
#define JUNK_FILENAME_H

/* A file's name as the system takes it that opens it: without a path, letters
   that have another form (fullwidth, mathematical) as they are, without characters
   that can't be seen, and without the dots and blanks at the end that Windows drops.
   In lower case, on the data stack. */
const char *junk_filename_clean(const char *name);
/* ".exe" of a clean name, NULL if it has none. */
const char *junk_filename_extension(const char *name);

#endif

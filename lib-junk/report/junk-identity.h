#ifndef JUNK_IDENTITY_H
#define JUNK_IDENTITY_H

#include "junk-model.h"

/* A user's identity towards the service: random bytes in a file of the user's
   own control directory, so that neither the database nor the segment can be
   searched for a user by name, and deleting the file unlinks the user from
   everything that was recorded. */

#define JUNK_IDENTITY_FNAME "junk-feedback.id"

/* Returns 1 if read, 0 if there is none, -1 and error_r if it can't be read
   or isn't valid. */
int junk_identity_read(const char *control_dir,
		       unsigned char reporter_r[JUNK_REPORTER_BYTES],
		       const char **error_r);
/* As read, but makes one if there is none (mode 0600, whole or not at all,
   also with two processes at once). Returns 0 or -1. */
int junk_identity_get(const char *control_dir,
		      unsigned char reporter_r[JUNK_REPORTER_BYTES],
		      const char **error_r);

#endif

#ifndef JUNK_IDENTITY_H
#define JUNK_IDENTITY_H

#include "junk-model.h"

/* A user's identity towards the service: random bytes in a file in the user's
   control directory. Neither the database nor the segment can be searched for a
   user by name, and deleting the file disconnects the user from everything that
   was recorded. */

#define JUNK_IDENTITY_FNAME "junk-feedback.id"

/* Read the identity. Returns 1 if it was read, 0 if there is none, -1 and
   error_r if it can't be read or is invalid. */
int junk_identity_read(const char *control_dir,
		       unsigned char reporter_r[JUNK_REPORTER_BYTES],
		       const char **error_r);
/* Read the identity, or create it (mode 0600, atomically, also with two
   processes at once). Returns 0, or -1 and error_r. */
int junk_identity_get(const char *control_dir,
		      unsigned char reporter_r[JUNK_REPORTER_BYTES],
		      const char **error_r);
/* Copy the identity of another control directory. replace: also if the user has
   another one already. Returns 1 if it was copied, 0 if it is there already, -1
   and error_r. */
int junk_identity_copy(const char *from_dir, const char *control_dir,
		       bool replace, const char **error_r);

#endif

#ifndef JUNK_ARCHIVE_H
#define JUNK_ARCHIVE_H

#include "junk-token-set.h"

/* Names in an attached archive: extensions of its members are evidence, as
   those of attachments are. */

/* Add the extension of a file name, and both extensions if it pretends to be
   another type (photo.jpg.exe). prefix: precedes the tokens' texts. */
void junk_archive_add_extensions(struct junk_token_set *set, const char *prefix,
				 const char *name);

/* Returns TRUE if data is an archive or contains one. zip, rar and 7z may be
   preceded by any data, since programs search for their beginning or end. */
bool junk_archive_is(const unsigned char *data, size_t size);
/* Add tokens for an archive's members. whole: data wasn't truncated. Any bytes
   are valid input. At most JUNK_MAX_UNPACKED_BYTES are unpacked, in memory. */
void junk_archive_add(struct junk_token_set *set, const unsigned char *data,
		      size_t size, bool whole);

#endif

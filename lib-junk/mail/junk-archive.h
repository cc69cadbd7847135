#ifndef JUNK_ARCHIVE_H
#define JUNK_ARCHIVE_H

#include "junk-token-set.h"

/* Names in an archive that is attached: the extensions of its members are
   evidence, as those of attachments are. */

/* An extension of a file name, and of one that pretends to be another file
   (photo.jpg.exe) both, each after the prefix. */
void junk_archive_add_extensions(struct junk_token_set *set, const char *prefix,
				 const char *name);

/* Is this an archive, or is there one in it? zip, rar and 7z may have anything in
   front of them: programs look for their beginning, or their end. */
bool junk_archive_is(const unsigned char *data, size_t size);
/* Add the tokens of an archive's members. whole: nothing of it was cut off.
   Any bytes are valid input. Nothing is unpacked but into
   JUNK_MAX_UNPACKED_BYTES of memory. */
void junk_archive_add(struct junk_token_set *set, const unsigned char *data,
		      size_t size, bool whole);

#endif

#ifndef JUNK_ATTACHMENT_H
#define JUNK_ATTACHMENT_H

#include "junk-token-set.h"

/* What an attachment is by its bytes, whatever its type and name say. */

/* Bytes of its beginning that junk_attachment_is_deep() needs. */
#define JUNK_ATTACHMENT_HEAD_BYTES 3072

/* Is there more to look for than in its beginning: an archive, also behind a
   program that unpacks it, or links? type: its media type; name: of its file, clean
   (junk-filename.h), or "". */
bool junk_attachment_is_deep(const unsigned char *data, size_t size,
			     const char *type, const char *name);
/* Is this no text, whatever the type says? */
bool junk_attachment_is_binary(const unsigned char *data, size_t size);
/* Add the token of its type, and one if its name says another. */
void junk_attachment_add_type(struct junk_token_set *set,
			      const unsigned char *data, size_t size,
			      const char *name);
/* Add the tokens of what is in it. whole: nothing of it was cut off. */
void junk_attachment_add_content(struct junk_token_set *set,
				 const unsigned char *data, size_t size,
				 bool whole);

#endif

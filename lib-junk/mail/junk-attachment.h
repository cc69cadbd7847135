#ifndef JUNK_ATTACHMENT_H
#define JUNK_ATTACHMENT_H

#include "junk-token-set.h"

/* The real type of an attachment, from its bytes, regardless of its declared
   type and name. */

/* Number of first bytes that junk_attachment_is_deep() needs. */
#define JUNK_ATTACHMENT_HEAD_BYTES 3072

/* Returns TRUE if more than its beginning should be read: for an archive, also
   a self-extracting one, or for links. type: media type; name: file name from
   junk_filename_clean(), or "". */
bool junk_attachment_is_deep(const unsigned char *data, size_t size,
			     const char *type, const char *name);
/* Returns TRUE if data isn't text, whatever its declared type. */
bool junk_attachment_is_binary(const unsigned char *data, size_t size);
/* Add a token for its type, and one if the extension of its name belongs to
   another type. */
void junk_attachment_add_type(struct junk_token_set *set,
			      const unsigned char *data, size_t size,
			      const char *name);
/* Add tokens for its content. whole: data wasn't truncated. */
void junk_attachment_add_content(struct junk_token_set *set,
				 const unsigned char *data, size_t size,
				 bool whole);

#endif

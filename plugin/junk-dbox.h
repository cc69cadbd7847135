#ifndef JUNK_DBOX_H
#define JUNK_DBOX_H

#include "junk-pending.h"

struct mail;
struct istream;

/* The stream of a message in dbox costs several times what reading it does:
   an event, three streams, a look into the index cache for its size, and a
   look at the cache file when the mail is closed. In sdbox also paths, a
   stream and a buffer of the file.

   Where nothing has to be decoded (compressed, encrypted, attachments kept
   elsewhere), a message can be read from its file as it is. */

/* Returns 1 and the file's stream, at the message's start, with the message's
   size (the stream isn't ours: valid until something else is asked of the
   mail), 0 if the message needs a stream of its own, -1 if it can't be
   read. */
int junk_dbox_open(struct mail *mail, struct istream **input_r,
		   uoff_t *size_r);

/* Read a message of sdbox. Returns FALSE if that is for junk_dbox_open(): it
   isn't sdbox, the file isn't where it most often is, or isn't as it should
   be. */
bool junk_sdbox_read(struct mail *mail, struct junk_body **body_r);
/* ... if the file is such a one. */
bool junk_sdbox_read_fd(int fd, struct junk_body **body_r);

#endif

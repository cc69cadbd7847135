#ifndef JUNK_MAIL_FILE_H
#define JUNK_MAIL_FILE_H

#include "junk-pending.h"

struct mail;
struct istream;

/* The stream of a message costs several times what reading it does: an event,
   streams upon each other, a look into the index cache for its size, and a look
   at the cache file when the mail is closed. In sdbox also paths, a stream and a
   buffer of the file.

   Where nothing has to be decoded (compressed, encrypted, attachments kept
   elsewhere), a message can be read from its file as it is. */

/* Read a message of Maildir or sdbox. Returns FALSE if it can't be done so: the
   format is another one, the file isn't where it most often is, or isn't as it
   should be. */
bool junk_mail_file_read(struct mail *mail, struct junk_body **body_r);
/* ... if the file is such a one. */
bool junk_maildir_read_fd(int fd, struct junk_body **body_r);
bool junk_sdbox_read_fd(int fd, struct junk_body **body_r);

/* Returns 1 and the file's stream, at the message's start, with the message's
   size (the stream isn't ours: valid until something else is asked of the
   mail), 0 if the message needs a stream of its own, -1 if it can't be
   read. */
int junk_dbox_open(struct mail *mail, struct istream **input_r,
		   uoff_t *size_r);

#endif

#ifndef JUNK_MAIL_FILE_H
#define JUNK_MAIL_FILE_H

#include "junk-pending.h"

struct mail;

/* The stream of a message costs several times what reading it does: an event,
   streams upon each other, a look into the index cache for its size, and a look
   at the cache file when the mail is closed. And reading it costs memory that
   the system has to find.

   Where nothing has to be decoded (compressed, encrypted, attachments kept
   elsewhere), a message is a part of a file that doesn't change any more, and
   stays readable through an open file also when it is gone from its folder. */

/* Open files of all sessions in the process, at most; half of what the process
   may have if that is less. The others are read at once. */
#define JUNK_MAIL_FILES_MAX 1024

/* A message of Maildir, sdbox or mdbox, without reading it. Returns FALSE if that
   can't be done: the format is another one, or the file isn't where it most
   often is. */
bool junk_mail_file_keep(struct mail *mail, struct junk_body **body_r);

/* The INTERNALDATE of a message that is being saved, as far as the storage knows
   it without looking at what it has written; (time_t)-1 if it doesn't. */
time_t junk_mail_saved_date(struct mail *mail);

/* Read what was kept. Returns NULL if the file hasn't got it. */
struct junk_body *junk_body_load(const struct junk_body *body);
/* No room for another open file? */
bool junk_mail_files_are_full(void);

#endif

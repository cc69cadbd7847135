#ifndef JUNK_MAIL_FILE_H
#define JUNK_MAIL_FILE_H

#include "junk-pending.h"

struct mail;

/* Keeps messages by their open files. Opening a message's stream takes several
   times as long as reading it: an event, a stack of streams, a lookup of its
   size in the index cache, and one in the cache file when the mail is closed.
   Reading also needs memory.

   If nothing has to be decoded (no compression, encryption or external
   attachments), a message is a part of a file that doesn't change any more. It
   stays readable through an open descriptor even after it was expunged. */

/* The maximum number of open files of all sessions in the process, or half of
   the process's limit if that is less. Further messages are read at once. */
#define JUNK_MAIL_FILES_MAX 1024

/* Keep a message of Maildir, sdbox or mdbox without reading it. Returns FALSE
   if that isn't possible: another format, or the file isn't at its usual
   place. */
bool junk_mail_file_keep(struct mail *mail, struct junk_body **body_r);

/* Returns the INTERNALDATE of a message that is being saved, if the storage
   knows it without reading what it has written; else (time_t)-1. */
time_t junk_mail_saved_date(struct mail *mail);

/* Read a kept message. Returns NULL if the file no longer has it. */
struct junk_body *junk_body_load(const struct junk_body *body);
/* Returns TRUE if there is no room for another open file. */
bool junk_mail_files_are_full(void);

#endif

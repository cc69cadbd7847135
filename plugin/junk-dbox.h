#ifndef JUNK_DBOX_H
#define JUNK_DBOX_H

struct mail;
struct istream;

/* The stream of a message in dbox costs several times what reading it does:
   an event, three streams, a look into the index cache for its size, and a
   look at the cache file when the mail is closed.

   Where nothing has to be decoded (compressed, encrypted, attachments kept
   elsewhere), the message can be read from its file as it is. Returns 1 and
   the file's stream, at the message's start, with the message's size (input_r
   isn't ours: valid until something else is asked of the mail), 0 if the
   message needs a stream of its own, -1 if it can't be read. */
int junk_dbox_open(struct mail *mail, struct istream **input_r,
		   uoff_t *size_r);

#endif

#ifndef JUNK_IMAP_H
#define JUNK_IMAP_H

/* Watches the commands of the imap server: what a session has fetched tells
   whether a mark was set by the user or by the client's own filter. Does
   nothing in other programs. */
void junk_imap_init(void);
void junk_imap_deinit(void);

#endif

#ifndef JUNK_IMAP_H
#define JUNK_IMAP_H

/* Looks at the imap server's commands: what a session has read says whether a mark
   is its user's. Does nothing in any other program. */
void junk_imap_init(void);
void junk_imap_deinit(void);

#endif

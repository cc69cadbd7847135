#ifndef JUNK_FETCH_H
#define JUNK_FETCH_H

/* Returns TRUE if a FETCH command's arguments request message text, not only
   header fields. */
bool junk_fetch_reads_text(const char *args);

#endif

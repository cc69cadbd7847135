#ifndef JUNK_FETCH_H
#define JUNK_FETCH_H

/* Do a FETCH command's arguments ask for text of messages, not only for their
   header? */
bool junk_fetch_reads_text(const char *args);

#endif

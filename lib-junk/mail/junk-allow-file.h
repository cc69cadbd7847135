#ifndef JUNK_ALLOW_FILE_H
#define JUNK_ALLOW_FILE_H

/* The administrator's file of senders whose mail is never filed: a line for each
   address ("ann@example.com") or domain ("@example.com", without its
   subdomains). '#' begins a comment. The file is read for each message from a
   sender who is certain (junk-sender.h), so a change has an effect at once. */

/* Returns 1 if the address, or its domain, is in the file, 0 if it isn't, -1 and
   error_r if the file can't be read. Invalid lines are skipped. */
int junk_allow_file_find(const char *path, const char *address,
			 const char **error_r);
/* Check all lines. Returns 0 and the number of entries, or -1 and error_r, which
   names the first invalid line. */
int junk_allow_file_check(const char *path, unsigned int *count_r,
			  const char **error_r);

#endif

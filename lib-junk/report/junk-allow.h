#ifndef JUNK_ALLOW_H
#define JUNK_ALLOW_H

/* A user's trusted senders: whom the user has written to, and those that were
   added by command. A file in the control directory has their hashes under a
   key of its own, so the file alone can't be compared with that of another
   user. Addresses are in the form of junk_address_normalize(); "@domain" stands
   for all addresses of a domain.

   A file that is missing or damaged counts as empty, and the next addition
   writes a new one. Nothing waits for the disk or for another process. */

struct istream;

#define JUNK_ALLOW_FNAME "junk-feedback.allow"

enum junk_allow {
	JUNK_ALLOW_NO,
	/* the user has written to this address */
	JUNK_ALLOW_WRITTEN,
	/* added by command */
	JUNK_ALLOW_ADDED,
};

/* All functions return 0, or -1 and error_r. */

/* Find an address, or its domain. */
int junk_allow_find(const char *control_dir, const char *address,
		    enum junk_allow *how_r, const char **error_r);
/* Count the entries. */
int junk_allow_count(const char *control_dir, unsigned int *written_r,
		     unsigned int *added_r, const char **error_r);
/* Add addresses. It is an error if another process changes the file at the same
   time, or if the list is full of those that were added by command. */
int junk_allow_add(const char *control_dir, const char *const *addresses,
		   enum junk_allow how, const char **error_r);
/* Remove addresses. how: JUNK_ALLOW_WRITTEN = keep those that were added by
   command. */
int junk_allow_remove(const char *control_dir, const char *const *addresses,
		      enum junk_allow how, unsigned int *removed_r,
		      const char **error_r);
/* Add the recipients of a message that the user has sent. */
int junk_allow_add_recipients(const char *control_dir, struct istream *input,
			      const char **error_r);
/* Remove the file. */
int junk_allow_clear(const char *control_dir, const char **error_r);

/* Returns TRUE if the sender of a message is certain (junk-sender.h), and in the
   administrator's file ("" = none) or in the user's list (NULL = none). error_r:
   NULL, or why one of them can't be read. */
bool junk_allow_message(struct istream *input, const char *authserv_ids,
			const char *allow_file, const char *control_dir,
			const char **error_r);

#endif

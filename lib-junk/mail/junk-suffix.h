#ifndef JUNK_SUFFIX_H
#define JUNK_SUFFIX_H

/* The Public Suffix List (publicsuffix.org), with its private section: under which
   names anybody can register one.

   It is compiled in, from the list of the system that built us, as a table of
   hashes. Not libpsl, which says the same (the unit test compares them): it takes
   3,000 instructions for a host, a tenth of all that a message takes, and has to be
   loaded, which an imap process in a chroot can't. Tokens must be the same in
   all processes, and while the list is upgraded. */

struct junk_suffix {
	/* Bytes of the name's end that are the suffix; 0 = there is no name. */
	size_t size;
	/* ... with the label in front of it, which somebody has registered;
	   0 = nobody has */
	size_t registered_size;
	/* The list has it. Else it is the last label, whatever that is. */
	bool listed;
};

/* name: in lower case, as ASCII, without a dot at its end. */
void junk_suffix_find(const char *name, size_t size,
		      struct junk_suffix *suffix_r);

#endif

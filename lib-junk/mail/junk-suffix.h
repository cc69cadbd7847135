#ifndef JUNK_SUFFIX_H
#define JUNK_SUFFIX_H

/* The Public Suffix List (publicsuffix.org) with its private section: the
   suffixes under which anybody can register a name.

   The list of the build system is compiled in as a table of hashes. libpsl,
   which gives the same results (the unit test compares them), isn't used: it
   needs 3,000 instructions per host, a tenth of a whole message, and would have
   to be loaded, which an imap process in a chroot can't do. Besides, tokens
   must be the same in all processes, even while the list is upgraded. */

struct junk_suffix {
	/* Size of the suffix at the name's end in bytes; 0 = the name is
	   empty. */
	size_t size;
	/* Size of the suffix with the label before it, which can be registered;
	   0 = there is none. */
	size_t registered_size;
	/* The suffix is in the list. Otherwise, it is the last label. */
	bool listed;
};

/* Find the suffix of a name, which is in lower case, as ASCII, without a dot at
   the end. */
void junk_suffix_find(const char *name, size_t size,
		      struct junk_suffix *suffix_r);

#endif

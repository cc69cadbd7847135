#ifndef JUNK_ADDRESS_H
#define JUNK_ADDRESS_H

/* The first address of a From field and similar ones, as mail clients show
   it. */

struct junk_address {
	/* The text before and after the address, as it stands in the field:
	   with "<", quotes, encoded words and comments. */
	const char *before, *after;
	const char *local, *domain;
};

/* Find the address in a field's value, which must not be decoded, since an
   encoded word may contain any character. Returns FALSE if there is no address,
   neither by RFC 5322 nor in "<>". The result is on the data stack. */
bool junk_address_find(const unsigned char *data, size_t size,
		       struct junk_address *addr_r);
/* Find the next "local@domain" in any text. Returns where to continue, NULL if
   there is none. The results point into data. */
const unsigned char *
junk_address_next(const unsigned char *data, const unsigned char *end,
		  const unsigned char **local_r, const unsigned char **at_r,
		  const unsigned char **domain_end_r);

#endif

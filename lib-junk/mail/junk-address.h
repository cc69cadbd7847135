#ifndef JUNK_ADDRESS_H
#define JUNK_ADDRESS_H

/* The first address of a From field and the like, as mail programs show it. */

struct junk_address {
	/* What precedes and follows it, as it stands in the field: with "<",
	   quotes, encoded words and comments. */
	const char *before, *after;
	const char *local, *domain;
};

/* Find it in a field's value (not decoded: an encoded word may have any
   character). Returns FALSE if there is no address by RFC 5322, nor one in "<>".
   The result is on the data stack. */
bool junk_address_find(const unsigned char *data, size_t size,
		       struct junk_address *addr_r);
/* The next "local@domain" in any text, NULL if there is none. Returns where to go
   on. */
const unsigned char *
junk_address_next(const unsigned char *data, const unsigned char *end,
		  const unsigned char **local_r, const unsigned char **at_r,
		  const unsigned char **domain_end_r);

#endif

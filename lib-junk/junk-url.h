#ifndef JUNK_URL_H
#define JUNK_URL_H

#include "junk-token-set.h"

/* Add the tokens of a URL (any case, maybe damaged): its host, the host's
   domain, words of path and query, and what is odd about it. A mailto: gives
   its domain. Others than http, https, ftp, mailto and www.* are ignored. */
void junk_url_add(struct junk_token_set *set, const unsigned char *url,
		  size_t size);
/* Add "name.example" as host and the registered domain that it belongs to
   (guessed: two labels, three where the second looks like co.uk's), as tokens
   of the two classes with a prefix. */
void junk_url_add_host(struct junk_token_set *set,
		       enum junk_token_class host_class,
		       enum junk_token_class domain_class, const char *prefix,
		       const unsigned char *host, size_t size);

#endif

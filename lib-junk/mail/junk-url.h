#ifndef JUNK_URL_H
#define JUNK_URL_H

#include "junk-token-set.h"

/* URLs as browsers read them (url.spec.whatwg.org), as far as it decides where
   they lead. */

/* Add the tokens of a URL (maybe damaged): its host, the host's domain, words of
   path and query, and what is odd about it; of URLs inside it, to which a
   redirector leads, the hosts. A mailto: gives its addresses' domains. Others than
   http, https, ftp, mailto and www.* are ignored. */
void junk_url_add(struct junk_token_set *set, const unsigned char *url,
		  size_t size);
/* The same for a URL that has a text of its own. Returns FALSE if the URL has no
   host. */
bool junk_url_add_link(struct junk_token_set *set, const unsigned char *url,
		       size_t size, struct junk_host *host_r);
/* Add whether a link's text, which is what its reader sees, names another domain
   than that of the host to which it leads, or the same one. Nothing if it names
   none. */
void junk_url_add_link_text(struct junk_token_set *set,
			    const struct junk_host *host,
			    const unsigned char *text, size_t size);
/* The first host that is named in a text, by a URL, by an address, or by a name
   with a suffix that the Public Suffix List has: others may be files. Returns
   FALSE if there is none among the first words. */
bool junk_url_find_host(struct junk_token_set *set, const unsigned char *text,
			size_t size, struct junk_host *host_r);
/* Add "name.example" as host, and the registered domain and the suffix that it
   belongs to, as tokens of the two classes with a prefix. */
void junk_url_add_host(struct junk_token_set *set,
		       enum junk_token_class host_class,
		       enum junk_token_class domain_class, const char *prefix,
		       const unsigned char *host, size_t size);
void junk_url_add_parsed_host(struct junk_token_set *set,
			      enum junk_token_class host_class,
			      enum junk_token_class domain_class,
			      const char *prefix, const struct junk_host *host);

#endif

#ifndef JUNK_URL_H
#define JUNK_URL_H

#include "junk-token-set.h"

/* URLs as browsers parse them (url.spec.whatwg.org), as far as it decides which
   host they lead to. */

/* Add the tokens of a URL, which may be malformed: its host, the host's domain,
   words of path and query, and anything unusual. Of URLs inside it, to which a
   redirector leads, the hosts are added. A mailto: gives the domains of its
   addresses. Other schemes without a host, such as javascript:, give only the
   URLs inside them. */
void junk_url_add(struct junk_token_set *set, const unsigned char *url,
		  size_t size);
/* As above, for a link with a text of its own. Returns FALSE if the URL has no
   host. */
bool junk_url_add_link(struct junk_token_set *set, const unsigned char *url,
		       size_t size, struct junk_host *host_r);
/* Add whether a link's text, which is what the reader sees, names the domain of
   the host that the link leads to, or another one. Adds nothing if it names
   none. */
void junk_url_add_link_text(struct junk_token_set *set,
			    const struct junk_host *host,
			    const unsigned char *text, size_t size);
/* Find the first host in a text: in a URL, an address, or a name whose suffix
   is in the Public Suffix List (others may be file names). Returns FALSE if
   there is none among the first words. */
bool junk_url_find_host(struct junk_token_set *set, const unsigned char *text,
			size_t size, struct junk_host *host_r);
/* Add a host (host_class), and its registered domain and suffix (domain_class).
   prefix: precedes the tokens' texts. */
void junk_url_add_host(struct junk_token_set *set,
		       enum junk_token_class host_class,
		       enum junk_token_class domain_class, const char *prefix,
		       const unsigned char *host, size_t size);
void junk_url_add_parsed_host(struct junk_token_set *set,
			      enum junk_token_class host_class,
			      enum junk_token_class domain_class,
			      const char *prefix, const struct junk_host *host);

#endif

#ifndef JUNK_HOST_H
#define JUNK_HOST_H

struct junk_token_set;

/* Host names as browsers read them (WHATWG URL, UTS 46), and their registered
   domains by the Public Suffix List.

   libidn2 is loaded for the first name that isn't ASCII, so that logins don't
   pay for it. If it can't be loaded, e.g. in a chroot without libraries, this
   is logged once and such names give no tokens: tokens that differ from those
   of other processes would be useless. */

/* Maximum size of a name that is parsed; real domains are shorter. */
#define JUNK_MAX_HOST_BYTES 1024
/* Maximum conversions by libidn2 in a message; each takes a microsecond or
   more. */
#define JUNK_MAX_IDN_HOSTS 100

/* Conversions so far in a message. */
struct junk_hosts {
	unsigned int converted;
};

/* Sizes of parts at the end of a name, in bytes. */
struct junk_domain {
	/* the registered domain; 0 = nothing that can be registered */
	size_t registered_size;
	/* the public suffix */
	size_t suffix_size;
	/* the suffix is in the list (otherwise, it is the last label) */
	bool listed;
};

enum junk_host_kind {
	JUNK_HOST_NAME,
	JUNK_HOST_IPV4,
	JUNK_HOST_IPV6,
};

struct junk_host {
	/* lower case, as ASCII if possible; "192.0.2.1"; "[2001:db8::1]".
	   NUL-terminated. */
	char name[JUNK_MAX_HOST_BYTES + 1];
	size_t size;
	enum junk_host_kind kind;
	/* the network of an address: "192.0.2" for IPv4, the /48 for IPv6 */
	char network[32];
};

/* Parse a name from any bytes. escaped: "%41" means "A". Returns FALSE if the
   name is empty or invalid. */
bool junk_host_parse(struct junk_hosts *hosts, const void *data,
		     size_t size, bool escaped, struct junk_host *host_r);

/* Find the registered domain of a name that isn't an address. */
void junk_host_domain(const struct junk_host *host,
		      struct junk_domain *domain_r);

/* Returns TRUE if both have the same registered domain, or are the same
   address. */
bool junk_hosts_related(const struct junk_host *a, const struct junk_host *b);

#endif

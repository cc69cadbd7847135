#ifndef JUNK_HOST_H
#define JUNK_HOST_H

struct junk_token_set;

/* Names of hosts as browsers read them (WHATWG URL, UTS 46), and the domain that
   somebody has registered, by the Public Suffix List.

   libidn2 is loaded when the first name comes that isn't ASCII: not for each login.
   Where it can't be loaded, as in a chroot without libraries, which is logged once,
   such names give no tokens: others than other processes make of the same message
   would be evidence of nothing. */

/* Bytes of a name that are looked at: domains are shorter. */
#define JUNK_MAX_HOST_BYTES 1024
/* Conversions by libidn2 in one message: each takes a microsecond or more. */
#define JUNK_MAX_IDN_HOSTS 100

/* How much of the message's share of work is used up. */
struct junk_hosts {
	unsigned int converted;
};

/* What is known of a name's end: as many bytes of it are ... */
struct junk_domain {
	/* ... what was registered, 0 = nothing that anybody can register, */
	size_t registered_size;
	/* ... the suffix under which others have theirs */
	size_t suffix_size;
	/* the list names this suffix, instead of not knowing it */
	bool listed;
};

enum junk_host_kind {
	JUNK_HOST_NAME,
	JUNK_HOST_IPV4,
	JUNK_HOST_IPV6,
};

struct junk_host {
	/* in lower case, as ASCII if it can be; "192.0.2.1"; "[2001:db8::1]".
	   0-terminated. */
	char name[JUNK_MAX_HOST_BYTES + 1];
	size_t size;
	enum junk_host_kind kind;
	/* an address's network: so many bytes of it ("192.0.2"); of an IPv6
	   address the /48, by itself */
	char network[32];
};

/* Read a name, which may be any bytes. escaped: "%41" is "A". Returns FALSE if
   nothing is left of it. */
bool junk_host_parse(struct junk_hosts *hosts, const void *data,
		     size_t size, bool escaped, struct junk_host *host_r);

/* The domain of a name that isn't an address. */
void junk_host_domain(const struct junk_host *host,
		      struct junk_domain *domain_r);

/* Do both belong to whom registered the same domain, or are they the same
   address? */
bool junk_hosts_related(const struct junk_host *a, const struct junk_host *b);

#endif

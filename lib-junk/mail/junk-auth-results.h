#ifndef JUNK_AUTH_RESULTS_H
#define JUNK_AUTH_RESULTS_H

/* Authentication-Results (RFC 8601) as hosts write them.

   Anybody can write such a field into a mail: only those of a host that is named
   are read. MTAs remove the fields with their own name that come from outside, and
   nobody else's. A field without a name may be anybody's, and nobody removes
   ARC-Authentication-Results (RFC 8617, 4.1.1): an administrator who knows that his
   host does has to say so. */

/* Call for each "method=result" of a field, in lower case. authserv_ids: names,
   separated by blanks, of those that are believed; "-" stands for fields without a
   name, "arc:NAME" for ARC fields with this one. NULL or "" = none are. */
void junk_auth_results_read(const unsigned char *data, size_t size,
			    const char *authserv_ids, bool arc,
			    void (*callback)(const char *result, void *context),
			    void *context);

#endif

#ifndef JUNK_AUTH_RESULTS_H
#define JUNK_AUTH_RESULTS_H

/* Authentication-Results (RFC 8601) as MTAs write them.

   Anybody can add such a field, so only those of configured hosts are read.
   MTAs remove fields with their own name from incoming mail, but no others. A
   field without a name may be anybody's, and nobody removes
   ARC-Authentication-Results (RFC 8617, 4.1.1), so an administrator whose MTA
   does remove these has to configure it. */

/* Call the callback for each "method=result" of a field, in lower case.
   authserv_ids: trusted names, separated by spaces; "-" stands for fields
   without a name, "arc:NAME" for ARC fields with this name. NULL or "" = none.
   arc: it is an ARC-Authentication-Results field. */
void junk_auth_results_read(const unsigned char *data, size_t size,
			    const char *authserv_ids, bool arc,
			    void (*callback)(const char *result, void *context),
			    void *context);

#endif

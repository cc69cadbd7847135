#ifndef JUNK_AUTH_RESULTS_H
#define JUNK_AUTH_RESULTS_H

/* Authentication-Results (RFC 8601) as MTAs write them.

   Anybody can add such a field, so only those of configured hosts are read.
   MTAs remove fields with their own name from incoming mail, but no others. A
   field without a name may be anybody's, and nobody removes
   ARC-Authentication-Results (RFC 8617, 4.1.1), so an administrator whose MTA
   does remove these has to configure it. */

/* result: "method=result", properties: what follows it, as in
   " smtp.mailfrom=a@example.com". Both are in lower case, without comments and
   quotes. */
typedef void junk_auth_results_callback_t(const char *result,
					  const char *properties,
					  void *context);

/* Call the callback for each result of a field.
   authserv_ids: trusted names, separated by spaces; "-" stands for fields
   without a name, "arc:NAME" for ARC fields with this name. NULL or "" = none.
   arc: it is an ARC-Authentication-Results field. */
void junk_auth_results_read(const unsigned char *data, size_t size,
			    const char *authserv_ids, bool arc,
			    junk_auth_results_callback_t *callback,
			    void *context);
/* Returns TRUE if the properties have one of this name ("header.d"), only one,
   and it has this value, which is in lower case. */
bool junk_auth_property_is(const char *properties, const char *name,
			   const char *value);

#endif

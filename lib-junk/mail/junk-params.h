#ifndef JUNK_PARAMS_H
#define JUNK_PARAMS_H

#include "junk-charset.h"

/* Parameters of a Content-* field (RFC 2045, RFC 2231), as mail clients read
   them: names without quotes may contain spaces, and encoded words are
   decoded. */

struct junk_param {
	/* in lower case, including "*0*" */
	const char *name;
	const char *value;
};
ARRAY_DEFINE_TYPE(junk_params, struct junk_param);

/* Parse what follows the first ";" of a field that isn't decoded. The result is
   on the data stack. */
void junk_params_parse(const char *data, ARRAY_TYPE(junk_params) *params_r);
/* Returns a parameter as UTF-8, joined from its parts; NULL if it is missing.
   The result is on the data stack. */
const char *junk_params_get(const ARRAY_TYPE(junk_params) *params,
			    struct junk_charsets *charsets, const char *name);

#endif

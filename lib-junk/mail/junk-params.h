#ifndef JUNK_PARAMS_H
#define JUNK_PARAMS_H

#include "junk-charset.h"

/* Parameters of a Content-* field (RFC 2045, RFC 2231), as mail programs read
   them: names without quotes may have blanks, encoded words are decoded. */

struct junk_param {
	/* in lower case, with "*0*" */
	const char *name;
	const char *value;
};
ARRAY_DEFINE_TYPE(junk_params, struct junk_param);

/* What follows the first ";" of a field that isn't decoded. On the data stack. */
void junk_params_parse(const char *data, ARRAY_TYPE(junk_params) *params_r);
/* A parameter as UTF-8, put together from its parts; NULL if it isn't there. On the
   data stack. */
const char *junk_params_get(const ARRAY_TYPE(junk_params) *params,
			    struct junk_charsets *charsets, const char *name);

#endif

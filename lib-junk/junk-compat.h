#ifndef JUNK_COMPAT_H
#define JUNK_COMPAT_H

/* The one place that knows how Dovecot 2.3 and 2.4 differ (beside the settings
   files). Everything is decided by features that configure has probed. */

#include "junk-config.h"

#endif

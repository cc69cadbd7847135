dnl What differs between the Dovecot versions that we build on, probed by
dnl feature. lib-junk/junk-compat.h is the only file that reads the results.

junk_save_CPPFLAGS=$CPPFLAGS
CPPFLAGS="-DHAVE_CONFIG_H -I. $LIBDOVECOT_INCLUDE $CPPFLAGS"

# 2.4: settings are declared as struct setting_parser_info with a name and are
# read with settings_get() (settings.h); 2.3 has plugin { } and getenv.
AC_CHECK_HEADERS([settings.h], [], [], [[#include "lib.h"]])

CPPFLAGS=$junk_save_CPPFLAGS

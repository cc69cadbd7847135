dnl What differs between the Dovecot versions that we build on, probed by
dnl feature. lib-junk/junk-compat.h is the only file that reads the results.

junk_save_CPPFLAGS=$CPPFLAGS
CPPFLAGS="-DHAVE_CONFIG_H -I. $LIBDOVECOT_INCLUDE $CPPFLAGS"

# 2.4: settings are declared as struct setting_parser_info with a name and are
# read with settings_get() (settings.h); 2.3 has plugin { } and getenv.
# (2.3 has another settings.h.)
AC_CACHE_CHECK([for settings_get()], [junk_cv_settings_get],
  [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#include "lib.h"
#include "settings.h"
#ifndef settings_get
#  error no settings_get
#endif
]])], [junk_cv_settings_get=yes], [junk_cv_settings_get=no])])
AS_IF([test "$junk_cv_settings_get" = yes],
  [AC_DEFINE([HAVE_SETTINGS_GET], [1], [Dovecot 2.4's settings API])])
AM_CONDITIONAL([HAVE_SETTINGS_GET], [test "$junk_cv_settings_get" = yes])

# 2.3: a doveadm mail command parses its options a second time.
junk_compat_CPPFLAGS=$CPPFLAGS
CPPFLAGS="$CPPFLAGS $LIBDOVECOT_STORAGE_INCLUDE"
AC_CHECK_MEMBERS([struct doveadm_mail_cmd_vfuncs.parse_arg], [], [], [[
#include "lib.h"
#include "array.h"
#include "doveadm-mail.h"
]])
CPPFLAGS=$junk_compat_CPPFLAGS

# 2.4: notify_unregister() clears the caller's pointer.
junk_save_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -Werror=incompatible-pointer-types"
CPPFLAGS="$CPPFLAGS $LIBDOVECOT_STORAGE_INCLUDE $LIBDOVECOT_NOTIFY_INCLUDE"
AC_CACHE_CHECK([whether notify_unregister() takes an address],
  [junk_cv_notify_by_address],
  [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#include "lib.h"
#include "notify-plugin.h"
]], [[
void (*func)(struct notify_context **) = notify_unregister;
return func == 0;
]])], [junk_cv_notify_by_address=yes], [junk_cv_notify_by_address=no])])
AS_IF([test "$junk_cv_notify_by_address" = yes],
  [AC_DEFINE([HAVE_NOTIFY_UNREGISTER_BY_ADDRESS], [1],
    [notify_unregister() takes an address])])
CFLAGS=$junk_save_CFLAGS
CPPFLAGS=$junk_compat_CPPFLAGS

# 2.4's Pigeonhole: functions return int and give their results by pointer.
junk_save_CFLAGS=$CFLAGS
CPPFLAGS="$CPPFLAGS $LIBSIEVE_INCLUDE"
CFLAGS="$CFLAGS -Werror=incompatible-pointer-types"
AC_CACHE_CHECK([whether Pigeonhole's functions return int],
  [junk_cv_sieve_int_results],
  [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#include "lib.h"
#include "sieve-common.h"
#include "sieve-extensions.h"
]], [[
int (*func)(struct sieve_instance *, const struct sieve_extension_def *, bool,
	    const struct sieve_extension **) = sieve_extension_register;
return func == 0;
]])], [junk_cv_sieve_int_results=yes], [junk_cv_sieve_int_results=no])])
AS_IF([test "$junk_cv_sieve_int_results" = yes],
  [AC_DEFINE([HAVE_SIEVE_INT_RESULTS], [1],
    [Pigeonhole's functions return int and give results by pointer])])
CFLAGS=$junk_save_CFLAGS

CPPFLAGS=$junk_save_CPPFLAGS

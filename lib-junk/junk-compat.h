#ifndef JUNK_COMPAT_H
#define JUNK_COMPAT_H

/* The differences between Dovecot 2.3 and 2.4, except those in the settings
   files. All of them are features that configure probes (m4/junk-compat.m4).
   They are macros, so that a file that includes this needs only the headers of
   what it uses. */

#include "junk-config.h"

/* --- notify plugin --- */

#ifdef HAVE_NOTIFY_UNREGISTER_BY_ADDRESS
#  define JUNK_NOTIFY_UNREGISTER(ctx) notify_unregister(&(ctx))
#else
#  define JUNK_NOTIFY_UNREGISTER(ctx) notify_unregister(ctx)
#endif

/* --- Pigeonhole: functions return an int and give results by pointer, or
   return what they find --- */

#ifdef HAVE_SIEVE_INT_RESULTS
#  define JUNK_SIEVE_LOAD_TYPE int
#  define JUNK_SIEVE_LOAD_OK 0
#  define JUNK_SIEVE_PLUGIN_LOAD_TYPE int
#  define JUNK_SIEVE_PLUGIN_LOAD_RETURN(ret) return (ret)
/* returns 0, or -1 if the extension can't be registered */
#  define JUNK_SIEVE_EXTENSION_REGISTER(svinst, def, ext_r) \
	sieve_extension_register(svinst, def, TRUE, ext_r)
/* returns 0, or -1 if there is no variables extension */
#  define JUNK_SIEVE_VARIABLES_GET(svinst, ext_r) \
	sieve_ext_variables_get_extension(svinst, ext_r)
#else
#  define JUNK_SIEVE_LOAD_TYPE bool
#  define JUNK_SIEVE_LOAD_OK TRUE
#  define JUNK_SIEVE_PLUGIN_LOAD_TYPE void
#  define JUNK_SIEVE_PLUGIN_LOAD_RETURN(ret) (void)(ret)
#  define JUNK_SIEVE_EXTENSION_REGISTER(svinst, def, ext_r) \
	((*(ext_r) = sieve_extension_register(svinst, def, TRUE)) == NULL ? \
	 -1 : 0)
#  define JUNK_SIEVE_VARIABLES_GET(svinst, ext_r) \
	((*(ext_r) = sieve_ext_variables_get_extension(svinst)) == NULL ? \
	 -1 : 0)
#endif

/* --- doveadm: a mail command's init() has arguments and options are parsed a
   second time, which has to accept ours. Both are ignored, since all of it is
   in cctx on either version. --- */

#ifdef HAVE_STRUCT_DOVEADM_MAIL_CMD_VFUNCS_PARSE_ARG
#  define JUNK_DOVEADM_INIT_PARAMS \
	struct doveadm_mail_cmd_context *_ctx, \
	const char *const args[] ATTR_UNUSED
#  define JUNK_DOVEADM_SET_OPTIONS(ctx, options) STMT_START { \
	(ctx)->getopt_args = (options); \
	(ctx)->v.parse_arg = doveadm_junk_parse_arg; \
	} STMT_END
#  define JUNK_DOVEADM_DEFINE_PARSE_ARG \
	static bool \
	doveadm_junk_parse_arg(struct doveadm_mail_cmd_context *ctx \
			       ATTR_UNUSED, int c ATTR_UNUSED) \
	{ \
		return TRUE; \
	}
#else
#  define JUNK_DOVEADM_INIT_PARAMS struct doveadm_mail_cmd_context *_ctx
#  define JUNK_DOVEADM_SET_OPTIONS(ctx, options) STMT_START { \
	(void)(ctx); \
	} STMT_END
#  define JUNK_DOVEADM_DEFINE_PARSE_ARG
#endif

#endif

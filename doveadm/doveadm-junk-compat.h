#ifndef DOVEADM_JUNK_COMPAT_H
#define DOVEADM_JUNK_COMPAT_H

/* How mail commands of doveadm differ between Dovecot 2.3 and 2.4: 2.3 passes
   arguments, and parses options a second time, which has to accept ours. Both
   are ignored, since all of it is in cctx on either version. */

#include "junk-compat.h"

#ifdef HAVE_STRUCT_DOVEADM_MAIL_CMD_VFUNCS_PARSE_ARG
#  define DOVEADM_JUNK_INIT_PARAMS \
	struct doveadm_mail_cmd_context *_ctx, \
	const char *const args[] ATTR_UNUSED
#  define DOVEADM_JUNK_SET_OPTIONS(ctx, options) STMT_START { \
	(ctx)->getopt_args = (options); \
	(ctx)->v.parse_arg = doveadm_junk_parse_arg; \
	} STMT_END

static inline bool
doveadm_junk_parse_arg(struct doveadm_mail_cmd_context *ctx ATTR_UNUSED,
		       int c ATTR_UNUSED)
{
	return TRUE;
}
#else
#  define DOVEADM_JUNK_INIT_PARAMS struct doveadm_mail_cmd_context *_ctx
#  define DOVEADM_JUNK_SET_OPTIONS(ctx, options) STMT_START { \
	(void)(ctx); \
	} STMT_END
#endif

#endif

/* doveadm junk allow: a user's trusted senders. The list has hashes only, so it
   can be asked about an address but can't be printed. */

#include "lib.h"
#include "array.h"
#include "mail-user.h"
#include "doveadm-print.h"
#include "doveadm-mail.h"

#include "junk-allow.h"
#include "junk-allow-file.h"
#include "junk-compat.h"
#include "junk-sender.h"
#include "junk-settings.h"
#include "doveadm-junk.h"

enum allow_action {
	ALLOW_LIST,
	ALLOW_TEST,
	ALLOW_ADD,
	ALLOW_REMOVE,
	ALLOW_CLEAR,

	ALLOW_ACTION_COUNT
};

struct junk_allow_cmd_context {
	struct doveadm_mail_cmd_context ctx;

	enum allow_action action;
	/* in lower case, ends with NULL */
	const char *const *addresses;
};

static bool allow_action_find(const char *name, enum allow_action *action_r)
{
	static const char *const names[ALLOW_ACTION_COUNT] = {
		"list", "test", "add", "remove", "clear"
	};

	for (int i = 0; i < ALLOW_ACTION_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*action_r = (enum allow_action)i;
			return TRUE;
		}
	}
	return FALSE;
}

static int
allow_parse_addresses(const char *const *args, pool_t pool,
		      const char *const **addresses_r, const char **error_r)
{
	ARRAY_TYPE(const_string) addresses;
	const char *address;

	p_array_init(&addresses, pool, 8);
	for (; *args != NULL; args++) {
		if (!junk_address_normalize(*args, &address)) {
			*error_r = t_strdup_printf("%s is neither an address "
				"nor a domain: @example.com", *args);
			return -1;
		}
		address = p_strdup(pool, address);
		array_push_back(&addresses, &address);
	}
	array_append_zero(&addresses);
	*addresses_r = array_front(&addresses);
	return 0;
}

static int
allow_parse(struct doveadm_cmd_context *cctx, pool_t pool,
	    enum allow_action *action_r, const char *const **addresses_r,
	    const char **error_r)
{
	const char *action, *const *args;
	bool has_addresses;

	if (!doveadm_cmd_param_str(cctx, "action", &action) ||
	    !allow_action_find(action, action_r)) {
		*error_r = "use list, test, add, remove or clear";
		return -1;
	}
	has_addresses = doveadm_cmd_param_array(cctx, "address", &args);
	if (has_addresses !=
	    (*action_r != ALLOW_LIST && *action_r != ALLOW_CLEAR)) {
		*error_r = t_strdup_printf(has_addresses ?
			"%s takes no addresses" : "%s needs an address",
			action);
		return -1;
	}
	return !has_addresses ? 0 :
		allow_parse_addresses(args, pool, addresses_r, error_r);
}

/* --- of one user --- */

static int allow_list(const char *dir, const char **error_r)
{
	unsigned int written, added;

	if (junk_allow_count(dir, &written, &added, error_r) < 0)
		return -1;
	doveadm_print_num(written);
	doveadm_print_num(added);
	return 0;
}

static int
allow_test(const char *dir, const char *file, const char *address,
	   const char **result_r, const char **error_r)
{
	enum junk_allow how;
	int ret = 0;

	if (junk_allow_find(dir, address, &how, error_r) < 0)
		return -1;
	if (how == JUNK_ALLOW_NO && *file != '\0')
		ret = junk_allow_file_find(file, address, error_r);
	*result_r = ret > 0 ? "in the administrator's file" :
		how == JUNK_ALLOW_ADDED ? "added" :
		how == JUNK_ALLOW_WRITTEN ? "written to" : "not trusted";
	return ret;
}

static int
allow_address(enum allow_action action, const char *dir, const char *file,
	      const char *address, const char **error_r)
{
	const char *const one[] = { address, NULL };
	const char *result = "added";
	unsigned int removed;
	int ret;

	switch (action) {
	case ALLOW_ADD:
		ret = junk_allow_add(dir, one, JUNK_ALLOW_ADDED, error_r);
		break;
	case ALLOW_REMOVE:
		ret = junk_allow_remove(dir, one, JUNK_ALLOW_ADDED, &removed,
					error_r);
		result = removed > 0 ? "removed" : "not in the list";
		break;
	default:
		ret = allow_test(dir, file, address, &result, error_r);
		break;
	}
	if (ret < 0)
		return -1;
	doveadm_print(address);
	doveadm_print(result);
	return 0;
}

static int
allow_user(struct junk_allow_cmd_context *ctx, struct mail_user *user,
	   const char **error_r)
{
	const struct junk_settings *set =
		doveadm_junk_settings_get(user, user->pool);
	const char *dir = doveadm_junk_control_dir(user,
						   ctx->action == ALLOW_ADD);

	if (dir == NULL) {
		*error_r = "the user has no control directory";
		return -1;
	}
	if (ctx->action == ALLOW_LIST)
		return allow_list(dir, error_r);
	if (ctx->action == ALLOW_CLEAR)
		return junk_allow_clear(dir, error_r);
	for (unsigned int i = 0; ctx->addresses[i] != NULL; i++) {
		if (allow_address(ctx->action, dir,
				  set->junk_feedback_allow_file,
				  ctx->addresses[i], error_r) < 0)
			return -1;
	}
	return 0;
}

static int
cmd_junk_allow_run(struct doveadm_mail_cmd_context *_ctx,
		   struct mail_user *user)
{
	struct junk_allow_cmd_context *ctx =
		(struct junk_allow_cmd_context *)_ctx;
	const char *error;

	/* the other users of -A or -F are done nevertheless */
	if (allow_user(ctx, user, &error) < 0) {
		i_error("junk allow: %s", error);
		_ctx->exit_code = EX_TEMPFAIL;
	}
	return 0;
}

/* --- the command --- */

JUNK_DOVEADM_DEFINE_PARSE_ARG

static void print_number(const char *name)
{
	doveadm_print_header(name, name,
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY |
			     DOVEADM_PRINT_HEADER_FLAG_NUMBER);
}

static void cmd_junk_allow_init(JUNK_DOVEADM_INIT_PARAMS)
{
	struct junk_allow_cmd_context *ctx =
		(struct junk_allow_cmd_context *)_ctx;
	const char *error;

	if (allow_parse(_ctx->cctx, _ctx->pool, &ctx->action, &ctx->addresses,
			&error) < 0)
		i_fatal_status(EX_USAGE, "junk allow: %s", error);
	if (ctx->action == ALLOW_LIST) {
		print_number("written-to");
		print_number("added");
	} else if (ctx->action != ALLOW_CLEAR) {
		doveadm_print_header_simple("address");
		doveadm_print_header_simple("sender");
	}
}

static struct doveadm_mail_cmd_context *cmd_junk_allow_alloc(void)
{
	struct junk_allow_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_allow_cmd_context);

	ctx->ctx.v.init = cmd_junk_allow_init;
	ctx->ctx.v.run = cmd_junk_allow_run;
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

/* Check the arguments before a server process is asked or a user's mail is
   opened. */
static void cmd_junk_allow(struct doveadm_cmd_context *cctx)
{
	enum allow_action action;
	const char *const *addresses, *error;

	if (allow_parse(cctx, pool_datastack_create(), &action, &addresses,
			&error) < 0) {
		i_error("junk allow: %s", error);
		doveadm_exit_code = EX_USAGE;
		return;
	}
	doveadm_cmd_ver2_to_mail_cmd_wrapper(cctx);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_allow = {
	.name = "junk allow",
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"list|test|add|remove|clear [<address> ...]",
	.cmd = cmd_junk_allow,
	.mail_cmd = cmd_junk_allow_alloc,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('\0', "action", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAM('\0', "address", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};

/* doveadm junk forget, rebuild, rekey: the service does it, at root's request */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "ioloop.h"
#include "doveadm-print.h"

#include "doveadm-junk.h"

/* Ask, and print the answer. */
static void
admin_run(const char *command, enum junk_frame_type type, const void *payload,
	  size_t payload_size)
{
	ARRAY_TYPE(junk_key_values) answer;
	const struct junk_key_value *kv;
	const char *error;

	t_array_init(&answer, 8);
	if (doveadm_junk_service_admin(type, payload, payload_size, &answer,
				       &error) < 0) {
		i_error("%s: %s", command, error);
		doveadm_exit_code = EX_UNAVAILABLE;
		return;
	}
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("item");
	doveadm_print_header("value", "value",
			     DOVEADM_PRINT_HEADER_FLAG_EXPAND);
	array_foreach(&answer, kv) {
		doveadm_print(kv->key);
		doveadm_print(kv->value);
	}
}

/*
 * forget
 */

static bool origin_find(const char *name, enum junk_origin *origin_r)
{
	for (unsigned int i = 1; i <= JUNK_ORIGIN_LEARN; i++) {
		if (strcmp(junk_origin_name(i), name) == 0) {
			*origin_r = (enum junk_origin)i;
			return TRUE;
		}
	}
	return FALSE;
}

static int
forget_parse(struct doveadm_cmd_context *cctx, struct junk_forget *forget_r,
	     const char **error_r)
{
	const char *since, *origin;
	time_t since_time;

	i_zero(forget_r);
	/* without a time it would be everything, by mistake */
	if (!doveadm_cmd_param_str(cctx, "since", &since)) {
		*error_r = "say since when: --since 24h";
		return -1;
	}
	if (doveadm_junk_parse_since(since, ioloop_time, &since_time,
				     error_r) < 0)
		return -1;
	forget_r->since = (uint64_t)I_MAX(since_time, 0);
	(void)doveadm_cmd_param_bool(cctx, "burst", &forget_r->burst);
	if (doveadm_cmd_param_str(cctx, "origin", &origin) &&
	    !origin_find(origin, &forget_r->origin)) {
		*error_r = t_strdup_printf("--origin %s: use move, copy, "
			"append, keyword, action, sieve or learn", origin);
		return -1;
	}
	return 0;
}

static void cmd_junk_forget(struct doveadm_cmd_context *cctx)
{
	struct junk_forget forget;
	const char *error;
	buffer_t *frame;

	if (forget_parse(cctx, &forget, &error) < 0) {
		i_error("junk forget: %s", error);
		doveadm_exit_code = EX_USAGE;
		return;
	}
	frame = t_buffer_create(64);
	junk_frame_encode_forget(frame, &forget);
	admin_run("junk forget", JUNK_FRAME_FORGET,
		  CONST_PTR_OFFSET(frame->data, JUNK_FRAME_HEADER_BYTES),
		  frame->used - JUNK_FRAME_HEADER_BYTES);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_forget = {
	.name = "junk forget",
	.usage = "--since <time> [--origin <origin>] [--burst]",
	.cmd = cmd_junk_forget,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('s', "since", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('o', "origin", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('b', "burst", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

/*
 * rebuild, rekey
 */

static void cmd_junk_rebuild(struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	admin_run("junk rebuild", JUNK_FRAME_REBUILD, NULL, 0);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_rebuild = {
	.name = "junk rebuild",
	.usage = "",
	.cmd = cmd_junk_rebuild,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAMS_END
};

static void cmd_junk_rekey(struct doveadm_cmd_context *cctx)
{
	bool yes = FALSE;

	(void)doveadm_cmd_param_bool(cctx, "yes", &yes);
	if (!yes) {
		i_error("junk rekey: this deletes the key and can't be undone: "
			"reports can't be taken back any more, statistics "
			"begin anew, scores stay. To do it, add --yes");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	admin_run("junk rekey", JUNK_FRAME_REKEY, NULL, 0);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_rekey = {
	.name = "junk rekey",
	.usage = "--yes",
	.cmd = cmd_junk_rekey,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('y', "yes", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};

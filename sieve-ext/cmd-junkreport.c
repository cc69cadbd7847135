/* Action junkreport, see doc/spec-vnd-junk-feedback.txt:

     junkreport <verdict: string>

   It is meant for spam traps: a mailbox that receives only spam reports each
   message by itself. The report is sent after the message was delivered. An
   error in reporting never affects the delivery. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "str-sanitize.h"
#include "time-util.h"

#include "sieve-commands.h"
#include "sieve-code.h"
#include "sieve-actions.h"
#include "sieve-result.h"
#include "sieve-validator.h"
#include "sieve-generator.h"
#include "sieve-interpreter.h"
#include "sieve-runtime-trace.h"
#include "sieve-dump.h"

#include "junk-client.h"
#include "ext-junk-feedback-common.h"

/* How long a delivery waits for the acknowledgement before it writes the report
   to the spool. The service normally answers within a few milliseconds. If the
   service is down, the delivery does not wait at all. */
#define JUNKREPORT_WAIT_MSECS 100

static bool verdict_parse(const char *str, enum junk_verdict *verdict_r)
{
	if (strcasecmp(str, "spam") == 0)
		*verdict_r = JUNK_VERDICT_SPAM;
	else if (strcasecmp(str, "ham") == 0)
		*verdict_r = JUNK_VERDICT_HAM;
	else
		return FALSE;
	return TRUE;
}

/*
 * Command
 */

static bool
cmd_junkreport_validate(struct sieve_validator *valdtr,
			struct sieve_command *cmd)
{
	struct sieve_ast_argument *arg = cmd->first_positional;
	enum junk_verdict verdict;

	if (!sieve_validate_positional_argument(valdtr, cmd, arg, "verdict", 1,
						SAAT_STRING))
		return FALSE;
	if (!sieve_validator_argument_activate(valdtr, cmd, arg, FALSE))
		return FALSE;
	if (sieve_argument_is_string_literal(arg) &&
	    !verdict_parse(sieve_ast_argument_strc(arg), &verdict)) {
		sieve_argument_validate_error(valdtr, arg,
			"junkreport: the verdict must be \"spam\" or "
			"\"ham\", not \"%s\"",
			str_sanitize(sieve_ast_argument_strc(arg), 64));
		return FALSE;
	}
	return TRUE;
}

static bool
cmd_junkreport_generate(const struct sieve_codegen_env *cgenv,
			struct sieve_command *cmd)
{
	sieve_operation_emit(cgenv->sblock, cmd->ext, &junkreport_operation);
	return sieve_generate_arguments(cgenv, cmd, NULL);
}

const struct sieve_command_def junkreport_command = {
	.identifier = "junkreport",
	.type = SCT_COMMAND,
	.positional_args = 1,
	.subtests = 0,
	.block_allowed = FALSE,
	.block_required = FALSE,
	.validate = cmd_junkreport_validate,
	.generate = cmd_junkreport_generate,
};

/*
 * Action
 */

struct act_junkreport {
	enum junk_verdict verdict;
	/* why the message can't be reported, NULL if it can */
	const char *error;
	struct junk_message msg;
};

/* A delivery sends at most one report. The first junkreport counts: that of the
   administrator's global script if it runs before the user's script. */
static int
act_junkreport_check_duplicate(
	const struct sieve_runtime_env *renv ATTR_UNUSED,
	const struct sieve_action *act ATTR_UNUSED,
	const struct sieve_action *act_other ATTR_UNUSED)
{
	return 1;
}

static void
act_junkreport_print(const struct sieve_action *action,
		     const struct sieve_result_print_env *penv,
		     bool *keep ATTR_UNUSED)
{
	const struct act_junkreport *act = action->context;

	sieve_result_action_printf(penv, "report message as %s",
				   junk_verdict_name(act->verdict));
}

static void
report_init(struct junk_report *report, const struct act_junkreport *act)
{
	struct timeval now;

	i_gettimeofday(&now);
	i_zero(report);
	report->stamp_usecs = timeval_to_usecs(&now);
	report->verdict = act->verdict;
	report->origin = JUNK_ORIGIN_SIEVE;
	report->feature_set = JUNK_FEATURE_SET;
	report->size_bytes = act->msg.size_bytes;
	junk_message_digest(&act->msg, report->digest);
	report->tokens = array_get(&act->msg.tokens, &report->token_count);
}

static void
send_report(const struct sieve_action_exec_env *aenv,
	    const struct act_junkreport *act)
{
	const struct sieve_execute_env *eenv = aenv->exec_env;
	struct junk_client_settings set = {
		.socket_path = t_strconcat(eenv->svinst->base_dir, "/",
					   JUNK_FEEDBACK_SOCKET_NAME, NULL),
		.control_dir = ext_junk_feedback_control_dir(
			eenv->scriptenv->user, TRUE),
		.event_parent = aenv->event,
	};
	struct junk_client *client;
	struct junk_report report;
	const char *error;

	if (set.control_dir == NULL) {
		e_error(aenv->event, "junk-feedback: junkreport: "
			"the user has no control directory");
		return;
	}
	report_init(&report, act);
	client = junk_client_init(&set);
	/* the client has logged it if this fails */
	if (junk_client_report(client, &report, &error) == 0) {
		e_debug(aenv->event, "junk-feedback: reported as %s",
			junk_verdict_name(act->verdict));
	}
	junk_client_deinit(&client, JUNKREPORT_WAIT_MSECS);
}

/* Called after the delivery, so that a failure here can't change its result or
   the script's other actions. */
static void
act_junkreport_finish(const struct sieve_action_exec_env *aenv,
		      void *tr_context ATTR_UNUSED, int status)
{
	const struct act_junkreport *act = aenv->action->context;
	struct ext_junk_feedback_context *ctx = aenv->action->ext->context;

	if (status != SIEVE_EXEC_OK || !ctx->set->junk_feedback)
		return;
	if (act->error != NULL) {
		e_error(aenv->event, "junk-feedback: junkreport: "
			"the message can't be read: %s", act->error);
		return;
	}
	T_BEGIN {
		send_report(aenv, act);
	} T_END;
}

static const struct sieve_action_def act_junkreport = {
	.name = "junkreport",
	.check_duplicate = act_junkreport_check_duplicate,
	.print = act_junkreport_print,
	.finish = act_junkreport_finish,
};

/*
 * Operation
 */

static bool
junkreport_operation_dump(const struct sieve_dumptime_env *denv,
			  sieve_size_t *address)
{
	sieve_code_dumpf(denv, "%s", sieve_operation_mnemonic(denv->oprtn));
	sieve_code_descend(denv);
	return sieve_opr_string_dump(denv, address, "verdict");
}

static int
junkreport_operation_execute(const struct sieve_runtime_env *renv,
			     sieve_size_t *address)
{
	const struct sieve_extension *ext = renv->oprtn->ext;
	pool_t pool = sieve_result_pool(renv->result);
	struct act_junkreport *act;
	enum junk_verdict verdict;
	string_t *str;
	const char *error;
	int ret;

	ret = sieve_opr_string_read(renv, address, "verdict", &str);
	if (ret <= 0)
		return ret;
	if (!verdict_parse(str_c(str), &verdict)) {
		sieve_runtime_error(renv, NULL,
			"junkreport: the verdict must be \"spam\" or "
			"\"ham\", not \"%s\"", str_sanitize(str_c(str), 64));
		return SIEVE_EXEC_FAILURE;
	}
	sieve_runtime_trace(renv, SIEVE_TRLVL_ACTIONS,
			    "junkreport action: report message as %s",
			    junk_verdict_name(verdict));

	/* read the message now, while it is still accessible */
	act = p_new(pool, struct act_junkreport, 1);
	act->verdict = verdict;
	if (ext_junk_feedback_tokenize(ext, renv, pool, &act->msg, &error) < 0)
		act->error = p_strdup(pool, error);
	if (sieve_result_add_action(renv, ext, "junkreport", &act_junkreport,
				    NULL, act, 0, FALSE) < 0)
		return SIEVE_EXEC_FAILURE;
	return SIEVE_EXEC_OK;
}

const struct sieve_operation_def junkreport_operation = {
	.mnemonic = "JUNKREPORT",
	.ext_def = &junk_feedback_extension,
	.code = JUNK_FEEDBACK_OPERATION_REPORT,
	.dump = junkreport_operation_dump,
	.execute = junkreport_operation_execute,
};

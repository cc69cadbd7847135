/* Test junkscore, see doc/spec-vnd-junk-feedback.txt:

     junkscore [COMPARATOR] [MATCH-TYPE] <value: string> */

#include "lib.h"

#include "sieve-commands.h"
#include "sieve-stringlist.h"
#include "sieve-code.h"
#include "sieve-comparators.h"
#include "sieve-match-types.h"
#include "sieve-match.h"
#include "sieve-validator.h"
#include "sieve-generator.h"
#include "sieve-interpreter.h"
#include "sieve-runtime-trace.h"
#include "sieve-dump.h"

#include "ext-junk-feedback-common.h"

/*
 * Test
 */

static bool
tst_junkscore_registered(struct sieve_validator *valdtr,
			 const struct sieve_extension *ext ATTR_UNUSED,
			 struct sieve_command_registration *cmd_reg)
{
	sieve_comparators_link_tag(valdtr, cmd_reg, SIEVE_MATCH_OPT_COMPARATOR);
	sieve_match_types_link_tags(valdtr, cmd_reg,
				    SIEVE_MATCH_OPT_MATCH_TYPE);
	return TRUE;
}

static bool
tst_junkscore_validate(struct sieve_validator *valdtr,
		       struct sieve_command *tst)
{
	struct sieve_ast_argument *arg = tst->first_positional;
	const struct sieve_match_type mcht_default =
		SIEVE_MATCH_TYPE_DEFAULT(is_match_type);
	const struct sieve_comparator cmp_default =
		SIEVE_COMPARATOR_DEFAULT(i_ascii_casemap_comparator);

	if (!sieve_validate_positional_argument(valdtr, tst, arg, "value", 1,
						SAAT_STRING))
		return FALSE;
	if (!sieve_validator_argument_activate(valdtr, tst, arg, FALSE))
		return FALSE;
	return sieve_match_type_validate(valdtr, tst, arg, &mcht_default,
					 &cmp_default);
}

static bool
tst_junkscore_generate(const struct sieve_codegen_env *cgenv,
		       struct sieve_command *tst)
{
	sieve_operation_emit(cgenv->sblock, tst->ext, &junkscore_operation);
	return sieve_generate_arguments(cgenv, tst, NULL);
}

const struct sieve_command_def junkscore_test = {
	.identifier = "junkscore",
	.type = SCT_TEST,
	.positional_args = 1,
	.subtests = 0,
	.block_allowed = FALSE,
	.block_required = FALSE,
	.registered = tst_junkscore_registered,
	.validate = tst_junkscore_validate,
	.generate = tst_junkscore_generate,
};

/*
 * Values
 */

static int
empty_list_next_item(struct sieve_stringlist *list ATTR_UNUSED, string_t **str_r)
{
	*str_r = NULL;
	return 0;
}

static void empty_list_reset(struct sieve_stringlist *list ATTR_UNUSED)
{
}

static int empty_list_get_length(struct sieve_stringlist *list ATTR_UNUSED)
{
	return 0;
}

static struct sieve_stringlist *
empty_list_create(const struct sieve_runtime_env *renv)
{
	struct sieve_stringlist *list = t_new(struct sieve_stringlist, 1);

	list->runenv = renv;
	list->exec_status = SIEVE_EXEC_OK;
	list->next_item = empty_list_next_item;
	list->reset = empty_list_reset;
	list->get_length = empty_list_get_length;
	return list;
}

/* To "i;ascii-numeric" a word is infinity (RFC 4790, section 9.1.1), and other
   comparators sort letters after digits. So "unknown" would be greater than any
   threshold, and mail without a score would be filed to Junk. To avoid this, an
   unknown score has no value where numbers or an order are compared or values
   are counted. */
static bool
unknown_has_no_value(const struct sieve_match_type *mcht,
		     const struct sieve_comparator *cmp)
{
	return strcmp(sieve_comparator_name(cmp), "i;ascii-numeric") == 0 ||
		strncmp(sieve_match_type_name(mcht), "value", 5) == 0 ||
		strncmp(sieve_match_type_name(mcht), "count", 5) == 0;
}

static struct sieve_stringlist *
get_values(const struct sieve_runtime_env *renv,
	   const struct sieve_match_type *mcht,
	   const struct sieve_comparator *cmp)
{
	const struct junk_score *score;
	const char *value;

	sieve_runtime_trace(renv, SIEVE_TRLVL_TESTS, "junkscore test");
	sieve_runtime_trace_descend(renv);
	score = ext_junk_feedback_get_score(renv->oprtn->ext, renv);
	value = ext_junk_feedback_score_string(score);
	if (score->score == JUNK_SCORE_UNKNOWN) {
		sieve_runtime_trace(renv, SIEVE_TRLVL_TESTS,
				    "the score is unknown: %s",
				    score->unknown_reason);
	} else {
		sieve_runtime_trace(renv, SIEVE_TRLVL_TESTS,
				    "the score is %s", value);
	}
	sieve_runtime_trace_ascend(renv);

	if (score->score == JUNK_SCORE_UNKNOWN &&
	    unknown_has_no_value(mcht, cmp))
		return empty_list_create(renv);
	return sieve_single_stringlist_create_cstr(renv, value, TRUE);
}

/*
 * Operation
 */

static bool
junkscore_operation_dump(const struct sieve_dumptime_env *denv,
			 sieve_size_t *address)
{
	int opt_code = 0;

	sieve_code_dumpf(denv, "%s", sieve_operation_mnemonic(denv->oprtn));
	sieve_code_descend(denv);
	if (sieve_match_opr_optional_dump(denv, address, &opt_code) != 0)
		return FALSE;
	return sieve_opr_string_dump(denv, address, "value");
}

static int
junkscore_operation_execute(const struct sieve_runtime_env *renv,
			    sieve_size_t *address)
{
	struct sieve_match_type mcht = SIEVE_MATCH_TYPE_DEFAULT(is_match_type);
	struct sieve_comparator cmp =
		SIEVE_COMPARATOR_DEFAULT(i_ascii_casemap_comparator);
	struct sieve_stringlist *key_list;
	int opt_code = 0, match, ret;

	if (sieve_match_opr_optional_read(renv, address, &opt_code, &ret,
					  &cmp, &mcht) < 0)
		return ret;
	if (opt_code != SIEVE_MATCH_OPT_END) {
		sieve_runtime_trace_error(renv, "unknown optional operand");
		return SIEVE_EXEC_BIN_CORRUPT;
	}
	ret = sieve_opr_stringlist_read(renv, address, "value", &key_list);
	if (ret <= 0)
		return ret;

	match = sieve_match(renv, &mcht, &cmp, get_values(renv, &mcht, &cmp),
			    key_list, &ret);
	if (match < 0)
		return ret;
	sieve_interpreter_set_test_result(renv->interp, match > 0);
	return SIEVE_EXEC_OK;
}

const struct sieve_operation_def junkscore_operation = {
	.mnemonic = "JUNKSCORE",
	.ext_def = &junk_feedback_extension,
	.code = JUNK_FEEDBACK_OPERATION_SCORE,
	.dump = junkscore_operation_dump,
	.execute = junkscore_operation_execute,
};

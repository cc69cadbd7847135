/* The variables namespace "junk": ${junk.score}, ${junk.threshold},
   ${junk.reason}. Read-only. */

#include "lib.h"
#include "str.h"
#include "array.h"

#include "sieve-ast.h"
#include "sieve-binary.h"
#include "sieve-code.h"
#include "sieve-commands.h"
#include "sieve-validator.h"
#include "sieve-generator.h"
#include "sieve-interpreter.h"
#include "sieve-runtime-trace.h"
#include "sieve-dump.h"

#include "junk-reason.h"
#include "ext-junk-feedback-common.h"

/* Compiled scripts store these numbers: only append new ones. */
enum junk_variable {
	JUNK_VARIABLE_SCORE,
	JUNK_VARIABLE_THRESHOLD,
	JUNK_VARIABLE_REASON,

	JUNK_VARIABLE_COUNT
};

static const char *const variable_names[JUNK_VARIABLE_COUNT] = {
	[JUNK_VARIABLE_SCORE] = "score",
	[JUNK_VARIABLE_THRESHOLD] = "threshold",
	[JUNK_VARIABLE_REASON] = "reason",
};

static const struct sieve_variables_namespace_def junk_namespace;

static bool variable_find(const char *name, unsigned int *idx_r)
{
	for (unsigned int i = 0; i < JUNK_VARIABLE_COUNT; i++) {
		if (strcasecmp(variable_names[i], name) == 0) {
			*idx_r = i;
			return TRUE;
		}
	}
	return FALSE;
}

static bool
junk_namespace_validate(struct sieve_validator *valdtr,
			const struct sieve_variables_namespace *nspc ATTR_UNUSED,
			struct sieve_ast_argument *arg,
			struct sieve_command *cmd ATTR_UNUSED,
			ARRAY_TYPE(sieve_variable_name) *var_name,
			void **var_data, bool assignment)
{
	const struct sieve_variable_name *names;
	unsigned int count, idx, *idxp;

	names = array_get(var_name, &count);
	if (count != 2 || names[1].num_variable >= 0 ||
	    !variable_find(str_c(names[1].identifier), &idx)) {
		sieve_argument_validate_error(valdtr, arg,
			"vnd.junk-feedback: unknown variable in the namespace "
			"`junk' (known: `junk.score', `junk.threshold', "
			"`junk.reason')");
		return FALSE;
	}
	if (assignment) {
		sieve_argument_validate_error(valdtr, arg,
			"vnd.junk-feedback: can't assign to `junk.%s'",
			variable_names[idx]);
		return FALSE;
	}
	idxp = p_new(sieve_ast_pool(arg->ast), unsigned int, 1);
	*idxp = idx;
	*var_data = idxp;
	return TRUE;
}

static bool
junk_namespace_generate(const struct sieve_codegen_env *cgenv,
			const struct sieve_variables_namespace *nspc,
			struct sieve_ast_argument *arg ATTR_UNUSED,
			struct sieve_command *cmd ATTR_UNUSED, void *var_data)
{
	const struct sieve_extension *ext = SIEVE_OBJECT_EXTENSION(nspc);
	struct ext_junk_feedback_context *ctx = ext->context;
	const unsigned int *idx = var_data;

	sieve_variables_opr_namespace_variable_emit(
		cgenv->sblock, ctx->var_ext, ext, &junk_namespace);
	sieve_binary_emit_unsigned(cgenv->sblock, *idx);
	return TRUE;
}

static bool
junk_namespace_dump_variable(const struct sieve_dumptime_env *denv,
			     const struct sieve_variables_namespace *nspc
				ATTR_UNUSED,
			     const struct sieve_operand *oprnd,
			     sieve_size_t *address)
{
	unsigned int idx;

	if (!sieve_binary_read_unsigned(denv->sblock, address, &idx) ||
	    idx >= JUNK_VARIABLE_COUNT)
		return FALSE;
	if (oprnd->field_name == NULL) {
		sieve_code_dumpf(denv, "VAR ${junk.%s}", variable_names[idx]);
	} else {
		sieve_code_dumpf(denv, "%s: VAR ${junk.%s}",
				 oprnd->field_name, variable_names[idx]);
	}
	return TRUE;
}

static const char *
variable_value(const struct sieve_extension *ext,
	       const struct sieve_runtime_env *renv, unsigned int idx)
{
	struct ext_junk_feedback_context *ctx = ext->context;
	const struct junk_score *score;
	string_t *reason;

	if (idx == JUNK_VARIABLE_THRESHOLD)
		return t_strdup_printf("%u", ctx->set->junk_feedback_threshold);

	score = ext_junk_feedback_get_score(ext, renv);
	if (idx == JUNK_VARIABLE_SCORE)
		return ext_junk_feedback_score_string(score);
	reason = t_str_new(128);
	junk_reason_append(reason, score);
	return str_c(reason);
}

static int
junk_namespace_read_variable(const struct sieve_runtime_env *renv,
			     const struct sieve_variables_namespace *nspc,
			     const struct sieve_operand *oprnd,
			     sieve_size_t *address, string_t **str_r)
{
	const struct sieve_extension *ext = SIEVE_OBJECT_EXTENSION(nspc);
	const char *value;
	unsigned int idx;

	if (!sieve_binary_read_unsigned(renv->sblock, address, &idx) ||
	    idx >= JUNK_VARIABLE_COUNT) {
		sieve_runtime_trace_operand_error(renv, oprnd,
			"junk variable operand corrupt");
		return SIEVE_EXEC_BIN_CORRUPT;
	}
	if (str_r != NULL) {
		value = variable_value(ext, renv, idx);
		*str_r = t_str_new_const(value, strlen(value));
	}
	return SIEVE_EXEC_OK;
}

static const struct sieve_variables_namespace_def junk_namespace = {
	SIEVE_OBJECT("junk", &junk_namespace_operand, 0),
	.validate = junk_namespace_validate,
	.generate = junk_namespace_generate,
	.dump_variable = junk_namespace_dump_variable,
	.read_variable = junk_namespace_read_variable,
};

static const struct sieve_extension_objects junk_namespaces =
	SIEVE_VARIABLES_DEFINE_NAMESPACE(junk_namespace);

const struct sieve_operand_def junk_namespace_operand = {
	.name = "junk-namespace",
	.ext_def = &junk_feedback_extension,
	.class = &sieve_variables_namespace_operand_class,
	.interface = &junk_namespaces,
};

void ext_junk_feedback_variables_init(const struct sieve_extension *ext,
				      struct sieve_validator *valdtr)
{
	struct ext_junk_feedback_context *ctx = ext->context;

	if (ctx->var_ext != NULL) {
		sieve_variables_namespace_register(ctx->var_ext, valdtr, ext,
						   &junk_namespace);
	}
}

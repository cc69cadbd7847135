/* Extension vnd.junk-feedback
   ---------------------------

   Specification: doc/spec-vnd-junk-feedback.txt
   Implementation: full
   Status: for Pigeonhole of Dovecot 2.3 and 2.4 */

#include "lib.h"

#include "sieve-validator.h"

#include "ext-junk-feedback-common.h"

static JUNK_SIEVE_LOAD_TYPE
ext_junk_feedback_load(const struct sieve_extension *ext, void **context)
{
	struct ext_junk_feedback_context *ctx;
	pool_t pool;

	/* may be called again for the same instance */
	if (*context != NULL)
		return JUNK_SIEVE_LOAD_OK;

	pool = pool_alloconly_create("junk feedback sieve extension", 512);
	ctx = p_new(pool, struct ext_junk_feedback_context, 1);
	ctx->pool = pool;
	ctx->var_ext = junk_sieve_variables_get(ext->svinst);
	ext_junk_feedback_settings_get(ext->svinst, pool, &ctx->set);

	*context = ctx;
	return JUNK_SIEVE_LOAD_OK;
}

static void ext_junk_feedback_unload(const struct sieve_extension *ext)
{
	struct ext_junk_feedback_context *ctx = ext->context;

	if (ctx != NULL)
		pool_unref(&ctx->pool);
}

static bool
ext_junk_feedback_validator_load(const struct sieve_extension *ext,
				 struct sieve_validator *valdtr)
{
	sieve_validator_register_command(valdtr, ext, &junkscore_test);
	sieve_validator_register_command(valdtr, ext, &junkreport_command);
	ext_junk_feedback_variables_init(ext, valdtr);
	return TRUE;
}

static const struct sieve_operation_def *junk_feedback_operations[] = {
	[JUNK_FEEDBACK_OPERATION_SCORE] = &junkscore_operation,
	[JUNK_FEEDBACK_OPERATION_REPORT] = &junkreport_operation,
};

const struct sieve_extension_def junk_feedback_extension = {
	.name = "vnd.junk-feedback",
	.load = ext_junk_feedback_load,
	.unload = ext_junk_feedback_unload,
	.validator_load = ext_junk_feedback_validator_load,
	SIEVE_EXT_DEFINE_OPERATIONS(junk_feedback_operations),
	SIEVE_EXT_DEFINE_OPERAND(junk_namespace_operand),
};

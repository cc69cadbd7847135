/* Extension vnd.junk-feedback
   ---------------------------

   Specification: doc/spec-vnd-junk-feedback.txt
   Implementation: full
   Status: for Pigeonhole of Dovecot 2.3 and 2.4 */

#include "lib.h"

#include "sieve-validator.h"

#include "ext-junk-feedback-common.h"

#ifdef HAVE_SETTINGS_GET
#  define PLUGIN_GETENV NULL
#else
#  include "sieve-settings.h"

static const char *plugin_getenv(void *context, const char *name)
{
	const char *value = sieve_setting_get(context, name);

	return value == NULL || *value == '\0' ? NULL : value;
}
#  define PLUGIN_GETENV plugin_getenv
#endif

/* If a setting is invalid, log the error and use the default: the mail must
   still be delivered. */
static const struct junk_settings *
read_settings(struct sieve_instance *svinst, pool_t pool)
{
	struct junk_settings_source source = {
		.event = svinst->event,
		.plugin_getenv = PLUGIN_GETENV,
		.context = svinst,
	};
	const struct junk_settings *set;
	const char *error;

	if (junk_settings_get(&source, pool, &set, &error) < 0)
		e_error(svinst->event, "junk-feedback: %s", error);
	return set;
}

static JUNK_SIEVE_LOAD_TYPE
ext_junk_feedback_load(const struct sieve_extension *ext, void **context)
{
	struct ext_junk_feedback_context *ctx;
	pool_t pool;

	/* Pigeonhole may call this again for the same instance */
	if (*context != NULL)
		return JUNK_SIEVE_LOAD_OK;

	pool = pool_alloconly_create("junk feedback sieve extension", 512);
	ctx = p_new(pool, struct ext_junk_feedback_context, 1);
	ctx->pool = pool;
	if (JUNK_SIEVE_VARIABLES_GET(ext->svinst, &ctx->var_ext) < 0)
		ctx->var_ext = NULL;
	ctx->set = read_settings(ext->svinst, pool);

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

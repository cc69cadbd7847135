/* The Pigeonhole module: registers the extension "vnd.junk-feedback".
   sieve_plugins = sieve_vnd_junk_feedback */

#include "lib.h"

#include "ext-junk-feedback-common.h"
#include "sieve-vnd-junk-feedback-plugin.h"

const char *sieve_vnd_junk_feedback_plugin_version = PIGEONHOLE_ABI_VERSION;

JUNK_SIEVE_PLUGIN_LOAD_TYPE
sieve_vnd_junk_feedback_plugin_load(struct sieve_instance *svinst,
				    void **context)
{
	const struct sieve_extension *ext;
	int ret;

	ret = JUNK_SIEVE_EXTENSION_REGISTER(svinst, &junk_feedback_extension,
					    &ext);
	*context = ret < 0 ? NULL : (void *)ext;
	JUNK_SIEVE_PLUGIN_LOAD_RETURN(ret);
}

void sieve_vnd_junk_feedback_plugin_unload(
	struct sieve_instance *svinst ATTR_UNUSED, void *context)
{
	const struct sieve_extension *ext = context;

	if (ext != NULL)
		sieve_extension_unregister(ext);
}

void sieve_vnd_junk_feedback_plugin_init(void)
{
}

void sieve_vnd_junk_feedback_plugin_deinit(void)
{
	ext_junk_feedback_deinit();
}

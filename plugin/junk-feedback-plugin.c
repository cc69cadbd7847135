#include "lib.h"
#include "junk-feedback-plugin.h"

const char *junk_feedback_plugin_version = DOVECOT_ABI_VERSION;
const char *junk_feedback_plugin_dependencies[] = { "notify", NULL };

void junk_feedback_plugin_init(struct module *module ATTR_UNUSED)
{
}

void junk_feedback_plugin_deinit(void)
{
}

#ifndef JUNK_FEEDBACK_PLUGIN_H
#define JUNK_FEEDBACK_PLUGIN_H

struct module;

extern const char *junk_feedback_plugin_dependencies[];
extern const char *junk_feedback_plugin_version;

void junk_feedback_plugin_init(struct module *module);
void junk_feedback_plugin_deinit(void);

#endif

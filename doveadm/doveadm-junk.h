#ifndef DOVEADM_JUNK_H
#define DOVEADM_JUNK_H

#include "doveadm.h"
#include "junk-tokenizer.h"
#include "junk-model.h"

struct mail_user;
struct doveadm_cmd_ver2;

extern const char *doveadm_junk_plugin_version;

void doveadm_junk_plugin_init(void);
void doveadm_junk_plugin_deinit(void);

extern struct doveadm_cmd_ver2 doveadm_cmd_junk_status;
extern struct doveadm_cmd_ver2 doveadm_cmd_junk_score;

/* --- doveadm-junk-service.c --- */

ARRAY_DEFINE_TYPE(junk_key_values, struct junk_key_value);
struct junk_key_value {
	const char *key, *value;
};

/* Full paths of the service's socket and of the segment. */
const char *doveadm_junk_socket_path(void);
const char *doveadm_junk_segment_path(void);
/* Ask the service for its status: lines key=value, allocated from the data
   stack. Waits at most a few seconds. Returns -1 and error_r if there is no
   answer. */
int doveadm_junk_service_status(ARRAY_TYPE(junk_key_values) *status,
				const char **error_r);

/* --- doveadm-junk-settings.c --- */

/* One of our settings; user = NULL: as doveadm itself has it. NULL if it isn't
   set. */
const char *doveadm_junk_setting(struct mail_user *user, const char *name);
/* Ask doveconf for a setting of a protocol ("imap"). Where a setting is in
   plugin { } on 2.3, plugin is TRUE. Returns -1 and error_r if it fails. */
int doveadm_junk_config_get(const char *protocol, const char *name,
			    bool plugin, const char **value_r,
			    const char **error_r);
/* Is a word in a list of plugins, as doveconf prints it on either version? */
bool doveadm_junk_list_has(const char *list, const char *word);

#endif

/* Dovecot 2.4's configuration process loads this module to know the plugin's
   settings. Without the module, these settings in dovecot.conf would be fatal
   errors. */

#include "lib.h"
#include "junk-settings.h"

extern const char *junk_feedback_settings_version;
extern const struct setting_parser_info *junk_feedback_settings_set_infos[];

const char *junk_feedback_settings_version = DOVECOT_ABI_VERSION;

const struct setting_parser_info *junk_feedback_settings_set_infos[] = {
	&junk_setting_parser_info,
	NULL
};

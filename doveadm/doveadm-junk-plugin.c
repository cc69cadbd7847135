/* doveadm junk ...: see doc/doveadm-junk.1 */

#include "lib.h"

#include "doveadm-junk.h"

const char *doveadm_junk_plugin_version = DOVECOT_ABI_VERSION;

void doveadm_junk_plugin_init(void)
{
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_status);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_check);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_score);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_metrics);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_setup);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_spool);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_identity);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_allow);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_learn);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_start);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_stats);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_export);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_report);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_token);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_forget);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_rebuild);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_cluster_init);
	doveadm_cmd_register_ver2(&doveadm_cmd_junk_rekey);
}

void doveadm_junk_plugin_deinit(void)
{
}

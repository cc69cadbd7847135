#include "imap-common.h"
#include "imap-commands.h"
#include "junk-fetch.h"
#include "junk-imap.h"
#include "junk-feedback-user.h"

#include <dlfcn.h>

typedef void junk_hook_t(command_hook_callback_t *pre,
			 command_hook_callback_t *post);

/* Called before and after each command. */
static void
junk_imap_command_begin(struct client_command_context *cmd ATTR_UNUSED)
{
}

static void junk_imap_command(struct client_command_context *cmd)
{
	const char *name = cmd->name;
	struct junk_user *juser;

	if (name == NULL || cmd->args == NULL || cmd->client->user == NULL)
		return;
	if (strncasecmp(name, "UID ", 4) == 0)
		name += 4;
	if (strcasecmp(name, "FETCH") != 0 || !junk_fetch_reads_text(cmd->args))
		return;
	juser = junk_user_get(cmd->client->user);
	if (juser != NULL)
		junk_user_set_fetched(juser);
}

/* Call a function of the imap program. Other programs that load the plugin
   don't have it. */
static void junk_imap_call(const char *function)
{
	junk_hook_t *hook = (junk_hook_t *)dlsym(RTLD_DEFAULT, function);

	if (hook != NULL)
		hook(junk_imap_command_begin, junk_imap_command);
}

void junk_imap_init(void)
{
	junk_imap_call("command_hook_register");
}

void junk_imap_deinit(void)
{
	junk_imap_call("command_hook_unregister");
}

/* junk-feedback-milter: scores mail at SMTP time from the service's
   shared-memory segment (junk-score.h).

   libmilter runs each connection in a thread. Worker processes compute the
   scores (junk-milter-workers.h). */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#include <libmilter/mfapi.h>

#include "junk-score.h"
#include "junk-milter-message.h"
#include "junk-milter-policy.h"
#include "junk-milter-settings.h"
#include "junk-milter-workers.h"

#define DEFAULT_CONFIG_PATH "/etc/junk-feedback-milter.conf"
/* Postfix's own limits end a session much earlier. */
#define TIMEOUT_SECS 7210

static struct junk_milter_settings settings;

static int in4_is_loopback(uint32_t address)
{
	return (ntohl(address) >> 24) == 127;
}

static int in6_is_loopback(const struct in6_addr *address)
{
	uint32_t in4;

	if (!IN6_IS_ADDR_V4MAPPED(address))
		return IN6_IS_ADDR_LOOPBACK(address);
	/* an IPv4 client of a dual-stack socket */
	memcpy(&in4, address->s6_addr + 12, sizeof(in4));
	return in4_is_loopback(in4);
}

static int address_is_local(const _SOCK_ADDR *address)
{
	const struct sockaddr_in *in4 = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	/* NULL: the message came from the sendmail command, not over the
	   network */
	if (address == NULL || address->sa_family == AF_UNIX)
		return 1;
	if (address->sa_family == AF_INET)
		return in4_is_loopback(in4->sin_addr.s_addr);
	if (address->sa_family == AF_INET6)
		return in6_is_loopback(&in6->sin6_addr);
	return 0;
}

/* Returns the connection's message, NULL if there is no memory for it. */
static struct junk_milter_message *get_message(SMFICTX *ctx)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	if (msg != NULL)
		return msg;
	msg = calloc(1, sizeof(*msg));
	if (msg != NULL && smfi_setpriv(ctx, msg) != MI_SUCCESS) {
		free(msg);
		msg = NULL;
	}
	return msg;
}

static void set_client_address(struct junk_milter_client *client,
			       const _SOCK_ADDR *address)
{
	const struct sockaddr_in *in4 = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	client->address[0] = '\0';
	if (address == NULL)
		return;
	if (address->sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &in4->sin_addr, client->address,
				sizeof(client->address));
	else if (address->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, client->address,
				sizeof(client->address));
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	struct junk_milter_message *msg;

	if (settings.skip_local && address_is_local(address))
		return SMFIS_ACCEPT;
	msg = *settings.mx == '\0' ? NULL : get_message(ctx);
	if (msg != NULL) {
		/* for a client without a name, "[address]" in place of
		   Received's "unknown" */
		snprintf(msg->client.name, sizeof(msg->client.name), "%s",
			 host == NULL || *host == '[' ? "unknown" : host);
		set_client_address(&msg->client, address);
		msg->client.helo[0] = '\0';
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *helo)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	if (msg != NULL)
		snprintf(msg->client.helo, sizeof(msg->client.helo), "%s",
			 helo == NULL ? "" : helo);
	return SMFIS_CONTINUE;
}

/* A connection keeps one message structure for all its messages. libmilter ends
   each message by on_message_end() or on_abort(). */
static sfsistat on_from(SMFICTX *ctx, char **args)
{
	struct junk_milter_message *msg;
	const char *login = smfi_getsymval(ctx, (char *)"{auth_authen}");

	(void)args;
	if (settings.skip_authenticated && login != NULL && *login != '\0')
		return SMFIS_ACCEPT;
	msg = get_message(ctx);
	if (msg == NULL)
		return SMFIS_ACCEPT;
	junk_milter_message_reset(msg);
	junk_milter_message_begin(msg, settings.mx);
	return SMFIS_CONTINUE;
}

static sfsistat on_recipient(SMFICTX *ctx, char **args)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	if (msg == NULL)
		return SMFIS_ACCEPT;
	if (junk_milter_skips(&settings, args[0]))
		msg->skipped = 1;
	else
		msg->wanted = 1;
	return SMFIS_CONTINUE;
}

static sfsistat on_data(SMFICTX *ctx)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	/* a message without any recipient is not skipped */
	return msg == NULL || (msg->skipped && !msg->wanted) ?
		SMFIS_ACCEPT : SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	/* an MTA may call these in any order */
	if (msg == NULL)
		return SMFIS_ACCEPT;
	junk_milter_message_header(msg, name, value);
	return SMFIS_CONTINUE;
}

static sfsistat on_headers_end(SMFICTX *ctx)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	if (msg == NULL)
		return SMFIS_ACCEPT;
	junk_milter_message_end_headers(msg);
	return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t size)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	if (msg == NULL)
		return SMFIS_ACCEPT;
	junk_milter_message_body(msg, data, size);
	return junk_milter_message_full(msg) ? SMFIS_SKIP : SMFIS_CONTINUE;
}

/* Remove header fields with our names that others have added. Go from the last
   field to the first, so that the numbers of the remaining ones don't
   change. */
static void remove_headers(SMFICTX *ctx, const char *name, unsigned int count)
{
	for (; count > 0; count--)
		(void)smfi_chgheader(ctx, (char *)name, (int)count, NULL);
}

static int score_message(const struct junk_milter_message *msg,
			 char reason[JUNK_MILTER_REASON_SIZE])
{
	if (msg->failed)
		return JUNK_SCORES_UNKNOWN;
	return junk_milter_workers_score(msg->data, msg->size, reason);
}

static void stamp(SMFICTX *ctx, int score, const char *reason,
		  enum junk_milter_action action)
{
	char value[16];

	if (score == JUNK_SCORES_UNKNOWN)
		return;
	snprintf(value, sizeof(value), "%d", score);
	(void)smfi_insheader(ctx, 0, (char *)"X-Junk-Score", value);
	if (*reason != '\0')
		(void)smfi_insheader(ctx, 1, (char *)"X-Junk-Reason",
				     (char *)reason);
	if (action >= JUNK_MILTER_TAG)
		(void)smfi_insheader(ctx, 0, (char *)"X-Junk-Flag",
				     (char *)"YES");
}

static void set_reject_reply(SMFICTX *ctx)
{
	char **l = settings.reply_lines;

	/* libmilter takes the lines only as arguments, terminated by NULL */
	(void)smfi_setmlreply(ctx, "550", "5.7.1", l[0], l[1], l[2], l[3],
			      l[4], l[5], l[6], l[7], l[8], l[9], l[10],
			      l[11], l[12], l[13], l[14], l[15], NULL);
}

static void log_action(SMFICTX *ctx, int score, const char *reason,
		       enum junk_milter_action action)
{
	const char *queue_id = smfi_getsymval(ctx, (char *)"i");

	syslog(LOG_INFO, "%s: score %d (%s): %s%s",
	       queue_id == NULL ? "-" : queue_id, score, reason,
	       junk_milter_action_name(action),
	       settings.dry_run ? " (dry run: passed)" : "");
}

static void quarantine(SMFICTX *ctx, int score)
{
	char why[32];

	/* libmilter refuses an empty reason */
	snprintf(why, sizeof(why), "junk score %d", score);
	if (smfi_quarantine(ctx, why) != MI_SUCCESS)
		syslog(LOG_ERR, "the MTA does not allow milters to quarantine "
				"messages");
}

static sfsistat act(SMFICTX *ctx, enum junk_milter_action action, int score)
{
	switch (action) {
	case JUNK_MILTER_REJECT:
		set_reject_reply(ctx);
		return SMFIS_REJECT;
	case JUNK_MILTER_DEFER:
		(void)smfi_setreply(ctx, (char *)"451", (char *)"4.7.1",
				    (char *)"Please try again later");
		return SMFIS_TEMPFAIL;
	case JUNK_MILTER_QUARANTINE:
		quarantine(ctx, score);
		return SMFIS_CONTINUE;
	case JUNK_MILTER_TAG:
	case JUNK_MILTER_PASS:
		break;
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_message_end(SMFICTX *ctx)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);
	enum junk_milter_action action;
	char reason[JUNK_MILTER_REASON_SIZE] = "";
	int score;

	if (msg == NULL)
		return SMFIS_ACCEPT;
	score = score_message(msg, reason);
	action = junk_milter_decide(&settings, score);
	remove_headers(ctx, "X-Junk-Score", msg->foreign_scores);
	remove_headers(ctx, "X-Junk-Reason", msg->foreign_reasons);
	remove_headers(ctx, "X-Junk-Flag", msg->foreign_flags);
	junk_milter_message_reset(msg);
	stamp(ctx, score, reason, action);
	if (action >= JUNK_MILTER_QUARANTINE)
		log_action(ctx, score, reason, action);
	return settings.dry_run ? SMFIS_CONTINUE : act(ctx, action, score);
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	if (msg != NULL)
		junk_milter_message_reset(msg);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct junk_milter_message *msg = smfi_getpriv(ctx);

	if (msg != NULL) {
		junk_milter_message_reset(msg);
		free(msg);
		(void)smfi_setpriv(ctx, NULL);
	}
	return SMFIS_CONTINUE;
}

static void *listen_main(void *context)
{
	(void)context;
	exit(smfi_main() == MI_SUCCESS ? 0 : 1);
}

/* Run until a signal arrives or libmilter ends. libmilter's own shutdown
   destroys a lock that its threads still wait for, and then hangs, so libmilter
   must not see the signal. The kernel delivers it to the process's first
   thread, which waits for it, while libmilter runs in another thread. Sessions
   are cut off in either case: the MTA continues as without a milter. */
static int run_until_signal(void)
{
	pthread_t thread;
	sigset_t set;
	int signo, error;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	error = pthread_create(&thread, NULL, listen_main, NULL);
	if (error != 0) {
		syslog(LOG_ERR, "can't start a thread: %s", strerror(error));
		return 1;
	}
	(void)sigwait(&set, &signo);
	return 0;
}

static int run(void)
{
	struct smfiDesc milter = {
		.xxfi_name = (char *)"junk-feedback",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_from,
		.xxfi_envrcpt = on_recipient,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_headers_end,
		.xxfi_body = on_body,
		.xxfi_eom = on_message_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
	};

	if (smfi_setconn(settings.socket) != MI_SUCCESS ||
	    smfi_register(milter) != MI_SUCCESS ||
	    smfi_settimeout(TIMEOUT_SECS) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS) {
		fprintf(stderr, "junk-feedback-milter: can't listen on %s: "
			"change socket in the configuration\n",
			settings.socket);
		return 1;
	}
	syslog(LOG_INFO, "listening on %s", settings.socket);
	return run_until_signal();
}

static void usage(void)
{
	fprintf(stderr, "usage: junk-feedback-milter [-et] [-c FILE]\n"
		"  -c FILE  configuration (default %s)\n"
		"  -e       log to standard error as well\n"
		"  -t       check the configuration only\n",
		DEFAULT_CONFIG_PATH);
}

int main(int argc, char *argv[])
{
	const char *config_path = NULL;
	char error[1024];
	int opt, check = 0, log_options = LOG_PID;

	if (junk_milter_worker_main(argc, argv) != 0)
		return 0;
	while ((opt = getopt(argc, argv, "c:eth")) != -1) {
		switch (opt) {
		case 'c':
			config_path = optarg;
			break;
		case 'e':
			log_options |= LOG_PERROR;
			break;
		case 't':
			check = 1;
			break;
		default:
			usage();
			return 64;
		}
	}
	junk_milter_settings_init(&settings);
	if (config_path == NULL && access(DEFAULT_CONFIG_PATH, F_OK) == 0)
		config_path = DEFAULT_CONFIG_PATH;
	if (config_path != NULL &&
	    junk_milter_settings_read(&settings, config_path,
				      error, sizeof(error)) < 0) {
		fprintf(stderr, "junk-feedback-milter: %s\n", error);
		return 78;
	}
	if (check)
		return 0;
	openlog("junk-feedback-milter", log_options, LOG_MAIL);
	/* the MTA and the milter share a group, not a user */
	umask(0007);
	if (junk_milter_workers_init(settings.scores,
				     junk_milter_lowest_threshold(&settings),
				     settings.authserv_id, settings.mx,
				     settings.allow_file) < 0)
		return 1;
	/* the settings are not freed, since libmilter's threads still read
	   them */
	return run();
}

#ifndef DOVEADM_JUNK_LEARN_H
#define DOVEADM_JUNK_LEARN_H

#include "junk-report.h"

struct mail;
struct mail_user;
struct doveadm_junk_service;
struct doveadm_mail_cmd_context;

/* Reports messages, each with the identity of the mailbox's user. Errors are
   logged and set the command's exit code. */
struct doveadm_junk_learn {
	/* the command's name, e.g. "junk learn" */
	const char *command;
	struct doveadm_junk_service *service;
	/* memory of the current message */
	pool_t pool;

	/* settings of the current user */
	const char *authserv_id, *mx;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned int reported, failed;
	/* number of messages to report; 0 = unknown */
	unsigned int total;
	bool progress_shown;
};

/* Connect to the service. With -u this must happen before the mail is opened,
   since doveadm then gives up root. */
void doveadm_junk_learn_init(struct doveadm_junk_learn *learn,
			     const char *command);
void doveadm_junk_learn_deinit(struct doveadm_junk_learn *learn);

/* Begin with a user. Returns 1, 0 if the user's messages must not be reported,
   -1 on error. */
int doveadm_junk_learn_begin(struct doveadm_junk_learn *learn,
			     struct doveadm_mail_cmd_context *ctx,
			     struct mail_user *user);
/* Report a message. Returns 0, also if the message can't be read (it is
   counted), or -1 if the command has to stop. */
int doveadm_junk_learn_mail(struct doveadm_junk_learn *learn,
			    struct doveadm_mail_cmd_context *ctx,
			    struct mail *mail, enum junk_verdict verdict);
/* Wait until all reports are durable. Returns 0, or -1 if some may not be. */
int doveadm_junk_learn_end(struct doveadm_junk_learn *learn,
			   struct doveadm_mail_cmd_context *ctx);

#endif

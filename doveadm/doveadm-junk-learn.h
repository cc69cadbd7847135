#ifndef DOVEADM_JUNK_LEARN_H
#define DOVEADM_JUNK_LEARN_H

#include "junk-report.h"

struct mail;
struct mail_user;
struct doveadm_junk_service;
struct doveadm_mail_cmd_context;

/* Reports messages, each in the name of the user whose mailbox it is in. Errors
   are logged and set the command's exit code. */
struct doveadm_junk_learn {
	/* "junk learn" */
	const char *command;
	struct doveadm_junk_service *service;
	/* of the current message */
	pool_t pool;

	/* Of the current user */
	const char *authserv_id, *mx;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned int reported, failed;
	/* how many there are; 0 = not known */
	unsigned int total;
	bool progress_shown;
};

/* Connects to the service: with -u, root is given up for good before the mail is
   opened. */
void doveadm_junk_learn_init(struct doveadm_junk_learn *learn,
			     const char *command);
void doveadm_junk_learn_deinit(struct doveadm_junk_learn *learn);

/* A user's turn. Returns 1, 0 if nothing is reported of this user, -1 if it can't
   be done. */
int doveadm_junk_learn_begin(struct doveadm_junk_learn *learn,
			     struct doveadm_mail_cmd_context *ctx,
			     struct mail_user *user);
/* Returns 0, also if the message can't be read (which is counted), or -1 to
   stop. */
int doveadm_junk_learn_mail(struct doveadm_junk_learn *learn,
			    struct doveadm_mail_cmd_context *ctx,
			    struct mail *mail, enum junk_verdict verdict);
/* All of it is durable. Returns -1 if it may not be. */
int doveadm_junk_learn_end(struct doveadm_junk_learn *learn,
			   struct doveadm_mail_cmd_context *ctx);

#endif

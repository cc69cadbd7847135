#ifndef JUNK_MILTER_SETTINGS_H
#define JUNK_MILTER_SETTINGS_H

#include <stddef.h>

/* The milter's configuration file: lines "name = value". '#' begins a
   comment. */

#define JUNK_MILTER_MAX_REPLY_LINES 16
/* RFC 5321, 4.5.3.1.5: 512 bytes with code, status and CRLF */
#define JUNK_MILTER_MAX_REPLY_LINE 490

struct junk_milter_settings {
	/* in libmilter's syntax: unix:/path or inet:port@host */
	char *socket;
	/* path of the score segment */
	char *scores;
	/* the administrator's file of trusted senders; "" = none */
	char *allow_file;
	/* hosts whose Authentication-Results fields are evidence; "" = none */
	char *authserv_id;
	/* MX hosts whose client is evidence, this host first; "" = none */
	char *mx;
	/* Thresholds, 1..100, from which a message is rejected, deferred,
	   quarantined or tagged (X-Junk-Flag). 0 = never. */
	int reject, defer, quarantine, tag;
	/* only log what reject, defer and quarantine would do */
	int dry_run;
	/* pass mail of authenticated and of local senders unchanged */
	int skip_authenticated, skip_local;
	/* local parts of addresses, separated by blanks: a message whose
	   recipients are all of these passes unchanged */
	char *skip_recipients;
	/* lines of the rejection text, as read from reply_file, followed by
	   NULL */
	char *reply_file;
	char *reply_lines[JUNK_MILTER_MAX_REPLY_LINES + 1];
};

/* Set the defaults: only the header field with the score is added. */
void junk_milter_settings_init(struct junk_milter_settings *set);
/* Read the file. Returns 0, or -1 and writes a sentence with file, line and
   setting to error. */
int junk_milter_settings_read(struct junk_milter_settings *set,
			      const char *path, char *error,
			      size_t error_size);
void junk_milter_settings_deinit(struct junk_milter_settings *set);

#endif

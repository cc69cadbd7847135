#ifndef JUNK_MILTER_SETTINGS_H
#define JUNK_MILTER_SETTINGS_H

#include <stddef.h>

/* The milter's configuration: lines "name = value", '#' begins a comment. */

#define JUNK_MILTER_MAX_REPLY_LINES 16
/* RFC 5321, 4.5.3.1.5: 512 bytes with code, status and CRLF */
#define JUNK_MILTER_MAX_REPLY_LINE 490

struct junk_milter_settings {
	/* libmilter's form: unix:/path, inet:port@host */
	char *socket;
	/* the score segment */
	char *scores;
	/* whose Authentication-Results are evidence; "" = nobody's */
	char *authserv_id;
	/* the MXs whose client is evidence, the first one this host; "" =
	   none */
	char *mx;
	/* Scores from which a message is rejected, deferred, quarantined or
	   tagged (X-Junk-Flag): 1..100; 0 = never. */
	int reject, defer, quarantine, tag;
	/* reject, defer and quarantine are said in the log only */
	int dry_run;
	/* these pass untouched */
	int skip_authenticated, skip_local;
	/* names before the '@', separated by blanks: mail to nobody else passes
	   untouched */
	char *skip_recipients;
	/* lines of the reply to a rejected message, as read from reply_file;
	   a NULL follows the last one */
	char *reply_file;
	char *reply_lines[JUNK_MILTER_MAX_REPLY_LINES + 1];
};

/* The defaults: stamp only. */
void junk_milter_settings_init(struct junk_milter_settings *set);
/* Returns 0, or -1 with a sentence that names file, line and setting in
   error. */
int junk_milter_settings_read(struct junk_milter_settings *set,
			      const char *path, char *error,
			      size_t error_size);
void junk_milter_settings_deinit(struct junk_milter_settings *set);

#endif

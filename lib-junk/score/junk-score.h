#ifndef JUNK_SCORE_H
#define JUNK_SCORE_H

/* Public interface: score a message from the shared-memory segment. Usable
   from any C program or FFI; needs no Dovecot headers, links with
   -ljunkscore. Takes no lock and is not made for threads: a program with
   threads holds one of its own around all calls.

	struct junk_scores *scores = junk_scores_open(
		"/run/dovecot/junk-feedback.scores");
	int score = junk_scores_message(scores, data, size, NULL);
	junk_scores_close(&scores);
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The score is unknown: no model, too few reports, or too little evidence in
   the message. Never use it as a number. */
#define JUNK_SCORES_UNKNOWN (-1)
/* Bytes of a recipient's identity. */
#define JUNK_SCORES_REPORTER_BYTES 16

struct junk_scores;

/* Never fails: with a missing or invalid segment, scores are unknown until a
   valid one appears. The path is copied. */
struct junk_scores *junk_scores_open(const char *path);
/* Close and set *scores to NULL. *scores may be NULL. */
void junk_scores_close(struct junk_scores **scores);

/* Use Authentication-Results header fields of this host as evidence, as the
   setting junk_feedback_authserv_id does. NULL or "" = none (default). */
void junk_scores_set_authserv_id(struct junk_scores *scores, const char *id);

/* Use the client of these MX hosts (names, separated by blanks) as evidence,
   from the Received field of one of them, as the setting junk_feedback_mx does.
   NULL or "" = none (default). */
void junk_scores_set_mx(struct junk_scores *scores, const char *hosts);

/* Trust the senders in this file, as the setting junk_feedback_allow_file does,
   if the authserv_id is set. NULL or "" = none (default). */
void junk_scores_set_allow_file(struct junk_scores *scores, const char *path);

/* Set the score from which on the program files, tags or rejects a message, 0 =
   none (default). It is used to count messages in the counter page, if there is
   one beside the segment. */
void junk_scores_set_threshold(struct junk_scores *scores,
			       unsigned int threshold);

/* Score an RFC 5322 message with any line ends. Returns 0..100, or
   JUNK_SCORES_UNKNOWN. reporter: JUNK_SCORES_REPORTER_BYTES of the recipient's
   identity, or NULL. Any input is valid. */
int junk_scores_message(struct junk_scores *scores, const void *data,
			size_t size, const unsigned char *reporter);

/* Returns the reason of the last score: the token classes that moved it most,
   e.g. "url-domain +2.1, body-word +1.3", or why it is unknown. Never NULL;
   valid until the next call. */
const char *junk_scores_reason(struct junk_scores *scores);

#ifdef __cplusplus
}
#endif

#endif

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

/* No model, too few reports, or too little evidence in the message: never to
   be taken for a number. */
#define JUNK_SCORES_UNKNOWN (-1)
/* Bytes of a recipient's identity. */
#define JUNK_SCORES_REPORTER_BYTES 16

struct junk_scores;

/* Never fails: a segment that is missing or not valid gives "unknown" until a
   valid one appears. The path is copied. */
struct junk_scores *junk_scores_open(const char *path);
/* Sets *scores to NULL; NULL is no error. */
void junk_scores_close(struct junk_scores **scores);

/* Take Authentication-Results header fields of this host as evidence, as the
   setting junk_feedback_authserv_id does. NULL or "" = none (default). */
void junk_scores_set_authserv_id(struct junk_scores *scores, const char *id);

/* Take the client of these MXs (names, separated by blanks) as evidence, from the
   Received field that one of them wrote, as the setting junk_feedback_mx does. NULL
   or "" = none (default). */
void junk_scores_set_mx(struct junk_scores *scores, const char *hosts);

/* Messages are counted in the host's counter page, if there is one beside the
   segment. A score from which on the program does something with a message
   (files, tags, refuses it): 0 = it doesn't (default). */
void junk_scores_set_threshold(struct junk_scores *scores,
			       unsigned int threshold);

/* Score an RFC 5322 message (any line ends): 0..100, or JUNK_SCORES_UNKNOWN.
   reporter: JUNK_SCORES_REPORTER_BYTES of the recipient's identity, or NULL.
   Any bytes are valid input. */
int junk_scores_message(struct junk_scores *scores, const void *data,
			size_t size, const unsigned char *reporter);

/* About the last score: the token classes that moved it most, e.g.
   "url-domain +2.1, body-word +1.3"; or why it was unknown. Never NULL; valid
   until the next call. */
const char *junk_scores_reason(struct junk_scores *scores);

#ifdef __cplusplus
}
#endif

#endif

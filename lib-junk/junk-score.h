#ifndef JUNK_SCORE_H
#define JUNK_SCORE_H

/* Public interface: score a message from the shared-memory segment. Usable
   from any C program or FFI; needs no Dovecot headers. Not thread-safe per
   handle.

	struct junk_scores *scores = junk_scores_open("/run/dovecot/junk-feedback.scores");
	int score = junk_scores_message(scores, data, size, NULL);
	junk_scores_close(&scores);
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JUNK_SCORES_UNKNOWN (-1)

struct junk_scores;

/* Never fails: a segment that is missing or not valid gives "unknown" until a
   valid one appears. The path is copied. */
struct junk_scores *junk_scores_open(const char *path);
void junk_scores_close(struct junk_scores **scores);

/* Score an RFC 5322 message: 0..100, or JUNK_SCORES_UNKNOWN. reporter: 16
   bytes of the recipient's identity, or NULL. */
int junk_scores_message(struct junk_scores *scores, const void *data,
			size_t size, const unsigned char *reporter);

/* Why the last score was unknown, or NULL. Valid until the next call. */
const char *junk_scores_reason(struct junk_scores *scores);

#ifdef __cplusplus
}
#endif

#endif

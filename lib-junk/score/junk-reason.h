#ifndef JUNK_REASON_H
#define JUNK_REASON_H

struct junk_score;

/* Append why a message has its score, for its recipient: the token classes that
   moved the score most, e.g. "url-domain +2.1, body-word +1.3", or why the score
   is unknown. Nothing of the message is in it. */
void junk_reason_append(string_t *dest, const struct junk_score *score);

#endif

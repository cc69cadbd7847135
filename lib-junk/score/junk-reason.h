#ifndef JUNK_REASON_H
#define JUNK_REASON_H

struct junk_score;

/* Append the reason of a score, for the recipient: the token classes that moved
   the score most, e.g. "url-domain +2.1, body-word +1.3", or why the score is
   unknown, before them "trusted sender" if their sum doesn't matter. The text has
   nothing of the message's content. */
void junk_reason_append(string_t *dest, const struct junk_score *score);

#endif

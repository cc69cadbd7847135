#ifndef JUNK_WORDS_H
#define JUNK_WORDS_H

#include "junk-token-set.h"

/* Text -> words. Letter case, accents, compatibility forms, zero-width
   characters and letters borrowed from another alphabet don't make another
   word (junk-fold.h). Scripts without spaces give runs of two or four
   characters. */

struct junk_words_stats {
	unsigned int capitals, lookalikes, unseen, spaced, urls;
	/* bytes of white space */
	unsigned int blanks;
	/* of the last body: bytes of the longest line, and "!!" somewhere */
	unsigned int longest_line;
	bool shouts;
	/* bytes of words by script */
	unsigned int latin, greek, cyrillic, pairs, other;
};

/* Add the words of text, which is valid UTF-8. Each word's text is preceded
   by prefix. stats are added to; NULL = not wanted. */
void junk_words_add(struct junk_token_set *set, enum junk_token_class class,
		    const char *prefix, const unsigned char *text, size_t size,
		    struct junk_words_stats *stats);
/* Add the words of a body's text, its URLs as such, and what punctuation there
   is: of each run the first two characters. stats: not NULL. */
void junk_words_add_body(struct junk_token_set *set, const unsigned char *text,
			 size_t size, struct junk_words_stats *stats);

#endif

#ifndef JUNK_WORDS_H
#define JUNK_WORDS_H

#include "junk-token-set.h"

/* Text -> words. Words are equal if they differ only in letter case, accents,
   compatibility forms, zero-width characters, or letters borrowed from another
   alphabet (junk-fold.h). Text in scripts without spaces is split into
   overlapping runs of two or four characters. */

struct junk_words_stats {
	unsigned int capitals, lookalikes, unseen, spaced, urls;
	/* bytes of white space */
	unsigned int blanks;
	/* for the last body: size of its longest line, and whether it has
	   "!!" */
	unsigned int longest_line;
	bool shouts;
	/* bytes of words by script */
	unsigned int latin, greek, cyrillic, pairs, other;
};

/* Add the words of text, which must be valid UTF-8. Each word's token text is
   prefix + word. stats are increased; NULL = not needed. */
void junk_words_add(struct junk_token_set *set, enum junk_token_class class,
		    const char *prefix, const unsigned char *text, size_t size,
		    struct junk_words_stats *stats);
/* Add the words of a body, its URLs, and its punctuation: the first two
   characters of each run. stats: not NULL. */
void junk_words_add_body(struct junk_token_set *set, const unsigned char *text,
			 size_t size, struct junk_words_stats *stats);

#endif

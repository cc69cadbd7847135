#ifndef JUNK_FOLD_H
#define JUNK_FOLD_H

#include "unichar.h"

/* Folding of characters, so that words which look alike are the same word:
   compatibility forms (fullwidth, mathematical, circled, ligatures), letter
   case, and accents in Latin, Greek and Cyrillic. Libraries' Unicode data isn't
   used, since tokens must not change when they are upgraded. */

enum junk_fold {
	/* the folded text is (part of) a word */
	JUNK_FOLD_WORD,
	/* invisible: ignored */
	JUNK_FOLD_DROP,
	/* separates words */
	JUNK_FOLD_SPACE,
	/* a word of its own: emoji, dingbats */
	JUNK_FOLD_SYMBOL,
	/* belongs to a script without spaces: a few of these form a word */
	JUNK_FOLD_PAIR,
};

#define JUNK_FOLD_MAX_BYTES 12

/* Fold a character >= 0x80. For WORD, SYMBOL and PAIR, dest is set to the text
   (UTF-8) and *size_r to its size in bytes. Returns its kind. */
enum junk_fold junk_fold_char(unichar_t chr,
			      unsigned char dest[JUNK_FOLD_MAX_BYTES],
			      unsigned int *size_r);
/* Returns the ASCII letter that a folded letter of another alphabet looks like;
   0 = none. *doubtful_r: it is common in text that doesn't look Latin as a
   whole. */
char junk_fold_lookalike(unichar_t chr, bool *doubtful_r);
/* Returns TRUE for a letter of an alphabet other than Greek and Cyrillic that
   has letters which look like Latin ones: Armenian, Cherokee, Coptic, Lisu and
   others. */
bool junk_fold_script_is_alike(unichar_t chr);

#endif

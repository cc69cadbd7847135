#ifndef JUNK_FOLD_H
#define JUNK_FOLD_H

#include "unichar.h"

/* What a character is folded to, so that words which look alike are the same
   word: compatibility forms (fullwidth, mathematical, circled, ligatures),
   letter case, accents in Latin, Greek and Cyrillic. Independent of the
   Unicode data of libraries: tokens must outlive their upgrades. */

enum junk_fold {
	/* text_r is (part of) a word */
	JUNK_FOLD_WORD,
	/* can't be seen: as if it weren't there */
	JUNK_FOLD_DROP,
	/* between words */
	JUNK_FOLD_SPACE,
	/* a word of its own: emoji, dingbats */
	JUNK_FOLD_SYMBOL,
	/* of a script without spaces: a few of these are a word */
	JUNK_FOLD_PAIR,
};

#define JUNK_FOLD_MAX_BYTES 12

/* Fold a character >= 0x80; the text (UTF-8, at most JUNK_FOLD_MAX_BYTES) is
   appended to dest for WORD, SYMBOL and PAIR. Returns its kind, and the
   number of bytes in *size_r. */
enum junk_fold junk_fold_char(unichar_t chr,
			      unsigned char dest[JUNK_FOLD_MAX_BYTES],
			      unsigned int *size_r);
/* The ASCII letter that a folded letter of another alphabet looks like; 0 if it
   doesn't look like any. doubtful: much text is made of it that doesn't look
   Latin as a whole. */
char junk_fold_lookalike(unichar_t chr, bool *doubtful_r);
/* Is a letter of an alphabet, other than Greek and Cyrillic, with letters that
   look like Latin ones? Armenian, Cherokee, Coptic, Lisu and the like */
bool junk_fold_script_is_alike(unichar_t chr);

#endif

#include "lib.h"
#include "junk-fold.h"
#include "junk-fold-table.h"

/* values of fold_pages[] that aren't a character (tools/make-fold-table) */
#define FOLD_SAME 0
#define FOLD_DROP 1
#define FOLD_SPACE 2
#define FOLD_SYMBOL 3
#define FOLD_PAIR 4
#define FOLD_EXPANSION 0xe000

static unsigned int put_utf8(unsigned char *dest, unichar_t chr)
{
	if (chr < 0x80) {
		dest[0] = chr;
		return 1;
	}
	if (chr < 0x800) {
		dest[0] = 0xc0 | (chr >> 6);
		dest[1] = 0x80 | (chr & 0x3f);
		return 2;
	}
	if (chr < 0x10000) {
		dest[0] = 0xe0 | (chr >> 12);
		dest[1] = 0x80 | ((chr >> 6) & 0x3f);
		dest[2] = 0x80 | (chr & 0x3f);
		return 3;
	}
	dest[0] = 0xf0 | ((chr >> 18) & 0x07);
	dest[1] = 0x80 | ((chr >> 12) & 0x3f);
	dest[2] = 0x80 | ((chr >> 6) & 0x3f);
	dest[3] = 0x80 | (chr & 0x3f);
	return 4;
}

/* Beyond the table: what isn't named here is a letter of some script. */
static enum junk_fold fold_high(unichar_t chr)
{
	if (chr >= 0x20000 && chr < 0x40000)
		return JUNK_FOLD_PAIR;
	/* skin tones and tags vary an emoji */
	if ((chr >= 0x1f3fb && chr <= 0x1f3ff) || chr >= 0xe0000)
		return JUNK_FOLD_DROP;
	if (chr >= 0x1f200 && chr < 0x1fb00)
		return JUNK_FOLD_SYMBOL;
	return JUNK_FOLD_WORD;
}

static bool fold_is_pair(unichar_t chr)
{
	return chr < FOLD_LIMIT &&
		fold_pages[fold_index[chr >> 8]][chr & 0xff] == FOLD_PAIR;
}

enum junk_fold junk_fold_char(unichar_t chr,
			      unsigned char dest[JUNK_FOLD_MAX_BYTES],
			      unsigned int *size_r)
{
	enum junk_fold kind = JUNK_FOLD_WORD;
	unsigned int value;
	const char *text;

	if (chr >= FOLD_LIMIT) {
		kind = fold_high(chr);
		*size_r = put_utf8(dest, chr);
		return kind;
	}
	value = fold_pages[fold_index[chr >> 8]][chr & 0xff];
	if (value >= FOLD_EXPANSION) {
		text = fold_expansions[value - FOLD_EXPANSION];
		*size_r = strlen(text);
		memcpy(dest, text, *size_r);
		return JUNK_FOLD_WORD;
	}
	switch (value) {
	case FOLD_DROP:
		*size_r = 0;
		return JUNK_FOLD_DROP;
	case FOLD_SPACE:
		*size_r = 0;
		return JUNK_FOLD_SPACE;
	case FOLD_SYMBOL:
		kind = JUNK_FOLD_SYMBOL;
		break;
	case FOLD_PAIR:
		kind = JUNK_FOLD_PAIR;
		break;
	case FOLD_SAME:
		break;
	default:
		chr = value;
		if (fold_is_pair(chr))
			kind = JUNK_FOLD_PAIR;
		break;
	}
	*size_r = put_utf8(dest, chr);
	return kind;
}

char junk_fold_lookalike(unichar_t chr)
{
	/* after folding: lower case, without accents */
	static const struct {
		uint16_t chr;
		char ascii;
	} lookalikes[] = {
		/* Greek */
		{ 0x3b1, 'a' }, { 0x3b5, 'e' }, { 0x3b7, 'n' }, { 0x3b9, 'i' },
		{ 0x3ba, 'k' }, { 0x3bc, 'u' }, { 0x3bd, 'v' }, { 0x3bf, 'o' },
		{ 0x3c1, 'p' }, { 0x3c4, 't' }, { 0x3c5, 'u' }, { 0x3c7, 'x' },
		{ 0x3b3, 'y' }, { 0x3b2, 'b' }, { 0x3b6, 'z' }, { 0x3c3, 's' },
		{ 0x3f2, 'c' }, { 0x3f3, 'j' },
		/* Cyrillic */
		{ 0x430, 'a' }, { 0x432, 'b' }, { 0x433, 'r' }, { 0x435, 'e' },
		{ 0x437, '3' }, { 0x438, 'n' }, { 0x43a, 'k' }, { 0x43c, 'm' },
		{ 0x43d, 'h' }, { 0x43e, 'o' }, { 0x43f, 'n' }, { 0x440, 'p' },
		{ 0x441, 'c' }, { 0x442, 't' }, { 0x443, 'y' }, { 0x445, 'x' },
		{ 0x44c, 'b' }, { 0x455, 's' }, { 0x456, 'i' }, { 0x458, 'j' },
		{ 0x461, 'w' }, { 0x475, 'v' }, { 0x4bb, 'h' }, { 0x4cf, 'i' },
		{ 0x501, 'd' }, { 0x51b, 'q' }, { 0x51d, 'w' },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(lookalikes); i++) {
		if (lookalikes[i].chr == chr)
			return lookalikes[i].ascii;
	}
	return '\0';
}

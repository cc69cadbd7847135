#include "lib.h"
#include "junk-fold.h"
#include "junk-fold-table.h"

/* Values of fold_pages[] that aren't a character (tools/make-fold-table). */
#define FOLD_SAME 0
#define FOLD_DROP 1
#define FOLD_SPACE 2
#define FOLD_SYMBOL 3
#define FOLD_PAIR 4
#define FOLD_EXPANSION 0xe000
/* "(a)" as one character, followed by those for other letters. */
#define FIRST_BRACKETED 0x249c

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

/* Characters beyond the table: those not listed here are letters. */
static enum junk_fold fold_high(unichar_t chr)
{
	if (chr >= 0x20000 && chr < 0x40000)
		return JUNK_FOLD_PAIR;
	/* skin tones and tags modify an emoji */
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

	if (chr >= FIRST_BRACKETED && chr < FIRST_BRACKETED + 26) {
		dest[0] = 'a' + (chr - FIRST_BRACKETED);
		*size_r = 1;
		return JUNK_FOLD_WORD;
	}
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

/* Letters after folding (lower case, without accents), sorted for the binary
   search. */
static const struct lookalike {
	uint16_t chr;
	char ascii;
	bool doubtful;
} lookalikes[] = {
	/* phonetic Latin letters, which aren't folded */
	{ 0x251, 'a', FALSE }, { 0x261, 'g', FALSE }, { 0x269, 'i', FALSE },
	{ 0x28b, 'u', FALSE },
	/* Greek */
	{ 0x3b1, 'a', FALSE }, { 0x3b2, 'b', TRUE }, { 0x3b3, 'y', TRUE },
	{ 0x3b5, 'e', TRUE }, { 0x3b6, 'z', TRUE }, { 0x3b7, 'n', TRUE },
	{ 0x3b9, 'i', TRUE }, { 0x3ba, 'k', TRUE }, { 0x3bc, 'u', TRUE },
	{ 0x3bd, 'v', TRUE }, { 0x3bf, 'o', FALSE }, { 0x3c1, 'p', TRUE },
	{ 0x3c3, 's', TRUE }, { 0x3c4, 't', TRUE }, { 0x3c5, 'u', TRUE },
	{ 0x3c7, 'x', TRUE }, { 0x3c9, 'w', TRUE }, { 0x3f2, 'c', FALSE },
	{ 0x3f3, 'j', FALSE },
	/* Cyrillic */
	{ 0x430, 'a', FALSE }, { 0x432, 'b', TRUE }, { 0x433, 'r', TRUE },
	{ 0x435, 'e', FALSE }, { 0x437, '3', TRUE }, { 0x438, 'n', TRUE },
	{ 0x43a, 'k', TRUE }, { 0x43c, 'm', TRUE }, { 0x43d, 'h', TRUE },
	{ 0x43e, 'o', FALSE }, { 0x43f, 'n', TRUE }, { 0x440, 'p', FALSE },
	{ 0x441, 'c', FALSE }, { 0x442, 't', TRUE }, { 0x443, 'y', FALSE },
	{ 0x445, 'x', FALSE }, { 0x44c, 'b', TRUE }, { 0x455, 's', FALSE },
	{ 0x456, 'i', FALSE }, { 0x458, 'j', FALSE }, { 0x461, 'w', FALSE },
	{ 0x475, 'v', FALSE }, { 0x4af, 'y', FALSE }, { 0x4bb, 'h', FALSE },
	{ 0x4bd, 'e', FALSE }, { 0x4cf, 'i', FALSE }, { 0x501, 'd', FALSE },
	{ 0x51b, 'q', FALSE }, { 0x51d, 'w', FALSE },
	/* Armenian */
	{ 0x561, 'w', FALSE }, { 0x563, 'q', FALSE }, { 0x564, 'n', TRUE },
	{ 0x566, 'q', FALSE }, { 0x569, 'p', TRUE }, { 0x56c, 'l', FALSE },
	{ 0x570, 'h', FALSE }, { 0x574, 'u', TRUE }, { 0x575, 'j', FALSE },
	{ 0x578, 'n', FALSE }, { 0x57d, 'u', FALSE }, { 0x57e, 'v', TRUE },
	{ 0x581, 'g', FALSE }, { 0x582, 'i', TRUE }, { 0x584, 'f', TRUE },
	{ 0x585, 'o', FALSE }, { 0x587, 'u', TRUE },
	/* Cherokee (its capital letters) */
	{ 0x13a0, 'd', FALSE }, { 0x13a1, 'r', FALSE }, { 0x13a2, 't', FALSE },
	{ 0x13a5, 'i', FALSE }, { 0x13a9, 'y', FALSE }, { 0x13aa, 'a', FALSE },
	{ 0x13ab, 'j', FALSE }, { 0x13ac, 'e', FALSE }, { 0x13b3, 'w', FALSE },
	{ 0x13b7, 'm', FALSE }, { 0x13bb, 'h', FALSE }, { 0x13bd, 'y', FALSE },
	{ 0x13be, 'o', TRUE }, { 0x13c0, 'g', FALSE }, { 0x13c2, 'h', FALSE },
	{ 0x13c3, 'z', FALSE }, { 0x13ce, '4', TRUE }, { 0x13cf, 'b', FALSE },
	{ 0x13d2, 'r', FALSE }, { 0x13d4, 'w', FALSE }, { 0x13d5, 's', FALSE },
	{ 0x13d9, 'v', FALSE }, { 0x13da, 's', FALSE }, { 0x13de, 'l', FALSE },
	{ 0x13df, 'c', FALSE }, { 0x13e2, 'p', FALSE }, { 0x13e6, 'k', FALSE },
	{ 0x13e7, 'd', FALSE }, { 0x13ee, '6', TRUE }, { 0x13f3, 'g', FALSE },
	{ 0x13f4, 'b', FALSE },
	/* Canadian syllables and a rune */
	{ 0x142f, 'v', FALSE }, { 0x144c, 'u', FALSE }, { 0x144e, 'n', FALSE },
	{ 0x1455, 'c', FALSE }, { 0x146b, 'q', FALSE }, { 0x146d, 'p', FALSE },
	{ 0x146f, 'd', FALSE }, { 0x1472, 'b', FALSE }, { 0x148d, 'j', FALSE },
	{ 0x14aa, 'l', FALSE }, { 0x1515, 's', FALSE }, { 0x1541, 'x', FALSE },
	{ 0x157c, 'h', FALSE }, { 0x157d, 'x', FALSE }, { 0x1587, 'r', FALSE },
	{ 0x15af, 'b', FALSE }, { 0x15b4, 'f', FALSE }, { 0x15c5, 'a', FALSE },
	{ 0x15de, 'd', FALSE }, { 0x15e9, 'a', FALSE }, { 0x15ea, 'd', FALSE },
	{ 0x15ef, 'w', FALSE }, { 0x15f0, 'm', FALSE }, { 0x15f4, 'e', FALSE },
	{ 0x15f7, 'b', FALSE }, { 0x1614, 'z', FALSE }, { 0x161c, 'g', FALSE },
	{ 0x16d5, 'k', FALSE },
	/* Coptic */
	{ 0x2c81, 'a', FALSE }, { 0x2c83, 'b', FALSE }, { 0x2c85, 'r', TRUE },
	{ 0x2c89, 'e', FALSE }, { 0x2c8f, 'h', FALSE }, { 0x2c93, 'i', FALSE },
	{ 0x2c95, 'k', FALSE }, { 0x2c99, 'm', FALSE }, { 0x2c9b, 'n', FALSE },
	{ 0x2c9f, 'o', FALSE }, { 0x2ca3, 'p', FALSE }, { 0x2ca5, 'c', FALSE },
	{ 0x2ca7, 't', FALSE }, { 0x2ca9, 'y', FALSE }, { 0x2cad, 'x', FALSE },
	{ 0x2cb1, 'w', TRUE }, { 0x2ccd, 'g', FALSE },
	/* Tifinagh */
	{ 0x2d38, 'v', FALSE }, { 0x2d39, 'e', FALSE }, { 0x2d54, 'o', FALSE },
	{ 0x2d55, 'q', FALSE }, { 0x2d5d, 'x', FALSE },
	/* Lisu */
	{ 0xa4d0, 'b', FALSE }, { 0xa4d1, 'p', FALSE }, { 0xa4d2, 'd', TRUE },
	{ 0xa4d3, 'd', FALSE }, { 0xa4d4, 't', FALSE }, { 0xa4d6, 'g', FALSE },
	{ 0xa4d7, 'k', FALSE }, { 0xa4d9, 'j', FALSE }, { 0xa4da, 'c', FALSE },
	{ 0xa4dc, 'z', FALSE }, { 0xa4dd, 'f', FALSE }, { 0xa4df, 'm', FALSE },
	{ 0xa4e0, 'n', FALSE }, { 0xa4e1, 'l', FALSE }, { 0xa4e2, 's', FALSE },
	{ 0xa4e3, 'r', FALSE }, { 0xa4e6, 'v', FALSE }, { 0xa4e7, 'h', FALSE },
	{ 0xa4ea, 'w', FALSE }, { 0xa4eb, 'x', FALSE }, { 0xa4ec, 'y', FALSE },
	{ 0xa4ee, 'a', FALSE }, { 0xa4f0, 'e', FALSE }, { 0xa4f2, 'i', FALSE },
	{ 0xa4f3, 'o', FALSE }, { 0xa4f4, 'u', FALSE },
};

bool junk_fold_script_is_alike(unichar_t chr)
{
	return (chr >= 0x530 && chr < 0x590) ||
		(chr >= 0x13a0 && chr < 0x1700) ||
		(chr >= 0x2c80 && chr < 0x2d80) ||
		(chr >= 0xa4d0 && chr < 0xa500);
}

char junk_fold_lookalike(unichar_t chr, bool *doubtful_r)
{
	unsigned int low = 0, high = N_ELEMENTS(lookalikes), mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (lookalikes[mid].chr == chr) {
			*doubtful_r = lookalikes[mid].doubtful;
			return lookalikes[mid].ascii;
		}
		if (lookalikes[mid].chr > chr)
			high = mid;
		else
			low = mid + 1;
	}
	return '\0';
}

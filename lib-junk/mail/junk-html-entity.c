/* See junk-html-entity.h (HTML, 13.5). */

#include "lib.h"
#include "buffer.h"
#include "unichar.h"
#include "junk-charset.h"
#include "junk-decode.h"
#include "junk-name.h"
#include "junk-html-entity.h"

/* Size of a name in the table; longer names are cut. A multiple of 8. */
#define NAME_BYTES 16
/* Letters of the longest name, and of the longest old one (which is valid
   without ";"); maximum number of old names with the same first letter. */
#define MAX_NAME_LETTERS 31
#define MAX_OLD_LETTERS 6
#define MAX_OLD_NAMES 9
#define MAX_CHR 0x10ffff

/* Letters, invisible characters, and characters that may occur in a word or a
   URL. Names are in lower case, since words are folded later. In the order of
   strcmp(), for the binary search. */
static const struct entity {
	char name[NAME_BYTES];
	uint16_t chr;
	/* also valid without ";" */
	bool old;
} entities[] = {
	{ "acute", 0xb4, TRUE }, { "acy", 0x430, FALSE },
	{ "aelig", 0xe6, TRUE }, { "af", 0x2061, FALSE },
	{ "alpha", 0x3b1, FALSE }, { "amp", 0x26, TRUE },
	{ "apos", 0x27, FALSE }, { "applyfunction", 0x2061, FALSE },
	{ "ast", 0x2a, FALSE }, { "bcy", 0x431, FALSE },
	{ "beta", 0x3b2, FALSE }, { "brvbar", 0xa6, TRUE },
	{ "bsol", 0x5c, FALSE }, { "cedil", 0xb8, TRUE },
	{ "cent", 0xa2, TRUE }, { "chcy", 0x447, FALSE },
	{ "chi", 0x3c7, FALSE }, { "colon", 0x3a, FALSE },
	{ "comma", 0x2c, FALSE }, { "commat", 0x40, FALSE },
	{ "copy", 0xa9, TRUE }, { "curren", 0xa4, TRUE },
	{ "dcy", 0x434, FALSE }, { "deg", 0xb0, TRUE },
	{ "delta", 0x3b4, FALSE }, { "diacriticalgrav", 0x60, FALSE },
	{ "divide", 0xf7, TRUE }, { "djcy", 0x452, FALSE },
	{ "dollar", 0x24, FALSE }, { "dscy", 0x455, FALSE },
	{ "dzcy", 0x45f, FALSE }, { "ecy", 0x44d, FALSE },
	{ "epsi", 0x3b5, FALSE }, { "epsilon", 0x3b5, FALSE },
	{ "epsiv", 0x3f5, FALSE }, { "equals", 0x3d, FALSE },
	{ "eta", 0x3b7, FALSE }, { "eth", 0xf0, TRUE },
	{ "euro", 0x20ac, FALSE }, { "excl", 0x21, FALSE },
	{ "fcy", 0x444, FALSE }, { "frac12", 0xbd, TRUE },
	{ "frac14", 0xbc, TRUE }, { "frac34", 0xbe, TRUE },
	{ "gamma", 0x3b3, FALSE }, { "gcy", 0x433, FALSE },
	{ "gjcy", 0x453, FALSE }, { "grave", 0x60, FALSE },
	{ "gt", 0x3e, TRUE }, { "hardcy", 0x44a, FALSE },
	{ "hat", 0x5e, FALSE }, { "hyphen", 0x2010, FALSE },
	{ "ic", 0x2063, FALSE }, { "icy", 0x438, FALSE },
	{ "iecy", 0x435, FALSE }, { "iexcl", 0xa1, TRUE },
	{ "imath", 0x131, FALSE }, { "inodot", 0x131, FALSE },
	{ "invisiblecomma", 0x2063, FALSE },
	{ "invisibletimes", 0x2062, FALSE }, { "iocy", 0x451, FALSE },
	{ "iota", 0x3b9, FALSE }, { "iquest", 0xbf, TRUE },
	{ "it", 0x2062, FALSE }, { "iukcy", 0x456, FALSE },
	{ "jcy", 0x439, FALSE }, { "jmath", 0x237, FALSE },
	{ "jsercy", 0x458, FALSE }, { "jukcy", 0x454, FALSE },
	{ "kappa", 0x3ba, FALSE }, { "kappav", 0x3f0, FALSE },
	{ "kcy", 0x43a, FALSE }, { "khcy", 0x445, FALSE },
	{ "kjcy", 0x45c, FALSE }, { "lambda", 0x3bb, FALSE },
	{ "laquo", 0xab, TRUE }, { "lbrace", 0x7b, FALSE },
	{ "lbrack", 0x5b, FALSE }, { "lcub", 0x7b, FALSE },
	{ "lcy", 0x43b, FALSE }, { "ljcy", 0x459, FALSE },
	{ "lowbar", 0x5f, FALSE }, { "lpar", 0x28, FALSE },
	{ "lrm", 0x200e, FALSE }, { "lsqb", 0x5b, FALSE },
	{ "lsquo", 0x2018, FALSE }, { "lt", 0x3c, TRUE },
	{ "macr", 0xaf, TRUE }, { "mcy", 0x43c, FALSE },
	{ "micro", 0xb5, TRUE }, { "midast", 0x2a, FALSE },
	{ "middot", 0xb7, TRUE }, { "mu", 0x3bc, FALSE },
	{ "nbsp", 0x20, TRUE }, { "ncy", 0x43d, FALSE },
	{ "negativemediums", 0x200b, FALSE },
	{ "negativethicksp", 0x200b, FALSE },
	{ "negativethinspa", 0x200b, FALSE },
	{ "negativeverythi", 0x200b, FALSE }, { "newline", 0xa, FALSE },
	{ "njcy", 0x45a, FALSE }, { "nobreak", 0x2060, FALSE },
	{ "not", 0xac, TRUE }, { "nu", 0x3bd, FALSE }, { "num", 0x23, FALSE },
	{ "ocy", 0x43e, FALSE }, { "oelig", 0x153, FALSE },
	{ "omega", 0x3c9, FALSE }, { "omicron", 0x3bf, FALSE },
	{ "ordf", 0xaa, TRUE }, { "ordm", 0xba, TRUE }, { "para", 0xb6, TRUE },
	{ "pcy", 0x43f, FALSE }, { "percnt", 0x25, FALSE },
	{ "period", 0x2e, FALSE }, { "phi", 0x3c6, FALSE },
	{ "phiv", 0x3d5, FALSE }, { "pi", 0x3c0, FALSE },
	{ "piv", 0x3d6, FALSE }, { "plus", 0x2b, FALSE },
	{ "plusmn", 0xb1, TRUE }, { "pound", 0xa3, TRUE },
	{ "psi", 0x3c8, FALSE }, { "quest", 0x3f, FALSE },
	{ "quot", 0x22, TRUE }, { "raquo", 0xbb, TRUE },
	{ "rbrace", 0x7d, FALSE }, { "rbrack", 0x5d, FALSE },
	{ "rcub", 0x7d, FALSE }, { "rcy", 0x440, FALSE }, { "reg", 0xae, TRUE },
	{ "rho", 0x3c1, FALSE }, { "rhov", 0x3f1, FALSE },
	{ "rlm", 0x200f, FALSE }, { "rpar", 0x29, FALSE },
	{ "rsqb", 0x5d, FALSE }, { "rsquo", 0x2019, FALSE },
	{ "scy", 0x441, FALSE }, { "sect", 0xa7, TRUE },
	{ "semi", 0x3b, FALSE }, { "shchcy", 0x449, FALSE },
	{ "shcy", 0x448, FALSE }, { "shy", 0xad, TRUE },
	{ "sigma", 0x3c3, FALSE }, { "sigmaf", 0x3c2, FALSE },
	{ "sigmav", 0x3c2, FALSE }, { "softcy", 0x44c, FALSE },
	{ "sol", 0x2f, FALSE }, { "sup1", 0xb9, TRUE }, { "sup2", 0xb2, TRUE },
	{ "sup3", 0xb3, TRUE }, { "szlig", 0xdf, TRUE }, { "tab", 0x9, FALSE },
	{ "tau", 0x3c4, FALSE }, { "tcy", 0x442, FALSE },
	{ "theta", 0x3b8, FALSE }, { "thetav", 0x3d1, FALSE },
	{ "thorn", 0xfe, TRUE }, { "times", 0xd7, TRUE },
	{ "tscy", 0x446, FALSE }, { "tshcy", 0x45b, FALSE },
	{ "ubrcy", 0x45e, FALSE }, { "ucy", 0x443, FALSE },
	{ "uml", 0xa8, TRUE }, { "underbar", 0x5f, FALSE },
	{ "upsi", 0x3c5, FALSE }, { "upsilon", 0x3c5, FALSE },
	{ "varsigma", 0x3c2, FALSE }, { "vcy", 0x432, FALSE },
	{ "verbar", 0x7c, FALSE }, { "vert", 0x7c, FALSE },
	{ "verticalline", 0x7c, FALSE }, { "xi", 0x3be, FALSE },
	{ "yacy", 0x44f, FALSE }, { "ycy", 0x44b, FALSE },
	{ "yen", 0xa5, TRUE }, { "yicy", 0x457, FALSE },
	{ "yucy", 0x44e, FALSE }, { "zcy", 0x437, FALSE },
	{ "zerowidthspace", 0x200b, FALSE }, { "zeta", 0x3b6, FALSE },
	{ "zhcy", 0x436, FALSE }, { "zwj", 0x200d, FALSE },
	{ "zwnj", 0x200c, FALSE },
};

/* Returns the base letter of a name such as &eacute;, without its accent or
   style: words are folded to that anyway. 0 = unknown. */
static unichar_t entity_accented(const char *name, bool closed)
{
	static const struct {
		const char *accent;
		/* letters with which the name is also valid without ";" */
		const char *letters;
	} accents[] = {
		{ "acute", "aeiouy" }, { "breve", "" }, { "caron", "" },
		{ "cedil", "c" }, { "circ", "aeiou" }, { "dblac", "" },
		{ "fr", "" },
		{ "grave", "aeiou" }, { "macr", "" }, { "ogon", "" },
		{ "opf", "" }, { "ring", "a" }, { "scr", "" },
		{ "slash", "o" }, { "strok", "" }, { "tilde", "ano" },
		{ "uml", "aeiouy" },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(accents); i++) {
		if (name[1] == accents[i].accent[0] &&
		    strcmp(name + 1, accents[i].accent) == 0) {
			return closed ||
				strchr(accents[i].letters, name[0]) != NULL ?
				(unichar_t)name[0] : 0;
		}
	}
	return 0;
}

/* Old names by their first letter, the longest first. Without this table each
   beginning of "&ampere" would have to be looked up. */
static const char old_names[26][MAX_OLD_NAMES + 1][8] = {
	['a' - 'a'] = { "aacute", "agrave", "atilde", "acirc", "acute",
		"aelig", "aring", "auml", "amp" },
	['b' - 'a'] = { "brvbar" },
	['c' - 'a'] = { "ccedil", "curren", "cedil", "cent", "copy" },
	['d' - 'a'] = { "divide", "deg" },
	['e' - 'a'] = { "eacute", "egrave", "ecirc", "euml", "eth" },
	['f' - 'a'] = { "frac12", "frac14", "frac34" },
	['g' - 'a'] = { "gt" },
	['i' - 'a'] = { "iacute", "igrave", "iquest", "icirc", "iexcl",
		"iuml" },
	['l' - 'a'] = { "laquo", "lt" },
	['m' - 'a'] = { "middot", "micro", "macr" },
	['n' - 'a'] = { "ntilde", "nbsp", "not" },
	['o' - 'a'] = { "oacute", "ograve", "oslash", "otilde", "ocirc",
		"ordf", "ordm", "ouml" },
	['p' - 'a'] = { "plusmn", "pound", "para" },
	['q' - 'a'] = { "quot" },
	['r' - 'a'] = { "raquo", "reg" },
	['s' - 'a'] = { "szlig", "sect", "sup1", "sup2", "sup3", "shy" },
	['t' - 'a'] = { "thorn", "times" },
	['u' - 'a'] = { "uacute", "ugrave", "ucirc", "uuml", "uml" },
	['y' - 'a'] = { "yacute", "yuml", "yen" },
};

/* Returns the size of the longest old name at the beginning of data, 0 if there
   is none. */
static size_t old_name_size(const unsigned char *data, size_t size)
{
	const char (*old)[8];
	char name[8] = "";

	size = I_MIN(size, MAX_OLD_LETTERS);
	for (size_t i = 0; i < size; i++)
		name[i] = ascii_tolower(data[i]);
	if (!ascii_isalpha(name[0]))
		return 0;
	for (old = old_names[name[0] - 'a']; **old != '\0'; old++) {
		if ((*old)[1] == name[1] &&
		    memcmp(*old, name, strlen(*old)) == 0)
			return strlen(*old);
	}
	return 0;
}

/* Returns the character of a name, 0 if it is unknown. */
static unichar_t
entity_named(const unsigned char *data, size_t size, bool closed)
{
	const struct entity *entity;
	char name[NAME_BYTES] = "";

	size = I_MIN(size, sizeof(name) - 1);
	for (size_t i = 0; i < size; i++)
		name[i] = ascii_tolower(data[i]);
	entity = junk_name_find(name, sizeof(name), entities,
				N_ELEMENTS(entities), sizeof(*entities));
	if (entity != NULL && (closed || entity->old))
		return entity->chr;
	return ascii_isalpha(name[0]) ? entity_accented(name, closed) : 0;
}

/* The following functions return the size of the entity at data, which begins
   with "&"; 0 if it isn't one. */
static size_t
parse_number(const unsigned char *data, const unsigned char *end,
	     unichar_t *chr_r)
{
	const unsigned char *start, *p = data + 2;
	unsigned int base = 10;
	uint32_t num = 0;
	int value;

	if (p < end && (*p | 0x20) == 'x') {
		base = 16;
		p++;
	}
	for (start = p; p < end; p++) {
		value = ascii_hex_value(*p);
		if (value < 0 || (unsigned int)value >= base)
			break;
		if (num <= MAX_CHR)
			num = num * base + value;
	}
	if (p == start)
		return 0;
	/* HTML 13.2.5.80: numbers of control characters of Latin-1 mean
	   Windows-1252 */
	if (num < 0x100)
		num = junk_charset_cp1252((unsigned char)num);
	*chr_r = uni_is_valid_ucs4(num) && num >= ' ' ? num : ' ';
	return (p < end && *p == ';' ? p + 1 : p) - data;
}

static size_t
parse_name(const unsigned char *data, const unsigned char *end, bool attribute,
	   unichar_t *chr_r)
{
	const unsigned char *p = data + 1;
	size_t size, old_size;

	while (p < end && ascii_isalnum(*p) && p - data <= MAX_NAME_LETTERS)
		p++;
	size = p - data - 1;
	if (size > 0 && p < end && *p == ';') {
		*chr_r = entity_named(data + 1, size, TRUE);
		if (*chr_r == 0) {
			/* an unknown symbol */
			*chr_r = ' ';
		}
		return size + 2;
	}
	if (attribute && p < end && *p == '=')
		return 0;
	old_size = old_name_size(data + 1, size);
	if (old_size == 0 || (attribute && old_size < size))
		return 0;
	*chr_r = entity_named(data + 1, old_size, FALSE);
	return *chr_r != 0 ? old_size + 1 : 0;
}

void junk_html_decode_entities(buffer_t *dest, const unsigned char *data,
			       size_t size, bool attribute)
{
	const unsigned char *end = data + size;
	unichar_t chr;
	size_t len;

	while ((data = junk_decode_until(dest, data, end, '&')) < end) {
		len = end - data > 1 && data[1] == '#' ?
			parse_number(data, end, &chr) :
			parse_name(data, end, attribute, &chr);
		if (len == 0) {
			buffer_append_c(dest, '&');
			len = 1;
		} else {
			uni_ucs4_to_utf8_c(chr, dest);
		}
		data += len;
	}
}

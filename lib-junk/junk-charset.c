#include "lib.h"
#include "buffer.h"
#include "unichar.h"
#include "charset-utf8.h"
#include "junk-ascii.h"
#include "junk-charset.h"

/* Translations that are kept open. */
#define MAX_KEPT 8

/* Characters of UTF-8 for each wrong byte, beyond which a text is UTF-8. */
#define UTF8_CHARS_PER_WRONG 4

struct charset_kept {
	char *charset;
	/* NULL if there is no such charset */
	struct charset_translation *trans;
};

struct junk_charsets {
	struct charset_kept kept[MAX_KEPT];
	/* the one that is replaced next */
	unsigned int next;
};

/* What is declared and what it is in practice (WHATWG Encoding Standard). */
static const struct {
	const char *declared, *real;
} charset_aliases[] = {
	{ "gb2312", "GB18030" },
	{ "gb_2312-80", "GB18030" },
	{ "gbk", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ks_c_5601", "CP949" },
	{ "euc-kr", "CP949" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "big5", "BIG5-HKSCS" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-9", "CP1254" },
	{ "tis-620", "CP874" },
	{ "windows-874", "CP874" },
};

static const uint16_t cp1252_high[32] = {
	0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
};

unichar_t junk_charset_cp1252(unsigned char byte)
{
	return byte >= 0x80 && byte < 0xa0 ? cp1252_high[byte - 0x80] : byte;
}

static void
decode_cp1252(buffer_t *dest, const unsigned char *data, size_t size)
{
	size_t start = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] < 0x80)
			continue;
		buffer_append(dest, data + start, i - start);
		uni_ucs4_to_utf8_c(junk_charset_cp1252(data[i]), dest);
		start = i + 1;
	}
	buffer_append(dest, data + start, size - start);
}

/* Bytes of a character that is cut off at the end. */
static size_t utf8_cut_off(const unsigned char *data, size_t size)
{
	for (unsigned int back = 1; back <= 3 && back <= size; back++) {
		unsigned char c = data[size - back];

		if ((c & 0xc0) != 0x80)
			return c >= 0xc2 && uni_utf8_char_bytes(c) > back ?
				back : 0;
	}
	return 0;
}

/* Append UTF-8, without a character that is cut off at the end and without a few
   wrong bytes. Returns FALSE, with nothing appended, if it isn't UTF-8. */
static bool
decode_utf8(buffer_t *dest, const unsigned char *data, size_t size)
{
	size_t cut = utf8_cut_off(data, size), end = size - cut;
	size_t used = dest->used, start = 0, chars = 0, wrong = 0, i = 0;
	unichar_t chr;
	int len;

	while (i < end) {
		if (data[i] < 0x80) {
			i++;
			continue;
		}
		len = uni_utf8_get_char_n(data + i, end - i, &chr);
		if (len > 0) {
			chars++;
			i += len;
			continue;
		}
		buffer_append(dest, data + start, i - start);
		wrong++;
		start = ++i;
	}
	buffer_append(dest, data + start, end - start);
	if (wrong == 0 || chars > (wrong + cut) * UTF8_CHARS_PER_WRONG)
		return TRUE;
	buffer_set_used_size(dest, used);
	return FALSE;
}

static bool charset_is_cp1252(const char *charset)
{
	return strcasecmp(charset, "iso-8859-1") == 0 ||
		strcasecmp(charset, "windows-1252") == 0 ||
		strcasecmp(charset, "latin1") == 0 ||
		strcasecmp(charset, "cp1252") == 0;
}

static const char *charset_real(const char *charset)
{
	for (unsigned int i = 0; i < N_ELEMENTS(charset_aliases); i++) {
		if (strcasecmp(charset_aliases[i].declared, charset) == 0)
			return charset_aliases[i].real;
	}
	return charset;
}

static void charset_kept_free(struct charset_kept *kept)
{
	if (kept->trans != NULL)
		charset_to_utf8_end(&kept->trans);
	i_free(kept->charset);
}

/* Returns NULL if there is no such charset. */
static struct charset_translation *
charset_open(struct junk_charsets *charsets, const char *charset)
{
	struct charset_kept *kept;

	for (unsigned int i = 0; i < MAX_KEPT; i++) {
		kept = &charsets->kept[i];
		if (kept->charset == NULL ||
		    strcasecmp(kept->charset, charset) != 0)
			continue;
		if (kept->trans != NULL)
			charset_to_utf8_reset(kept->trans);
		return kept->trans;
	}
	kept = &charsets->kept[charsets->next];
	charsets->next = (charsets->next + 1) % MAX_KEPT;
	charset_kept_free(kept);
	kept->charset = i_strdup(charset);
	if (charset_to_utf8_begin(charset_real(charset), NULL,
				  &kept->trans) < 0)
		kept->trans = NULL;
	return kept->trans;
}

/* Returns FALSE if there is no such charset. */
static bool
decode_iconv(struct junk_charsets *charsets, buffer_t *dest,
	     const char *charset, const unsigned char *data, size_t size)
{
	struct charset_translation *trans = charset_open(charsets, charset);
	size_t pos, used = dest->used;

	if (trans == NULL)
		return FALSE;
	while (size > 0) {
		pos = size;
		(void)charset_to_utf8(trans, data, &pos, dest);
		if (pos == 0)
			break;
		data += pos;
		size -= pos;
	}
	/* whatever iconv did: what follows relies on valid UTF-8 */
	if (!uni_utf8_data_is_valid(CONST_PTR_OFFSET(dest->data, used),
				    dest->used - used)) {
		buffer_set_used_size(dest, used);
		return FALSE;
	}
	return TRUE;
}

static bool data_is_ascii(const unsigned char *data, size_t size)
{
	uint64_t words[4];

	for (; size >= sizeof(words); data += sizeof(words), size -= sizeof(words)) {
		memcpy(words, data, sizeof(words));
		if (((words[0] | words[1] | words[2] | words[3]) &
		     UINT64_C(0x8080808080808080)) != 0)
			return FALSE;
	}
	for (; size > 0; data++, size--) {
		if (*data >= 0x80)
			return FALSE;
	}
	return TRUE;
}

/* Much text in an 8-bit charset has no 8-bit character: iconv needs several
   times as long for it. */
static bool charset_has_ascii(const char *charset)
{
	static const char *const prefixes[] = {
		"iso-8859-", "windows-125", "koi8-", "gb", "big5", "euc-",
		"ks_c_5601",
	};

	for (unsigned int i = 0; i < N_ELEMENTS(prefixes); i++) {
		if (strncasecmp(charset, prefixes[i],
				strlen(prefixes[i])) == 0)
			return TRUE;
	}
	return FALSE;
}

/* What 8-bit text that says no true charset is read as, NULL = Windows-1252.
   That need not be true: the same word must give the same letters, and different
   words different ones. Letters beyond ASCII stand beside ASCII ones in Western
   text and beside each other in any other. Where two bytes are a character the
   second one is often below 0xc0. */
static const char *charset_guess(const unsigned char *data, size_t size)
{
	size_t pairs = 0, adjoining = 0, low = 0, high = 0, i = 0;
	bool after_pair = FALSE;

	while (i + 1 < size) {
		unsigned char first = data[i], second = data[i + 1];

		/* twice the same one: a line of dots */
		if (first <= 0x80 || first == second || second < 0x40 ||
		    second == 0x7f || second == 0xff) {
			after_pair = FALSE;
			i++;
			continue;
		}
		pairs++;
		if (after_pair)
			adjoining++;
		if (second < 0xc0)
			low++;
		if (first >= 0xe0)
			high++;
		after_pair = TRUE;
		i += 2;
	}
	if (adjoining * 4 <= pairs)
		return NULL;
	if (low >= pairs / 8 + 1)
		return "GB18030";
	/* the small letters are the upper half in one, the lower in the other */
	return high > pairs / 2 ? "CP1251" : "KOI8-R";
}

/* UTF-8, Latin-1, or nothing that is known */
static void
decode_plain(struct junk_charsets *charsets, buffer_t *dest,
	     const unsigned char *data, size_t size)
{
	const char *charset;

	/* UTF-8 also when declared to be Latin-1: text that is valid UTF-8 by
	   chance is rare, the wrong label is not */
	if (data_is_ascii(data, size)) {
		buffer_append(dest, data, size);
		return;
	}
	if (decode_utf8(dest, data, size))
		return;
	charset = charset_guess(data, size);
	if (charset == NULL ||
	    !decode_iconv(charsets, dest, charset, data, size))
		decode_cp1252(dest, data, size);
}

void junk_charset_decode(struct junk_charsets *charsets, buffer_t *dest,
			 const char *charset, const unsigned char *data,
			 size_t size)
{
	if (charset == NULL || charset_is_utf8(charset) ||
	    charset_is_cp1252(charset) ||
	    (charset_has_ascii(charset) && data_is_ascii(data, size)) ||
	    !decode_iconv(charsets, dest, charset, data, size))
		decode_plain(charsets, dest, data, size);
}

struct junk_charsets *junk_charsets_init(void)
{
	return i_new(struct junk_charsets, 1);
}

void junk_charsets_deinit(struct junk_charsets **_charsets)
{
	struct junk_charsets *charsets = *_charsets;

	if (charsets == NULL)
		return;
	*_charsets = NULL;
	for (unsigned int i = 0; i < MAX_KEPT; i++)
		charset_kept_free(&charsets->kept[i]);
	i_free(charsets);
}

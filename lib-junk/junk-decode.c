#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "unichar.h"
#include "charset-utf8.h"
#include "junk-ascii.h"
#include "junk-decode.h"

/* Bytes of an RFC 2047 charset name. */
#define MAX_CHARSET_BYTES 40
/* Bytes of an encoded word's text (the RFC allows 75): a search without limit
   takes quadratic time. */
#define MAX_ENCODED_WORD_BYTES 512

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

/* Size of a soft line break "=", [blanks], [CR], LF; 0 if it isn't one. */
static size_t
qp_soft_break(const unsigned char *data, size_t size)
{
	size_t i = 1;

	while (i < size && (data[i] == ' ' || data[i] == '\t'))
		i++;
	if (i < size && data[i] == '\r')
		i++;
	if (i == size)
		return i;
	return data[i] == '\n' ? i + 1 : 0;
}

void junk_decode_qp(buffer_t *dest, const unsigned char *data, size_t size)
{
	const unsigned char *p, *end = data + size;
	size_t skip;

	while (data < end) {
		p = memchr(data, '=', end - data);
		if (p == NULL)
			p = end;
		buffer_append(dest, data, p - data);
		data = p;
		if (data == end)
			break;
		if (end - data >= 3 && ascii_hex_value(data[1]) >= 0 &&
		    ascii_hex_value(data[2]) >= 0) {
			buffer_append_c(dest, ascii_hex_value(data[1]) * 16 +
					ascii_hex_value(data[2]));
			data += 3;
		} else if ((skip = qp_soft_break(data, end - data)) > 0) {
			data += skip;
		} else {
			buffer_append_c(dest, '=');
			data++;
		}
	}
}

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

void junk_decode_base64(buffer_t *dest, const unsigned char *data, size_t size)
{
	unsigned char *out, *start;
	uint32_t bits = 0;
	unsigned int count = 0;
	size_t used = dest->used;
	int value;

	start = out = buffer_append_space_unsafe(dest, size / 4 * 3 + 3);
	for (size_t i = 0; i < size; i++) {
		value = base64_value(data[i]);
		if (value < 0) {
			/* padding: what follows is a new run */
			if (data[i] == '=')
				count = 0;
			continue;
		}
		bits = (bits << 6) | (uint32_t)value;
		switch (count++) {
		case 1:
			*out++ = (bits >> 4) & 0xff;
			break;
		case 2:
			*out++ = (bits >> 2) & 0xff;
			break;
		case 3:
			*out++ = bits & 0xff;
			count = 0;
			break;
		}
	}
	buffer_set_used_size(dest, used + (out - start));
}

static void
decode_cp1252(buffer_t *dest, const unsigned char *data, size_t size)
{
	size_t start = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] < 0x80)
			continue;
		buffer_append(dest, data + start, i - start);
		uni_ucs4_to_utf8_c(data[i] < 0xa0 ?
				   cp1252_high[data[i] - 0x80] : data[i], dest);
		start = i + 1;
	}
	buffer_append(dest, data + start, size - start);
}

/* TRUE if valid but for a character that is cut off at the end, whose size is
   set to tail_r. */
static bool
utf8_is_valid(const unsigned char *data, size_t size, size_t *tail_r)
{
	size_t i = size;

	*tail_r = 0;
	for (unsigned int back = 1; back <= 3 && back <= size; back++) {
		if ((data[size - back] & 0xc0) == 0x80)
			continue;
		if (data[size - back] >= 0xc2 &&
		    uni_utf8_char_bytes(data[size - back]) > back) {
			*tail_r = back;
			i = size - back;
		}
		break;
	}
	return uni_utf8_data_is_valid(data, i);
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

/* Returns FALSE if there is no such charset. */
static bool
decode_iconv(buffer_t *dest, const char *charset,
	     const unsigned char *data, size_t size)
{
	struct charset_translation *trans;
	size_t pos, used = dest->used;

	if (charset_to_utf8_begin(charset_real(charset), NULL, &trans) < 0)
		return FALSE;
	while (size > 0) {
		pos = size;
		(void)charset_to_utf8(trans, data, &pos, dest);
		if (pos == 0)
			break;
		data += pos;
		size -= pos;
	}
	charset_to_utf8_end(&trans);
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
	uint64_t word;

	for (; size >= sizeof(word); data += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		if ((word & UINT64_C(0x8080808080808080)) != 0)
			return FALSE;
	}
	for (; size > 0; data++, size--) {
		if (*data >= 0x80)
			return FALSE;
	}
	return TRUE;
}

void junk_decode_charset(buffer_t *dest, const char *charset,
			 const unsigned char *data, size_t size)
{
	size_t tail;

	if (charset != NULL && charset_is_utf8(charset))
		charset = NULL;
	if (charset == NULL || charset_is_cp1252(charset)) {
		if (data_is_ascii(data, size))
			buffer_append(dest, data, size);
		else if (utf8_is_valid(data, size, &tail))
			/* also when declared to be Latin-1: text that is valid
			   UTF-8 by chance is rare, the wrong label is not */
			buffer_append(dest, data, size - tail);
		else
			decode_cp1252(dest, data, size);
	} else if (!decode_iconv(dest, charset, data, size)) {
		junk_decode_charset(dest, NULL, data, size);
	}
}

struct encoded_word {
	const unsigned char *charset, *text, *end;
	size_t charset_size, text_size;
	char encoding;
};

/* Parse "=?charset?B?text?=" at data. */
static bool
encoded_word_parse(const unsigned char *data, const unsigned char *end,
		   struct encoded_word *word_r)
{
	const unsigned char *p, *lang;

	data += 2;
	p = memchr(data, '?', I_MIN(end - data, MAX_CHARSET_BYTES + 1));
	if (p == NULL || end - p < 4 || p[2] != '?')
		return FALSE;
	word_r->charset = data;
	/* RFC 2231: charset*language */
	lang = memchr(data, '*', p - data);
	word_r->charset_size = (lang != NULL ? lang : p) - data;
	word_r->encoding = ascii_toupper(p[1]);
	if (word_r->encoding != 'Q' && word_r->encoding != 'B')
		return FALSE;
	word_r->text = p + 3;
	if (end - word_r->text > MAX_ENCODED_WORD_BYTES)
		end = word_r->text + MAX_ENCODED_WORD_BYTES;
	for (p = word_r->text; p + 1 < end; p++) {
		if (p[0] == '?' && p[1] == '=') {
			word_r->text_size = p - word_r->text;
			word_r->end = p + 2;
			return TRUE;
		}
	}
	return FALSE;
}

static void
encoded_word_decode(const struct encoded_word *word, buffer_t *raw)
{
	if (word->encoding == 'B') {
		junk_decode_base64(raw, word->text, word->text_size);
		return;
	}
	size_t used = raw->used;
	junk_decode_qp(raw, word->text, word->text_size);
	unsigned char *decoded =
		buffer_get_space_unsafe(raw, used, raw->used - used);
	for (size_t i = 0; i < raw->used - used; i++) {
		if (decoded[i] == '_')
			decoded[i] = ' ';
	}
}

/* Flush raw bytes that were collected from words of one charset. */
static void
header_flush(buffer_t *dest, buffer_t *raw, const char *charset)
{
	if (raw->used > 0)
		junk_decode_charset(dest, charset, raw->data, raw->used);
	buffer_set_used_size(raw, 0);
}

static bool blank(const unsigned char *data, const unsigned char *end)
{
	for (; data < end; data++) {
		if (*data != ' ' && *data != '\t' &&
		    *data != '\r' && *data != '\n')
			return FALSE;
	}
	return TRUE;
}

static const unsigned char *
header_find_word(const unsigned char *data, const unsigned char *end,
		 struct encoded_word *word_r)
{
	const unsigned char *p = data;

	while ((p = memchr(p, '=', end - p)) != NULL) {
		if (end - p > 2 && p[1] == '?' &&
		    encoded_word_parse(p, end, word_r))
			return p;
		p++;
	}
	return NULL;
}

static void
decode_header_words(buffer_t *dest, const unsigned char *data,
		    const unsigned char *end)
{
	struct encoded_word word;
	const unsigned char *p;
	char charset[MAX_CHARSET_BYTES + 1] = "";
	buffer_t *raw = t_buffer_create(256);

	/* Consecutive words of one charset are put together before they are
	   translated: some senders split characters. */
	while ((p = header_find_word(data, end, &word)) != NULL) {
		bool adjacent = raw->used > 0 && blank(data, p);
		if (!adjacent ||
		    strlen(charset) != word.charset_size ||
		    memcmp(charset, word.charset, word.charset_size) != 0) {
			header_flush(dest, raw, charset);
			memcpy(charset, word.charset, word.charset_size);
			charset[word.charset_size] = '\0';
		}
		if (!adjacent)
			junk_decode_charset(dest, NULL, data, p - data);
		encoded_word_decode(&word, raw);
		data = word.end;
	}
	header_flush(dest, raw, charset);
	junk_decode_charset(dest, NULL, data, end - data);
}

void junk_decode_header(buffer_t *dest, const unsigned char *data, size_t size)
{
	T_BEGIN {
		decode_header_words(dest, data, data + size);
	} T_END;
}

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-decode.h"

/* Bytes of an RFC 2047 charset name. */
#define MAX_CHARSET_BYTES 40
/* Bytes of an encoded word's text (the RFC allows 75): a search without limit
   takes quadratic time. */
#define MAX_ENCODED_WORD_BYTES 512

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

const unsigned char *
junk_decode_until(buffer_t *dest, const unsigned char *data,
		  const unsigned char *end, unsigned char special)
{
	const unsigned char *p = memchr(data, special, end - data);

	if (p == NULL)
		p = end;
	buffer_append(dest, data, p - data);
	return p;
}

void junk_decode_qp(buffer_t *dest, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size;
	int high, low;
	size_t skip;

	while ((data = junk_decode_until(dest, data, end, '=')) < end) {
		if (end - data >= 3 && (high = ascii_hex_value(data[1])) >= 0 &&
		    (low = ascii_hex_value(data[2])) >= 0) {
			buffer_append_c(dest, high * 16 + low);
			data += 3;
		} else if ((skip = qp_soft_break(data, end - data)) > 0) {
			data += skip;
		} else {
			buffer_append_c(dest, '=');
			data++;
		}
	}
}

#define RANGE4(first, value) \
	[first] = value, [(first) + 1] = (value) + 1, \
	[(first) + 2] = (value) + 2, [(first) + 3] = (value) + 3
#define RANGE26(first, value) \
	RANGE4(first, value), RANGE4((first) + 4, (value) + 4), \
	RANGE4((first) + 8, (value) + 8), RANGE4((first) + 12, (value) + 12), \
	RANGE4((first) + 16, (value) + 16), \
	RANGE4((first) + 20, (value) + 20), \
	[(first) + 24] = (value) + 24, [(first) + 25] = (value) + 25

/* One more than the digit's value, also in the alphabet for URLs; 0 = none */
static const unsigned char base64_digits[256] = {
	RANGE26('A', 1), RANGE26('a', 27),
	RANGE4('0', 53), RANGE4('4', 57), ['8'] = 61, ['9'] = 62,
	['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};

void junk_decode_base64(buffer_t *dest, const unsigned char *data, size_t size)
{
	unsigned char *out, *start;
	uint32_t bits = 0;
	unsigned int count = 0, digit;
	size_t used = dest->used;

	start = out = buffer_append_space_unsafe(dest, size / 4 * 3 + 3);
	for (size_t i = 0; i < size; i++) {
		digit = base64_digits[data[i]];
		if (digit == 0) {
			/* padding: what follows is a new run */
			if (data[i] == '=')
				count = 0;
			continue;
		}
		bits = (bits << 6) | (digit - 1);
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
header_flush(struct junk_charsets *charsets, buffer_t *dest, buffer_t *raw,
	     const char *charset)
{
	if (raw->used > 0) {
		junk_charset_decode(charsets, dest, charset, raw->data,
				    raw->used);
	}
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

/* word: the first one, at p. Returns what follows the last one. */
static const unsigned char *
decode_header_words(struct junk_charsets *charsets, buffer_t *dest,
		    const unsigned char *data, const unsigned char *p,
		    const unsigned char *end, struct encoded_word *word)
{
	char charset[MAX_CHARSET_BYTES + 1] = "";
	buffer_t *raw = t_buffer_create(256);

	/* Consecutive words of one charset are put together before they are
	   translated: some senders split characters. */
	do {
		bool adjacent = raw->used > 0 && blank(data, p);
		if (!adjacent ||
		    strlen(charset) != word->charset_size ||
		    memcmp(charset, word->charset, word->charset_size) != 0) {
			header_flush(charsets, dest, raw, charset);
			memcpy(charset, word->charset, word->charset_size);
			charset[word->charset_size] = '\0';
		}
		if (!adjacent)
			junk_charset_decode(charsets, dest, NULL, data,
					    p - data);
		encoded_word_decode(word, raw);
		data = word->end;
	} while ((p = header_find_word(data, end, word)) != NULL);
	header_flush(charsets, dest, raw, charset);
	return data;
}

void junk_decode_header(struct junk_charsets *charsets, buffer_t *dest,
			const unsigned char *data, size_t size)
{
	const unsigned char *p, *end = data + size;
	struct encoded_word word;

	p = header_find_word(data, end, &word);
	if (p != NULL) T_BEGIN {
		data = decode_header_words(charsets, dest, data, p, end,
					   &word);
	} T_END;
	junk_charset_decode(charsets, dest, NULL, data, end - data);
}

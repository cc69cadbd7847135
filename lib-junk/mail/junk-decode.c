/* See junk-decode.h. */

#define _GNU_SOURCE /* for memmem() */
#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-decode.h"

/* Maximum size of a charset name in an encoded word. */
#define MAX_CHARSET_BYTES 40

/* Returns the size of a soft line break ("=", [blanks], [CR], LF); 0 if it
   isn't one. */
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

/* Value of a digit + 1; 0 = not a digit. The URL-safe alphabet is excluded: RFC
   2045 says to ignore other characters, and mail clients do. */
static const unsigned char base64_digits[256] = {
	RANGE26('A', 1), RANGE26('a', 27),
	RANGE4('0', 53), RANGE4('4', 57), ['8'] = 61, ['9'] = 62,
	['+'] = 63, ['/'] = 64,
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
			/* padding: a new run may follow */
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

/* --- uuencode --- */

static const unsigned char *
line_end(const unsigned char *data, const unsigned char *end)
{
	const unsigned char *p = memchr(data, '\n', end - data);

	return p == NULL ? end : p;
}

/* Returns the number of bytes that a line encodes, -1 if it isn't a line of
   uuencode. Programs may remove spaces at its end. */
static int uu_line_bytes(const unsigned char *line, const unsigned char *end)
{
	unsigned int bytes;

	if (end > line && end[-1] == '\r')
		end--;
	if (line == end || *line < ' ' || *line > '`')
		return -1;
	bytes = (*line - ' ') & 0x3f;
	/* a checksum, and one for a removed space */
	if ((size_t)(end - line) > 1 + (bytes + 2) / 3 * 4 + 2)
		return -1;
	for (; line < end; line++) {
		if (*line < ' ' || *line > '`')
			return -1;
	}
	return bytes;
}

static void
uu_line(buffer_t *dest, const unsigned char *line, const unsigned char *end,
	unsigned int bytes)
{
	uint32_t bits = 0;

	line++;
	for (unsigned int i = 0; bytes > 0; i++) {
		bits = (bits << 6) |
			(line < end ? (*line++ - ' ') & 0x3f : 0);
		if (i % 4 == 0)
			continue;
		buffer_append_c(dest, (bits >> (6 - i % 4 * 2)) & 0xff);
		bytes--;
	}
}

/* Returns TRUE for "begin", a mode and a name, which is set in file_r. */
static bool
uu_is_begin(const unsigned char *line, const unsigned char *end,
	    struct junk_uu_file *file_r, bool *base64_r)
{
	const unsigned char *p = line + 5;

	if (end - line < 9 || memcmp(line, "begin", 5) != 0)
		return FALSE;
	*base64_r = end - p > 8 && memcmp(p, "-base64", 7) == 0;
	if (*base64_r)
		p += 7;
	if (*p++ != ' ')
		return FALSE;
	for (line = p; p < end && *p >= '0' && *p <= '7'; )
		p++;
	if (p - line < 3 || p - line > 4 || p == end || *p != ' ')
		return FALSE;
	if (end[-1] == '\r')
		end--;
	file_r->name = ++p;
	file_r->name_size = end > p ? end - p : 0;
	return TRUE;
}

void junk_decode_uu(buffer_t *dest, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *next;
	struct junk_uu_file file;
	bool base64 = FALSE;
	int bytes;

	for (; data < end; data = next + 1) {
		next = line_end(data, end);
		if (uu_is_begin(data, next, &file, &base64)) {
			if (base64 && next < end) {
				junk_decode_base64(dest, next, end - next);
				break;
			}
			continue;
		}
		bytes = uu_line_bytes(data, next);
		if (bytes > 0)
			uu_line(dest, data, next, bytes);
	}
}

/* Returns where the file's lines end, including "end" or "====". */
static const unsigned char *
uu_file_end(const unsigned char *data, const unsigned char *end, bool base64)
{
	const unsigned char *next;

	for (; data < end; data = I_MIN(next + 1, end)) {
		next = line_end(data, end);
		if (next - data >= 3 && memcmp(data, "end", 3) == 0)
			return next;
		if (base64 && next - data >= 4 && memcmp(data, "====", 4) == 0)
			return next;
		if (base64 ? memchr(data, ' ', next - data) != NULL :
		    uu_line_bytes(data, next) < 0 && next - data > 1)
			return data;
	}
	return end;
}

bool junk_decode_find_uu(const unsigned char *data, const unsigned char *end,
			 struct junk_uu_file *file_r)
{
	const unsigned char *p, *next;
	bool base64;

	for (p = data; p < end; p = next + 1) {
		next = line_end(p, end);
		if (*p == 'b' && next < end &&
		    uu_is_begin(p, next, file_r, &base64)) {
			file_r->start = p;
			file_r->end = uu_file_end(next + 1, end, base64);
			if (file_r->end > next + 1)
				return TRUE;
		}
	}
	return FALSE;
}

/* --- RFC 2047 --- */

struct encoded_word {
	/* No encoded word from here on is closed. Search only once, since
	   otherwise each "=?x?q?" would scan all the rest. */
	bool never_closed;
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
	if (word_r->never_closed)
		return FALSE;
	p = memmem(word_r->text, end - word_r->text, "?=", 2);
	if (p == NULL) {
		word_r->never_closed = TRUE;
		return FALSE;
	}
	word_r->text_size = p - word_r->text;
	word_r->end = p + 2;
	return TRUE;
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

/* Decode the bytes collected from words of one charset. */
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

/* Decode adjacent words. word: the first one, which is at p. Returns what
   follows the last one. */
static const unsigned char *
decode_header_words(struct junk_charsets *charsets, buffer_t *dest,
		    const unsigned char *data, const unsigned char *p,
		    const unsigned char *end, struct encoded_word *word)
{
	char charset[MAX_CHARSET_BYTES + 1] = "";
	buffer_t *raw = t_buffer_create(256);

	/* Bytes of consecutive words in one charset are joined before they are
	   converted, since some senders split characters. */
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
	struct encoded_word word = { .never_closed = FALSE };

	p = header_find_word(data, end, &word);
	if (p != NULL) T_BEGIN {
		data = decode_header_words(charsets, dest, data, p, end,
					   &word);
	} T_END;
	junk_charset_decode(charsets, dest, NULL, data, end - data);
}

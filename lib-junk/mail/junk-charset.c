/* See junk-charset.h. */

#include "lib.h"
#include "buffer.h"
#include "unichar.h"
#include "junk-ascii.h"
#include "junk-limits.h"
#include "junk-name.h"
#include "junk-charset.h"
#include "junk-charset-table.h"

#include <errno.h>
#include <iconv.h>

/* Minimum number of UTF-8 characters per wrong byte in a text that is UTF-8. */
#define UTF8_CHARS_PER_WRONG 4
/* Minimum number of valid UTF-8 characters that can't be chance in a text of
   another charset, with single bytes and with double bytes. */
#define UTF8_CHARS_SINGLE 2
#define UTF8_CHARS_DOUBLE 4
/* One in so many bytes may be wrong, plus a few. With more of them, the text
   isn't in its declared charset; each also costs as much time as many valid
   ones. */
#define BYTES_PER_WRONG 16
#define MIN_WRONG 16
/* Size of iconv's output buffer. */
#define ICONV_BYTES 4096
/* Maximum size of a name that is passed to iconv. */
#define MAX_NAME_BYTES 40

#define NO_ICONV ((iconv_t)-1)
#define ESC 0x1b

/* Charsets that are decoded by iconv. */
static const char *const iconv_names[CHARSET_NONE] = {
	[CHARSET_UTF_7] = "UTF-7",
	[CHARSET_GB18030] = "GB18030",
	[CHARSET_BIG5] = "BIG5-HKSCS",
	[CHARSET_SHIFT_JIS] = "CP932",
	[CHARSET_EUC_JP] = "EUC-JP-MS",
	[CHARSET_EUC_KR] = "CP949",
	[CHARSET_ISO_2022_KR] = "ISO-2022-KR",
};

struct charset_iconv {
	iconv_t conv;
	bool tried;
};

struct junk_charsets {
	struct charset_iconv convs[CHARSET_NONE];
	/* the last charset that isn't in iconv_names */
	struct charset_iconv other;
	char other_name[MAX_NAME_BYTES];
	unsigned int other_opens;
	/* text that was converted to a charset that iconv knows */
	buffer_t *text;
};

unichar_t junk_charset_cp1252(unsigned char byte)
{
	return byte < 0x80 ? byte :
		charset_high[CHARSET_WINDOWS_1252][byte - 0x80];
}

/* Append a character. Returns where the next one goes. */
static inline unsigned char *put_utf8(unsigned char *dest, unichar_t chr)
{
	if (chr < 0x80) {
		*dest++ = chr;
	} else if (chr < 0x800) {
		*dest++ = 0xc0 | (chr >> 6);
		*dest++ = 0x80 | (chr & 0x3f);
	} else if (chr < 0x10000) {
		*dest++ = 0xe0 | (chr >> 12);
		*dest++ = 0x80 | ((chr >> 6) & 0x3f);
		*dest++ = 0x80 | (chr & 0x3f);
	} else {
		*dest++ = 0xf0 | (chr >> 18);
		*dest++ = 0x80 | ((chr >> 12) & 0x3f);
		*dest++ = 0x80 | ((chr >> 6) & 0x3f);
		*dest++ = 0x80 | (chr & 0x3f);
	}
	return dest;
}

static void
decode_single(buffer_t *dest, const uint16_t high[128],
	      const unsigned char *data, size_t size)
{
	size_t used = dest->used;
	unsigned char *start, *out;

	/* characters of these charsets have at most three bytes */
	start = out = buffer_append_space_unsafe(dest, size * 3);
	for (size_t i = 0; i < size; i++) {
		if (data[i] < 0x80)
			*out++ = data[i];
		else
			out = put_utf8(out, high[data[i] - 0x80]);
	}
	buffer_set_used_size(dest, used + (out - start));
}

static void
decode_utf16(buffer_t *dest, bool big, const unsigned char *data, size_t size)
{
	size_t used = dest->used, pos;
	unsigned char *start, *out;
	unichar_t chr, first = 0;

	if (size >= 2 && data[0] + data[1] == 0xff + 0xfe)
		big = data[0] == 0xfe;
	start = out = buffer_append_space_unsafe(dest, size / 2 * 3 + 3);
	for (pos = 0; pos + 1 < size; pos += 2) {
		chr = big ? (data[pos] << 8) | data[pos + 1] :
			(data[pos + 1] << 8) | data[pos];
		if (chr >= 0xd800 && chr < 0xdc00) {
			first = chr;
			continue;
		}
		if (chr >= 0xdc00 && chr < 0xe000) {
			chr = first == 0 ? UNICODE_REPLACEMENT_CHAR :
				0x10000 + ((first & 0x3ff) << 10) +
				(chr & 0x3ff);
		}
		out = put_utf8(out, chr);
		first = 0;
	}
	buffer_set_used_size(dest, used + (out - start));
}

/* Returns the size of an incomplete character at the end. */
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

/* Append UTF-8 without a few wrong bytes and an incomplete last character.
   Returns FALSE, with nothing appended, if it isn't UTF-8. */
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

/* Returns TRUE if the data is entirely valid UTF-8 with at least min_chars
   characters outside ASCII. */
static bool
data_is_utf8(const unsigned char *data, size_t size, unsigned int min_chars)
{
	size_t end = size - utf8_cut_off(data, size), chars = 0, i = 0;
	unichar_t chr;
	int len;

	while (i < end) {
		if (data[i] < 0x80) {
			i++;
			continue;
		}
		len = uni_utf8_get_char_n(data + i, end - i, &chr);
		if (len <= 0)
			return FALSE;
		chars++;
		i += len;
	}
	return chars >= min_chars;
}

/* --- iconv --- */

static void charset_iconv_close(struct charset_iconv *iconv)
{
	if (iconv->tried && iconv->conv != NO_ICONV)
		(void)iconv_close(iconv->conv);
	iconv->tried = FALSE;
}

static void charset_iconv_open(struct charset_iconv *iconv, const char *name)
{
	iconv->conv = iconv_open("UTF-8", name);
	iconv->tried = TRUE;
}

/* Returns FALSE if too many bytes are wrong; the caller removes what was
   appended. */
static bool
iconv_run(iconv_t conv, buffer_t *dest, const unsigned char *data, size_t size)
{
	const size_t all = size, used = dest->used;
	size_t ret, space, wrong = 0;
	/* not appended directly: a buffer would zero the space after each wrong
	   byte */
	char text[ICONV_BYTES], *out;
	/* iconv() has no const */
	char *in = (char *)data;

	(void)iconv(conv, NULL, NULL, NULL, NULL);
	while (size > 0) {
		out = text;
		space = sizeof(text);
		ret = iconv(conv, &in, &size, &out, &space);
		buffer_append(dest, text, out - text);
		if (ret != (size_t)-1 || errno == E2BIG)
			continue;
		if (errno == EINVAL)
			break;
		wrong++;
		if (wrong > (all - size) / BYTES_PER_WRONG +
		    I_MIN(MIN_WRONG, all / BYTES_PER_WRONG + 2))
			return FALSE;
		uni_ucs4_to_utf8_c(UNICODE_REPLACEMENT_CHAR, dest);
		in++;
		size--;
	}
	/* a last letter that was held for a combining character */
	out = text;
	space = sizeof(text);
	(void)iconv(conv, NULL, NULL, &out, &space);
	buffer_append(dest, text, out - text);
	/* checked again, since other code relies on valid UTF-8 */
	return uni_utf8_data_is_valid(CONST_PTR_OFFSET(dest->data, used),
				      dest->used - used);
}

static bool
decode_with(const struct charset_iconv *iconv, buffer_t *dest,
	    const unsigned char *data, size_t size)
{
	size_t used = dest->used;

	if (iconv->conv == NO_ICONV)
		return FALSE;
	if (iconv_run(iconv->conv, dest, data, size))
		return TRUE;
	buffer_set_used_size(dest, used);
	return FALSE;
}

/* The following functions return FALSE, with nothing appended, if the text
   isn't in the charset. */
static bool
decode_iconv(struct junk_charsets *charsets, buffer_t *dest,
	     enum charset_id id, const unsigned char *data, size_t size)
{
	struct charset_iconv *iconv = &charsets->convs[id];

	if (!iconv->tried)
		charset_iconv_open(iconv, iconv_names[id]);
	return decode_with(iconv, dest, data, size);
}

/* Decode a charset that isn't in iconv_names, if iconv knows it. */
static bool
decode_other(struct junk_charsets *charsets, buffer_t *dest,
	     const char *name, const unsigned char *data, size_t size)
{
	struct charset_iconv *iconv = &charsets->other;

	if (strlen(name) >= MAX_NAME_BYTES ||
	    name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"abcdefghijklmnopqrstuvwxyz0123456789-_:.")] != '\0')
		return FALSE;
	if (!iconv->tried || strcasecmp(charsets->other_name, name) != 0) {
		if (charsets->other_opens == JUNK_MAX_ICONV_OPENS)
			return FALSE;
		charsets->other_opens++;
		charset_iconv_close(iconv);
		charset_iconv_open(iconv, name);
		(void)i_strocpy(charsets->other_name, name,
				sizeof(charsets->other_name));
	}
	return decode_with(iconv, dest, data, size);
}

/* --- charsets with escape sequences --- */

/* Append ISO-2022-JP text as EUC-JP. */
static void
jp_append(buffer_t *dest, const unsigned char *data, size_t size)
{
	/* bytes per character, and the prefix byte in EUC-JP */
	unsigned int bytes = 1, before = 0;
	size_t i = 0;

	while (i < size) {
		if (data[i] == ESC && size - i >= 3) {
			const unsigned char *p = data + i + 1;

			before = 0;
			bytes = p[0] == '$' ? 2 : 1;
			if (p[0] == '(' && p[1] == 'I')
				before = 0x8e;
			i += 3;
			if (p[0] == '$' && p[1] == '(') {
				before = p[2] == 'D' ? 0x8f : 0;
				i++;
			}
			continue;
		}
		if (data[i] <= ' ' || (bytes == 1 && before == 0)) {
			/* ASCII, including line ends */
			buffer_append_c(dest, data[i++]);
			continue;
		}
		if (size - i < bytes)
			break;
		if (before != 0)
			buffer_append_c(dest, before);
		for (unsigned int j = 0; j < bytes; j++)
			buffer_append_c(dest, data[i++] | 0x80);
	}
}

/* iconv's own ISO-2022-JP supports only JIS X 0208. Mail has many circled
   digits, units and names from Microsoft's extension, which its EUC-JP
   supports. */
static bool
decode_iso_2022_jp(struct junk_charsets *charsets, buffer_t *dest,
		   const unsigned char *data, size_t size)
{
	buffer_set_used_size(charsets->text, 0);
	jp_append(charsets->text, data, size);
	return decode_iconv(charsets, dest, CHARSET_EUC_JP,
			    charsets->text->data, charsets->text->used);
}

/* HZ (RFC 1843), which iconv doesn't support */
static bool
decode_hz(struct junk_charsets *charsets, buffer_t *dest,
	  const unsigned char *data, size_t size)
{
	buffer_t *text = charsets->text;
	bool chinese = FALSE;

	buffer_set_used_size(text, 0);
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '~' && i + 1 < size) {
			i++;
			if (data[i] == '{' || data[i] == '}')
				chinese = data[i] == '{';
			else if (data[i] == '~')
				buffer_append_c(text, '~');
			continue;
		}
		if (data[i] == '\n')
			chinese = FALSE;
		buffer_append_c(text, chinese && data[i] > ' ' ?
				data[i] | 0x80 : data[i]);
	}
	return decode_iconv(charsets, dest, CHARSET_GB18030, text->data,
			    text->used);
}

static bool has_jp_escape(const unsigned char *data, size_t size)
{
	const unsigned char *p = data, *end = data + size;

	while ((p = memchr(p, ESC, end - p)) != NULL && end - p >= 3) {
		if (p[1] == '$' && (p[2] == '@' || p[2] == 'B'))
			return TRUE;
		p++;
	}
	return FALSE;
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

/* --- declared and real charsets --- */

static enum charset_id charset_find(const char *charset)
{
	const struct charset_name *row;
	char name[CHARSET_NAME_BYTES];
	size_t len = 0;

	memset(name, 0, sizeof(name));
	for (; *charset != '\0'; charset++) {
		if (!ascii_isalnum(*charset))
			continue;
		if (len == sizeof(name) - 1)
			return CHARSET_NONE;
		name[len++] = ascii_tolower(*charset);
	}
	row = junk_name_find(name, sizeof(name), charset_names,
			     N_ELEMENTS(charset_names), sizeof(*charset_names));
	return row == NULL ? CHARSET_NONE : row->id;
}

static bool has_utf16_mark(const unsigned char *data, size_t size)
{
	return size >= 4 && size % 2 == 0 &&
		((data[0] == 0xff && data[1] == 0xfe) ||
		 (data[0] == 0xfe && data[1] == 0xff));
}

/* Guess the charset of 8-bit text without a correct label. The result needn't
   be right: equal words must give equal letters, and different words different
   ones. In Western text, letters outside ASCII stand beside ASCII letters, in
   other text beside each other. In double-byte charsets, the second byte is
   often below 0xc0. */
static enum charset_id charset_guess(const unsigned char *data, size_t size)
{
	size_t pairs = 0, adjoining = 0, low = 0, high = 0, i = 0;
	bool after_pair = FALSE;

	while (i + 1 < size) {
		unsigned char first = data[i], second = data[i + 1];

		/* a repeated byte, such as a line of dots */
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
		return CHARSET_WINDOWS_1252;
	if (low >= pairs / 8 + 1)
		return CHARSET_GB18030;
	/* small letters are in the upper half of Windows-1251 and in the lower
	   half of KOI8-R */
	return high > pairs / 2 ? CHARSET_WINDOWS_1251 : CHARSET_KOI8_R;
}

/* Decode text with a missing, unknown or unreliable label. */
static void
decode_plain(struct junk_charsets *charsets, buffer_t *dest,
	     const unsigned char *data, size_t size)
{
	enum charset_id id;

	/* text declared as Latin-1 is checked for UTF-8, too: text that is
	   valid UTF-8 by chance is rare, a wrong label is common */
	if (data_is_ascii(data, size)) {
		if (!has_jp_escape(data, size) ||
		    !decode_iso_2022_jp(charsets, dest, data, size))
			buffer_append(dest, data, size);
		return;
	}
	if (has_utf16_mark(data, size)) {
		decode_utf16(dest, FALSE, data, size);
		return;
	}
	if (decode_utf8(dest, data, size))
		return;
	id = charset_guess(data, size);
	if (id < CHARSET_SINGLE_COUNT)
		decode_single(dest, charset_high[id], data, size);
	else if (!decode_iconv(charsets, dest, id, data, size))
		decode_single(dest, charset_high[CHARSET_WINDOWS_1252],
			      data, size);
}

/* Returns FALSE, with nothing appended, if the text isn't in the declared
   charset. */
static bool
decode_declared(struct junk_charsets *charsets, buffer_t *dest,
		enum charset_id id, const char *name,
		const unsigned char *data, size_t size)
{
	bool ascii = data_is_ascii(data, size);

	switch (id) {
	case CHARSET_UTF_8:
	case CHARSET_WINDOWS_1252:
		return FALSE;
	case CHARSET_NONE:
		return name != NULL &&
			(!ascii || memchr(data, '\0', size) != NULL) &&
			decode_other(charsets, dest, name, data, size);
	case CHARSET_UTF_16LE:
	case CHARSET_UTF_16BE:
		if (ascii && memchr(data, '\0', size) == NULL)
			return FALSE;
		decode_utf16(dest, id == CHARSET_UTF_16BE, data, size);
		return TRUE;
	case CHARSET_ISO_2022_JP:
		return ascii && decode_iso_2022_jp(charsets, dest, data, size);
	case CHARSET_HZ:
		return ascii && decode_hz(charsets, dest, data, size);
	case CHARSET_UTF_7:
	case CHARSET_ISO_2022_KR:
		return ascii && decode_iconv(charsets, dest, id, data, size);
	default:
		break;
	}
	if (ascii)
		return FALSE;
	if (id >= CHARSET_SINGLE_COUNT)
		return !data_is_utf8(data, size, UTF8_CHARS_DOUBLE) &&
			decode_iconv(charsets, dest, id, data, size);
	if (data_is_utf8(data, size, UTF8_CHARS_SINGLE))
		return FALSE;
	decode_single(dest, charset_high[id], data, size);
	return TRUE;
}

void junk_charset_decode(struct junk_charsets *charsets, buffer_t *dest,
			 const char *charset, const unsigned char *data,
			 size_t size)
{
	enum charset_id id = charset == NULL ? CHARSET_UTF_8 :
		charset_find(charset);

	if (size > 0 &&
	    !decode_declared(charsets, dest, id, charset, data, size))
		decode_plain(charsets, dest, data, size);
	if (charsets->text->used > JUNK_MAX_KEPT_BYTES) {
		buffer_free(&charsets->text);
		charsets->text = buffer_create_dynamic(default_pool, 1024);
	}
}

struct junk_charsets *junk_charsets_init(void)
{
	struct junk_charsets *charsets = i_new(struct junk_charsets, 1);

	charsets->text = buffer_create_dynamic(default_pool, 1024);
	return charsets;
}

void junk_charsets_deinit(struct junk_charsets **_charsets)
{
	struct junk_charsets *charsets = *_charsets;

	if (charsets == NULL)
		return;
	*_charsets = NULL;
	for (unsigned int i = 0; i < CHARSET_NONE; i++)
		charset_iconv_close(&charsets->convs[i]);
	charset_iconv_close(&charsets->other);
	buffer_free(&charsets->text);
	i_free(charsets);
}

void junk_charsets_begin(struct junk_charsets *charsets)
{
	charsets->other_opens = 0;
}

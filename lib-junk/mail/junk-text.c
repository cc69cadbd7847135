/* See junk-text.h. */

#define _GNU_SOURCE /* for memmem() */

#include "lib.h"
#include "buffer.h"
#include "junk-ascii.h"
#include "junk-decode.h"
#include "junk-name.h"
#include "junk-text.h"

/* Maximum depth of RTF groups, and size of a control word; a multiple of 8. */
#define MAX_RTF_DEPTH 64
#define MAX_RTF_WORD 24

static const unsigned char *
line_end(const unsigned char *data, const unsigned char *end)
{
	const unsigned char *p = memchr(data, '\n', end - data);

	return p == NULL ? end : p;
}

static bool
begins_with(const unsigned char *data, const unsigned char *end,
	    const char *prefix)
{
	size_t len = strlen(prefix);

	return (size_t)(end - data) >= len &&
		i_memcasecmp(data, prefix, len) == 0;
}

/* --- format=flowed --- */

static unsigned int
quote_depth(const unsigned char *line, const unsigned char *end)
{
	unsigned int depth = 0;

	while (line + depth < end && line[depth] == '>')
		depth++;
	return depth;
}

void junk_text_flowed(buffer_t *dest, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *next, *text, *last;
	unsigned int depth, last_depth = 0;
	bool flows = FALSE;

	for (; data < end; data = next + 1) {
		next = line_end(data, end);
		last = next > data && next[-1] == '\r' ? next - 1 : next;
		depth = quote_depth(data, last);
		text = data + depth;
		if (text < last && *text == ' ')
			text++;
		if (!flows || depth != last_depth) {
			if (flows)
				buffer_append_c(dest, '\n');
			text = depth > 0 ? data : text;
		}
		/* the separator line of a signature is never joined */
		flows = last > text && last[-1] == ' ' &&
			!(last - text == 3 && memcmp(text, "-- ", 3) == 0);
		buffer_append(dest, text, last - text - (flows ? 1 : 0));
		if (!flows)
			buffer_append_c(dest, '\n');
		last_depth = depth;
	}
}

/* --- OpenPGP --- */

/* RFC 9580 allows lines of 76 characters; programs write 64. */
#define MIN_ARMOR_LINE 40
#define ARMOR_BEGIN "-----BEGIN PGP "
#define ARMOR_END "-----END PGP "

/* Returns the line's size without white space at its end. */
static size_t line_size(const unsigned char *line, const unsigned char *next)
{
	while (next > line && (next[-1] == '\r' || next[-1] == ' '))
		next--;
	return next - line;
}

/* Returns TRUE for a line of ARMOR_BEGIN or ARMOR_END, and a kind of block. */
static bool
is_armor_limit(const unsigned char *line, size_t size, const char *word)
{
	static const char *const kinds[] = {
		"MESSAGE-----", "SIGNATURE-----", "PUBLIC KEY BLOCK-----",
	};
	const size_t len = strlen(word);

	if (size <= len || memcmp(line, word, len) != 0)
		return FALSE;
	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
		if (size - len == strlen(kinds[i]) &&
		    memcmp(line + len, kinds[i], size - len) == 0)
			return TRUE;
	}
	return FALSE;
}

static bool is_base64(const unsigned char *line, size_t size)
{
	if (size == 0 || size % 4 != 0)
		return FALSE;
	for (unsigned int i = 0; i < 2 && line[size - 1] == '='; i++)
		size--;
	for (size_t i = 0; i < size; i++) {
		if (!ascii_isalnum(line[i]) && line[i] != '+' && line[i] != '/')
			return FALSE;
	}
	return TRUE;
}

/* The first bit of an OpenPGP packet is 1. */
static bool is_packet(const unsigned char *line)
{
	return *line >= 'g' || !ascii_isalpha(*line);
}

/* Returns the end of the block whose base64 begins at data, or NULL if it isn't one:
   lines of one size, a shorter one, a checksum, and the END line. */
static const unsigned char *
armor_end(const unsigned char *data, const unsigned char *end)
{
	const unsigned char *next;
	size_t first_size = 0, size;
	bool last = FALSE;

	for (; data < end; data = I_MIN(next + 1, end)) {
		next = line_end(data, end);
		size = line_size(data, next);
		if (is_armor_limit(data, size, ARMOR_END))
			return first_size > 0 ? next : NULL;
		if (first_size > 0 && size == 5 && *data == '=' &&
		    is_base64(data + 1, 4)) {
			last = TRUE;
			continue;
		}
		if (last || !is_base64(data, size))
			return NULL;
		if (first_size == 0) {
			if (size < MIN_ARMOR_LINE || !is_packet(data))
				return NULL;
			first_size = size;
		}
		if (size > first_size)
			return NULL;
		last = size < first_size;
	}
	return NULL;
}

/* Find the blank line after a block's fields. */
static const unsigned char *
armor_fields_end(const unsigned char *data, const unsigned char *end)
{
	const unsigned char *next;

	for (; data < end; data = next + 1) {
		next = line_end(data, end);
		if (line_size(data, next) == 0)
			return next;
		if (memchr(data, ':', next - data) == NULL)
			break;
	}
	return NULL;
}

bool junk_text_remove_armor(buffer_t *text)
{
	unsigned char *data = buffer_get_modifiable_data(text, NULL);
	const unsigned char *end = data + text->used, *p, *next, *fields, *block;
	unsigned char *dest = data;
	bool found = FALSE;

	if (memmem(data, text->used, ARMOR_BEGIN, strlen(ARMOR_BEGIN)) == NULL)
		return FALSE;
	for (p = data; p < end; p = I_MIN(next + 1, end)) {
		next = line_end(p, end);
		if (*p == '-' && next < end &&
		    is_armor_limit(p, line_size(p, next), ARMOR_BEGIN) &&
		    (fields = armor_fields_end(next + 1, end)) != NULL &&
		    fields < end &&
		    (block = armor_end(fields + 1, end)) != NULL) {
			memmove(dest, next + 1, fields - next - 1);
			dest += fields - next - 1;
			next = block;
			found = TRUE;
			continue;
		}
		if (dest != p)
			memmove(dest, p, I_MIN(next + 1, end) - p);
		dest += I_MIN(next + 1, end) - p;
	}
	buffer_set_used_size(text, dest - data);
	return found;
}

/* --- iCalendar, vCard --- */

/* Read a line and its continuations, up to *data. */
static void
calendar_unfold(buffer_t *line, const unsigned char **data,
		const unsigned char *end)
{
	const unsigned char *next, *last;

	buffer_set_used_size(line, 0);
	for (;;) {
		next = line_end(*data, end);
		last = next > *data && next[-1] == '\r' ? next - 1 : next;
		buffer_append(line, *data, last - *data);
		*data = I_MIN(next + 1, end);
		if (*data == end || (**data != ' ' && **data != '\t'))
			break;
		(*data)++;
	}
}

static void
calendar_unescape(buffer_t *dest, const unsigned char *p,
		  const unsigned char *end)
{
	while ((p = junk_decode_until(dest, p, end, '\\')) < end) {
		p++;
		if (p < end) {
			buffer_append_c(dest, *p == 'n' || *p == 'N' ?
					'\n' : *p);
			p++;
		}
	}
	buffer_append_c(dest, '\n');
}

/* Append the value of a property. params: its parameters in upper case. */
static void
calendar_value(struct junk_charsets *charsets, buffer_t *dest, buffer_t *html,
	       const char *params, const unsigned char *value,
	       const unsigned char *end)
{
	buffer_t *raw;

	if (strstr(params, "BASE64") != NULL ||
	    strstr(params, "ENCODING=B") != NULL)
		return;
	if (strstr(params, "QUOTED-PRINTABLE") != NULL) {
		raw = t_buffer_create(end - value);
		junk_decode_qp(raw, value, end - value);
		junk_charset_decode(charsets, dest, NULL, raw->data, raw->used);
		buffer_append_c(dest, '\n');
	} else if (strstr(params, "TEXT/HTML") != NULL) {
		calendar_unescape(html, value, end);
	} else {
		calendar_unescape(dest, value, end);
	}
}

/* Returns TRUE if readers see a property's value. Its name isn't shown. */
static bool calendar_is_seen(const unsigned char *text, const unsigned char *colon)
{
	static const char *const unseen[] = {
		"begin", "end", "version", "method", "calscale", "uid",
		"prodid", "dtstamp", "sequence", "rev", "class", "status",
		"transp", "created", "last-modified",
	};
	size_t len = 0;

	while (text + len < colon && text[len] != ';')
		len++;
	for (unsigned int i = 0; i < N_ELEMENTS(unseen); i++) {
		if (strlen(unseen[i]) == len &&
		    i_memcasecmp(text, unseen[i], len) == 0)
			return FALSE;
	}
	return TRUE;
}

/* Find the colon before the value. Colons in quotes belong to a parameter. */
static const unsigned char *
calendar_colon(const unsigned char *p, const unsigned char *end)
{
	bool quoted = FALSE;

	for (; p < end; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == ':' && !quoted)
			return p;
	}
	return NULL;
}

/* vCard 2.1: quoted-printable continues after a "=" at the line's end. */
static void
calendar_join_qp(buffer_t *line, const unsigned char **data,
		 const unsigned char *end)
{
	const unsigned char *text = line->data, *next;

	while (*data < end && line->used > 0 && text[line->used - 1] == '=') {
		buffer_set_used_size(line, line->used - 1);
		next = line_end(*data, end);
		buffer_append(line, *data, next - *data);
		if (next > *data && next[-1] == '\r')
			buffer_set_used_size(line, line->used - 1);
		*data = I_MIN(next + 1, end);
		text = line->data;
	}
}

void junk_text_calendar(struct junk_charsets *charsets, buffer_t *dest,
			buffer_t *html, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *text, *colon;
	buffer_t *line = buffer_create_dynamic(default_pool, 1024);
	const char *params;

	while (data < end) T_BEGIN {
		calendar_unfold(line, &data, end);
		text = line->data;
		colon = calendar_colon(text, text + line->used);
		if (colon == NULL) {
			calendar_unescape(dest, text, text + line->used);
		} else {
			/* most have no parameters */
			params = memchr(text, ';', colon - text) == NULL ? "" :
				t_str_ucase(t_strndup(text,
					I_MIN(colon - text, 256)));
			if (strstr(params, "QUOTED-PRINTABLE") != NULL) {
				size_t pos = colon - text;

				calendar_join_qp(line, &data, end);
				text = line->data;
				colon = text + pos;
			}
			/* a person's name */
			if (strstr(params, "CN=") != NULL)
				buffer_append(dest, text, colon + 1 - text);
			if (calendar_is_seen(text, colon))
				calendar_value(charsets, dest, html,
					       params, colon + 1,
					       text + line->used);
		}
	} T_END;
	buffer_free(&line);
}

/* --- text/enriched --- */

void junk_text_enriched(buffer_t *dest, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *p;
	bool param = FALSE;

	while (data < end) {
		p = memchr(data, '<', end - data);
		if (p == NULL)
			p = end;
		if (!param)
			buffer_append(dest, data, p - data);
		data = p;
		if (data == end)
			break;
		if (data + 1 < end && data[1] == '<') {
			if (!param)
				buffer_append_c(dest, '<');
			data += 2;
			continue;
		}
		if (begins_with(data, end, "<param>"))
			param = TRUE;
		else if (begins_with(data, end, "</param>"))
			param = FALSE;
		else if (begins_with(data, end, "<lt>"))
			buffer_append_c(dest, '<');
		else if (begins_with(data, end, "<nl>") ||
			 begins_with(data, end, "<np>") ||
			 begins_with(data, end, "</p"))
			buffer_append_c(dest, '\n');
		p = memchr(data, '>', end - data);
		/* without a ">" the rest is text */
		data = p == NULL ? data + 1 : p + 1;
	}
}

/* --- RTF --- */

struct rtf_group {
	/* whether its text is hidden; number of fallback bytes after each \u */
	bool hidden;
	unsigned int unicode_bytes;
};

struct rtf_state {
	struct junk_charsets *charsets;
	buffer_t *dest;
	/* text in the document's charset, to be converted */
	buffer_t *run;
	char charset[16];
	struct rtf_group groups[MAX_RTF_DEPTH];
	/* deeper groups replace the last */
	unsigned int depth;
	/* number of fallback characters of a \u that are still to be skipped */
	unsigned int skip;
	/* nothing of the group was read yet */
	bool begins;
};

static void rtf_flush(struct rtf_state *state)
{
	if (state->run->used > 0)
		junk_charset_decode(state->charsets, state->dest,
				    state->charset, state->run->data,
				    state->run->used);
	buffer_set_used_size(state->run, 0);
}

static struct rtf_group *rtf_group(struct rtf_state *state)
{
	return &state->groups[I_MIN(state->depth, MAX_RTF_DEPTH - 1)];
}

static void rtf_char(struct rtf_state *state, unsigned char c)
{
	if (state->skip > 0)
		state->skip--;
	else if (!rtf_group(state)->hidden)
		buffer_append_c(state->run, c);
	state->begins = FALSE;
}

static void rtf_unicode(struct rtf_state *state, int num)
{
	struct rtf_group *group = rtf_group(state);
	unichar_t chr = num < 0 ? (unichar_t)(num + 0x10000) : (unichar_t)num;

	state->skip = group->unicode_bytes;
	if (group->hidden)
		return;
	rtf_flush(state);
	if (chr > 0 && uni_is_valid_ucs4(chr))
		uni_ucs4_to_utf8_c(chr, state->dest);
}

enum rtf_kind {
	RTF_HIDES,
	RTF_BREAKS,
	RTF_CODEPAGE,
	/* the URL of a link */
	RTF_LINK,
	RTF_UNICODE,
	RTF_UNICODE_BYTES,
	RTF_HIDDEN,
};

/* Sorted by name, for the binary search. */
static const struct rtf_word {
	char name[MAX_RTF_WORD];
	enum rtf_kind kind;
} rtf_words[] = {
	{ "ansicpg", RTF_CODEPAGE }, { "bkmkend", RTF_HIDES },
	{ "bkmkstart", RTF_HIDES }, { "cell", RTF_BREAKS },
	{ "colorschememapping", RTF_HIDES }, { "colortbl", RTF_HIDES },
	{ "column", RTF_BREAKS }, { "datastore", RTF_HIDES },
	{ "emspace", RTF_BREAKS }, { "enspace", RTF_BREAKS },
	{ "filetbl", RTF_HIDES }, { "fldinst", RTF_LINK },
	{ "fonttbl", RTF_HIDES }, { "generator", RTF_HIDES },
	{ "info", RTF_HIDES }, { "latentstyles", RTF_HIDES },
	{ "line", RTF_BREAKS }, { "listoverridetable", RTF_HIDES },
	{ "listtable", RTF_HIDES }, { "object", RTF_HIDES },
	{ "page", RTF_BREAKS }, { "par", RTF_BREAKS }, { "pict", RTF_HIDES },
	{ "revtbl", RTF_HIDES }, { "row", RTF_BREAKS },
	{ "rsidtbl", RTF_HIDES }, { "sect", RTF_BREAKS },
	{ "stylesheet", RTF_HIDES }, { "tab", RTF_BREAKS },
	{ "themedata", RTF_HIDES }, { "u", RTF_UNICODE },
	{ "uc", RTF_UNICODE_BYTES }, { "v", RTF_HIDDEN },
	{ "xmlnstbl", RTF_HIDES },
};

static void rtf_word(struct rtf_state *state, const char *word, int num)
{
	struct rtf_group *group = rtf_group(state);
	const struct rtf_word *row;

	state->begins = FALSE;
	row = junk_name_find(word, MAX_RTF_WORD, rtf_words,
			     N_ELEMENTS(rtf_words), sizeof(*rtf_words));
	if (row == NULL)
		return;
	switch (row->kind) {
	case RTF_HIDES:
		group->hidden = TRUE;
		break;
	case RTF_BREAKS:
		rtf_char(state, '\n');
		break;
	case RTF_CODEPAGE:
		rtf_flush(state);
		(void)i_snprintf(state->charset, sizeof(state->charset),
				 "cp%d", num);
		break;
	case RTF_LINK:
		group->hidden = FALSE;
		break;
	case RTF_UNICODE:
		rtf_unicode(state, num);
		break;
	case RTF_UNICODE_BYTES:
		group->unicode_bytes = num < 0 ? 0 : I_MIN(num, 8);
		break;
	case RTF_HIDDEN:
		group->hidden = num != 0;
		break;
	}
}

/* Process what follows a backslash. Returns where to continue. */
static const unsigned char *
rtf_control(struct rtf_state *state, const unsigned char *p,
	    const unsigned char *end)
{
	char word[MAX_RTF_WORD] = "";
	unsigned int len = 0;
	int num = 1, high, low;
	bool negative = FALSE;

	if (*p == '\'' && end - p >= 3 && (high = ascii_hex_value(p[1])) >= 0 &&
	    (low = ascii_hex_value(p[2])) >= 0) {
		rtf_char(state, high * 16 + low);
		return p + 3;
	}
	if (!ascii_isalpha(*p)) {
		if (*p == '*' && state->begins)
			rtf_group(state)->hidden = TRUE;
		else if (*p == '~' || *p == '\n' || *p == '\r')
			rtf_char(state, ' ');
		else if (*p == '_')
			rtf_char(state, '-');
		else if (*p != '-' && *p != '*')
			rtf_char(state, *p);
		return p + 1;
	}
	for (; p < end && ascii_isalpha(*p); p++) {
		if (len < MAX_RTF_WORD - 1)
			word[len++] = *p;
	}
	if (p < end && *p == '-' && end - p > 1 && ascii_isdigit(p[1])) {
		negative = TRUE;
		p++;
	}
	if (p < end && ascii_isdigit(*p)) {
		for (num = 0; p < end && ascii_isdigit(*p); p++)
			num = num < 1000000 ? num * 10 + (*p - '0') : num;
	}
	if (p < end && *p == ' ')
		p++;
	if (strcmp(word, "bin") == 0 && !negative)
		return p + I_MIN(num, end - p);
	rtf_word(state, word, negative ? -num : num);
	return p;
}

static void rtf_begin_group(struct rtf_state *state)
{
	const struct rtf_group *outer = rtf_group(state);

	state->depth++;
	*rtf_group(state) = *outer;
	state->begins = TRUE;
}

void junk_text_rtf(struct junk_charsets *charsets, buffer_t *dest,
		   const unsigned char *data, size_t size)
{
	const unsigned char *p = data, *end = data + size;
	struct rtf_state state;

	i_zero(&state);
	state.charsets = charsets;
	state.dest = dest;
	state.run = buffer_create_dynamic(default_pool, 1024);
	state.groups[0].unicode_bytes = 1;
	i_strocpy(state.charset, "cp1252", sizeof(state.charset));
	while (p < end) {
		switch (*p) {
		case '\\':
			if (++p < end)
				p = rtf_control(&state, p, end);
			continue;
		case '{':
			rtf_begin_group(&state);
			break;
		case '}':
			if (state.depth > 0)
				state.depth--;
			state.skip = 0;
			break;
		case '\r':
		case '\n':
			break;
		default:
			rtf_char(&state, *p);
			break;
		}
		p++;
	}
	rtf_flush(&state);
	buffer_free(&state.run);
}

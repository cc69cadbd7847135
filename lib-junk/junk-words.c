#include "lib.h"
#include "junk-fold.h"
#include "junk-url.h"
#include "junk-words.h"

/* Single letters in a row that are taken for a word: "f r e e". */
#define MIN_SPACED_LETTERS 4

enum {
	CHAR_SPACE = 0,
	CHAR_LETTER,
	CHAR_CAPITAL,
	CHAR_DIGIT,
	/* in the middle of words only */
	CHAR_JOIN,
	CHAR_MONEY,
	CHAR_HIGH,
};

struct words_state {
	struct junk_token_set *set;
	enum junk_token_class class;
	struct junk_words_stats *stats;
	bool urls, case_counts;

	/* prefix and the word so far */
	unsigned char buf[JUNK_MAX_TOKEN_BYTES + JUNK_FOLD_MAX_BYTES];
	unsigned int prefix_size, size;
	bool has_latin, has_greek, has_cyrillic, has_other, has_join;
	/* letters, and capital ones that it begins with, at most 2 */
	unsigned int letters, capitals;

	/* single letters in a row */
	unsigned char spaced[JUNK_MAX_TOKEN_BYTES];
	unsigned int spaced_size, spaced_count;

	/* the last character of a script without spaces */
	unsigned char pair[4];
	unsigned int pair_size;
	bool pair_used;
};

static unsigned char char_kind(unsigned char c)
{
	static const unsigned char kinds[256] = {
		['a' ... 'z'] = CHAR_LETTER,
		['A' ... 'Z'] = CHAR_CAPITAL,
		['0' ... '9'] = CHAR_DIGIT,
		['\''] = CHAR_JOIN,
		['-'] = CHAR_JOIN,
		['_'] = CHAR_JOIN,
		['$'] = CHAR_MONEY,
		['%'] = CHAR_MONEY,
		[0x80 ... 0xff] = CHAR_HIGH,
	};
	return kinds[c];
}

static void words_add(struct words_state *state, const void *data, size_t size)
{
	unsigned char buf[JUNK_MAX_TOKEN_BYTES];

	/* not into state->buf: a word may be under way there */
	size = I_MIN(size, JUNK_MAX_TOKEN_BYTES - state->prefix_size);
	memcpy(buf, state->buf, state->prefix_size);
	memcpy(buf + state->prefix_size, data, size);
	junk_token_set_add(state->set, state->class, buf,
			   state->prefix_size + size);
}

static void spaced_flush(struct words_state *state)
{
	if (state->spaced_count >= MIN_SPACED_LETTERS) {
		words_add(state, state->spaced, state->spaced_size);
		state->stats->spaced++;
	}
	state->spaced_size = state->spaced_count = 0;
}

static void spaced_add(struct words_state *state)
{
	const unsigned char *word = state->buf + state->prefix_size;

	if (state->spaced_size + state->size > sizeof(state->spaced))
		spaced_flush(state);
	memcpy(state->spaced + state->spaced_size, word, state->size);
	state->spaced_size += state->size;
	state->spaced_count++;
}

static void pair_flush(struct words_state *state)
{
	if (state->pair_size > 0 && !state->pair_used) {
		state->stats->words++;
		words_add(state, state->pair, state->pair_size);
	}
	state->pair_size = 0;
	state->pair_used = FALSE;
}

/* A word of two alphabets: write the other one's letters as the Latin ones
   that they look like. */
static void word_unmix(struct words_state *state)
{
	unsigned char *word = state->buf + state->prefix_size;
	unsigned int in = 0, out = 0;
	unichar_t chr;
	char ascii;
	int len;

	while (in < state->size) {
		len = uni_utf8_get_char_n(word + in, state->size - in, &chr);
		if (len <= 0)
			break;
		ascii = chr < 0x80 ? '\0' : junk_fold_lookalike(chr);
		if (ascii != '\0')
			word[out++] = ascii;
		else {
			memmove(word + out, word + in, len);
			out += len;
		}
		in += len;
	}
	state->size = out;
	state->stats->lookalikes++;
}

static void word_reset(struct words_state *state)
{
	state->size = 0;
	state->letters = state->capitals = 0;
	state->has_latin = state->has_greek = state->has_cyrillic =
		state->has_other = state->has_join = FALSE;
}

static void word_count_script(const struct words_state *state)
{
	struct junk_words_stats *stats = state->stats;

	stats->words++;
	if (state->has_latin)
		stats->latin += state->size;
	else if (state->has_cyrillic)
		stats->cyrillic += state->size;
	else if (state->has_greek)
		stats->greek += state->size;
	else if (state->has_other)
		stats->other += state->size;
}

static bool word_is_letter(const struct words_state *state)
{
	const unsigned char *word = state->buf + state->prefix_size;

	if (state->size == 1)
		return char_kind(word[0]) == CHAR_LETTER;
	return state->size <= 4 && word[0] >= 0x80 &&
		uni_utf8_char_bytes(word[0]) == state->size;
}

static void word_strip_joins(struct words_state *state)
{
	unsigned char *word = state->buf + state->prefix_size;
	unsigned int skip = 0;

	while (state->size > 0 &&
	       char_kind(word[state->size - 1]) == CHAR_JOIN)
		state->size--;
	while (skip < state->size && char_kind(word[skip]) == CHAR_JOIN)
		skip++;
	state->size -= skip;
	memmove(word, word + skip, state->size);
}

/* "Word" and "WORD" beside "word": what they have in common is in the plain
   one, so that shouting doesn't hide a word. */
static void word_add_capitals(struct words_state *state)
{
	unsigned int size = state->prefix_size + state->size;

	/* @UNSAFE: there is room for JUNK_FOLD_MAX_BYTES more */
	memcpy(state->buf + size, "^^", state->capitals);
	junk_token_set_add(state->set, state->class, state->buf,
			   size + state->capitals);
}

static void word_end(struct words_state *state)
{
	if (state->size == 0)
		return;
	if (state->has_latin && (state->has_cyrillic || state->has_greek))
		word_unmix(state);
	if (state->has_join)
		word_strip_joins(state);
	if (state->size > 0) {
		word_count_script(state);
		if (word_is_letter(state))
			spaced_add(state);
		else
			spaced_flush(state);
		junk_token_set_add(state->set, state->class, state->buf,
				   state->prefix_size + state->size);
		if (state->capitals > 0 && state->case_counts)
			word_add_capitals(state);
	}
	word_reset(state);
}

static void
word_append(struct words_state *state, const unsigned char *data,
	    unsigned int size)
{
	/* what doesn't fit is cut off, not made another word */
	if (state->prefix_size + state->size + size > JUNK_MAX_TOKEN_BYTES)
		return;
	memcpy(state->buf + state->prefix_size + state->size, data, size);
	state->size += size;
}

static void
pair_add(struct words_state *state, const unsigned char *chr, unsigned int size)
{
	unsigned char pair[8];

	word_end(state);
	spaced_flush(state);
	if (state->pair_size > 0) {
		/* @UNSAFE */
		memcpy(pair, state->pair, state->pair_size);
		memcpy(pair + state->pair_size, chr, size);
		words_add(state, pair, state->pair_size + size);
		state->pair_used = TRUE;
		state->stats->words++;
	}
	memcpy(state->pair, chr, size);
	state->pair_size = size;
	state->stats->pairs += size;
}

/* A letter is about to be added. */
static void word_letter(struct words_state *state, bool capital)
{
	if (capital)
		state->stats->capitals++;
	if (state->letters == state->capitals && capital &&
	    state->capitals < 2)
		state->capitals++;
	state->letters++;
}

static bool char_is_capital(unichar_t chr)
{
	return (chr >= 0xc0 && chr <= 0xde) ||
		(chr >= 0x391 && chr <= 0x3a9) ||
		(chr >= 0x400 && chr <= 0x42f);
}

static void word_script(struct words_state *state, unichar_t chr)
{
	if (chr < 0x250)
		state->has_latin = TRUE;
	else if (chr >= 0x370 && chr < 0x400)
		state->has_greek = TRUE;
	else if (chr >= 0x400 && chr < 0x530)
		state->has_cyrillic = TRUE;
	else
		state->has_other = TRUE;
}

static void
words_high(struct words_state *state, unichar_t chr)
{
	unsigned char folded[JUNK_FOLD_MAX_BYTES];
	unsigned int size;

	switch (junk_fold_char(chr, folded, &size)) {
	case JUNK_FOLD_DROP:
		state->stats->unseen++;
		break;
	case JUNK_FOLD_SPACE:
		word_end(state);
		pair_flush(state);
		break;
	case JUNK_FOLD_SYMBOL:
		word_end(state);
		pair_flush(state);
		words_add(state, folded, size);
		break;
	case JUNK_FOLD_PAIR:
		pair_add(state, folded, size);
		break;
	case JUNK_FOLD_WORD:
		pair_flush(state);
		word_letter(state, char_is_capital(chr));
		word_append(state, folded, size);
		if (folded[0] < 0x80) {
			state->has_latin = TRUE;
			state->has_join = state->has_join ||
				char_kind(folded[0]) == CHAR_JOIN;
		} else {
			unichar_t first;
			if (uni_utf8_get_char_n(folded, size, &first) > 0)
				word_script(state, first);
		}
		break;
	}
}

static bool word_is(const struct words_state *state, const char *str)
{
	size_t len = strlen(str);

	return state->size == len &&
		memcmp(state->buf + state->prefix_size, str, len) == 0;
}

/* Size of the URL that the character at pos is in, 0 if it is in none. */
static size_t
words_find_url(const struct words_state *state, const unsigned char *text,
	       size_t size, size_t pos, size_t *start_r)
{
	size_t i;

	if (text[pos] == ':') {
		if (size - pos < 4 || text[pos + 1] != '/' ||
		    text[pos + 2] != '/' ||
		    !(word_is(state, "http") || word_is(state, "https") ||
		      word_is(state, "ftp")))
			return 0;
	} else if (text[pos] != '.' || !word_is(state, "www")) {
		return 0;
	}
	*start_r = pos >= state->size ? pos - state->size : 0;
	for (i = pos; i < size; i++) {
		if (text[i] <= ' ' || strchr("<>\"'()[]{}|\\^`", text[i]) != NULL)
			break;
	}
	return i - *start_r;
}

static void
words_run(struct words_state *state, const unsigned char *text, size_t size)
{
	struct junk_words_stats *stats = state->stats;
	unsigned char c;
	unichar_t chr;
	size_t i = 0, start, url_size;
	int len;

	while (i < size) {
		c = text[i];
		switch (char_kind(c)) {
		case CHAR_CAPITAL:
			word_letter(state, TRUE);
			c = c - 'A' + 'a';
			state->has_latin = TRUE;
			break;
		case CHAR_LETTER:
			word_letter(state, FALSE);
			state->has_latin = TRUE;
			break;
		case CHAR_DIGIT:
			stats->digits++;
			break;
		case CHAR_JOIN:
			state->has_join = TRUE;
			break;
		case CHAR_MONEY:
			break;
		case CHAR_HIGH:
			len = uni_utf8_get_char_n(text + i, size - i, &chr);
			if (len <= 0) {
				i++;
				continue;
			}
			words_high(state, chr);
			i += len;
			continue;
		default:
			if (state->urls && (c == ':' || c == '.') &&
			    (url_size = words_find_url(state, text, size, i,
						       &start)) > 0) {
				junk_url_add(state->set, text + start,
					     url_size);
				stats->urls++;
				word_reset(state);
				i = start + url_size;
				continue;
			}
			word_end(state);
			pair_flush(state);
			i++;
			continue;
		}
		if (state->pair_size > 0)
			pair_flush(state);
		word_append(state, &c, 1);
		i++;
	}
	word_end(state);
	pair_flush(state);
	spaced_flush(state);
}

void junk_words_add(struct junk_token_set *set, enum junk_token_class class,
		    const char *prefix, const unsigned char *text, size_t size,
		    bool urls, struct junk_words_stats *stats)
{
	struct words_state state;
	struct junk_words_stats dummy_stats;

	i_zero(&state);
	if (stats == NULL) {
		i_zero(&dummy_stats);
		stats = &dummy_stats;
	}
	state.set = set;
	state.class = class;
	state.stats = stats;
	state.urls = urls;
	state.case_counts = class == JUNK_TOKEN_BODY_WORD ||
		class == JUNK_TOKEN_SUBJECT_WORD;
	state.prefix_size = strlen(prefix);
	i_assert(state.prefix_size < JUNK_MAX_TOKEN_BYTES / 2);
	memcpy(state.buf, prefix, state.prefix_size);
	words_run(&state, text, size);
}

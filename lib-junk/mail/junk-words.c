/* See junk-words.h. ASCII text is classified in blocks of 64 bytes with vector
   instructions. */

#define _GNU_SOURCE /* for memmem() */
#include "lib.h"
#include "buffer.h"
#include "junk-ascii.h"
#include "junk-bits.h"
#include "junk-fold.h"
#include "junk-url.h"
#include "junk-words.h"

#ifdef __SSE2__
#  include <emmintrin.h>
#endif

/* So many single letters in a row with the same characters between them form a
   word: "f r e e", "b.u.y". */
#define MIN_SPACED_LETTERS 4
#define MIN_DOTTED_LETTERS 3
/* Maximum number of bytes between two such letters. */
#define MAX_SPACED_GAP 8

/* Control characters: right-to-left override and its end, which a line end also
   implies (Unicode, UAX 9). */
#define TURN_BEGIN "\xe2\x80\xae"
#define TURN_END "\xe2\x80\xac"
#define TURN_BYTES 3

/* Length of a run in scripts without spaces: of syllables in Han, kana and
   Hangul (from FIRST_SYLLABLE on); of letters in Thai, Lao, Burmese and
   Khmer. */
#define GRAM_SYLLABLES 2
#define GRAM_LETTERS 4
#define FIRST_SYLLABLE 0x2e80

#define PUNCTUATION_SLOTS 64

/* Text is classified in blocks of this size, which consist of vectors. */
#define BLOCK_BYTES 64
#define VECTOR_BYTES 16
typedef unsigned char byte_vector __attribute__((vector_size(VECTOR_BYTES)));

/* Scripts of a word's letters. */
enum {
	SCRIPT_LATIN = 0x01,
	SCRIPT_GREEK = 0x02,
	SCRIPT_CYRILLIC = 0x04,
	SCRIPT_OTHER = 0x08,
	/* other scripts with letters that look like Latin ones */
	SCRIPT_ALIKE = 0x10,
	/* scripts that may be mixed with Latin to disguise a word */
	SCRIPT_MIXED = SCRIPT_GREEK | SCRIPT_CYRILLIC | SCRIPT_ALIKE,
};

struct words_state {
	struct junk_token_set *set;
	enum junk_token_class class;
	struct junk_words_stats *stats;
	/* used if the caller doesn't need stats */
	struct junk_words_stats unwanted_stats;
	bool is_body;

	/* prefix and the current word, with room to append a whole vector */
	unsigned char buf[JUNK_MAX_TOKEN_BYTES + VECTOR_BYTES];
	unsigned int prefix_size, size;
	unsigned int scripts;

	/* single letters in a row, where the last one ends in the text, and the
	   characters between each two */
	unsigned char spaced[JUNK_MAX_TOKEN_BYTES];
	unsigned int spaced_size, spaced_count;
	size_t spaced_end;
	unsigned char gap[MAX_SPACED_GAP];
	unsigned int gap_size;

	/* where the current word begins and ends in the text */
	const unsigned char *text;
	size_t word_start, word_end;

	/* the last characters of a run in a script without spaces, the length
	   of a run, and whether any run was added */
	unsigned char gram[GRAM_LETTERS * JUNK_FOLD_MAX_BYTES];
	unsigned int gram_size, gram_count, gram_length;
	bool gram_used;

	/* beginnings of recent punctuation runs (a cache): most of them
	   repeat */
	unsigned char punctuation[PUNCTUATION_SLOTS][2];
	/* where a URL begins in this block, and where this line begins */
	size_t url_start, line_start;
};

/* Returns TRUE for characters that are part of a word only in the middle of
   it. */
static bool char_is_join(unsigned char c)
{
	return c == '\'' || c == '-' || c == '_';
}

static void words_add(struct words_state *state, const void *data, size_t size)
{
	unsigned char buf[JUNK_MAX_TOKEN_BYTES];

	/* not in state->buf, which may contain the current word */
	size = I_MIN(size, JUNK_MAX_TOKEN_BYTES - state->prefix_size);
	memcpy(buf, state->buf, state->prefix_size);
	memcpy(buf + state->prefix_size, data, size);
	junk_token_set_add(state->set, state->class, buf,
			   state->prefix_size + size);
}

/* Add the single letters: as one word if there are enough of them, else each as
   a word. */
static SELDOM void spaced_flush(struct words_state *state)
{
	unsigned int min = state->gap_size == 1 && state->gap[0] == ' ' ?
		MIN_SPACED_LETTERS : MIN_DOTTED_LETTERS;
	unsigned int pos = 0, len;

	if (state->spaced_count >= min) {
		words_add(state, state->spaced, state->spaced_size);
		state->stats->spaced++;
	} else {
		for (; pos < state->spaced_size; pos += len) {
			len = uni_utf8_char_bytes(state->spaced[pos]);
			words_add(state, state->spaced + pos, len);
		}
	}
	state->spaced_size = state->spaced_count = 0;
}

/* Returns TRUE if the gap before the current letter is like those before. */
static bool spaced_goes_on(struct words_state *state)
{
	const unsigned char *gap = state->text + state->spaced_end;
	size_t size = state->word_start - state->spaced_end;

	if (state->word_start <= state->spaced_end || size > MAX_SPACED_GAP)
		return FALSE;
	if (state->spaced_count == 1) {
		memcpy(state->gap, gap, size);
		state->gap_size = size;
		return TRUE;
	}
	return size == state->gap_size && memcmp(state->gap, gap, size) == 0;
}

static SELDOM void spaced_add(struct words_state *state)
{
	const unsigned char *word = state->buf + state->prefix_size;

	if (state->spaced_count > 0 &&
	    (!spaced_goes_on(state) ||
	     state->spaced_size + state->size > sizeof(state->spaced)))
		spaced_flush(state);
	memcpy(state->spaced + state->spaced_size, word, state->size);
	state->spaced_size += state->size;
	state->spaced_count++;
	state->spaced_end = state->word_end;
}

static SELDOM void gram_end(struct words_state *state)
{
	if (!state->gram_used)
		words_add(state, state->gram, state->gram_size);
	state->gram_size = state->gram_count = 0;
	state->gram_used = FALSE;
}

static inline void gram_flush(struct words_state *state)
{
	if (state->gram_count > 0)
		gram_end(state);
}

/* Replace a word's letters by Latin ones that look alike. Returns how many
   other letters remain. *doubtful_r: how many of the replaced ones look alike
   only if the rest of the text is Latin. */
static SELDOM unsigned int
word_latin(const struct words_state *state, unsigned char *dest,
	   unsigned int *size_r, unsigned int *doubtful_r)
{
	const unsigned char *word = state->buf + state->prefix_size;
	unsigned int in = 0, out = 0, others = 0;
	bool doubtful;
	unichar_t chr;
	char ascii;
	int len;

	*doubtful_r = 0;
	while (in < state->size) {
		len = uni_utf8_get_char_n(word + in, state->size - in, &chr);
		if (len <= 0)
			break;
		ascii = chr < 0x80 ? '\0' :
			junk_fold_lookalike(chr, &doubtful);
		if (ascii != '\0') {
			dest[out++] = ascii;
			*doubtful_r += doubtful ? 1 : 0;
		} else {
			others += chr < 0x80 ? 0 : 1;
			memcpy(dest + out, word + in, len);
			out += len;
		}
		in += len;
	}
	*size_r = out;
	return others;
}

/* Replace letters of other alphabets in a mixed word by the Latin ones that
   look alike. */
static SELDOM void word_unmix(struct words_state *state)
{
	unsigned char latin[JUNK_MAX_TOKEN_BYTES];
	unsigned int doubtful;

	(void)word_latin(state, latin, &state->size, &doubtful);
	memcpy(state->buf + state->prefix_size, latin, state->size);
	state->stats->lookalikes++;
}

/* For a word without Latin letters that consists only of look-alikes, also add
   the Latin word. Letters that are common in Cyrillic are doubtful: they count
   only in a Latin text. */
static SELDOM void word_add_alike(struct words_state *state)
{
	const struct junk_words_stats *stats = state->stats;
	unsigned char latin[JUNK_MAX_TOKEN_BYTES];
	unsigned int size, doubtful;
	bool is_latin = stats->latin >
		4 * (stats->cyrillic + stats->greek + stats->other);

	if (word_latin(state, latin, &size, &doubtful) > 0 || size < 2 ||
	    (doubtful > 0 && !is_latin))
		return;
	words_add(state, latin, size);
	state->stats->lookalikes++;
}

/* Returns TRUE for characters that may separate single letters in a word. */
static bool char_separates(unsigned char c)
{
	return char_is_join(c) || c == '$' || c == '%';
}

/* Returns TRUE for single letters with separators, such as "p-i-l-l-s". */
static bool word_is_joined(const struct words_state *state)
{
	const unsigned char *word = state->buf + state->prefix_size;
	unsigned int letters = 0, pos = 0;

	if (state->size < 5)
		return FALSE;
	while (pos < state->size) {
		if (char_separates(word[pos]) || (word[pos] < 0x80 &&
						!ascii_isalpha(word[pos])))
			return FALSE;
		pos += uni_utf8_char_bytes(word[pos]);
		letters++;
		if (pos < state->size && !char_separates(word[pos]))
			return FALSE;
		while (pos < state->size && char_separates(word[pos]))
			pos++;
	}
	return letters >= MIN_DOTTED_LETTERS;
}

static SELDOM void word_unjoin(struct words_state *state)
{
	unsigned char *word = state->buf + state->prefix_size;
	unsigned int size = 0;

	for (unsigned int i = 0; i < state->size; i++) {
		if (!char_separates(word[i]))
			word[size++] = word[i];
	}
	state->size = size;
	state->stats->spaced++;
}

static void word_reset(struct words_state *state)
{
	state->size = 0;
	state->scripts = 0;
}

static void word_count_script(const struct words_state *state)
{
	struct junk_words_stats *stats = state->stats;

	if ((state->scripts & SCRIPT_LATIN) != 0)
		stats->latin += state->size;
	else if ((state->scripts & SCRIPT_CYRILLIC) != 0)
		stats->cyrillic += state->size;
	else if ((state->scripts & SCRIPT_GREEK) != 0)
		stats->greek += state->size;
	else if ((state->scripts & SCRIPT_OTHER) != 0)
		stats->other += state->size;
}

static bool word_is_letter(const struct words_state *state)
{
	const unsigned char *word = state->buf + state->prefix_size;

	if (state->size == 1)
		return ascii_isalpha(word[0]);
	return state->size <= 4 && word[0] >= 0x80 &&
		uni_utf8_char_bytes(word[0]) == state->size;
}

static SELDOM void word_strip_joins(struct words_state *state)
{
	unsigned char *word = state->buf + state->prefix_size;
	unsigned int skip = 0;

	while (state->size > 0 && char_is_join(word[state->size - 1]))
		state->size--;
	while (skip < state->size && char_is_join(word[skip]))
		skip++;
	state->size -= skip;
	memmove(word, word + skip, state->size);
}

static void word_add(struct words_state *state)
{
	word_count_script(state);
	if (word_is_letter(state)) {
		spaced_add(state);
		return;
	}
	if (state->spaced_count > 0)
		spaced_flush(state);
	junk_token_set_add(state->set, state->class, state->buf,
			   state->prefix_size + state->size);
	if ((state->scripts & SCRIPT_MIXED) != 0 &&
	    (state->scripts & (SCRIPT_LATIN | SCRIPT_OTHER)) == 0)
		word_add_alike(state);
}

static void word_end(struct words_state *state)
{
	const unsigned char *word = state->buf + state->prefix_size;
	unsigned int mixed;

	if (state->size == 0)
		return;
	if (char_is_join(word[0]) || char_is_join(word[state->size - 1]))
		word_strip_joins(state);
	mixed = state->scripts & SCRIPT_MIXED;
	/* also if two non-Latin scripts are mixed */
	if (mixed != 0 && ((state->scripts & SCRIPT_LATIN) != 0 ||
			   (mixed & (mixed - 1)) != 0))
		word_unmix(state);
	if (state->size >= 5 &&
	    char_separates(word[uni_utf8_char_bytes(*word)]) &&
	    word_is_joined(state))
		word_unjoin(state);
	if (state->size > 0)
		word_add(state);
	word_reset(state);
}

static void
word_append(struct words_state *state, const unsigned char *data,
	    unsigned int size)
{
	/* a long word is truncated, not split */
	if (state->prefix_size + state->size + size > JUNK_MAX_TOKEN_BYTES)
		return;
	memcpy(state->buf + state->prefix_size + state->size, data, size);
	state->size += size;
}

static void
gram_add(struct words_state *state, unichar_t chr, const unsigned char *folded,
	 unsigned int size)
{
	unsigned int length = chr < FIRST_SYLLABLE ?
		GRAM_LETTERS : GRAM_SYLLABLES;
	unsigned int first;

	word_end(state);
	spaced_flush(state);
	if (state->gram_length != length) {
		gram_flush(state);
		state->gram_length = length;
	}
	/* @UNSAFE */
	memcpy(state->gram + state->gram_size, folded, size);
	state->gram_size += size;
	if (++state->gram_count == length) {
		words_add(state, state->gram, state->gram_size);
		state->gram_used = TRUE;
		first = uni_utf8_char_bytes(state->gram[0]);
		state->gram_size -= first;
		memmove(state->gram, state->gram + first, state->gram_size);
		state->gram_count--;
	}
	state->stats->pairs += size;
}

static bool char_is_capital(unichar_t chr)
{
	return (chr >= 0xc0 && chr <= 0xde) ||
		(chr >= 0x391 && chr <= 0x3a9) ||
		(chr >= 0x400 && chr <= 0x42f);
}

static unsigned int char_script(unichar_t chr)
{
	if (chr < 0x250)
		return SCRIPT_LATIN;
	if (chr >= 0x370 && chr < 0x400)
		return SCRIPT_GREEK;
	if (chr >= 0x400 && chr < 0x530)
		return SCRIPT_CYRILLIC;
	return junk_fold_script_is_alike(chr) ? SCRIPT_ALIKE : SCRIPT_OTHER;
}

/* Append a non-ASCII letter in its folded form. */
static void
words_letter(struct words_state *state, unichar_t chr,
	     const unsigned char *folded, unsigned int size)
{
	unichar_t first;

	if (char_is_capital(chr))
		state->stats->capitals++;
	word_append(state, folded, size);
	if (uni_utf8_get_char_n(folded, size, &first) > 0)
		state->scripts |= char_script(first);
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
		gram_flush(state);
		break;
	case JUNK_FOLD_SYMBOL:
		word_end(state);
		gram_flush(state);
		words_add(state, folded, size);
		break;
	case JUNK_FOLD_PAIR:
		gram_add(state, chr, folded, size);
		break;
	case JUNK_FOLD_WORD:
		gram_flush(state);
		words_letter(state, chr, folded, size);
		break;
	}
}

static bool word_is(const struct words_state *state, const char *str)
{
	size_t len = strlen(str);

	return state->size == len &&
		memcmp(state->buf + state->prefix_size, str, len) == 0;
}

/* Characters that end a URL in a text. */
static const bool url_ends[256] = {
	[0 ... ' '] = TRUE, ['<'] = TRUE, ['>'] = TRUE, ['"'] = TRUE,
	['\''] = TRUE, ['('] = TRUE, [')'] = TRUE, ['['] = TRUE, [']'] = TRUE,
	['{'] = TRUE, ['}'] = TRUE, ['|'] = TRUE, ['\\'] = TRUE, ['^'] = TRUE,
	['`'] = TRUE,
};

/* Returns the size of the URL that contains the character at pos, 0 if there is
   none. */
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
	for (i = pos; i < size && !url_ends[text[i]]; )
		i++;
	return i - *start_r;
}

/* Characters that block_read() classifies neither as part of a word nor as
   white space nor as a part of a multibyte character. */
static const bool char_is_punctuation[256] = {
	['!' ... '#'] = TRUE, ['&'] = TRUE, ['(' ... ','] = TRUE,
	['.' ... '/'] = TRUE, [':' ... '@'] = TRUE, ['[' ... '^'] = TRUE,
	['`'] = TRUE, ['{' ... 0x7f] = TRUE,
};

/* One bit for each byte of a block; the lowest bit is the first byte. */
struct words_block {
	/* ASCII letters, capital ones, ASCII characters of words (including $
	   and %, which indicate money), bytes of multibyte characters, white
	   space, and line ends */
	uint64_t letters, capitals, words, high, blanks, line_ends;
	/* The block in lower case, with room to copy whole vectors. */
	unsigned char folded[BLOCK_BYTES + VECTOR_BYTES];
};

/* Returns the highest bit of each byte. */
#ifdef __SSE2__
static inline uint64_t vector_bits(byte_vector vector)
{
	return (unsigned int)_mm_movemask_epi8((__m128i)vector);
}
#else
static inline uint64_t vector_bits(byte_vector vector)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < VECTOR_BYTES; i++)
		bits |= (uint64_t)(vector[i] >> 7) << i;
	return bits;
}
#endif

#define VECTOR_IS(condition) ((byte_vector)(condition))

static void
block_read(struct words_block *block, const unsigned char *text, size_t size)
{
	unsigned char last[BLOCK_BYTES];
	byte_vector c, letters, others;

	if (size < BLOCK_BYTES) {
		memcpy(last, text, size);
		memset(last + size, 0, sizeof(last) - size);
		text = last;
	}
	block->letters = block->capitals = block->words = block->high =
		block->blanks = block->line_ends = 0;
	for (unsigned int i = 0; i < BLOCK_BYTES; i += VECTOR_BYTES) {
		memcpy(&c, text + i, sizeof(c));
		letters = VECTOR_IS((c | 0x20) - 'a' < 26);
		others = VECTOR_IS(c - '0' < 10) | VECTOR_IS(c - '$' < 2) |
			VECTOR_IS(c == '\'') | VECTOR_IS(c == '-') |
			VECTOR_IS(c == '_');
		block->letters |= vector_bits(letters) << i;
		block->capitals |= vector_bits(letters & VECTOR_IS(c < 'a')) << i;
		block->words |= vector_bits(letters | others) << i;
		block->high |= vector_bits(c) << i;
		block->blanks |= vector_bits(VECTOR_IS(c <= ' ')) << i;
		block->line_ends |= vector_bits(VECTOR_IS(c == '\n')) << i;
		c |= letters & 0x20;
		memcpy(block->folded + i, &c, sizeof(c));
	}
}

/* Append the ASCII part of a word: size bytes of the block at pos. */
static void
words_ascii(struct words_state *state, const struct words_block *block,
	    unsigned int pos, unsigned int size)
{
	unsigned char *word = state->buf + state->prefix_size + state->size;
	/* a long word is truncated */
	unsigned int fits = I_MIN(size, JUNK_MAX_TOKEN_BYTES -
				  state->prefix_size - state->size);
	uint64_t inside = (UINT64_MAX >> (BLOCK_BYTES - size)) << pos;

	/* @UNSAFE: there is room for VECTOR_BYTES more */
	for (unsigned int i = 0; i < fits; i += VECTOR_BYTES)
		memcpy(word + i, block->folded + pos + i, VECTOR_BYTES);
	state->size += fits;
	if ((block->letters & inside) != 0)
		state->scripts |= SCRIPT_LATIN;
	if ((block->capitals & inside) != 0) {
		state->stats->capitals +=
			junk_bits_count(block->capitals & inside);
	}
}

/* Process a multibyte character. Returns its size. */
static size_t
words_utf8(struct words_state *state, const unsigned char *text, size_t size)
{
	unichar_t chr;
	int len = uni_utf8_get_char_n(text, size, &chr);
	size_t pos = text - state->text;

	if (len <= 0)
		return 1;
	if (state->size == 0)
		state->word_start = pos;
	words_high(state, chr);
	if (state->size > 0)
		state->word_end = pos + len;
	return len;
}

/* Add a URL whose scheme or "www" was read as a word. Returns FALSE if the
   character at *pos isn't in a URL. */
static bool
words_url(struct words_state *state, const unsigned char *text, size_t size,
	  size_t *pos)
{
	size_t start, url_size;

	url_size = words_find_url(state, text, size, *pos, &start);
	if (url_size == 0)
		return FALSE;
	junk_url_add(state->set, text + start, url_size);
	state->stats->urls++;
	word_reset(state);
	state->url_start = start;
	*pos = start + url_size;
	return TRUE;
}

/* Add the run of punctuation at pos. */
static void
words_punctuation(struct words_state *state, const unsigned char *text,
		  size_t size, size_t pos)
{
	unsigned char run[2] = { text[pos], '\0' };
	unsigned char *seen;

	if (pos + 1 < size && char_is_punctuation[text[pos + 1]])
		run[1] = text[pos + 1];
	seen = state->punctuation[(run[0] * 7 + run[1]) % PUNCTUATION_SLOTS];
	if (seen[0] == run[0] && seen[1] == run[1])
		return;
	memcpy(seen, run, sizeof(run));
	junk_token_set_add(state->set, state->class, run,
			   run[1] == '\0' ? 1 : 2);
	if (run[0] == '!' && run[1] == '!')
		state->stats->shouts = TRUE;
}

/* Process the block at text + start. Returns where the next one begins. */
static size_t
words_block(struct words_state *state, const struct words_block *block,
	    const unsigned char *text, size_t size, const size_t start)
{
	const unsigned int block_size = I_MIN(size - start, BLOCK_BYTES);
	unsigned int i = 0, len;
	uint64_t left;
	size_t pos;

	while (i < block_size) {
		pos = start + i;
		if (((block->words >> i) & 1) != 0) {
			gram_flush(state);
			left = ~(block->words >> i);
			len = left == 0 ? BLOCK_BYTES :
				(unsigned int)__builtin_ctzll(left);
			if (state->size == 0)
				state->word_start = pos;
			state->word_end = pos + len;
			words_ascii(state, block, i, len);
			i += len;
		} else if (text[pos] >= 0x80) {
			i += words_utf8(state, text + pos, size - pos);
		} else if (state->is_body &&
			   words_url(state, text, size, &pos)) {
			return pos;
		} else {
			word_end(state);
			gram_flush(state);
			left = (block->words | block->high) >> i;
			if (left == 0)
				return start + block_size;
			i += __builtin_ctzll(left);
		}
	}
	return start + i;
}

/* Process the end of a line, at text + end. */
static inline void
words_line(struct words_state *state, const unsigned char *text, size_t end)
{
	size_t size = end - state->line_start;

	/* decoded text may contain CRs */
	if (size > 0 && text[end - 1] == '\r')
		size--;
	state->stats->longest_line = I_MAX(state->stats->longest_line, size);
	state->line_start = end + 1;
}

/* Process punctuation and line ends of a body's block at text + start. bytes:
   bits of the bytes to look at. */
static void
words_layout(struct words_state *state, const struct words_block *block,
	     const unsigned char *text, size_t size, size_t start, uint64_t bytes)
{
	uint64_t punctuation = ~(block->words | block->high | block->blanks);
	uint64_t starts = punctuation & ~(punctuation << 1) & bytes;
	uint64_t lines = block->line_ends & bytes;

	if (start > 0 && char_is_punctuation[text[start - 1]])
		starts &= ~UINT64_C(1);
	for (; starts != 0; starts &= starts - 1) {
		words_punctuation(state, text, size,
				  start + __builtin_ctzll(starts));
	}
	for (; lines != 0; lines &= lines - 1)
		words_line(state, text, start + __builtin_ctzll(lines));
}

/* Returns the next right-to-left override, NULL if there is none. Most texts
   don't even contain its first byte. */
static const unsigned char *
text_find_turn(const unsigned char *text, const unsigned char *end)
{
	while ((text = memchr(text, TURN_BEGIN[0] & 0xff, end - text)) != NULL) {
		if (end - text >= TURN_BYTES &&
		    memcmp(text, TURN_BEGIN, TURN_BYTES) == 0)
			return text;
		text++;
	}
	return NULL;
}

/* Append a part of a line in reverse order. */
static void
turned_append(buffer_t *dest, const unsigned char *start,
	      const unsigned char *end)
{
	const unsigned char *p = end;

	while (p > start) {
		for (p--; p > start && (*p & 0xc0) == 0x80; )
			p--;
		buffer_append(dest, p, end - p);
		end = p;
	}
}

/* Returns the text as it is displayed, where right-to-left overrides reverse
   it. */
static SELDOM buffer_t *
text_turn(const unsigned char *text, const unsigned char *end)
{
	buffer_t *dest = buffer_create_dynamic(default_pool, end - text + 1);
	const unsigned char *p, *line = text, *close;

	while ((p = text_find_turn(text, end)) != NULL) {
		buffer_append(dest, text, p - text);
		p += TURN_BYTES;
		if (line < p) {
			/* search the line end only once per line */
			line = memchr(p, '\n', end - p);
			if (line == NULL)
				line = end;
		}
		close = memmem(p, line - p, TURN_END, TURN_BYTES);
		if (close == NULL)
			close = line;
		turned_append(dest, p, close);
		text = close;
	}
	buffer_append(dest, text, end - text);
	return dest;
}

static void
words_run(struct words_state *state, const unsigned char *text, size_t size)
{
	struct words_block block;
	size_t pos = 0, next, end;
	buffer_t *turned = NULL;
	uint64_t bytes;

	if (size > 0 && text_find_turn(text, text + size) != NULL) {
		turned = text_turn(text, text + size);
		text = turned->data;
		size = turned->used;
		state->stats->unseen++;
	}
	state->text = text;
	while (pos < size) {
		block_read(&block, text + pos, size - pos);
		state->url_start = size;
		next = words_block(state, &block, text, size, pos);
		/* a URL was processed as a whole */
		end = I_MAX(I_MIN(next, state->url_start), pos);
		bytes = end - pos >= BLOCK_BYTES ? UINT64_MAX :
			(UINT64_C(1) << (end - pos)) - 1;
		state->stats->blanks += junk_bits_count(block.blanks & bytes);
		if (state->is_body)
			words_layout(state, &block, text, size, pos, bytes);
		pos = next;
	}
	if (state->is_body && state->line_start < size)
		words_line(state, text, size);
	word_end(state);
	gram_flush(state);
	spaced_flush(state);
	buffer_free(&turned);
}

void junk_words_add(struct junk_token_set *set, enum junk_token_class class,
		    const char *prefix, const unsigned char *text, size_t size,
		    struct junk_words_stats *stats)
{
	struct words_state state;

	i_zero(&state);
	state.set = set;
	state.class = class;
	state.prefix_size = strlen(prefix);
	i_assert(state.prefix_size < JUNK_MAX_TOKEN_BYTES / 2);
	memcpy(state.buf, prefix, state.prefix_size);
	state.stats = stats != NULL ? stats : &state.unwanted_stats;
	words_run(&state, text, size);
}

void junk_words_add_body(struct junk_token_set *set, const unsigned char *text,
			 size_t size, struct junk_words_stats *stats)
{
	struct words_state state;

	i_zero(&state);
	state.set = set;
	state.class = JUNK_TOKEN_BODY_WORD;
	state.is_body = TRUE;
	state.stats = stats;
	stats->longest_line = 0;
	stats->shouts = FALSE;
	words_run(&state, text, size);
}

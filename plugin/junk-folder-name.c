#include "lib.h"
#include "str.h"
#include "junk-fold.h"
#include "junk-folder-name.h"
#include "junk-folder-names.h"

#include <ctype.h>

/* Unicode 3.12: Hangul is composed by calculation */
#define HANGUL_L 0x1100
#define HANGUL_V 0x1161
#define HANGUL_T 0x11a7
#define HANGUL_S 0xac00
#define HANGUL_L_COUNT 19
#define HANGUL_V_COUNT 21
#define HANGUL_T_COUNT 28

/* Voicing marks of kana. The voiced and the half-voiced character follow the
   plain one. */
#define KANA_VOICED 0x3099
#define KANA_HALF_VOICED 0x309a

/* Returns the next character. Marks that folding doesn't remove are composed
   with it. */
static unichar_t name_next_char(const char **name)
{
	unichar_t chr, next;
	int len, next_len;

	len = uni_utf8_get_char(*name, &chr);
	if (len <= 0) {
		/* not UTF-8: compare the byte as it is */
		chr = (unsigned char)**name;
		len = 1;
	}
	*name += len;
	while ((next_len = uni_utf8_get_char(*name, &next)) > 0 && next != 0) {
		if (next == KANA_VOICED && chr >= 0x3041 && chr <= 0x30ff)
			chr++;
		else if (next == KANA_HALF_VOICED && chr >= 0x3041 &&
			 chr <= 0x30ff)
			chr += 2;
		else if (chr - HANGUL_L < HANGUL_L_COUNT &&
			 next - HANGUL_V < HANGUL_V_COUNT) {
			chr = HANGUL_S + ((chr - HANGUL_L) * HANGUL_V_COUNT +
					  (next - HANGUL_V)) * HANGUL_T_COUNT;
		} else if (chr >= HANGUL_S &&
			   chr < HANGUL_S + HANGUL_L_COUNT * HANGUL_V_COUNT *
			   HANGUL_T_COUNT &&
			   (chr - HANGUL_S) % HANGUL_T_COUNT == 0 &&
			   next > HANGUL_T &&
			   next < HANGUL_T + HANGUL_T_COUNT)
			chr += next - HANGUL_T;
		else
			break;
		*name += next_len;
	}
	return chr;
}

/* Returns the number of bytes. */
static unsigned int
name_fold_char(unichar_t chr, unsigned char dest[JUNK_FOLD_MAX_BYTES])
{
	unsigned int size;

	if (chr < 0x80) {
		dest[0] = (unsigned char)i_tolower((int)chr);
		return 1;
	}
	switch (junk_fold_char(chr, dest, &size)) {
	case JUNK_FOLD_DROP:
		return 0;
	case JUNK_FOLD_SPACE:
		dest[0] = ' ';
		return 1;
	default:
		return size;
	}
}

const char *junk_folder_name_fold(const char *name)
{
	string_t *folded = t_str_new(strlen(name) + 16);
	unsigned char chr[JUNK_FOLD_MAX_BYTES];

	while (*name != '\0')
		str_append_data(folded, chr,
				name_fold_char(name_next_char(&name), chr));
	return str_c(folded);
}

/* Compare a folded name with a known one, without folding the latter
   completely. */
static bool name_equals(const char *folded, const char *name)
{
	unsigned char chr[JUNK_FOLD_MAX_BYTES];
	unsigned int size;

	while (*name != '\0') {
		size = name_fold_char(name_next_char(&name), chr);
		if (strncmp(folded, (const char *)chr, size) != 0)
			return FALSE;
		folded += size;
	}
	return *folded == '\0';
}

bool junk_folder_name_is_usual(const char *folded)
{
	for (unsigned int i = 0; junk_folder_names[i] != NULL; i++) {
		if (name_equals(folded, junk_folder_names[i]))
			return TRUE;
	}
	return FALSE;
}

bool junk_folder_name_looks_like_junk(const char *folded)
{
	return strstr(folded, "junk") != NULL ||
		strstr(folded, "spam") != NULL ||
		junk_folder_name_is_usual(folded);
}

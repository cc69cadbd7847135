/* See junk-filename.h. */

#include "lib.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-fold.h"
#include "junk-filename.h"

/* Bytes of a name that are read, from its end. */
#define MAX_NAME_BYTES 1024

static void clean_char(string_t *dest, unichar_t chr)
{
	unsigned char folded[JUNK_FOLD_MAX_BYTES];
	unsigned int size;

	switch (chr) {
	case 0x2024: /* one dot leader */
	case 0xfe52: /* small full stop */
	case 0xff0e: /* fullwidth full stop */
		str_append_c(dest, '.');
		return;
	}
	switch (junk_fold_char(chr, folded, &size)) {
	case JUNK_FOLD_DROP:
		break;
	case JUNK_FOLD_SPACE:
		str_append_c(dest, ' ');
		break;
	case JUNK_FOLD_WORD:
		if (folded[0] < 0x80) {
			str_append_data(dest, folded, size);
			break;
		}
		/* fall through */
	case JUNK_FOLD_SYMBOL:
	case JUNK_FOLD_PAIR:
		uni_ucs4_to_utf8_c(chr, dest);
		break;
	}
}

const char *junk_filename_clean(const char *name)
{
	size_t size = strlen(name), len;
	string_t *str;
	unichar_t chr;
	int chr_size;

	if (size > MAX_NAME_BYTES) {
		name += size - MAX_NAME_BYTES;
		size = MAX_NAME_BYTES;
	}
	str = t_str_new(size + 16);
	while (size > 0) {
		chr_size = uni_utf8_get_char_n(name, size, &chr);
		if (chr_size <= 0) {
			chr_size = 1;
			str_append_c(str, *name);
		} else if (chr < 0x80) {
			if (chr == '/' || chr == '\\')
				str_truncate(str, 0);
			else if (chr >= ' ')
				str_append_c(str, ascii_tolower(chr));
		} else {
			clean_char(str, chr);
		}
		name += chr_size;
		size -= chr_size;
	}
	for (len = str_len(str); len > 0; len--) {
		if (str_c(str)[len - 1] != '.' && str_c(str)[len - 1] != ' ')
			break;
	}
	str_truncate(str, len);
	return str_c(str);
}

const char *junk_filename_extension(const char *name)
{
	return strrchr(name, '.');
}

#ifndef JUNK_NAME_H
#define JUNK_NAME_H

#include "junk-ascii.h"

#include <endian.h>

/* Short names in lower case, padded with zeros to a fixed multiple of 8 bytes.
   They are compared eight letters at a time as big-endian numbers, in the order
   of strcmp(). A message looks up hundreds of names in sorted tables. */

static inline int junk_name_cmp(const char *a, const char *b, size_t size)
{
	uint64_t x, y;

	for (size_t i = 0; i < size; i += sizeof(x)) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		if (x != y)
			return be64toh(x) < be64toh(y) ? -1 : 1;
	}
	return 0;
}

/* Find a name by binary search in a table whose rows begin with their names.
   Returns the row, NULL if there is none. */
static inline const void *
junk_name_find(const char *name, size_t size, const void *rows,
	       unsigned int row_count, size_t row_size)
{
	const char *row, *first = rows;
	uint64_t x, y;

	/* most names differ in their first eight letters */
	memcpy(&x, name, sizeof(x));
	x = be64toh(x);
	while (row_count > 0) {
		unsigned int half = row_count / 2;
		int ret;

		row = first + half * row_size;
		memcpy(&y, row, sizeof(y));
		y = be64toh(y);
		if (x != y)
			ret = x < y ? -1 : 1;
		else if ((ret = junk_name_cmp(name, row, size)) == 0)
			return row;
		if (ret > 0) {
			first = row + row_size;
			row_count--;
		}
		row_count = ret > 0 ? row_count - half : half;
	}
	return NULL;
}

/* Returns FALSE if the name is too long. */
static inline bool junk_name_set(char *dest, size_t size, const char *name)
{
	size_t i;

	memset(dest, 0, size);
	for (i = 0; name[i] != '\0'; i++) {
		if (i == size - 1)
			return FALSE;
		dest[i] = ascii_tolower(name[i]);
	}
	return TRUE;
}

#endif

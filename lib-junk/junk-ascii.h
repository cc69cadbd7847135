#ifndef JUNK_ASCII_H
#define JUNK_ASCII_H

/* Functions of <ctype.h> that don't depend on the locale, since tokens must
   not. */

static inline bool ascii_isdigit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_isupper(unsigned char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool ascii_isalpha(unsigned char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool ascii_isalnum(unsigned char c)
{
	return ascii_isalpha(c) || ascii_isdigit(c);
}

static inline unsigned char ascii_tolower(unsigned char c)
{
	return ascii_isupper(c) ? c | 0x20 : c;
}

static inline unsigned char ascii_toupper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? c & ~0x20 : c;
}

/* Returns the shape of a character: 0 for digits, a or A for letters, others
   unchanged. */
static inline unsigned char ascii_shape(unsigned char c)
{
	if (ascii_isdigit(c))
		return '0';
	if (ascii_isalpha(c))
		return ascii_isupper(c) ? 'A' : 'a';
	return c;
}

/* Returns the value of a hexadecimal digit, -1 if it isn't one. */
static inline int ascii_hex_value(unsigned char c)
{
	if (ascii_isdigit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif

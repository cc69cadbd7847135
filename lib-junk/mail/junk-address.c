/* See junk-address.h. Spam has invalid From fields, of which mail clients show
   an address nevertheless. If there is "<...>" outside of quotes and comments,
   this is the address, whatever precedes it ("service@bank.example
   <evil@spam.example>"); libdovecot's parser would take the text at the first
   "@". */

#include "lib.h"
#include "message-address.h"
#include "junk-ascii.h"
#include "junk-address.h"

/* Maximum addresses to parse in a field whose first ones have no domain ("Doe,
   John <john@example>"). */
#define MAX_ADDRESSES 10

static bool is_address_char(unsigned char c)
{
	return ascii_isalnum(c) || c >= 0x80 ||
		(c != '\0' && strchr(".-_+=!#$%&'*/?^`{|}~", c) != NULL);
}

const unsigned char *
junk_address_next(const unsigned char *data, const unsigned char *end,
		  const unsigned char **local_r, const unsigned char **at_r,
		  const unsigned char **domain_end_r)
{
	const unsigned char *at = memchr(data, '@', end - data), *p;

	if (at == NULL)
		return NULL;
	for (p = at; p > data && is_address_char(p[-1]); )
		p--;
	*local_r = p;
	*at_r = at;
	for (p = at + 1; p < end && is_address_char(*p); )
		p++;
	*domain_end_r = p;
	while (p < end && (*p == '>' || *p == ' ' || *p == ',' || *p == ';' ||
			   *p == '"' || *p == '\''))
		p++;
	return p;
}

/* Returns the end of a quoted string or comment, NULL if it has none. */
static const char *quoted_end(const char *p)
{
	for (p++; *p != '\0'; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return NULL;
}

static const char *comment_end(const char *p)
{
	unsigned int depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
		else if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return NULL;
}

/* Overwrite quoted strings and comments with spaces, except those that aren't
   closed. */
static void blank_quoted(char *p)
{
	bool quotes = TRUE, comments = TRUE;
	const char *end;

	while (*p != '\0') {
		end = NULL;
		if (*p == '"' && quotes) {
			end = quoted_end(p);
			quotes = end != NULL;
		} else if (*p == '(' && comments) {
			end = comment_end(p);
			comments = end != NULL;
		}
		if (end == NULL) {
			p++;
			continue;
		}
		while (p < end)
			*p++ = ' ';
	}
}

/* Find the first mailbox's "<" and ">" with an "@" between them in a text
   without quotes. */
static bool
angle_find(const char *p, const char **start_r, const char **end_r)
{
	const char *end;
	bool at = FALSE;

	*start_r = *end_r = NULL;
	for (; *p != '\0'; p++) {
		if (*p == '<') {
			end = p + strcspn(p, ">");
			if (memchr(p, '@', end - p) != NULL) {
				/* the last "<...>" is the address, earlier ones
				   are its name */
				*start_r = p;
				*end_r = end;
			}
			if (*end == '>')
				p = end;
		} else if (*p == '@') {
			at = TRUE;
		} else if ((*p == ',' || *p == ';') &&
			   (*start_r != NULL || at)) {
			break;
		}
	}
	return *start_r != NULL;
}

/* Returns the first address with a domain. */
static const struct message_address *address_parse(const char *data, size_t size)
{
	const struct message_address *addr =
		message_address_parse(pool_datastack_create(),
				      (const unsigned char *)data, size,
				      MAX_ADDRESSES, 0);

	while (addr != NULL && (addr->mailbox == NULL || addr->domain == NULL ||
				*addr->mailbox == '\0' ||
				*addr->domain == '\0'))
		addr = addr->next;
	return addr;
}

/* Find an address that the parser doesn't understand, such as "<mailto:a@b>" or
   "Name a@b". */
static bool
any_address(const char *start, const char *end, struct junk_address *addr_r,
	    size_t *before_size_r, size_t *end_r)
{
	const unsigned char *local, *at, *domain_end;

	if (junk_address_next((const void *)start, (const void *)end, &local,
			      &at, &domain_end) == NULL ||
	    local == at || at + 1 == domain_end)
		return FALSE;
	addr_r->local = t_strdup_until(local, at);
	addr_r->domain = t_strdup_until(at + 1, domain_end);
	*before_size_r = (const char *)local - start;
	*end_r = (const char *)domain_end - start;
	return TRUE;
}

/* Most addresses are simple, so they need no parser. */
static bool
simple_address(const char *start, const char *end, struct junk_address *addr_r)
{
	const char *at = NULL;

	for (const char *p = start; p < end; p++) {
		if (*p == '@' && at == NULL)
			at = p;
		else if (!is_address_char(*p))
			return FALSE;
	}
	if (at == NULL || at == start || at + 1 == end)
		return FALSE;
	addr_r->local = t_strdup_until(start, at);
	addr_r->domain = t_strdup_until(at + 1, end);
	return TRUE;
}

static bool
angle_address(const char *str, size_t start, size_t end,
	      struct junk_address *addr_r)
{
	const struct message_address *addr;
	size_t before_size, address_end;

	addr_r->before = t_strdup_until(str, str + start + 1);
	addr_r->after = str + end;
	if (simple_address(str + start + 1, str + end, addr_r))
		return TRUE;
	addr = address_parse(t_strconcat(t_strdup_until(str + start,
							str + end), ">",
					 NULL), end - start + 1);
	if (addr != NULL) {
		addr_r->local = addr->mailbox;
		addr_r->domain = addr->domain;
	} else if (!any_address(str + start, str + end, addr_r, &before_size,
				&address_end)) {
		return FALSE;
	}
	return TRUE;
}

static bool
plain_address(const char *str, const char *unquoted,
	      struct junk_address *addr_r)
{
	const struct message_address *addr;
	size_t before_size, end;

	addr_r->before = addr_r->after = "";
	if (simple_address(str, str + strlen(str), addr_r))
		return TRUE;
	addr = address_parse(str, strlen(str));
	if (addr != NULL) {
		addr_r->local = addr->mailbox;
		addr_r->domain = addr->domain;
		if (addr->name != NULL)
			addr_r->after = addr->name;
		return TRUE;
	}
	if (!any_address(unquoted, unquoted + strlen(unquoted), addr_r,
			 &before_size, &end))
		return FALSE;
	addr_r->before = t_strdup_until(str, str + before_size);
	addr_r->after = str + end;
	return TRUE;
}

bool junk_address_find(const unsigned char *data, size_t size,
		       struct junk_address *addr_r)
{
	char *str = t_malloc_no0(size + 1), *unquoted;
	const char *start, *end;

	for (size_t i = 0; i < size; i++)
		/* ESC may be part of a charset's escape sequence */
		str[i] = data[i] < ' ' && data[i] != 0x1b ? ' ' : data[i];
	str[size] = '\0';
	if (strchr(str, '@') == NULL)
		return FALSE;
	unquoted = str;
	if (strpbrk(str, "\"(") != NULL) {
		unquoted = t_strdup_noconst(str);
		blank_quoted(unquoted);
	}

	if (angle_find(unquoted, &start, &end) &&
	    angle_address(str, start - unquoted, end - unquoted, addr_r))
		return TRUE;
	/* an encoded word isn't an address */
	return plain_address(str, unquoted, addr_r) &&
		strstr(addr_r->local, "=?") == NULL;
}

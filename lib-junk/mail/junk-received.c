/* See junk-received.h. The client can write anything into HELO and its
   certificate's name, which the MX copies into the field. So "by HOST" and the
   address are searched from the end of the field, and the address must end a
   comment that otherwise contains only a name. */

#include "lib.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-received.h"

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ';
}

/* Returns where the last "by HOST" of one of these hosts begins, NULL if there
   is none. */
static const char *by_find(const char *field, const char *const *hosts)
{
	const char *found = NULL, *p = field, *host;
	size_t size;

	while ((p = strstr(p, " by ")) != NULL) {
		host = p + 4;
		host += strspn(host, " ");
		size = strcspn(host, " ;(");
		for (unsigned int i = 0; hosts[i] != NULL; i++) {
			if (strlen(hosts[i]) == size &&
			    strncasecmp(host, hosts[i], size) == 0)
				found = p;
		}
		p += 3;
	}
	return found;
}

/* Parse "(name [address])" or "([address])", also followed by "(may be
   forged)". Returns FALSE for other comments. */
static bool
comment_parse(const char *start, const char *end, const char **name_r,
	      const char **address_r)
{
	const char *open, *close, *name_end;

	open = memchr(start, '[', end - start);
	if (open == NULL || (close = memchr(open, ']', end - open)) == NULL)
		return FALSE;
	for (; start < open && is_blank(*start); start++) ;
	for (name_end = open; name_end > start && is_blank(name_end[-1]); )
		name_end--;
	if (memchr(start, ' ', name_end - start) != NULL ||
	    memchr(start, '(', name_end - start) != NULL)
		return FALSE;
	for (end = end - 1; end > close && is_blank(*end); end--) ;
	if (end != close && (*end != ')' || memchr(close, '(', end - close) ==
			     NULL))
		return FALSE;
	*name_r = t_strdup_until(start, name_end);
	*address_r = t_strdup_until(open, close + 1);
	return TRUE;
}

/* Find the last top-level comment with an address. */
static bool
address_find(const char *from, const char *end, const char **name_r,
	     const char **address_r)
{
	const char *p, *start = NULL;
	unsigned int depth = 0;

	*address_r = NULL;
	for (p = from; p < end; p++) {
		if (*p == '(') {
			if (depth++ == 0)
				start = p + 1;
		} else if (*p == ')' && depth > 0 && --depth == 0) {
			(void)comment_parse(start, p, name_r, address_r);
		}
	}
	return *address_r != NULL;
}

static bool address_is_outside(const struct junk_host *address)
{
	return address->kind == JUNK_HOST_IPV4 ?
		strncmp(address->name, "127.", 4) != 0 :
		(address->kind == JUNK_HOST_IPV6 &&
		 strcmp(address->name, "[::1]") != 0);
}

bool junk_received_parse(struct junk_hosts *hosts,
			 const unsigned char *data, size_t size,
			 const char *mx, struct junk_client *client_r)
{
	const char *from, *by, *address;
	char *field;

	if (mx == NULL || *mx == '\0')
		return FALSE;
	field = t_malloc_no0(size + 1);
	for (size_t i = 0; i < size; i++)
		field[i] = data[i] <= ' ' ? ' ' : ascii_tolower(data[i]);
	field[size] = '\0';

	from = field + strspn(field, " ");
	by = by_find(from, t_strsplit_spaces(mx, " \t"));
	if (by == NULL || strncmp(from, "from ", 5) != 0)
		return FALSE;
	from += 5;
	from += strspn(from, " ");
	if (!address_find(from, by, &client_r->name, &address) ||
	    !junk_host_parse(hosts, address, strlen(address), FALSE,
			     &client_r->address) ||
	    !address_is_outside(&client_r->address))
		return FALSE;
	client_r->helo = t_strdup_until(from, from + strcspn(from, " ("));
	if (strcmp(client_r->name, "unknown") == 0)
		client_r->name = "";
	return TRUE;
}

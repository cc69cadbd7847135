/* See junk-url.h. */

#include "lib.h"
#include "buffer.h"
#include "junk-ascii.h"
#include "junk-decode.h"
#include "junk-url.h"

/* Maximum bytes of a URL and of what follows its host, and words of its path.
   The user part before the host may be long, in order to deceive. */
#define MAX_URL_BYTES 8192
#define MAX_PATH_BYTES 1024
#define MAX_PATH_WORDS 16
/* Longer words, or those with many digits, are ids that differ in each
   message. */
#define MAX_PATH_WORD_BYTES 20
/* Maximum number of URLs inside a URL, and how often they may be escaped. */
#define MAX_INNER_URLS 4
#define MAX_ESCAPES 4
/* Maximum number of addresses in a mailto:. */
#define MAX_MAILTO 10
/* Maximum number of words in a link's text. */
#define MAX_LINK_WORDS 16
#define MAX_PORT_BYTES 16

/* Positions of the parts of a URL. */
struct url_parts {
	const char *user, *host, *port, *path, *end;
	bool has_user;
};

static bool begins_with(const char *str, const char *prefix)
{
	return strncasecmp(str, prefix, strlen(prefix)) == 0;
}

static bool is_slash(char c)
{
	return c == '/' || c == '\\';
}

/* Returns the last "@" before end, NULL if there is none. */
static const char *last_at(const char *str, const char *end)
{
	while (end > str && end[-1] != '@')
		end--;
	return end == str ? NULL : end - 1;
}

/* Copy a URL without blanks and control characters, which clients ignore.
   Returns the size of dest, which must have room for max + 1 bytes. */
static size_t
url_clean(const unsigned char *url, size_t size, char *dest, size_t max)
{
	size_t len = 0;

	for (size_t i = 0; i < size && len < max; i++) {
		if (url[i] > ' ' && url[i] != 0x7f)
			dest[len++] = url[i];
	}
	dest[len] = '\0';
	return len;
}

/* Returns the character of an escape at str, -1 if it isn't one. */
static int escaped_char(const char *str)
{
	int high, low;

	if (str[0] != '%' || (high = ascii_hex_value(str[1])) < 0 ||
	    (low = ascii_hex_value(str[2])) < 0)
		return -1;
	return high * 16 + low;
}

/* Decode escapes once. src may be the same as dest. Returns the new size. */
static size_t url_unescape(const char *src, char *dest, size_t max)
{
	size_t len = 0;
	int c;

	for (; *src != '\0' && len < max; src++) {
		c = escaped_char(src);
		if (c >= 0)
			src += 2;
		else
			c = (unsigned char)*src;
		if (c > ' ' && c != 0x7f)
			dest[len++] = c;
	}
	dest[len] = '\0';
	return len;
}

/* --- hosts --- */

static void
add_domain(struct junk_token_set *set, enum junk_token_class class,
	   const char *prefix, const struct junk_host *host)
{
	const char *end = host->name + host->size, *dot;
	struct junk_domain domain;
	size_t size;

	junk_host_domain(host, &domain);
	/* a public suffix without a name before it is the domain of its
	   owner */
	size = domain.registered_size > 0 ? domain.registered_size :
		(domain.suffix_size > 0 ? host->size : 0);
	if (size > 0)
		junk_token_set_add_prefixed(set, class, prefix, end - size,
					    size);
	for (dot = end - 1; dot > host->name && *dot != '.'; )
		dot--;
	if (*dot != '.')
		return;
	junk_token_set_add_prefixed(set, class, prefix, dot, end - dot);
	/* ".web.app" is common to all customers of a hosting service */
	if (domain.suffix_size >= (size_t)(end - dot) &&
	    domain.suffix_size < host->size) {
		dot = end - domain.suffix_size - 1;
		junk_token_set_add_prefixed(set, class, prefix, dot,
					    end - dot);
	}
}

void junk_url_add_parsed_host(struct junk_token_set *set,
			      enum junk_token_class host_class,
			      enum junk_token_class domain_class,
			      const char *prefix, const struct junk_host *host)
{
	junk_token_set_add_prefixed(set, host_class, prefix, host->name,
				    host->size);
	if (host->kind == JUNK_HOST_NAME) {
		add_domain(set, domain_class, prefix, host);
	} else {
		junk_token_set_add_prefixed(set, domain_class, prefix, "ip", 2);
		junk_token_set_add_prefixed(set, domain_class, prefix,
					    host->network,
					    strlen(host->network));
	}
}

void junk_url_add_host(struct junk_token_set *set,
		       enum junk_token_class host_class,
		       enum junk_token_class domain_class, const char *prefix,
		       const unsigned char *data, size_t size)
{
	struct junk_host host;

	if (junk_host_parse(&set->hosts, data, size, TRUE, &host))
		junk_url_add_parsed_host(set, host_class, domain_class, prefix,
					 &host);
}

/* --- paths --- */

static void add_path_words(struct junk_token_set *set, const char *path)
{
	unsigned int words = 0;
	size_t len, digits;

	while (*path != '\0' && words < MAX_PATH_WORDS) {
		len = digits = 0;
		while (ascii_isalnum(path[len]) || (path[len] & 0x80) != 0) {
			if (ascii_isdigit(path[len]))
				digits++;
			len++;
		}
		if (len == 0) {
			path++;
			continue;
		}
		words++;
		if (len > MAX_PATH_WORD_BYTES || (digits > 4 && digits < len))
			junk_token_set_add_str(set, JUNK_TOKEN_URL_PATH, "id:");
		else
			junk_token_set_add(set, JUNK_TOKEN_URL_PATH, path, len);
		path += len;
	}
}

/* Add the shape of a path (numbers of slashes and digits), since generated
   paths are similar. */
static void add_path_shape(struct junk_token_set *set, const char *path)
{
	unsigned int slashes = 0, digits = 0;
	char shape[] = "shape:000";
	const char *p;

	for (p = path; *p != '\0'; p++) {
		slashes += *p == '/' ? 1 : 0;
		digits += ascii_isdigit(*p) ? 1 : 0;
	}
	shape[6] += I_MIN(slashes, 5);
	shape[7] += strchr(path, '?') != NULL ? 1 : 0;
	shape[8] += I_MIN((digits + 1) / 2, 4);
	junk_token_set_add(set, JUNK_TOKEN_URL_PATH, shape, sizeof(shape) - 1);
}

static void add_path(struct junk_token_set *set, const char *path)
{
	char clean[MAX_PATH_BYTES + 1];
	size_t size = url_unescape(path, clean, sizeof(clean) - 1);

	for (size_t i = 0; i < size; i++)
		clean[i] = ascii_tolower(clean[i]);
	add_path_words(set, clean);
	add_path_shape(set, clean);
}

/* --- URLs --- */

/* Returns where the user and host of a URL begin, NULL if it has none. */
static const char *url_authority(const char *url)
{
	static const char *const schemes[] = {
		"http:", "https:", "ftp:", "ws:", "wss:",
	};

	if (is_slash(url[0]) && is_slash(url[1]))
		return url + strspn(url, "/\\");
	for (unsigned int i = 0; i < N_ELEMENTS(schemes); i++) {
		if (!begins_with(url, schemes[i]))
			continue;
		url += strlen(schemes[i]);
		/* browsers accept any number of slashes and backslashes */
		return url + strspn(url, "/\\");
	}
	/* "feed://host": an unknown scheme */
	size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	if (len > 0 && url[len] == ':' && is_slash(url[len + 1]) &&
	    is_slash(url[len + 2]) && ascii_isalpha(*url))
		return url + len + 1 + strspn(url + len + 1, "/\\");
	return begins_with(url, "www.") ? url : NULL;
}

/* Split what follows the scheme. ends: additional characters that end the
   URL. */
static void
url_split(const char *authority, const char *ends, struct url_parts *parts_r)
{
	const char *path = authority + strcspn(authority, "/\\?#");
	const char *p = authority + strcspn(authority, ends);

	path = I_MIN(path, p);
	parts_r->user = parts_r->host = authority;
	parts_r->path = path;
	p = last_at(authority, path);
	parts_r->has_user = p != NULL;
	if (p != NULL)
		parts_r->host = p + 1;
	/* an IPv6 address, as in "[2001:db8::1]:80" */
	p = parts_r->host;
	if (*p == '[') {
		p = memchr(p, ']', path - p);
		if (p == NULL)
			p = parts_r->host;
	}
	p = memchr(p, ':', path - p);
	parts_r->port = p == NULL ? path : p;
}

static bool
url_parts_host(struct junk_token_set *set, const struct url_parts *parts,
	       struct junk_host *host_r)
{
	return junk_host_parse(&set->hosts, parts->host,
			       parts->port - parts->host, TRUE, host_r);
}

static void
add_port(struct junk_token_set *set, const struct url_parts *parts)
{
	const char *port = parts->port + 1;

	if (parts->path - parts->port <= 1)
		return;
	while (port + 1 < parts->path && *port == '0')
		port++;
	junk_token_set_add_prefixed(set, JUNK_TOKEN_URL_PATH, ":", port,
				    I_MIN(parts->path - port, MAX_PORT_BYTES));
}

/* Add host, user and port. Returns FALSE if there is no host. */
static bool
add_authority(struct junk_token_set *set, const struct url_parts *parts,
	      struct junk_host *host)
{
	if (parts->has_user)
		junk_token_set_add_str(set, JUNK_TOKEN_URL_PATH, "userinfo@");
	add_port(set, parts);
	if (!url_parts_host(set, parts, host))
		return FALSE;
	junk_url_add_parsed_host(set, JUNK_TOKEN_URL_HOST,
				 JUNK_TOKEN_URL_DOMAIN, "", host);
	return TRUE;
}

/* --- URLs inside URLs --- */

/* Find the next URL in what follows a host. Returns where its user and host
   begin, NULL if there is none. */
static const char *inner_authority(const char *path)
{
	const char *p = path, *start;

	while ((p = strpbrk(p, ":=")) != NULL) {
		if (*p == '=') {
			/* "=//host" or "=www.host" */
			if ((is_slash(p[1]) && is_slash(p[2])) ||
			    begins_with(p + 1, "www."))
				return url_authority(p + 1);
		} else if (is_slash(p[1])) {
			start = p;
			while (start > path && ascii_isalpha(start[-1]))
				start--;
			if (p - start > 5)
				start = p - 5;
			for (; start < p; start++) {
				if (url_authority(start) != NULL)
					return url_authority(start);
			}
		}
		p++;
	}
	return NULL;
}

/* Decode a URL in base64, which begins with "aHR0c" ("http"). Returns its size
   in dest, 0 if there is none. */
static size_t inner_base64(const char *path, char *dest, size_t max)
{
	const char *start = strstr(path, "aHR0c");
	buffer_t *buf;
	size_t size;

	if (start == NULL)
		return 0;
	for (size = 0; ascii_isalnum(start[size]) ||
	     (start[size] != '\0' && strchr("+/-_", start[size]) != NULL); )
		size++;
	buf = t_buffer_create(size);
	buffer_append(buf, start, size);
	for (char *p = buffer_get_modifiable_data(buf, NULL); size > 0;
	     p++, size--) {
		if (*p == '-')
			*p = '+';
		else if (*p == '_')
			*p = '/';
	}
	buffer_t *url = t_buffer_create(buf->used);
	junk_decode_base64(url, buf->data, buf->used);
	return url_clean(url->data, url->used, dest, max);
}

/* Add the hosts of URLs in what follows a host. Each is searched before escapes
   are decoded, since that would change where its host ends. */
static void add_inner_urls(struct junk_token_set *set, const char *path)
{
	char text[MAX_PATH_BYTES + 1];
	unsigned int count = 0, escapes = 0;
	struct url_parts parts;
	struct junk_host host;
	const char *rest = text, *authority;
	bool base64 = TRUE;

	if (strpbrk(path, ":=%") == NULL && strstr(path, "aHR0c") == NULL)
		return;
	(void)i_strocpy(text, path, sizeof(text));
	while (count < MAX_INNER_URLS) {
		authority = inner_authority(rest);
		if (authority != NULL) {
			count++;
			url_split(authority, "&|\"'<>;,", &parts);
			(void)add_authority(set, &parts, &host);
			rest = parts.path;
		} else if (strchr(rest, '%') != NULL &&
			   escapes++ < MAX_ESCAPES) {
			(void)url_unescape(rest, text, sizeof(text) - 1);
			rest = text;
		} else if (base64 && strstr(rest, "aHR0c") != NULL) {
			base64 = FALSE;
			T_BEGIN {
				(void)inner_base64(rest, text,
						   sizeof(text) - 1);
			} T_END;
			rest = text;
		} else {
			break;
		}
	}
}

/* --- mailto: --- */

/* Add addresses that are separated by commas, up to the next parameter. Returns
   its position. */
static const char *
add_mailto_addresses(struct junk_token_set *set, const char *list,
		     unsigned int *count)
{
	const char *end, *host;
	size_t size;

	for (;;) {
		char address[MAX_PATH_BYTES + 1], *p;

		size = strcspn(list, ",;?&>");
		end = list + size;
		size = I_MIN(size, sizeof(address) - 1);
		memcpy(address, list, size);
		address[size] = '\0';
		(void)url_unescape(address, address, size);
		/* a comma may be escaped, too */
		for (p = address; p != NULL && *count < MAX_MAILTO; ) {
			size = strcspn(p, ",;?&>");
			host = last_at(p, p + size);
			if (host != NULL) {
				*count += 1;
				host++;
				junk_url_add_host(set, JUNK_TOKEN_URL_HOST,
						  JUNK_TOKEN_URL_DOMAIN,
						  "mailto:",
						  (const void *)host,
						  p + size - host);
			}
			p = p[size] == '\0' ? NULL : p + size + 1;
		}
		if ((*end != ',' && *end != ';') || *count >= MAX_MAILTO)
			return end;
		list = end + 1;
	}
}

static void add_mailto(struct junk_token_set *set, const char *url)
{
	unsigned int count = 0;

	url = add_mailto_addresses(set, url, &count);
	while ((url = strpbrk(url, "?&")) != NULL && count < MAX_MAILTO) {
		url++;
		if (begins_with(url, "to=") || begins_with(url, "cc=") ||
		    begins_with(url, "bcc="))
			url = add_mailto_addresses(set, strchr(url, '=') + 1,
						   &count);
	}
}

/* --- whole URLs --- */

static bool set_is_full(const struct junk_token_set *set)
{
	return set->count[JUNK_TOKEN_GROUP_STRUCTURE] == set->max;
}

bool junk_url_add_link(struct junk_token_set *set, const unsigned char *data,
		       size_t size, struct junk_host *host_r)
{
	char url[MAX_URL_BYTES + 1];
	struct url_parts parts;
	const char *authority;
	bool has_host;

	if (set_is_full(set))
		return FALSE;
	(void)url_clean(data, size, url, sizeof(url) - 1);
	if (begins_with(url, "mailto:")) {
		add_mailto(set, url + 7);
		return FALSE;
	}
	authority = url_authority(url);
	if (authority == NULL) {
		/* "view-source:http://host" or "javascript:" */
		add_inner_urls(set, url);
		return FALSE;
	}
	url_split(authority, "", &parts);
	has_host = add_authority(set, &parts, host_r);
	add_path(set, parts.path);
	add_inner_urls(set, parts.path);
	return has_host;
}

void junk_url_add(struct junk_token_set *set, const unsigned char *data,
		  size_t size)
{
	struct junk_host host;

	(void)junk_url_add_link(set, data, size, &host);
}

/* --- link texts --- */

/* Parse a bare host name, such as "bank.example/login". */
static bool
name_get_host(struct junk_token_set *set, const char *word, size_t size,
	      struct junk_host *host_r)
{
	struct junk_domain domain;
	size_t len = 0;

	while (len < size && strchr("/\\?#:", word[len]) == NULL)
		len++;
	if (!junk_host_parse(&set->hosts, word, len, FALSE, host_r))
		return FALSE;
	if (host_r->kind != JUNK_HOST_NAME)
		return host_r->kind == JUNK_HOST_IPV4 && len >= 7 &&
			strchr(word, '.') != NULL;
	junk_host_domain(host_r, &domain);
	return domain.listed && domain.registered_size > 0;
}

/* Returns TRUE if a word may be a host name, which excludes most words. */
static bool word_has_dot(const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		/* the first bytes of dots in other scripts */
		if (data[i] == '.' || data[i] == '@' || data[i] == ':' ||
		    data[i] == 0xe3 || data[i] == 0xef)
			return TRUE;
	}
	return FALSE;
}

static bool
word_get_host(struct junk_token_set *set, const unsigned char *data,
	      size_t size, struct junk_host *host_r)
{
	char word[JUNK_MAX_HOST_BYTES + 1] = "";
	const char *start = word, *authority, *at;
	struct url_parts parts;

	if (!word_has_dot(data, size))
		return FALSE;
	/* punctuation around the word */
	while (size > 0 && strchr("<>()[]\"'.,;:!*", data[size - 1]) != NULL)
		size--;
	while (size > 0 && strchr("<>(\"'*", *data) != NULL) {
		data++;
		size--;
	}
	size = url_clean(data, size, word, sizeof(word) - 1);
	authority = url_authority(word);
	if (authority != NULL) {
		url_split(authority, "", &parts);
		return url_parts_host(set, &parts, host_r);
	}
	if (begins_with(word, "mailto:"))
		start += 7;
	/* an address: use its domain */
	at = last_at(start, word + size);
	if (at != NULL)
		start = at + 1;
	return name_get_host(set, start, word + size - start, host_r);
}

bool junk_url_find_host(struct junk_token_set *set, const unsigned char *text,
			size_t size, struct junk_host *host_r)
{
	const unsigned char *end = text + size, *word;

	for (unsigned int i = 0; i < MAX_LINK_WORDS; i++) {
		while (text < end && *text <= ' ')
			text++;
		for (word = text; text < end && *text > ' '; )
			text++;
		if (text == word)
			break;
		if (word_get_host(set, word, text - word, host_r))
			return TRUE;
	}
	return FALSE;
}

void junk_url_add_link_text(struct junk_token_set *set,
			    const struct junk_host *host,
			    const unsigned char *text, size_t size)
{
	struct junk_host said;

	if (set_is_full(set) || !junk_url_find_host(set, text, size, &said))
		return;
	junk_token_set_add_str(set, JUNK_TOKEN_HTML,
			       junk_hosts_related(host, &said) ?
			       "link text:same" : "link text:other");
}

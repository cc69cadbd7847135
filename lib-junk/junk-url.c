#include "lib.h"
#include "junk-ascii.h"
#include "junk-url.h"

/* Bytes of a URL and words of its path that are looked at. */
#define MAX_URL_BYTES 1024
#define MAX_PATH_WORDS 16
/* Longer or stranger words are ids, different in each message. */
#define MAX_PATH_WORD_BYTES 20

static bool begins_with(const char *str, const char *prefix)
{
	return strncmp(str, prefix, strlen(prefix)) == 0;
}

/* Lower case, %-escapes decoded, no blanks or control characters (clients
   drop them). Returns the size in dest, which has room for MAX_URL_BYTES + 1. */
static size_t url_clean(const unsigned char *url, size_t size, char *dest)
{
	size_t len = 0;
	int c, high, low;

	for (size_t i = 0; i < size && len < MAX_URL_BYTES; i++) {
		c = ascii_tolower(url[i]);
		if (c == '%' && i + 2 < size &&
		    (high = ascii_hex_value(url[i + 1])) >= 0 &&
		    (low = ascii_hex_value(url[i + 2])) >= 0) {
			c = ascii_tolower(high * 16 + low);
			i += 2;
		}
		if (c > ' ' && c != 0x7f)
			dest[len++] = c;
	}
	dest[len] = '\0';
	return len;
}

static bool host_is_ip(const char *host, size_t size)
{
	/* also the forms that only browsers take: 0x7f.1, 3232235777 */
	for (size_t i = 0; i < size; i++) {
		if (!ascii_isdigit(host[i]) && host[i] != '.' &&
		    host[i] != 'x')
			return FALSE;
	}
	return ascii_isdigit(host[0]);
}

/* The last labels that are likely to be what someone has registered. */
static const char *host_domain(const char *host, const char *end)
{
	const char *p = end;
	const char *labels[3];
	unsigned int count = 0;

	while (p > host && count < 3) {
		while (p > host && p[-1] != '.')
			p--;
		labels[count++] = p;
		if (p > host)
			p--;
	}
	if (count < 2)
		return host;
	/* xx.co.uk, xx.com.br: a short label before a country */
	if (count == 3 && end - labels[0] == 2 &&
	    labels[0] - 1 - labels[1] <= 3)
		return labels[2];
	return labels[1];
}

static void
add_host(struct junk_token_set *set, enum junk_token_class host_class,
	 enum junk_token_class domain_class, const char *prefix,
	 const char *host, size_t size)
{
	const char *domain, *end = host + size, *dot;

	if (size == 0)
		return;
	junk_token_set_add_prefixed(set, host_class, prefix, host, size);
	for (dot = end - 1; dot > host && *dot != '.'; )
		dot--;
	if (host_is_ip(host, size)) {
		junk_token_set_add_prefixed(set, domain_class, prefix, "ip", 2);
		/* its network */
		if (*dot == '.')
			junk_token_set_add_prefixed(set, domain_class, prefix,
						    host, dot - host);
		return;
	}
	domain = host_domain(host, end);
	junk_token_set_add_prefixed(set, domain_class, prefix, domain,
				    end - domain);
	if (*dot == '.')
		junk_token_set_add_prefixed(set, domain_class, prefix, dot,
					    end - dot);
}

void junk_url_add_host(struct junk_token_set *set,
		       enum junk_token_class host_class,
		       enum junk_token_class domain_class, const char *prefix,
		       const unsigned char *host, size_t size)
{
	char clean[MAX_URL_BYTES + 1];
	size_t len = url_clean(host, size, clean);

	while (len > 0 && clean[len - 1] == '.')
		len--;
	add_host(set, host_class, domain_class, prefix, clean, len);
}

static void add_path(struct junk_token_set *set, const char *path)
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

/* How long the path is and what of it: generated ones look alike. */
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

static void add_mailto(struct junk_token_set *set, const char *address)
{
	const char *host = strchr(address, '@');

	if (host == NULL)
		return;
	host++;
	add_host(set, JUNK_TOKEN_URL_HOST, JUNK_TOKEN_URL_DOMAIN, "mailto:",
		 host, strcspn(host, "?&>"));
}

/* The host of a URL that has one, NULL otherwise. */
static const char *url_host(const char *url)
{
	if (begins_with(url, "//"))
		return url + 2;
	if (begins_with(url, "http:") || begins_with(url, "https:") ||
	    begins_with(url, "ftp:")) {
		url = strchr(url, ':') + 1;
		/* browsers take any number and kind of slashes */
		return url + strspn(url, "/\\");
	}
	return begins_with(url, "www.") ? url : NULL;
}

void junk_url_add(struct junk_token_set *set, const unsigned char *data,
		  size_t size)
{
	char url[MAX_URL_BYTES + 1];
	const char *host, *end, *p;

	(void)url_clean(data, size, url);
	if (begins_with(url, "mailto:")) {
		add_mailto(set, url);
		return;
	}
	host = url_host(url);
	if (host == NULL)
		return;
	end = host + strcspn(host, "/\\?#");
	p = memchr(host, '@', end - host);
	if (p != NULL) {
		junk_token_set_add_str(set, JUNK_TOKEN_URL_PATH, "userinfo@");
		host = p + 1;
	}
	p = memchr(host, ':', end - host);
	if (p != NULL && p + 1 < end)
		junk_token_set_add(set, JUNK_TOKEN_URL_PATH, p, end - p);
	if (p == NULL)
		p = end;
	while (p > host && p[-1] == '.')
		p--;
	add_host(set, JUNK_TOKEN_URL_HOST, JUNK_TOKEN_URL_DOMAIN, "",
		 host, p - host);
	add_path(set, end);
	add_path_shape(set, end);
}

#include "lib.h"
#include "str.h"
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
   drop them). */
static string_t *url_clean(const unsigned char *url, size_t size)
{
	string_t *str = t_str_new(I_MIN(size, MAX_URL_BYTES) + 1);
	int c, high, low;

	for (size_t i = 0; i < size && str_len(str) < MAX_URL_BYTES; i++) {
		c = ascii_tolower(url[i]);
		if (c == '%' && i + 2 < size &&
		    (high = ascii_hex_value(url[i + 1])) >= 0 &&
		    (low = ascii_hex_value(url[i + 2])) >= 0) {
			c = ascii_tolower(high * 16 + low);
			i += 2;
		}
		if (c > ' ' && c != 0x7f)
			str_append_c(str, c);
	}
	return str;
}

static bool host_is_ip(const char *host)
{
	/* also the forms that only browsers take: 0x7f.1, 3232235777 */
	return host[strspn(host, "0123456789.x")] == '\0' &&
		(ascii_isdigit(host[0]));
}

static void
add_prefixed(struct junk_token_set *set, enum junk_token_class class,
	     const char *prefix, const char *str)
{
	junk_token_set_add_str(set, class, t_strconcat(prefix, str, NULL));
}

/* The last labels that are likely to be what someone has registered. */
static const char *host_domain(const char *host)
{
	const char *end = host + strlen(host), *p = end;
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
	 const char *host)
{
	const char *domain, *p;

	if (*host == '\0')
		return;
	add_prefixed(set, host_class, prefix, host);
	if (host_is_ip(host)) {
		add_prefixed(set, domain_class, prefix, "ip");
		/* its network */
		p = strrchr(host, '.');
		if (p != NULL)
			add_prefixed(set, domain_class, prefix,
				     t_strdup_until(host, p));
		return;
	}
	domain = host_domain(host);
	add_prefixed(set, domain_class, prefix, domain);
	p = strrchr(host, '.');
	if (p != NULL)
		add_prefixed(set, domain_class, prefix, p);
}

void junk_url_add_host(struct junk_token_set *set,
		       enum junk_token_class host_class,
		       enum junk_token_class domain_class, const char *prefix,
		       const unsigned char *host, size_t size)
{
	T_BEGIN {
		string_t *str = url_clean(host, size);
		const char *data = str_c(str);
		size_t len = str_len(str);

		while (len > 0 && data[len - 1] == '.')
			str_truncate(str, --len);
		add_host(set, host_class, domain_class, prefix, str_c(str));
	} T_END;
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

static void add_url(struct junk_token_set *set, const char *url)
{
	const char *host, *end, *p;

	if (begins_with(url, "mailto:")) {
		p = strchr(url, '@');
		if (p == NULL)
			return;
		p = t_strdup_until(p + 1, p + 1 + strcspn(p + 1, "?&>"));
		add_host(set, JUNK_TOKEN_URL_HOST, JUNK_TOKEN_URL_DOMAIN,
			 "mailto:", p);
		return;
	}
	if (begins_with(url, "//"))
		host = url + 2;
	else if (begins_with(url, "http:") || begins_with(url, "https:") ||
		 begins_with(url, "ftp:")) {
		host = strchr(url, ':') + 1;
		/* browsers take any number and kind of slashes */
		host += strspn(host, "/\\");
	} else if (begins_with(url, "www."))
		host = url;
	else
		return;

	end = host + strcspn(host, "/\\?#");
	p = memchr(host, '@', end - host);
	if (p != NULL) {
		junk_token_set_add_str(set, JUNK_TOKEN_URL_PATH, "userinfo@");
		host = p + 1;
	}
	p = memchr(host, ':', end - host);
	if (p != NULL && p + 1 < end)
		junk_token_set_add_str(set, JUNK_TOKEN_URL_PATH,
				       t_strdup_until(p, end));
	if (p == NULL)
		p = end;
	while (p > host && p[-1] == '.')
		p--;
	add_host(set, JUNK_TOKEN_URL_HOST, JUNK_TOKEN_URL_DOMAIN, "",
		 t_strdup_until(host, p));
	add_path(set, end);
}

void junk_url_add(struct junk_token_set *set, const unsigned char *url,
		  size_t size)
{
	T_BEGIN {
		add_url(set, str_c(url_clean(url, size)));
	} T_END;
}

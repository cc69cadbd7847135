/* See junk-host.h. */

#include "lib.h"
#include "str.h"
#include "unichar.h"
#include "junk-ascii.h"
#include "junk-config.h"
#include "junk-library.h"
#include "junk-suffix.h"
#include "junk-host.h"

#include <arpa/inet.h>
#include <idn2.h>

/* Maximum labels of a name that are converted one by one, since UTS 46 doesn't
   allow the name as a whole. */
#define MAX_CONVERTED_LABELS 16
/* RFC 1034, 3.1 */
#define MAX_LABEL_CHARS 63

#define LIBIDN2_FUNCTIONS(F) F(idn2_free) F(idn2_to_ascii_8z)
#define MEMBER(name) typeof(&name) name;
struct libidn2 {
	LIBIDN2_FUNCTIONS(MEMBER)
};

static const struct libidn2 *libidn2_get(void)
{
	static const struct junk_library_function functions[] = {
#define FUNCTION(name) { #name, offsetof(struct libidn2, name) },
		LIBIDN2_FUNCTIONS(FUNCTION)
#undef FUNCTION
	};
	static struct libidn2 lib;
	static bool tried = FALSE, loaded = FALSE;
	const char *error;

	if (!tried) {
		tried = TRUE;
		loaded = junk_library_load(LIBIDN2_SONAME, functions,
					   N_ELEMENTS(functions), &lib,
					   &error);
		if (!loaded) {
			i_warning("junk-feedback: international domain names "
				  "are not evaluated: %s", error);
		}
	}
	return loaded ? &lib : NULL;
}

/* --- addresses --- */

/* Parse a number as inet_aton() and browsers do: 10, 012 or 0xa. Returns FALSE
   if it isn't one. */
static bool parse_number(const char *str, const char *end, uint64_t *num_r)
{
	unsigned int base = 10;
	int digit;

	*num_r = 0;
	if (str == end)
		return FALSE;
	if (end - str >= 2 && str[0] == '0') {
		base = str[1] == 'x' ? 16 : 8;
		str += base == 16 ? 2 : 1;
	}
	for (; str < end; str++) {
		digit = ascii_hex_value(*str);
		if (digit < 0 || (unsigned int)digit >= base)
			return FALSE;
		if (*num_r <= UINT32_MAX)
			*num_r = *num_r * base + digit;
	}
	return TRUE;
}

/* Parse one to four numbers; the last one fills the remaining bytes. */
static bool parse_ipv4(const char *str, size_t size, uint32_t *ip_r)
{
	const char *end = str + size, *dot;
	uint64_t num, ip = 0;

	for (unsigned int i = 0; i < 4; i++) {
		dot = memchr(str, '.', end - str);
		if (!parse_number(str, dot == NULL ? end : dot, &num))
			return FALSE;
		if (dot == NULL) {
			if (num >> (8 * (4 - i)) != 0)
				return FALSE;
			*ip_r = ip + num;
			return TRUE;
		}
		if (num > 255)
			return FALSE;
		ip |= num << (8 * (3 - i));
		str = dot + 1;
	}
	return FALSE;
}

static void host_set_ipv4(struct junk_host *host, uint32_t ip)
{
	host->kind = JUNK_HOST_IPV4;
	(void)i_snprintf(host->network, sizeof(host->network), "%u.%u.%u",
			 ip >> 24, (ip >> 16) & 255, (ip >> 8) & 255);
	(void)i_snprintf(host->name, sizeof(host->name), "%s.%u",
			 host->network, ip & 255);
	host->size = strlen(host->name);
}

static bool host_set_ipv6(struct junk_host *host, const struct in6_addr *ip)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr network;
	uint32_t ip4;

	if (IN6_IS_ADDR_V4MAPPED(ip)) {
		memcpy(&ip4, ip->s6_addr + 12, sizeof(ip4));
		host_set_ipv4(host, ntohl(ip4));
		return TRUE;
	}
	i_zero(&network);
	memcpy(network.s6_addr, ip->s6_addr, 6);
	if (inet_ntop(AF_INET6, ip, text, sizeof(text)) == NULL ||
	    i_snprintf(host->name, sizeof(host->name), "[%s]", text) < 0 ||
	    inet_ntop(AF_INET6, &network, host->network,
		      sizeof(host->network)) == NULL)
		return FALSE;
	host->kind = JUNK_HOST_IPV6;
	host->size = strlen(host->name);
	return TRUE;
}

/* Parse "[2001:db8::1]", also "[IPv6:...]" and "[192.0.2.1]" as in mail. */
static bool parse_literal(struct junk_host *host)
{
	char text[INET6_ADDRSTRLEN];
	const char *start = host->name + 1;
	struct in6_addr ip;
	uint32_t ip4;
	size_t size;

	if (host->name[0] != '[')
		return FALSE;
	if (strncmp(start, "ipv6:", 5) == 0)
		start += 5;
	size = strcspn(start, "]");
	if (start[size] == '\0')
		return FALSE;
	if (parse_ipv4(start, size, &ip4)) {
		host_set_ipv4(host, ip4);
		return TRUE;
	}
	if (size >= sizeof(text))
		return FALSE;
	memcpy(text, start, size);
	text[size] = '\0';
	return inet_pton(AF_INET6, text, &ip) == 1 && host_set_ipv6(host, &ip);
}

/* --- names --- */

/* Returns TRUE for invisible characters: those that browsers remove from a
   name, and joiners and direction marks, which make it invalid. */
static bool char_is_unseen(unichar_t chr)
{
	return chr == 0xad || chr == 0x34f || chr == 0x61c ||
		(chr >= 0x115f && chr <= 0x1160) ||
		(chr >= 0x180b && chr <= 0x180f) ||
		(chr >= 0x200b && chr <= 0x200f) ||
		(chr >= 0x202a && chr <= 0x202e) ||
		(chr >= 0x2060 && chr <= 0x206f) ||
		(chr >= 0xfe00 && chr <= 0xfe0f) || chr == 0xfeff ||
		(chr >= 0xe0000 && chr <= 0xe0fff);
}

/* Dots of other scripts (UTS 46). */
static bool char_is_dot(unichar_t chr)
{
	return chr == 0x3002 || chr == 0xff0e || chr == 0xff61;
}

static void name_clean(struct junk_host *host)
{
	size_t from = 0, to = 0;
	unichar_t chr;
	int len;

	while (from < host->size) {
		len = uni_utf8_get_char_n(host->name + from,
					  host->size - from, &chr);
		if (len <= 0) {
			len = 1;
			chr = 0;
		}
		if (char_is_dot(chr)) {
			host->name[to++] = '.';
		} else if (!char_is_unseen(chr)) {
			memmove(host->name + to, host->name + from, len);
			to += len;
		}
		from += len;
	}
	host->name[to] = '\0';
	host->size = to;
}

static bool name_is_ascii(const char *name, size_t size)
{
	unsigned char bits = 0;

	for (size_t i = 0; i < size; i++)
		bits |= name[i];
	return bits < 0x80;
}

/* Convert a name to ASCII. Returns NULL if UTS 46 doesn't allow it. */
static const char *to_ascii(const struct libidn2 *lib, const char *name)
{
	const char *ascii;
	char *allocated;

	if (lib->idn2_to_ascii_8z(name, &allocated, IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return NULL;
	ascii = t_str_lcase(allocated);
	lib->idn2_free(allocated);
	return ascii;
}

/* Adapt the bias (RFC 3492, 6.1). */
static unsigned int
punycode_bias(unsigned int delta, unsigned int points, bool first)
{
	unsigned int k = 0;

	delta /= first ? 700 : 2;
	for (delta += delta / points; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

static void punycode_number(string_t *dest, unsigned int num, unsigned int bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned int k = 36, threshold;

	for (;; k += 36) {
		threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
		if (num < threshold)
			break;
		str_append_c(dest, digits[threshold + (num - threshold) %
					  (36 - threshold)]);
		num = (num - threshold) / (36 - threshold);
	}
	str_append_c(dest, digits[num]);
}

/* Convert a label that isn't allowed in names, such as an emoji, to Punycode
   (RFC 3492), as browsers do. Returns NULL if it isn't UTF-8, or is too
   long. */
static const char *label_to_punycode(const char *label)
{
	unichar_t chars[MAX_LABEL_CHARS], chr, next, n = 0x80;
	unsigned int count = 0, basic, done, delta = 0, bias = 72;
	string_t *dest = t_str_new(64);
	int size;

	str_append(dest, "xn--");
	for (; *label != '\0'; label += size) {
		size = uni_utf8_get_char(label, &chr);
		if (size <= 0 || count == MAX_LABEL_CHARS)
			return NULL;
		chars[count++] = chr;
		if (chr < 0x80)
			str_append_c(dest, chr);
	}
	basic = done = str_len(dest) - 4;
	if (basic > 0)
		str_append_c(dest, '-');
	while (done < count) {
		next = (unichar_t)-1;
		for (unsigned int i = 0; i < count; i++) {
			if (chars[i] >= n && chars[i] < next)
				next = chars[i];
		}
		delta += (next - n) * (done + 1);
		n = next;
		for (unsigned int i = 0; i < count; i++) {
			if (chars[i] < n)
				delta++;
			if (chars[i] != n)
				continue;
			punycode_number(dest, delta, bias);
			bias = punycode_bias(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
	return str_c(dest);
}

static const char *labels_to_ascii(const struct libidn2 *lib, const char *name)
{
	const char *const *labels = t_strsplit(name, ".");
	string_t *str = t_str_new(64);
	const char *ascii;

	for (unsigned int i = 0; labels[i] != NULL; i++) {
		ascii = i < MAX_CONVERTED_LABELS && labels[i][0] != '\0' ?
			to_ascii(lib, labels[i]) : NULL;
		if (ascii == NULL && i < MAX_CONVERTED_LABELS &&
		    !name_is_ascii(labels[i], strlen(labels[i])))
			ascii = label_to_punycode(labels[i]);
		if (i > 0)
			str_append_c(str, '.');
		str_append(str, ascii == NULL ? labels[i] : ascii);
	}
	return str_c(str);
}

/* Returns FALSE if libidn2 is needed and can't be loaded. */
static bool name_to_ascii(struct junk_hosts *hosts, struct junk_host *host)
{
	const struct libidn2 *lib;
	const char *ascii;

	name_clean(host);
	if (name_is_ascii(host->name, host->size) ||
	    hosts->converted++ >= JUNK_MAX_IDN_HOSTS)
		return TRUE;
	lib = libidn2_get();
	if (lib == NULL)
		return FALSE;
	T_BEGIN {
		ascii = to_ascii(lib, host->name);
		if (ascii == NULL)
			ascii = labels_to_ascii(lib, host->name);
		if (i_strocpy(host->name, ascii, sizeof(host->name)) == 0)
			host->size = strlen(ascii);
	} T_END;
	return TRUE;
}

/* Copy a name without characters that no client treats as a part of it. */
static void
host_copy(struct junk_host *host, const unsigned char *data, size_t size,
	  bool escaped)
{
	int c, high, low;

	host->size = 0;
	for (size_t i = 0; i < size && host->size < JUNK_MAX_HOST_BYTES; i++) {
		c = data[i];
		if (escaped && c == '%' && i + 2 < size &&
		    (high = ascii_hex_value(data[i + 1])) >= 0 &&
		    (low = ascii_hex_value(data[i + 2])) >= 0) {
			c = high * 16 + low;
			i += 2;
		}
		if (c > ' ' && c != 0x7f)
			host->name[host->size++] = ascii_tolower(c);
	}
	host->name[host->size] = '\0';
}

bool junk_host_parse(struct junk_hosts *hosts, const void *data,
		     size_t size, bool escaped, struct junk_host *host_r)
{
	uint32_t ip;

	host_r->kind = JUNK_HOST_NAME;
	host_r->network[0] = '\0';
	host_copy(host_r, data, size, escaped);
	if (!name_is_ascii(host_r->name, host_r->size) &&
	    !name_to_ascii(hosts, host_r))
		return FALSE;
	while (host_r->size > 0 && host_r->name[host_r->size - 1] == '.')
		host_r->size--;
	host_r->name[host_r->size] = '\0';
	if (parse_literal(host_r))
		return TRUE;
	if (ascii_isdigit(host_r->name[0]) &&
	    parse_ipv4(host_r->name, host_r->size, &ip))
		host_set_ipv4(host_r, ip);
	return host_r->size > 0;
}

/* --- domains --- */

/* Special-use domains (RFC 6761 and others): nobody can register them, but they
   aren't file extensions either. */
static bool suffix_is_special(const char *suffix)
{
	static const char *const names[] = {
		"example", "internal", "invalid", "local", "localhost",
		"onion", "test",
	};

	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		if (strcmp(suffix, names[i]) == 0)
			return TRUE;
	}
	return FALSE;
}

void junk_host_domain(const struct junk_host *host,
		      struct junk_domain *domain_r)
{
	struct junk_suffix suffix;

	junk_suffix_find(host->name, host->size, &suffix);
	domain_r->suffix_size = suffix.size;
	domain_r->registered_size = suffix.registered_size;
	domain_r->listed = suffix.listed ||
		suffix_is_special(host->name + host->size - suffix.size);
}

bool junk_hosts_related(const struct junk_host *a, const struct junk_host *b)
{
	struct junk_domain domain_a, domain_b;
	size_t size;

	if (a->kind == JUNK_HOST_NAME && b->kind == JUNK_HOST_NAME) {
		junk_host_domain(a, &domain_a);
		junk_host_domain(b, &domain_b);
		size = domain_a.registered_size;
		if (size > 0 && size == domain_b.registered_size)
			return memcmp(a->name + a->size - size,
				      b->name + b->size - size, size) == 0;
	}
	return a->size == b->size && memcmp(a->name, b->name, a->size) == 0;
}

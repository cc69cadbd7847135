#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "junk-decode.h"
#include "junk-name.h"
#include "junk-url.h"
#include "junk-headers.h"

#include <xxhash.h>

/* Addresses of one field that are looked at. */
#define MAX_ADDRESSES 50

enum field_kind {
	/* that it's there */
	FIELD_NAME,
	/* ... and its words */
	FIELD_WORDS,
	FIELD_SUBJECT,
	FIELD_FROM,
	FIELD_REPLY_TO,
	FIELD_RECIPIENTS,
	/* the domain of an address or URL */
	FIELD_DOMAIN,
	FIELD_LIST,
	FIELD_MAILER,
	FIELD_DKIM,
	FIELD_AUTH,
	FIELD_DATE,
};

/* Longer than any of the fields below */
#define MAX_NAME_BYTES 32
#define MAX_SHAPE_BYTES 20

#define FIELD(name, kind, common) { name, name ":", kind, common }

/* Sorted by name. What's missing here is not read: see junk-headers.h.
   Message-ID is missing because some clients make a new one. */
static const struct field {
	char name[MAX_NAME_BYTES];
	/* of its words */
	const char *prefix;
	enum field_kind kind;
	/* almost every message has it */
	bool common;
} fields[] = {
	FIELD("authentication-results", FIELD_AUTH, FALSE),
	FIELD("auto-submitted", FIELD_WORDS, FALSE),
	FIELD("bcc", FIELD_NAME, FALSE),
	FIELD("cc", FIELD_RECIPIENTS, FALSE),
	FIELD("comments", FIELD_NAME, FALSE),
	FIELD("content-class", FIELD_WORDS, FALSE),
	FIELD("content-description", FIELD_NAME, FALSE),
	FIELD("content-disposition", FIELD_NAME, TRUE),
	FIELD("content-language", FIELD_WORDS, FALSE),
	FIELD("content-transfer-encoding", FIELD_NAME, TRUE),
	FIELD("content-type", FIELD_NAME, TRUE),
	FIELD("date", FIELD_DATE, TRUE),
	FIELD("disposition-notification-to", FIELD_NAME, FALSE),
	FIELD("dkim-signature", FIELD_DKIM, FALSE),
	FIELD("errors-to", FIELD_DOMAIN, FALSE),
	FIELD("feedback-id", FIELD_NAME, FALSE),
	FIELD("from", FIELD_FROM, TRUE),
	FIELD("importance", FIELD_WORDS, FALSE),
	FIELD("in-reply-to", FIELD_NAME, FALSE),
	FIELD("keywords", FIELD_NAME, FALSE),
	FIELD("list-archive", FIELD_LIST, FALSE),
	FIELD("list-help", FIELD_LIST, FALSE),
	FIELD("list-id", FIELD_LIST, FALSE),
	FIELD("list-owner", FIELD_LIST, FALSE),
	FIELD("list-post", FIELD_LIST, FALSE),
	FIELD("list-subscribe", FIELD_LIST, FALSE),
	FIELD("list-unsubscribe", FIELD_LIST, FALSE),
	FIELD("list-unsubscribe-post", FIELD_NAME, FALSE),
	FIELD("mail-followup-to", FIELD_DOMAIN, FALSE),
	FIELD("mailing-list", FIELD_LIST, FALSE),
	FIELD("mime-version", FIELD_NAME, TRUE),
	FIELD("organization", FIELD_WORDS, FALSE),
	FIELD("precedence", FIELD_WORDS, FALSE),
	FIELD("priority", FIELD_WORDS, FALSE),
	FIELD("references", FIELD_NAME, FALSE),
	FIELD("reply-to", FIELD_REPLY_TO, FALSE),
	FIELD("resent-from", FIELD_NAME, FALSE),
	FIELD("sender", FIELD_DOMAIN, FALSE),
	FIELD("sensitivity", FIELD_NAME, FALSE),
	FIELD("subject", FIELD_SUBJECT, TRUE),
	FIELD("thread-index", FIELD_NAME, FALSE),
	FIELD("thread-topic", FIELD_NAME, FALSE),
	FIELD("to", FIELD_RECIPIENTS, TRUE),
	FIELD("user-agent", FIELD_MAILER, FALSE),
	FIELD("x-accept-language", FIELD_WORDS, FALSE),
	FIELD("x-auto-response-suppress", FIELD_NAME, FALSE),
	FIELD("x-beenthere", FIELD_LIST, FALSE),
	FIELD("x-campaign", FIELD_NAME, FALSE),
	FIELD("x-campaignid", FIELD_NAME, FALSE),
	FIELD("x-entity-id", FIELD_NAME, FALSE),
	FIELD("x-face", FIELD_NAME, FALSE),
	FIELD("x-has-attach", FIELD_WORDS, FALSE),
	FIELD("x-library", FIELD_MAILER, FALSE),
	FIELD("x-list-unsubscribe", FIELD_NAME, FALSE),
	FIELD("x-loop", FIELD_NAME, FALSE),
	FIELD("x-mailer", FIELD_MAILER, FALSE),
	FIELD("x-mailgun-sid", FIELD_NAME, FALSE),
	FIELD("x-mailing-list", FIELD_LIST, FALSE),
	FIELD("x-mailman-version", FIELD_NAME, FALSE),
	FIELD("x-mimeole", FIELD_MAILER, FALSE),
	FIELD("x-ms-has-attach", FIELD_NAME, FALSE),
	FIELD("x-msmail-priority", FIELD_WORDS, FALSE),
	FIELD("x-originating-ip", FIELD_NAME, FALSE),
	FIELD("x-php-originating-script", FIELD_NAME, FALSE),
	FIELD("x-priority", FIELD_WORDS, FALSE),
	FIELD("x-report-abuse", FIELD_NAME, FALSE),
	FIELD("x-sender", FIELD_NAME, FALSE),
	FIELD("x-sg-eid", FIELD_NAME, FALSE),
	FIELD("x-ses-outgoing", FIELD_NAME, FALSE),
	FIELD("x-url", FIELD_NAME, FALSE),
	FIELD("x-x-sender", FIELD_NAME, FALSE),
};

_Static_assert(N_ELEMENTS(fields) <= JUNK_MAX_FIELD_NAMES,
	       "JUNK_MAX_FIELD_NAMES");

static const struct field *field_find(const char *name)
{
	char lower[MAX_NAME_BYTES];

	return !junk_name_set(lower, sizeof(lower), name) ? NULL :
		junk_name_find(lower, sizeof(lower), fields,
			       N_ELEMENTS(fields), sizeof(*fields));
}

void junk_headers_init(struct junk_headers *headers,
		       struct junk_token_set *set,
		       struct junk_charsets *charsets, buffer_t *buf,
		       const char *authserv_id)
{
	i_zero(headers);
	headers->set = set;
	headers->charsets = charsets;
	headers->buf = buf;
	headers->authserv_id = authserv_id;
}

/* The order of fields tells the program that wrote them. Names that almost
   every message has say nothing by themselves. */
static void
field_name_tokens(struct junk_headers *headers, const struct field *field)
{
	unsigned int idx = field - fields;

	headers->order_hash = XXH3_64bits_withSeed(&idx, sizeof(idx),
						   headers->order_hash);
	if (!field->common) {
		junk_token_set_add_str(headers->set, JUNK_TOKEN_HEADER_NAME,
				       field->name);
	}
}

struct address {
	/* inside the field's decoded value */
	const unsigned char *name, *local, *domain;
	size_t name_size, local_size, domain_size;
};

static bool is_address_char(unsigned char c)
{
	return ascii_isalnum(c) || c >= 0x80 ||
		(c != '\0' && strchr(".-_+=!#$%&'*/?^`{|}~", c) != NULL);
}

/* Find the next address in data: around an "@", with what precedes it since
   the last address as its name. Takes anything for one: spam doesn't care
   about the syntax. Returns where to go on, NULL if there is none. */
static const unsigned char *
address_next(const unsigned char *data, const unsigned char *end,
	     struct address *addr_r)
{
	const unsigned char *at, *p;

	at = memchr(data, '@', end - data);
	if (at == NULL)
		return NULL;
	for (p = at; p > data && is_address_char(p[-1]); )
		p--;
	addr_r->local = p;
	addr_r->local_size = at - p;
	addr_r->name = data;
	addr_r->name_size = p - data;
	for (p = at + 1; p < end && is_address_char(*p); )
		p++;
	addr_r->domain = at + 1;
	addr_r->domain_size = p - at - 1;
	while (p < end && (*p == '>' || *p == ' ' || *p == ',' || *p == ';' ||
			   *p == '"' || *p == '\''))
		p++;
	return p;
}

static void
add_address(struct junk_token_set *set, enum junk_token_class class,
	    const char *prefix, const struct address *addr)
{
	char address[JUNK_MAX_TOKEN_BYTES];
	size_t size = addr->domain + addr->domain_size - addr->local;

	/* a longer one is cut anyway */
	size = I_MIN(size, sizeof(address));
	for (size_t i = 0; i < size; i++)
		address[i] = ascii_tolower(addr->local[i]);
	junk_token_set_add_prefixed(set, class, prefix, address, size);
}

/* What the sender's names look like: made up ones look alike. */
static void
field_from_shape(struct junk_token_set *set, const struct address *addr)
{
	char name[] = "shape:000", local[6 + MAX_SHAPE_BYTES] = "shape:";
	unsigned int words = 0, capitals = 0, size = 6;
	unsigned char c, last;

	last = ' ';
	for (size_t i = 0; i < addr->name_size; i++) {
		c = addr->name[i];
		words += c != ' ' && last == ' ' ? 1 : 0;
		if (ascii_isupper(c))
			capitals++;
		else if (ascii_isalpha(c))
			name[8] = '1';
		last = c;
	}
	name[6] += I_MIN(words, 4);
	name[7] += I_MIN(capitals, 4);
	junk_token_set_add(set, JUNK_TOKEN_SENDER_NAME, name, sizeof(name) - 1);

	/* runs of letters and of digits become one */
	last = '\0';
	for (size_t i = 0; i < I_MIN(addr->local_size, MAX_SHAPE_BYTES); i++) {
		c = ascii_shape(ascii_tolower(addr->local[i]));
		if (c != last)
			local[size++] = c;
		last = c;
	}
	junk_token_set_add(set, JUNK_TOKEN_SENDER_ADDRESS, local, size);
}

static void
field_from(struct junk_headers *headers, const unsigned char *data, size_t size)
{
	struct junk_token_set *set = headers->set;
	const unsigned char *end = data + size;
	struct address addr;

	if (headers->from_seen || address_next(data, end, &addr) == NULL) {
		junk_words_add(set, JUNK_TOKEN_SENDER_NAME, "", data, size,
			       NULL);
		return;
	}
	headers->from_seen = TRUE;
	/* "Name" <address>, address (Name) */
	junk_words_add(set, JUNK_TOKEN_SENDER_NAME, "", addr.name,
		       addr.name_size, NULL);
	data = addr.domain + addr.domain_size;
	junk_words_add(set, JUNK_TOKEN_SENDER_NAME, "", data, end - data,
		       NULL);
	if (addr.name_size == 0 && end - data <= 1)
		junk_token_set_add_str(set, JUNK_TOKEN_SENDER_NAME, "");
	add_address(set, JUNK_TOKEN_SENDER_ADDRESS, "", &addr);
	junk_url_add_host(set, JUNK_TOKEN_SENDER_DOMAIN,
			  JUNK_TOKEN_SENDER_DOMAIN, "", addr.domain,
			  addr.domain_size);
	field_from_shape(set, &addr);
	/* what is learned of a word or domain in one place helps in others */
	junk_words_add(set, JUNK_TOKEN_BODY_WORD, "", addr.local,
		       addr.local_size + 1 + addr.domain_size, NULL);
	junk_url_add_host(set, JUNK_TOKEN_URL_HOST, JUNK_TOKEN_URL_DOMAIN, "",
			  addr.domain, addr.domain_size);
	size = I_MIN(addr.domain_size, sizeof(headers->from_domain) - 1);
	memcpy(headers->from_domain, addr.domain, size);
	headers->from_domain[size] = '\0';
}

static void
field_reply_to(struct junk_headers *headers, const unsigned char *data,
	       size_t size)
{
	struct address addr;
	size_t len = strlen(headers->from_domain);

	if (headers->reply_seen ||
	    address_next(data, data + size, &addr) == NULL)
		return;
	headers->reply_seen = TRUE;
	add_address(headers->set, JUNK_TOKEN_REPLY_TO, "", &addr);
	junk_url_add_host(headers->set, JUNK_TOKEN_REPLY_TO,
			  JUNK_TOKEN_REPLY_TO, "", addr.domain,
			  addr.domain_size);
	if (headers->from_seen &&
	    (len != I_MIN(addr.domain_size,
			  sizeof(headers->from_domain) - 1) ||
	     i_memcasecmp(addr.domain, headers->from_domain, len) != 0))
		junk_token_set_add_str(headers->set, JUNK_TOKEN_REPLY_TO,
				       "other domain");
}

static void
field_recipients(struct junk_headers *headers, const char *prefix,
		 const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *next;
	struct address addr;
	unsigned int count = 0;

	while (count++ < MAX_ADDRESSES &&
	       (next = address_next(data, end, &addr)) != NULL) {
		headers->recipients++;
		junk_words_add(headers->set, JUNK_TOKEN_HEADER_WORD, prefix,
			       addr.name, addr.name_size, NULL);
		add_address(headers->set, JUNK_TOKEN_HEADER_WORD, prefix,
			    &addr);
		junk_url_add_host(headers->set, JUNK_TOKEN_HEADER_WORD,
				  JUNK_TOKEN_HEADER_WORD, prefix,
				  addr.domain, addr.domain_size);
		data = next;
	}
	/* undisclosed-recipients:;, (Name) */
	junk_words_add(headers->set, JUNK_TOKEN_HEADER_WORD, prefix,
		       data, I_MIN(end - data, 256), NULL);
}

static void
field_domain(struct junk_headers *headers, const char *prefix,
	     const unsigned char *data, size_t size)
{
	struct address addr;

	if (address_next(data, data + size, &addr) != NULL) {
		junk_url_add_host(headers->set, JUNK_TOKEN_HEADER_WORD,
				  JUNK_TOKEN_HEADER_WORD, prefix,
				  addr.domain, addr.domain_size);
	}
}

/* d= of a signature: who answers for the message. The rest changes with each
   message. */
static void
field_dkim(struct junk_headers *headers, const unsigned char *data, size_t size)
{
	const char *const *tags =
		t_strsplit(t_strndup(data, size), ";");

	for (; *tags != NULL; tags++) {
		const char *tag = *tags + strspn(*tags, " \t\r\n");
		if (tag[0] != 'd' || tag[strspn(tag + 1, " \t") + 1] != '=')
			continue;
		tag = strchr(tag, '=') + 1;
		junk_url_add_host(headers->set, JUNK_TOKEN_HEADER_WORD,
				  JUNK_TOKEN_HEADER_WORD, "dkim:",
				  (const unsigned char *)tag, strlen(tag));
	}
}

/* RFC 8601: "host; spf=pass ...; dkim=fail ...". Only of our own host. */
static void
field_auth(struct junk_headers *headers, const unsigned char *data, size_t size)
{
	const char *const *parts, *part;
	const char *value = t_str_lcase(t_strndup(data, size));
	size_t len;

	if (headers->authserv_id == NULL || *headers->authserv_id == '\0')
		return;
	parts = t_strsplit(value, ";");
	/* an empty field has no parts at all */
	if (*parts == NULL)
		return;
	part = *parts + strspn(*parts, " \t\r\n");
	len = strcspn(part, " \t\r\n");
	if (strlen(headers->authserv_id) != len ||
	    strncasecmp(part, headers->authserv_id, len) != 0)
		return;
	for (parts++; *parts != NULL; parts++) {
		part = *parts + strspn(*parts, " \t\r\n");
		len = strcspn(part, " \t\r\n(");
		if (memchr(part, '=', len) != NULL)
			junk_token_set_add(headers->set,
					   JUNK_TOKEN_AUTH_RESULT, part, len);
	}
}

static void
field_date(struct junk_headers *headers, const unsigned char *data, size_t size)
{
	string_t *str = t_str_new(64);
	const char *value, *zone;

	for (size_t i = 0; i < size; i++) {
		if (data[i] > ' ')
			str_append_c(str, data[i]);
	}
	headers->date_hash = XXH3_64bits(str_data(str), str_len(str));

	value = t_strndup(data, size);
	zone = strpbrk(value, "+-");
	if (zone != NULL)
		junk_token_set_add(headers->set, JUNK_TOKEN_HEADER_WORD,
				   t_strconcat("zone:", t_strndup(zone, 5),
					       NULL),
				   5 + I_MIN(strlen(zone), 5));
}

static void
field_add(struct junk_headers *headers, const struct field *field,
	  const unsigned char *data, size_t size)
{
	struct junk_token_set *set = headers->set;
	const char *prefix = field->prefix;

	switch (field->kind) {
	case FIELD_NAME:
		break;
	case FIELD_WORDS:
		junk_words_add(set, JUNK_TOKEN_HEADER_WORD, prefix, data, size,
			       NULL);
		break;
	case FIELD_SUBJECT:
		junk_words_add(set, JUNK_TOKEN_SUBJECT_WORD, "", data, size,
			       &headers->subject_stats);
		/* what is learned of a word in one place helps in others */
		junk_words_add(set, JUNK_TOKEN_BODY_WORD, "", data, size,
			       NULL);
		break;
	case FIELD_FROM:
		field_from(headers, data, size);
		break;
	case FIELD_REPLY_TO:
		field_reply_to(headers, data, size);
		break;
	case FIELD_RECIPIENTS:
		field_recipients(headers, prefix, data, size);
		break;
	case FIELD_DOMAIN:
		field_domain(headers, prefix, data, size);
		break;
	case FIELD_LIST:
		junk_words_add(set, JUNK_TOKEN_LIST, prefix, data,
			       I_MIN(size, 512), NULL);
		break;
	case FIELD_MAILER:
		junk_token_set_add(set, JUNK_TOKEN_MAILER, data, size);
		junk_words_add(set, JUNK_TOKEN_MAILER, prefix, data, size,
			       NULL);
		break;
	case FIELD_DKIM:
		field_dkim(headers, data, size);
		break;
	case FIELD_AUTH:
		field_auth(headers, data, size);
		break;
	case FIELD_DATE:
		field_date(headers, data, size);
		break;
	}
}

bool junk_headers_add(struct junk_headers *headers, const char *name,
		      const unsigned char *value, size_t size)
{
	const struct field *field = field_find(name);
	size_t left;

	if (field == NULL)
		return FALSE;
	/* other hosts' results come and go on the way */
	if (field->kind != FIELD_AUTH)
		field_name_tokens(headers, field);
	if (field->kind == FIELD_NAME)
		return TRUE;
	/* many fields of a name cost no more than a long one */
	left = JUNK_MAX_FIELD_BYTES - headers->field_bytes[field - fields];
	if (left == 0)
		return field->kind != FIELD_AUTH;
	size = I_MIN(size, left);
	headers->field_bytes[field - fields] += size;
	T_BEGIN {
		buffer_set_used_size(headers->buf, 0);
		junk_decode_header(headers->charsets, headers->buf, value,
				   size);
		field_add(headers, field, headers->buf->data,
			  headers->buf->used);
	} T_END;
	return field->kind != FIELD_AUTH;
}

void junk_headers_finish(struct junk_headers *headers)
{
	const struct junk_words_stats *stats = &headers->subject_stats;
	struct junk_token_set *set = headers->set;

	junk_token_set_add_log2(set, JUNK_TOKEN_RECIPIENTS, "count:",
				headers->recipients);
	T_BEGIN {
		junk_token_set_add_str(set, JUNK_TOKEN_HEADER_NAME,
			t_strdup_printf("order:%016"PRIx64,
					headers->order_hash));
	} T_END;
	if (stats->latin > 0)
		junk_token_set_add_num(set, JUNK_TOKEN_SCRIPT,
				       "subject capitals:",
				       I_MIN(stats->capitals * 8 /
					     stats->latin, 8));
	if (stats->lookalikes > 0)
		junk_token_set_add_str(set, JUNK_TOKEN_SCRIPT,
				       "subject mixed");
	if (stats->unseen > 0)
		junk_token_set_add_str(set, JUNK_TOKEN_INVISIBLE,
				       "subject unseen");
}

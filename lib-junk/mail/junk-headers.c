/* See junk-headers.h. */

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "junk-address.h"
#include "junk-auth-results.h"
#include "junk-decode.h"
#include "junk-name.h"
#include "junk-received.h"
#include "junk-url.h"
#include "junk-headers.h"

#include <xxhash.h>

/* Maximum addresses of a field that are read. */
#define MAX_ADDRESSES 50

enum field_kind {
	/* only its presence is evidence */
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
	FIELD_ARC_AUTH,
	FIELD_RECEIVED,
	FIELD_DATE,
};

/* Longer than the name of any field in the list. */
#define MAX_NAME_BYTES 32
#define MAX_SHAPE_BYTES 20

#define FIELD(name, kind, common) { name, name ":", kind, common }

/* Sorted by name. Other fields aren't read (junk-headers.h). Message-ID is
   excluded because some clients create a new one. */
static const struct field {
	char name[MAX_NAME_BYTES];
	/* prefix of the tokens of its words */
	const char *prefix;
	enum field_kind kind;
	/* almost every message has it */
	bool common;
} fields[] = {
	FIELD("arc-authentication-results", FIELD_ARC_AUTH, FALSE),
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
	FIELD("received", FIELD_RECEIVED, FALSE),
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
		       const struct junk_tokenizer_settings *tokenizer_set)
{
	static const struct junk_tokenizer_settings no_set;

	i_zero(headers);
	headers->set = set;
	headers->charsets = charsets;
	headers->buf = buf;
	headers->tokenizer_set = tokenizer_set != NULL ? tokenizer_set :
		&no_set;
}

/* Add the order of fields, which depends on the program that wrote them, and
   the name of a field that not almost every message has. */
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
	/* The text before and after the address, decoded. Either may be a name:
	   "Name" <address>, address (Name) */
	const unsigned char *name, *rest;
	size_t name_size, rest_size;
	const char *local, *domain;
	struct junk_host host;
	bool has_host;
};

static const unsigned char *
decode_to(struct junk_headers *headers, const char *str, size_t *size_r)
{
	size_t size = strlen(str);
	bool plain = TRUE;

	for (size_t i = 0; i < size; i++)
		plain = plain && str[i] >= ' ' && (unsigned char)str[i] < 0x80;
	if (plain && strstr(str, "=?") == NULL) {
		*size_r = size;
		return (const unsigned char *)str;
	}
	buffer_set_used_size(headers->buf, 0);
	junk_decode_header(headers->charsets, headers->buf, (const void *)str,
			   size);
	*size_r = headers->buf->used;
	/* it may contain zero bytes */
	return p_memdup(unsafe_data_stack_pool, headers->buf->data,
			headers->buf->used);
}

/* Find the first address in a field that isn't decoded, since encoded words may
   contain any character. */
static bool
address_find(struct junk_headers *headers, const unsigned char *data,
	     size_t size, struct address *addr_r)
{
	struct junk_address found;

	if (!junk_address_find(data, size, &found)) {
		buffer_set_used_size(headers->buf, 0);
		junk_decode_header(headers->charsets, headers->buf, data, size);
		if (!junk_address_find(headers->buf->data, headers->buf->used,
				       &found))
			return FALSE;
	}
	addr_r->name = decode_to(headers, found.before, &addr_r->name_size);
	addr_r->rest = decode_to(headers, found.after, &addr_r->rest_size);
	addr_r->local = found.local;
	addr_r->has_host =
		junk_host_parse(&headers->set->hosts, found.domain,
				strlen(found.domain), FALSE, &addr_r->host);
	addr_r->domain = addr_r->has_host ? addr_r->host.name : found.domain;
	return TRUE;
}

static void
add_address(struct junk_token_set *set, enum junk_token_class class,
	    const char *prefix, const char *local, const char *domain)
{
	const char *address =
		t_str_lcase(t_strconcat(local, "@", domain, NULL));

	/* a longer one is truncated */
	junk_token_set_add_prefixed(set, class, prefix, address,
				    strlen(address));
}

/* Add the shape of the sender's name and address: generated ones are
   similar. */
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

	/* runs of letters or digits are reduced to one */
	last = '\0';
	for (size_t i = 0; i < MAX_SHAPE_BYTES && addr->local[i] != '\0'; i++) {
		c = ascii_shape(ascii_tolower(addr->local[i]));
		if (c != last)
			local[size++] = c;
		last = c;
	}
	junk_token_set_add(set, JUNK_TOKEN_SENDER_ADDRESS, local, size);
}

/* Add whether the client belongs to the sender's domain. Called when either
   becomes known. */
static void client_sender(struct junk_headers *headers)
{
	if (!headers->client_seen || !headers->has_from_host)
		return;
	junk_token_set_add_str(headers->set, JUNK_TOKEN_CLIENT,
		headers->has_client_host &&
		junk_hosts_related(&headers->client_host,
				   &headers->from_host) ?
		"of the sender's domain" : "of another domain");
}

/* Add whether the sender's displayed name contains another host than the
   address. */
static void
field_from_named(struct junk_token_set *set, const struct address *addr,
		 const unsigned char *name, size_t size)
{
	struct junk_host named;
	bool same;

	if (!junk_url_find_host(set, name, size, &named))
		return;
	same = addr->has_host &&
		junk_hosts_related(&named, &addr->host);
	junk_token_set_add_str(set, JUNK_TOKEN_SENDER_NAME,
			       same ? "names same domain" :
			       "names other domain");
	if (memchr(name, '@', size) != NULL)
		junk_token_set_add_str(set, JUNK_TOKEN_SENDER_NAME,
				       same ? "address in name" :
				       "other address in name");
	if (!same)
		junk_url_add_parsed_host(set, JUNK_TOKEN_SENDER_NAME,
					 JUNK_TOKEN_SENDER_NAME, "names:",
					 &named);
}

static void
field_from_address(struct junk_headers *headers, const struct address *addr)
{
	struct junk_token_set *set = headers->set;
	const char *address =
		t_strconcat(addr->local, "@", addr->domain, NULL);

	add_address(set, JUNK_TOKEN_SENDER_ADDRESS, "", addr->local,
		    addr->domain);
	if (addr->has_host) {
		junk_url_add_parsed_host(set, JUNK_TOKEN_SENDER_DOMAIN,
					 JUNK_TOKEN_SENDER_DOMAIN, "",
					 &addr->host);
	}
	field_from_shape(set, addr);
	/* also as a body word: what is learned about a word or domain in one
	   place helps in others */
	junk_words_add(set, JUNK_TOKEN_BODY_WORD, "", (const void *)address,
		       strlen(address), NULL);
	if (addr->has_host) {
		junk_url_add_parsed_host(set, JUNK_TOKEN_URL_HOST,
					 JUNK_TOKEN_URL_DOMAIN, "",
					 &addr->host);
	}
}

static void
field_from(struct junk_headers *headers, const unsigned char *data, size_t size)
{
	struct junk_token_set *set = headers->set;
	struct address addr;

	if (headers->from_seen ||
	    !address_find(headers, data, size, &addr)) {
		buffer_set_used_size(headers->buf, 0);
		junk_decode_header(headers->charsets, headers->buf, data, size);
		junk_words_add(set, JUNK_TOKEN_SENDER_NAME, "",
			       headers->buf->data, headers->buf->used, NULL);
		return;
	}
	headers->from_seen = TRUE;
	junk_words_add(set, JUNK_TOKEN_SENDER_NAME, "", addr.name,
		       addr.name_size, NULL);
	junk_words_add(set, JUNK_TOKEN_SENDER_NAME, "", addr.rest,
		       addr.rest_size, NULL);
	if (addr.name_size == 0 && addr.rest_size <= 1)
		junk_token_set_add_str(set, JUNK_TOKEN_SENDER_NAME, "");
	field_from_address(headers, &addr);
	if (addr.name_size > 0)
		field_from_named(set, &addr, addr.name, addr.name_size);
	else
		field_from_named(set, &addr, addr.rest, addr.rest_size);
	headers->has_from_host = addr.has_host;
	headers->from_host = addr.host;
	client_sender(headers);
}

static void
field_reply_to(struct junk_headers *headers, const unsigned char *data,
	       size_t size)
{
	struct junk_token_set *set = headers->set;
	struct address addr;

	if (headers->reply_seen || !address_find(headers, data, size, &addr))
		return;
	headers->reply_seen = TRUE;
	add_address(set, JUNK_TOKEN_REPLY_TO, "", addr.local, addr.domain);
	if (!addr.has_host)
		return;
	junk_url_add_parsed_host(set, JUNK_TOKEN_REPLY_TO, JUNK_TOKEN_REPLY_TO,
				 "", &addr.host);
	if (headers->from_seen && headers->has_from_host &&
	    strcmp(addr.host.name, headers->from_host.name) != 0)
		junk_token_set_add_str(set, JUNK_TOKEN_REPLY_TO,
				       "other domain");
}

static void
field_recipients(struct junk_headers *headers, const char *prefix,
		 const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *next;
	const unsigned char *local, *at, *domain_end;
	unsigned int count = 0;

	while (count++ < MAX_ADDRESSES &&
	       (next = junk_address_next(data, end, &local, &at,
					 &domain_end)) != NULL) {
		headers->recipients++;
		junk_words_add(headers->set, JUNK_TOKEN_HEADER_WORD, prefix,
			       data, local - data, NULL);
		T_BEGIN {
			add_address(headers->set, JUNK_TOKEN_HEADER_WORD,
				    prefix, t_strdup_until(local, at),
				    t_strdup_until(at + 1, domain_end));
		} T_END;
		junk_url_add_host(headers->set, JUNK_TOKEN_HEADER_WORD,
				  JUNK_TOKEN_HEADER_WORD, prefix, at + 1,
				  domain_end - at - 1);
		data = next;
	}
	/* "undisclosed-recipients:;" or "(Name)" */
	junk_words_add(headers->set, JUNK_TOKEN_HEADER_WORD, prefix,
		       data, I_MIN(end - data, 256), NULL);
}

static void
field_domain(struct junk_headers *headers, const char *prefix,
	     const unsigned char *data, size_t size)
{
	struct address addr;

	if (address_find(headers, data, size, &addr) && addr.has_host) {
		junk_url_add_parsed_host(headers->set, JUNK_TOKEN_HEADER_WORD,
					 JUNK_TOKEN_HEADER_WORD, prefix,
					 &addr.host);
	}
}

/* Add the domain of a DKIM signature (d=), which is responsible for the
   message. Its other parts are different in each message. */
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

static void
add_client(struct junk_headers *headers, const char *prefix, const char *text,
	   size_t size)
{
	junk_token_set_add_prefixed(headers->set, JUNK_TOKEN_CLIENT, prefix,
				    text, size);
}

/* Add the domain of the client's name, which the MX has verified, or that it
   has none. */
static void client_name(struct junk_headers *headers)
{
	const struct junk_host *host = &headers->client_host;
	struct junk_domain domain;
	size_t size = host->size;

	if (!headers->has_client_host) {
		junk_token_set_add_str(headers->set, JUNK_TOKEN_CLIENT,
				       "name:none");
		return;
	}
	junk_host_domain(host, &domain);
	if (domain.registered_size > 0)
		size = domain.registered_size;
	add_client(headers, "name:", host->name + host->size - size, size);
}

static const char *
client_helo(struct junk_headers *headers, const struct junk_client *client)
{
	struct junk_host helo;

	if (!junk_host_parse(&headers->set->hosts, client->helo,
			     strlen(client->helo), FALSE, &helo))
		return "none";
	if (helo.kind != JUNK_HOST_NAME)
		return "address";
	if (!headers->has_client_host)
		return "name";
	if (strcmp(helo.name, headers->client_host.name) == 0)
		return "same";
	return junk_hosts_related(&helo,
				  &headers->client_host) ? "domain" : "other";
}

/* Received fields are in reverse order: the first one of our MXs is used. */
static void
field_received(struct junk_headers *headers, const unsigned char *data,
	       size_t size)
{
	struct junk_client client;
	const char *helo;

	if (headers->client_seen ||
	    !junk_received_parse(&headers->set->hosts, data, size,
				 headers->tokenizer_set->mx, &client))
		return;
	headers->client_seen = TRUE;
	headers->has_client_host = *client.name != '\0' &&
		junk_host_parse(&headers->set->hosts, client.name,
				strlen(client.name), FALSE,
				&headers->client_host) &&
		headers->client_host.kind == JUNK_HOST_NAME;
	add_client(headers, "net:", client.address.network,
		   strlen(client.address.network));
	client_name(headers);
	helo = client_helo(headers, &client);
	add_client(headers, "helo:", helo, strlen(helo));
	client_sender(headers);
}

static void
auth_result(const char *result, const char *properties ATTR_UNUSED,
	    void *context)
{
	struct junk_headers *headers = context;

	junk_token_set_add_str(headers->set, JUNK_TOKEN_AUTH_RESULT, result);
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
		/* also as a body word: what is learned about a word in one
		   place helps in others */
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
	case FIELD_ARC_AUTH:
		junk_auth_results_read(data, size,
				       headers->tokenizer_set->authserv_id,
				       field->kind == FIELD_ARC_AUTH,
				       auth_result, headers);
		break;
	case FIELD_RECEIVED:
		field_received(headers, data, size);
		break;
	case FIELD_DATE:
		field_date(headers, data, size);
		break;
	}
}

/* Returns TRUE for fields that are parsed before they are decoded, since
   encoded words must still be recognised. */
static bool field_is_raw(const struct field *field)
{
	return field->kind == FIELD_FROM || field->kind == FIELD_REPLY_TO ||
		field->kind == FIELD_DOMAIN || field->kind == FIELD_RECEIVED;
}

/* Returns TRUE for fields that MTAs add or remove on the way. */
static bool field_is_trace(const struct field *field)
{
	return field->kind == FIELD_AUTH || field->kind == FIELD_ARC_AUTH ||
		field->kind == FIELD_RECEIVED;
}

bool junk_headers_add(struct junk_headers *headers, const char *name,
		      const unsigned char *value, size_t size)
{
	const struct field *field = field_find(name);
	size_t left;

	if (field == NULL)
		return FALSE;
	if (!field_is_trace(field))
		field_name_tokens(headers, field);
	if (field->kind == FIELD_NAME)
		return TRUE;
	/* the limit applies to all fields of a name together */
	left = JUNK_MAX_FIELD_BYTES - headers->field_bytes[field - fields];
	if (left == 0)
		return !field_is_trace(field);
	size = I_MIN(size, left);
	headers->field_bytes[field - fields] += size;
	T_BEGIN {
		buffer_set_used_size(headers->buf, 0);
		if (field_is_raw(field)) {
			field_add(headers, field, value, size);
		} else {
			junk_decode_header(headers->charsets, headers->buf,
					   value, size);
			field_add(headers, field, headers->buf->data,
				  headers->buf->used);
		}
	} T_END;
	return !field_is_trace(field);
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

/* See junk-sender.h. What is longer than a limit isn't cut but makes the sender
   uncertain: the part of a domain that is cut off may be the one that counts. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "message-address.h"
#include "message-header-parser.h"
#include "junk-address.h"
#include "junk-auth-results.h"
#include "junk-limits.h"
#include "junk-sender.h"

struct sender {
	/* the value of the From field */
	const char *from;
	unsigned int from_count;
	/* values of Authentication-Results fields and their total size */
	ARRAY_TYPE(const_string) results;
	size_t results_size;
};

struct authentication {
	const char *domain;
	bool pass, fail;
};

struct recipients {
	ARRAY_TYPE(const_string) values;
	size_t size;
	/* a program has made the message by itself */
	bool automatic;
};

typedef void
field_callback_t(const struct message_header_line *hdr, void *context);

/* Call the callback for each whole field of the header. Returns FALSE if not all
   of the header was read. */
static bool
fields_read(struct istream *input, field_callback_t *callback, void *context)
{
	const enum message_header_parser_flags flags =
		MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP |
		MESSAGE_HEADER_PARSER_FLAG_CLEAN_ONELINE;
	struct message_header_parser_ctx *parser;
	struct message_header_line *hdr;
	struct istream *limited;
	bool complete = FALSE;

	i_stream_seek(input, 0);
	limited = i_stream_create_limit(input, JUNK_MAX_READ_BYTES);
	parser = message_parse_header_init(limited, NULL, flags);
	while (message_parse_header_next(parser, &hdr) > 0) {
		if (hdr->eoh) {
			complete = TRUE;
			break;
		}
		if (hdr->continues)
			hdr->use_full_value = TRUE;
		else
			callback(hdr, context);
	}
	complete = complete && !message_parse_header_has_nuls(parser);
	message_parse_header_deinit(&parser);
	i_stream_unref(&limited);
	return complete;
}

bool junk_address_normalize(const char *text, const char **address_r)
{
	const char *at = strrchr(text, '@');

	if (at == NULL || at[1] == '\0' ||
	    strlen(text) > JUNK_MAX_ADDRESS_BYTES)
		return FALSE;
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f ||
		    (*p == '@' && p != at) || strchr("<>,;:\"()", *p) != NULL)
			return FALSE;
	}
	*address_r = t_str_lcase(text);
	return TRUE;
}

/* --- the sender --- */

static void sender_field(const struct message_header_line *hdr, void *context)
{
	struct sender *sender = context;
	const char *value;

	if (strcasecmp(hdr->name, "From") == 0) {
		sender->from_count++;
		if (sender->from_count > 1)
			return;
		sender->from = t_strndup(hdr->full_value, hdr->full_value_len);
	} else if (strcasecmp(hdr->name, "Authentication-Results") == 0) {
		sender->results_size += hdr->full_value_len;
		if (sender->results_size > JUNK_MAX_FIELD_BYTES)
			return;
		value = t_strndup(hdr->full_value, hdr->full_value_len);
		array_push_back(&sender->results, &value);
	}
}

/* Returns TRUE if a field has nothing but the address, or a text and at its end
   the address in "<>". */
static bool from_is_plain(const char *from, const char *address)
{
	const char *value = t_str_trim(from, " \t\r\n");
	const char *angle = t_strconcat("<", address, ">", NULL);
	const size_t size = strlen(value), angle_size = strlen(angle);

	return strcmp(value, address) == 0 ||
		(size >= angle_size &&
		 strcmp(value + size - angle_size, angle) == 0);
}

/* Returns the one address of a From field, NULL if there are more or readers
   may see another one. */
static const char *from_address(const char *from)
{
	const struct message_address *addr;
	struct junk_address shown;
	const char *address;

	if (strlen(from) > JUNK_MAX_HEADER_BYTES)
		return NULL;
	addr = message_address_parse(pool_datastack_create(),
				     (const void *)from, strlen(from), 2, 0);
	if (addr == NULL || addr->next != NULL || addr->invalid_syntax ||
	    addr->mailbox == NULL || *addr->mailbox == '\0' ||
	    addr->domain == NULL || *addr->domain == '\0' ||
	    addr->route != NULL ||
	    !junk_address_find((const void *)from, strlen(from), &shown) ||
	    strcmp(shown.local, addr->mailbox) != 0 ||
	    strcmp(shown.domain, addr->domain) != 0)
		return NULL;
	address = t_strconcat(addr->mailbox, "@", addr->domain, NULL);
	return from_is_plain(from, address) &&
		junk_address_normalize(address, &address) ? address : NULL;
}

static void
authentication_result(const char *result, const char *properties,
		      void *context)
{
	struct authentication *auth = context;

	if (strcmp(result, "dkim=pass") == 0) {
		if (junk_auth_property_is(properties, "header.d",
					  auth->domain))
			auth->pass = TRUE;
	} else if (strcmp(result, "dmarc=pass") == 0) {
		if (junk_auth_property_is(properties, "header.from",
					  auth->domain))
			auth->pass = TRUE;
		else
			auth->fail = TRUE;
	} else if (strncmp(result, "dmarc=", 6) == 0 &&
		   strcmp(result, "dmarc=none") != 0) {
		auth->fail = TRUE;
	}
}

/* Returns the ids without "-", which would believe anybody's field. */
static const char *named_ids(const char *authserv_ids)
{
	const char *const *ids = t_strsplit_spaces(authserv_ids, " \t");
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, 4);
	for (; *ids != NULL; ids++) {
		if (strcmp(*ids, "-") != 0)
			array_push_back(&names, ids);
	}
	array_append_zero(&names);
	return t_strarray_join(array_front(&names), " ");
}

const char *
junk_sender_read(struct istream *input, const char *authserv_ids)
{
	struct authentication auth = { .pass = FALSE };
	struct sender sender = { .from_count = 0 };
	const char *address, *const *value;

	if (authserv_ids == NULL || *authserv_ids == '\0')
		return NULL;
	t_array_init(&sender.results, 4);
	if (!fields_read(input, sender_field, &sender) ||
	    sender.from_count != 1 ||
	    sender.results_size > JUNK_MAX_FIELD_BYTES ||
	    (address = from_address(sender.from)) == NULL)
		return NULL;
	auth.domain = strchr(address, '@') + 1;
	authserv_ids = named_ids(authserv_ids);
	array_foreach(&sender.results, value) {
		junk_auth_results_read((const void *)*value, strlen(*value),
				       authserv_ids, FALSE,
				       authentication_result, &auth);
	}
	return auth.pass && !auth.fail ? address : NULL;
}

/* --- recipients --- */

static bool value_begins(const struct message_header_line *hdr, const char *text)
{
	const size_t size = strlen(text);

	return hdr->full_value_len >= size &&
		strncasecmp((const char *)hdr->full_value, text, size) == 0;
}

static void
recipients_field(const struct message_header_line *hdr, void *context)
{
	struct recipients *recipients = context;
	const char *value;

	if ((strcasecmp(hdr->name, "Auto-Submitted") == 0 &&
	     !value_begins(hdr, "no")) ||
	    (strcasecmp(hdr->name, "Content-Type") == 0 &&
	     value_begins(hdr, "multipart/report"))) {
		recipients->automatic = TRUE;
	} else if (strcasecmp(hdr->name, "To") == 0 ||
		   strcasecmp(hdr->name, "Cc") == 0 ||
		   strcasecmp(hdr->name, "Bcc") == 0) {
		recipients->size += hdr->full_value_len;
		if (recipients->size > JUNK_MAX_FIELD_BYTES)
			return;
		value = t_strndup(hdr->full_value, hdr->full_value_len);
		array_push_back(&recipients->values, &value);
	}
}

/* Returns how many of max addresses are left. */
static unsigned int
recipients_parse(const char *value, unsigned int max,
		 junk_address_callback_t *callback, void *context)
{
	const struct message_address *addr =
		message_address_parse(pool_datastack_create(),
				      (const void *)value, strlen(value), max,
				      0);
	const char *address;

	for (; addr != NULL && max > 0; addr = addr->next) {
		if (addr->mailbox == NULL || addr->domain == NULL ||
		    addr->invalid_syntax)
			continue;
		max--;
		if (*addr->mailbox != '\0' &&
		    junk_address_normalize(t_strconcat(addr->mailbox, "@",
						       addr->domain, NULL),
					   &address))
			callback(address, context);
	}
	return max;
}

void junk_recipients_read(struct istream *input,
			  junk_address_callback_t *callback, void *context)
{
	struct recipients recipients = { .size = 0 };
	unsigned int left = JUNK_MAX_RECIPIENTS;
	const char *const *value;

	t_array_init(&recipients.values, 4);
	if (!fields_read(input, recipients_field, &recipients) ||
	    recipients.automatic)
		return;
	array_foreach(&recipients.values, value)
		left = recipients_parse(*value, left, callback, context);
}

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "junk-limits.h"
#include "junk-milter-message.h"

static int grow(struct junk_milter_message *msg, size_t size)
{
	size_t allocated = msg->allocated == 0 ? 16*1024 : msg->allocated;
	char *data;

	while (allocated < size)
		allocated *= 2;
	if (allocated == msg->allocated)
		return 0;
	data = realloc(msg->data, allocated);
	if (data == NULL) {
		msg->failed = 1;
		return -1;
	}
	msg->data = data;
	msg->allocated = allocated;
	return 0;
}

static void append(struct junk_milter_message *msg, const void *data,
		   size_t size)
{
	size_t left = JUNK_MAX_READ_BYTES - msg->size;

	if (size > left)
		size = left;
	if (size == 0 || msg->failed || grow(msg, msg->size + size) < 0)
		return;
	memcpy(msg->data + msg->size, data, size);
	msg->size += size;
}

static void append_string(struct junk_milter_message *msg, const char *str)
{
	append(msg, str, strlen(str));
}

void junk_milter_message_begin(struct junk_milter_message *msg,
			       const char *mx)
{
	const struct junk_milter_client *client = &msg->client;

	if (*mx == '\0' || client->address[0] == '\0')
		return;
	append_string(msg, "Received: from ");
	append_string(msg, client->helo[0] == '\0' ? client->name :
		      client->helo);
	append_string(msg, " (");
	append_string(msg, client->name);
	append_string(msg, " [");
	append_string(msg, client->address);
	append_string(msg, "]) by ");
	append(msg, mx, strcspn(mx, " \t"));
	append_string(msg, "\r\n");
}

/* Mail programs ignore blanks between a field's name and the colon (RFC 5322,
   4.5.8), but the MTA passes them as part of the name. */
static int name_is(const char *name, const char *ours)
{
	const size_t len = strlen(ours);

	return strncasecmp(name, ours, len) == 0 &&
		name[len + strspn(name + len, " \t")] == '\0';
}

void junk_milter_message_header(struct junk_milter_message *msg,
				const char *name, const char *value)
{
	if (name_is(name, "X-Junk-Score"))
		msg->foreign_scores++;
	else if (name_is(name, "X-Junk-Reason"))
		msg->foreign_reasons++;
	else if (name_is(name, "X-Junk-Flag"))
		msg->foreign_flags++;
	append(msg, name, strlen(name));
	/* without SMFIP_HDR_LEADSPC the MTA has cut one space */
	append(msg, ": ", 2);
	append(msg, value, strlen(value));
	append(msg, "\r\n", 2);
}

void junk_milter_message_end_headers(struct junk_milter_message *msg)
{
	append(msg, "\r\n", 2);
}

void junk_milter_message_body(struct junk_milter_message *msg,
			      const unsigned char *data, size_t size)
{
	append(msg, data, size);
}

int junk_milter_message_full(const struct junk_milter_message *msg)
{
	return msg->failed || msg->size == JUNK_MAX_READ_BYTES;
}

void junk_milter_message_reset(struct junk_milter_message *msg)
{
	struct junk_milter_client client = msg->client;

	free(msg->data);
	memset(msg, 0, sizeof(*msg));
	msg->client = client;
}

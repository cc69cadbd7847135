#include "lib.h"
#include "buffer.h"
#include "istream.h"
#include "junk-limits.h"
#include "junk-pending.h"

#include <stdlib.h>

struct junk_body *junk_body_alloc(size_t size)
{
	/* i_malloc() clears what it gives: most of what reading costs */
	struct junk_body *body = malloc(sizeof(*body) + size);

	if (body != NULL) {
		body->size = size;
		return body;
	}
	i_fatal_status(FATAL_OUTOFMEM, "malloc() failed: %m");
}

static struct junk_body *junk_body_create(const void *data, size_t size)
{
	struct junk_body *body = junk_body_alloc(size);

	memcpy(body->data, data, size);
	return body;
}

int junk_body_read(struct istream *input, uoff_t size, buffer_t *buf,
		   struct junk_body **body_r, const char **error_r)
{
	const unsigned char *data;
	size_t got, left = I_MIN(size, JUNK_MAX_READ_BYTES);

	buffer_set_used_size(buf, 0);
	while (left > 0 && i_stream_read_more(input, &data, &got) > 0) {
		got = I_MIN(got, left);
		if (buf->used == 0 && (input->eof || got == left)) {
			/* most messages come at once */
			*body_r = junk_body_create(data, got);
			return 0;
		}
		buffer_append(buf, data, got);
		i_stream_skip(input, got);
		left -= got;
	}
	if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s",
					   i_stream_get_name(input),
					   i_stream_get_error(input));
		return -1;
	}
	*body_r = junk_body_create(buf->data, buf->used);
	return 0;
}

void junk_pending_clear(struct junk_pending *pending)
{
	i_free(pending->body);
	i_free(pending->kept_vname);
}

#include "lib.h"
#include "buffer.h"
#include "istream.h"
#include "junk-limits.h"
#include "junk-pending.h"

#include <stdlib.h>

static unsigned int open_files = 0;

struct junk_body *junk_body_alloc(size_t size)
{
	/* not i_malloc(), which clears the memory: that would take most of the
	   time */
	struct junk_body *body = malloc(sizeof(*body) + size);

	if (body != NULL) {
		body->place = JUNK_BODY_MEMORY;
		body->size = size;
		return body;
	}
	i_fatal_status(FATAL_OUTOFMEM, "malloc() failed: %m");
}

struct junk_body *
junk_body_keep(int fd, enum junk_body_place place, uoff_t offset)
{
	struct junk_body *body = junk_body_alloc(0);

	body->place = place;
	body->fd = fd;
	body->offset = offset;
	open_files++;
	return body;
}

void junk_body_free(struct junk_body **_body)
{
	struct junk_body *body = *_body;

	if (body == NULL)
		return;
	*_body = NULL;
	if (body->place != JUNK_BODY_MEMORY) {
		i_close_fd(&body->fd);
		open_files--;
	}
	i_free(body);
}

unsigned int junk_body_open_files(void)
{
	return open_files;
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
			/* most messages are returned by a single read */
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
	junk_body_free(&pending->body);
	i_free(pending->kept_vname);
}

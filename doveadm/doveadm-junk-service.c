#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "net.h"
#include "str.h"
#include "strnum.h"
#include "write-full.h"

#include "junk-frame.h"
#include "junk-limits.h"
#include "junk-segment.h"
#include "doveadm-junk.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SERVICE_SOCKET_FNAME "junk-feedback"
/* The service answers within milliseconds, but its first start may have to
   replay reports. */
#define SERVICE_TIMEOUT_SECS 10

const char *doveadm_junk_socket_path(void)
{
	return t_strconcat(doveadm_settings->base_dir,
			   "/"SERVICE_SOCKET_FNAME, NULL);
}

const char *doveadm_junk_segment_path(void)
{
	return t_strconcat(doveadm_settings->base_dir,
			   "/"JUNK_SEGMENT_FNAME, NULL);
}

static int service_connect(const char **error_r)
{
	const char *path = doveadm_junk_socket_path();
	struct timeval timeout = { .tv_sec = SERVICE_TIMEOUT_SECS };
	int fd;

	fd = net_connect_unix(path);
	if (fd == -1) {
		*error_r = t_strdup_printf("connect(%s) failed: %m", path);
		return -1;
	}
	net_set_nonblock(fd, FALSE);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO,
		       &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
		       &timeout, sizeof(timeout)) < 0) {
		*error_r = t_strdup_printf("setsockopt(%s) failed: %m", path);
		i_close_fd(&fd);
	}
	return fd;
}

/* Read one frame into buf. */
static int
service_read_frame(int fd, buffer_t *buf, struct junk_frame *frame_r,
		   const char **error_r)
{
	const char *path = doveadm_junk_socket_path();
	unsigned char data[4096];
	size_t size;
	ssize_t ret;

	for (;;) {
		int res = junk_frame_decode(buf->data, buf->used, frame_r,
					    &size, error_r);
		if (res > 0)
			return 0;
		if (res < 0) {
			*error_r = t_strdup_printf(
				"%s: not our protocol: %s", path, *error_r);
			return -1;
		}
		ret = read(fd, data, sizeof(data));
		if (ret == 0) {
			*error_r = t_strdup_printf(
				"%s: connection closed without an answer",
				path);
			return -1;
		} else if (ret < 0) {
			*error_r = errno == EAGAIN ?
				t_strdup_printf("%s: no answer in %u seconds",
						path, SERVICE_TIMEOUT_SECS) :
				t_strdup_printf("read(%s) failed: %m", path);
			return -1;
		}
		buffer_append(buf, data, ret);
	}
}

static void
parse_status(const struct junk_frame *frame,
	     ARRAY_TYPE(junk_key_values) *status)
{
	const char *const *lines, *text, *p;

	/* the answer may hold anything: what isn't key=value is left out */
	text = t_strndup(frame->payload, frame->payload_size);
	for (lines = t_strsplit(text, "\n"); *lines != NULL; lines++) {
		struct junk_key_value *kv;

		p = strchr(*lines, '=');
		if (p == NULL)
			continue;
		kv = array_append_space(status);
		kv->key = t_strdup_until(*lines, p);
		kv->value = p + 1;
	}
}

static int
service_ask(int fd, enum junk_frame_type type,
	    ARRAY_TYPE(junk_key_values) *status, const char **error_r)
{
	buffer_t *buf = t_buffer_create(4096);
	struct junk_frame frame;

	junk_frame_encode(buf, type, NULL, 0);
	if (write_full(fd, buf->data, buf->used) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m",
					   doveadm_junk_socket_path());
		return -1;
	}
	buffer_set_used_size(buf, 0);
	if (service_read_frame(fd, buf, &frame, error_r) < 0)
		return -1;
	if (frame.type == JUNK_FRAME_ERROR) {
		*error_r = t_strdup_printf("the service says: %s",
			t_strndup(frame.payload, frame.payload_size));
		return -1;
	}
	if (frame.type != JUNK_FRAME_TEXT) {
		*error_r = t_strdup_printf(
			"%s: unexpected answer (frame type %u)",
			doveadm_junk_socket_path(), frame.type);
		return -1;
	}
	parse_status(&frame, status);
	return 0;
}

int doveadm_junk_service_status(ARRAY_TYPE(junk_key_values) *status,
				const char **error_r)
{
	int fd, ret;

	fd = service_connect(error_r);
	if (fd == -1)
		return -1;
	ret = service_ask(fd, JUNK_FRAME_STATUS, status, error_r);
	i_close_fd(&fd);
	return ret;
}

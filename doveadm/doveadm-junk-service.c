#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "net.h"
#include "str.h"
#include "strnum.h"

#include "junk-frame.h"
#include "junk-limits.h"
#include "junk-counts.h"
#include "junk-segment.h"
#include "doveadm-junk.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SERVICE_SOCKET_FNAME "junk-feedback"
/* The service normally answers within milliseconds, but after its first start
   it may have to replay reports. */
#define SERVICE_TIMEOUT_SECS 10
/* Rebuilding the model learns from all reports and may take long. */
#define SERVICE_ADMIN_TIMEOUT_SECS (60*60)
/* The number of unacknowledged reports. It is large enough for the service to
   commit them in groups. */
#define SERVICE_MAX_OUTSTANDING 256

bool doveadm_junk_value_is_error(const char *value)
{
	return strncmp(value, "error: ", 7) == 0;
}

const char *
doveadm_junk_value_find(const ARRAY_TYPE(junk_key_values) *values,
			const char *key)
{
	const struct junk_key_value *kv;

	array_foreach(values, kv) {
		if (strcmp(kv->key, key) == 0)
			return kv->value;
	}
	return NULL;
}

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

const char *doveadm_junk_counts_path(void)
{
	return t_strconcat(doveadm_settings->base_dir,
			   "/"JUNK_COUNTS_FNAME, NULL);
}

struct doveadm_junk_service {
	int fd;
	char *path;
	/* frames from the service, not yet decoded */
	buffer_t *input;
	unsigned int timeout_secs;
	/* number of reports that aren't acknowledged yet */
	unsigned int outstanding;
};

/* Connect with root's effective uid, so that the service recognises an
   administrator: a corpus that an administrator learns isn't a burst, and its
   reports may be of any user. While a user's mail is open, the effective uid is
   the user's. */
static int connect_as_root(const char *path)
{
	const uid_t uid = geteuid();
	int fd;

	if (uid != 0 && seteuid(0) < 0)
		return net_connect_unix(path);
	fd = net_connect_unix(path);
	if (seteuid(uid) < 0)
		i_fatal("seteuid(%ld) failed: %m", (long)uid);
	return fd;
}

static int
service_connect(bool as_root, unsigned int timeout_secs,
		struct doveadm_junk_service **service_r, const char **error_r)
{
	struct doveadm_junk_service *service;
	const char *path = doveadm_junk_socket_path();
	struct timeval timeout = { .tv_sec = timeout_secs };
	int fd;

	fd = as_root ? connect_as_root(path) : net_connect_unix(path);
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
		return -1;
	}
	service = i_new(struct doveadm_junk_service, 1);
	service->fd = fd;
	service->timeout_secs = timeout_secs;
	service->path = i_strdup(path);
	service->input = buffer_create_dynamic(default_pool, 4096);
	*service_r = service;
	return 0;
}

int doveadm_junk_service_connect(struct doveadm_junk_service **service_r,
				 const char **error_r)
{
	return service_connect(TRUE, SERVICE_TIMEOUT_SECS, service_r, error_r);
}

int doveadm_junk_service_connect_user(struct doveadm_junk_service **service_r,
				      const char **error_r)
{
	return service_connect(FALSE, SERVICE_TIMEOUT_SECS, service_r, error_r);
}

int
doveadm_junk_service_connect_admin(struct doveadm_junk_service **service_r,
				   const char **error_r)
{
	return service_connect(TRUE, SERVICE_ADMIN_TIMEOUT_SECS, service_r,
			       error_r);
}

void doveadm_junk_service_close(struct doveadm_junk_service **_service)
{
	struct doveadm_junk_service *service = *_service;

	if (service == NULL)
		return;
	*_service = NULL;
	i_close_fd(&service->fd);
	buffer_free(&service->input);
	i_free(service->path);
	i_free(service);
}

static int
service_read(struct doveadm_junk_service *service, const char **error_r)
{
	unsigned char data[4096];
	ssize_t ret;

	ret = read(service->fd, data, sizeof(data));
	if (ret > 0) {
		buffer_append(service->input, data, ret);
		return 0;
	}
	/* wait for the acknowledgements first: an interrupted learn counts its
	   messages */
	if (ret < 0 && errno == EINTR && service->outstanding > 0)
		return 0;
	if (ret == 0) {
		*error_r = t_strdup_printf("%s: the service has closed the "
					   "connection", service->path);
	} else if (errno == EAGAIN) {
		*error_r = t_strdup_printf("%s: no answer in %u seconds",
					   service->path,
					   service->timeout_secs);
	} else {
		*error_r = t_strdup_printf("read(%s) failed: %m",
					   service->path);
	}
	return -1;
}

/* Read one frame; its payload is allocated from the data stack. */
static int
service_read_frame(struct doveadm_junk_service *service,
		   struct junk_frame *frame_r, const char **error_r)
{
	unsigned char *payload;
	size_t size;
	int ret;

	while ((ret = junk_frame_decode(service->input->data,
					service->input->used,
					frame_r, &size, error_r)) == 0) {
		if (service_read(service, error_r) < 0)
			return -1;
	}
	if (ret < 0) {
		*error_r = t_strdup_printf("%s: invalid protocol data: %s",
					   service->path, *error_r);
		return -1;
	}
	payload = t_malloc_no0(frame_r->payload_size + 1);
	if (frame_r->payload_size > 0)
		memcpy(payload, frame_r->payload, frame_r->payload_size);
	frame_r->payload = payload;
	buffer_delete(service->input, 0, size);
	if (frame_r->type == JUNK_FRAME_ERROR) {
		*error_r = t_strdup_printf("error of the service: %s",
			t_strndup(frame_r->payload, frame_r->payload_size));
		return -1;
	}
	return 0;
}

static int
service_write(struct doveadm_junk_service *service, const buffer_t *buf,
	      const char **error_r)
{
	const unsigned char *data = buf->data;
	size_t size = buf->used;

	while (size > 0) {
		ssize_t ret = write(service->fd, data, size);

		if (ret < 0 && errno == EINTR) {
			/* an incomplete frame: read more */
			continue;
		}
		if (ret < 0) {
			*error_r = t_strdup_printf("write(%s) failed: %m",
						   service->path);
			return -1;
		}
		data += ret;
		size -= ret;
	}
	return 0;
}

static void
parse_answer(const struct junk_frame *frame,
	     ARRAY_TYPE(junk_key_values) *answer)
{
	const char *const *lines, *text, *p;

	/* lines of the answer that aren't key=value are ignored */
	text = t_strndup(frame->payload, frame->payload_size);
	for (lines = t_strsplit(text, "\n"); *lines != NULL; lines++) {
		struct junk_key_value *kv;

		p = strchr(*lines, '=');
		if (p == NULL)
			continue;
		kv = array_append_space(answer);
		kv->key = t_strdup_until(*lines, p);
		kv->value = p + 1;
	}
}

int doveadm_junk_service_ask(struct doveadm_junk_service *service,
			     const buffer_t *request,
			     ARRAY_TYPE(junk_key_values) *answer,
			     const char **error_r)
{
	struct junk_frame frame;

	if (service_write(service, request, error_r) < 0 ||
	    service_read_frame(service, &frame, error_r) < 0)
		return -1;
	if (frame.type != JUNK_FRAME_TEXT) {
		*error_r = t_strdup_printf(
			"%s: unexpected answer (frame type %u)",
			service->path, frame.type);
		return -1;
	}
	parse_answer(&frame, answer);
	return 0;
}

/* Parse "class spam ham people hash" of the token with that number. */
static void
parse_known(const struct junk_key_value *kv, struct doveadm_junk_known *known,
	    unsigned int count)
{
	const char *const *words = t_strsplit(kv->value, " ");
	struct doveadm_junk_known found;
	unsigned int idx;

	if (str_array_length(words) != 5 ||
	    str_to_uint(kv->key, &idx) < 0 || idx >= count ||
	    str_to_uint(words[1], &found.spam) < 0 ||
	    str_to_uint(words[2], &found.ham) < 0 ||
	    str_to_uint(words[3], &found.people) < 0)
		return;
	found.hash = words[4];
	known[idx] = found;
}

static int
service_lookup_some(struct doveadm_junk_service *service,
		    const junk_token_t *tokens, unsigned int count,
		    struct doveadm_junk_known *known, const char **error_r)
{
	ARRAY_TYPE(junk_key_values) answer;
	const struct junk_key_value *kv;
	buffer_t *request = t_buffer_create(1024);

	t_array_init(&answer, count);
	junk_frame_encode_lookup(request, tokens, count);
	if (doveadm_junk_service_ask(service, request, &answer, error_r) < 0)
		return -1;
	array_foreach(&answer, kv)
		parse_known(kv, known, count);
	return 0;
}

int doveadm_junk_service_lookup(struct doveadm_junk_service *service,
				const junk_token_t *tokens, unsigned int count,
				struct doveadm_junk_known *known,
				const char **error_r)
{
	memset(known, 0, count * sizeof(*known));
	for (unsigned int i = 0; i < count; i += JUNK_MAX_LOOKUP_TOKENS) {
		if (service_lookup_some(service, tokens + i,
				I_MIN(count - i, JUNK_MAX_LOOKUP_TOKENS),
				known + i, error_r) < 0)
			return -1;
	}
	return 0;
}

int doveadm_junk_service_status(ARRAY_TYPE(junk_key_values) *status,
				const char **error_r)
{
	struct doveadm_junk_service *service;
	buffer_t *request = t_buffer_create(JUNK_FRAME_HEADER_BYTES);
	int ret;

	if (doveadm_junk_service_connect(&service, error_r) < 0)
		return -1;
	junk_frame_encode(request, JUNK_FRAME_STATUS, NULL, 0);
	ret = doveadm_junk_service_ask(service, request, status, error_r);
	doveadm_junk_service_close(&service);
	return ret;
}

static int
service_wait(struct doveadm_junk_service *service, unsigned int max_outstanding,
	     const char **error_r)
{
	struct junk_frame frame;
	uint32_t count;
	int ret = 0;

	while (ret == 0 && service->outstanding > max_outstanding) {
		if (service_read_frame(service, &frame, error_r) < 0)
			return -1;
		if (frame.type != JUNK_FRAME_ACK)
			continue;
		ret = junk_frame_decode_ack(&frame, &count, error_r);
		if (ret == 0 && count > service->outstanding) {
			*error_r = "more reports acknowledged than sent";
			ret = -1;
		}
		if (ret == 0)
			service->outstanding -= count;
	}
	return ret;
}

int doveadm_junk_service_report(struct doveadm_junk_service *service,
				const struct junk_report *report,
				const char **error_r)
{
	buffer_t *buf = t_buffer_create(8192);

	junk_frame_encode_report(buf, report);
	if (service_write(service, buf, error_r) < 0)
		return -1;
	service->outstanding++;
	if (service->outstanding < SERVICE_MAX_OUTSTANDING)
		return 0;
	return service_wait(service, SERVICE_MAX_OUTSTANDING / 2, error_r);
}

int doveadm_junk_service_finish(struct doveadm_junk_service *service,
				const char **error_r)
{
	return service_wait(service, 0, error_r);
}

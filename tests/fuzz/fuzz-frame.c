/* Fuzzes frames of the service's socket: frames that are accepted encode to the
   same bytes. */

#include "lib.h"
#include "buffer.h"
#include "fuzz.h"
#include "junk-limits.h"
#include "junk-frame.h"

static void
fuzz_same(const struct junk_frame *frame, const buffer_t *encoded)
{
	if (encoded->used != JUNK_FRAME_HEADER_BYTES + frame->payload_size ||
	    memcmp(CONST_PTR_OFFSET(encoded->data, JUNK_FRAME_HEADER_BYTES),
		   frame->payload, frame->payload_size) != 0)
		i_panic("frame of type %u isn't what it was", frame->type);
}

static void fuzz_report(const struct junk_frame *frame)
{
	buffer_t *buf = t_buffer_create(1024);
	struct junk_report report;
	const char *error = NULL;

	if (junk_frame_decode_report(frame, &report, &error) < 0) {
		i_assert(error != NULL);
		return;
	}
	i_assert(report.token_count <= JUNK_MAX_TOKENS);
	junk_frame_encode_report(buf, &report);
	fuzz_same(frame, buf);
}

static void fuzz_admin(const struct junk_frame *frame)
{
	buffer_t *buf = t_buffer_create(1024);
	struct junk_forget forget;
	const junk_token_t *tokens;
	unsigned int count;
	const char *error = NULL;

	if (frame->type == JUNK_FRAME_FORGET) {
		if (junk_frame_decode_forget(frame, &forget, &error) < 0)
			return;
		junk_frame_encode_forget(buf, &forget);
	} else {
		if (junk_frame_decode_lookup(frame, &tokens, &count,
					     &error) < 0)
			return;
		i_assert(count <= JUNK_MAX_LOOKUP_TOKENS);
		junk_frame_encode_lookup(buf, tokens, count);
	}
	fuzz_same(frame, buf);
}

static void fuzz_frame(const struct junk_frame *frame)
{
	const char *error = NULL;
	uint32_t count;

	switch (frame->type) {
	case JUNK_FRAME_REPORT:
		fuzz_report(frame);
		break;
	case JUNK_FRAME_LOOKUP:
	case JUNK_FRAME_FORGET:
		fuzz_admin(frame);
		break;
	case JUNK_FRAME_ACK:
		(void)junk_frame_decode_ack(frame, &count, &error);
		break;
	}
}

FUZZ_ONE(data, size)
{
	struct junk_frame frame;
	const char *error = NULL;
	size_t frame_size;
	int ret;

	while ((ret = junk_frame_decode(data, size, &frame, &frame_size,
					&error)) > 0) {
		i_assert(frame_size <= size && frame.payload >= data &&
			 frame.payload + frame.payload_size ==
			 data + frame_size);
		T_BEGIN {
			fuzz_frame(&frame);
		} T_END;
		data += frame_size;
		size -= frame_size;
	}
	i_assert(ret == 0 || error != NULL);
}

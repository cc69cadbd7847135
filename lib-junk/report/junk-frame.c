/* Encodes and decodes the frames of junk-frame.h. The decoder trusts no byte of
   its input. */

#include "lib.h"
#include "bits.h"
#include "buffer.h"
#include "byteorder.h"
#include "junk-hash.h"
#include "junk-limits.h"
#include "junk-frame.h"

static bool junk_frame_type_is_known(uint8_t type)
{
	switch (type) {
	case JUNK_FRAME_REPORT:
	case JUNK_FRAME_STATUS:
	case JUNK_FRAME_LOOKUP:
	case JUNK_FRAME_FORGET:
	case JUNK_FRAME_REBUILD:
	case JUNK_FRAME_REKEY:
	case JUNK_FRAME_CLUSTER_INIT:
	case JUNK_FRAME_ACK:
	case JUNK_FRAME_TEXT:
	case JUNK_FRAME_ERROR:
		return TRUE;
	}
	return FALSE;
}

/* Check the bytes of the header as they arrive, so that a peer of another
   protocol is refused without waiting for a whole frame. */
static int
junk_frame_check_header(const unsigned char *data, size_t size,
			const char **error_r)
{
	uint32_t payload_size;

	if (size >= 4) {
		payload_size = le32_to_cpu_unaligned(data);
		if (payload_size > JUNK_MAX_FRAME_BYTES) {
			*error_r = t_strdup_printf(
				"frame of %u bytes is larger than %u",
				payload_size, JUNK_MAX_FRAME_BYTES);
			return -1;
		}
	}
	if (size >= 5 && data[4] != JUNK_FRAME_VERSION) {
		*error_r = t_strdup_printf(
			"protocol version %u is not supported (expected %u)",
			data[4], JUNK_FRAME_VERSION);
		return -1;
	}
	if (size >= 6 && !junk_frame_type_is_known(data[5])) {
		*error_r = t_strdup_printf("unknown frame type %u", data[5]);
		return -1;
	}
	if (size >= 8 && le16_to_cpu_unaligned(data + 6) != 0) {
		*error_r = "reserved bytes of the frame header aren't 0";
		return -1;
	}
	return 0;
}

int junk_frame_decode(const unsigned char *data, size_t size,
		      struct junk_frame *frame_r, size_t *frame_size_r,
		      const char **error_r)
{
	uint32_t payload_size;

	if (junk_frame_check_header(data, size, error_r) < 0)
		return -1;
	if (size < JUNK_FRAME_HEADER_BYTES)
		return 0;
	payload_size = le32_to_cpu_unaligned(data);
	if (size - JUNK_FRAME_HEADER_BYTES < payload_size)
		return 0;

	frame_r->type = data[5];
	frame_r->payload = data + JUNK_FRAME_HEADER_BYTES;
	frame_r->payload_size = payload_size;
	*frame_size_r = JUNK_FRAME_HEADER_BYTES + payload_size;
	return 1;
}

static int
junk_frame_check_report(const struct junk_frame *frame, const char **error_r)
{
	const unsigned char *p = frame->payload;
	unsigned int count;

	if (frame->type != JUNK_FRAME_REPORT) {
		*error_r = "frame isn't a report";
		return -1;
	}
	if (frame->payload_size < JUNK_FRAME_REPORT_BYTES) {
		*error_r = t_strdup_printf("report of %zu bytes is too short",
					   frame->payload_size);
		return -1;
	}
	count = le16_to_cpu_unaligned(p + 50);
	if (count > JUNK_MAX_TOKENS) {
		*error_r = t_strdup_printf(
			"report with %u tokens, at most %u are accepted",
			count, JUNK_MAX_TOKENS);
		return -1;
	}
	if (frame->payload_size != JUNK_FRAME_REPORT_BYTES +
	    count * sizeof(junk_token_t)) {
		*error_r = t_strdup_printf(
			"report of %zu bytes has the wrong size for %u tokens",
			frame->payload_size, count);
		return -1;
	}
	if (le16_to_cpu_unaligned(p + 48) != 0) {
		*error_r = "reserved bytes of the report aren't 0";
		return -1;
	}
	return 0;
}

static int
junk_report_check(const struct junk_report *report, const char **error_r)
{
	/* SQL integers are signed */
	if (report->stamp_usecs == 0 || report->stamp_usecs > INT64_MAX) {
		*error_r = "report's time is out of range";
		return -1;
	}
	if (report->verdict < JUNK_VERDICT_SPAM ||
	    report->verdict > JUNK_VERDICT_RETRACT) {
		*error_r = t_strdup_printf("report with unknown verdict %u",
					   report->verdict);
		return -1;
	}
	if (report->origin < JUNK_ORIGIN_MOVE ||
	    report->origin > JUNK_ORIGIN_LAST) {
		*error_r = t_strdup_printf("report with unknown origin %u",
					   report->origin);
		return -1;
	}
	return 0;
}

/* Decode all fields except the tokens. */
static int
junk_frame_decode_fixed(const struct junk_frame *frame,
			struct junk_report *report_r, const char **error_r)
{
	const unsigned char *p = frame->payload;

	i_zero(report_r);
	if (junk_frame_check_report(frame, error_r) < 0)
		return -1;

	report_r->stamp_usecs = le64_to_cpu_unaligned(p);
	report_r->verdict = (enum junk_verdict)p[8];
	report_r->origin = (enum junk_origin)p[9];
	report_r->feature_set = le16_to_cpu_unaligned(p + 10);
	report_r->size_bytes = le32_to_cpu_unaligned(p + 12);
	memcpy(report_r->reporter, p + 16, JUNK_REPORTER_BYTES);
	memcpy(report_r->digest, p + 32, JUNK_DIGEST_BYTES);
	report_r->token_count = le16_to_cpu_unaligned(p + 50);
	return junk_report_check(report_r, error_r);
}

/* Returns TRUE if a token occurs twice: it would count twice. The slots of the
   hash table depend on a secret (junk-hash.h), so that a sender can't choose
   tokens that all collide. */
static bool
junk_tokens_are_distinct(const junk_token_t *tokens, unsigned int count)
{
	const size_t slots = nearest_power(count * 2 + 1);
	uint16_t *nums = t_malloc0(slots * sizeof(*nums));
	size_t slot;

	/* a hash table with open addressing; entries are index + 1 */
	for (unsigned int i = 0; i < count; i++) {
		slot = junk_hash_slot(tokens[i]) & (slots - 1);
		for (; nums[slot] != 0; slot = (slot + 1) & (slots - 1)) {
			if (tokens[nums[slot] - 1] == tokens[i])
				return FALSE;
		}
		nums[slot] = (uint16_t)(i + 1);
	}
	return TRUE;
}

int junk_frame_decode_report(const struct junk_frame *frame,
			     struct junk_report *report_r,
			     const char **error_r)
{
	const unsigned char *p = frame->payload + JUNK_FRAME_REPORT_BYTES;
	junk_token_t *tokens;

	if (junk_frame_decode_fixed(frame, report_r, error_r) < 0)
		return -1;
	tokens = t_new(junk_token_t, report_r->token_count + 1);
	for (unsigned int i = 0; i < report_r->token_count; i++)
		tokens[i] = le64_to_cpu_unaligned(p + i * sizeof(*tokens));
	if (!junk_tokens_are_distinct(tokens, report_r->token_count)) {
		*error_r = "report has a token twice";
		return -1;
	}
	report_r->tokens = tokens;
	return 0;
}

size_t junk_frame_report_size(const unsigned char *data, size_t size)
{
	struct junk_frame frame;
	struct junk_report report;
	const char *error;
	size_t frame_size;
	bool is_report;

	/* a cheap check first: most positions don't begin a frame */
	if (size < JUNK_FRAME_HEADER_BYTES + JUNK_FRAME_REPORT_BYTES ||
	    data[4] != JUNK_FRAME_VERSION || data[5] != JUNK_FRAME_REPORT)
		return 0;
	T_BEGIN {
		is_report = junk_frame_decode(data, size, &frame, &frame_size,
					      &error) > 0 &&
			junk_frame_decode_fixed(&frame, &report, &error) == 0;
	} T_END;
	return is_report ? frame_size : 0;
}

int junk_frame_decode_ack(const struct junk_frame *frame, uint32_t *count_r,
			  const char **error_r)
{
	if (frame->type != JUNK_FRAME_ACK || frame->payload_size != 4) {
		*error_r = "frame isn't an acknowledgement";
		return -1;
	}
	*count_r = le32_to_cpu_unaligned(frame->payload);
	return 0;
}

static void
junk_frame_encode_header(buffer_t *dest, enum junk_frame_type type,
			 size_t payload_size)
{
	unsigned char header[JUNK_FRAME_HEADER_BYTES] = { 0 };

	i_assert(payload_size <= JUNK_MAX_FRAME_BYTES);
	cpu32_to_le_unaligned((uint32_t)payload_size, header);
	header[4] = JUNK_FRAME_VERSION;
	header[5] = (unsigned char)type;
	buffer_append(dest, header, sizeof(header));
}

void junk_frame_encode(buffer_t *dest, enum junk_frame_type type,
		       const void *payload, size_t payload_size)
{
	junk_frame_encode_header(dest, type, payload_size);
	if (payload_size > 0)
		buffer_append(dest, payload, payload_size);
}

void junk_frame_encode_report(buffer_t *dest, const struct junk_report *report)
{
	unsigned char fixed[JUNK_FRAME_REPORT_BYTES] = { 0 };
	unsigned char number[sizeof(junk_token_t)];

	i_assert(report->token_count <= JUNK_MAX_TOKENS);
	junk_frame_encode_header(dest, JUNK_FRAME_REPORT, sizeof(fixed) +
		report->token_count * sizeof(junk_token_t));
	cpu64_to_le_unaligned(report->stamp_usecs, fixed);
	fixed[8] = (unsigned char)report->verdict;
	fixed[9] = (unsigned char)report->origin;
	cpu16_to_le_unaligned(report->feature_set, fixed + 10);
	cpu32_to_le_unaligned(report->size_bytes, fixed + 12);
	memcpy(fixed + 16, report->reporter, JUNK_REPORTER_BYTES);
	memcpy(fixed + 32, report->digest, JUNK_DIGEST_BYTES);
	cpu16_to_le_unaligned((uint16_t)report->token_count, fixed + 50);
	buffer_append(dest, fixed, sizeof(fixed));

	for (unsigned int i = 0; i < report->token_count; i++) {
		cpu64_to_le_unaligned(report->tokens[i], number);
		buffer_append(dest, number, sizeof(number));
	}
}

void junk_frame_encode_ack(buffer_t *dest, uint32_t count)
{
	unsigned char number[4];

	cpu32_to_le_unaligned(count, number);
	junk_frame_encode(dest, JUNK_FRAME_ACK, number, sizeof(number));
}

/* --- administration --- */

#define FORGET_FLAG_BURST 0x01
#define FORGET_FLAG_REPORTER 0x02
#define FORGET_FLAG_DRY_RUN 0x04
#define FORGET_FLAGS \
	(FORGET_FLAG_BURST | FORGET_FLAG_REPORTER | FORGET_FLAG_DRY_RUN)

void junk_frame_encode_forget(buffer_t *dest, const struct junk_forget *forget)
{
	unsigned char payload[JUNK_FRAME_FORGET_BYTES];

	memset(payload, 0, sizeof(payload));
	cpu64_to_le_unaligned(forget->since, payload);
	cpu64_to_le_unaligned(forget->until, payload + 8);
	payload[32] = (uint8_t)forget->origin;
	payload[33] = (forget->burst ? FORGET_FLAG_BURST : 0) |
		(forget->dry_run ? FORGET_FLAG_DRY_RUN : 0);
	if (forget->reporter != NULL) {
		memcpy(payload + 16, forget->reporter, JUNK_REPORTER_BYTES);
		payload[33] |= FORGET_FLAG_REPORTER;
	}
	junk_frame_encode(dest, JUNK_FRAME_FORGET, payload, sizeof(payload));
}

int junk_frame_decode_forget(const struct junk_frame *frame,
			     struct junk_forget *forget_r,
			     const char **error_r)
{
	static const unsigned char no_reporter[JUNK_REPORTER_BYTES];
	const unsigned char *p = frame->payload;

	if (frame->payload_size != JUNK_FRAME_FORGET_BYTES) {
		*error_r = t_strdup_printf("FORGET has the wrong size "
					   "(%zu bytes)",
					   frame->payload_size);
		return -1;
	}
	if ((p[33] & ~FORGET_FLAGS) != 0 ||
	    le16_to_cpu_unaligned(p + 34) != 0 ||
	    ((p[33] & FORGET_FLAG_REPORTER) == 0 &&
	     memcmp(p + 16, no_reporter, JUNK_REPORTER_BYTES) != 0)) {
		*error_r = "reserved bytes of FORGET aren't 0";
		return -1;
	}
	forget_r->since = le64_to_cpu_unaligned(p);
	forget_r->until = le64_to_cpu_unaligned(p + 8);
	forget_r->origin = (enum junk_origin)p[32];
	forget_r->burst = (p[33] & FORGET_FLAG_BURST) != 0;
	forget_r->dry_run = (p[33] & FORGET_FLAG_DRY_RUN) != 0;
	forget_r->reporter = (p[33] & FORGET_FLAG_REPORTER) != 0 ?
		p + 16 : NULL;
	return 0;
}

void junk_frame_encode_lookup(buffer_t *dest, const junk_token_t *tokens,
			      unsigned int count)
{
	buffer_t *payload = t_buffer_create(count * sizeof(*tokens) + 1);
	unsigned char data[sizeof(junk_token_t)];

	for (unsigned int i = 0; i < count; i++) {
		cpu64_to_le_unaligned(tokens[i], data);
		buffer_append(payload, data, sizeof(data));
	}
	junk_frame_encode(dest, JUNK_FRAME_LOOKUP, payload->data,
			  payload->used);
}

int junk_frame_decode_lookup(const struct junk_frame *frame,
			     const junk_token_t **tokens_r,
			     unsigned int *count_r, const char **error_r)
{
	const unsigned int count =
		(unsigned int)(frame->payload_size / sizeof(junk_token_t));
	junk_token_t *tokens;

	if (frame->payload_size % sizeof(junk_token_t) != 0 ||
	    count > JUNK_MAX_LOOKUP_TOKENS) {
		*error_r = t_strdup_printf("LOOKUP has the wrong size "
					   "(%zu bytes)",
					   frame->payload_size);
		return -1;
	}
	tokens = t_new(junk_token_t, count + 1);
	for (unsigned int i = 0; i < count; i++) {
		tokens[i] = le64_to_cpu_unaligned(
			frame->payload + i * sizeof(junk_token_t));
	}
	*tokens_r = tokens;
	*count_r = count;
	return 0;
}

/* See junk-cluster-record.h. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "junk-frame.h"
#include "junk-key.h"
#include "junk-cluster-record.h"

#define RECORD_VERSION 1
#define HEADER_BYTES 4
#define EXPIRE_BYTES 8
#define FLAG_TRUSTED 0x01
#define SCORE_UNKNOWN 255

void junk_cluster_record_write(const struct junk_key *key,
			       const struct junk_cluster_record *record,
			       buffer_t *dest)
{
	buffer_t *plain = t_buffer_create(4096);
	unsigned char header[HEADER_BYTES], before[EXPIRE_BYTES];

	i_zero(&header);
	header[0] = RECORD_VERSION;
	header[1] = (unsigned char)record->kind;
	if (record->report.uid == JUNK_REPORT_UID_TRUSTED)
		header[2] |= FLAG_TRUSTED;
	header[3] = record->score == JUNK_SCORE_UNKNOWN ? SCORE_UNKNOWN :
		(unsigned char)record->score;
	buffer_append(plain, header, sizeof(header));
	if (record->kind == JUNK_CLUSTER_REPORT)
		junk_frame_encode_report(plain, &record->report);
	else if (record->kind == JUNK_CLUSTER_FORGET)
		junk_frame_encode_forget(plain, record->forget);
	else if (record->kind == JUNK_CLUSTER_EXPIRE) {
		cpu64_to_le_unaligned((uint64_t)record->before, before);
		buffer_append(plain, before, sizeof(before));
	}
	junk_key_seal(key, plain->data, plain->used, dest);
}

static int
record_read_frame(const struct junk_frame *frame,
		  struct junk_cluster_record *record)
{
	struct junk_forget *forget;
	const char *error;

	if (record->kind == JUNK_CLUSTER_REPORT &&
	    frame->type == JUNK_FRAME_REPORT)
		return junk_frame_decode_report(frame, &record->report, &error);
	if (record->kind != JUNK_CLUSTER_FORGET ||
	    frame->type != JUNK_FRAME_FORGET)
		return -1;
	forget = t_new(struct junk_forget, 1);
	record->forget = forget;
	return junk_frame_decode_forget(frame, forget, &error);
}

int junk_cluster_record_read(const struct junk_key *key, const void *sealed,
			     size_t size, struct junk_cluster_record *record_r)
{
	buffer_t *plain = t_buffer_create(size);
	const unsigned char *data;
	struct junk_frame frame;
	const char *error;
	size_t frame_size;

	if (junk_key_unseal(key, sealed, size, plain) < 0 ||
	    plain->used < HEADER_BYTES)
		return -1;
	data = plain->data;
	if (data[0] != RECORD_VERSION)
		return -1;
	i_zero(record_r);
	record_r->kind = (enum junk_cluster_kind)data[1];
	record_r->score = data[3] == SCORE_UNKNOWN ? JUNK_SCORE_UNKNOWN :
		I_MIN(data[3], 100);
	if (record_r->kind == JUNK_CLUSTER_CHECKPOINT)
		return 0;
	if (record_r->kind == JUNK_CLUSTER_EXPIRE) {
		if (plain->used != HEADER_BYTES + EXPIRE_BYTES)
			return -1;
		record_r->before = (int64_t)
			le64_to_cpu_unaligned(data + HEADER_BYTES);
		return 0;
	}
	if (junk_frame_decode(data + HEADER_BYTES, plain->used - HEADER_BYTES,
			      &frame, &frame_size, &error) <= 0 ||
	    record_read_frame(&frame, record_r) < 0)
		return -1;
	record_r->report.uid = (data[2] & FLAG_TRUSTED) != 0 ?
		JUNK_REPORT_UID_TRUSTED : (uint32_t)-1;
	return 0;
}

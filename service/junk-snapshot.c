/* The learner's state in the database. It is written from time to time: some
   megabytes in parts, each in a transaction of its own, while reports continue.

   There is room for two snapshots: one is complete while the next one is
   written. The state is copied first. If a report in the copy is undone before
   all is written, the copy is dropped, since a report that is undone soon must
   not leave a trace (junk-recorder.h).

   state, which is cut into parts: u32 version, u32 bytes of the rate table,
   the rate table, the learner's state
   each part before it is sealed: u64 seq, u32 number of the part, u32 number
   of parts, data
   meta "snapshot": u64 seq, u32 id of the first part, u32 number of parts */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "junk-recorder-private.h"

#define SNAPSHOT_VERSION 1
#define SNAPSHOT_HEADER_BYTES 8
#define PART_HEADER_BYTES 16
#define PART_BYTES (256*1024)
/* Ids of the second snapshot's parts begin here. */
#define SECOND_ID 4096
#define META_BYTES 16

struct junk_snapshot_place {
	int64_t seq;
	unsigned int first_id, part_count;
};

/* --- reading --- */

/* Find the snapshot. Returns 1 if there is a complete one, 0 if not, -1 if the
   database failed. */
static int
junk_snapshot_find(struct junk_recorder *recorder,
		   struct junk_snapshot_place *place_r)
{
	buffer_t *value = t_buffer_create(META_BYTES);
	const unsigned char *data;

	i_zero(place_r);
	if (junk_db_meta_get(recorder->db, "snapshot", value) < 0)
		return -1;
	if (value->used != META_BYTES)
		return 0;
	data = value->data;
	place_r->seq = (int64_t)le64_to_cpu_unaligned(data);
	place_r->first_id = le32_to_cpu_unaligned(data + 8);
	place_r->part_count = le32_to_cpu_unaligned(data + 12);
	return place_r->part_count < SECOND_ID ? 1 : 0;
}

/* Append a part to dest. Returns 1, 0 and error_r if it is unusable, -1 if the
   database failed. */
static int
junk_snapshot_read_part(struct junk_recorder *recorder,
			const struct junk_snapshot_place *place,
			unsigned int part, buffer_t *dest,
			const char **error_r)
{
	buffer_t *sealed = buffer_create_dynamic(default_pool, PART_BYTES);
	buffer_t *plain = buffer_create_dynamic(default_pool, PART_BYTES);
	const unsigned char *data;
	int ret;

	ret = junk_db_snapshot_get(recorder->db, place->first_id + part,
				   sealed);
	if (ret == 0)
		*error_r = "a part of the snapshot is missing";
	if (ret > 0 && (junk_key_unseal(recorder->key, sealed->data,
					sealed->used, plain) < 0 ||
			plain->used < PART_HEADER_BYTES)) {
		*error_r = "snapshot can't be decrypted";
		ret = 0;
	}
	data = plain->data;
	if (ret > 0 &&
	    (le64_to_cpu_unaligned(data) != (uint64_t)place->seq ||
	     le32_to_cpu_unaligned(data + 8) != part ||
	     le32_to_cpu_unaligned(data + 12) != place->part_count)) {
		*error_r = "the parts of the snapshot don't belong together";
		ret = 0;
	}
	if (ret > 0) {
		buffer_append(dest, data + PART_HEADER_BYTES,
			      plain->used - PART_HEADER_BYTES);
	}
	buffer_free(&sealed);
	buffer_free(&plain);
	return ret;
}

static int
junk_snapshot_import(struct junk_recorder *recorder, const buffer_t *plain,
		     bool with_rate, const char **error_r)
{
	const unsigned char *data = plain->data;
	size_t rate_size, size = plain->used;

	if (size < SNAPSHOT_HEADER_BYTES ||
	    le32_to_cpu_unaligned(data) != SNAPSHOT_VERSION) {
		*error_r = "snapshot has another version";
		return 0;
	}
	rate_size = le32_to_cpu_unaligned(data + 4);
	data += SNAPSHOT_HEADER_BYTES;
	size -= SNAPSHOT_HEADER_BYTES;
	if (rate_size > size) {
		*error_r = "snapshot is truncated";
		return 0;
	}
	if (with_rate)
		(void)junk_rate_import(recorder->rate, data, rate_size);
	return junk_learner_import(recorder->learner, data + rate_size,
				   size - rate_size, error_r) < 0 ? 0 : 1;
}

int junk_snapshot_read(struct junk_recorder *recorder, bool with_rate,
		       const char **error_r)
{
	struct junk_snapshot_place place;
	buffer_t *plain;
	int ret;

	*error_r = NULL;
	ret = junk_snapshot_find(recorder, &place);
	if (ret <= 0)
		return ret;
	plain = buffer_create_dynamic(default_pool,
				      I_MAX(place.part_count, 1) * PART_BYTES);
	for (unsigned int i = 0; i < place.part_count && ret > 0; i++) {
		ret = junk_snapshot_read_part(recorder, &place, i, plain,
					      error_r);
	}
	if (ret > 0)
		ret = junk_snapshot_import(recorder, plain, with_rate,
					   error_r);
	if (ret > 0) {
		recorder->snapshot_seq = place.seq;
		recorder->snapshot.second = place.first_id == SECOND_ID;
	}
	buffer_free(&plain);
	return ret;
}

/* --- writing --- */

void junk_snapshot_begin(struct junk_recorder *recorder)
{
	unsigned char header[SNAPSHOT_HEADER_BYTES];
	buffer_t *copy;

	i_assert(recorder->snapshot.copy == NULL && !recorder->need_rebuild);
	copy = buffer_create_dynamic(default_pool, 8*1024*1024);
	buffer_append_zero(copy, SNAPSHOT_HEADER_BYTES);
	junk_rate_export(recorder->rate, copy);
	cpu32_to_le_unaligned(SNAPSHOT_VERSION, header);
	cpu32_to_le_unaligned((uint32_t)(copy->used - SNAPSHOT_HEADER_BYTES),
			      header + 4);
	buffer_write(copy, 0, header, sizeof(header));
	junk_learner_export(recorder->learner, copy);
	recorder->snapshot.copy = copy;
	recorder->snapshot.copy_seq = recorder->last_seq;
	recorder->snapshot.copy_part = 0;
}

void junk_snapshot_cancel(struct junk_recorder *recorder)
{
	buffer_free(&recorder->snapshot.copy);
}

static unsigned int junk_snapshot_part_count(const buffer_t *copy)
{
	return (unsigned int)((copy->used + PART_BYTES - 1) / PART_BYTES);
}

static int
junk_snapshot_write_part(struct junk_recorder *recorder, unsigned int first_id)
{
	const buffer_t *copy = recorder->snapshot.copy;
	const unsigned int part = recorder->snapshot.copy_part;
	const size_t pos = (size_t)part * PART_BYTES;
	buffer_t *plain, *sealed;
	unsigned char header[PART_HEADER_BYTES];
	int ret;

	cpu64_to_le_unaligned((uint64_t)recorder->snapshot.copy_seq, header);
	cpu32_to_le_unaligned(part, header + 8);
	cpu32_to_le_unaligned(junk_snapshot_part_count(copy), header + 12);
	plain = buffer_create_dynamic(default_pool,
				      PART_HEADER_BYTES + PART_BYTES);
	sealed = buffer_create_dynamic(default_pool,
		JUNK_KEY_SEAL_BYTES + PART_HEADER_BYTES + PART_BYTES);
	buffer_append(plain, header, sizeof(header));
	buffer_append(plain, CONST_PTR_OFFSET(copy->data, pos),
		      I_MIN(copy->used - pos, PART_BYTES));
	junk_key_seal(recorder->key, plain->data, plain->used, sealed);
	ret = junk_db_snapshot_set(recorder->db, first_id + part,
				   sealed->data, sealed->used);
	buffer_free(&plain);
	buffer_free(&sealed);
	return ret;
}

static int
junk_snapshot_write_meta(struct junk_recorder *recorder, unsigned int first_id)
{
	unsigned char data[META_BYTES];

	cpu64_to_le_unaligned((uint64_t)recorder->snapshot.copy_seq, data);
	cpu32_to_le_unaligned(first_id, data + 8);
	cpu32_to_le_unaligned(
		junk_snapshot_part_count(recorder->snapshot.copy), data + 12);
	return junk_db_meta_set(recorder->db, "snapshot", data, sizeof(data));
}

static int
junk_snapshot_write_step(struct junk_recorder *recorder, unsigned int first_id,
			 bool last)
{
	if (junk_db_begin(recorder->db) < 0)
		return -1;
	if (junk_snapshot_write_part(recorder, first_id) < 0 ||
	    (last && (junk_snapshot_write_meta(recorder, first_id) < 0 ||
		      junk_recorder_write_position(recorder) < 0))) {
		junk_db_rollback(recorder->db);
		return -1;
	}
	return junk_db_commit(recorder->db);
}

int junk_snapshot_step(struct junk_recorder *recorder)
{
	/* the half that isn't in use */
	const unsigned int first_id = recorder->snapshot.second ? 0 : SECOND_ID;
	const bool last = recorder->snapshot.copy_part + 1 ==
		junk_snapshot_part_count(recorder->snapshot.copy);

	if (junk_snapshot_write_step(recorder, first_id, last) < 0)
		return -1;
	recorder->snapshot.copy_part++;
	if (!last)
		return 1;
	recorder->snapshot_seq = recorder->snapshot.copy_seq;
	recorder->snapshot.second = first_id == SECOND_ID;
	if (recorder->snapshot.due > 0)
		recorder->snapshot.due--;
	recorder->counters.snapshots++;
	junk_snapshot_cancel(recorder);
	return 0;
}

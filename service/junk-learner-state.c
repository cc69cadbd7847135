/* The learner's state as the bytes of a snapshot.

   A snapshot is in native byte order, since it never leaves the machine: a
   header, for each table its weights and squares, the sketches of reporters,
   the counts of each table, the ham counts of each shared token, the flags of
   personal weights, then for each report of the replay buffer a struct
   learner_memory_header and its tokens. */

#include "lib.h"
#include "buffer.h"
#include "junk-learner-private.h"

#include <math.h>

struct learner_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint32_t feature_set;
	uint8_t global_log2, personal_log2;
	uint16_t unused;
	uint64_t seed;
	uint32_t spam_count, ham_count;
	/* ham, spam */
	uint32_t reached[2];
	uint32_t all_reached, unused3;
	double sure_count, wrong_count;
	uint64_t random_state;
	struct junk_claims claims;
	uint32_t ham_seen_total, familiar_min;
	uint32_t next_number, unused2;
	/* ham, spam */
	uint32_t memory_count[2];
	struct junk_shares shares[2];
};

struct learner_memory_header {
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned char digest[JUNK_DIGEST_BYTES];
	float weight, trust;
	float honest_sum, honest_shared_sum;
	uint32_t honest_counts[2];
	uint32_t number;
	uint32_t day;
	uint16_t own, shared;
	uint32_t token_count;
};

#define LEARNER_MAGIC "JUNKLRNR"
#define LEARNER_VERSION 12
#define LEARNER_BYTE_ORDER 0x01020304

static size_t tables_size(const struct junk_learner *learner)
{
	size_t global = (size_t)1 << learner->global.log2;
	size_t personal = (size_t)1 << learner->personal.log2;

	return (global + personal) * (2 * sizeof(float) + 2 * sizeof(uint8_t)) +
		global * sizeof(uint64_t);
}

static void export_table(const struct learner_table *table, buffer_t *dest)
{
	size_t bytes = ((size_t)1 << table->log2) * sizeof(float);
	/* unaligned */
	unsigned char *weights = buffer_append_space_unsafe(dest, 2 * bytes);
	unsigned char *squares = weights + bytes;

	for (size_t pos = 0; pos < bytes; pos += sizeof(float)) {
		const struct learner_weight *w =
			&table->weights[pos / sizeof(float)];

		memcpy(weights + pos, &w->weight, sizeof(float));
		memcpy(squares + pos, &w->square, sizeof(float));
	}
}

static void
export_memory(const struct learner_memory *memory, buffer_t *dest)
{
	struct learner_memory_header header;

	i_zero(&header);
	memcpy(header.reporter, memory->reporter, sizeof(header.reporter));
	memcpy(header.digest, memory->digest, sizeof(header.digest));
	header.weight = memory->weight;
	header.trust = memory->trust;
	header.honest_sum = memory->honest_sum;
	header.honest_shared_sum = memory->honest_shared_sum;
	header.honest_counts[FALSE] = memory->honest_counts[FALSE];
	header.honest_counts[TRUE] = memory->honest_counts[TRUE];
	header.number = memory->number;
	header.day = memory->day;
	header.own = memory->own ? 1 : 0;
	header.shared = memory->shared ? 1 : 0;
	header.token_count = memory->token_count;
	buffer_append(dest, &header, sizeof(header));
	buffer_append(dest, memory->tokens,
		      memory->token_count * sizeof(junk_token_t));
}

unsigned int junk_learner_feature_set(const struct junk_learner *learner)
{
	return learner->feature_set;
}

void junk_learner_export(struct junk_learner *learner, buffer_t *dest)
{
	struct learner_header header;

	junk_learner_finish(learner);
	i_zero(&header);
	memcpy(header.magic, LEARNER_MAGIC, sizeof(header.magic));
	header.version = LEARNER_VERSION;
	header.byte_order = LEARNER_BYTE_ORDER;
	header.feature_set = JUNK_FEATURE_SET;
	header.global_log2 = learner->global.log2;
	header.personal_log2 = learner->personal.log2;
	header.seed = learner->set.seed;
	header.spam_count = learner->spam_count;
	header.ham_count = learner->ham_count;
	header.reached[FALSE] = learner->reached[FALSE];
	header.reached[TRUE] = learner->reached[TRUE];
	header.all_reached = learner->all_reached;
	header.sure_count = learner->sure_count;
	header.wrong_count = learner->wrong_count;
	header.random_state = learner->random_state;
	header.claims = learner->claims;
	header.ham_seen_total = learner->ham_seen_total;
	header.familiar_min = learner->familiar_min;
	header.next_number = learner->next_number;
	header.memory_count[FALSE] = learner->memory_count[FALSE];
	header.memory_count[TRUE] = learner->memory_count[TRUE];
	header.shares[FALSE] = learner->shares[FALSE];
	header.shares[TRUE] = learner->shares[TRUE];
	buffer_append(dest, &header, sizeof(header));
	export_table(&learner->global, dest);
	export_table(&learner->personal, dest);
	buffer_append(dest, learner->reporters,
		      ((size_t)1 << learner->global.log2) * sizeof(uint64_t));
	buffer_append(dest, learner->global.counts,
		      (size_t)1 << learner->global.log2);
	buffer_append(dest, learner->personal.counts,
		      (size_t)1 << learner->personal.log2);
	buffer_append(dest, learner->ham_seen,
		      (size_t)1 << learner->global.log2);
	buffer_append(dest, learner->personal_flags,
		      (size_t)1 << learner->personal.log2);
	for (unsigned int spam = 0; spam < 2; spam++) {
		for (unsigned int i = 0; i < learner->memory_count[spam]; i++)
			export_memory(&learner->memory[spam][i], dest);
	}
}

/* Returns TRUE if weights and squares are within the bounds that learning
   keeps. */
static bool table_is_sane(const void *data, size_t count)
{
	float value;

	for (size_t i = 0; i < 2 * count; i++) {
		memcpy(&value, CONST_PTR_OFFSET(data, i * sizeof(value)),
		       sizeof(value));
		if (!isfinite(value))
			return FALSE;
		if (i < count ? fabsf(value) > MAX_WEIGHT : value < 0)
			return FALSE;
	}
	return TRUE;
}

static bool numbers_are_sane(const struct learner_header *header)
{
	return header->sure_count >= 0 && isfinite(header->sure_count) &&
		header->wrong_count >= 0 &&
		header->wrong_count <= header->sure_count &&
		junk_claims_are_sane(&header->claims) &&
		header->familiar_min >= 1 &&
		header->familiar_min <= UINT8_MAX &&
		junk_shares_are_sane(&header->shares[FALSE]) &&
		junk_shares_are_sane(&header->shares[TRUE]);
}

/* Returns the size of a report of the replay buffer at data, 0 if it isn't
   valid. */
static size_t
memory_size(const void *data, size_t size,
	    struct learner_memory_header *header_r)
{
	size_t bytes;

	if (size < sizeof(*header_r))
		return 0;
	memcpy(header_r, data, sizeof(*header_r));
	if (header_r->token_count > JUNK_MAX_TOKENS)
		return 0;
	bytes = sizeof(*header_r) +
		header_r->token_count * sizeof(junk_token_t);
	if (bytes > size ||
	    !(header_r->weight >= 0 && header_r->weight <= 1000) ||
	    !(header_r->trust >= 0 && header_r->trust <= 1000) ||
	    isnan(header_r->honest_sum) || isnan(header_r->honest_shared_sum))
		return 0;
	return bytes;
}

static bool
memories_are_sane(const void *data, size_t size, const uint32_t counts[2])
{
	struct learner_memory_header header;
	size_t bytes;

	if (counts[0] > MEMORY_REPORTS || counts[1] > MEMORY_REPORTS)
		return FALSE;
	for (uint32_t i = 0; i < counts[0] + counts[1]; i++) {
		bytes = memory_size(data, size, &header);
		if (bytes == 0)
			return FALSE;
		data = CONST_PTR_OFFSET(data, bytes);
		size -= bytes;
	}
	return size == 0;
}

static const char *
state_error(const struct junk_learner *learner,
	    const struct learner_header *header, const void *data, size_t size)
{
	size_t global = (size_t)1 << learner->global.log2;
	size_t personal = (size_t)1 << learner->personal.log2;
	size_t tables = tables_size(learner);

	if (size < sizeof(*header) ||
	    memcmp(header->magic, LEARNER_MAGIC, sizeof(header->magic)) != 0)
		return "not a model";
	if (header->byte_order != LEARNER_BYTE_ORDER)
		return "made on a machine of the other byte order";
	if (header->version != LEARNER_VERSION)
		return t_strdup_printf("version %u, expected %u",
				       header->version, LEARNER_VERSION);
	if (!junk_feature_set_is_compatible(header->feature_set))
		return t_strdup_printf("feature set %u, expected %u to %u",
				       header->feature_set,
				       JUNK_FEATURE_SET_COMPATIBLE,
				       JUNK_FEATURE_SET);
	if (header->global_log2 != learner->global.log2 ||
	    header->personal_log2 != learner->personal.log2)
		return "other table sizes";
	size -= sizeof(*header);
	data = CONST_PTR_OFFSET(data, sizeof(*header));
	if (size < tables)
		return "truncated";
	if (!numbers_are_sane(header) || !table_is_sane(data, global) ||
	    !table_is_sane(CONST_PTR_OFFSET(data, 2 * global * sizeof(float)),
			   personal))
		return "a number is out of range";
	if (!memories_are_sane(CONST_PTR_OFFSET(data, tables), size - tables,
			       header->memory_count))
		return "the memory of reports isn't valid";
	return NULL;
}

static const void *
import_table(struct learner_table *table, const void *data)
{
	size_t bytes = ((size_t)1 << table->log2) * sizeof(float);
	const unsigned char *weights = data, *squares = weights + bytes;

	for (size_t pos = 0; pos < bytes; pos += sizeof(float)) {
		struct learner_weight *w =
			&table->weights[pos / sizeof(float)];

		memcpy(&w->weight, weights + pos, sizeof(float));
		memcpy(&w->square, squares + pos, sizeof(float));
	}
	return squares + bytes;
}

/* The data has been checked. */
static void
import_memory(struct junk_learner *learner, bool spam, uint32_t count,
	      const void **data)
{
	struct learner_memory_header header;
	struct learner_memory *memory;
	unsigned int idx;

	for (; count > 0; count--) {
		memcpy(&header, *data, sizeof(header));
		*data = CONST_PTR_OFFSET(*data, sizeof(header));
		idx = learner->memory_count[spam]++;
		memory = &learner->memory[spam][idx];
		memcpy(memory->reporter, header.reporter,
		       sizeof(memory->reporter));
		memcpy(memory->digest, header.digest, sizeof(memory->digest));
		memory->weight = header.weight;
		memory->trust = header.trust;
		memory->honest_sum = header.honest_sum;
		memory->honest_shared_sum = header.honest_shared_sum;
		memory->honest_counts[FALSE] = header.honest_counts[FALSE];
		memory->honest_counts[TRUE] = header.honest_counts[TRUE];
		memory->number = header.number;
		memory->day = header.day;
		memory->token_count = header.token_count;
		memory->tokens = i_new(junk_token_t, header.token_count + 1);
		memcpy(memory->tokens, *data,
		       header.token_count * sizeof(junk_token_t));
		junk_sketch_init(&memory->sketch, memory->tokens,
				 memory->token_count);
		memory->own = header.own != 0;
		memory->shared = header.shared != 0;
		learner_copies_write(learner, spam, idx);
		*data = CONST_PTR_OFFSET(*data, header.token_count *
					 sizeof(junk_token_t));
	}
}

int junk_learner_import(struct junk_learner *learner, const void *data,
			size_t size, const char **error_r)
{
	struct learner_header header;
	size_t global = (size_t)1 << learner->global.log2;
	size_t personal = (size_t)1 << learner->personal.log2;

	i_zero(&header);
	memcpy(&header, data, I_MIN(size, sizeof(header)));
	*error_r = state_error(learner, &header, data, size);
	if (*error_r != NULL)
		return -1;

	learner->set.seed = header.seed;
	learner->feature_set = header.feature_set;
	learner->spam_count = header.spam_count;
	learner->ham_count = header.ham_count;
	learner->reached[FALSE] = header.reached[FALSE];
	learner->reached[TRUE] = header.reached[TRUE];
	learner->all_reached = header.all_reached;
	learner->sure_count = header.sure_count;
	learner->wrong_count = header.wrong_count;
	learner->random_state = header.random_state;
	learner_fit_cancel(learner);
	learner->claims = header.claims;
	learner->ham_seen_total = header.ham_seen_total;
	learner->familiar_min = (uint8_t)header.familiar_min;
	learner->next_number = header.next_number;
	learner->shares[FALSE] = header.shares[FALSE];
	learner->shares[TRUE] = header.shares[TRUE];
	data = CONST_PTR_OFFSET(data, sizeof(header));
	data = import_table(&learner->global, data);
	data = import_table(&learner->personal, data);
	memcpy(learner->reporters, data, global * sizeof(uint64_t));
	data = CONST_PTR_OFFSET(data, global * sizeof(uint64_t));
	memcpy(learner->global.counts, data, global);
	memcpy(learner->personal.counts, CONST_PTR_OFFSET(data, global),
	       personal);
	data = CONST_PTR_OFFSET(data, global + personal);
	memcpy(learner->ham_seen, data, global);
	memcpy(learner->personal_flags, CONST_PTR_OFFSET(data, global),
	       personal);
	data = CONST_PTR_OFFSET(data, global + personal);
	learner_memory_clear(learner);
	import_memory(learner, FALSE, header.memory_count[FALSE], &data);
	import_memory(learner, TRUE, header.memory_count[TRUE], &data);
	learner_publish_all(learner);
	return 0;
}

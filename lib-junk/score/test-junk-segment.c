#include "lib.h"
#include "write-full.h"
#include "test-common.h"
#include "junk-tokenizer.h"
#include "junk-segment.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define TEST_PATH ".test-junk-segment"
#define TEST_LOG2 JUNK_SEGMENT_MIN_LOG2

static void
test_header_init(struct junk_segment_header *h, unsigned int global_log2,
		 unsigned int personal_log2)
{
	i_zero(h);
	memcpy(h->magic, JUNK_SEGMENT_MAGIC, sizeof(h->magic));
	h->byte_order = JUNK_SEGMENT_BYTE_ORDER;
	h->version = JUNK_SEGMENT_VERSION;
	h->feature_set = JUNK_FEATURE_SET;
	h->global_log2 = (uint8_t)global_log2;
	h->personal_log2 = (uint8_t)personal_log2;
	h->file_size = 128 + 2 * ((UINT64_C(1) << (global_log2 & 31)) +
				  (UINT64_C(1) << (personal_log2 & 31))) +
		sizeof(struct junk_copies);
	h->seed = UINT64_C(0x1122334455667788);
	h->min_reports = 20;
	h->min_evidence = 3;
	h->checksum = junk_segment_checksum(h);
	h->state = JUNK_SEGMENT_IN_USE;
	h->spam_count = 100;
	h->ham_count = 200;
	h->generation = 7;
	h->last_change = 1700000000;
	h->cal_a = 1.5f;
	h->cal_b = 0.25f;
	h->claim_sum = 2.5f;
	h->familiar_words = 0.5f;
	h->familiar_form = 0.125f;
}

/* A new file under the name, sparse after the header. */
static void test_write(const void *header, size_t header_size, off_t size)
{
	int fd;

	i_unlink_if_exists(TEST_PATH);
	fd = open(TEST_PATH, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd == -1)
		i_fatal("open(%s) failed: %m", TEST_PATH);
	if (write_full(fd, header, header_size) < 0 || ftruncate(fd, size) < 0)
		i_fatal("write(%s) failed: %m", TEST_PATH);
	i_close_fd(&fd);
}

static struct junk_segment_header *test_map_writable(void)
{
	int fd = open(TEST_PATH, O_RDWR);
	void *map;

	if (fd == -1)
		i_fatal("open(%s) failed: %m", TEST_PATH);
	map = mmap(NULL, sizeof(struct junk_segment_header),
		   PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		i_fatal("mmap(%s) failed: %m", TEST_PATH);
	i_close_fd(&fd);
	return map;
}

static void test_unmap(struct junk_segment_header *map)
{
	(void)munmap(map, sizeof(*map));
}

static const char *test_reason(void)
{
	struct junk_segment *segment = junk_segment_open(TEST_PATH);
	struct junk_model model;
	const char *reason;

	if (junk_segment_get(segment, 1, &model, &reason) == 0)
		reason = "";
	reason = t_strdup(reason);
	junk_segment_close(&segment);
	return reason;
}

static void test_junk_segment_valid(void)
{
	static const unsigned int log2s[][2] = {
		{ JUNK_SEGMENT_MIN_LOG2, JUNK_SEGMENT_MIN_LOG2 },
		{ 18, 12 },
		{ JUNK_SEGMENT_MAX_LOG2, JUNK_SEGMENT_MAX_LOG2 },
	};
	struct junk_segment_header h;
	struct junk_segment *segment;
	struct junk_model model;
	const char *reason;

	test_begin("junk_segment: valid");
	for (unsigned int i = 0; i < N_ELEMENTS(log2s); i++) {
		size_t count = ((size_t)1 << log2s[i][0]) +
			((size_t)1 << log2s[i][1]);

		test_header_init(&h, log2s[i][0], log2s[i][1]);
		test_write(&h, sizeof(h), (off_t)h.file_size);
		segment = junk_segment_open(TEST_PATH);
		test_assert_idx(junk_segment_last_change(segment) == 0, i);
		test_assert_idx(junk_segment_get(segment, 1, &model,
						 &reason) == 0, i);
		test_assert_idx(model.global_log2 == log2s[i][0], i);
		test_assert_idx(model.personal_log2 == log2s[i][1], i);
		test_assert_idx(model.seed == h.seed, i);
		test_assert_idx(model.min_reports == 20, i);
		test_assert_idx(model.min_evidence == 3, i);
		test_assert_idx(model.spam_count == 100, i);
		test_assert_idx(model.ham_count == 200, i);
		test_assert_idx(model.cal_a == 1.5f, i);
		test_assert_idx(model.cal_b == 0.25f, i);
		test_assert_idx(model.claim_sum == 2.5f, i);
		test_assert_idx(model.familiar_words == 0.5f, i);
		test_assert_idx(model.familiar_form == 0.125f, i);
		test_assert_idx(model.weights[count - 1] == 0, i);
		test_assert_idx(junk_segment_last_change(segment) ==
				1700000000, i);
		test_assert_idx(junk_segment_generation(segment) == 7, i);
		junk_segment_close(&segment);
	}
	test_end();
}

static void test_junk_segment_bad_header(void)
{
	struct junk_segment_header good, h;

	test_begin("junk_segment: bad header");
	test_header_init(&good, TEST_LOG2, TEST_LOG2);
#define TEST_BAD(change, fix_checksum, text) STMT_START { \
	h = good; \
	change; \
	if (fix_checksum) \
		h.checksum = junk_segment_checksum(&h); \
	test_write(&h, sizeof(h), (off_t)good.file_size); \
	test_assert_strcmp(test_reason(), TEST_PATH": "text); \
} STMT_END
	TEST_BAD(h.magic[0] = 'j', TRUE, "not a score segment");
	TEST_BAD(h.byte_order = 0x04030201, TRUE,
		 "segment has another byte order");
	TEST_BAD(h.version = 1, TRUE, "segment has an older version");
	TEST_BAD(h.version = JUNK_SEGMENT_VERSION + 1, TRUE, "segment has a newer version");
	TEST_BAD(h.feature_set = JUNK_FEATURE_SET + 1, TRUE,
		 "segment has another feature set");
	TEST_BAD(h.feature_set = JUNK_FEATURE_SET_COMPATIBLE - 1, TRUE,
		 "segment has another feature set");
	TEST_BAD(h.checksum++, FALSE, "segment's checksum is wrong");
	TEST_BAD(h.global_log2 = JUNK_SEGMENT_MIN_LOG2 - 1, TRUE,
		 "segment's table size is out of range");
	TEST_BAD(h.global_log2 = JUNK_SEGMENT_MAX_LOG2 + 1, TRUE,
		 "segment's table size is out of range");
	TEST_BAD(h.personal_log2 = JUNK_SEGMENT_MIN_LOG2 - 1, TRUE,
		 "segment's table size is out of range");
	TEST_BAD(h.personal_log2 = 255, TRUE,
		 "segment's table size is out of range");
	TEST_BAD(h.file_size++, TRUE, "segment's size is wrong");
	/* larger tables than the file holds */
	TEST_BAD(test_header_init(&h, 20, 20), TRUE, "segment is truncated");
	TEST_BAD(h.state = JUNK_SEGMENT_SUPERSEDED, TRUE,
		 "segment is superseded");
#undef TEST_BAD
	test_end();
}

/* Each bit of the fixed part counts. */
static void test_junk_segment_bit_flips(void)
{
	struct junk_segment_header good, h;
	unsigned char *bytes = (unsigned char *)&h;

	test_begin("junk_segment: bit flips");
	test_header_init(&good, TEST_LOG2, TEST_LOG2);
	for (unsigned int i = 0; i < 64 * 8; i++) T_BEGIN {
		const char *reason;

		h = good;
		bytes[i / 8] ^= (unsigned char)(1 << (i % 8));
		test_assert_idx(junk_segment_header_check(&h, good.file_size,
							  &reason) == -1, i);
	} T_END;
	test_end();
}

static void test_junk_segment_bad_files(void)
{
	static const off_t sizes[] = { 0, 1, 127, 128, 129 };
	struct junk_segment_header h;

	test_begin("junk_segment: bad files");
	i_unlink_if_exists(TEST_PATH);
	test_assert_strcmp(test_reason(), TEST_PATH": there is no segment");

	test_header_init(&h, TEST_LOG2, TEST_LOG2);
	for (unsigned int i = 0; i < N_ELEMENTS(sizes); i++) {
		test_write(&h, sizeof(h), sizes[i]);
		test_assert_idx(strcmp(test_reason(), TEST_PATH
				       ": segment is truncated") == 0, i);
	}
	test_write(&h, sizeof(h), (off_t)h.file_size - 1);
	test_assert_strcmp(test_reason(), TEST_PATH": segment is truncated");
	/* longer than needed: an earlier one had larger tables */
	test_write(&h, sizeof(h), (off_t)h.file_size + 1);
	test_assert_strcmp(test_reason(), "");
	test_write(&h, sizeof(h), (off_t)junk_segment_size(
		JUNK_SEGMENT_MAX_LOG2, JUNK_SEGMENT_MAX_LOG2) + 1);
	test_assert_strcmp(test_reason(), TEST_PATH": segment is too large");

	i_unlink(TEST_PATH);
	if (mkfifo(TEST_PATH, 0600) < 0)
		i_fatal("mkfifo(%s) failed: %m", TEST_PATH);
	test_assert_strcmp(test_reason(), TEST_PATH": not a regular file");
	i_unlink(TEST_PATH);
	if (mkdir(TEST_PATH, 0700) < 0)
		i_fatal("mkdir(%s) failed: %m", TEST_PATH);
	test_assert_strcmp(test_reason(), TEST_PATH": not a regular file");
	(void)rmdir(TEST_PATH);
	test_end();
}

/* A segment appears, is replaced, withdrawn and taken into use again under an
   open reader. */
static void test_junk_segment_life(void)
{
	struct junk_segment_header h, *map;
	struct junk_segment *segment;
	struct junk_model model;
	const char *reason;

	test_begin("junk_segment: life");
	i_unlink_if_exists(TEST_PATH);
	segment = junk_segment_open(TEST_PATH);
	test_assert(junk_segment_get(segment, 100, &model, &reason) == -1);
	test_header_init(&h, TEST_LOG2, TEST_LOG2);
	test_write(&h, sizeof(h), (off_t)h.file_size);
	/* not looked for twice in a second */
	test_assert(junk_segment_get(segment, 100, &model, &reason) == -1);
	test_assert_strcmp(reason, TEST_PATH": there is no segment");
	/* the clock may jump back */
	test_assert(junk_segment_get(segment, 99, &model, &reason) == 0);

	map = test_map_writable();
	map->cal_b = 2;
	test_assert(junk_segment_get(segment, 99, &model, &reason) == 0);
	test_assert(model.cal_b == 2);
	map->cal_a = (float)NAN;
	test_assert(junk_segment_get(segment, 99, &model, &reason) == -1);
	test_assert(strstr(reason, "finite") != NULL);
	map->cal_a = 1;
	map->claim_sum = (float)INFINITY;
	test_assert(junk_segment_get(segment, 99, &model, &reason) == -1);
	map->claim_sum = 1;
	map->state = JUNK_SEGMENT_WITHDRAWN;
	test_assert(junk_segment_get(segment, 101, &model, &reason) == -1);
	test_assert(strstr(reason, "withdrawn") != NULL);
	map->state = JUNK_SEGMENT_IN_USE;
	test_assert(junk_segment_get(segment, 101, &model, &reason) == 0);

	/* a mapped one is used without looking at the path */
	i_unlink(TEST_PATH);
	test_assert(junk_segment_get(segment, 102, &model, &reason) == 0);
	test_header_init(&h, TEST_LOG2 + 1, TEST_LOG2);
	test_write(&h, sizeof(h), (off_t)h.file_size);
	test_assert(junk_segment_get(segment, 102, &model, &reason) == 0);
	test_assert(model.global_log2 == TEST_LOG2);
	/* the writer tells us that there is a new one */
	map->state = JUNK_SEGMENT_SUPERSEDED;
	test_assert(junk_segment_get(segment, 102, &model, &reason) == 0);
	test_assert(model.global_log2 == TEST_LOG2 + 1);
	test_unmap(map);

	/* rewritten in place while we didn't look */
	map = test_map_writable();
	h.seed++;
	h.checksum = junk_segment_checksum(&h);
	memcpy(map, &h, offsetof(struct junk_segment_header, state));
	test_assert(junk_segment_get(segment, 102, &model, &reason) == 0);
	test_assert(model.seed == h.seed);
	test_unmap(map);

	/* superseded, and the next one isn't there yet */
	map = test_map_writable();
	map->state = JUNK_SEGMENT_SUPERSEDED;
	test_assert(junk_segment_get(segment, 103, &model, &reason) == -1);
	test_assert_strcmp(reason, TEST_PATH": segment is superseded");
	/* not looked for twice in a second */
	map->state = JUNK_SEGMENT_IN_USE;
	test_assert(junk_segment_get(segment, 103, &model, &reason) == -1);
	map->state = JUNK_SEGMENT_SUPERSEDED;
	test_assert(junk_segment_get(segment, 104, &model, &reason) == -1);
	test_assert(junk_segment_last_change(segment) == 0);
	test_unmap(map);
	i_unlink(TEST_PATH);
	test_assert(junk_segment_get(segment, 105, &model, &reason) == -1);
	test_assert_strcmp(reason, TEST_PATH": there is no segment");
	junk_segment_close(&segment);
	junk_segment_close(&segment);
	test_end();
}

/* Another file in its place that nobody tells of: found within a minute, and
   none isn't. */
static void test_junk_segment_taken_away(void)
{
	struct junk_segment_header h;
	struct junk_segment *segment;
	struct junk_model model;
	const char *reason;

	test_begin("junk_segment: taken away");
	test_header_init(&h, TEST_LOG2, TEST_LOG2);
	test_write(&h, sizeof(h), (off_t)h.file_size);
	segment = junk_segment_open(TEST_PATH);
	test_assert(junk_segment_get(segment, 100, &model, &reason) == 0);
	test_assert(junk_segment_get(segment, 110, &model, &reason) == 0);
	i_unlink(TEST_PATH);
	test_assert(junk_segment_get(segment, 200, &model, &reason) == 0);
	test_assert(model.global_log2 == TEST_LOG2);
	test_header_init(&h, TEST_LOG2 + 1, TEST_LOG2);
	test_write(&h, sizeof(h), (off_t)h.file_size);
	test_assert(junk_segment_get(segment, 259, &model, &reason) == 0);
	test_assert(model.global_log2 == TEST_LOG2);
	test_assert(junk_segment_get(segment, 260, &model, &reason) == 0);
	test_assert(model.global_log2 == TEST_LOG2 + 1);
	junk_segment_close(&segment);
	i_unlink(TEST_PATH);
	test_end();
}

static void test_junk_segment_layout(void)
{
	test_begin("junk_segment: layout");
#define OFFSET(member) offsetof(struct junk_segment_header, member)
	test_assert(sizeof(struct junk_segment_header) == 128);
	test_assert(OFFSET(file_size) == 16 && OFFSET(feature_set) == 24);
	test_assert(OFFSET(global_log2) == 28 && OFFSET(seed) == 32);
	test_assert(OFFSET(min_reports) == 48 && OFFSET(checksum) == 56);
	test_assert(OFFSET(state) == 64 && OFFSET(generation) == 76);
	test_assert(OFFSET(last_change) == 80 && OFFSET(cal_b) == 92);
	test_assert(OFFSET(claim_sum) == 96 && OFFSET(familiar_form) == 104);
#undef OFFSET
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_segment_layout,
		test_junk_segment_valid,
		test_junk_segment_bad_header,
		test_junk_segment_bit_flips,
		test_junk_segment_bad_files,
		test_junk_segment_life,
		test_junk_segment_taken_away,
		NULL
	};
	return test_run(test_functions);
}

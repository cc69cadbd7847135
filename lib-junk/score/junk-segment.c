/* Reader of the score segment (junk-segment.h, doc/segment.md).

   The service owns the file and may change, remove or replace it at any time.
   Invariants: the reader uses nothing of the file before it has copied and
   checked the whole fixed part; it never computes an address from a number that
   is still in shared memory; the writer never shrinks a file, so a valid
   mapping stays readable. */

#include "lib.h"
#include "junk-tokenizer.h"
#include "junk-segment.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>
#include <xxhash.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Interval of checks whether the mapped file is still the file at its path. */
#define CHECK_PATH_SECS 60

struct junk_segment {
	char *path;
	/* NULL if none is mapped */
	const struct junk_segment_header *map;
	size_t map_size;
	/* identity of the mapped file, and the time of the last check */
	dev_t dev;
	ino_t ino;
	time_t last_check;
	/* the checked copy of the fixed part */
	struct junk_segment_header fixed;
	/* time of the last attempt to open the file */
	time_t last_open;
	bool opened;
	/* why no segment is mapped */
	char *reason;
};

uint64_t junk_segment_checksum(const struct junk_segment_header *header)
{
	return XXH64(header, offsetof(struct junk_segment_header, checksum),
		     0);
}

uint64_t junk_segment_size(unsigned int global_log2,
			   unsigned int personal_log2)
{
	return JUNK_SEGMENT_HEADER_BYTES +
		sizeof(int16_t) * ((UINT64_C(1) << global_log2) +
				   (UINT64_C(1) << personal_log2)) +
		sizeof(struct junk_copies);
}

static bool junk_segment_log2_is_valid(unsigned int log2)
{
	return log2 >= JUNK_SEGMENT_MIN_LOG2 && log2 <= JUNK_SEGMENT_MAX_LOG2;
}

int junk_segment_header_check(const struct junk_segment_header *header,
			      uint64_t file_size, const char **reason_r)
{
	*reason_r = NULL;
	if (memcmp(header->magic, JUNK_SEGMENT_MAGIC,
		   sizeof(header->magic)) != 0)
		*reason_r = "not a score segment";
	else if (header->byte_order != JUNK_SEGMENT_BYTE_ORDER)
		*reason_r = "segment has another byte order";
	else if (header->version != JUNK_SEGMENT_VERSION)
		*reason_r = header->version < JUNK_SEGMENT_VERSION ?
			"segment has an older version" :
			"segment has a newer version";
	else if (header->checksum != junk_segment_checksum(header))
		*reason_r = "segment's checksum is wrong";
	else if (!junk_feature_set_is_compatible(header->feature_set))
		*reason_r = "segment has another feature set";
	else if (!junk_segment_log2_is_valid(header->global_log2) ||
		 !junk_segment_log2_is_valid(header->personal_log2))
		*reason_r = "segment's table size is out of range";
	else if (header->file_size != junk_segment_size(header->global_log2,
							header->personal_log2))
		*reason_r = "segment's size is wrong";
	else if (file_size < header->file_size)
		*reason_r = "segment is truncated";
	return *reason_r == NULL ? 0 : -1;
}

struct junk_segment *junk_segment_open(const char *path)
{
	struct junk_segment *segment;

	i_assert(sizeof(struct junk_segment_header) ==
		 JUNK_SEGMENT_HEADER_BYTES);
	segment = i_new(struct junk_segment, 1);
	segment->path = i_strdup(path);
	return segment;
}

static void junk_segment_unmap(struct junk_segment *segment)
{
	if (segment->map == NULL)
		return;
	(void)munmap((void *)segment->map, segment->map_size);
	segment->map = NULL;
}

void junk_segment_close(struct junk_segment **_segment)
{
	struct junk_segment *segment = *_segment;

	if (segment == NULL)
		return;
	*_segment = NULL;
	junk_segment_unmap(segment);
	i_free(segment->reason);
	i_free(segment->path);
	i_free(segment);
}

static uint32_t junk_segment_state(const struct junk_segment *segment)
{
	return __atomic_load_n(&segment->map->state, __ATOMIC_ACQUIRE);
}

static uint32_t load_u32(const uint32_t *value)
{
	return __atomic_load_n(value, __ATOMIC_RELAXED);
}

/* Returns FALSE if the fixed part was rewritten since it was copied. */
static bool junk_segment_is_same(const struct junk_segment *segment)
{
	return __atomic_load_n(&segment->map->checksum, __ATOMIC_RELAXED) ==
		segment->fixed.checksum;
}

static float load_float(const float *value)
{
	uint32_t bits = load_u32((const uint32_t *)(const void *)value);
	float ret;

	memcpy(&ret, &bits, sizeof(ret));
	return ret;
}

/* Copy and check the fixed part. The service may be rewriting it: the state,
   read before and after, and the checksum of the copy show this. */
static int
junk_segment_read_fixed(struct junk_segment *segment, uint64_t file_size,
			const char **reason_r)
{
	if (junk_segment_state(segment) == JUNK_SEGMENT_SUPERSEDED) {
		*reason_r = "segment is superseded";
		return -1;
	}
	memcpy(&segment->fixed, segment->map,
	       offsetof(struct junk_segment_header, state));
	if (junk_segment_header_check(&segment->fixed, file_size,
				      reason_r) < 0)
		return -1;
	if (junk_segment_state(segment) == JUNK_SEGMENT_SUPERSEDED) {
		*reason_r = "segment is superseded";
		return -1;
	}
	return 0;
}

static int
junk_segment_map_fd(struct junk_segment *segment, int fd,
		    const char **reason_r)
{
	struct stat st;
	uint64_t max_size = junk_segment_size(JUNK_SEGMENT_MAX_LOG2,
					      JUNK_SEGMENT_MAX_LOG2);
	void *map;

	if (fstat(fd, &st) < 0) {
		*reason_r = t_strdup_printf("fstat() failed: %m");
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		*reason_r = "not a regular file";
		return -1;
	}
	if (st.st_size < JUNK_SEGMENT_HEADER_BYTES) {
		*reason_r = "segment is truncated";
		return -1;
	}
	if ((uint64_t)st.st_size > max_size) {
		*reason_r = "segment is too large";
		return -1;
	}
	segment->map_size = (size_t)st.st_size;
	map = mmap(NULL, segment->map_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		*reason_r = t_strdup_printf("mmap() failed: %m");
		return -1;
	}
	segment->map = map;
	segment->dev = st.st_dev;
	segment->ino = st.st_ino;
	if (junk_segment_read_fixed(segment, (uint64_t)st.st_size,
				    reason_r) < 0) {
		junk_segment_unmap(segment);
		return -1;
	}
	return 0;
}

static int junk_segment_map(struct junk_segment *segment,
			    const char **reason_r)
{
	int fd, ret;

	/* O_NONBLOCK: a FIFO of that name must not block a delivery */
	fd = open(segment->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1) {
		*reason_r = errno == ENOENT ? "there is no segment" :
			t_strdup_printf("open() failed: %m");
		return -1;
	}
	ret = junk_segment_map_fd(segment, fd, reason_r);
	(void)close(fd);
	return ret;
}

/* Any change of the second permits another attempt, so that a clock that jumps
   back doesn't stop them. */
static int
junk_segment_refresh(struct junk_segment *segment, time_t now,
		     const char **reason_r)
{
	const char *reason;

	if (!segment->opened || segment->last_open != now) {
		segment->opened = TRUE;
		segment->last_open = now;
		if (junk_segment_map(segment, &reason) == 0)
			return 0;
		i_free(segment->reason);
		segment->reason = i_strdup_printf("%s: %s", segment->path,
						  reason);
	}
	*reason_r = segment->reason;
	return -1;
}

static int
junk_segment_fill(struct junk_segment *segment, struct junk_model *model_r,
		  const char **reason_r)
{
	const struct junk_segment_header *map = segment->map;

	i_zero(model_r);
	model_r->weights = (const int16_t *)(const void *)(map + 1);
	model_r->global_log2 = segment->fixed.global_log2;
	model_r->personal_log2 = segment->fixed.personal_log2;
	model_r->copies = (const void *)
		(model_r->weights + (UINT64_C(1) << model_r->global_log2) +
		 (UINT64_C(1) << model_r->personal_log2));
	model_r->seed = segment->fixed.seed;
	model_r->min_reports = segment->fixed.min_reports;
	model_r->min_evidence = segment->fixed.min_evidence;
	model_r->spam_count = load_u32(&map->spam_count);
	model_r->ham_count = load_u32(&map->ham_count);
	model_r->cal_a = load_float(&map->cal_a);
	model_r->cal_b = load_float(&map->cal_b);
	model_r->claim_sum = load_float(&map->claim_sum);
	model_r->familiar_words = load_float(&map->familiar_words);
	model_r->familiar_form = load_float(&map->familiar_form);
	if (!isfinite(model_r->cal_a) || !isfinite(model_r->cal_b) ||
	    !isfinite(model_r->claim_sum) ||
	    !isfinite(model_r->familiar_words) ||
	    !isfinite(model_r->familiar_form)) {
		*reason_r = "segment has numbers that aren't finite";
		return -1;
	}
	return 0;
}

/* Check whether the path names another file now. A file that was removed while
   no service ran isn't marked as superseded. Without another file the old
   scores stay in use; a file that the service is still building has no weights
   and isn't used. */
static void junk_segment_check_path(struct junk_segment *segment, time_t now)
{
	struct stat st;

	if (segment->map == NULL ||
	    (now >= segment->last_check &&
	     now - segment->last_check < CHECK_PATH_SECS))
		return;
	segment->last_check = now;
	if (stat(segment->path, &st) == 0 &&
	    st.st_size > JUNK_SEGMENT_HEADER_BYTES &&
	    (st.st_dev != segment->dev || st.st_ino != segment->ino)) {
		junk_segment_unmap(segment);
		segment->opened = FALSE;
	}
}

int junk_segment_get(struct junk_segment *segment, time_t now,
		     struct junk_model *model_r, const char **reason_r)
{
	*reason_r = NULL;
	junk_segment_check_path(segment, now);
	if (segment->map != NULL) {
		switch (junk_segment_state(segment)) {
		case JUNK_SEGMENT_IN_USE:
			if (!junk_segment_is_same(segment))
				break;
			return junk_segment_fill(segment, model_r, reason_r);
		case JUNK_SEGMENT_WITHDRAWN:
			*reason_r = "the service has withdrawn its scores";
			return -1;
		case JUNK_SEGMENT_SUPERSEDED:
			break;
		}
		/* superseded, or an invalid state: look for the next file at
		   once */
		junk_segment_unmap(segment);
		segment->opened = FALSE;
		i_free(segment->reason);
		segment->reason = i_strdup_printf("%s: segment is superseded",
						  segment->path);
	}
	if (junk_segment_refresh(segment, now, reason_r) < 0)
		return -1;
	if (junk_segment_state(segment) == JUNK_SEGMENT_IN_USE)
		return junk_segment_fill(segment, model_r, reason_r);
	*reason_r = "the service has withdrawn its scores";
	return -1;
}

uint64_t junk_segment_last_change(struct junk_segment *segment)
{
	return segment->map == NULL ? 0 :
		__atomic_load_n(&segment->map->last_change, __ATOMIC_RELAXED);
}

uint32_t junk_segment_generation(struct junk_segment *segment)
{
	return segment->map == NULL ? 0 : load_u32(&segment->map->generation);
}

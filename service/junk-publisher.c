/* See junk-publisher.h. */

#include "lib.h"
#include "randgen.h"
#include "str.h"
#include "safe-mkstemp.h"
#include "junk-bits.h"
#include "junk-learner.h"
#include "junk-segment.h"
#include "junk-publisher.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A batch is published when it has so many reports or is as old as allowed.
   bench/watcher measures what an observer learns about a single report. */
#define BATCH_REPORTS 20
/* A campaign's weights don't wait: a shared weight that so many updates have
   changed since the last batch, and by as much, isn't due to a single report.
   Such weights are published at this interval. */
#define COMMON_UPDATES 4
#define COMMON_STEP 500
#define COMMON_SECS 5
/* Weights that are compared at once: an update changes few of them. */
#define BLOCK_WEIGHTS 64

struct junk_publisher {
	struct junk_learner *learner;
	int fd;
	struct junk_segment_header *map;
	size_t map_size;
	size_t global_count, personal_count;

	unsigned int delay_secs;
	/* shared weights as of the last update, and the number of updates that
	   have changed each since its publication */
	int16_t *seen;
	uint8_t *changes;
	struct junk_model seen_model;
	time_t seen_time;
	/* indexes of the weights that are about to be published */
	uint32_t *batch;
	uint32_t batch_count;
	/* time of the first unpublished change; 0 = there is none */
	time_t waiting_since, common_time;
};

/* --- making the file --- */

static bool
junk_publisher_stat_is_good(const struct stat *st, uid_t uid, gid_t gid,
			    mode_t mode)
{
	return S_ISREG(st->st_mode) && st->st_uid == uid &&
		(gid == (gid_t)-1 || st->st_gid == gid) &&
		(st->st_mode & 07777) == mode &&
		st->st_size >= JUNK_SEGMENT_HEADER_BYTES;
}

/* Mark the old file as superseded before the path names another one, so that
   its readers look again. */
static void junk_publisher_supersede(int fd, const struct stat *st)
{
	struct junk_segment_header *map;

	if (!S_ISREG(st->st_mode) || st->st_size < JUNK_SEGMENT_HEADER_BYTES)
		return;
	map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	if (map == MAP_FAILED)
		return;
	if (memcmp(map->magic, JUNK_SEGMENT_MAGIC, sizeof(map->magic)) == 0) {
		__atomic_store_n(&map->state, JUNK_SEGMENT_SUPERSEDED,
				 __ATOMIC_RELEASE);
	}
	(void)munmap(map, sizeof(*map));
}

static int
junk_publisher_create(const char *path, uid_t uid, gid_t gid, mode_t mode,
		      const char **error_r)
{
	string_t *temp_path = t_str_new(128);
	int fd;

	str_printfa(temp_path, "%s.", path);
	fd = safe_mkstemp(temp_path, mode, uid, gid);
	if (fd == -1) {
		*error_r = t_strdup_printf(
			"creating %s failed: %m: the service must be "
			"started as root, or its user must own the directory",
			str_c(temp_path));
		return -1;
	}
	/* a file with an empty header isn't a segment yet */
	if (fchmod(fd, mode) < 0 ||
	    ftruncate(fd, JUNK_SEGMENT_HEADER_BYTES) < 0 ||
	    rename(str_c(temp_path), path) < 0) {
		*error_r = t_strdup_printf("creating %s failed: %m", path);
		i_unlink(str_c(temp_path));
		i_close_fd(&fd);
	}
	return fd;
}

int junk_publisher_prepare(const char *path, uid_t uid, gid_t gid, mode_t mode,
			   const char **error_r)
{
	struct stat st;
	int fd;

	if (uid == (uid_t)-1)
		uid = geteuid();
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd != -1) {
		if (fstat(fd, &st) == 0) {
			if (junk_publisher_stat_is_good(&st, uid, gid, mode))
				return fd;
			junk_publisher_supersede(fd, &st);
		}
		i_close_fd(&fd);
	}
	return junk_publisher_create(path, uid, gid, mode, error_r);
}

/* --- writing --- */

static void store_u32(uint32_t *dest, uint32_t value)
{
	__atomic_store_n(dest, value, __ATOMIC_RELAXED);
}

static void store_float(float *dest, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	store_u32((uint32_t *)(void *)dest, bits);
}

static void
junk_publisher_fill_fixed(const struct junk_model *model, time_t now,
			  struct junk_segment_header *header_r)
{
	i_zero(header_r);
	memcpy(header_r->magic, JUNK_SEGMENT_MAGIC, sizeof(header_r->magic));
	header_r->byte_order = JUNK_SEGMENT_BYTE_ORDER;
	header_r->version = JUNK_SEGMENT_VERSION;
	header_r->file_size = junk_segment_size(model->global_log2,
						model->personal_log2);
	header_r->feature_set = JUNK_FEATURE_SET;
	header_r->global_log2 = (uint8_t)model->global_log2;
	header_r->personal_log2 = (uint8_t)model->personal_log2;
	header_r->seed = model->seed;
	header_r->created = (uint64_t)now;
	header_r->min_reports = model->min_reports;
	header_r->min_evidence = model->min_evidence;
	header_r->checksum = junk_segment_checksum(header_r);
}

/* Returns TRUE if the fixed part is as required, except for its time of
   creation. */
static bool
junk_publisher_fixed_is_same(const struct junk_segment_header *map,
			     const struct junk_segment_header *wanted)
{
	struct junk_segment_header copy;

	memcpy(&copy, map, sizeof(copy));
	if (copy.checksum != junk_segment_checksum(&copy))
		return FALSE;
	copy.created = wanted->created;
	copy.checksum = wanted->checksum;
	return memcmp(&copy, wanted, offsetof(struct junk_segment_header,
					      state)) == 0;
}

static int16_t *junk_publisher_weights(struct junk_publisher *publisher)
{
	return (int16_t *)(void *)(publisher->map + 1);
}

static struct junk_copies *
junk_publisher_copies(struct junk_publisher *publisher)
{
	return (void *)(junk_publisher_weights(publisher) +
			publisher->global_count + publisher->personal_count);
}

static inline void weight_store(int16_t *dest, int16_t value)
{
	if (*dest != value)
		__atomic_store_n(dest, value, __ATOMIC_RELAXED);
}

static inline bool
block_is_same(const int16_t *weights1, const int16_t *weights2)
{
	return memcmp(weights1, weights2,
		      BLOCK_WEIGHTS * sizeof(*weights1)) == 0;
}

/* Initialise the weights; readers don't use them before the state is set. */
static void
junk_publisher_take_over(struct junk_publisher *publisher, time_t now)
{
	struct junk_segment_header *map = publisher->map, wanted;
	struct junk_model model;

	junk_learner_model(publisher->learner, &model);
	junk_publisher_fill_fixed(&model, now, &wanted);
	if (map->state != JUNK_SEGMENT_IN_USE ||
	    !junk_publisher_fixed_is_same(map, &wanted)) {
		__atomic_store_n(&map->state, JUNK_SEGMENT_SUPERSEDED,
				 __ATOMIC_SEQ_CST);
		memcpy(map, &wanted, offsetof(struct junk_segment_header,
					      state));
		memset(map->zero2, 0, sizeof(map->zero2));
	}
	junk_publisher_flush(publisher, now);
	__atomic_store_n(&map->state, JUNK_SEGMENT_IN_USE, __ATOMIC_RELEASE);
}

static int
junk_publisher_map(struct junk_publisher *publisher, const char *path,
		   const char **error_r)
{
	struct junk_model model;
	size_t size;
	void *map;
	int ret;

	junk_learner_model(publisher->learner, &model);
	size = junk_segment_size(model.global_log2, model.personal_log2);

	/* a full tmpfs must be detected here and not by SIGBUS later. This
	   never shrinks the file */
	ret = posix_fallocate(publisher->fd, 0, (off_t)size);
	if (ret != 0) {
		errno = ret;
		*error_r = t_strdup_printf(
			"%s can't grow to %zu bytes: %m: free some space there",
			path, size);
		return -1;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   publisher->fd, 0);
	if (map == MAP_FAILED) {
		*error_r = t_strdup_printf("mmap(%s) failed: %m", path);
		return -1;
	}
	publisher->map = map;
	publisher->map_size = size;
	return 0;
}

static void junk_publisher_free(struct junk_publisher *publisher)
{
	if (publisher->map != NULL)
		(void)munmap(publisher->map, publisher->map_size);
	i_free(publisher->seen);
	i_free(publisher->changes);
	i_free(publisher->batch);
	i_free(publisher);
}

int junk_publisher_init(const char *path, int fd, unsigned int delay_secs,
			struct junk_learner *learner, time_t now,
			struct junk_publisher **publisher_r,
			const char **error_r)
{
	struct junk_publisher *publisher = i_new(struct junk_publisher, 1);
	struct junk_model model;

	publisher->fd = fd;
	publisher->delay_secs = delay_secs;
	publisher->learner = learner;
	junk_learner_model(learner, &model);
	publisher->global_count = (size_t)1 << model.global_log2;
	publisher->personal_count = (size_t)1 << model.personal_log2;
	publisher->seen = i_new(int16_t, publisher->global_count);
	publisher->changes = i_new(uint8_t, publisher->global_count);
	publisher->batch = i_new(uint32_t, publisher->global_count);
	if (junk_publisher_map(publisher, path, error_r) < 0) {
		junk_publisher_free(publisher);
		return -1;
	}
	junk_publisher_take_over(publisher, now);
	*publisher_r = publisher;
	return 0;
}

/* Update the generation and time, for which doveadm junk check waits. */
static void
junk_publisher_write_time(struct junk_publisher *publisher, time_t now)
{
	struct junk_segment_header *map = publisher->map;

	__atomic_store_n(&map->last_change, (uint64_t)now, __ATOMIC_RELAXED);
	store_u32(&map->generation, map->generation + 1);
}

/* Returns TRUE if any has changed. */
static bool
outlines_store(struct junk_outlines *dest, const struct junk_outlines *src)
{
	if (memcmp(dest, src, sizeof(*dest)) == 0)
		return FALSE;
	/* a byte is always written atomically */
	memcpy(dest, src, sizeof(*dest));
	return TRUE;
}

/* Publish personal weights, which can be found only with the identity. Returns
   TRUE if any has changed. */
static bool
junk_publisher_write_personal(struct junk_publisher *publisher,
			      const struct junk_model *model)
{
	int16_t *dest = junk_publisher_weights(publisher) +
		publisher->global_count;
	const int16_t *src = model->weights + publisher->global_count;
	struct junk_copies *copies = junk_publisher_copies(publisher);
	const int16_t *end = src + publisher->personal_count;
	bool changed;

	changed = outlines_store(&copies->own_spam, &model->copies->own_spam);
	if (outlines_store(&copies->own_ham, &model->copies->own_ham))
		changed = TRUE;
	for (; src < end; src += BLOCK_WEIGHTS, dest += BLOCK_WEIGHTS) {
		if (block_is_same(dest, src))
			continue;
		for (unsigned int i = 0; i < BLOCK_WEIGHTS; i++)
			weight_store(&dest[i], src[i]);
		changed = TRUE;
	}
	return changed;
}

/* Count the updates of the shared weights of a block. */
static void
junk_publisher_see_block(struct junk_publisher *publisher,
			 const int16_t *weights, size_t first)
{
	for (size_t i = first; i < first + BLOCK_WEIGHTS; i++) {
		if (weights[i] == publisher->seen[i])
			continue;
		publisher->seen[i] = weights[i];
		if (publisher->changes[i] < UINT8_MAX)
			publisher->changes[i]++;
	}
}

/* Count the updates of shared weights. Returns TRUE if any waits. */
static bool
junk_publisher_see_changes(struct junk_publisher *publisher,
			   const struct junk_model *model, time_t now)
{
	publisher->seen_model = *model;
	publisher->seen_time = now;
	for (size_t i = 0; i < publisher->global_count; i += BLOCK_WEIGHTS) {
		if (!block_is_same(&model->weights[i], &publisher->seen[i]))
			junk_publisher_see_block(publisher, model->weights, i);
	}
	return memcmp(publisher->seen, junk_publisher_weights(publisher),
		      publisher->global_count *
		      sizeof(*publisher->seen)) != 0;
}

/* Add the weights of a block to the batch that have changed as often and as much
   as required. */
static void
junk_publisher_choose(struct junk_publisher *publisher,
		      const int16_t *published, uint32_t first,
		      unsigned int min_changes, int min_step)
{
	for (uint32_t i = first; i < first + BLOCK_WEIGHTS; i++) {
		if (publisher->changes[i] < min_changes ||
		    publisher->seen[i] == published[i] ||
		    abs(publisher->seen[i] - published[i]) < min_step)
			continue;
		publisher->changes[i] = 0;
		publisher->batch[publisher->batch_count++] = i;
	}
}

/* Publish the shared weights that have changed as often and as much as
   required, in a random order. */
static void
junk_publisher_write_shared(struct junk_publisher *publisher,
			    unsigned int min_changes, int min_step)
{
	int16_t *published = junk_publisher_weights(publisher);
	uint32_t *batch = publisher->batch, num, idx, count;
	uint64_t seed;

	publisher->batch_count = 0;
	for (uint32_t i = 0; i < publisher->global_count; i += BLOCK_WEIGHTS) {
		if (!block_is_same(&publisher->seen[i], &published[i])) {
			junk_publisher_choose(publisher, published, i,
					      min_changes, min_step);
		}
	}
	/* one system call, not one for each weight */
	random_fill(&seed, sizeof(seed));
	for (count = publisher->batch_count; count > 0; count--) {
		num = junk_bits_mix(seed + count) % count;
		idx = batch[num];
		batch[num] = batch[count - 1];
		weight_store(&published[idx], publisher->seen[idx]);
	}
}

static void claim_store(float *dest, float value, bool only_higher)
{
	if (!only_higher || value > *dest)
		store_float(dest, value);
}

/* Publish which claims are allowed. While shared weights wait, the published
   ones and the personal ones belong to two models, so only what both allow
   is. */
static void
junk_publisher_write_claims(struct junk_publisher *publisher,
			    const struct junk_model *model, bool only_higher)
{
	struct junk_segment_header *map = publisher->map;

	claim_store(&map->claim_sum, model->claim_sum, only_higher);
	claim_store(&map->familiar_words, model->familiar_words, only_higher);
	claim_store(&map->familiar_form, model->familiar_form, only_higher);
}

/* Publish the numbers of reports. They are published with a batch, since their
   change by class would tell what each report said. */
static void
junk_publisher_write_numbers(struct junk_publisher *publisher,
			     const struct junk_model *model, time_t now)
{
	struct junk_segment_header *map = publisher->map;

	store_u32(&map->spam_count, model->spam_count);
	store_u32(&map->ham_count, model->ham_count);
	store_float(&map->cal_a, model->cal_a);
	store_float(&map->cal_b, model->cal_b);
	junk_publisher_write_claims(publisher, model, FALSE);
	junk_publisher_write_time(publisher, now);
}

void junk_publisher_flush(struct junk_publisher *publisher, time_t now)
{
	struct junk_model model;

	junk_learner_model(publisher->learner, &model);
	(void)junk_publisher_write_personal(publisher, &model);
	(void)junk_publisher_see_changes(publisher, &model, now);
	junk_publisher_write_shared(publisher, 0, 0);
	memset(publisher->changes, 0, publisher->global_count);
	(void)outlines_store(&junk_publisher_copies(publisher)->shared_spam,
			     &model.copies->shared_spam);
	junk_publisher_write_numbers(publisher, &model, now);
	publisher->waiting_since = 0;
}

void junk_publisher_deinit(struct junk_publisher **_publisher)
{
	struct junk_publisher *publisher = *_publisher;

	if (publisher == NULL)
		return;
	*_publisher = NULL;
	/* as of the last update, since the learner may be in the middle of a
	   replay now */
	if (publisher->waiting_since != 0) {
		junk_publisher_write_shared(publisher, 0, 0);
		junk_publisher_write_numbers(publisher, &publisher->seen_model,
					     publisher->seen_time);
	}
	junk_publisher_free(publisher);
}

static bool
junk_publisher_batch_is_due(struct junk_publisher *publisher,
			    const struct junk_model *model, time_t now)
{
	const struct junk_segment_header *map = publisher->map;
	uint32_t spam = model->spam_count - map->spam_count;
	uint32_t ham = model->ham_count - map->ham_count;

	return now - publisher->waiting_since >=
			(time_t)publisher->delay_secs ||
		/* a clock may jump back */
		now < publisher->waiting_since ||
		/* there are fewer if some were undone */
		(spam < INT32_MAX && ham < INT32_MAX &&
		 spam + ham >= BATCH_REPORTS);
}

void junk_publisher_update(struct junk_publisher *publisher, time_t now)
{
	struct junk_model model;

	junk_learner_model(publisher->learner, &model);
	junk_publisher_write_claims(publisher, &model, TRUE);
	if (junk_publisher_write_personal(publisher, &model))
		junk_publisher_write_time(publisher, now);
	if (!junk_publisher_see_changes(publisher, &model, now) &&
	    model.spam_count == publisher->map->spam_count &&
	    model.ham_count == publisher->map->ham_count) {
		publisher->waiting_since = 0;
		return;
	}
	if (publisher->waiting_since == 0)
		publisher->waiting_since = now;
	if (junk_publisher_batch_is_due(publisher, &model, now)) {
		junk_publisher_flush(publisher, now);
	} else if (now - publisher->common_time >= COMMON_SECS ||
		   now < publisher->common_time) {
		junk_publisher_write_shared(publisher, COMMON_UPDATES,
					    COMMON_STEP);
		publisher->common_time = now;
	}
}

void junk_publisher_tick(struct junk_publisher *publisher, time_t now)
{
	if (publisher->waiting_since != 0)
		junk_publisher_update(publisher, now);
}

bool junk_publisher_is_current(struct junk_publisher *publisher)
{
	struct stat st;

	if (fstat(publisher->fd, &st) == 0 && st.st_nlink > 0)
		return TRUE;
	/* readers still have it mapped and look for the next one */
	__atomic_store_n(&publisher->map->state, JUNK_SEGMENT_SUPERSEDED,
			 __ATOMIC_RELEASE);
	return FALSE;
}

uint32_t junk_publisher_generation(struct junk_publisher *publisher)
{
	return publisher->map->generation;
}

/* See junk-token-counts.h. Hash tables with open addressing and linear probing;
   tokens are keyed hashes, so they aren't hashed again. */

#include "lib.h"
#include "mmap-util.h"
#include "junk-token-counts.h"

#include <sys/mman.h>

/* Parts are allocated as whole pages outside of the heap, which growing and
   freeing them in turn would fragment. */
struct junk_token_part {
	/* NULL = no memory yet */
	struct junk_token_count *slots;
	unsigned int size, used;
};

struct junk_token_counts {
	struct junk_token_part parts[JUNK_TOKEN_PART_COUNT];
	unsigned int used;
};

struct junk_token_counts *junk_token_counts_init(void)
{
	return i_new(struct junk_token_counts, 1);
}

static void junk_token_part_free(struct junk_token_part *part)
{
	if (part->slots != NULL &&
	    munmap(part->slots, part->size * sizeof(*part->slots)) < 0)
		i_fatal("munmap() failed: %m");
	i_zero(part);
}

void junk_token_counts_deinit(struct junk_token_counts **_counts)
{
	struct junk_token_counts *counts = *_counts;

	if (counts == NULL)
		return;
	*_counts = NULL;
	junk_token_counts_clear(counts);
	i_free(counts);
}

/* Returns where to begin the search for a token: by the bits after those of its
   part, so that tokens are in about the order of the table and adjacent ones
   are written together. */
static inline unsigned int
junk_token_part_pos(const struct junk_token_part *part, uint64_t token)
{
	return (unsigned int)(((token << JUNK_TOKEN_PART_LOG2) >> 32) *
			      part->size >> 32);
}

/* Returns the slot of a token, or the free one where it belongs. */
static struct junk_token_count *
junk_token_part_find(const struct junk_token_part *part, uint64_t token)
{
	unsigned int i = junk_token_part_pos(part, token);

	while (part->slots[i].token != 0 && part->slots[i].token != token)
		i = i + 1 < part->size ? i + 1 : 0;
	return &part->slots[i];
}

/* Grow a part by a quarter; more would waste memory. */
static void junk_token_part_grow(struct junk_token_part *part)
{
	const size_t page_bytes = mmap_get_page_size();
	struct junk_token_part old = *part;
	size_t bytes;

	bytes = (old.size + old.size / 4 + 1) * sizeof(*old.slots);
	bytes = (bytes + page_bytes - 1) / page_bytes * page_bytes;
	part->slots = mmap_anon(bytes);
	if (part->slots == MAP_FAILED)
		i_fatal_status(FATAL_OUTOFMEM, "mmap() failed: %m");
	part->size = bytes / sizeof(*part->slots);
	for (unsigned int i = 0; i < old.size; i++) {
		if (old.slots[i].token != 0) {
			*junk_token_part_find(part, old.slots[i].token) =
				old.slots[i];
		}
	}
	junk_token_part_free(&old);
}

void junk_token_counts_prefetch(const struct junk_token_counts *counts,
				uint64_t token)
{
	const struct junk_token_part *part =
		&counts->parts[junk_token_part(token)];

	if (part->slots != NULL) {
		__builtin_prefetch(&part->slots[
			junk_token_part_pos(part, token)], 1);
	}
}

static int junk_token_count_sum(int a, int b)
{
	return I_MAX(I_MIN(a + b, JUNK_TOKEN_COUNT_MAX),
		     -JUNK_TOKEN_COUNT_MAX);
}

void junk_token_counts_add(struct junk_token_counts *counts,
			   const struct junk_token_count *count)
{
	/* 0 marks a free slot */
	const uint64_t token = count->token != 0 ? count->token : 1;
	struct junk_token_part *part = &counts->parts[junk_token_part(token)];
	struct junk_token_count *slot;

	/* An eighth of the slots is kept free. Even then, most tokens are found
	   at the first slot, and others next to it. */
	if (part->used + 1 > part->size / 8 * 7)
		junk_token_part_grow(part);
	slot = junk_token_part_find(part, token);
	if (slot->token == 0) {
		part->used++;
		counts->used++;
		*slot = *count;
		slot->token = token;
		return;
	}
	slot->spam = junk_token_count_sum(slot->spam, count->spam);
	slot->ham = junk_token_count_sum(slot->ham, count->ham);
	slot->sketch |= count->sketch;
	slot->day = I_MAX(slot->day, count->day);
}

unsigned int junk_token_counts_part_size(const struct junk_token_counts *counts,
					 unsigned int part)
{
	return counts->parts[part].used;
}

unsigned int junk_token_counts_size(const struct junk_token_counts *counts)
{
	return counts->used;
}

const struct junk_token_count *
junk_token_counts_next(const struct junk_token_counts *counts,
		       unsigned int part_num, unsigned int *pos)
{
	const struct junk_token_part *part = &counts->parts[part_num];

	while (*pos < part->size) {
		const struct junk_token_count *slot = &part->slots[(*pos)++];

		if (slot->token != 0)
			return slot;
	}
	return NULL;
}

void junk_token_counts_clear_part(struct junk_token_counts *counts,
				  unsigned int part)
{
	counts->used -= counts->parts[part].used;
	junk_token_part_free(&counts->parts[part]);
}

void junk_token_counts_clear(struct junk_token_counts *counts)
{
	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++)
		junk_token_counts_clear_part(counts, i);
}

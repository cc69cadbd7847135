/* Open addressing with linear probing: tokens are keyed hashes already. */

#include "lib.h"
#include "junk-token-counts.h"

#define MIN_LOG2 4

struct junk_token_part {
	struct junk_token_count *slots;
	unsigned int size_log2, used;
};

struct junk_token_counts {
	struct junk_token_part parts[JUNK_TOKEN_PART_COUNT];
	unsigned int used;
};

struct junk_token_counts *junk_token_counts_init(void)
{
	return i_new(struct junk_token_counts, 1);
}

void junk_token_counts_deinit(struct junk_token_counts **_counts)
{
	struct junk_token_counts *counts = *_counts;

	if (counts == NULL)
		return;
	*_counts = NULL;
	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++)
		i_free(counts->parts[i].slots);
	i_free(counts);
}

/* The slot of a token, or the free one where it belongs. */
static struct junk_token_count *
junk_token_part_find(const struct junk_token_part *part, uint64_t token)
{
	const size_t mask = ((size_t)1 << part->size_log2) - 1;
	size_t i = (size_t)token & mask;

	while (part->slots[i].token != 0 && part->slots[i].token != token)
		i = (i + 1) & mask;
	return &part->slots[i];
}

/* Keeps an eighth of the slots free. Most tokens are found at the first look
   also then, and those that aren't are next to it. */
static void junk_token_part_grow(struct junk_token_part *part)
{
	struct junk_token_count *old = part->slots;
	size_t old_size = old == NULL ? 0 : (size_t)1 << part->size_log2;

	if (part->used + 1 <= old_size / 8 * 7)
		return;
	part->size_log2 = old == NULL ? MIN_LOG2 : part->size_log2 + 1;
	part->slots = i_new(struct junk_token_count,
			    (size_t)1 << part->size_log2);
	for (size_t i = 0; i < old_size; i++) {
		if (old[i].token != 0) {
			*junk_token_part_find(part, old[i].token) = old[i];
		}
	}
	i_free(old);
}

void junk_token_counts_prefetch(const struct junk_token_counts *counts,
				uint64_t token)
{
	const struct junk_token_part *part =
		&counts->parts[junk_token_part(token)];

	if (part->slots != NULL) {
		__builtin_prefetch(&part->slots[(size_t)token &
			(((size_t)1 << part->size_log2) - 1)], 1);
	}
}

void junk_token_counts_add(struct junk_token_counts *counts,
			   const struct junk_token_count *count)
{
	/* 0 marks a free slot */
	const uint64_t token = count->token != 0 ? count->token : 1;
	struct junk_token_part *part = &counts->parts[junk_token_part(token)];
	struct junk_token_count *slot;

	junk_token_part_grow(part);
	slot = junk_token_part_find(part, token);
	if (slot->token == 0) {
		part->used++;
		counts->used++;
		*slot = *count;
		slot->token = token;
		return;
	}
	slot->spam += count->spam;
	slot->ham += count->ham;
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
	const size_t size = part->slots == NULL ? 0 :
		(size_t)1 << part->size_log2;

	while (*pos < size) {
		const struct junk_token_count *slot = &part->slots[(*pos)++];

		if (slot->token != 0)
			return slot;
	}
	return NULL;
}

void junk_token_counts_clear_part(struct junk_token_counts *counts,
				  unsigned int part_num)
{
	struct junk_token_part *part = &counts->parts[part_num];

	counts->used -= part->used;
	/* it will soon be as full again, unless it was far too large */
	if (part->size_log2 > MIN_LOG2 &&
	    part->used < ((size_t)1 << part->size_log2) / 8) {
		i_free(part->slots);
		part->size_log2 = 0;
	} else if (part->slots != NULL) {
		memset(part->slots, 0, sizeof(*part->slots) <<
		       part->size_log2);
	}
	part->used = 0;
}

void junk_token_counts_clear(struct junk_token_counts *counts)
{
	for (unsigned int i = 0; i < JUNK_TOKEN_PART_COUNT; i++)
		junk_token_counts_clear_part(counts, i);
}

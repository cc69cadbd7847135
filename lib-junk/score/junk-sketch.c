#include "lib.h"
#include "junk-bits.h"
#include "junk-sketch.h"

/* A vector of one row of a block, as wide as current processors compare at
   once. Shared memory needn't be aligned for it. */
typedef uint8_t outline_row
	__attribute__((vector_size(16), aligned(1), may_alias));

void junk_sketch_init(struct junk_sketch *sketch_r, const junk_token_t *tokens,
		      unsigned int token_count)
{
	i_zero(sketch_r);
	for (unsigned int i = 0; i < token_count; i++) {
		enum junk_token_source source = junk_token_source(tokens[i]);
		/* the token's bits below the class are a hash */
		uint32_t hash = (uint32_t)(tokens[i] >> 8) | 1;
		uint32_t *min = &sketch_r->min[tokens[i] % JUNK_SKETCH_PLACES];

		if (source != JUNK_TOKEN_SOURCE_BODY &&
		    source != JUNK_TOKEN_SOURCE_URL)
			continue;
		if (*min == 0 || hash < *min)
			*min = hash;
	}
}

bool junk_sketch_is_same(const struct junk_sketch *sketch1,
			 const struct junk_sketch *sketch2)
{
	unsigned int same = 0, used = 0;

	for (unsigned int i = 0; i < JUNK_SKETCH_PLACES; i++) {
		uint32_t min1 = sketch1->min[i], min2 = sketch2->min[i];

		used += (min1 | min2) != 0;
		same += ((min1 | min2) != 0) & (min1 == min2);
	}
	return same >= JUNK_SKETCH_MIN_SAME && same * 2 >= used;
}

void junk_sketch_outline(const struct junk_sketch *sketch, uint64_t key,
			 struct junk_outline *outline_r)
{
	for (unsigned int i = 0; i < JUNK_SKETCH_PLACES; i++) {
		uint64_t place = (uint64_t)i << 32 | sketch->min[i];

		outline_r->places[i] = sketch->min[i] == 0 ? 0 :
			1 + junk_bits_mix(key ^ place) % UINT8_MAX;
	}
}

static unsigned int outline_used(const struct junk_outline *outline)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < JUNK_SKETCH_PLACES; i++)
		used += outline->places[i] != 0;
	return used;
}

void junk_outlines_set(struct junk_outlines *outlines, unsigned int idx,
		       const struct junk_outline *outline)
{
	const unsigned int block = idx / JUNK_OUTLINES_BLOCK;
	const unsigned int column = idx % JUNK_OUTLINES_BLOCK;

	i_assert(idx < JUNK_OUTLINES_MAX);
	for (unsigned int i = 0; i < JUNK_SKETCH_PLACES; i++) {
		outlines->blocks[block].places[i][column] =
			outline == NULL ? 0 : outline->places[i];
	}
	outlines->blocks[block].used[column] =
		outline == NULL ? 0 : outline_used(outline);
}

static bool row_has_any(outline_row row)
{
	uint64_t parts[2];

	memcpy(parts, &row, sizeof(parts));
	return (parts[0] | parts[1]) != 0;
}

/* Places that unrelated outlines rarely have in common. */
#define RARELY_SAME 4

/* Compare a message with one row of outlines, at the pointers places and
   used. */
static bool
outlines_find_row(const uint8_t *places, const uint8_t *used,
		  const struct junk_outline *outline, uint8_t own_used)
{
	const outline_row others = *(const outline_row *)used;
	const uint8_t needed = I_MAX(JUNK_SKETCH_MIN_SAME, (own_used + 1) / 2);
	outline_row same = { 0 }, both = { 0 }, either;
	uint8_t left = own_used;

	if (!row_has_any(others))
		return FALSE;
	for (unsigned int i = 0; i < JUNK_SKETCH_PLACES;
	     i++, places += JUNK_OUTLINES_BLOCK) {
		const outline_row place = *(const outline_row *)places;

		if (outline->places[i] == 0)
			continue;
		/* the places that are left aren't enough */
		if (left-- == needed - RARELY_SAME &&
		    !row_has_any((outline_row)(same >= RARELY_SAME)))
			return FALSE;
		/* true is -1 */
		same -= (outline_row)(place == outline->places[i]);
		both -= (outline_row)(place != 0);
	}
	either = own_used + others - both;
	return row_has_any((outline_row)(same >= JUNK_SKETCH_MIN_SAME) &
			   (outline_row)(same + same >= either));
}

bool junk_outlines_find(const struct junk_outlines *outlines,
			const struct junk_outline *outline)
{
	const uint8_t used = outline_used(outline);

	if (used < JUNK_SKETCH_MIN_SAME)
		return FALSE;
	for (unsigned int block = 0; block < N_ELEMENTS(outlines->blocks);
	     block++) {
		for (unsigned int i = 0; i < JUNK_OUTLINES_BLOCK;
		     i += sizeof(outline_row)) {
			if (outlines_find_row(
				&outlines->blocks[block].places[0][i],
				&outlines->blocks[block].used[i],
				outline, used))
				return TRUE;
		}
	}
	return FALSE;
}

#ifndef JUNK_SKETCH_H
#define JUNK_SKETCH_H

#include "junk-token.h"

/* Near copies: messages whose text is mostly the same, however it was varied.

   A sketch is a sample of a message's words and URLs: the smallest hash in each
   of JUNK_SKETCH_PLACES parts of the hash space (Broder 1997; Li, Owen, Zhang
   2012). Two messages are near copies if half of their sketches agree, and at
   least JUNK_SKETCH_MIN_SAME places. */

#define JUNK_SKETCH_PLACES 32
#define JUNK_SKETCH_MIN_SAME 8

/* The smallest hash of each part; 0 = the message has no token in this part. */
struct junk_sketch {
	uint32_t min[JUNK_SKETCH_PLACES];
};

void junk_sketch_init(struct junk_sketch *sketch_r, const junk_token_t *tokens,
		      unsigned int token_count);
bool junk_sketch_is_same(const struct junk_sketch *sketch1,
			 const struct junk_sketch *sketch2);

/* The published form of a sketch: one byte of each place, hashed with a key,
   without which it can't be compared with anything. 0 = none. */
struct junk_outline {
	uint8_t places[JUNK_SKETCH_PLACES];
};

void junk_sketch_outline(const struct junk_sketch *sketch, uint64_t key,
			 struct junk_outline *outline_r);

/* A table of outlines, interleaved in blocks, so that a message is compared
   with all of them at once. It is in shared memory: another process may change
   it at the same time, and a reader may see a half-old, half-new outline. Such
   an outline doesn't match a message by chance. */
#define JUNK_OUTLINES_MAX 1024
#define JUNK_OUTLINES_BLOCK 64

struct junk_outlines {
	struct {
		uint8_t places[JUNK_SKETCH_PLACES][JUNK_OUTLINES_BLOCK];
		/* number of used places of each outline, 0 = free */
		uint8_t used[JUNK_OUTLINES_BLOCK];
	} blocks[JUNK_OUTLINES_MAX / JUNK_OUTLINES_BLOCK];
};

/* Set an outline; NULL frees its slot. */
void junk_outlines_set(struct junk_outlines *outlines, unsigned int idx,
		       const struct junk_outline *outline);
/* Returns TRUE if the table has a near copy of the message. */
bool junk_outlines_find(const struct junk_outlines *outlines,
			const struct junk_outline *outline);

/* Outlines of the reported texts. */
struct junk_copies {
	/* Texts that a person has reported as spam or as ham, with the person's
	   key (junk_model_person()). */
	struct junk_outlines own_spam, own_ham;
	/* Texts that enough people for shared weights have reported as spam,
	   and nobody as ham, with the seed as key. */
	struct junk_outlines shared_spam;
};

#endif

#ifndef JUNK_SKETCH_H
#define JUNK_SKETCH_H

#include "junk-token.h"

/* Near copies: messages whose text is mostly the same, however it was varied.

   A sketch is a sample of a message's words and URLs that is the same for the same
   text: the smallest hash in each of JUNK_SKETCH_PLACES parts (Broder 1997; Li, Owen,
   Zhang 2012). Two messages are near copies if half of their sketches agree, and no
   less than JUNK_SKETCH_MIN_SAME places. */

#define JUNK_SKETCH_PLACES 32
#define JUNK_SKETCH_MIN_SAME 8

/* 0 = the message has no token in this part. */
struct junk_sketch {
	uint32_t min[JUNK_SKETCH_PLACES];
};

void junk_sketch_init(struct junk_sketch *sketch_r, const junk_token_t *tokens,
		      unsigned int token_count);
bool junk_sketch_is_same(const struct junk_sketch *sketch1,
			 const struct junk_sketch *sketch2);

/* What others may see of a sketch: a byte of each place, under a key without which
   it can't be compared with anything. 0 = none. */
struct junk_outline {
	uint8_t places[JUNK_SKETCH_PLACES];
};

void junk_sketch_outline(const struct junk_sketch *sketch, uint64_t key,
			 struct junk_outline *outline_r);

/* A table of outlines, side by side in blocks, so that one message is compared with
   all of them at once. In shared memory: another process may change it meanwhile, so
   an outline may be read half old and half new; neither half agrees with a message
   by chance. */
#define JUNK_OUTLINES_MAX 1024
#define JUNK_OUTLINES_BLOCK 64

struct junk_outlines {
	struct {
		uint8_t places[JUNK_SKETCH_PLACES][JUNK_OUTLINES_BLOCK];
		/* how many places of an outline are used, 0 = it is free */
		uint8_t used[JUNK_OUTLINES_BLOCK];
	} blocks[JUNK_OUTLINES_MAX / JUNK_OUTLINES_BLOCK];
};

/* outline: NULL = free the place. */
void junk_outlines_set(struct junk_outlines *outlines, unsigned int idx,
		       const struct junk_outline *outline);
/* Is there a near copy of the message? */
bool junk_outlines_find(const struct junk_outlines *outlines,
			const struct junk_outline *outline);

/* Of which texts it is known what people think. */
struct junk_copies {
	/* What a person has reported, as spam or as ham, under the person's key
	   (junk_model_person()). */
	struct junk_outlines own_spam, own_ham;
	/* What as many people as shared weights need have reported as spam, and
	   nobody as ham, under the seed. */
	struct junk_outlines shared_spam;
};

#endif

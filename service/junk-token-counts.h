#ifndef JUNK_TOKEN_COUNTS_H
#define JUNK_TOKEN_COUNTS_H

/* Changes of the table tokens that aren't written yet. They are summed up in
   memory, since a report has hundreds of tokens and most of them soon occur
   again.

   Tokens are split by their top 8 bits, so that each part is a contiguous range
   of the table that can be written, and recorded as written, on its own. */

#define JUNK_TOKEN_PART_LOG2 8
#define JUNK_TOKEN_PART_COUNT (1 << JUNK_TOKEN_PART_LOG2)

struct junk_token_count {
	/* 0 = free slot */
	uint64_t token;
	uint64_t sketch;
	/* limited to +-JUNK_TOKEN_COUNT_MAX */
	int64_t spam:20, ham:20;
	/* days since 1970 */
	uint64_t day:16;
	uint64_t class_num:8;
};

/* Far more than the number of reports before a part is written. */
#define JUNK_TOKEN_COUNT_MAX ((1 << 19) - 1)

struct junk_token_counts;

struct junk_token_counts *junk_token_counts_init(void);
void junk_token_counts_deinit(struct junk_token_counts **counts);

static inline unsigned int junk_token_part(uint64_t token)
{
	return (unsigned int)(token >> (64 - JUNK_TOKEN_PART_LOG2));
}

/* Prefetch the memory of a token that is added soon. */
void junk_token_counts_prefetch(const struct junk_token_counts *counts,
				uint64_t token);
/* Add changes of a token (a keyed hash) to earlier ones. */
void junk_token_counts_add(struct junk_token_counts *counts,
			   const struct junk_token_count *count);

/* Return the number of distinct tokens in a part, and in all parts. */
unsigned int junk_token_counts_part_size(const struct junk_token_counts *counts,
					 unsigned int part);
unsigned int junk_token_counts_size(const struct junk_token_counts *counts);

/* Iterate over a part, in no particular order. *pos starts at 0. Returns NULL
   at the end. */
const struct junk_token_count *
junk_token_counts_next(const struct junk_token_counts *counts,
		       unsigned int part, unsigned int *pos);
void junk_token_counts_clear_part(struct junk_token_counts *counts,
				  unsigned int part);
void junk_token_counts_clear(struct junk_token_counts *counts);

#endif

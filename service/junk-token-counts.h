#ifndef JUNK_TOKEN_COUNTS_H
#define JUNK_TOKEN_COUNTS_H

/* Changes of the table tokens that aren't written yet, summed up in memory:
   a report has hundreds of tokens and most of them come again soon.

   Tokens are split by their top 8 bits, so that each part is one range of the
   table and can be written, and counted as written, by itself. */

#define JUNK_TOKEN_PART_LOG2 8
#define JUNK_TOKEN_PART_COUNT (1 << JUNK_TOKEN_PART_LOG2)

struct junk_token_count {
	/* 0 = free */
	uint64_t token;
	uint64_t sketch;
	/* up to JUNK_TOKEN_COUNT_MAX up or down */
	int64_t spam:20, ham:20;
	/* days since 1970 */
	uint64_t day:16;
	uint64_t class_num:8;
};

/* Far more than the reports that come before it is written. */
#define JUNK_TOKEN_COUNT_MAX ((1 << 19) - 1)

struct junk_token_counts;

struct junk_token_counts *junk_token_counts_init(void);
void junk_token_counts_deinit(struct junk_token_counts **counts);

static inline unsigned int junk_token_part(uint64_t token)
{
	return (unsigned int)(token >> (64 - JUNK_TOKEN_PART_LOG2));
}

/* Tokens that are added soon: the memory where they belong is fetched
   meanwhile. */
void junk_token_counts_prefetch(const struct junk_token_counts *counts,
				uint64_t token);
/* token: a keyed hash. Others of the same token are summed up. */
void junk_token_counts_add(struct junk_token_counts *counts,
			   const struct junk_token_count *count);

/* Different tokens, in a part and in all. */
unsigned int junk_token_counts_part_size(const struct junk_token_counts *counts,
					 unsigned int part);
unsigned int junk_token_counts_size(const struct junk_token_counts *counts);

/* Go through a part, in no order. pos begins with 0. Returns NULL at the
   end. */
const struct junk_token_count *
junk_token_counts_next(const struct junk_token_counts *counts,
		       unsigned int part, unsigned int *pos);
void junk_token_counts_clear_part(struct junk_token_counts *counts,
				  unsigned int part);
void junk_token_counts_clear(struct junk_token_counts *counts);

#endif

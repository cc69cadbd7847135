#ifndef JUNK_SEGMENT_H
#define JUNK_SEGMENT_H

#include "junk-model.h"

/* The score segment: a file in tmpfs, written by the service alone, mapped
   read-only by any number of readers. Little-endian machines and big-endian
   ones each write their own order; a reader of the other order refuses it.

   fixed part, covered by the checksum, changed only while the state is 2; a
   reader compares the checksum with that of its own copy before each use:
     0    8  magic "JUNKSCOR"
     8   u32 byte order 0x01020304
    12   u32 format version (JUNK_SEGMENT_VERSION)
    16   u64 bytes of the whole file
    24   u32 feature set (JUNK_FEATURE_SET)
    28   u8  log2 of the shared weights
    29   u8  log2 of the personal weights
    30   u16 0
    32   u64 seed
    40   u64 time of creation, seconds since 1970
    48   u32 min_reports
    52   u32 min_evidence
    56   u64 XXH64 of bytes 0..55, seed 0
   changing part, each field written whole (relaxed atomic store):
    64   u32 state: 1 = in use, 2 = superseded (open the path again),
             3 = withdrawn (unknown for all)
    68   u32 spam reports behind it
    72   u32 ham reports behind it
    76   u32 generation: counts every change
    80   u64 time of the last change, seconds since 1970
    88   f32 cal_a
    92   f32 cal_b
    96   f32 claim_sum
   100   f32 familiar_words
   104   f32 familiar_form
   108   20 zero bytes
   128   int16 * (1 << shared log2), then int16 * (1 << personal log2), then
         struct junk_copies (junk-sketch.h)
 */

/* Name of the file in Dovecot's base_dir. */
#define JUNK_SEGMENT_FNAME "junk-feedback.scores"

#define JUNK_SEGMENT_MAGIC "JUNKSCOR"
#define JUNK_SEGMENT_BYTE_ORDER 0x01020304
#define JUNK_SEGMENT_VERSION 3
#define JUNK_SEGMENT_HEADER_BYTES 128
#define JUNK_SEGMENT_MIN_LOG2 10
#define JUNK_SEGMENT_MAX_LOG2 20

enum junk_segment_state {
	JUNK_SEGMENT_IN_USE = 1,
	JUNK_SEGMENT_SUPERSEDED = 2,
	JUNK_SEGMENT_WITHDRAWN = 3,
};

/* The layout above as a struct: all members are naturally aligned. */
struct junk_segment_header {
	/* fixed part */
	char magic[8];
	uint32_t byte_order;
	uint32_t version;
	uint64_t file_size;
	uint32_t feature_set;
	uint8_t global_log2;
	uint8_t personal_log2;
	uint16_t zero1;
	uint64_t seed;
	uint64_t created;
	uint32_t min_reports;
	uint32_t min_evidence;
	uint64_t checksum;
	/* changing part */
	uint32_t state;
	uint32_t spam_count;
	uint32_t ham_count;
	uint32_t generation;
	uint64_t last_change;
	float cal_a;
	float cal_b;
	float claim_sum;
	float familiar_words;
	float familiar_form;
	unsigned char zero2[20];
};

/* Returns the checksum that a fixed part must have. */
uint64_t junk_segment_checksum(const struct junk_segment_header *header);
/* Returns the bytes of a segment with these tables. */
uint64_t junk_segment_size(unsigned int global_log2,
			   unsigned int personal_log2);
/* Check a fixed part. file_size: size of its file. Returns 0, or -1 and
   reason_r if this program can't use it. */
int junk_segment_header_check(const struct junk_segment_header *header,
			      uint64_t file_size, const char **reason_r);

/* --- readers --- */

struct junk_segment;

/* Never fails (see junk_segment_get()). The path is copied. */
struct junk_segment *junk_segment_open(const char *path);
void junk_segment_close(struct junk_segment **segment);

/* Get the current model, valid until the next call or close. While the mapped
   segment is in use this makes no system call. A missing or invalid segment is
   looked for at most once a second (now: seconds since 1970). Returns 0, or -1
   and reason_r. */
int junk_segment_get(struct junk_segment *segment, time_t now,
		     struct junk_model *model_r, const char **reason_r);
/* Returns the time of the mapped segment's last change in seconds since 1970; 0
   if none is mapped. */
uint64_t junk_segment_last_change(struct junk_segment *segment);
uint32_t junk_segment_generation(struct junk_segment *segment);

#endif

#ifndef JUNK_SEALED_H
#define JUNK_SEALED_H

#include "junk-report.h"

/* What is encrypted in a row of the table reports. Little-endian:

     0  u8   format version (1)
     1  u8   flags, 0x80: its uid was JUNK_REPORT_UID_TRUSTED
     2  u16  feature set
     4  u64  stamp_usecs
    12  u32  size_bytes
    16  16   reporter
    32  u16  token_count
    34  u64 * token_count
 */

struct junk_key;

enum junk_sealed_flags {
	/* it has replaced an earlier verdict of the same pair, the opposite one */
	JUNK_SEALED_FLAG_CHANGED = 0x01,
	/* said by a keyword first, the message was then moved as well */
	JUNK_SEALED_FLAG_MOVED = 0x02,
	/* taken back by the act that it was made in: the opposite verdict says
	   nothing more as long as that lasts */
	JUNK_SEALED_FLAG_ACT = 0x04,
};

/* Append to dest. The verdict, origin and digest are kept elsewhere. */
void junk_sealed_write(const struct junk_key *key,
		       const struct junk_report *report,
		       enum junk_sealed_flags flags, buffer_t *dest);
/* tokens are allocated from the data stack; of the uid only whether it is
   JUNK_REPORT_UID_TRUSTED is known. Returns -1 if it isn't valid. */
int junk_sealed_read(const struct junk_key *key, const void *sealed,
		     size_t size, struct junk_report *report_r,
		     enum junk_sealed_flags *flags_r);

#endif

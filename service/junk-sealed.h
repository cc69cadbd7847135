#ifndef JUNK_SEALED_H
#define JUNK_SEALED_H

#include "junk-report.h"

/* The encrypted part of a row of the table reports. Little-endian:

     0  u8   format version (1)
     1  u8   flags, 0x80: its uid was JUNK_REPORT_UID_TRUSTED
     2  u16  feature set
     4  u64  stamp_usecs
    12  u32  size_bytes
    16  16   reporter
    32  u16  token_count
    34  u64 * token_count */

struct junk_key;

enum junk_sealed_flags {
	/* it replaced an earlier, opposite verdict of the same pair */
	JUNK_SEALED_FLAG_CHANGED = 0x01,
	/* it was first reported by a keyword, then the message was moved as
	   well */
	JUNK_SEALED_FLAG_MOVED = 0x02,
	/* it was taken back within the same action, during which the opposite
	   verdict adds nothing */
	JUNK_SEALED_FLAG_ACT = 0x04,
};

/* Encrypt a report and append it to dest. Verdict, origin and digest aren't
   included: they are stored elsewhere. */
void junk_sealed_write(const struct junk_key *key,
		       const struct junk_report *report,
		       enum junk_sealed_flags flags, buffer_t *dest);
/* Decrypt a report. Its tokens are on the data stack; of the uid only
   JUNK_REPORT_UID_TRUSTED is restored. Returns 0, or -1 if the data isn't
   valid. */
int junk_sealed_read(const struct junk_key *key, const void *sealed,
		     size_t size, struct junk_report *report_r,
		     enum junk_sealed_flags *flags_r);

#endif

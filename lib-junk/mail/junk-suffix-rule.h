#ifndef JUNK_SUFFIX_RULE_H
#define JUNK_SUFFIX_RULE_H

/* A rule in the table: XXH3_64bits() of its name as ASCII without "*." or "!",
   with the kinds of rules for this name in the lowest bits. Its slot is the
   highest bits of the hash, or the next free one; 0 = free. */

#define JUNK_SUFFIX_SLOT_BITS 14
#define JUNK_SUFFIX_SLOTS (1U << JUNK_SUFFIX_SLOT_BITS)
#define JUNK_SUFFIX_SLOT(hash) \
	((unsigned int)((hash) >> (64 - JUNK_SUFFIX_SLOT_BITS)))

#define JUNK_SUFFIX_RULE UINT64_C(0x1)
#define JUNK_SUFFIX_WILDCARD UINT64_C(0x2)
#define JUNK_SUFFIX_EXCEPTION UINT64_C(0x4)
#define JUNK_SUFFIX_KINDS UINT64_C(0x7)

#endif

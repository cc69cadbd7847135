/* See junk-suffix.h. */

#include "lib.h"
#include "junk-suffix-rule.h"
#include "junk-suffix.h"

#include <xxhash.h>

/* Maximum labels of a rule; the longest rule has five. */
#define MAX_LABELS 8

static const uint64_t rules[JUNK_SUFFIX_SLOTS] = {
#include "junk-suffix-table.h"
};

/* Returns the kinds of rules for a name. */
static unsigned int rule_find(const char *name, size_t size)
{
	uint64_t hash = XXH3_64bits(name, size);
	unsigned int slot = JUNK_SUFFIX_SLOT(hash);

	hash &= ~JUNK_SUFFIX_KINDS;
	while (rules[slot] != 0) {
		if ((rules[slot] & ~JUNK_SUFFIX_KINDS) == hash)
			return rules[slot] & JUNK_SUFFIX_KINDS;
		slot = (slot + 1) % JUNK_SUFFIX_SLOTS;
	}
	return 0;
}

static const char *label_before(const char *name, const char *p)
{
	if (p > name)
		p--;
	while (p > name && p[-1] != '.')
		p--;
	return p;
}

void junk_suffix_find(const char *name, size_t size,
		      struct junk_suffix *suffix_r)
{
	const char *end = name + size, *p = end, *suffix, *inner;
	unsigned int kinds, outer_kinds = 0;

	i_zero(suffix_r);
	if (size == 0)
		return;
	suffix = label_before(name, end);
	for (unsigned int i = 0; i < MAX_LABELS && p > name; i++) {
		inner = p;
		p = label_before(name, p);
		kinds = rule_find(p, end - p);
		if ((kinds & JUNK_SUFFIX_EXCEPTION) != 0) {
			suffix = inner;
			break;
		}
		/* as in libpsl, the parent of a wildcard rule is a suffix
		   itself */
		if (kinds != 0 || (outer_kinds & JUNK_SUFFIX_WILDCARD) != 0) {
			suffix = p;
			suffix_r->listed = TRUE;
		}
		outer_kinds = kinds;
	}
	suffix_r->size = end - suffix;
	if (suffix > name)
		suffix_r->registered_size = end - label_before(name, suffix);
}

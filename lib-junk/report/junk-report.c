#include "lib.h"
#include "junk-report.h"

const char *junk_verdict_name(unsigned int verdict)
{
	switch (verdict) {
	case JUNK_VERDICT_SPAM:
		return "spam";
	case JUNK_VERDICT_HAM:
		return "ham";
	case JUNK_VERDICT_WEAK_HAM:
		return "weak-ham";
	case JUNK_VERDICT_RETRACT:
		return "retract";
	}
	return "unknown";
}

const char *junk_origin_name(unsigned int origin)
{
	static const char *const names[] = {
		[JUNK_ORIGIN_MOVE] = "move",
		[JUNK_ORIGIN_COPY] = "copy",
		[JUNK_ORIGIN_APPEND] = "append",
		[JUNK_ORIGIN_KEYWORD] = "keyword",
		[JUNK_ORIGIN_ACTION] = "action",
		[JUNK_ORIGIN_SIEVE] = "sieve",
		[JUNK_ORIGIN_LEARN] = "learn",
		[JUNK_ORIGIN_KEPT] = "kept",
	};

	if (origin >= N_ELEMENTS(names) || names[origin] == NULL)
		return "unknown";
	return names[origin];
}

#include "lib.h"
#include "str.h"
#include "junk-model.h"
#include "junk-reason.h"

#include <math.h>

/* A reason names at most so many classes, each with at least this sum. */
#define REASON_MAX_CLASSES 3
#define REASON_MIN_SUM 0.1

/* Returns the class with the largest sum that isn't in used yet, or -1. */
static int
next_class(const struct junk_score *score, uint64_t used)
{
	int best = -1;

	for (int i = 0; i < JUNK_TOKEN_CLASS_COUNT; i++) {
		if ((used & (UINT64_C(1) << i)) != 0 ||
		    fabs(score->class_sum[i]) < REASON_MIN_SUM)
			continue;
		if (best < 0 || fabs(score->class_sum[i]) >
				fabs(score->class_sum[best]))
			best = i;
	}
	return best;
}

static void reason_first(string_t *dest, const struct junk_score *score)
{
	if (score->trusted)
		str_append(dest, "trusted sender");
	else if (score->spam_copy)
		str_append(dest, "near copy of reported spam");
	else if (score->kept_copy)
		str_append(dest, "near copy of good mail");
	else if (score->strange)
		str_append(dest, "no good mail of this kind is known");
}

void junk_reason_append(string_t *dest, const struct junk_score *score)
{
	const size_t begin = str_len(dest);
	uint64_t used = 0;
	int class;

	if (score->unknown_reason != NULL) {
		str_append(dest, score->unknown_reason);
		return;
	}
	reason_first(dest, score);
	for (unsigned int i = 0; i < REASON_MAX_CLASSES; i++) {
		class = next_class(score, used);
		if (class < 0)
			break;
		used |= UINT64_C(1) << class;
		str_printfa(dest, "%s%s %+.1f", str_len(dest) == begin ? "" : ", ",
			    junk_token_class_name(class),
			    score->class_sum[class]);
	}
	if (str_len(dest) == begin)
		str_append(dest, "no class of evidence has a large effect");
}

#include <string.h>
#include <strings.h>

#include "junk-score.h"
#include "junk-milter-policy.h"

const char *junk_milter_action_name(enum junk_milter_action action)
{
	switch (action) {
	case JUNK_MILTER_PASS:
		return "pass";
	case JUNK_MILTER_TAG:
		return "tag";
	case JUNK_MILTER_QUARANTINE:
		return "quarantine";
	case JUNK_MILTER_DEFER:
		return "defer";
	case JUNK_MILTER_REJECT:
		return "reject";
	}
	return "unknown";
}

static int reaches(int score, int threshold)
{
	return threshold != 0 && score >= threshold;
}

unsigned int
junk_milter_lowest_threshold(const struct junk_milter_settings *set)
{
	const int thresholds[] = {
		set->tag, set->quarantine, set->defer, set->reject
	};
	int lowest = 0;

	for (unsigned int i = 0; i < sizeof(thresholds) / sizeof(int); i++) {
		if (thresholds[i] != 0 &&
		    (lowest == 0 || thresholds[i] < lowest))
			lowest = thresholds[i];
	}
	return (unsigned int)lowest;
}

enum junk_milter_action
junk_milter_decide(const struct junk_milter_settings *set, int score)
{
	if (score == JUNK_SCORES_UNKNOWN)
		return JUNK_MILTER_PASS;
	if (reaches(score, set->reject))
		return JUNK_MILTER_REJECT;
	if (reaches(score, set->defer))
		return JUNK_MILTER_DEFER;
	if (reaches(score, set->quarantine))
		return JUNK_MILTER_QUARANTINE;
	if (reaches(score, set->tag))
		return JUNK_MILTER_TAG;
	return JUNK_MILTER_PASS;
}

int junk_milter_skips(const struct junk_milter_settings *set,
		      const char *recipient)
{
	const char *name = set->skip_recipients;
	size_t size, recipient_size;

	if (*recipient == '<')
		recipient++;
	recipient_size = strcspn(recipient, "@+>");
	for (name += strspn(name, " "); *name != '\0';
	     name += strspn(name, " ")) {
		size = strcspn(name, " ");
		if (size == recipient_size &&
		    strncasecmp(name, recipient, size) == 0)
			return 1;
		name += size;
	}
	return 0;
}

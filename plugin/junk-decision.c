#include "lib.h"
#include "junk-decision.h"

const char *junk_box_name(enum junk_box box)
{
	static const char *const names[JUNK_BOX_COUNT] = {
		"other", "inbox", "junk", "trash", "unsure", "ignore",
		"sent", "like-junk"
	};

	return names[box];
}

enum junk_keywords junk_keywords_parse(const char *const *keywords)
{
	enum junk_keywords result = JUNK_KEYWORDS_NONE;
	const char *name;

	for (; *keywords != NULL; keywords++) {
		name = **keywords == '$' ? *keywords + 1 : *keywords;
		if (strcasecmp(name, "Junk") == 0)
			result |= JUNK_KEYWORDS_JUNK;
		else if (strcasecmp(name, "NotJunk") == 0 ||
			 strcasecmp(name, "NonJunk") == 0)
			result |= JUNK_KEYWORDS_NOT_JUNK;
	}
	return result;
}

enum junk_decision
junk_decide_copy(enum junk_box from, enum junk_box to,
		 enum junk_keywords keywords)
{
	enum { N = JUNK_DECIDE_NOTHING, S = JUNK_DECIDE_SPAM,
	       H = JUNK_DECIDE_HAM, W = JUNK_DECIDE_WEAK_HAM,
	       L = JUNK_DECIDE_LEFT_JUNK, C = JUNK_DECIDE_HAM_IF_LEFT_JUNK,
	       U = JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK };
	static const unsigned char table[JUNK_BOX_COUNT][JUNK_BOX_COUNT] = {
		/* to: other inbox junk trash unsure ignore sent like-junk */
		[JUNK_BOX_OTHER]     = { N, N, S, N, N, N, N, N },
		[JUNK_BOX_INBOX]     = { W, N, S, N, N, N, N, N },
		[JUNK_BOX_JUNK]      = { H, H, N, L, N, N, N, H },
		[JUNK_BOX_TRASH]     = { C, C, U, N, N, N, N, N },
		[JUNK_BOX_UNSURE]    = { H, H, S, N, N, N, N, N },
		[JUNK_BOX_IGNORE]    = { N, N, N, N, N, N, N, N },
		[JUNK_BOX_SENT]      = { N, N, N, N, N, N, N, N },
		[JUNK_BOX_LIKE_JUNK] = { N, N, S, N, N, N, N, N },
	};
	enum junk_decision decision = (enum junk_decision)table[from][to];

	/* filing a message that was marked as junk is no evidence of good
	   mail */
	if (decision == JUNK_DECIDE_WEAK_HAM &&
	    (keywords & JUNK_KEYWORDS_JUNK) != 0)
		return JUNK_DECIDE_NOTHING;
	return decision;
}

enum junk_decision junk_decide_append(enum junk_box to)
{
	switch (to) {
	case JUNK_BOX_JUNK:
		return JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK;
	case JUNK_BOX_INBOX:
	case JUNK_BOX_OTHER:
		return JUNK_DECIDE_HAM_IF_LEFT_JUNK;
	default:
		return JUNK_DECIDE_NOTHING;
	}
}

enum junk_decision
junk_decide_keywords(enum junk_box box, enum junk_keywords old_keywords,
		     enum junk_keywords new_keywords, bool was_junk,
		     bool replaced)
{
	bool had_junk = (old_keywords & JUNK_KEYWORDS_JUNK) != 0;

	if (box == JUNK_BOX_TRASH || box == JUNK_BOX_IGNORE ||
	    box == JUNK_BOX_SENT || old_keywords == new_keywords)
		return JUNK_DECIDE_NOTHING;

	switch (new_keywords) {
	case JUNK_KEYWORDS_JUNK:
		/* clients set the keyword by themselves on messages that a
		   filter has put into Junk, so there it counts only if it
		   contradicts an older keyword */
		if (box == JUNK_BOX_JUNK && old_keywords == JUNK_KEYWORDS_NONE)
			return JUNK_DECIDE_NOTHING;
		return JUNK_DECIDE_SPAM;
	case JUNK_KEYWORDS_NOT_JUNK:
		if (box == JUNK_BOX_JUNK)
			return JUNK_DECIDE_HAM_IF_KEPT;
		if (had_junk || was_junk)
			return JUNK_DECIDE_HAM;
		/* Thunderbird's own filter sets it on each new message */
		return JUNK_DECIDE_NOTHING;
	case JUNK_KEYWORDS_NONE:
		if (replaced)
			return JUNK_DECIDE_NOTHING;
		if (box == JUNK_BOX_JUNK) {
			return old_keywords == JUNK_KEYWORDS_NOT_JUNK ?
				JUNK_DECIDE_RETRACT_HAM : JUNK_DECIDE_NOTHING;
		}
		return had_junk ? JUNK_DECIDE_RETRACT : JUNK_DECIDE_NOTHING;
	case JUNK_KEYWORDS_BOTH:
		break;
	}
	/* an intermediate step of a client, or a contradiction */
	return JUNK_DECIDE_NOTHING;
}

bool junk_decide_is_void(enum junk_box from, enum junk_box to,
			 enum junk_keywords keywords)
{
	return from == JUNK_BOX_JUNK && to == JUNK_BOX_TRASH &&
		(keywords & JUNK_KEYWORDS_NOT_JUNK) != 0;
}

enum junk_decision
junk_decide_flags(enum junk_box box, enum mail_flags old_flags,
		  enum mail_flags new_flags, enum junk_keywords keywords)
{
	enum mail_flags added = new_flags & ~old_flags;

	if (box == JUNK_BOX_JUNK && (added & MAIL_DELETED) != 0)
		return JUNK_DECIDE_LEFT_JUNK;
	if ((box == JUNK_BOX_INBOX || box == JUNK_BOX_OTHER) &&
	    (added & (MAIL_ANSWERED | MAIL_FLAGGED)) != 0 &&
	    (keywords & JUNK_KEYWORDS_JUNK) == 0)
		return JUNK_DECIDE_WEAK_HAM;
	if ((box == JUNK_BOX_INBOX || box == JUNK_BOX_OTHER ||
	     box == JUNK_BOX_UNSURE) && (added & MAIL_DELETED) != 0)
		return JUNK_DECIDE_LEFT_OTHER;
	return JUNK_DECIDE_NOTHING;
}

bool junk_decide_is_kept(enum junk_box box, enum mail_flags flags,
			 enum junk_keywords keywords)
{
	return (box == JUNK_BOX_INBOX || box == JUNK_BOX_OTHER) &&
		(flags & (MAIL_SEEN | MAIL_DELETED | MAIL_DRAFT)) ==
		MAIL_SEEN &&
		(keywords & JUNK_KEYWORDS_JUNK) == 0;
}

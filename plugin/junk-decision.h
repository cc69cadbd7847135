#ifndef JUNK_DECISION_H
#define JUNK_DECISION_H

#include "mail-types.h"

/* What a user's action says about a message: pure functions of the kinds of
   mailboxes, keywords and flags. */

/* What a mailbox is to us. */
enum junk_box {
	/* a folder of the user's own, Archive, All, ... */
	JUNK_BOX_OTHER,
	JUNK_BOX_INBOX,
	JUNK_BOX_JUNK,
	/* also where lazy_expunge keeps what was expunged */
	JUNK_BOX_TRASH,
	/* the filter's "not sure": from it both directions train, into it
	   nothing does */
	JUNK_BOX_UNSURE,
	/* Drafts, Sent, Templates and what the admin names: says nothing */
	JUNK_BOX_IGNORE,
	/* unknown, but called as if it were somebody's Junk: as any other, only
	   that nothing speaks for what is put there */
	JUNK_BOX_LIKE_JUNK,

	JUNK_BOX_COUNT
};

enum junk_decision {
	JUNK_DECIDE_NOTHING,
	JUNK_DECIDE_SPAM,
	JUNK_DECIDE_HAM,
	JUNK_DECIDE_WEAK_HAM,
	/* a mark of junk is taken off */
	JUNK_DECIDE_RETRACT,
	/* a mark of good mail in Junk is taken off */
	JUNK_DECIDE_RETRACT_HAM,
	/* nothing now; but if the message turns up elsewhere, it came from
	   Junk */
	JUNK_DECIDE_LEFT_JUNK,
	/* nothing now; but if the message turns up in Junk, it was moved */
	JUNK_DECIDE_LEFT_OTHER,
	/* ham if it came from Junk, otherwise nothing */
	JUNK_DECIDE_HAM_IF_LEFT_JUNK,
	/* spam unless it came from Junk just now (a client that moves by
	   APPEND, between two Junk folders; one put back out of Trash) */
	JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK,
	/* ham, unless the same message is moved to Trash right after it: some
	   clients set the keyword on each message that leaves Junk */
	JUNK_DECIDE_HAM_IF_KEPT,
};

/* The keywords that speak about junk. */
enum junk_keywords {
	JUNK_KEYWORDS_NONE = 0x00,
	JUNK_KEYWORDS_JUNK = 0x01,
	JUNK_KEYWORDS_NOT_JUNK = 0x02,
	JUNK_KEYWORDS_BOTH = 0x03,
};

const char *junk_box_name(enum junk_box box);

/* $Junk, Junk, $NotJunk, NonJunk (and NotJunk, $NonJunk), in any case. */
enum junk_keywords junk_keywords_parse(const char *const *keywords);

/* A message was copied or moved. keywords: what it carries. */
enum junk_decision
junk_decide_copy(enum junk_box from, enum junk_box to,
		 enum junk_keywords keywords);
/* A client has stored a message. */
enum junk_decision junk_decide_append(enum junk_box to);
/* A message's keywords were changed in place. was_junk: the junk keyword was
   taken from this message a moment ago. replaced: all flags were replaced by
   others, as clients also do that know nothing of keywords. */
enum junk_decision
junk_decide_keywords(enum junk_box box, enum junk_keywords old_keywords,
		     enum junk_keywords new_keywords, bool was_junk,
		     bool replaced);
/* Is a mark of good mail void when its message gets these flags, or goes
   there? */
bool junk_decide_is_void(enum junk_box from, enum junk_box to,
			 enum junk_keywords keywords);
/* A message's flags were changed in place. */
enum junk_decision
junk_decide_flags(enum junk_box box, enum mail_flags old_flags,
		  enum mail_flags new_flags, enum junk_keywords keywords);
/* Is a message evidence of good mail for lying there? (It also has to have lain
   there for some time.) */
bool junk_decide_is_kept(enum junk_box box, enum mail_flags flags,
			 enum junk_keywords keywords);

#endif

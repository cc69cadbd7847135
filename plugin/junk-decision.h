#ifndef JUNK_DECISION_H
#define JUNK_DECISION_H

#include "mail-types.h"

/* What a user's action says about a message. Pure functions of mailbox kinds,
   keywords and flags. */

/* The kind of a mailbox. */
enum junk_box {
	/* the user's own folder, Archive, All and others */
	JUNK_BOX_OTHER,
	JUNK_BOX_INBOX,
	JUNK_BOX_JUNK,
	/* also the place where lazy_expunge keeps expunged messages */
	JUNK_BOX_TRASH,
	/* a folder for unsure mail: a move out of it trains in both directions,
	   a move into it doesn't train */
	JUNK_BOX_UNSURE,
	/* Drafts, Templates and folders that the administrator names: no
	   evidence */
	JUNK_BOX_IGNORE,
	/* no evidence either, but recipients of mail there become trusted
	   senders */
	JUNK_BOX_SENT,
	/* a folder whose name looks like a junk folder: as any other, except
	   that moving a message there is no evidence of good mail */
	JUNK_BOX_LIKE_JUNK,

	JUNK_BOX_COUNT
};

enum junk_decision {
	JUNK_DECIDE_NOTHING,
	JUNK_DECIDE_SPAM,
	JUNK_DECIDE_HAM,
	JUNK_DECIDE_WEAK_HAM,
	/* the junk mark was taken off */
	JUNK_DECIDE_RETRACT,
	/* the not-junk mark of a message in Junk was taken off */
	JUNK_DECIDE_RETRACT_HAM,
	/* no report now; if the message appears elsewhere, it came from Junk */
	JUNK_DECIDE_LEFT_JUNK,
	/* no report now; if the message appears in Junk, it was moved there */
	JUNK_DECIDE_LEFT_OTHER,
	/* ham if the message came from Junk, else no report */
	JUNK_DECIDE_HAM_IF_LEFT_JUNK,
	/* spam, unless the message came from Junk just now: a client moves by
	   APPEND between two Junk folders, or the user puts it back from
	   Trash */
	JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK,
	/* ham, unless the same message is moved to Trash next: some clients set
	   the keyword on each message that leaves Junk */
	JUNK_DECIDE_HAM_IF_KEPT,
};

/* The keywords about junk. */
enum junk_keywords {
	JUNK_KEYWORDS_NONE = 0x00,
	JUNK_KEYWORDS_JUNK = 0x01,
	JUNK_KEYWORDS_NOT_JUNK = 0x02,
	JUNK_KEYWORDS_BOTH = 0x03,
};

const char *junk_box_name(enum junk_box box);

/* Parse $Junk, Junk, $NotJunk, NonJunk (and NotJunk, $NonJunk), in any letter
   case. */
enum junk_keywords junk_keywords_parse(const char *const *keywords);

/* A message was copied or moved. keywords: those that it carries. */
enum junk_decision
junk_decide_copy(enum junk_box from, enum junk_box to,
		 enum junk_keywords keywords);
/* A client has stored a message. */
enum junk_decision junk_decide_append(enum junk_box to);
/* A message's keywords were changed in place. was_junk: the junk keyword of
   this message was taken off just before. replaced: the client has replaced all
   flags, as clients that don't know the keywords also do. */
enum junk_decision
junk_decide_keywords(enum junk_box box, enum junk_keywords old_keywords,
		     enum junk_keywords new_keywords, bool was_junk,
		     bool replaced);
/* Returns TRUE if the not-junk mark of a message becomes void when the message
   is moved there. */
bool junk_decide_is_void(enum junk_box from, enum junk_box to,
			 enum junk_keywords keywords);
/* A message's flags were changed in place. */
enum junk_decision
junk_decide_flags(enum junk_box box, enum mail_flags old_flags,
		  enum mail_flags new_flags, enum junk_keywords keywords);
/* Returns TRUE if a message is evidence of good mail because it is kept in this
   mailbox. It must also have been there for some time. */
bool junk_decide_is_kept(enum junk_box box, enum mail_flags flags,
			 enum junk_keywords keywords);

#endif

#ifndef JUNK_MAILBOX_H
#define JUNK_MAILBOX_H

#include "junk-decision.h"

struct mailbox;
struct mail_user;

/* Name patterns for what SPECIAL-USE doesn't say: NULL-terminated lists of
   folded masks (junk-folder-name.h) with * and ?, matched against the full name,
   the name without its namespace's prefix, and without "INBOX/". */
struct junk_mailbox_names {
	const char *const *junk, *const *trash, *const *ignore, *const *unsure;
	/* beside those, what clients call their junk folder in any language */
	bool usual_junk;
	/* where lazy_expunge moves to: a mailbox or a namespace's prefix; NULL
	   if it isn't used */
	const char *lazy_expunge;
};

/* Split a setting at its commas (names have spaces), and fold the names. */
const char *const *junk_mailbox_names_split(pool_t pool, const char *value);

/* By special use, e.g. "\\Junk \\Important". Returns FALSE if it says
   nothing. */
bool junk_mailbox_kind_by_special_use(const char *special_use,
				      enum junk_box *kind_r);
/* By the name alone, parents not considered. Returns FALSE if no pattern
   matches and it isn't INBOX. */
bool junk_mailbox_kind_by_name(const struct junk_mailbox_names *names,
			       const char *vname, const char *prefix, char sep,
			       enum junk_box *kind_r);

/* The kind of an allocated mailbox of the user's. A child of Junk, Trash, ... is
   what its nearest parent is. A mailbox has one kind, also if it is reached through
   another namespace or under an alias. */
enum junk_box junk_mailbox_kind(const struct junk_mailbox_names *names,
				struct mail_user *user, struct mailbox *box);
/* TRUE if its messages are those of other mailboxes. */
bool junk_mailbox_is_virtual(struct mailbox *box);

#endif

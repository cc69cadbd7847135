#ifndef JUNK_MAILBOX_H
#define JUNK_MAILBOX_H

#include "junk-decision.h"

struct mailbox;

/* Name patterns for what SPECIAL-USE doesn't say: NULL-terminated lists of
   masks with * and ?, matched without regard to ASCII case against the full
   name, the name without its namespace's prefix, and without "INBOX/". */
struct junk_mailbox_names {
	const char *const *junk, *const *trash, *const *ignore, *const *unsure;
	/* where lazy_expunge moves to: a mailbox or a namespace's prefix; NULL
	   if it isn't used */
	const char *lazy_expunge;
};

/* Split a setting at its commas: names have spaces. */
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

/* The kind of an allocated mailbox. A child of Junk, Trash, ... is what its
   nearest parent is. */
enum junk_box junk_mailbox_kind(const struct junk_mailbox_names *names,
				struct mailbox *box);
/* TRUE if its messages are those of other mailboxes. */
bool junk_mailbox_is_virtual(struct mailbox *box);

#endif

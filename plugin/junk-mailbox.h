#ifndef JUNK_MAILBOX_H
#define JUNK_MAILBOX_H

#include "junk-decision.h"

struct mailbox;
struct mail_user;

/* Name patterns for mailboxes without SPECIAL-USE: NULL-terminated lists of
   folded patterns (junk-folder-name.h) with * and ?. They are matched against
   the full name, the name without its namespace's prefix, and the name without
   "INBOX/". */
struct junk_mailbox_names {
	const char *const *junk, *const *trash, *const *ignore, *const *unsure;
	const char *const *sent;
	/* also the names that clients give their junk folder, in any
	   language */
	bool usual_junk;
	/* target of lazy_expunge: a mailbox or a namespace's prefix; NULL if it
	   isn't used */
	const char *lazy_expunge;
};

/* Split a setting at commas (names may have spaces) and fold the names. */
const char *const *junk_mailbox_names_split(pool_t pool, const char *value);

/* Get the kind by special use, e.g. "\\Junk \\Important". Returns FALSE if
   there is none. */
bool junk_mailbox_kind_by_special_use(const char *special_use,
				      enum junk_box *kind_r);
/* Get the kind by the name alone, without its parents. Returns FALSE if no
   pattern matches and it isn't INBOX. */
bool junk_mailbox_kind_by_name(const struct junk_mailbox_names *names,
			       const char *vname, const char *prefix, char sep,
			       enum junk_box *kind_r);

/* Returns the kind of a user's mailbox, which must be allocated. A child of
   Junk, Trash and so on has the kind of its nearest parent. A mailbox has the
   same kind in another namespace or under an alias. */
enum junk_box junk_mailbox_kind(const struct junk_mailbox_names *names,
				struct mail_user *user, struct mailbox *box);
/* Returns TRUE if the mailbox is virtual, i.e. shows messages of other
   mailboxes. */
bool junk_mailbox_is_virtual(struct mailbox *box);

#endif

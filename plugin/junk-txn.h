#ifndef JUNK_TXN_H
#define JUNK_TXN_H

#include "junk-decision.h"
#include "junk-intent.h"
#include "junk-trail.h"
#include "junk-feedback-user.h"

/* A transaction of the notify plugin, from its first message to its commit: each
   callback asks junk-decision.c and keeps the message, read or by its open file (it
   may be gone a moment later); after the commit it is tokenised and reported, when
   the client has its answer (junk-later.h).

   Only what an IMAP command of the user does is an action of the user: a
   transaction's reason is the command, or the name of a C function where Sieve,
   lazy_expunge, dsync and other movers have begun it. */

struct mail;
struct mail_transaction_commit_changes;
struct mailbox_transaction_context;

/* A client's own filter moves what it has marked within this time. */
#define AUTOMATIC_MOVE_SECS 60

/* UIDs, or a message's key. */
struct junk_trail_add {
	enum junk_trail_type type;
	uint64_t key;
	uint32_t first, last;
};

/* Messages that are found by where they are after the commit: the numbers of
   saved ones, from 0, or UIDs. */
struct junk_rest {
	/* as of the first, the others are like it */
	struct junk_pending pending;
	bool kept;
	uint32_t first, last;
};

/* Saved messages, counted from 0, that come from Junk and go to Trash. */
struct junk_trashed {
	unsigned int first, last;
};

struct junk_kind {
	struct mailbox *box;
	enum junk_box kind;
};

/* A message that was copied or moved out of Junk; the name is its mailbox', which
   outlives the transaction. */
struct junk_left {
	const char *vname;
	uint32_t uid;
};

/* A message that a client has stored, and that was deleted nowhere yet. */
struct junk_appended {
	enum junk_trail_type deleted;
	uint64_t key;
	/* the last APPEND of the same in the trail, as it was looked at then */
	unsigned int last_place, generation;
	/* the report if it is the second half of a move */
	struct junk_pending pending;
};

struct junk_txn {
	struct junk_txn *next_spare;

	struct junk_user *juser;
	struct mailbox *box;
	/* of the last message, and of what it was copied from */
	struct junk_kind kind, src_kind;

	buffer_t *tokens;
	ARRAY(struct junk_pending) pending;
	ARRAY(struct junk_trail_add) trail;
	/* not created if there is none */
	ARRAY(struct junk_left) left;
	ARRAY(struct junk_trashed) trashed;
	ARRAY(struct junk_rest) rest;
	ARRAY(struct junk_appended) appended;
	/* the mailbox that those are saved to */
	const char *trash_vname;
	/* of those that are reported later: all that can be found then, and
	   those that have to be */
	ARRAY_TYPE(junk_intent) intents, unread;
	/* can't be reported: too many at once */
	unsigned int dropped_count;
	unsigned int saved_count, deleted_count;
	/* of the messages in pending that are yet to be tokenised */
	size_t read_bytes;

	bool is_virtual:1;
	bool command_known:1;
	bool is_command:1;
	/* STORE FLAGS: those that aren't named are taken off */
	bool is_replacing:1;
};

/* --- junk-txn.c --- */

void *junk_transaction_begin(struct mailbox_transaction_context *t);
void junk_transaction_end(struct junk_txn *txn);
/* Is it the user who does this? (The reason isn't set yet when the transaction
   begins.) */
bool junk_txn_is_users(struct junk_txn *txn,
		       struct mailbox_transaction_context *t);
/* A virtual mailbox only shows a message: where it really is, or is saved to.
   (What virtual mailboxes do to others isn't an action of the user's.) */
struct mail *junk_txn_real_mail(struct junk_txn *txn, struct mail *mail);
/* Most often it is the same mailbox as for the last message. */
enum junk_box junk_kind_get(struct junk_txn *txn, struct junk_kind *kind,
			    struct mailbox *box);
/* Report the mail, whose tokens are needed now. again: if it can't be read, it
   is tried again. */
int junk_txn_add_now(struct junk_txn *txn, struct mail *mail,
		     enum junk_verdict verdict, enum junk_origin origin,
		     bool again);
/* Report a message that isn't read before it is committed: it is one of very many,
   or can't be read sooner. */
void junk_txn_add_rest(struct junk_txn *txn, const struct junk_pending *pending,
		       bool kept);
/* Sdbox's with attachments in files of their own can't be read before they are
   there. */
void junk_txn_add_unread(struct junk_txn *txn, struct mail *mail);
/* No room for the tokens of another message? */
bool junk_txn_is_full(const struct junk_txn *txn);
/* Report the mail, which can be tokenised later. saved_idx: see there. kept: ham
   only if the message isn't moved to Trash next. */
int junk_txn_add(struct junk_txn *txn, struct mail *mail,
		 enum junk_verdict verdict, enum junk_origin origin,
		 unsigned int saved_idx, bool kept);
struct junk_pending *junk_txn_last(struct junk_txn *txn);
void junk_txn_remove_last(struct junk_txn *txn);
void junk_txn_add_trail(struct junk_txn *txn, enum junk_trail_type type,
			uint64_t key);
/* Messages come in the order of their UIDs, mostly. */
void junk_txn_add_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
			    uint64_t box_key, uint32_t uid);
uint64_t junk_box_key(struct mailbox *box);
bool junk_txn_find_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
			     struct mail *mail, time_t since);
bool junk_txn_find_trail(struct junk_txn *txn, enum junk_trail_type type,
			 uint64_t key, time_t since);
/* A keyword that said it is good mail doesn't count if it is thrown away all the
   same, from Junk: some clients set it on each message that leaves. */
void junk_txn_unmark(struct junk_txn *txn, struct mail *mail,
		     unsigned int saved_idx);
/* Frees those that are kept to be used again. */
void junk_txn_free_spares(void);

/* --- callbacks of the notify plugin --- */

void junk_transaction_commit(void *_txn,
			     struct mail_transaction_commit_changes *changes);
void junk_transaction_rollback(void *_txn);
void junk_mail_save(void *_txn, struct mail *mail);
void junk_mail_copy(void *_txn, struct mail *src, struct mail *dst);
void junk_mail_update_flags(void *_txn, struct mail *mail,
			    enum mail_flags old_flags);
void junk_mail_update_keywords(void *_txn, struct mail *mail,
			       const char *const *old_keywords);
/* (time_t)-1: the client didn't say, it is now. */
bool junk_time_is_old(time_t received);

#endif

#ifndef JUNK_TXN_H
#define JUNK_TXN_H

#include "junk-decision.h"
#include "junk-intent.h"
#include "junk-trail.h"
#include "junk-feedback-user.h"

/* A transaction of the notify plugin. Each callback asks junk-decision.c and
   keeps the message, as a copy or by its open file, since it may be expunged a
   moment later. After the commit the message is tokenised and reported, when
   the client has its answer (junk-later.h).

   Only IMAP commands of the user are actions of the user. A transaction's
   reason is the command, or the name of a C function if Sieve, lazy_expunge,
   dsync or another mover has begun it. */

struct mail;
struct mail_transaction_commit_changes;
struct mailbox_transaction_context;

/* A client's own filter moves messages within this time after it has marked
   them. */
#define AUTOMATIC_MOVE_SECS 60
/* A user's own mark comes with \Seen before or right after it. A message that
   is marked as seen later is one that the user reads. */
#define AUTOMATIC_SEEN_SECS 1

/* A record for the trail: a range of UIDs, or a message's key (first = 0). */
struct junk_trail_add {
	enum junk_trail_type type;
	uint64_t key;
	uint32_t first, last;
};

/* Messages that are found after the commit by the index among the saved ones,
   from 0, or by UID. */
struct junk_rest {
	/* the pending report of the first one; it holds for all of them */
	struct junk_pending pending;
	bool kept;
	uint32_t first, last;
};

/* Indexes of saved messages that come from Junk and go to Trash. */
struct junk_trashed {
	unsigned int first, last;
};

struct junk_kind {
	struct mailbox *box;
	enum junk_box kind;
};

/* A message that was copied or moved out of Junk. The name belongs to its
   mailbox, which outlives the transaction. */
struct junk_left {
	const char *vname;
	uint32_t uid;
};

/* A message that a client has appended and that wasn't deleted elsewhere
   yet. */
struct junk_appended {
	enum junk_trail_type deleted;
	uint64_t key;
	/* place of the message's last APPEND in the trail, and the trail's
	   generation at that time */
	unsigned int last_place, generation;
	/* the report, if this APPEND proves to be the second half of a move */
	struct junk_pending pending;
};

struct junk_txn {
	struct junk_txn *next_spare;

	struct junk_user *juser;
	struct mailbox *box;
	/* kinds of the last message's mailbox and of its source mailbox */
	struct junk_kind kind, src_kind;

	buffer_t *tokens;
	ARRAY(struct junk_pending) pending;
	ARRAY(struct junk_trail_add) trail;
	/* these arrays are created when they are needed */
	ARRAY(struct junk_left) left;
	ARRAY(struct junk_trashed) trashed;
	ARRAY(struct junk_rest) rest;
	ARRAY(struct junk_appended) appended;
	/* name of the mailbox that trashed messages are saved to */
	const char *trash_vname;
	/* UIDs of all messages that are reported later, and of those that
	   aren't read yet */
	ARRAY_TYPE(junk_intent) intents, unread;
	/* number of messages that can't be reported: too many at once */
	unsigned int dropped_count;
	unsigned int saved_count, deleted_count;
	/* bytes of the messages in pending that aren't tokenised yet */
	size_t read_bytes;

	bool is_virtual:1;
	bool command_known:1;
	bool is_command:1;
	/* STORE FLAGS: the client replaces all flags */
	bool is_replacing:1;
};

/* --- junk-txn.c --- */

void *junk_transaction_begin(struct mailbox_transaction_context *t);
void junk_transaction_end(struct junk_txn *txn);
/* Returns TRUE if a command of the user has begun the transaction. Its reason
   isn't set yet when the transaction begins. */
bool junk_txn_is_users(struct junk_txn *txn,
		       struct mailbox_transaction_context *t);
/* Returns the message in the mailbox that really holds it, if the mailbox is
   virtual. Changes that virtual mailboxes make to others aren't actions of the
   user. */
struct mail *junk_txn_real_mail(struct junk_txn *txn, struct mail *mail);
/* Returns the kind of a mailbox, which is usually that of the last
   message's. */
enum junk_box junk_kind_get(struct junk_txn *txn, struct junk_kind *kind,
			    struct mailbox *box);
/* Report a mail whose tokens are needed now. again: on error, the caller will
   try again. Returns 0, or -1 if it can't be read. */
int junk_txn_add_now(struct junk_txn *txn, struct mail *mail,
		     enum junk_verdict verdict, enum junk_origin origin,
		     bool again);
/* Report a message that is read only after the commit: one of a very large set,
   or one that can't be read before. */
void junk_txn_add_rest(struct junk_txn *txn, const struct junk_pending *pending,
		       bool kept);
/* Report an appended message that can be read only after the commit, such as
   one in sdbox with external attachments. */
void junk_txn_add_unread(struct junk_txn *txn, struct mail *mail);
/* Returns TRUE if there is no room for the tokens of another message. */
bool junk_txn_is_full(const struct junk_txn *txn);
/* Report a mail that can be tokenised later. saved_idx, kept: see struct
   junk_pending. Returns 0, or -1 if it can't be read. */
int junk_txn_add(struct junk_txn *txn, struct mail *mail,
		 enum junk_verdict verdict, enum junk_origin origin,
		 unsigned int saved_idx, bool kept);
struct junk_pending *junk_txn_last(struct junk_txn *txn);
void junk_txn_remove_last(struct junk_txn *txn);
void junk_txn_add_trail(struct junk_txn *txn, enum junk_trail_type type,
			uint64_t key);
/* Add a UID to the trail. Ranges are merged, since messages mostly come in the
   order of their UIDs. */
void junk_txn_add_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
			    uint64_t box_key, uint32_t uid);
uint64_t junk_box_key(struct mailbox *box);
bool junk_txn_find_trail_uid(struct junk_txn *txn, enum junk_trail_type type,
			     struct mail *mail, time_t since);
bool junk_txn_find_trail(struct junk_txn *txn, enum junk_trail_type type,
			 uint64_t key, time_t since);
/* Take back a not-junk keyword: it doesn't count if the message is then moved
   from Junk to Trash, since some clients set it on each message that leaves. */
void junk_txn_unmark(struct junk_txn *txn, struct mail *mail,
		     unsigned int saved_idx);
/* Free the transactions in the free list. */
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
/* Returns TRUE if the message is too old to be new mail. (time_t)-1 = the
   client gave no date, so it is new. */
bool junk_time_is_old(time_t received);

#endif

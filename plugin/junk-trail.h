#ifndef JUNK_TRAIL_H
#define JUNK_TRAIL_H

/* What left a Junk mailbox, or came to others, without a verdict of its own:
   a small file in the user's control directory, shared by the user's sessions.

   Clients' habits need it. Junk -> Trash says nothing, but what then goes
   from Trash to INBOX was rescued from Junk. A client that moves by APPEND
   and a deletion, in either order and perhaps on two connections, is
   recognised by the message's digest. And a junk keyword may be taken off in
   one command or connection, and the opposite one set in the next.

   A command is about a set of any size, which takes a record for each range of
   UIDs in a mailbox; only what is known by its content takes one a message.

   file: records of 24 bytes, little-endian, appended
     0  u32 time, seconds since 1970
     4  u8  type
     5  3   zero bytes
     8  u64 key
    16  u32 first UID, 0 = the key is a message's
    20  u32 last UID
 */

#define JUNK_TRAIL_FNAME "junk-feedback.trail"
/* When the file has so many records, its older half is dropped. */
#define JUNK_TRAIL_MAX_RECORDS 32768
/* The maximum time between a deletion and an APPEND of the same move. */
#define JUNK_TRAIL_PAIR_SECS (15*60)

enum junk_trail_type {
	/* moved from Junk to Trash, kept as long as there is room; key: of the
	   GUID, or UIDs in Trash */
	JUNK_TRAIL_TRASHED = 1,
	/* deleted from Junk; key: of the digest */
	JUNK_TRAIL_DELETED = 2,
	/* appended to another mailbox; key: of the digest */
	JUNK_TRAIL_APPENDED = 3,
	/* the junk keyword was taken off; UIDs */
	JUNK_TRAIL_WAS_JUNK = 4,
	/* copied out of Junk, where it still is; UIDs there */
	JUNK_TRAIL_COPIED = 5,
	/* deleted from another mailbox than Junk, and appended to Junk: old
	   messages, of which one without the other is an import; key: of the
	   digest */
	JUNK_TRAIL_REMOVED = 6,
	JUNK_TRAIL_APPENDED_JUNK = 7,
	/* marked as junk by a client's own filter; UIDs */
	JUNK_TRAIL_AUTOMATIC = 8,
};

struct junk_trail;

/* Touches no file. The path is copied. */
struct junk_trail *junk_trail_init(const char *control_dir);
void junk_trail_deinit(struct junk_trail **trail);

uint64_t junk_trail_key(const void *data, size_t size);
/* Returns the key of a mailbox, for records with UIDs. */
uint64_t junk_trail_box_key(const char *vname, uint32_t uid_validity);

/* Returns the type of the other half of a move by APPEND, for DELETED or
   REMOVED. */
enum junk_trail_type junk_trail_appended(enum junk_trail_type deleted);

/* Add records; junk_trail_write() appends them to the file. */
void junk_trail_add(struct junk_trail *trail, enum junk_trail_type type,
		    uint64_t key, time_t now);
void junk_trail_add_uids(struct junk_trail *trail, enum junk_trail_type type,
			 uint64_t box_key, uint32_t first, uint32_t last,
			 time_t now);
/* Append the added records to the file. Returns 0, or -1 and error_r. */
int junk_trail_write(struct junk_trail *trail, const char **error_r);
/* Returns a number that changes when other sessions may have written.
   junk_trail_find() and junk_trail_write() detect that. */
unsigned int junk_trail_generation(const struct junk_trail *trail);
/* Drop the records that weren't written. */
void junk_trail_rollback(struct junk_trail *trail);

/* Returns TRUE if any session has recorded this at or after a time (0 = ever).
   The file is read again if it has changed. If it is missing, unreadable or
   invalid, the result is FALSE. */
bool junk_trail_find(struct junk_trail *trail, enum junk_trail_type type,
		     uint64_t key, time_t since, time_t now);
/* As above for a message of a mailbox. Returns 0 if there is no record,
   otherwise a number that increases with the position in the file. */
unsigned int
junk_trail_find_uid(struct junk_trail *trail, enum junk_trail_type type,
		    uint64_t box_key, uint32_t uid, time_t since, time_t now);

#endif

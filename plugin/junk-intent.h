#ifndef JUNK_INTENT_H
#define JUNK_INTENT_H

#include "junk-report.h"
#include "guid.h"

/* Which messages a session is yet to report: a small file in the user's
   control directory, written before the client has its answer and emptied when
   the reports are in the service's socket or in the spool. If the process is
   killed in between, the user's next session finds the file and reports them.

   A session has a file of its own, which it keeps locked: what isn't locked
   was left behind. The lock is of the open file, not of the process, which may
   serve several users.

   file: records of 56 bytes, little-endian
     0  u32 magic "JFI2"
     4  u8  verdict
     5  u8  origin
     6  u8  1 = only if the message isn't moved to Trash next
     7  u8  0
     8  u64 stamp, microseconds since 1970
    16  16  GUID of the mailbox that the message is in
    32  u32 its UIDVALIDITY
    36  u32 the message's UID, or the first of many
    40  u32 the last one's
    44  u32 0
    48  u64 XXH3 of the 48 bytes before
 */

#define JUNK_INTENT_FNAME_PREFIX "junk-feedback.intent."
/* Number of a user's sessions that can have a file at the same time. Further
   sessions report before they answer. */
#define JUNK_INTENT_SLOTS 8
/* Maximum number of records in one file. */
#define JUNK_INTENT_MAX_RECORDS 8192

struct junk_intent {
	enum junk_verdict verdict;
	enum junk_origin origin;
	bool kept;
	uint64_t stamp_usecs;
	guid_128_t mailbox_guid;
	uint32_t uid_validity, uid;
	/* UID of the last message of a range; 0 = only the first */
	uint32_t last_uid;
};
ARRAY_DEFINE_TYPE(junk_intent, struct junk_intent);

struct junk_intents;

/* Opens no file. The path is copied. */
struct junk_intents *junk_intents_init(const char *control_dir);
/* Records that weren't cleared stay for the next session. */
void junk_intents_deinit(struct junk_intents **intents);

/* Returns TRUE if any session has such a file. */
bool junk_intents_exist(struct junk_intents *intents);
/* Take over the records of killed sessions. Invalid ones are skipped. The files
   stay until junk_intents_clear(). */
void junk_intents_recover(struct junk_intents *intents,
			  ARRAY_TYPE(junk_intent) *dest);

/* Add a record. junk_intents_write() writes the added records to the file. It
   returns 0, or -1 if there is no place for them; error_r says why, or is NULL
   if there are too many already. */
void junk_intents_add(struct junk_intents *intents,
		      const struct junk_intent *intent);
int junk_intents_write(struct junk_intents *intents, const char **error_r);
/* Remove all records: all messages were reported. */
void junk_intents_clear(struct junk_intents *intents);

#endif

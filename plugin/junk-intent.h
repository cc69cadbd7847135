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
/* Sessions of a user that report at the same time; others report before
   they answer. */
#define JUNK_INTENT_SLOTS 8
/* In one file. */
#define JUNK_INTENT_MAX_RECORDS 8192

struct junk_intent {
	enum junk_verdict verdict;
	enum junk_origin origin;
	bool kept;
	uint64_t stamp_usecs;
	guid_128_t mailbox_guid;
	uint32_t uid_validity, uid;
	/* all up to this; 0 = that one alone */
	uint32_t last_uid;
};
ARRAY_DEFINE_TYPE(junk_intent, struct junk_intent);

struct junk_intents;

/* Touches no file. The path is copied. */
struct junk_intents *junk_intents_init(const char *control_dir);
/* Leaves what wasn't cleared for the next session. */
void junk_intents_deinit(struct junk_intents **intents);

/* Has any session something to report? */
bool junk_intents_exist(struct junk_intents *intents);
/* Take over what was left behind; what makes no sense is skipped. The files
   stay until junk_intents_clear(). */
void junk_intents_recover(struct junk_intents *intents,
			  ARRAY_TYPE(junk_intent) *dest);

/* Write down one. It is in the file after junk_intents_write(), which returns
   0, or -1 if there is no place for it and error_r says why: NULL, or that
   there are already too many. */
void junk_intents_add(struct junk_intents *intents,
		      const struct junk_intent *intent);
int junk_intents_write(struct junk_intents *intents, const char **error_r);
/* All were reported. */
void junk_intents_clear(struct junk_intents *intents);

#endif

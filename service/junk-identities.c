/* Which uid may report as which identity. If each user has a uid, an identity
   belongs to the first uid that has used it, and a uid may have only few. So
   nobody can report as another user, or as many. */

#include "lib.h"
#include "junk-recorder-private.h"

#define DAY_SECS 86400

static int
junk_identities_add(struct junk_recorder *recorder, uint64_t identity,
		    uint64_t uid, int64_t day)
{
	unsigned int count;

	if (junk_db_identity_count(recorder->db, uid, &count) < 0)
		return -1;
	if (count >= recorder->set.uid_identities)
		return 0;
	return junk_db_identity_set(recorder->db, identity, uid, day) < 0 ?
		-1 : 1;
}

int junk_identities_check(struct junk_recorder *recorder,
			  const struct junk_report *report, time_t now)
{
	const uint64_t identity =
		junk_key_identity(recorder->key, report->reporter);
	const uint64_t uid = junk_key_uid(recorder->key, report->uid);
	const int64_t today = (int64_t)now / DAY_SECS * DAY_SECS;
	uint64_t owner;
	int64_t day;
	int ret;

	ret = junk_db_identity_find(recorder->db, identity, &owner, &day);
	if (ret <= 0) {
		return ret < 0 ? -1 :
			junk_identities_add(recorder, identity, uid, today);
	}
	if (owner != uid)
		return 0;
	if (day < today && junk_db_identity_set(recorder->db, identity, uid,
						today) < 0)
		return -1;
	return 1;
}

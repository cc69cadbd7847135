#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "byteorder.h"
#include "junk-user-file.h"
#include "junk-intent.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#define RECORD_BYTES 56
#define HASHED_BYTES 48
#define RECORD_MAGIC 0x3249464a
#define MAX_FILE_BYTES (JUNK_INTENT_MAX_RECORDS * RECORD_BYTES)

struct junk_intents {
	char *prefix;
	/* this session's file, -1 = not open yet */
	int fd;
	unsigned int slot;
	off_t size;
	/* records to be written */
	buffer_t *output;
	/* files taken over from killed sessions, -1 = none */
	int left_fds[JUNK_INTENT_SLOTS];
};

struct junk_intents *junk_intents_init(const char *control_dir)
{
	struct junk_intents *intents = i_new(struct junk_intents, 1);

	intents->prefix = i_strconcat(control_dir,
				      "/"JUNK_INTENT_FNAME_PREFIX, NULL);
	intents->fd = -1;
	intents->output = buffer_create_dynamic(default_pool, RECORD_BYTES * 4);
	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++)
		intents->left_fds[i] = -1;
	return intents;
}

static const char *
junk_intents_path(struct junk_intents *intents, unsigned int slot)
{
	return t_strdup_printf("%s%u", intents->prefix, slot);
}

/* Remove a file that is no longer needed, whose lock is held. */
static void
junk_intents_remove(struct junk_intents *intents, unsigned int slot, int *fd)
{
	T_BEGIN {
		(void)unlink(junk_intents_path(intents, slot));
	} T_END;
	i_close_fd(fd);
}

void junk_intents_deinit(struct junk_intents **_intents)
{
	struct junk_intents *intents = *_intents;

	if (intents == NULL)
		return;
	*_intents = NULL;
	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++)
		i_close_fd(&intents->left_fds[i]);
	if (intents->fd != -1 && intents->size == 0)
		junk_intents_remove(intents, intents->slot, &intents->fd);
	i_close_fd(&intents->fd);
	buffer_free(&intents->output);
	i_free(intents->prefix);
	i_free(intents);
}

bool junk_intents_exist(struct junk_intents *intents)
{
	struct stat st;
	bool exist = FALSE;

	T_BEGIN {
		for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++) {
			if (lstat(junk_intents_path(intents, i), &st) == 0 &&
			    S_ISREG(st.st_mode) && st.st_size > 0)
				exist = TRUE;
		}
	} T_END;
	return exist;
}

/* Open and lock the slot's file. Returns its descriptor, or -1 and error_r,
   which is NULL if another session has it or (without O_CREAT) if it doesn't
   exist. */
static int
junk_intents_lock(struct junk_intents *intents, unsigned int slot, int flags,
		  struct stat *st_r, const char **error_r)
{
	int fd;

	fd = junk_user_file_open(junk_intents_path(intents, slot),
				 flags | O_RDWR, UOFF_T_MAX, st_r, error_r);
	if (fd == -1)
		return -1;
	*error_r = NULL;
	/* another session may have removed it since it was opened */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, st_r) < 0 ||
	    st_r->st_nlink == 0)
		i_close_fd(&fd);
	return fd;
}

/* --- records --- */

static void
junk_intent_encode(const struct junk_intent *intent,
		   unsigned char record[RECORD_BYTES])
{
	memset(record, 0, RECORD_BYTES);
	cpu32_to_le_unaligned(RECORD_MAGIC, record);
	record[4] = (unsigned char)intent->verdict;
	record[5] = (unsigned char)intent->origin;
	record[6] = intent->kept ? 1 : 0;
	cpu64_to_le_unaligned(intent->stamp_usecs, record + 8);
	memcpy(record + 16, intent->mailbox_guid, GUID_128_SIZE);
	cpu32_to_le_unaligned(intent->uid_validity, record + 32);
	cpu32_to_le_unaligned(intent->uid, record + 36);
	cpu32_to_le_unaligned(intent->last_uid, record + 40);
	cpu64_to_le_unaligned(XXH3_64bits(record, HASHED_BYTES),
			      record + HASHED_BYTES);
}

static bool
junk_intent_decode(const unsigned char record[RECORD_BYTES],
		   struct junk_intent *intent_r)
{
	i_zero(intent_r);
	if (le32_to_cpu_unaligned(record) != RECORD_MAGIC ||
	    le64_to_cpu_unaligned(record + HASHED_BYTES) !=
	    XXH3_64bits(record, HASHED_BYTES))
		return FALSE;
	intent_r->verdict = (enum junk_verdict)record[4];
	intent_r->origin = (enum junk_origin)record[5];
	intent_r->kept = record[6] != 0;
	intent_r->stamp_usecs = le64_to_cpu_unaligned(record + 8);
	memcpy(intent_r->mailbox_guid, record + 16, GUID_128_SIZE);
	intent_r->uid_validity = le32_to_cpu_unaligned(record + 32);
	intent_r->uid = le32_to_cpu_unaligned(record + 36);
	intent_r->last_uid = le32_to_cpu_unaligned(record + 40);
	return intent_r->verdict >= JUNK_VERDICT_SPAM &&
		intent_r->verdict <= JUNK_VERDICT_RETRACT &&
		intent_r->origin >= JUNK_ORIGIN_MOVE &&
		intent_r->origin <= JUNK_ORIGIN_ACTION &&
		intent_r->uid != 0;
}

/* --- what was left behind --- */

static void
junk_intents_read(int fd, off_t size, ARRAY_TYPE(junk_intent) *dest)
{
	unsigned char record[RECORD_BYTES];
	struct junk_intent intent;

	size = I_MIN(size, MAX_FILE_BYTES);
	for (off_t pos = 0; pos + RECORD_BYTES <= size; pos += RECORD_BYTES) {
		if (pread(fd, record, sizeof(record), pos) != sizeof(record))
			break;
		if (junk_intent_decode(record, &intent))
			array_push_back(dest, &intent);
	}
}

void junk_intents_recover(struct junk_intents *intents,
			  ARRAY_TYPE(junk_intent) *dest)
{
	struct stat st;
	const char *error;
	int fd;

	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++) {
		if (intents->left_fds[i] != -1 ||
		    (intents->fd != -1 && intents->slot == i))
			continue;
		/* a file that this user may not read is ignored */
		T_BEGIN {
			fd = junk_intents_lock(intents, i, 0, &st, &error);
		} T_END;
		if (fd == -1)
			continue;
		junk_intents_read(fd, st.st_size, dest);
		intents->left_fds[i] = fd;
	}
}

/* --- ours --- */

void junk_intents_add(struct junk_intents *intents,
		      const struct junk_intent *intent)
{
	junk_intent_encode(intent, buffer_append_space_unsafe(intents->output,
							      RECORD_BYTES));
}

/* Open the first file that is empty and not locked. */
static int junk_intents_open(struct junk_intents *intents, const char **error_r)
{
	struct stat st;
	const char *error;

	*error_r = NULL;
	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++) {
		if (intents->left_fds[i] != -1)
			continue;
		intents->fd = junk_intents_lock(intents, i, O_CREAT, &st,
						&error);
		if (intents->fd != -1 && st.st_size == 0) {
			intents->slot = i;
			return 0;
		}
		if (error != NULL)
			*error_r = error;
		i_close_fd(&intents->fd);
	}
	return -1;
}

static int
junk_intents_write_output(struct junk_intents *intents, const char **error_r)
{
	const buffer_t *output = intents->output;
	ssize_t ret;

	*error_r = NULL;
	if (intents->fd == -1 && junk_intents_open(intents, error_r) < 0)
		return -1;
	if (intents->size + (off_t)output->used > MAX_FILE_BYTES)
		return -1;
	ret = pwrite(intents->fd, output->data, output->used, intents->size);
	if (ret != (ssize_t)output->used) {
		if (ret >= 0)
			errno = ENOSPC;
		*error_r = t_strdup_printf("write(%s%u) failed: %m",
					   intents->prefix, intents->slot);
		return -1;
	}
	intents->size += ret;
	return 0;
}

int junk_intents_write(struct junk_intents *intents, const char **error_r)
{
	int ret = junk_intents_write_output(intents, error_r);

	buffer_set_used_size(intents->output, 0);
	return ret;
}

void junk_intents_clear(struct junk_intents *intents)
{
	for (unsigned int i = 0; i < JUNK_INTENT_SLOTS; i++) {
		if (intents->left_fds[i] != -1) {
			junk_intents_remove(intents, i,
					    &intents->left_fds[i]);
		}
	}
	if (intents->size == 0)
		return;
	if (ftruncate(intents->fd, 0) < 0) {
		/* if a report is sent twice, the service counts it once */
		return;
	}
	intents->size = 0;
}

/* The file in the control directory, little-endian:
     0  u32 magic
     4  u32 0
     8  the key, 16 random bytes
    24  entries, the oldest first, 8 bytes each: HMAC-SHA-256 of the address, cut
	to 64 bits, of which bit 0 is replaced: 1 = added by command
   It is changed in place under a lock, and read without one. What a crash leaves
   matches no address that wasn't in it before. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "byteorder.h"
#include "hmac.h"
#include "randgen.h"
#include "junk-allow-file.h"
#include "junk-limits.h"
#include "junk-sender.h"
#include "junk-user-file.h"
#include "junk-allow.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define ALLOW_MAGIC 0x314c414a
#define KEY_OFFSET 8
#define KEY_BYTES 16
#define HEADER_BYTES (KEY_OFFSET + KEY_BYTES)
#define ENTRY_BYTES 8
#define MAX_BYTES (HEADER_BYTES + JUNK_MAX_ALLOWED * ENTRY_BYTES)
/* Bit 0 of an entry. */
#define ENTRY_ADDED 1
/* So many of the oldest entries make room for others. */
#define DROP_COUNT (JUNK_MAX_ALLOWED / 8)

struct allow_list {
	const char *path;
	/* the file, open and locked while it is changed */
	int fd;
	/* its content, header included; empty = there is none */
	buffer_t *data;
};

/* --- the file --- */

static int allow_read(struct allow_list *list, const char **error_r)
{
	unsigned char *data = buffer_append_space_unsafe(list->data, MAX_BYTES);
	size_t size = 0;
	ssize_t ret;

	ret = pread(list->fd, data, MAX_BYTES, 0);
	if (ret < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m", list->path);
		return -1;
	}
	if (ret >= HEADER_BYTES && le32_to_cpu_unaligned(data) == ALLOW_MAGIC)
		size = (size_t)ret;
	buffer_set_used_size(list->data, size);
	return 0;
}

static void allow_init(struct allow_list *list, const char *control_dir)
{
	list->path = t_strconcat(control_dir, "/"JUNK_ALLOW_FNAME, NULL);
	list->fd = -1;
	list->data = t_buffer_create(MAX_BYTES);
}

static int allow_open(struct allow_list *list, const char *control_dir,
		      const char **error_r)
{
	struct stat st;
	int ret;

	allow_init(list, control_dir);
	list->fd = junk_user_file_open(list->path, O_RDONLY, UOFF_T_MAX, &st,
				       error_r);
	if (list->fd == -1)
		return errno == ENOENT ? 0 : -1;
	ret = allow_read(list, error_r);
	i_close_fd(&list->fd);
	return ret;
}

static int allow_lock(struct allow_list *list, const char *control_dir,
		      int flags, const char **error_r)
{
	struct stat st;

	allow_init(list, control_dir);
	list->fd = junk_user_file_open(list->path, O_RDWR | flags, UOFF_T_MAX,
				       &st, error_r);
	if (list->fd == -1)
		return -1;
	if (flock(list->fd, LOCK_EX | LOCK_NB) < 0) {
		*error_r = errno == EWOULDBLOCK ? t_strdup_printf(
			"%s is in use: try again", list->path) :
			t_strdup_printf("flock(%s) failed: %m", list->path);
	} else if (allow_read(list, error_r) == 0) {
		return 0;
	}
	i_close_fd(&list->fd);
	return -1;
}

/* Write the list, unless it hasn't changed, and close it. */
static int
allow_unlock(struct allow_list *list, bool changed, const char **error_r)
{
	const buffer_t *data = list->data;
	int ret = 0;

	if (changed &&
	    (pwrite(list->fd, data->data, data->used, 0) !=
	     (ssize_t)data->used ||
	     ftruncate(list->fd, (off_t)data->used) < 0)) {
		*error_r = t_strdup_printf("write(%s) failed: %m", list->path);
		ret = -1;
	}
	i_close_fd(&list->fd);
	return ret;
}

static void allow_create(struct allow_list *list)
{
	unsigned char *data;

	if (list->data->used > 0)
		return;
	data = buffer_append_space_unsafe(list->data, HEADER_BYTES);
	memset(data, 0, HEADER_BYTES);
	cpu32_to_le_unaligned(ALLOW_MAGIC, data);
	random_fill(data + KEY_OFFSET, KEY_BYTES);
}

/* --- entries --- */

static unsigned int allow_entries(const struct allow_list *list)
{
	return list->data->used == 0 ? 0 : (unsigned int)
		((list->data->used - HEADER_BYTES) / ENTRY_BYTES);
}

static size_t entry_offset(unsigned int idx)
{
	return HEADER_BYTES + (size_t)idx * ENTRY_BYTES;
}

static uint64_t entry_get(const struct allow_list *list, unsigned int idx)
{
	return le64_to_cpu_unaligned(CONST_PTR_OFFSET(list->data->data,
						      entry_offset(idx)));
}

static void entry_set(struct allow_list *list, unsigned int idx, uint64_t entry)
{
	unsigned char data[ENTRY_BYTES];

	cpu64_to_le_unaligned(entry, data);
	buffer_write(list->data, entry_offset(idx), data, sizeof(data));
}

static uint64_t entry_hash(const struct allow_list *list, const char *address)
{
	const unsigned char *key =
		CONST_PTR_OFFSET(list->data->data, KEY_OFFSET);
	const buffer_t *hash = t_hmac_str(&hash_method_sha256, key, KEY_BYTES,
					  address);

	return le64_to_cpu_unaligned(hash->data) & ~(uint64_t)ENTRY_ADDED;
}

/* Returns the index of an address, UINT_MAX if it isn't there. */
static unsigned int
entry_find(const struct allow_list *list, const char *address)
{
	const unsigned int count = allow_entries(list);
	uint64_t hash = 0;

	if (count > 0) T_BEGIN {
		hash = entry_hash(list, address);
	} T_END;
	for (unsigned int i = 0; i < count; i++) {
		if ((entry_get(list, i) & ~(uint64_t)ENTRY_ADDED) == hash)
			return i;
	}
	return UINT_MAX;
}

/* Remove up to max of the oldest entries that were learned. Returns FALSE if
   there are none. */
static bool entries_drop(struct allow_list *list, unsigned int max)
{
	const unsigned int count = allow_entries(list);
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint64_t entry = entry_get(list, i);

		if (i - kept < max && (entry & ENTRY_ADDED) == 0)
			continue;
		entry_set(list, kept++, entry);
	}
	buffer_set_used_size(list->data, entry_offset(kept));
	return kept < count;
}

/* Returns TRUE if the list has changed. full_r: there is no room. */
static bool entry_add(struct allow_list *list, const char *address,
		      enum junk_allow how, bool *full_r)
{
	const uint64_t flag = how == JUNK_ALLOW_ADDED ? ENTRY_ADDED : 0;
	const unsigned int idx = entry_find(list, address);
	uint64_t entry;

	if (idx != UINT_MAX) {
		entry = entry_get(list, idx);
		entry_set(list, idx, entry | flag);
		return (entry | flag) != entry;
	}
	if (allow_entries(list) >= JUNK_MAX_ALLOWED &&
	    !entries_drop(list, DROP_COUNT)) {
		*full_r = TRUE;
		return FALSE;
	}
	T_BEGIN {
		entry = entry_hash(list, address);
	} T_END;
	entry_set(list, allow_entries(list), entry | flag);
	return TRUE;
}

static bool entry_remove(struct allow_list *list, const char *address,
			 enum junk_allow how)
{
	const unsigned int idx = entry_find(list, address);

	if (idx == UINT_MAX ||
	    (how == JUNK_ALLOW_WRITTEN &&
	     (entry_get(list, idx) & ENTRY_ADDED) != 0))
		return FALSE;
	buffer_delete(list->data, entry_offset(idx), ENTRY_BYTES);
	return TRUE;
}

/* --- public --- */

int junk_allow_find(const char *control_dir, const char *address,
		    enum junk_allow *how_r, const char **error_r)
{
	const char *domain = strchr(address, '@');
	struct allow_list list;
	unsigned int idx;

	*how_r = JUNK_ALLOW_NO;
	if (allow_open(&list, control_dir, error_r) < 0)
		return -1;
	idx = entry_find(&list, address);
	if (idx == UINT_MAX && domain != NULL)
		idx = entry_find(&list, domain);
	if (idx != UINT_MAX) {
		*how_r = (entry_get(&list, idx) & ENTRY_ADDED) != 0 ?
			JUNK_ALLOW_ADDED : JUNK_ALLOW_WRITTEN;
	}
	return 0;
}

int junk_allow_count(const char *control_dir, unsigned int *written_r,
		     unsigned int *added_r, const char **error_r)
{
	struct allow_list list;

	*written_r = *added_r = 0;
	if (allow_open(&list, control_dir, error_r) < 0)
		return -1;
	for (unsigned int i = 0; i < allow_entries(&list); i++) {
		if ((entry_get(&list, i) & ENTRY_ADDED) != 0)
			(*added_r)++;
		else
			(*written_r)++;
	}
	return 0;
}

int junk_allow_add(const char *control_dir, const char *const *addresses,
		   enum junk_allow how, const char **error_r)
{
	struct allow_list list;
	bool changed = FALSE, full = FALSE;

	if (allow_lock(&list, control_dir, O_CREAT, error_r) < 0)
		return -1;
	allow_create(&list);
	for (; *addresses != NULL; addresses++) {
		if (entry_add(&list, *addresses, how, &full))
			changed = TRUE;
	}
	if (allow_unlock(&list, changed, error_r) < 0)
		return -1;
	if (full && how == JUNK_ALLOW_ADDED) {
		*error_r = t_strdup_printf("%s has %d entries: remove some",
					   list.path, JUNK_MAX_ALLOWED);
		return -1;
	}
	return 0;
}

int junk_allow_remove(const char *control_dir, const char *const *addresses,
		      enum junk_allow how, unsigned int *removed_r,
		      const char **error_r)
{
	struct allow_list list;

	*removed_r = 0;
	if (allow_lock(&list, control_dir, 0, error_r) < 0)
		return errno == ENOENT ? 0 : -1;
	for (; *addresses != NULL; addresses++) {
		if (entry_remove(&list, *addresses, how))
			(*removed_r)++;
	}
	return allow_unlock(&list, *removed_r > 0, error_r);
}

int junk_allow_clear(const char *control_dir, const char **error_r)
{
	const char *path = t_strconcat(control_dir, "/"JUNK_ALLOW_FNAME, NULL);

	if (i_unlink_if_exists(path) < 0) {
		*error_r = t_strdup_printf("unlink(%s) failed: %m", path);
		return -1;
	}
	return 0;
}

static void recipient_add(const char *address, void *context)
{
	ARRAY_TYPE(const_string) *addresses = context;

	array_push_back(addresses, &address);
}

int junk_allow_add_recipients(const char *control_dir, struct istream *input,
			      const char **error_r)
{
	ARRAY_TYPE(const_string) addresses;

	t_array_init(&addresses, 8);
	junk_recipients_read(input, recipient_add, &addresses);
	if (array_count(&addresses) == 0)
		return 0;
	array_append_zero(&addresses);
	return junk_allow_add(control_dir, array_front(&addresses),
			      JUNK_ALLOW_WRITTEN, error_r);
}

bool junk_allow_message(struct istream *input, const char *authserv_ids,
			const char *allow_file, const char *control_dir,
			const char **error_r)
{
	const char *address = junk_sender_read(input, authserv_ids);
	enum junk_allow how = JUNK_ALLOW_NO;
	const char *error;
	int ret = 0;

	*error_r = NULL;
	if (address == NULL)
		return FALSE;
	if (*allow_file != '\0')
		ret = junk_allow_file_find(allow_file, address, error_r);
	if (ret > 0 || control_dir == NULL)
		return ret > 0;
	if (junk_allow_find(control_dir, address, &how, &error) < 0)
		*error_r = error;
	return how != JUNK_ALLOW_NO;
}

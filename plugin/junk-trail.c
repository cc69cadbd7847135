#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "byteorder.h"
#include "safe-mkstemp.h"
#include "write-full.h"
#include "junk-user-file.h"
#include "junk-trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#define RECORD_BYTES 24
#define MAX_FILE_BYTES (JUNK_TRAIL_MAX_RECORDS * RECORD_BYTES)
/* After so many searches of the same content it is sorted. */
#define SORT_FIND_COUNT 16

struct junk_trail {
	char *path;
	/* records to be written */
	buffer_t *output;
	/* the file's content when it had this size and mtime */
	buffer_t *content;
	struct stat st;
	unsigned int generation;
	unsigned int find_count;
	bool sorted;
};

struct junk_trail *junk_trail_init(const char *control_dir)
{
	struct junk_trail *trail;

	trail = i_new(struct junk_trail, 1);
	trail->path = i_strconcat(control_dir, "/"JUNK_TRAIL_FNAME, NULL);
	return trail;
}

void junk_trail_deinit(struct junk_trail **_trail)
{
	struct junk_trail *trail = *_trail;

	if (trail == NULL)
		return;
	*_trail = NULL;
	buffer_free(&trail->output);
	buffer_free(&trail->content);
	i_free(trail->path);
	i_free(trail);
}

uint64_t junk_trail_key(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

uint64_t junk_trail_box_key(const char *vname, uint32_t uid_validity)
{
	return XXH3_64bits_withSeed(vname, strlen(vname), uid_validity);
}

enum junk_trail_type junk_trail_appended(enum junk_trail_type deleted)
{
	return deleted == JUNK_TRAIL_DELETED ? JUNK_TRAIL_APPENDED :
		JUNK_TRAIL_APPENDED_JUNK;
}

void junk_trail_add(struct junk_trail *trail, enum junk_trail_type type,
		    uint64_t key, time_t now)
{
	junk_trail_add_uids(trail, type, key, 0, 0, now);
}

void junk_trail_add_uids(struct junk_trail *trail, enum junk_trail_type type,
			 uint64_t key, uint32_t first, uint32_t last,
			 time_t now)
{
	unsigned char record[RECORD_BYTES] = { 0 };

	if (trail->output == NULL)
		trail->output = buffer_create_dynamic(default_pool, 256);
	if (trail->output->used >= MAX_FILE_BYTES / 2)
		return;
	cpu32_to_le_unaligned((uint32_t)now, record);
	record[4] = (unsigned char)type;
	cpu64_to_le_unaligned(key, record + 8);
	cpu32_to_le_unaligned(first, record + 16);
	cpu32_to_le_unaligned(last, record + 20);
	buffer_append(trail->output, record, sizeof(record));
}

void junk_trail_rollback(struct junk_trail *trail)
{
	buffer_free(&trail->output);
}

/* Replace the file by its newer half. A record that another session appends at
   the same time may be lost, which loses a hint. */
static int junk_trail_compact(struct junk_trail *trail, int fd, off_t size,
			      const char **error_r)
{
	buffer_t *data = t_buffer_create(MAX_FILE_BYTES / 2);
	string_t *temp_path = t_str_new(128);
	off_t start = (size - MAX_FILE_BYTES / 2) / RECORD_BYTES * RECORD_BYTES;
	void *space = buffer_append_space_unsafe(data, MAX_FILE_BYTES / 2);
	int temp_fd, ret = 0;
	ssize_t got;

	got = pread(fd, space, MAX_FILE_BYTES / 2, start);
	if (got < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m", trail->path);
		return -1;
	}
	str_printfa(temp_path, "%s.", trail->path);
	temp_fd = safe_mkstemp(temp_path, 0600, (uid_t)-1, (gid_t)-1);
	if (temp_fd == -1 || write_full(temp_fd, space, (size_t)got) < 0 ||
	    rename(str_c(temp_path), trail->path) < 0) {
		*error_r = t_strdup_printf("replacing %s failed: %m",
					   trail->path);
		if (temp_fd != -1)
			i_unlink_if_exists(str_c(temp_path));
		ret = -1;
	}
	i_close_fd(&temp_fd);
	return ret;
}

/* Returns TRUE if the whole file was read, except the records just added. */
static bool junk_trail_was_read(const struct junk_trail *trail,
				const struct stat *st, size_t added)
{
	const off_t size = st->st_size - (off_t)added;

	if (trail->content == NULL)
		return size == 0;
	return st->st_ino == trail->st.st_ino && size == trail->st.st_size;
}

static int junk_trail_write_fd(struct junk_trail *trail, int fd,
			       const char **error_r)
{
	struct stat st;
	int ret = 0;

	/* an incomplete record, or any data of the user, must not shift the
	   following records */
	if (fstat(fd, &st) < 0 ||
	    (st.st_size % RECORD_BYTES != 0 &&
	     ftruncate(fd, st.st_size - st.st_size % RECORD_BYTES) < 0) ||
	    write_full(fd, trail->output->data, trail->output->used) < 0 ||
	    fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m",
					   trail->path);
		return -1;
	}
	if (!junk_trail_was_read(trail, &st, trail->output->used))
		trail->generation++;
	if (st.st_size >= MAX_FILE_BYTES) T_BEGIN {
		ret = junk_trail_compact(trail, fd, st.st_size, error_r);
	} T_END_PASS_STR_IF(ret < 0, error_r);
	return ret;
}

int junk_trail_write(struct junk_trail *trail, const char **error_r)
{
	struct stat st;
	int fd, ret = -1;

	if (trail->output == NULL || trail->output->used == 0)
		return 0;
	fd = junk_user_file_open(trail->path, O_RDWR | O_CREAT | O_APPEND,
				 UOFF_T_MAX, &st, error_r);
	if (fd != -1)
		ret = junk_trail_write_fd(trail, fd, error_r);
	i_close_fd(&fd);
	junk_trail_rollback(trail);
	return ret;
}

unsigned int junk_trail_generation(const struct junk_trail *trail)
{
	return trail->generation;
}

/* Store the position in the file in the three zero bytes of a sorted record. */
static void record_set_place(unsigned char *record, unsigned int place)
{
	record[5] = (unsigned char)(place >> 16);
	record[6] = (unsigned char)(place >> 8);
	record[7] = (unsigned char)place;
}

static unsigned int record_get_place(const unsigned char *record)
{
	return (unsigned int)record[5] << 16 | (unsigned int)record[6] << 8 |
		record[7];
}

static void junk_trail_refresh(struct junk_trail *trail)
{
	struct stat st;
	const char *error;
	size_t size;
	void *data;
	ssize_t ret;
	int fd;

	if (lstat(trail->path, &st) < 0) {
		buffer_free(&trail->content);
		return;
	}
	if (trail->content != NULL && st.st_ino == trail->st.st_ino &&
	    st.st_size == trail->st.st_size)
		return;
	buffer_free(&trail->content);
	/* the next write to the file logs the error */
	T_BEGIN {
		fd = junk_user_file_open(trail->path, O_RDONLY, UOFF_T_MAX,
					 &st, &error);
	} T_END;
	if (fd == -1)
		return;
	size = (size_t)I_MIN(st.st_size, (off_t)MAX_FILE_BYTES);
	trail->content = buffer_create_dynamic(default_pool, size + 1);
	data = buffer_append_space_unsafe(trail->content, size);
	ret = read(fd, data, size);
	buffer_set_used_size(trail->content, ret < 0 ? 0 : (size_t)ret /
			     RECORD_BYTES * RECORD_BYTES);
	i_close_fd(&fd);
	trail->st = st;
	trail->generation++;
	trail->find_count = 0;
	trail->sorted = FALSE;
	for (size_t pos = 0; pos < trail->content->used; pos += RECORD_BYTES) {
		record_set_place((unsigned char *)data + pos,
				 (unsigned int)(pos / RECORD_BYTES) + 1);
	}
}

static int record_cmp_key(const unsigned char *record, unsigned char type,
			  uint64_t key)
{
	const uint64_t record_key = le64_to_cpu_unaligned(record + 8);

	if (record[4] != type)
		return record[4] < type ? -1 : 1;
	return record_key < key ? -1 : (record_key > key ? 1 : 0);
}

static int record_cmp(const void *p1, const void *p2)
{
	const unsigned char *other = p2;

	return record_cmp_key(p1, other[4], le64_to_cpu_unaligned(other + 8));
}

/* Sort the records for binary search, since a command may search for each
   message of a large set. */
static void junk_trail_sort(struct junk_trail *trail)
{
	if (trail->sorted || ++trail->find_count <= SORT_FIND_COUNT)
		return;
	qsort(buffer_get_modifiable_data(trail->content, NULL),
	      trail->content->used / RECORD_BYTES, RECORD_BYTES, record_cmp);
	trail->sorted = TRUE;
}

/* Returns the first record that isn't before the key's. */
static const unsigned char *
junk_trail_lower_bound(const struct junk_trail *trail,
		       enum junk_trail_type type, uint64_t key)
{
	const unsigned char *data = trail->content->data;
	size_t left = 0, right = trail->content->used / RECORD_BYTES;

	while (left < right) {
		size_t middle = left + (right - left) / 2;

		if (record_cmp_key(data + middle * RECORD_BYTES,
				   (unsigned char)type, key) < 0)
			left = middle + 1;
		else
			right = middle;
	}
	return data + left * RECORD_BYTES;
}

bool junk_trail_find(struct junk_trail *trail, enum junk_trail_type type,
		     uint64_t key, time_t since, time_t now)
{
	return junk_trail_find_uid(trail, type, key, 0, since, now) != 0;
}

/* The clock of the session that wrote the record may be ahead of this one's. */
static bool record_is_recent(const unsigned char *record, time_t now)
{
	const int64_t age = (int64_t)now -
		(int64_t)le32_to_cpu_unaligned(record);

	return age <= JUNK_TRAIL_PAIR_SECS && age >= -JUNK_TRAIL_PAIR_SECS;
}

unsigned int
junk_trail_find_uid(struct junk_trail *trail, enum junk_trail_type type,
		    uint64_t key, uint32_t uid, time_t since, time_t now)
{
	const unsigned char *record, *end;
	unsigned int found = 0;
	uint32_t time;

	junk_trail_refresh(trail);
	if (trail->content == NULL || trail->content->used == 0)
		return 0;
	junk_trail_sort(trail);
	record = trail->content->data;
	end = record + trail->content->used;
	if (trail->sorted)
		record = junk_trail_lower_bound(trail, type, key);
	for (; record < end; record += RECORD_BYTES) {
		if (record_cmp_key(record, (unsigned char)type, key) != 0) {
			if (trail->sorted)
				break;
			continue;
		}
		if (le32_to_cpu_unaligned(record + 16) > uid ||
		    le32_to_cpu_unaligned(record + 20) < uid)
			continue;
		time = le32_to_cpu_unaligned(record);
		if ((time_t)time >= since &&
		    (type == JUNK_TRAIL_TRASHED ||
		     record_is_recent(record, now)))
			found = I_MAX(found, record_get_place(record));
	}
	return found;
}

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "byteorder.h"
#include "safe-mkstemp.h"
#include "write-full.h"
#include "junk-user-file.h"
#include "junk-trail.h"

#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#define RECORD_BYTES 16
#define MAX_FILE_BYTES (JUNK_TRAIL_MAX_RECORDS * RECORD_BYTES)

struct junk_trail {
	char *path;
	/* records to be written */
	buffer_t *output;
	/* the file as it was when it had size and mtime */
	buffer_t *content;
	struct stat st;
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

void junk_trail_add(struct junk_trail *trail, enum junk_trail_type type,
		    uint64_t key, time_t now)
{
	unsigned char record[RECORD_BYTES] = { 0 };

	if (trail->output == NULL)
		trail->output = buffer_create_dynamic(default_pool, 256);
	if (trail->output->used >= MAX_FILE_BYTES / 2)
		return;
	cpu32_to_le_unaligned((uint32_t)now, record);
	record[4] = (unsigned char)type;
	cpu64_to_le_unaligned(key, record + 8);
	buffer_append(trail->output, record, sizeof(record));
}

void junk_trail_rollback(struct junk_trail *trail)
{
	buffer_free(&trail->output);
}

/* Replace the file by its younger half. A record that another session appends
   meanwhile may be lost: a hint less. */
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

static int junk_trail_write_fd(struct junk_trail *trail, int fd,
			       const char **error_r)
{
	struct stat st;
	int ret = 0;

	if (write_full(fd, trail->output->data, trail->output->used) < 0 ||
	    fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m",
					   trail->path);
		return -1;
	}
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

static void junk_trail_refresh(struct junk_trail *trail)
{
	struct stat st;
	const char *error;
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
	/* who writes to it next says what is wrong with it */
	T_BEGIN {
		fd = junk_user_file_open(trail->path, O_RDONLY, UOFF_T_MAX,
					 &st, &error);
	} T_END;
	if (fd == -1)
		return;
	trail->content = buffer_create_dynamic(default_pool, MAX_FILE_BYTES);
	data = buffer_append_space_unsafe(trail->content, MAX_FILE_BYTES);
	ret = read(fd, data, MAX_FILE_BYTES);
	buffer_set_used_size(trail->content, ret < 0 ? 0 : (size_t)ret);
	i_close_fd(&fd);
	trail->st = st;
}

bool junk_trail_find(struct junk_trail *trail, enum junk_trail_type type,
		     uint64_t key, time_t since, time_t now)
{
	const unsigned char *record, *end;
	uint32_t time;

	junk_trail_refresh(trail);
	if (trail->content == NULL)
		return FALSE;
	record = trail->content->data;
	end = record + trail->content->used / RECORD_BYTES * RECORD_BYTES;
	for (; record < end; record += RECORD_BYTES) {
		if (record[4] != type || le64_to_cpu_unaligned(record + 8) != key)
			continue;
		time = le32_to_cpu_unaligned(record);
		if ((time_t)time >= since &&
		    (type == JUNK_TRAIL_TRASHED ||
		     (uint32_t)now - time <= JUNK_TRAIL_PAIR_SECS))
			return TRUE;
	}
	return FALSE;
}

/* The spool file. Frames have no checksum. A crash may leave a truncated frame
   with whole frames appended after it, so a frame is accepted only if it is
   followed by the end of the file or by the beginning of another frame.

   The file is never truncated, only unlinked, while the lock is held. A process
   that has it open sees by its link count that another process has finished
   it. */

#include "lib.h"
#include "buffer.h"
#include "file-lock.h"
#include "write-full.h"
#include "junk-limits.h"
#include "junk-user-file.h"
#include "junk-spool.h"

#include <fcntl.h>
#include <unistd.h>

#define SPOOL_LOCK_TIMEOUT_SECS 1
/* The window of the file that is read into memory at a time. */
#define SPOOL_WINDOW_BYTES (256*1024)
#define SPOOL_MAX_FRAME_BYTES (JUNK_FRAME_HEADER_BYTES + JUNK_MAX_FRAME_BYTES)
/* If another process unlinks the file while this one waits for the lock, it is
   opened again, at most so many times. */
#define SPOOL_MAX_REOPENS 10

struct junk_spool {
	char *path;
	/* the file that is being read, -1 if none */
	int fd;
	/* position of the next read */
	uoff_t offset;
	buffer_t *window;
	/* a message for the log */
	char *notice;
};

struct junk_spool *junk_spool_init(const char *control_dir)
{
	struct junk_spool *spool;

	spool = i_new(struct junk_spool, 1);
	spool->path = i_strconcat(control_dir, "/"JUNK_SPOOL_FNAME, NULL);
	spool->fd = -1;
	return spool;
}

static void junk_spool_close(struct junk_spool *spool)
{
	i_close_fd(&spool->fd);
	buffer_free(&spool->window);
	spool->offset = 0;
}

void junk_spool_deinit(struct junk_spool **_spool)
{
	struct junk_spool *spool = *_spool;

	if (spool == NULL)
		return;
	*_spool = NULL;
	junk_spool_close(spool);
	i_free(spool->notice);
	i_free(spool->path);
	i_free(spool);
}

const char *junk_spool_get_path(const struct junk_spool *spool)
{
	return spool->path;
}

bool junk_spool_exists(struct junk_spool *spool)
{
	struct stat st;

	return lstat(spool->path, &st) == 0 && S_ISREG(st.st_mode) &&
		st.st_size > 0;
}

/* --- frames --- */

/* The time to read a file is proportional to its size, whatever it contains:
   each step either skips bytes for good or looks at a constant number of
   bytes. */

static bool junk_spool_frame_is_valid(const unsigned char *data, size_t size)
{
	struct junk_frame frame;
	struct junk_report report;
	const char *error;
	size_t frame_size;
	bool valid;

	T_BEGIN {
		valid = junk_frame_decode(data, size, &frame, &frame_size,
					  &error) > 0 &&
			junk_frame_decode_report(&frame, &report, &error) == 0;
	} T_END;
	return valid;
}

/* Could a report frame begin here? Looks at its header only. */
static bool junk_spool_is_header(const unsigned char *data, size_t size)
{
	struct junk_frame frame;
	const char *error;
	size_t frame_size;
	bool is_header;

	if ((size >= 5 && data[4] != JUNK_FRAME_VERSION) ||
	    (size >= 6 && data[5] != JUNK_FRAME_REPORT))
		return FALSE;
	T_BEGIN {
		is_header = junk_frame_decode(data, size, &frame, &frame_size,
					      &error) >= 0;
	} T_END;
	return is_header;
}

/* Is there what looks like a frame, and is followed by another or by the
   end? */
static size_t
junk_spool_sure_frame_size(const unsigned char *data, size_t size)
{
	size_t frame_size = junk_frame_report_size(data, size);

	if (frame_size > 0 && frame_size < size &&
	    !junk_spool_is_header(data + frame_size, size - frame_size))
		return 0;
	return frame_size;
}

static size_t
junk_spool_find_sure(const unsigned char *data, size_t size, size_t from,
		     size_t to, size_t *offset_r)
{
	size_t frame_size;

	for (size_t i = from; i < to; i++) {
		frame_size = junk_spool_sure_frame_size(data + i, size - i);
		if (frame_size > 0) {
			*offset_r = i;
			return frame_size;
		}
	}
	return 0;
}

/* As junk_spool_next(), but its tokens weren't looked at. */
static size_t
junk_spool_next_frame(const unsigned char *data, size_t size, bool at_end,
		      size_t *offset)
{
	size_t frame_size, other_size, other_offset;

	/* only what can't be completed by later data is broken */
	if (*offset >= size ||
	    (!at_end && size - *offset < SPOOL_MAX_FRAME_BYTES))
		return 0;

	frame_size = junk_spool_sure_frame_size(data + *offset, size - *offset);
	if (frame_size > 0)
		return frame_size;

	/* broken, or the next one is */
	frame_size = junk_frame_report_size(data + *offset, size - *offset);
	if (frame_size > 0) {
		other_size = junk_spool_find_sure(data, size, *offset + 1,
						  *offset + frame_size,
						  &other_offset);
		if (other_size == 0)
			return frame_size;
	} else {
		other_size = junk_spool_find_sure(data, size, *offset + 1,
						  size, &other_offset);
	}
	if (other_size > 0) {
		*offset = other_offset;
		return other_size;
	}
	/* the last bytes may begin a frame */
	*offset = at_end ? size : size - I_MIN(size - *offset - 1,
					       SPOOL_MAX_FRAME_BYTES - 1);
	return 0;
}

size_t junk_spool_next(const unsigned char *data, size_t size, bool at_end,
		       size_t *offset)
{
	size_t frame_size;

	while ((frame_size = junk_spool_next_frame(data, size, at_end,
						   offset)) > 0) {
		if (junk_spool_frame_is_valid(data + *offset, size - *offset))
			return frame_size;
		/* of no use, but whole */
		*offset += frame_size;
	}
	return 0;
}

/* --- files --- */

static int
junk_spool_lock(struct junk_spool *spool, int fd, struct file_lock **lock_r,
		const char **error_r)
{
	const struct file_lock_settings set = {
		.lock_method = FILE_LOCK_METHOD_FCNTL,
	};
	int ret;

	ret = file_wait_lock(fd, spool->path, F_WRLCK, &set,
			     SPOOL_LOCK_TIMEOUT_SECS, lock_r, error_r);
	if (ret == 0) {
		*error_r = t_strdup_printf(
			"%s is locked by another process", spool->path);
		return -1;
	}
	return ret < 0 ? -1 : 0;
}

/* What the user has put in our place, or behind what we read, isn't ours to
   delete. */
static int
junk_spool_set_aside(struct junk_spool *spool, const char *why,
		     const char **error_r)
{
	if (junk_user_file_set_aside(spool->path, error_r) < 0) {
		*error_r = t_strdup_printf("%s (%s)", *error_r, why);
		return -1;
	}
	i_free(spool->notice);
	spool->notice = i_strdup_printf("%s: it was renamed to %s.aside",
					why, spool->path);
	return 0;
}

const char *junk_spool_get_notice(struct junk_spool *spool)
{
	const char *notice = t_strdup(spool->notice);

	i_free(spool->notice);
	return notice;
}

/* Open and lock the file that the path names now. */
static int
junk_spool_open_locked(struct junk_spool *spool, struct file_lock **lock_r,
		       struct stat *st_r, const char **error_r)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND;
	int fd;

	for (unsigned int i = 0; i < SPOOL_MAX_REOPENS; i++) {
		fd = junk_user_file_open(spool->path, flags, UOFF_T_MAX, st_r,
					 error_r);
		if (fd == -1 && junk_user_file_is_unfit(errno)) {
			if (junk_spool_set_aside(spool, *error_r, error_r) < 0)
				return -1;
			fd = junk_user_file_open(spool->path, flags,
						 UOFF_T_MAX, st_r, error_r);
		}
		if (fd == -1)
			return -1;
		if (junk_spool_lock(spool, fd, lock_r, error_r) < 0) {
			i_close_fd(&fd);
			return -1;
		}
		if (fstat(fd, st_r) < 0) {
			*error_r = t_strdup_printf("fstat(%s) failed: %m",
						   spool->path);
			file_lock_free(lock_r);
			i_close_fd(&fd);
			return -1;
		}
		if (st_r->st_nlink > 0)
			return fd;
		file_lock_free(lock_r);
		i_close_fd(&fd);
	}
	*error_r = t_strdup_printf("%s was removed repeatedly while it "
				   "was being opened", spool->path);
	return -1;
}

int junk_spool_append(struct junk_spool *spool, const void *data, size_t size,
		      const char **error_r)
{
	struct file_lock *lock;
	struct stat st;
	int fd, ret = 1;

	fd = junk_spool_open_locked(spool, &lock, &st, error_r);
	if (fd == -1)
		return -1;
	if (size > JUNK_MAX_SPOOL_BYTES ||
	    st.st_size > (off_t)(JUNK_MAX_SPOOL_BYTES - size)) {
		ret = 0;
	} else if (write_full(fd, data, size) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m",
					   spool->path);
		/* all or nothing; if this fails as well, readers skip what is
		   half there */
		if (ftruncate(fd, st.st_size) < 0) {
			*error_r = t_strdup_printf(
				"%s (and ftruncate() failed: %m)", *error_r);
		}
		ret = -1;
	}
	file_lock_free(&lock);
	/* closing drops this process's locks of the file, also those that
	   another descriptor has: there is none at this time */
	i_close_fd(&fd);
	return ret;
}

static int junk_spool_open(struct junk_spool *spool, const char **error_r)
{
	struct stat st;

	if (spool->fd != -1)
		return 1;
	spool->fd = junk_user_file_open(spool->path, O_RDWR, UOFF_T_MAX, &st,
					error_r);
	if (spool->fd != -1)
		return 1;
	if (errno == ENOENT)
		return 0;
	if (!junk_user_file_is_unfit(errno))
		return -1;
	/* it has nothing that we have written */
	return junk_spool_set_aside(spool, *error_r, error_r);
}

/* Read the window at the offset. Returns 1, 0 if there is nothing, -1. */
static int
junk_spool_read_window(struct junk_spool *spool, bool *at_end_r,
		       const char **error_r)
{
	/* others append no further, whatever is there */
	const size_t size = I_MIN(SPOOL_WINDOW_BYTES,
				  JUNK_MAX_SPOOL_BYTES - spool->offset);
	struct file_lock *lock;
	void *data;
	ssize_t ret;

	if (spool->window == NULL) {
		spool->window = buffer_create_dynamic(default_pool,
						      SPOOL_WINDOW_BYTES);
	}
	buffer_set_used_size(spool->window, 0);
	data = buffer_append_space_unsafe(spool->window, SPOOL_WINDOW_BYTES);
	/* without the lock we might see half of what another process is just
	   appending, and take it for broken */
	if (junk_spool_lock(spool, spool->fd, &lock, error_r) < 0) {
		buffer_set_used_size(spool->window, 0);
		return -1;
	}
	ret = pread(spool->fd, data, size, (off_t)spool->offset);
	if (ret < 0)
		*error_r = t_strdup_printf("read(%s) failed: %m", spool->path);
	file_unlock(&lock);
	buffer_set_used_size(spool->window, ret < 0 ? 0 : (size_t)ret);
	if (ret < 0)
		return -1;
	*at_end_r = (size_t)ret < SPOOL_WINDOW_BYTES;
	return ret > 0 ? 1 : 0;
}

int junk_spool_read(struct junk_spool *spool, buffer_t *dest, size_t max_bytes,
		    uoff_t *skipped_bytes_r, const char **error_r)
{
	size_t frame_size, offset, next, old_used = dest->used;
	const unsigned char *data;
	bool at_end;
	int ret;

	*skipped_bytes_r = 0;
	if ((ret = junk_spool_open(spool, error_r)) <= 0 ||
	    (ret = junk_spool_read_window(spool, &at_end, error_r)) <= 0)
		return ret;

	data = spool->window->data;
	for (offset = 0; dest->used - old_used < max_bytes; ) {
		next = offset;
		frame_size = junk_spool_next(data, spool->window->used, at_end,
					     &next);
		*skipped_bytes_r += next - offset;
		if (frame_size == 0) {
			offset = next;
			break;
		}
		buffer_append(dest, data + next, frame_size);
		offset = next + frame_size;
	}
	spool->offset += offset;
	return offset > 0 ? 1 : 0;
}

void junk_spool_rewind(struct junk_spool *spool)
{
	junk_spool_close(spool);
}

int junk_spool_finish(struct junk_spool *spool, const char **error_r)
{
	struct file_lock *lock;
	struct stat st;
	int ret = 1;

	if (spool->fd == -1)
		return junk_spool_exists(spool) ? 0 : 1;
	if (junk_spool_lock(spool, spool->fd, &lock, error_r) < 0)
		return -1;
	if (fstat(spool->fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m",
					   spool->path);
		ret = -1;
	} else if (st.st_nlink > 0 && spool->offset == JUNK_MAX_SPOOL_BYTES &&
		   (uoff_t)st.st_size > spool->offset) {
		ret = junk_spool_set_aside(spool, t_strdup_printf(
			"%s is larger than the maximum of %u bytes: the rest "
			"was not read", spool->path, JUNK_MAX_SPOOL_BYTES),
			error_r) < 0 ? -1 : 1;
	} else if (st.st_nlink > 0 && (uoff_t)st.st_size > spool->offset) {
		/* others have appended */
		ret = 0;
	} else if (st.st_nlink > 0 && unlink(spool->path) < 0 &&
		   errno != ENOENT) {
		*error_r = t_strdup_printf("unlink(%s) failed: %m",
					   spool->path);
		ret = -1;
	}
	if (ret == 0) {
		file_unlock(&lock);
		return 0;
	}
	file_lock_free(&lock);
	junk_spool_close(spool);
	if (ret == 1 && junk_spool_exists(spool))
		return 0;
	return ret;
}

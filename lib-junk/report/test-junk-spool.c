#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "str.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-identity.h"
#include "junk-spool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEST_DIR ".test-junk-spool"
#define SPOOL_PATH TEST_DIR"/"JUNK_SPOOL_FNAME
#define IDENTITY_PATH TEST_DIR"/"JUNK_IDENTITY_FNAME

/* In the place of libc's: how many files were written through to the disk. */
static unsigned int fdatasync_count = 0;

int fdatasync(int fd)
{
	fdatasync_count++;
	return (int)syscall(SYS_fdatasync, fd);
}

/* Counts the frames whose tokens are looked at; see -Wl,--wrap in
   Makefile.am. */
static unsigned int decode_report_count = 0;

int __real_junk_frame_decode_report(const struct junk_frame *frame,
				    struct junk_report *report_r,
				    const char **error_r);
int __wrap_junk_frame_decode_report(const struct junk_frame *frame,
				    struct junk_report *report_r,
				    const char **error_r);

int __wrap_junk_frame_decode_report(const struct junk_frame *frame,
				    struct junk_report *report_r,
				    const char **error_r)
{
	decode_report_count++;
	return __real_junk_frame_decode_report(frame, report_r, error_r);
}

static void test_dir_create(void)
{
	(void)unlink(SPOOL_PATH);
	(void)unlink(IDENTITY_PATH);
	if (mkdir(TEST_DIR, 0700) < 0 && errno != EEXIST)
		i_fatal("mkdir(%s) failed: %m", TEST_DIR);
}

static void test_dir_remove(void)
{
	(void)unlink(SPOOL_PATH);
	(void)unlink(IDENTITY_PATH);
	if (rmdir(TEST_DIR) < 0)
		i_fatal("rmdir(%s) failed: %m", TEST_DIR);
}

/* A report that is recognised by its size_bytes. */
static void test_report_append(buffer_t *dest, unsigned int num)
{
	junk_token_t tokens[] = { num, num + 1, 0x0101010101010101ULL };
	struct junk_report report = {
		.stamp_usecs = 1000 + num,
		.verdict = JUNK_VERDICT_SPAM,
		.origin = JUNK_ORIGIN_MOVE,
		.feature_set = JUNK_FEATURE_SET,
		.size_bytes = num,
		.tokens = tokens,
		.token_count = num % 4,
	};

	junk_frame_encode_report(dest, &report);
}

static unsigned int test_report_num(const unsigned char *data, size_t size)
{
	struct junk_frame frame;
	struct junk_report report;
	const char *error;
	size_t frame_size;

	if (junk_frame_decode(data, size, &frame, &frame_size, &error) <= 0 ||
	    junk_frame_decode_report(&frame, &report, &error) < 0)
		return 0;
	return report.size_bytes;
}

/* The numbers of the reports in data, e.g. "1 2 3". */
static const char *test_report_nums(const buffer_t *data)
{
	string_t *str = t_str_new(64);
	size_t offset = 0, size;

	while ((size = junk_spool_next(data->data, data->used, TRUE,
				       &offset)) > 0) {
		str_printfa(str, "%s%u", str_len(str) == 0 ? "" : " ",
			    test_report_num(CONST_PTR_OFFSET(data->data,
							     offset),
					    data->used - offset));
		offset += size;
	}
	test_assert(offset == data->used);
	return str_c(str);
}

/* The frame's last token becomes the one before it. */
static void test_repeat_token(buffer_t *frame)
{
	buffer_copy(frame, frame->used - sizeof(junk_token_t), frame,
		    frame->used - 2*sizeof(junk_token_t),
		    sizeof(junk_token_t));
}

static void test_junk_spool_next(void)
{
	static const struct {
		/* f1..f9: a frame; h1..h9: its first half; d2, d3: a frame
		   with the same token twice; z: zeros; t: text; v: a frame of a
		   later version */
		const char *content, *expect;
	} tests[] = {
		{ "", "" },
		{ "f1", "1" },
		{ "f1 f2 f3", "1 2 3" },
		{ "f1 h2", "1" },
		{ "h1", "" },
		{ "h3 f1", "1" },
		{ "h3 f1 f2 h3 f5", "1 2 5" },
		{ "f1 h2 f3", "1 3" },
		{ "f3 h3 h3 f3", "3 3" },
		{ "z f1 f2", "1 2" },
		{ "f1 z f2", "1 2" },
		{ "f1 z", "1" },
		{ "t", "" },
		{ "f1 t f2", "1 2" },
		{ "f1 v f2", "1 2" },
		{ "d2", "" },
		{ "f1 d3 f2", "1 2" },
	};
	buffer_t *data = t_buffer_create(1024), *frame = t_buffer_create(256);
	const char *const *p;
	unsigned int num;

	test_begin("junk_spool_next()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		buffer_set_used_size(data, 0);
		p = t_strsplit_spaces(tests[i].content, " ");
		for (; *p != NULL; p++) {
			buffer_set_used_size(frame, 0);
			num = (*p)[1] == '\0' ? 7 : (unsigned int)(*p)[1] - '0';
			test_report_append(frame, num);
			if (**p == 'h')
				buffer_set_used_size(frame, frame->used / 2);
			else if (**p == 'z')
				memset(buffer_get_modifiable_data(frame, NULL),
				       0, frame->used);
			else if (**p == 't')
				memset(buffer_get_modifiable_data(frame, NULL),
				       '\x01', frame->used);
			else if (**p == 'd')
				test_repeat_token(frame);
			else if (**p == 'v')
				buffer_write(frame, 4, "\x02", 1);
			buffer_append_buf(data, frame, 0, SIZE_MAX);
		}
		test_assert_strcmp_idx(test_report_nums(data),
				       tests[i].expect, i);
	} T_END;
	test_end();
}

/* Wherever a sequence was cut off, the frames before that are found, and the
   one that was appended behind it. */
static void test_junk_spool_cut(void)
{
	buffer_t *whole = t_buffer_create(1024), *data = t_buffer_create(1024);
	size_t first;

	test_begin("junk_spool_next() after a cut");
	test_report_append(whole, 5);
	first = whole->used;
	test_report_append(whole, 3);
	for (size_t cut = 0; cut <= whole->used; cut++) T_BEGIN {
		buffer_set_used_size(data, 0);
		buffer_append(data, whole->data, cut);
		test_report_append(data, 9);
		test_assert_strcmp_idx(test_report_nums(data),
				       cut < first ? "9" :
				       cut < whole->used ? "5 9" : "5 3 9",
				       cut);
	} T_END;
	test_end();
}

/* More is to come: nothing is taken for broken yet. */
static void test_junk_spool_partial(void)
{
	buffer_t *data = t_buffer_create(256);
	size_t offset = 0;

	test_begin("junk_spool_next() before the end");
	test_report_append(data, 1);
	buffer_set_used_size(data, data->used - 1);
	test_assert(junk_spool_next(data->data, data->used, FALSE,
				    &offset) == 0);
	test_assert(offset == 0);
	test_assert(junk_spool_next(data->data, data->used, TRUE,
				    &offset) == 0);
	test_assert(offset == data->used);
	test_end();
}

/* A spool of any size takes fewer reads. */
#define MAX_READS 1000

static const char *test_read_all(struct junk_spool *spool, uoff_t *skipped_r)
{
	buffer_t *data = t_buffer_create(1024);
	unsigned int reads = 0;
	uoff_t skipped;
	const char *error;
	int ret;

	*skipped_r = 0;
	while ((ret = junk_spool_read(spool, data, 1, &skipped, &error)) > 0 &&
	       ++reads < MAX_READS)
		*skipped_r += skipped;
	*skipped_r += skipped;
	test_assert(ret == 0);
	return test_report_nums(data);
}

static void test_spool_add(struct junk_spool *spool, unsigned int num)
{
	buffer_t *data = t_buffer_create(256);
	const char *error;

	test_report_append(data, num);
	test_assert(junk_spool_append(spool, data->data, data->used,
				      &error) == 1);
}

static void test_junk_spool_file(void)
{
	struct junk_spool *spool, *other;
	const char *error;
	struct stat st;
	uoff_t skipped;

	test_begin("junk_spool file");
	test_dir_create();
	spool = junk_spool_init(TEST_DIR);
	other = junk_spool_init(TEST_DIR);
	test_assert(!junk_spool_exists(spool));
	test_assert_strcmp(test_read_all(spool, &skipped), "");
	test_assert(junk_spool_finish(spool, &error) == 1);

	test_spool_add(spool, 1);
	test_assert(stat(SPOOL_PATH, &st) == 0 && (st.st_mode & 0777) == 0600);
	test_assert(junk_spool_exists(spool));
	test_assert_strcmp(test_read_all(spool, &skipped), "1");

	/* what another process appends isn't lost */
	test_spool_add(other, 2);
	test_assert(junk_spool_finish(spool, &error) == 0);
	test_assert_strcmp(test_read_all(spool, &skipped), "2");
	test_assert_strcmp(test_read_all(other, &skipped), "1 2");
	test_assert(junk_spool_finish(spool, &error) == 1);
	test_assert(!junk_spool_exists(spool));

	/* the other one has read a file that is gone */
	test_spool_add(spool, 3);
	test_assert(junk_spool_finish(other, &error) == 0);
	test_assert_strcmp(test_read_all(other, &skipped), "3");
	test_assert(junk_spool_finish(other, &error) == 1);

	junk_spool_deinit(&spool);
	junk_spool_deinit(&other);
	test_dir_remove();
	test_end();
}

static void test_junk_spool_damaged(void)
{
	struct junk_spool *spool;
	uoff_t skipped;
	const char *error;
	int fd;

	test_begin("junk_spool damaged file");
	test_dir_create();
	spool = junk_spool_init(TEST_DIR);
	test_spool_add(spool, 1);
	fd = open(SPOOL_PATH, O_WRONLY | O_APPEND);
	test_assert(fd != -1 && write(fd, "garbage", 7) == 7);
	i_close_fd(&fd);
	test_spool_add(spool, 2);
	test_assert_strcmp(test_read_all(spool, &skipped), "1 2");
	test_assert(skipped == 7);
	test_assert(junk_spool_finish(spool, &error) == 1);
	junk_spool_deinit(&spool);
	test_dir_remove();
	test_end();
}

#define ASIDE_PATH SPOOL_PATH".aside"

static void test_spool_fifo(void)
{
	test_assert(mkfifo(SPOOL_PATH, 0600) == 0);
}

static void test_spool_symlink(void)
{
	test_assert(symlink("other", SPOOL_PATH) == 0);
}

static void test_spool_dir(void)
{
	test_assert(mkdir(SPOOL_PATH, 0700) == 0);
}

/* What is no spool makes place for one, with a line for the log, and isn't
   touched. */
static void test_junk_spool_unfit(void)
{
	static void (*const makes[])(void) = {
		test_spool_fifo, test_spool_symlink, test_spool_dir,
	};
	struct junk_spool *spool;
	const char *error;
	struct stat st;
	uoff_t skipped;

	test_begin("junk_spool in whose place something else is");
	for (unsigned int i = 0; i < N_ELEMENTS(makes); i++) {
		test_dir_create();
		makes[i]();
		spool = junk_spool_init(TEST_DIR);
		alarm(10);
		test_assert_idx(!junk_spool_exists(spool), i);
		test_spool_add(spool, 1);
		test_assert_idx(junk_spool_get_notice(spool) != NULL, i);
		test_assert_idx(junk_spool_get_notice(spool) == NULL, i);
		test_assert_strcmp_idx(test_read_all(spool, &skipped), "1", i);
		test_assert_idx(junk_spool_finish(spool, &error) == 1, i);
		test_assert_idx(stat(TEST_DIR"/other", &st) < 0, i);

		/* also where it is there when we read */
		if (unlink(ASIDE_PATH) < 0)
			test_assert_idx(rmdir(ASIDE_PATH) == 0, i);
		makes[i]();
		test_assert_strcmp_idx(test_read_all(spool, &skipped), "", i);
		test_assert_idx(junk_spool_get_notice(spool) != NULL, i);
		alarm(0);
		junk_spool_deinit(&spool);
		if (unlink(ASIDE_PATH) < 0)
			test_assert_idx(rmdir(ASIDE_PATH) == 0, i);
		test_dir_remove();
	}
	test_end();
}

/* Where it ends for us, whatever is behind that: nothing before it is lost. */
static void test_junk_spool_sparse(void)
{
	struct junk_spool *spool;
	const char *error, *notice;
	uoff_t skipped;
	struct stat st;

	test_begin("junk_spool of a terabyte");
	test_dir_create();
	spool = junk_spool_init(TEST_DIR);
	test_spool_add(spool, 1);
	test_spool_add(spool, 2);
	test_assert(truncate(SPOOL_PATH, (off_t)1 << 40) == 0);
	alarm(60);
	test_assert_strcmp(test_read_all(spool, &skipped), "1 2");
	test_assert(skipped < JUNK_MAX_SPOOL_BYTES);
	test_assert(junk_spool_finish(spool, &error) == 1);
	alarm(0);
	notice = junk_spool_get_notice(spool);
	test_assert(notice != NULL && strstr(notice, "larger") != NULL);
	test_assert(!junk_spool_exists(spool));
	test_assert(stat(ASIDE_PATH, &st) == 0 &&
		    st.st_size == (off_t)1 << 40);
	i_unlink(ASIDE_PATH);
	/* then as if it had never been */
	test_spool_add(spool, 3);
	test_assert_strcmp(test_read_all(spool, &skipped), "3");
	test_assert(junk_spool_finish(spool, &error) == 1);
	test_assert(junk_spool_get_notice(spool) == NULL);
	junk_spool_deinit(&spool);
	test_dir_remove();
	test_end();
}

/* Somebody writes as fast as we read. */
static void test_junk_spool_growing(void)
{
	struct junk_spool *spool;
	buffer_t *data = t_buffer_create(1024), *zeros;
	const char *error;
	uoff_t skipped;
	int fd, ret;
	unsigned int count = 0;

	test_begin("junk_spool that grows while it is read");
	test_dir_create();
	zeros = buffer_create_dynamic(default_pool, 512*1024);
	buffer_append_zero(zeros, 512*1024);
	spool = junk_spool_init(TEST_DIR);
	test_spool_add(spool, 1);
	fd = open(SPOOL_PATH, O_WRONLY | O_APPEND);
	do {
		test_assert(write(fd, zeros->data, zeros->used) ==
			    (ssize_t)zeros->used);
		ret = junk_spool_read(spool, data, 1, &skipped, &error);
	} while (ret > 0 && ++count < MAX_READS);
	test_assert(ret == 0);
	test_assert_strcmp(test_report_nums(data), "1");
	test_assert(junk_spool_finish(spool, &error) == 1);
	i_close_fd(&fd);
	buffer_free(&zeros);
	junk_spool_deinit(&spool);
	i_unlink(ASIDE_PATH);
	test_dir_remove();
	test_end();
}

#define PERIOD 64

/* Every PERIOD bytes begins what looks like a frame of as many tokens as there
   may be, all different, and equal in their lower 16 bits; no frame ends where
   another begins. */
static void test_crafted_append(buffer_t *dest, uint16_t counter)
{
	/* where the words that are taken for tokens begin, and the counter in
	   each */
	static const struct {
		unsigned int word, counter;
	} places[] = {
		{ 4, 8 }, { 12, 18 }, { 20, 22 }, { 28, 30 }, { 36, 38 },
		{ 44, 46 }, { 52, 54 }, { 60, 62 },
	};
	const struct junk_report report = {
		.stamp_usecs = 1, .verdict = JUNK_VERDICT_SPAM,
		.origin = JUNK_ORIGIN_MOVE,
	};
	buffer_t *frame = t_buffer_create(PERIOD);
	unsigned char *data;

	junk_frame_encode_report(frame, &report);
	data = buffer_append_space_unsafe(dest, PERIOD);
	memset(data, 0, PERIOD);
	memcpy(data, frame->data, frame->used);
	cpu32_to_le_unaligned(JUNK_FRAME_REPORT_BYTES + JUNK_MAX_TOKENS * 8,
			      data);
	cpu16_to_le_unaligned(JUNK_MAX_TOKENS, data + 58);
	for (unsigned int i = 0; i < N_ELEMENTS(places); i++) {
		data[places[i].word] = data[places[i].word + 1] = 1;
		cpu16_to_le_unaligned(counter, data + places[i].counter);
		/* inside reporter and digest */
		if (i >= 2 && i < 6)
			data[places[i].word + 4] = (unsigned char)i;
	}
}

/* The tokens of a place are looked at only if a frame is there. Otherwise the
   time would be proportional to the number of places times that of tokens. */
static void test_junk_spool_crafted(void)
{
	buffer_t *data = buffer_create_dynamic(default_pool, 512*1024);
	size_t offset = 0, size;

	test_begin("junk_spool_next() in a crafted file");
	for (unsigned int i = 0; i < 4096; i++)
		test_crafted_append(data, (uint16_t)i);
	/* each would be accepted at the end of a file */
	decode_report_count = 0;
	test_assert(junk_spool_next(data->data, JUNK_FRAME_HEADER_BYTES +
				    JUNK_FRAME_REPORT_BYTES +
				    JUNK_MAX_TOKENS * 8, TRUE, &offset) > 0);
	test_assert(offset == 0);
	test_assert(decode_report_count == 1);
	while ((size = junk_spool_next(data->data, data->used, TRUE,
				       &offset)) > 0)
		offset += size;
	test_assert(offset == data->used);
	/* at the end of the data only */
	test_assert_cmp(decode_report_count, <=, 2);
	buffer_free(&data);
	test_end();
}

/* As a disk that is full: what has room is written, the rest is not. */
static void test_junk_spool_half_written(void)
{
	struct junk_spool *spool;
	buffer_t *data = t_buffer_create(256);
	struct rlimit limit, old_limit;
	const char *error;
	uoff_t skipped;
	struct stat st;

	test_begin("junk_spool: an append that fails leaves nothing");
	test_dir_create();
	spool = junk_spool_init(TEST_DIR);
	test_report_append(data, 1);
	test_assert(junk_spool_append(spool, data->data, data->used,
				      &error) == 1);
	if (getrlimit(RLIMIT_FSIZE, &old_limit) < 0)
		i_fatal("getrlimit() failed: %m");
	limit = old_limit;
	limit.rlim_cur = data->used + data->used / 2;
	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		i_fatal("setrlimit() failed: %m");
	test_assert(junk_spool_append(spool, data->data, data->used,
				      &error) == -1);
	if (setrlimit(RLIMIT_FSIZE, &old_limit) < 0)
		i_fatal("setrlimit() failed: %m");
	test_assert(stat(SPOOL_PATH, &st) == 0 &&
		    st.st_size == (off_t)data->used);
	test_spool_add(spool, 2);
	test_assert_strcmp(test_read_all(spool, &skipped), "1 2");
	test_assert(skipped == 0);
	junk_spool_deinit(&spool);
	test_dir_remove();
	test_end();
}

/* Lock the file, tell so, and remove it while the other one waits. */
static void ATTR_NORETURN test_lock_and_remove(int ready_fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec pause = { .tv_nsec = 200*1000*1000 };
	int fd = open(SPOOL_PATH, O_RDWR);

	if (fd == -1 || fcntl(fd, F_SETLK, &lock) < 0 ||
	    write(ready_fd, "", 1) != 1)
		_exit(1);
	(void)nanosleep(&pause, NULL);
	_exit(unlink(SPOOL_PATH) < 0 ? 1 : 0);
}

/* Another process has sent all of it and removes it, while we wait to append. */
static void test_junk_spool_removed(void)
{
	struct junk_spool *spool;
	uoff_t skipped;
	int fds[2], status;
	char byte;
	pid_t pid;

	test_begin("junk_spool: removed while an append waits for its lock");
	test_dir_create();
	spool = junk_spool_init(TEST_DIR);
	test_spool_add(spool, 1);
	if (pipe(fds) < 0 || (pid = fork()) < 0)
		i_fatal("pipe() or fork() failed: %m");
	if (pid == 0)
		test_lock_and_remove(fds[1]);
	i_close_fd(&fds[1]);
	test_assert(read(fds[0], &byte, 1) == 1);
	test_spool_add(spool, 2);
	test_assert(waitpid(pid, &status, 0) == pid && status == 0);
	i_close_fd(&fds[0]);
	test_assert_strcmp(test_read_all(spool, &skipped), "2");
	junk_spool_deinit(&spool);
	test_dir_remove();
	test_end();
}

static void test_junk_spool_limit(void)
{
	struct junk_spool *spool;
	buffer_t *data = t_buffer_create(256);
	const char *error;
	int fd;

	test_begin("junk_spool limit");
	test_dir_create();
	spool = junk_spool_init(TEST_DIR);
	test_report_append(data, 1);
	fd = open(SPOOL_PATH, O_WRONLY | O_CREAT, 0600);
	test_assert(fd != -1 &&
		    ftruncate(fd, JUNK_MAX_SPOOL_BYTES - data->used) == 0);
	i_close_fd(&fd);
	test_assert(junk_spool_append(spool, data->data, data->used,
				      &error) == 1);
	test_assert(junk_spool_append(spool, data->data, data->used,
				      &error) == 0);
	/* one byte too many */
	test_assert(truncate(SPOOL_PATH,
			     JUNK_MAX_SPOOL_BYTES - data->used + 1) == 0);
	test_assert(junk_spool_append(spool, data->data, data->used,
				      &error) == 0);
	test_assert(unlink(SPOOL_PATH) == 0);
	junk_spool_deinit(&spool);

	/* a path that can't be written to */
	spool = junk_spool_init(TEST_DIR"/missing");
	test_assert(junk_spool_append(spool, data->data, data->used,
				      &error) == -1);
	test_assert(strstr(error, JUNK_SPOOL_FNAME) != NULL);
	junk_spool_deinit(&spool);
	test_dir_remove();
	test_end();
}

static void test_junk_identity(void)
{
	unsigned char one[JUNK_REPORTER_BYTES], two[JUNK_REPORTER_BYTES];
	const char *error;
	struct stat st;

	test_begin("junk_identity");
	test_dir_create();
	test_assert(junk_identity_read(TEST_DIR, one, &error) == 0);
	test_assert(junk_identity_read(TEST_DIR"/missing", one, &error) == 0);
	test_assert(junk_identity_get(TEST_DIR"/missing", one, &error) == -1);
	fdatasync_count = 0;
	test_assert(junk_identity_get(TEST_DIR, one, &error) == 0);
	/* half of one would be somebody else */
	test_assert(fdatasync_count == 1);
	test_assert(stat(IDENTITY_PATH, &st) == 0 &&
		    (st.st_mode & 0777) == 0600 && st.st_nlink == 1);
	test_assert(junk_identity_read(TEST_DIR, two, &error) == 1);
	test_assert(memcmp(one, two, sizeof(one)) == 0);
	/* deleted: somebody else from now on */
	test_assert(unlink(IDENTITY_PATH) == 0);
	test_assert(junk_identity_get(TEST_DIR, two, &error) == 0);
	test_assert(memcmp(one, two, sizeof(one)) != 0);
	test_dir_remove();
	test_end();
}

static void test_junk_identity_invalid(void)
{
	static const char *const tests[] = {
		"",
		"00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff\n\n",
		"00112233445566778899aabbccddeef\n",
		"00112233445566778899aabbccddeexx\n",
	};
	unsigned char reporter[JUNK_REPORTER_BYTES];
	const char *error;
	int fd;

	test_begin("junk_identity invalid");
	test_dir_create();
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		fd = open(IDENTITY_PATH, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		test_assert(fd != -1 && write(fd, tests[i], strlen(tests[i])) ==
			    (ssize_t)strlen(tests[i]));
		i_close_fd(&fd);
		error = NULL;
		test_assert_idx(junk_identity_get(TEST_DIR, reporter,
						  &error) == -1, i);
		test_assert_idx(error != NULL &&
				strstr(error, "delete the file") != NULL, i);
	}
	test_dir_remove();
	test_end();
}

/* Two processes at once make one identity. */
static void test_junk_identity_race(void)
{
	unsigned char mine[JUNK_REPORTER_BYTES], theirs[JUNK_REPORTER_BYTES];
	const char *error;
	pid_t pid;
	int fds[2], status;

	test_begin("junk_identity race");
	test_dir_create();
	for (unsigned int i = 0; i < 20; i++) {
		(void)unlink(IDENTITY_PATH);
		if (pipe(fds) < 0 || (pid = fork()) < 0)
			i_fatal("pipe() or fork() failed: %m");
		if (pid == 0) {
			if (junk_identity_get(TEST_DIR, theirs, &error) < 0 ||
			    write(fds[1], theirs, sizeof(theirs)) < 0)
				_exit(1);
			_exit(0);
		}
		i_close_fd(&fds[1]);
		test_assert_idx(junk_identity_get(TEST_DIR, mine,
						  &error) == 0, i);
		test_assert_idx(waitpid(pid, &status, 0) == pid &&
				status == 0, i);
		test_assert_idx(read(fds[0], theirs, sizeof(theirs)) ==
				sizeof(theirs), i);
		test_assert_idx(memcmp(mine, theirs, sizeof(mine)) == 0, i);
		i_close_fd(&fds[0]);
	}
	test_dir_remove();
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_spool_next,
		test_junk_spool_cut,
		test_junk_spool_partial,
		test_junk_spool_file,
		test_junk_spool_damaged,
		test_junk_spool_half_written,
		test_junk_spool_removed,
		test_junk_spool_limit,
		test_junk_spool_unfit,
		test_junk_spool_sparse,
		test_junk_spool_growing,
		test_junk_spool_crafted,
		test_junk_identity,
		test_junk_identity_invalid,
		test_junk_identity_race,
		NULL
	};
	return test_run(test_functions);
}

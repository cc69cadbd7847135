#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-identity.h"
#include "junk-spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_DIR ".test-junk-spool"
#define SPOOL_PATH TEST_DIR"/"JUNK_SPOOL_FNAME
#define IDENTITY_PATH TEST_DIR"/"JUNK_IDENTITY_FNAME

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

static void test_junk_spool_next(void)
{
	static const struct {
		/* f1..f9: a frame; h1..h9: its first half; z: zeros; t: text;
		   v: a frame of a later version */
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

static const char *test_read_all(struct junk_spool *spool, uoff_t *skipped_r)
{
	buffer_t *data = t_buffer_create(1024);
	uoff_t skipped;
	const char *error;
	int ret;

	*skipped_r = 0;
	while ((ret = junk_spool_read(spool, data, 1, &skipped, &error)) > 0)
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
	test_assert(junk_identity_get(TEST_DIR, one, &error) == 0);
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
				strstr(error, "delete it") != NULL, i);
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
		test_assert_idx(junk_identity_get(TEST_DIR, mine,
						  &error) == 0, i);
		test_assert_idx(waitpid(pid, &status, 0) == pid &&
				status == 0, i);
		test_assert_idx(read(fds[0], theirs, sizeof(theirs)) ==
				sizeof(theirs), i);
		test_assert_idx(memcmp(mine, theirs, sizeof(mine)) == 0, i);
		i_close_fd(&fds[0]);
		i_close_fd(&fds[1]);
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
		test_junk_spool_limit,
		test_junk_identity,
		test_junk_identity_invalid,
		test_junk_identity_race,
		NULL
	};
	return test_run(test_functions);
}

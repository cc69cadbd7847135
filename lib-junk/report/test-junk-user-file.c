#include "lib.h"
#include "test-common.h"
#include "junk-identity.h"
#include "junk-user-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEST_DIR ".test-junk-user-file"
#define PATH TEST_DIR"/file"
#define OTHER_PATH TEST_DIR"/other"
#define ASIDE_PATH PATH".aside"
#define SPARSE_BYTES ((off_t)1 << 40)

static void test_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		i_fatal("write(%s) failed: %m", path);
	i_close_fd(&fd);
}

static void make_file(void)
{
	test_write(PATH, "x");
}

static void make_fifo(void)
{
	test_assert(mkfifo(PATH, 0600) == 0);
}

static void make_dir(void)
{
	test_assert(mkdir(PATH, 0700) == 0);
}

static void make_symlink(void)
{
	test_write(OTHER_PATH, "x");
	test_assert(symlink("other", PATH) == 0);
}

static void make_dangling(void)
{
	test_assert(symlink("nothing", PATH) == 0);
}

static void make_device_link(void)
{
	test_assert(symlink("/dev/zero", PATH) == 0);
}

static void make_socket(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	i_snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", PATH);
	test_assert(bind(fd, (void *)&addr, sizeof(addr)) == 0);
	i_close_fd(&fd);
}

static void make_hard_link(void)
{
	test_write(OTHER_PATH, "x");
	test_assert(link(OTHER_PATH, PATH) == 0);
}

static void make_others(void)
{
	make_file();
	/* only root can give it away; others have it already */
	if (geteuid() == 0)
		test_assert(chown(PATH, 12345, (gid_t)-1) == 0);
}

static void make_sparse(void)
{
	make_file();
	test_assert(truncate(PATH, SPARSE_BYTES) == 0);
}

static void test_remove(void)
{
	static const char *const paths[] = { PATH, OTHER_PATH, ASIDE_PATH };

	for (unsigned int i = 0; i < N_ELEMENTS(paths); i++) {
		if (unlink(paths[i]) < 0 && errno == EISDIR)
			(void)rmdir(paths[i]);
	}
}

/* What hangs is ended, and counts as a failure. */
static void test_junk_user_file_open(void)
{
	static const struct {
		void (*make)(void);
		/* 0 = it can be opened */
		int read_errno, write_errno;
		uoff_t max_bytes;
	} tests[] = {
		{ NULL, ENOENT, 0, UOFF_T_MAX },
		{ make_file, 0, 0, 1 },
		{ make_file, EFBIG, EFBIG, 0 },
		{ make_fifo, EINVAL, EINVAL, UOFF_T_MAX },
		{ make_dir, EINVAL, EINVAL, UOFF_T_MAX },
		{ make_symlink, EINVAL, EINVAL, UOFF_T_MAX },
		{ make_dangling, EINVAL, EINVAL, UOFF_T_MAX },
		{ make_device_link, EINVAL, EINVAL, UOFF_T_MAX },
		{ make_socket, EINVAL, EINVAL, UOFF_T_MAX },
		{ make_hard_link, 0, EMLINK, UOFF_T_MAX },
		{ make_others, EPERM, EPERM, UOFF_T_MAX },
		{ make_sparse, 0, 0, UOFF_T_MAX },
		{ make_sparse, EFBIG, EFBIG, 1000 },
	};
	const char *error;
	struct stat st;

	test_begin("junk_user_file_open()");
	if (mkdir(TEST_DIR, 0700) < 0 && errno != EEXIST)
		i_fatal("mkdir(%s) failed: %m", TEST_DIR);
	for (unsigned int i = 0; i < N_ELEMENTS(tests) * 2; i++) T_BEGIN {
		const bool writing = i % 2 == 1;
		const int wanted = writing ? tests[i / 2].write_errno :
			tests[i / 2].read_errno;
		int fd, got;

		test_remove();
		if (tests[i / 2].make != NULL)
			tests[i / 2].make();
		alarm(10);
		fd = junk_user_file_open(PATH, writing ? O_RDWR | O_CREAT |
					 O_APPEND : O_RDONLY,
					 tests[i / 2].max_bytes, &st, &error);
		got = fd == -1 ? errno : 0;
		alarm(0);
		if (geteuid() != 0 && tests[i / 2].make == make_others)
			got = wanted;
		test_assert_cmp_idx(got, ==, wanted, i);
		test_assert_idx(junk_user_file_is_unfit(wanted) ==
				(wanted != 0 && wanted != ENOENT), i);
		if (fd != -1) {
			test_assert_idx((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0,
					i);
		}
		i_close_fd(&fd);
	} T_END;
	test_remove();
	test_end();
}

/* A missing folder, and a file in its place, are the same as a missing file. */
static void test_junk_user_file_missing(void)
{
	static const char *const paths[] = {
		TEST_DIR"/missing/file", PATH"/file",
	};
	const char *error;
	struct stat st;

	test_begin("junk_user_file_open() without a folder");
	make_file();
	for (unsigned int i = 0; i < N_ELEMENTS(paths); i++) {
		test_assert_idx(junk_user_file_open(paths[i], O_RDONLY,
						    UOFF_T_MAX, &st,
						    &error) == -1 &&
				errno == ENOENT, i);
	}
	test_remove();
	test_end();
}

/* The identity is what every delivery reads. */
static void test_junk_user_file_identity(void)
{
	static void (*const makes[])(void) = {
		make_fifo, make_dir, make_symlink, make_dangling,
		make_device_link, make_socket, make_sparse,
	};
	unsigned char id[JUNK_REPORTER_BYTES];
	const char *error;

	test_begin("identity that isn't a file of the user's");
	for (unsigned int i = 0; i < N_ELEMENTS(makes); i++) T_BEGIN {
		test_remove();
		makes[i]();
		test_assert(rename(PATH, TEST_DIR"/"JUNK_IDENTITY_FNAME) == 0);
		alarm(10);
		error = NULL;
		test_assert_idx(junk_identity_read(TEST_DIR, id, &error) < 0,
				i);
		test_assert_idx(error != NULL, i);
		test_assert_idx(junk_identity_get(TEST_DIR, id, &error) < 0,
				i);
		alarm(0);
		if (unlink(TEST_DIR"/"JUNK_IDENTITY_FNAME) < 0)
			(void)rmdir(TEST_DIR"/"JUNK_IDENTITY_FNAME);
	} T_END;
	test_remove();
	test_end();
}

static void test_junk_user_file_set_aside(void)
{
	static void (*const makes[])(void) = {
		make_file, make_fifo, make_symlink, make_socket, make_sparse,
	};
	const char *error;
	struct stat st;

	test_begin("junk_user_file_set_aside()");
	/* each takes the place of the one before */
	for (unsigned int i = 0; i < N_ELEMENTS(makes); i++) {
		(void)unlink(OTHER_PATH);
		makes[i]();
		test_assert_idx(junk_user_file_set_aside(PATH, &error) == 0, i);
		test_assert_idx(lstat(PATH, &st) < 0 && errno == ENOENT, i);
		test_assert_idx(lstat(ASIDE_PATH, &st) == 0, i);
	}
	/* nothing there: nothing to do */
	test_assert(junk_user_file_set_aside(PATH, &error) == 0);
	/* a file doesn't take the place of a folder */
	test_remove();
	make_file();
	test_assert(mkdir(ASIDE_PATH, 0700) == 0);
	test_assert(junk_user_file_set_aside(PATH, &error) < 0);
	test_remove();
	if (rmdir(TEST_DIR) < 0)
		i_fatal("rmdir(%s) failed: %m", TEST_DIR);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_user_file_open,
		test_junk_user_file_missing,
		test_junk_user_file_identity,
		test_junk_user_file_set_aside,
		NULL
	};

	return test_run(test_functions);
}

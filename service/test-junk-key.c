/* Tests the key file, what of the key is left in memory, and derived keys. */

#include "lib.h"
#include "buffer.h"
#include "write-full.h"
#include "test-common.h"
#include "junk-key.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define TEST_PATH ".test-junk-key"
#define REPORT_ID UINT64_C(10054186385167742036)
#define TOKEN_1 UINT64_C(11696196862438822711)
#define BIT_1 20
#define CHECK_0 235
#define TEST_KEY "junk-feedback key 1\n" \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

/* Replaces libc's fsync(): counts its calls. */
static unsigned int fsync_count = 0;
/* called by the next fsync() */
static void (*fsync_hook)(void) = NULL;

int fsync(int fd)
{
	void (*hook)(void) = fsync_hook;

	fsync_count++;
	fsync_hook = NULL;
	if (hook != NULL)
		hook();
	return (int)syscall(SYS_fsync, fd);
}

static void test_write(const char *data, mode_t mode)
{
	int fd;

	i_unlink_if_exists(TEST_PATH);
	fd = open(TEST_PATH, O_RDWR | O_CREAT | O_EXCL, mode);
	if (fd == -1 || write_full(fd, data, strlen(data)) < 0 ||
	    fchmod(fd, mode) < 0)
		i_fatal("creating %s failed: %m", TEST_PATH);
	i_close_fd(&fd);
}

static struct junk_key *test_key(void)
{
	struct junk_key *key;
	const char *error;

	test_write(TEST_KEY, 0600);
	if (junk_key_load(TEST_PATH, FALSE, &key, &error) != 1)
		i_fatal("junk_key_load() failed: %s", error);
	i_unlink(TEST_PATH);
	return key;
}

static void test_junk_key_create(void)
{
	unsigned char check[2][JUNK_KEY_CHECK_BYTES];
	struct junk_key *key;
	const char *error;
	struct stat st;

	test_begin("junk_key: create");
	i_unlink_if_exists(TEST_PATH);
	test_assert(junk_key_load(TEST_PATH, FALSE, &key, &error) == 0);
	for (unsigned int i = 0; i < 2; i++) {
		/* created once, then read */
		fsync_count = 0;
		test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == 1);
		test_assert_ucmp(fsync_count, ==, 1 - i);
		junk_key_check(key, check[i]);
		junk_key_unref(&key);
		junk_key_unref(&key);
		test_assert(stat(TEST_PATH, &st) == 0 &&
			    (st.st_mode & 07777) == 0600 && st.st_nlink == 1);
	}
	test_assert(memcmp(check[0], check[1], sizeof(check[0])) == 0);
	i_unlink(TEST_PATH);
	test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == 1);
	junk_key_check(key, check[1]);
	junk_key_unref(&key);
	test_assert(memcmp(check[0], check[1], sizeof(check[0])) != 0);
	i_unlink(TEST_PATH);
	test_assert(junk_key_load("missing/dir/key", TRUE, &key,
				  &error) == -1);
	test_end();
}

static void test_other_process(void)
{
	test_write(TEST_KEY, 0600);
}

/* If two processes create the key at the same time, there is only one. */
static void test_junk_key_race(void)
{
	unsigned char check[JUNK_KEY_CHECK_BYTES];
	struct junk_key *key;
	const char *error;

	test_begin("junk_key: another process comes first");
	i_unlink_if_exists(TEST_PATH);
	fsync_hook = test_other_process;
	test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == 1);
	test_assert(fsync_hook == NULL);
	junk_key_check(key, check);
	test_assert_ucmp(check[0], ==, CHECK_0);
	junk_key_unref(&key);
	i_unlink(TEST_PATH);
	test_end();
}

/* --- remains in memory --- */

/* The wanted bytes are stored inverted, since they would be found here
   otherwise. */
struct test_secret {
	unsigned char inverted[64];
	size_t size;
};

#define SCAN_BYTES (1024*1024)
/* Larger mappings belong to valgrind. */
#define SCAN_MAX_BYTES (64*1024*1024)

static void test_secret_invert(unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] ^= 0xff;
}

/* Read the digits of the key file. */
static void test_secret_read(struct test_secret *secret_r)
{
	int fd = open(TEST_PATH, O_RDONLY);

	secret_r->size = sizeof(secret_r->inverted);
	if (fd == -1 || pread(fd, secret_r->inverted, secret_r->size,
			      strlen("junk-feedback key 1\n")) !=
	    (ssize_t)secret_r->size)
		i_fatal("reading %s failed: %m", TEST_PATH);
	test_secret_invert(secret_r->inverted, secret_r->size);
	i_close_fd(&fd);
}

/* Decode the digits. */
static void
test_secret_decode(const struct test_secret *digits,
		   struct test_secret *secret_r)
{
	volatile unsigned char digit;
	unsigned int value;

	secret_r->size = digits->size / 2;
	memset(secret_r->inverted, 0, sizeof(secret_r->inverted));
	for (size_t i = 0; i < digits->size; i++) {
		digit = digits->inverted[i] ^ 0xff;
		value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
		secret_r->inverted[i / 2] |= value << (i % 2 == 0 ? 4 : 0);
	}
	test_secret_invert(secret_r->inverted, secret_r->size);
}

static unsigned char
test_secret_byte(const struct test_secret *secret, size_t i)
{
	return secret->inverted[i] ^ 0xff;
}

static bool
test_secret_is_in(const struct test_secret *secret, const unsigned char *data,
		  size_t size)
{
	const unsigned char first = test_secret_byte(secret, 0);
	const unsigned char *p = data, *end = data + size;
	size_t i;

	while ((size_t)(end - p) >= secret->size &&
	       (p = memchr(p, first, end - p - secret->size + 1)) != NULL) {
		for (i = 1; i < secret->size; i++) {
			if (p[i] != test_secret_byte(secret, i))
				break;
		}
		if (i == secret->size)
			return TRUE;
		p++;
	}
	return FALSE;
}

/* Returns TRUE if the secret is in any writable memory of this process. buf:
   where memory is copied to. */
static bool
test_secret_is_in_memory(const struct test_secret *secret, unsigned char *buf)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int fd = open("/proc/self/mem", O_RDONLY);
	unsigned long begin, end;
	char line[512], mode[5];
	bool found = FALSE;
	ssize_t got;

	if (maps == NULL || fd == -1)
		i_fatal("can't read our memory: %m");
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &begin, &end, mode) != 3 ||
		    mode[0] != 'r' || mode[1] != 'w' ||
		    end - begin > SCAN_MAX_BYTES)
			continue;
		for (; begin < end; begin += SCAN_BYTES - secret->size) {
			/* buf itself is being scanned: clear it */
			if ((unsigned long)buf < end &&
			    (unsigned long)buf + SCAN_BYTES > begin)
				memset(buf, 0, SCAN_BYTES);
			got = pread(fd, buf, I_MIN(SCAN_BYTES, end - begin),
				    (off_t)begin);
			if (got > 0 && test_secret_is_in(secret, buf,
							 (size_t)got))
				found = TRUE;
		}
		memset(buf, 0, SCAN_BYTES);
	}
	(void)fclose(maps);
	i_close_fd(&fd);
	return found;
}

static void test_junk_key_wiped(void)
{
	unsigned char *buf = i_malloc(SCAN_BYTES);
	struct test_secret digits, master, derived;
	struct junk_key *key;
	const char *error;

	test_begin("junk_key: nothing of it stays in memory");
	i_unlink_if_exists(TEST_PATH);
	test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == 1);
	test_secret_read(&digits);
	test_secret_decode(&digits, &master);
	derived.size = JUNK_KEY_CHECK_BYTES;
	junk_key_check(key, derived.inverted);
	test_secret_invert(derived.inverted, derived.size);

	test_assert(test_secret_is_in_memory(&derived, buf));
	test_assert(!test_secret_is_in_memory(&digits, buf));
	test_assert(!test_secret_is_in_memory(&master, buf));
	junk_key_unref(&key);
	test_assert(!test_secret_is_in_memory(&derived, buf));
	/* an invalid key file is as secret */
	if (truncate(TEST_PATH, (off_t)strlen(TEST_KEY) - 1) < 0)
		i_fatal("truncate() failed: %m");
	test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == -1);
	test_assert(!test_secret_is_in_memory(&digits, buf));
	test_assert(!test_secret_is_in_memory(&master, buf));
	i_unlink(TEST_PATH);
	i_free(buf);
	test_end();
}

static void test_junk_key_bad(void)
{
	static const struct {
		const char *data;
		mode_t mode;
		const char *error;
	} tests[] = {
		{ "", 0600, "not a key file" },
		{ "junk-feedback key 1\n", 0600, "not a key file" },
		{ TEST_KEY"\n", 0600, "not a key file" },
		{ "junk-feedback key 2\n"
		  "000102030405060708090a0b0c0d0e0f"
		  "101112131415161718191a1b1c1d1e1f\n", 0600,
		  "not a key file" },
		{ "junk-feedback key 1\n"
		  "g00102030405060708090a0b0c0d0e0f"
		  "101112131415161718191a1b1c1d1e1f\n", 0600,
		  "not a key file" },
		{ TEST_KEY, 0640, "chmod 600" },
		{ TEST_KEY, 0604, "chmod 600" },
	};
	struct junk_key *key;
	const char *error;

	test_begin("junk_key: bad files");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		test_write(tests[i].data, tests[i].mode);
		error = "";
		/* existing files are never overwritten */
		test_assert_idx(junk_key_load(TEST_PATH, TRUE, &key,
					      &error) == -1, i);
		test_assert_idx(strstr(error, tests[i].error) != NULL, i);
	} T_END;
	i_unlink(TEST_PATH);
	/* a symlink isn't followed, even to a valid key */
	test_write(TEST_KEY, 0600);
	if (rename(TEST_PATH, TEST_PATH".target") < 0 ||
	    symlink(TEST_PATH".target", TEST_PATH) < 0)
		i_fatal("symlink() failed: %m");
	test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == -1);
	i_unlink(TEST_PATH);
	i_unlink(TEST_PATH".target");
	if (mkfifo(TEST_PATH, 0600) < 0)
		i_fatal("mkfifo() failed: %m");
	test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == -1);
	test_assert(strstr(error, "not a regular file") != NULL);
	i_unlink(TEST_PATH);
	test_end();
}

/* Stored data depends on these values: they must never change. */
static void test_junk_key_values(void)
{
	struct junk_key *key = test_key();
	unsigned char reporter[JUNK_REPORTER_BYTES] = "reporter";
	unsigned char digest[JUNK_DIGEST_BYTES] = "digest";
	unsigned char check[JUNK_KEY_CHECK_BYTES];

	test_begin("junk_key: values");
	junk_key_check(key, check);
	test_assert_ucmp(junk_key_report_id(key, reporter, digest), ==,
			 REPORT_ID);
	test_assert_ucmp(junk_key_token(key, 1), ==, TOKEN_1);
	test_assert_ucmp(junk_key_sketch_bit(key, 1, reporter), ==, BIT_1);
	test_assert_ucmp(check[0], ==, CHECK_0);
	/* the number of a reporter differs in each hour */
	test_assert(junk_key_flooder(key, reporter, 3600) ==
		    junk_key_flooder(key, reporter, 3600));
	test_assert(junk_key_flooder(key, reporter, 3600) !=
		    junk_key_flooder(key, reporter, 7200));
	test_assert(junk_key_token(key, 1) != junk_key_token(key, 2));
	digest[0]++;
	test_assert(junk_key_report_id(key, reporter, digest) !=
		    REPORT_ID);
	junk_key_unref(&key);
	test_end();
}

static void test_junk_key_seal(void)
{
	struct junk_key *key = test_key();
	buffer_t *sealed = t_buffer_create(64);
	buffer_t *again = t_buffer_create(64);
	buffer_t *plain = t_buffer_create(64);
	unsigned char *data;

	test_begin("junk_key: seal");
	junk_key_seal(key, "secret", 6, sealed);
	junk_key_seal(key, "secret", 6, again);
	test_assert(sealed->used == 6 + JUNK_KEY_SEAL_BYTES);
	/* sealing is randomised */
	test_assert(memcmp(sealed->data, again->data, sealed->used) != 0);
	buffer_append(plain, "x", 1);
	test_assert(junk_key_unseal(key, sealed->data, sealed->used,
				    plain) == 0);
	test_assert(plain->used == 7 &&
		    memcmp(plain->data, "xsecret", 7) == 0);

	data = buffer_get_modifiable_data(sealed, NULL);
	for (size_t i = 0; i < sealed->used; i++) {
		data[i] ^= 0x10;
		test_assert_idx(junk_key_unseal(key, data, sealed->used,
						plain) == -1, i);
		data[i] ^= 0x10;
		test_assert_idx(junk_key_unseal(key, data, i, plain) == -1, i);
	}
	test_assert(plain->used == 7);

	/* empty data can be sealed, too */
	buffer_set_used_size(sealed, 0);
	buffer_set_used_size(plain, 0);
	junk_key_seal(key, "", 0, sealed);
	test_assert(junk_key_unseal(key, sealed->data, sealed->used,
				    plain) == 0 && plain->used == 0);
	junk_key_unref(&key);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_key_create,
		test_junk_key_race,
		test_junk_key_wiped,
		test_junk_key_bad,
		test_junk_key_values,
		test_junk_key_seal,
		NULL
	};
	return test_run(test_functions);
}

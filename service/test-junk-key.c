#include "lib.h"
#include "buffer.h"
#include "write-full.h"
#include "test-common.h"
#include "junk-key.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>

#define TEST_PATH ".test-junk-key"
#define REPORT_ID UINT64_C(10054186385167742036)
#define TOKEN_1 UINT64_C(11696196862438822711)
#define BIT_1 20
#define CHECK_0 235
#define TEST_KEY "junk-feedback key 1\n" \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

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
		/* made once, then read */
		test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == 1);
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
		/* nothing is ever overwritten */
		test_assert_idx(junk_key_load(TEST_PATH, TRUE, &key,
					      &error) == -1, i);
		test_assert_idx(strstr(error, tests[i].error) != NULL, i);
	} T_END;
	i_unlink(TEST_PATH);
	if (symlink("/dev/null", TEST_PATH) < 0)
		i_fatal("symlink() failed: %m");
	test_assert(junk_key_load(TEST_PATH, TRUE, &key, &error) == -1);
	i_unlink(TEST_PATH);
	test_end();
}

/* Stored data hangs on these: they must never change. */
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
	/* one reporter, hour by hour another */
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
	/* the same is never written twice */
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

	/* nothing at all can be sealed too */
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
		test_junk_key_bad,
		test_junk_key_values,
		test_junk_key_seal,
		NULL
	};
	return test_run(test_functions);
}

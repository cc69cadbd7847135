/* See junk-key.h. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "str.h"
#include "write-full.h"
#include "safe-mkstemp.h"
#include "junk-key.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sodium.h>

#define JUNK_KEY_MAGIC "junk-feedback key 1\n"
#define JUNK_KEY_BYTES crypto_kdf_KEYBYTES
#define JUNK_KEY_FILE_BYTES \
	(sizeof(JUNK_KEY_MAGIC)-1 + JUNK_KEY_BYTES*2 + 1)

/* Numbers of the derived keys. Stored data depends on them: never change
   them. */
enum junk_key_purpose {
	JUNK_KEY_REPORT = 1,
	JUNK_KEY_TOKEN = 2,
	JUNK_KEY_SKETCH = 3,
	JUNK_KEY_CHECK = 4,
	JUNK_KEY_SEAL = 5,
	JUNK_KEY_IDENTITY = 6,
};

struct junk_key {
	unsigned char report[crypto_shorthash_KEYBYTES];
	unsigned char token[crypto_shorthash_KEYBYTES];
	unsigned char sketch[crypto_shorthash_KEYBYTES];
	unsigned char identity[crypto_shorthash_KEYBYTES];
	unsigned char check[JUNK_KEY_CHECK_BYTES];
	unsigned char seal[crypto_secretbox_KEYBYTES];
};

/* Allocate memory for keys. libsodium's memory is kept out of core dumps and
   swap, has guard pages and is wiped when it is freed. Keys and their text are
   only in such memory. */
static void *junk_key_malloc(size_t size)
{
	void *data = sodium_malloc(size);

	if (data == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "sodium_malloc(%zu) failed: %m "
			       "(is RLIMIT_MEMLOCK too small?)", size);
	memset(data, 0, size);
	return data;
}

static struct junk_key *
junk_key_derive(const unsigned char master[JUNK_KEY_BYTES])
{
	struct junk_key *key = junk_key_malloc(sizeof(*key));

#define DERIVE(member, purpose) \
	(void)crypto_kdf_derive_from_key(key->member, sizeof(key->member), \
					 purpose, "junkfbk1", master)
	DERIVE(report, JUNK_KEY_REPORT);
	DERIVE(token, JUNK_KEY_TOKEN);
	DERIVE(sketch, JUNK_KEY_SKETCH);
	DERIVE(identity, JUNK_KEY_IDENTITY);
	DERIVE(check, JUNK_KEY_CHECK);
	DERIVE(seal, JUNK_KEY_SEAL);
#undef DERIVE
	return key;
}

static int
junk_key_parse(const char *path, const char *text, size_t size,
	       struct junk_key **key_r, const char **error_r)
{
	const size_t magic_len = sizeof(JUNK_KEY_MAGIC) - 1;
	unsigned char *master = junk_key_malloc(JUNK_KEY_BYTES);
	size_t master_size;
	bool valid;

	valid = size == JUNK_KEY_FILE_BYTES && text[size - 1] == '\n' &&
		memcmp(text, JUNK_KEY_MAGIC, magic_len) == 0 &&
		sodium_hex2bin(master, JUNK_KEY_BYTES, text + magic_len,
			       JUNK_KEY_BYTES * 2, NULL, &master_size,
			       NULL) == 0 &&
		master_size == JUNK_KEY_BYTES;
	if (valid)
		*key_r = junk_key_derive(master);
	else
		*error_r = t_strdup_printf("%s is not a key file: restore it "
					   "from a backup", path);
	sodium_free(master);
	return valid ? 1 : -1;
}

static int
junk_key_read_fd(const char *path, int fd, struct junk_key **key_r,
		 const char **error_r)
{
	/* one byte more, to detect a longer file */
	const size_t max_size = JUNK_KEY_FILE_BYTES + 1;
	struct stat st;
	char *text;
	ssize_t size;
	int ret = -1;

	if (fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		*error_r = t_strdup_printf("%s is not a regular file", path);
		return -1;
	}
	if ((st.st_mode & 077) != 0) {
		*error_r = t_strdup_printf(
			"%s is readable by other users (mode %04o): run "
			"chmod 600",
			path, (unsigned int)(st.st_mode & 07777));
		return -1;
	}
	text = junk_key_malloc(max_size);
	size = read(fd, text, max_size);
	if (size < 0)
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
	else
		ret = junk_key_parse(path, text, (size_t)size, key_r, error_r);
	sodium_free(text);
	return ret;
}

static int
junk_key_read(const char *path, struct junk_key **key_r, const char **error_r)
{
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd == -1) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	ret = junk_key_read_fd(path, fd, key_r, error_r);
	i_close_fd(&fd);
	return ret;
}

static int
junk_key_write_fd(const char *temp_path, int fd, const char **error_r)
{
	const size_t magic_len = sizeof(JUNK_KEY_MAGIC) - 1;
	unsigned char *master = junk_key_malloc(JUNK_KEY_BYTES);
	/* replace the terminating NUL by a line feed */
	char *text = junk_key_malloc(JUNK_KEY_FILE_BYTES);
	int ret = 0;

	crypto_kdf_keygen(master);
	memcpy(text, JUNK_KEY_MAGIC, magic_len);
	(void)sodium_bin2hex(text + magic_len, JUNK_KEY_BYTES * 2 + 1,
			     master, JUNK_KEY_BYTES);
	text[JUNK_KEY_FILE_BYTES - 1] = '\n';
	if (write_full(fd, text, JUNK_KEY_FILE_BYTES) < 0 || fsync(fd) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", temp_path);
		ret = -1;
	}
	sodium_free(text);
	sodium_free(master);
	return ret;
}

/* Create the key file. link() doesn't replace another process's key and never
   shows a partly written one. */
static int junk_key_create(const char *path, const char **error_r)
{
	string_t *temp_path = t_str_new(128);
	int fd, ret;

	str_printfa(temp_path, "%s.", path);
	fd = safe_mkstemp(temp_path, 0600, (uid_t)-1, (gid_t)-1);
	if (fd == -1) {
		*error_r = t_strdup_printf("creating %s failed: %m",
					   str_c(temp_path));
		return -1;
	}
	ret = junk_key_write_fd(str_c(temp_path), fd, error_r);
	if (ret == 0 && link(str_c(temp_path), path) < 0 && errno != EEXIST) {
		*error_r = t_strdup_printf("link(%s, %s) failed: %m",
					   str_c(temp_path), path);
		ret = -1;
	}
	i_unlink(str_c(temp_path));
	i_close_fd(&fd);
	return ret;
}

int junk_key_load(const char *path, bool create, struct junk_key **key_r,
		  const char **error_r)
{
	int ret;

	if (sodium_init() < 0) {
		*error_r = "libsodium can't be initialized";
		return -1;
	}
	ret = junk_key_read(path, key_r, error_r);
	if (ret != 0 || !create)
		return ret;
	if (junk_key_create(path, error_r) < 0)
		return -1;
	ret = junk_key_read(path, key_r, error_r);
	if (ret == 0) {
		*error_r = t_strdup_printf("%s has just been deleted", path);
		ret = -1;
	}
	return ret;
}

void junk_key_unref(struct junk_key **_key)
{
	struct junk_key *key = *_key;

	if (key == NULL)
		return;
	*_key = NULL;
	sodium_free(key);
}

static uint64_t
junk_key_prf(const unsigned char key[crypto_shorthash_KEYBYTES],
	     const unsigned char *data, size_t size)
{
	unsigned char hash[crypto_shorthash_BYTES];

	(void)crypto_shorthash(hash, data, size, key);
	return le64_to_cpu_unaligned(hash);
}

uint64_t junk_key_report_id(const struct junk_key *key,
			    const unsigned char reporter[JUNK_REPORTER_BYTES],
			    const unsigned char digest[JUNK_DIGEST_BYTES])
{
	unsigned char data[JUNK_REPORTER_BYTES + JUNK_DIGEST_BYTES];

	memcpy(data, reporter, JUNK_REPORTER_BYTES);
	memcpy(data + JUNK_REPORTER_BYTES, digest, JUNK_DIGEST_BYTES);
	return junk_key_prf(key->report, data, sizeof(data));
}

uint64_t
junk_key_identity(const struct junk_key *key,
		  const unsigned char reporter[JUNK_REPORTER_BYTES])
{
	return junk_key_prf(key->identity, reporter, JUNK_REPORTER_BYTES);
}

uint64_t junk_key_uid(const struct junk_key *key, uint32_t uid)
{
	unsigned char data[sizeof(uid)];

	cpu32_to_le_unaligned(uid, data);
	return junk_key_prf(key->identity, data, sizeof(data));
}

uint32_t junk_key_flooder(const struct junk_key *key,
			  const unsigned char reporter[JUNK_REPORTER_BYTES],
			  int64_t hour)
{
	unsigned char data[JUNK_REPORTER_BYTES + sizeof(hour)];
	uint32_t num;

	memcpy(data, reporter, JUNK_REPORTER_BYTES);
	cpu64_to_le_unaligned((uint64_t)hour, data + JUNK_REPORTER_BYTES);
	/* the data's length differs from that of any report, so results never
	   collide */
	num = (uint32_t)junk_key_prf(key->report, data, sizeof(data));
	return num != 0 ? num : 1;
}

uint64_t junk_key_token(const struct junk_key *key, junk_token_t token)
{
	unsigned char data[sizeof(token)];

	cpu64_to_le_unaligned(token, data);
	return junk_key_prf(key->token, data, sizeof(data));
}

unsigned int
junk_key_sketch_bit(const struct junk_key *key, junk_token_t token,
		    const unsigned char reporter[JUNK_REPORTER_BYTES])
{
	unsigned char data[sizeof(token) + JUNK_REPORTER_BYTES];

	cpu64_to_le_unaligned(token, data);
	memcpy(data + sizeof(token), reporter, JUNK_REPORTER_BYTES);
	return (unsigned int)(junk_key_prf(key->sketch, data,
					   sizeof(data)) % 64);
}

void junk_key_check(const struct junk_key *key,
		    unsigned char check_r[JUNK_KEY_CHECK_BYTES])
{
	memcpy(check_r, key->check, JUNK_KEY_CHECK_BYTES);
}

void junk_key_seal(const struct junk_key *key, const void *data, size_t size,
		   buffer_t *dest)
{
	unsigned char *nonce, *box;

	i_assert(JUNK_KEY_SEAL_BYTES == crypto_secretbox_NONCEBYTES +
		 crypto_secretbox_MACBYTES);
	nonce = buffer_append_space_unsafe(dest, JUNK_KEY_SEAL_BYTES + size);
	box = nonce + crypto_secretbox_NONCEBYTES;
	randombytes_buf(nonce, crypto_secretbox_NONCEBYTES);
	(void)crypto_secretbox_easy(box, data, size, nonce, key->seal);
}

int junk_key_unseal(const struct junk_key *key, const void *data, size_t size,
		    buffer_t *dest)
{
	const unsigned char *nonce = data, *box;
	const size_t used = dest->used;
	unsigned char *plain;

	if (size < JUNK_KEY_SEAL_BYTES)
		return -1;
	box = nonce + crypto_secretbox_NONCEBYTES;
	plain = buffer_append_space_unsafe(dest, size - JUNK_KEY_SEAL_BYTES);
	if (crypto_secretbox_open_easy(plain, box,
				       size - crypto_secretbox_NONCEBYTES,
				       nonce, key->seal) < 0) {
		buffer_set_used_size(dest, used);
		return -1;
	}
	return 0;
}

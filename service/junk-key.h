#ifndef JUNK_KEY_H
#define JUNK_KEY_H

#include "junk-report.h"

/* The service's secret key: everything that is stored goes through it, so that
   a database without its key says nothing about any user, and deleting the key
   makes the database anonymous for good. It lives in a file of its own,
   readable by the service's user alone.

   file: "junk-feedback key 1\n", 64 hexadecimal digits, "\n"

   Purposes have keys of their own (libsodium's crypto_kdf). */

struct junk_key;

/* Read the key. Returns 1 and key_r, 0 if there is no such file and create is
   FALSE, -1 and error_r on error. With create a missing file is made (mode
   0600, whole or not at all, also with two processes at once). */
int junk_key_load(const char *path, bool create, struct junk_key **key_r,
		  const char **error_r);
void junk_key_unref(struct junk_key **key);

/* Identifies a (reporter, message) pair. */
uint64_t junk_key_report_id(const struct junk_key *key,
			    const unsigned char reporter[JUNK_REPORTER_BYTES],
			    const unsigned char digest[JUNK_DIGEST_BYTES]);
/* Who may report as whom. */
uint64_t
junk_key_identity(const struct junk_key *key,
		  const unsigned char reporter[JUNK_REPORTER_BYTES]);
uint64_t junk_key_uid(const struct junk_key *key, uint32_t uid);
/* Tells apart those who flood us, within an hour and for this hour only. Never
   0. */
uint32_t junk_key_flooder(const struct junk_key *key,
			  const unsigned char reporter[JUNK_REPORTER_BYTES],
			  int64_t hour);
uint64_t junk_key_token(const struct junk_key *key, junk_token_t token);
/* Which of 64 bits stands for a reporter in a token's sketch: another one for
   each token, so that sketches don't tell who shares words with whom. */
unsigned int
junk_key_sketch_bit(const struct junk_key *key, junk_token_t token,
		    const unsigned char reporter[JUNK_REPORTER_BYTES]);

/* What a database stores to know its key by. */
#define JUNK_KEY_CHECK_BYTES 16
void junk_key_check(const struct junk_key *key,
		    unsigned char check_r[JUNK_KEY_CHECK_BYTES]);

/* Bytes that sealing adds. */
#define JUNK_KEY_SEAL_BYTES 40
/* Append data to dest, encrypted and authenticated. */
void junk_key_seal(const struct junk_key *key, const void *data, size_t size,
		   buffer_t *dest);
/* The opposite. Returns -1 if it wasn't sealed with this key or has been
   changed since. */
int junk_key_unseal(const struct junk_key *key, const void *data, size_t size,
		    buffer_t *dest);

#endif

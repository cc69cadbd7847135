#ifndef JUNK_KEY_H
#define JUNK_KEY_H

#include "junk-report.h"

/* The service's secret key. All stored data depends on it: a database without
   its key reveals nothing about any user, and deleting the key makes the
   database anonymous for good. It is in a file that only the service's user can
   read.

   file: "junk-feedback key 1\n", 64 hexadecimal digits, "\n"

   Each purpose has a derived key of its own (libsodium's crypto_kdf). */

struct junk_key;

/* Read the key. Returns 1 and key_r, 0 if the file doesn't exist and create is
   FALSE, -1 and error_r on error. With create a missing file is created (mode
   0600, atomically, also with two processes at once). */
int junk_key_load(const char *path, bool create, struct junk_key **key_r,
		  const char **error_r);
void junk_key_unref(struct junk_key **key);

/* Returns the id of a (reporter, message) pair. */
uint64_t junk_key_report_id(const struct junk_key *key,
			    const unsigned char reporter[JUNK_REPORTER_BYTES],
			    const unsigned char digest[JUNK_DIGEST_BYTES]);
/* Return the keyed hashes of an identity and of a uid. */
uint64_t
junk_key_identity(const struct junk_key *key,
		  const unsigned char reporter[JUNK_REPORTER_BYTES]);
uint64_t junk_key_uid(const struct junk_key *key, uint32_t uid);
/* Returns a number that identifies a reporter of a burst within this hour only.
   Never 0. */
uint32_t junk_key_flooder(const struct junk_key *key,
			  const unsigned char reporter[JUNK_REPORTER_BYTES],
			  int64_t hour);
uint64_t junk_key_token(const struct junk_key *key, junk_token_t token);
/* Returns the bit of 64 that represents a reporter in a token's sketch. It
   differs for each token, so that sketches don't show which reporters share
   words. */
unsigned int
junk_key_sketch_bit(const struct junk_key *key, junk_token_t token,
		    const unsigned char reporter[JUNK_REPORTER_BYTES]);

/* A value that a database stores to recognise its key. */
#define JUNK_KEY_CHECK_BYTES 16
void junk_key_check(const struct junk_key *key,
		    unsigned char check_r[JUNK_KEY_CHECK_BYTES]);

/* Number of bytes that sealing adds. */
#define JUNK_KEY_SEAL_BYTES 40
/* Append the encrypted and authenticated data to dest. */
void junk_key_seal(const struct junk_key *key, const void *data, size_t size,
		   buffer_t *dest);
/* Decrypt and append to dest. Returns 0, or -1 if the data wasn't sealed with
   this key or was changed. */
int junk_key_unseal(const struct junk_key *key, const void *data, size_t size,
		    buffer_t *dest);

#endif

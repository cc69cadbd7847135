#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include "junk-tokenizer.h"

/* A corpus in memory, as tokens. The corpus owns all tokens and paths. */

struct corpus_mail {
	const char *path;
	bool spam;
	const junk_token_t *tokens;
	unsigned int token_count;
	unsigned char digest[JUNK_DIGEST_BYTES];
};

struct corpus {
	pool_t pool;
	ARRAY(struct corpus_mail) mails;
	unsigned int spam_count, ham_count;
};

/* Read an index with lines "spam|ham path" (paths are relative to the index's
   folder) and all of its messages. strip: of the header, read only Subject,
   From, To and Content-*. Returns 0, or -1 and error_r if a file can't be read,
   a line isn't valid, or there is no message or only one class. */
int corpus_read(const char *index_path, bool strip, struct corpus *corpus_r,
		const char **error_r);
void corpus_free(struct corpus *corpus);
/* Read a message, without the "From " line of an mbox, into dest, whose content
   is replaced. Returns 0, or -1 and error_r. */
int corpus_read_mail(const char *path, buffer_t *dest, const char **error_r);

/* Returns the token of the sender's domain, 0 if there is none. */
uint64_t corpus_mail_domain(const struct corpus_mail *mail);

/* Pseudo-random numbers that are the same on every machine. */
struct corpus_random {
	uint64_t state;
};
uint64_t corpus_random_next(struct corpus_random *random);
/* Returns a number with 0 <= x < 1. */
double corpus_random_double(struct corpus_random *random);

/* Shuffle count items of a size in bytes. */
void corpus_random_shuffle(struct corpus_random *random, void *items,
			   unsigned int count, size_t size);
void corpus_shuffle(struct corpus *corpus, struct corpus_random *random);

#endif

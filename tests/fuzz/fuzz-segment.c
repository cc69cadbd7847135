/* Fuzzes segments with any content that changes while it is read. The input is
   the file; if it is at least 128 bytes longer than a header, the last 128
   bytes overwrite the header afterwards. Bit 0 of the reserved byte 30 requests
   a correct checksum, so that the code behind the check is reached. */

#include "lib.h"
#include "buffer.h"
#include "fuzz.h"
#include "junk-segment.h"

#include <sys/mman.h>
#include <unistd.h>

#define RESERVED_OFFSET 30

static void
fuzz_write(int fd, const void *data, size_t size)
{
	struct junk_segment_header header;

	if (pwrite(fd, data, size, 0) != (ssize_t)size)
		i_fatal("pwrite() failed: %m");
	if (size < sizeof(header))
		return;
	memcpy(&header, data, sizeof(header));
	if ((((const unsigned char *)data)[RESERVED_OFFSET] & 1) == 0)
		return;
	header.zero1 = 0;
	header.checksum = junk_segment_checksum(&header);
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		i_fatal("pwrite() failed: %m");
}

static void fuzz_score(struct junk_segment *segment, time_t now)
{
	static const unsigned char reporter[JUNK_REPORTER_BYTES] = "reporter";
	junk_token_t tokens[40];
	struct junk_model model;
	struct junk_score score;
	const char *reason;

	if (junk_segment_get(segment, now, &model, &reason) < 0) {
		i_assert(reason != NULL);
		return;
	}
	for (unsigned int i = 0; i < N_ELEMENTS(tokens); i++)
		tokens[i] = junk_token_hash(i % JUNK_TOKEN_CLASS_COUNT, &i,
					    sizeof(i));
	junk_model_score(&model, tokens, N_ELEMENTS(tokens), reporter, &score);
	if (score.score < JUNK_SCORE_UNKNOWN || score.score > 100)
		i_panic("score %d", score.score);
	i_assert((score.score == JUNK_SCORE_UNKNOWN) ==
		 (score.unknown_reason != NULL));
}

FUZZ_ONE(data, size)
{
	const size_t header_size = sizeof(struct junk_segment_header);
	char path[] = "/tmp/junk-fuzz-XXXXXX";
	const uint8_t *change = NULL;
	struct junk_segment *segment;
	int fd = mkstemp(path);

	if (fd == -1)
		i_fatal("mkstemp(%s) failed: %m", path);
	if (size >= header_size * 2) {
		size -= header_size;
		change = data + size;
	}
	fuzz_write(fd, data, size);
	segment = junk_segment_open(path);
	fuzz_score(segment, 1);
	/* a writer never shortens the file */
	if (change != NULL) {
		fuzz_write(fd, change, header_size);
		fuzz_score(segment, 1);
		fuzz_score(segment, 2);
	}
	junk_segment_close(&segment);
	i_unlink(path);
	i_close_fd(&fd);
}

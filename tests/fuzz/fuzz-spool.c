/* Fuzzes spool files: any content is read to its end, and the results are
   complete reports. */

#include "lib.h"
#include "buffer.h"
#include "write-full.h"
#include "fuzz.h"
#include "junk-frame.h"
#include "junk-limits.h"
#include "junk-spool.h"

#include <fcntl.h>
#include <unistd.h>

#define READ_BYTES 500

static void fuzz_write(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write_full(fd, data, size) < 0)
		i_fatal("writing %s failed: %m", path);
	i_close_fd(&fd);
}

static void fuzz_check(const buffer_t *frames)
{
	const unsigned char *data = frames->data;
	struct junk_report report;
	struct junk_frame frame;
	const char *error;
	size_t size, pos;

	for (pos = 0; pos < frames->used; pos += size) T_BEGIN {
		if (junk_frame_decode(data + pos, frames->used - pos, &frame,
				      &size, &error) <= 0 ||
		    junk_frame_decode_report(&frame, &report, &error) < 0)
			i_panic("not a report at %zu", pos);
	} T_END;
}

FUZZ_ONE(data, size)
{
	buffer_t *frames = t_buffer_create(1024);
	char dir[] = "/tmp/junk-fuzz-XXXXXX";
	struct junk_spool *spool;
	const char *path, *error;
	uoff_t skipped, skipped_sum = 0;
	int ret;

	if (mkdtemp(dir) == NULL)
		i_fatal("mkdtemp(%s) failed: %m", dir);
	spool = junk_spool_init(dir);
	path = junk_spool_get_path(spool);
	fuzz_write(path, data, size);
	while ((ret = junk_spool_read(spool, frames, READ_BYTES, &skipped,
				      &error)) > 0)
		skipped_sum += skipped;
	skipped_sum += skipped;
	if (ret < 0)
		i_panic("junk_spool_read() failed: %s", error);
	fuzz_check(frames);
	if (frames->used + skipped_sum != size)
		i_panic("%zu bytes read, %"PRIuUOFF_T" skipped of %zu",
			frames->used, skipped_sum, size);
	if (junk_spool_finish(spool, &error) != 1)
		i_panic("the spool isn't finished");
	junk_spool_deinit(&spool);
	if (rmdir(dir) < 0)
		i_fatal("rmdir(%s) failed: %m", dir);
}

#include "lib.h"
#include "str.h"
#include "write-full.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-mail-file.h"

#include <fcntl.h>
#include <unistd.h>

#define FNAME ".test-junk-mail-file"
#define FILE_HEADER "2 M1e C6728d0a1\n"
#define MSG_HEADER(size) "\001\002N          " size "\n"

static int test_open(const string_t *data)
{
	int fd = open(FNAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

	i_unlink(FNAME);
	if (fd == -1 || write_full(fd, str_data(data), str_len(data)) < 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		i_fatal("writing "FNAME" failed: %m");
	return fd;
}

static void test_junk_body_load_dbox(void)
{
	static const struct {
		const char *header;
		/* of the message in the file */
		size_t bytes;
		/* 0 = not read */
		size_t expect;
	} tests[] = {
		{ FILE_HEADER MSG_HEADER("0000000000000003"), 3, 3 },
		/* metadata follows */
		{ FILE_HEADER MSG_HEADER("0000000000000003"), 30, 3 },
		{ FILE_HEADER MSG_HEADER("0000000000000003"), 2, 0 },
		{ FILE_HEADER MSG_HEADER("0000000000008000"), 0x8000, 0x8000 },
		{ FILE_HEADER MSG_HEADER("0000000000008000"), 0x7fff, 0 },
		/* no more than is ever used */
		{ FILE_HEADER MSG_HEADER("00000000ffffffff"),
		  JUNK_MAX_READ_BYTES, JUNK_MAX_READ_BYTES },
		{ FILE_HEADER MSG_HEADER("ffffffffffffffff"),
		  JUNK_MAX_READ_BYTES - 1, 0 },
		/* empty, no number, other versions, no dbox at all */
		{ FILE_HEADER MSG_HEADER("0000000000000000"), 3, 0 },
		{ FILE_HEADER MSG_HEADER("000000000000000x"), 3, 0 },
		{ "1 M1e C6728d0a1\n" MSG_HEADER("0000000000000003"), 3, 0 },
		{ "2 M2e C6728d0a1\n" MSG_HEADER("0000000000000003"), 3, 0 },
		{ "2 M1e C6728d0a1 " MSG_HEADER("0000000000000003"), 3, 0 },
		{ FILE_HEADER "\001\003N          0000000000000003\n", 3, 0 },
		{ FILE_HEADER "\001\002N          0000000000000003 ", 3, 0 },
		{ FILE_HEADER "\001\002N", 0, 0 },
		{ FILE_HEADER, 0, 0 },
		{ "2 M1e", 0, 0 },
		{ "", 0, 0 },
		{ "", 100000, 0 },
	};
	string_t *data = str_new(default_pool, 1024);
	struct junk_body *kept, *body;
	uoff_t offset;
	size_t pos;

	test_begin("junk_body_load() of dbox");
	/* in a file of its own, and in one with others */
	for (unsigned int i = 0; i < 2 * N_ELEMENTS(tests); i++) {
		const char *header = tests[i / 2].header;
		const bool first = i % 2 == 0;

		str_truncate(data, 0);
		if (!first) {
			str_append(data, "something else\n");
			if (strncmp(header, FILE_HEADER,
				    strlen(FILE_HEADER)) == 0)
				header += strlen(FILE_HEADER);
		}
		offset = str_len(data);
		str_append(data, header);
		pos = str_len(data);
		for (unsigned int j = 0; j < tests[i / 2].bytes; j++)
			str_append_c(data, (unsigned char)(j * 7 + j / 256));
		kept = junk_body_keep(test_open(data), first ?
				      JUNK_BODY_SDBOX : JUNK_BODY_MDBOX,
				      offset);
		test_assert_idx(junk_body_open_files() == 1, i);
		body = junk_body_load(kept);
		junk_body_free(&kept);
		test_assert_idx(junk_body_open_files() == 0, i);
		test_assert_idx((body != NULL) == (tests[i / 2].expect > 0),
				i);
		if (body != NULL) {
			test_assert_idx(body->size == tests[i / 2].expect, i);
			test_assert_idx(memcmp(body->data,
					       str_data(data) + pos,
					       body->size) == 0, i);
		}
		junk_body_free(&body);
	}
	str_free(&data);
	test_end();
}

static void test_junk_body_load(void)
{
	static const size_t sizes[] = {
		0, 1, 8191, 8192, 8193, 100000,
		JUNK_MAX_READ_BYTES, JUNK_MAX_READ_BYTES + 1
	};
	string_t *data = str_new(default_pool, 1024);
	struct junk_body *kept, *body;

	test_begin("junk_body_load() of a whole file");
	for (unsigned int i = 0; i < N_ELEMENTS(sizes); i++) {
		while (str_len(data) < sizes[i]) {
			str_append_c(data, (unsigned char)
				     (str_len(data) * 7 + str_len(data) / 256));
		}
		kept = junk_body_keep(test_open(data), JUNK_BODY_FILE, 0);
		body = junk_body_load(kept);
		test_assert_idx(body != NULL && body->size ==
				I_MIN(sizes[i], JUNK_MAX_READ_BYTES), i);
		test_assert_idx(body != NULL && memcmp(body->data,
				str_data(data), body->size) == 0, i);
		junk_body_free(&body);
		junk_body_free(&kept);
	}
	/* not for reading */
	kept = junk_body_keep(open("/", O_RDONLY), JUNK_BODY_FILE, 0);
	test_assert(junk_body_load(kept) == NULL);
	junk_body_free(&kept);
	str_free(&data);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_body_load_dbox,
		test_junk_body_load,
		NULL
	};
	return test_run(test_functions);
}

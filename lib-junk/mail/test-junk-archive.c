/* Tests the tokens of archives of all formats, also damaged ones, at their
   limits and one byte beyond. */

#include "lib.h"
#include "array.h"
#include "base64.h"
#include "buffer.h"
#include "istream.h"
#include "str.h"
#include "test-common.h"
#include "junk-archive.h"
#include "junk-limits.h"
#include "junk-tokenizer.h"

#include <archive.h>
#include <archive_entry.h>

#define ARCHIVE_BYTES (512*1024)

struct kind {
	const char *name;
	int (*set_format)(struct archive *);
	int (*set_filter)(struct archive *);
};

static const struct kind kinds[] = {
	{ "zip", archive_write_set_format_zip, archive_write_add_filter_none },
	{ "tar", archive_write_set_format_ustar, archive_write_add_filter_none },
	{ "gz", archive_write_set_format_ustar, archive_write_add_filter_gzip },
	{ "bz2", archive_write_set_format_ustar,
	  archive_write_add_filter_bzip2 },
	{ "xz", archive_write_set_format_ustar, archive_write_add_filter_xz },
	{ "zst", archive_write_set_format_ustar, archive_write_add_filter_zstd },
};
#define KIND_ZIP 0
#define KIND_GZ 2

/* --- making archives --- */

static unsigned char archive_data[ARCHIVE_BYTES];
static size_t archive_size;

static struct archive *make_begin(const struct kind *kind)
{
	struct archive *archive = archive_write_new();

	if (kind->set_format(archive) != ARCHIVE_OK ||
	    kind->set_filter(archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(archive, 0) != ARCHIVE_OK)
		i_fatal("%s: %s", kind->name, archive_error_string(archive));
	return archive;
}

static void make_open(struct archive *archive)
{
	if (archive_write_open_memory(archive, archive_data,
				      sizeof(archive_data),
				      &archive_size) != ARCHIVE_OK)
		i_fatal("open: %s", archive_error_string(archive));
}

/* Add a member of a size that compresses well, or not at all (noise). */
static void
make_member(struct archive *archive, const char *name, size_t size, bool noise)
{
	struct archive_entry *entry = archive_entry_new();
	unsigned char *data = i_malloc(I_MAX(size, 1));
	uint32_t random = 1;

	for (size_t i = 0; noise && i < size; i++) {
		random = random * 1664525 + 1013904223;
		data[i] = random >> 24;
	}
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, size);
	if (archive_write_header(archive, entry) != ARCHIVE_OK ||
	    archive_write_data(archive, data, size) != (la_ssize_t)size)
		i_fatal("%s: %s", name, archive_error_string(archive));
	archive_entry_free(entry);
	i_free(data);
}

static void make_end(struct archive *archive)
{
	if (archive_write_close(archive) != ARCHIVE_OK)
		i_fatal("close: %s", archive_error_string(archive));
	archive_write_free(archive);
}

/* Make an archive of two members, the first one of size bytes. */
static void make_two(const struct kind *kind, size_t size)
{
	struct archive *archive = make_begin(kind);

	make_open(archive);
	make_member(archive, "first.txt", size, FALSE);
	make_member(archive, "second.exe", 1, FALSE);
	make_end(archive);
}

/* --- their tokens --- */

static string_t *tokens_text;

static void
token_text(junk_token_t token ATTR_UNUSED, const char *text,
	   void *context ATTR_UNUSED)
{
	str_printfa(tokens_text, "%s\n", text);
}

static const struct junk_tokenizer_settings tokenizer_set = {
	.token_callback = token_text,
};

/* Set tokens_text to the tokens of an archive. */
static void list(const unsigned char *data, size_t size, bool whole)
{
	static struct junk_token_set set;

	str_truncate(tokens_text, 0);
	str_append_c(tokens_text, '\n');
	junk_token_set_init(&set, &tokenizer_set);
	junk_archive_add(&set, data, size, whole);
}

static bool found(const char *text)
{
	return strstr(str_c(tokens_text), t_strdup_printf("\n%s\n", text)) !=
		NULL;
}

/* Set it to the tokens of a whole message, which is freed. */
static void list_mail(string_t *mail)
{
	struct istream *input;
	struct junk_message msg;
	const char *error;

	str_append(mail, "\n--a--\n");
	str_truncate(tokens_text, 0);
	str_append_c(tokens_text, '\n');
	input = i_stream_create_from_data(str_data(mail), str_len(mail));
	test_assert(junk_tokenize(input, &tokenizer_set,
				  pool_datastack_create(), &msg, &error) == 0);
	i_stream_unref(&input);
	str_free(&mail);
}

static string_t *mail_begin(void)
{
	string_t *mail = str_new(default_pool, 4096);

	str_append(mail, "Content-Type: multipart/mixed; boundary=a\n");
	return mail;
}

static void mail_attach(string_t *mail, const unsigned char *data, size_t size)
{
	str_append(mail, "\n--a\nContent-Type: image/png\n"
		   "Content-Transfer-Encoding: base64\n\n");
	/* lines of base64 may have any length here */
	base64_encode(data, size, mail);
}

static void list_attached(const unsigned char *data, size_t size)
{
	string_t *mail = mail_begin();

	mail_attach(mail, data, size);
	list_mail(mail);
}

/* --- tests --- */

static void test_junk_archive_kinds(void)
{
	struct archive *archive;

	test_begin("junk_archive: each kind");
	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) T_BEGIN {
		archive = make_begin(&kinds[i]);
		make_open(archive);
		make_member(archive, "a.folder/Invoice.PDF.exe", 1000, FALSE);
		make_member(archive, "gr\xc3\xbc\xc3\x9f""e.docx", 0, FALSE);
		make_member(archive, "no.ex tension", 5, FALSE);
		make_end(archive);
		test_assert_idx(junk_archive_is(archive_data, archive_size), i);
		list_attached(archive_data, archive_size);
		test_assert_idx(found(t_strconcat("archive:", kinds[i].name,
						  NULL)), i);
		test_assert_idx(found("member:.exe"), i);
		test_assert_idx(found("member:.pdf.exe"), i);
		test_assert_idx(found("member:.docx"), i);
		test_assert_idx(!found("member:.ex tension"), i);
		test_assert_idx(found("members:2"), i);
	} T_END;
	test_end();
}

static void test_junk_archive_encrypted(void)
{
	struct archive *archive = make_begin(&kinds[KIND_ZIP]);

	test_begin("junk_archive: encrypted");
	test_assert(archive_write_set_options(archive,
					      "zip:encryption=zipcrypt") == 0);
	test_assert(archive_write_set_passphrase(archive, "infected") == 0);
	make_open(archive);
	make_member(archive, "first.txt", 50, FALSE);
	make_member(archive, "second.exe", 50, FALSE);
	make_end(archive);
	list(archive_data, archive_size, TRUE);
	test_assert(found("archive:encrypted") && found("member:.exe"));
	list(archive_data, archive_size, FALSE);
	test_assert(found("archive:encrypted") && found("member:.txt"));
	test_end();
}

static void test_junk_archive_members_limit(void)
{
	struct archive *archive;

	test_begin("junk_archive: members up to the limit");
	for (unsigned int over = 0; over < 2; over++) {
		archive = make_begin(&kinds[KIND_ZIP]);
		make_open(archive);
		for (unsigned int i = 1; i < JUNK_MAX_ARCHIVE_MEMBERS + over;
		     i++)
			make_member(archive, "a.txt", 0, FALSE);
		make_member(archive, "last.exe", 0, FALSE);
		make_end(archive);
		list(archive_data, archive_size, TRUE);
		test_assert_idx(found("member:.txt"), over);
		test_assert_idx(found("member:.exe") == (over == 0), over);
	}
	test_end();
}

static void test_junk_archive_unpacked_limit(void)
{
	test_begin("junk_archive: unpacked up to the limit");
	/* the headers of both members take 512 bytes each */
	make_two(&kinds[KIND_GZ], JUNK_MAX_UNPACKED_BYTES - 1024);
	list(archive_data, archive_size, TRUE);
	test_assert(found("member:.txt") && found("member:.exe"));
	make_two(&kinds[KIND_GZ], JUNK_MAX_UNPACKED_BYTES - 512);
	list(archive_data, archive_size, TRUE);
	test_assert(found("member:.txt") && !found("member:.exe"));
	/* much more than the limit */
	make_two(&kinds[KIND_GZ], 8*1024*1024);
	list(archive_data, archive_size, TRUE);
	test_assert(found("member:.txt") && !found("member:.exe"));

	make_two(&kinds[KIND_ZIP], JUNK_MAX_UNPACKED_BYTES - 1);
	list(archive_data, archive_size, FALSE);
	test_assert(found("member:.txt") && found("member:.exe"));
	make_two(&kinds[KIND_ZIP], JUNK_MAX_UNPACKED_BYTES);
	list(archive_data, archive_size, FALSE);
	test_assert(found("member:.txt") && !found("member:.exe"));
	/* the directory of a complete zip isn't limited */
	list(archive_data, archive_size, TRUE);
	test_assert(found("member:.txt") && found("member:.exe"));
	test_end();
}

/* Make a zip in which so much data precedes the second member that only the
   directory leads to it. */
static void make_large(size_t noise)
{
	struct archive *archive = make_begin(&kinds[KIND_ZIP]);

	make_open(archive);
	make_member(archive, "first.txt", JUNK_MAX_UNPACKED_BYTES, FALSE);
	archive_write_zip_set_compression_store(archive);
	make_member(archive, "noise.jpg", noise, TRUE);
	make_member(archive, "second.exe", 1, FALSE);
	make_end(archive);
}

static void test_junk_archive_size_limit(void)
{
	size_t others;

	test_begin("junk_archive: bytes up to the limit");
	make_large(1000);
	others = archive_size - 1000;
	make_large(JUNK_MAX_ARCHIVE_BYTES - others);
	test_assert(archive_size == JUNK_MAX_ARCHIVE_BYTES);
	list_attached(archive_data, archive_size);
	test_assert(found("member:.txt") && found("member:.exe"));
	make_large(JUNK_MAX_ARCHIVE_BYTES - others + 1);
	list_attached(archive_data, archive_size);
	test_assert(found("member:.txt") && !found("member:.exe"));
	test_end();
}

static void test_junk_archive_count_limit(void)
{
	string_t *mail;

	test_begin("junk_archive: archives up to the limit");
	for (unsigned int count = JUNK_MAX_ARCHIVES;
	     count <= JUNK_MAX_ARCHIVES + 1; count++) {
		mail = mail_begin();
		make_two(&kinds[KIND_ZIP], 10);
		for (unsigned int i = 1; i < count; i++)
			mail_attach(mail, archive_data, archive_size);
		make_two(&kinds[KIND_GZ], 10);
		mail_attach(mail, archive_data, archive_size);
		list_mail(mail);
		test_assert_idx(found("archive:zip"), count);
		test_assert_idx(found("archive:gz") ==
				(count == JUNK_MAX_ARCHIVES), count);
	}
	test_end();
}

/* Archives truncated at any byte, and with any byte changed. */
static void test_junk_archive_damaged(void)
{
	unsigned char *copy;
	size_t size;

	test_begin("junk_archive: damaged");
	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
		make_two(&kinds[i], 100);
		size = I_MIN(archive_size, 1200);
		copy = i_malloc(size);
		for (size_t cut = 0; cut < size; cut += 7) {
			memcpy(copy, archive_data, size);
			list(copy, cut, TRUE);
			list(copy, cut, FALSE);
			copy[cut] ^= 0xff;
			list(copy, size, TRUE);
			list(copy, size, FALSE);
		}
		i_free(copy);
	}
	test_assert(!junk_archive_is(archive_data, 0));
	test_end();
}

/* In a zip without its directory, a member is unpacked to reach the next one
   only if it uses deflate; this one uses bzip2. */
static void test_junk_archive_methods(void)
{
	static const unsigned char zip[] =
		"\x50\x4b\x03\x04\x2e\x00\x00\x00\x0c\x00\x00\x00"
		"\x21\x00\x9b\xd7\x11\x99\x2e\x00\x00\x00\x14\x00"
		"\x00\x00\x05\x00\x00\x00" "a.txt" "\x42"
		"\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x2b\x32\x63"
		"\xaf\x00\x00\x07\xc1\x80\x00\x10\x02\x00\x04\x40"
		"\x20\x00\x30\xcd\x34\x0a\xa3\x10\x52\x14\xc2\xee"
		"\x48\xa7\x0a\x12\x05\x66\x4c\x75\xe0\x50\x4b\x03"
		"\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x00\x83"
		"\x16\xdc\x8c\x01\x00\x00\x00\x01\x00\x00\x00\x05"
		"\x00\x00\x00" "b.exe" "x";

	test_begin("junk_archive: members of costly methods");
	list(zip, sizeof(zip) - 1, FALSE);
	test_assert(found("member:.txt") && !found("member:.exe"));
	test_end();
}

/* Formats that are never passed to libarchive. */
static void test_junk_archive_closed(void)
{
	static const char *const closed[] = {
		"7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07\x01"
	};

	test_begin("junk_archive: not opened");
	for (unsigned int i = 0; i < N_ELEMENTS(closed); i++) {
		list((const unsigned char *)closed[i], strlen(closed[i]), TRUE);
		test_assert_idx(found(i == 0 ? "archive:7z" : "archive:rar"),
				i);
		test_assert_idx(strstr(str_c(tokens_text), "members:") == NULL,
				i);
	}
	test_end();
}

static void test_junk_archive(void)
{
	tokens_text = str_new(default_pool, 1024);
}

static void test_junk_archive_end(void)
{
	str_free(&tokens_text);
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_archive,
		test_junk_archive_kinds,
		test_junk_archive_encrypted,
		test_junk_archive_members_limit,
		test_junk_archive_unpacked_limit,
		test_junk_archive_size_limit,
		test_junk_archive_count_limit,
		test_junk_archive_damaged,
		test_junk_archive_methods,
		test_junk_archive_closed,
		test_junk_archive_end,
		NULL
	};
	return test_run(test_functions);
}

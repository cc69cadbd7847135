/* See junk-archive.h. Archives are listed with libarchive.

   An archive is untrusted, and this code runs in the user's own process. So
   libarchive gets as little as possible, and nothing whose cost isn't bounded
   by its size:

   - at most JUNK_MAX_ARCHIVE_BYTES, in memory, and only one layer: an archive
     in an archive is a member like others;
   - only the format and filter that the first bytes indicate: libarchive would
     try 25 filters in a row, each of which may expand the data a thousand
     times;
   - tar behind a filter: JUNK_MAX_UNPACKED_BYTES are unpacked first, and the
     result is read as plain tar;
   - zip: only the directory is read. A truncated one has none: its members
     are unpacked, up to JUNK_MAX_UNPACKED_BYTES in all, to find the next ones;
   - 7z and rar are recognised, but not opened. libarchive accepts a 7z
     directory that claims 90 million members in 40 bytes (and that may be
     compressed a thousand times); listing a solid rar means unpacking it. */

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-archive.h"
#include "junk-filename.h"
#include "junk-libarchive.h"

/* Longer extensions, or those with other characters, are ignored: there are too
   many of them. */
#define MAX_EXTENSION_BYTES 16
struct archive_type {
	const char *name;
	const char *magic;
	size_t magic_size, offset;
	/* data may precede it */
	bool anywhere;
	/* 0 = not opened */
	int format, filter;
};

static const struct archive_type archive_types[] = {
	{ "zip", "PK\003\004", 4, 0, TRUE, ARCHIVE_FORMAT_ZIP, 0 },
	{ "7z", "7z\xbc\xaf\x27\x1c", 6, 0, TRUE, 0, 0 },
	{ "rar", "Rar!\x1a\x07", 6, 0, TRUE, 0, 0 },
	{ "gz", "\x1f\x8b\x08", 3, 0, FALSE, ARCHIVE_FORMAT_TAR, ARCHIVE_FILTER_GZIP },
	{ "bz2", "BZh", 3, 0, FALSE, ARCHIVE_FORMAT_TAR,
	  ARCHIVE_FILTER_BZIP2 },
	{ "xz", "\xfd""7zXZ\0", 6, 0, FALSE, ARCHIVE_FORMAT_TAR, ARCHIVE_FILTER_XZ },
	{ "zst", "\x28\xb5\x2f\xfd", 4, 0, FALSE, ARCHIVE_FORMAT_TAR,
	  ARCHIVE_FILTER_ZSTD },
	{ "tar", "ustar", 5, 257, FALSE, ARCHIVE_FORMAT_TAR, 0 },
};

/* Returns the type of an archive that begins with these bytes. */
static const struct archive_type *
archive_type_at(const unsigned char *data, size_t size)
{
	const struct archive_type *type;

	for (size_t i = 0; i < N_ELEMENTS(archive_types); i++) {
		type = &archive_types[i];
		if (size >= type->offset + type->magic_size &&
		    memcmp(data + type->offset, type->magic,
			   type->magic_size) == 0)
			return type;
	}
	return NULL;
}

static const unsigned char *
magic_find(const unsigned char *data, const unsigned char *end,
	   const struct archive_type *type)
{
	while ((size_t)(end - data) >= type->magic_size &&
	       (data = memchr(data, type->magic[0], end - data -
			      type->magic_size + 1)) != NULL) {
		if (memcmp(data, type->magic, type->magic_size) == 0)
			return data;
		data++;
	}
	return NULL;
}

/* As above, or the type of the first archive inside. */
static const struct archive_type *
archive_type_find(const unsigned char *data, size_t size, size_t *offset_r)
{
	const struct archive_type *type = archive_type_at(data, size);
	const unsigned char *end = data + size, *found, *first = NULL;

	*offset_r = 0;
	for (size_t i = 0; type == NULL && i < N_ELEMENTS(archive_types); i++) {
		if (!archive_types[i].anywhere)
			continue;
		found = magic_find(data, first == NULL ? end : first,
				   &archive_types[i]);
		if (found != NULL)
			first = found;
	}
	if (first != NULL) {
		*offset_r = first - data;
		type = archive_type_at(first, end - first);
	}
	return type;
}

bool junk_archive_is(const unsigned char *data, size_t size)
{
	size_t offset;

	return archive_type_find(data, size, &offset) != NULL;
}

void junk_archive_add_extensions(struct junk_token_set *set, const char *prefix,
				 const char *name)
{
	const char *ext, *ext2;

	name = junk_filename_clean(name);
	ext = junk_filename_extension(name);
	if (ext == NULL)
		return;
	junk_token_set_add_str(set, JUNK_TOKEN_ATTACHMENT,
			       t_strconcat(prefix, ext, NULL));
	for (ext2 = ext; ext2 > name && ext2[-1] != '.'; )
		ext2--;
	/* photo.jpg.exe */
	if (ext2 > name && ext - ext2 <= 4)
		junk_token_set_add_str(set, JUNK_TOKEN_ATTACHMENT,
				       t_strconcat(prefix, ext2 - 1, NULL));
}

/* --- reading with libarchive --- */

/* Set before the following functions are called. */
static const struct junk_libarchive *lib;

static bool extension_is_plain(const char *ext)
{
	size_t len = 0;

	for (; ext[len] != '\0'; len++) {
		if (!ascii_isdigit(ext[len]) && !ascii_isalpha(ext[len]))
			return FALSE;
	}
	return len > 0 && len <= MAX_EXTENSION_BYTES;
}

static void
member_tokens(struct junk_token_set *set, struct archive_entry *entry)
{
	/* NULL if the name can't be converted to the locale's charset */
	const char *name = lib->archive_entry_pathname(entry), *ext;

	if (name == NULL)
		name = lib->archive_entry_pathname_utf8(entry);
	if (name == NULL)
		return;
	name = junk_filename_clean(name);
	ext = junk_filename_extension(name);
	if (ext != NULL && extension_is_plain(ext + 1))
		junk_archive_add_extensions(set, "member:", name);
	if (lib->archive_entry_is_data_encrypted(entry) == 1)
		junk_token_set_add_str(set, JUNK_TOKEN_ATTACHMENT,
				       "archive:encrypted");
}

/* Returns TRUE for methods that need little memory; others allocate what the
   archive asks for, up to 4 GB. libarchive gives a member's method only in the
   format's name, e.g. "ZIP 2.0 (deflation)". */
static bool method_is_cheap(struct archive *archive)
{
	const char *name = lib->archive_format_name(archive);

	return name != NULL && (strstr(name, "(deflation)") != NULL ||
				strstr(name, "(uncompressed)") != NULL);
}

/* Unpack a member to reach the next one. Returns FALSE if the limit is reached
   or the method needs too much memory. */
static bool member_unpack(struct archive *archive, size_t *left)
{
	const void *data;
	size_t size;
	la_int64_t offset;
	int ret;

	if (!method_is_cheap(archive))
		return FALSE;
	while ((ret = lib->archive_read_data_block(archive, &data, &size,
						   &offset)) == ARCHIVE_OK) {
		if (size >= *left)
			return FALSE;
		*left -= size;
	}
	return ret == ARCHIVE_EOF;
}

static unsigned int
members_add(struct junk_token_set *set, struct archive *archive, bool unpack)
{
	size_t left = JUNK_MAX_UNPACKED_BYTES;
	struct archive_entry *entry;
	unsigned int count = 0;
	int ret;

	while (count < JUNK_MAX_ARCHIVE_MEMBERS) {
		ret = lib->archive_read_next_header(archive, &entry);
		if (ret != ARCHIVE_OK && ret != ARCHIVE_WARN)
			break;
		count++;
		T_BEGIN {
			member_tokens(set, entry);
		} T_END;
		if (unpack && !member_unpack(archive, &left))
			break;
	}
	return count;
}

static int support_format(struct archive *archive, int format, bool whole)
{
	if (format == ARCHIVE_FORMAT_TAR)
		return lib->archive_read_support_format_tar(archive);
	return whole ? lib->archive_read_support_format_zip_seekable(archive) :
		lib->archive_read_support_format_zip_streamable(archive);
}

/* Returns the number of members. */
static unsigned int
archive_list(struct junk_token_set *set, const struct archive_type *type,
	     const unsigned char *data, size_t size, bool whole)
{
	struct archive *archive = lib->archive_read_new();
	unsigned int count = 0;

	if (archive == NULL)
		return 0;
	if (support_format(archive, type->format, whole) == ARCHIVE_OK &&
	    lib->archive_read_open_memory(archive, data, size) == ARCHIVE_OK)
		count = members_add(set, archive, !whole &&
				    type->format == ARCHIVE_FORMAT_ZIP);
	(void)lib->archive_read_free(archive);
	return count;
}

/* --- preparing data for libarchive --- */

/* Append the decompressed data, up to the limit. */
static void
archive_unfilter(buffer_t *dest, int filter, const unsigned char *data,
		 size_t size)
{
	struct archive *archive = lib->archive_read_new();
	struct archive_entry *entry;
	const void *block;
	size_t block_size;
	la_int64_t offset;

	if (archive == NULL)
		return;
	if (lib->archive_read_support_format_raw(archive) == ARCHIVE_OK &&
	    lib->archive_read_append_filter(archive, filter) == ARCHIVE_OK &&
	    lib->archive_read_open_memory(archive, data, size) == ARCHIVE_OK &&
	    lib->archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
		while (dest->used < JUNK_MAX_UNPACKED_BYTES &&
		       lib->archive_read_data_block(archive, &block,
						    &block_size,
						    &offset) == ARCHIVE_OK)
			buffer_append(dest, block,
				      I_MIN(block_size, JUNK_MAX_UNPACKED_BYTES -
					    dest->used));
	}
	(void)lib->archive_read_free(archive);
}

/* Returns FALSE if it was a single compressed file. */
static bool
archive_list_filtered(struct junk_token_set *set,
		      const struct archive_type *type,
		      const unsigned char *data, size_t size,
		      unsigned int *count_r)
{
	buffer_t *unpacked = buffer_create_dynamic(default_pool, 16*1024);
	bool is_tar;

	archive_unfilter(unpacked, type->filter, data, size);
	is_tar = archive_type_at(unpacked->data, unpacked->used) ==
		&archive_types[N_ELEMENTS(archive_types) - 1];
	if (is_tar)
		*count_r = archive_list(set, type, unpacked->data,
					unpacked->used, TRUE);
	buffer_free(&unpacked);
	return is_tar;
}

void junk_archive_add(struct junk_token_set *set, const unsigned char *data,
		      size_t size, bool whole)
{
	size_t offset;
	const struct archive_type *type =
		archive_type_find(data, size, &offset);
	unsigned int count;

	if (type == NULL)
		return;
	T_BEGIN {
		junk_token_set_add_str(set, JUNK_TOKEN_ATTACHMENT,
			t_strconcat("archive:", type->name, NULL));
	} T_END;
	if (offset > 0)
		junk_token_set_add_str(set, JUNK_TOKEN_ATTACHMENT,
				       "archive:behind a prefix");
	if (type->format == 0 || (lib = junk_libarchive_get()) == NULL)
		return;
	data += offset;
	size -= offset;
	if (type->filter != 0) {
		if (!archive_list_filtered(set, type, data, size, &count))
			return;
	} else {
		count = archive_list(set, type, data, size, whole);
		/* its directory may be damaged, or have wrong offsets */
		if (count == 0 && whole && type->format == ARCHIVE_FORMAT_ZIP)
			count = archive_list(set, type, data, size, FALSE);
	}
	junk_token_set_add_log2(set, JUNK_TOKEN_ATTACHMENT, "members:", count);
}

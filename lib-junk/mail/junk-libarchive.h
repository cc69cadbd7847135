#ifndef JUNK_LIBARCHIVE_H
#define JUNK_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

/* libarchive, which is loaded for the first archive. With the libraries that it
   needs (libxml2, ICU, libstdc++), it would add a fifth to the time of each
   login and 0.3 MB to the memory of each imap process. */

#define JUNK_LIBARCHIVE_FUNCTIONS(F) \
	F(archive_entry_is_data_encrypted) \
	F(archive_entry_pathname) \
	F(archive_entry_pathname_utf8) \
	F(archive_format_name) \
	F(archive_read_append_filter) \
	F(archive_read_data_block) \
	F(archive_read_free) \
	F(archive_read_new) \
	F(archive_read_next_header) \
	F(archive_read_open_memory) \
	F(archive_read_support_format_raw) \
	F(archive_read_support_format_tar) \
	F(archive_read_support_format_zip_seekable) \
	F(archive_read_support_format_zip_streamable)

/* The library's functions under their own names. */
struct junk_libarchive {
#define JUNK_LIBARCHIVE_MEMBER(name) typeof(&name) name;
	JUNK_LIBARCHIVE_FUNCTIONS(JUNK_LIBARCHIVE_MEMBER)
};

/* Load the library. Returns NULL if this fails, which is logged once. */
const struct junk_libarchive *junk_libarchive_get(void);

#endif

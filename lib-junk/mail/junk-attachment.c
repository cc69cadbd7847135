/* See junk-attachment.h. */

#include "lib.h"
#include "str.h"
#include "junk-archive.h"
#include "junk-ascii.h"
#include "junk-filename.h"
#include "junk-url.h"
#include "junk-attachment.h"

/* Maximum offset at which a PDF begins. */
#define MAX_PDF_OFFSET 1024
/* Maximum links of a PDF, and size of a link. */
#define MAX_PDF_LINKS 50
#define MAX_PDF_URI_BYTES 1024

/* Files that run code when they are opened, and types that look harmless.
   Others are recognised by their names only. */
static const struct attachment_type {
	const char *name;
	const char *magic;
	unsigned int magic_size;
	/* the beginning is so short that a text may have it, so a zero byte is
	   required, too */
	bool short_magic;
	/* extensions of this type */
	const char *extensions;
} attachment_types[] = {
	{ "exe", "MZ", 2, TRUE,
	  " exe dll scr com cpl ocx sys pif drv efi mui ax " },
	{ "elf", "\x7f""ELF", 4, FALSE, " elf so o bin " },
	{ "mach-o", "\xcf\xfa\xed\xfe", 4, FALSE, " dylib bundle o bin " },
	{ "class", "\xca\xfe\xba\xbe", 4, FALSE, " class dylib " },
	{ "lnk", "L\0\0\0\x01\x14\x02\0", 8, FALSE, " lnk " },
	{ "cab", "MSCF\0\0\0\0", 8, FALSE, " cab msu " },
	{ "chm", "ITSF\x03\0\0\0", 8, FALSE, " chm " },
	{ "onenote", "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", 8, FALSE, " one " },
	{ "ole", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, FALSE,
	  " doc dot xls xlt ppt pps pot msi msg msp vsd mpp pub db wps xla " },
	{ "rtf", "{\\rt", 4, FALSE, " rtf doc " },
	/* may begin later (pdf_find()) */
	{ "pdf", "%PDF-", 5, FALSE, " pdf ai " },
};

static const unsigned char *
pdf_find(const unsigned char *data, size_t size)
{
	const unsigned char *end = data + I_MIN(size, MAX_PDF_OFFSET);

	while ((data = memchr(data, '%', end - data)) != NULL) {
		if (end - data >= 5 && memcmp(data, "%PDF-", 5) == 0)
			return data;
		data++;
	}
	return NULL;
}

static const struct attachment_type *
attachment_type_find(const unsigned char *data, size_t size, bool text)
{
	const struct attachment_type *type;

	for (unsigned int i = 0; i < N_ELEMENTS(attachment_types); i++) {
		type = &attachment_types[i];
		if (size < type->magic_size ||
		    memcmp(data, type->magic, type->magic_size) != 0)
			continue;
		if (!text || !type->short_magic ||
		    memchr(data, '\0', I_MIN(size, 64)) != NULL)
			return type;
	}
	return text || pdf_find(data, size) == NULL ? NULL :
		&attachment_types[N_ELEMENTS(attachment_types) - 1];
}

/* --- links of a PDF --- */

/* Read the string "(text)" or "<hex>" at data. */
static void
pdf_string(buffer_t *dest, const unsigned char *data, const unsigned char *end)
{
	bool hex = *data == '<';
	unsigned int depth = 1, octal;
	int high, low;

	for (data++; data < end && dest->used < MAX_PDF_URI_BYTES; data++) {
		if (hex) {
			if (end - data < 2 ||
			    (high = ascii_hex_value(data[0])) < 0 ||
			    (low = ascii_hex_value(data[1])) < 0)
				return;
			buffer_append_c(dest, high * 16 + low);
			data++;
			continue;
		}
		if (*data == '\\' && data + 1 < end) {
			data++;
			if (*data >= '0' && *data <= '7') {
				octal = 0;
				for (unsigned int i = 0; i < 3 && data < end &&
				     *data >= '0' && *data <= '7'; i++)
					octal = octal * 8 + (*data++ - '0');
				data--;
				buffer_append_c(dest, octal & 0xff);
				continue;
			}
		} else if (*data == '(') {
			depth++;
		} else if (*data == ')' && --depth == 0) {
			return;
		}
		buffer_append_c(dest, *data);
	}
}

static void
pdf_links(struct junk_token_set *set, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size;
	unsigned int count = 0;

	while (count < MAX_PDF_LINKS &&
	       (data = memchr(data, '/', end - data)) != NULL) {
		data++;
		if (end - data < 5 || memcmp(data, "URI", 3) != 0)
			continue;
		for (data += 3; data < end && *data <= ' '; )
			data++;
		if (data == end || (*data != '(' && *data != '<'))
			continue;
		count++;
		T_BEGIN {
			buffer_t *uri = t_buffer_create(128);

			pdf_string(uri, data, end);
			junk_url_add(set, uri->data, uri->used);
		} T_END;
	}
}

/* --- all types --- */

/* Returns TRUE if the name or media type indicates an archive. */
static bool says_archive(const char *type, const char *name)
{
	static const char *const words[] = {
		"zip", "rar", "7z", "compressed", "archive", "jar", "docx",
		"docm", "xlsx", "xlsm", "pptx", "pptm", "officedocument",
		"opendocument", "tar", "gz", "iso", "cab",
	};

	name = junk_filename_extension(name);
	for (unsigned int i = 0; i < N_ELEMENTS(words); i++) {
		if (strstr(type, words[i]) != NULL ||
		    (name != NULL && strstr(name, words[i]) != NULL))
			return TRUE;
	}
	return FALSE;
}

bool junk_attachment_is_deep(const unsigned char *data, size_t size,
			     const char *type, const char *name)
{
	const struct attachment_type *found =
		attachment_type_find(data, size, FALSE);

	return (found != NULL && strcmp(found->name, "exe") == 0) ||
		pdf_find(data, size) != NULL || says_archive(type, name) ||
		junk_archive_is(data, size);
}

bool junk_attachment_is_binary(const unsigned char *data, size_t size)
{
	return attachment_type_find(data, size, TRUE) != NULL ||
		(size >= 4 && memcmp(data, "PK\003\004", 4) == 0) ||
		(size >= 6 && (memcmp(data, "Rar!\x1a\x07", 6) == 0 ||
			       memcmp(data, "7z\xbc\xaf\x27\x1c", 6) == 0));
}

void junk_attachment_add_type(struct junk_token_set *set,
			      const unsigned char *data, size_t size,
			      const char *name)
{
	const struct attachment_type *type =
		attachment_type_find(data, size, FALSE);
	const char *extension = junk_filename_extension(name);

	if (type == NULL)
		return;
	junk_token_set_add_prefixed(set, JUNK_TOKEN_ATTACHMENT, "type:",
				    type->name, strlen(type->name));
	if (extension == NULL)
		return;
	T_BEGIN {
		if (strstr(type->extensions,
			   t_strconcat(" ", extension + 1, " ", NULL)) == NULL)
			junk_token_set_add_str(set, JUNK_TOKEN_ATTACHMENT,
				t_strdup_printf("type:%s called %s",
						type->name, extension));
	} T_END;
}

void junk_attachment_add_content(struct junk_token_set *set,
				 const unsigned char *data, size_t size,
				 bool whole)
{
	const unsigned char *pdf = pdf_find(data, size);

	if (pdf != NULL)
		pdf_links(set, pdf, data + size - pdf);
	junk_archive_add(set, data, size, whole);
}

#include "lib.h"
#include "hex-dec.h"
#include "strnum.h"
#include "index-mail.h"
#include "dbox-storage.h"
#include "dbox-mail.h"
#include "dbox-file.h"
#include "sdbox-storage.h"
#include "junk-limits.h"
#include "junk-dbox.h"

#include <fcntl.h>
#include <unistd.h>

/* Most messages come at once. */
#define READ_BYTES 8192
/* "2 M1e C<time>": dbox-file.h */
#define FILE_HEADER_START "2 M1e C"
#define FILE_HEADER_MAX_BYTES 64

/* Is a message's stream nothing but a part of the file? */
static bool junk_dbox_is_plain(struct mail *mail)
{
	struct index_mail *imail = INDEX_MAIL(mail);
	struct dbox_storage *storage;

	if (imail->mail.v.get_stream != dbox_mail_get_stream ||
	    imail->mail.v.istream_opened != index_mail_opened ||
	    imail->data.stream != NULL)
		return FALSE;
	storage = DBOX_STORAGE(mail->box->storage);
	return storage->attachment_dir == NULL;
}

int junk_dbox_open(struct mail *mail, struct istream **input_r, uoff_t *size_r)
{
	struct dbox_storage *storage;
	struct dbox_file *file;
	uoff_t offset;

	if (!junk_dbox_is_plain(mail))
		return 0;
	storage = DBOX_STORAGE(mail->box->storage);
	if (storage->v.mail_open(DBOX_MAIL(mail), &offset, &file) < 0 ||
	    dbox_file_seek(file, offset) <= 0)
		return -1;
	*input_r = file->input;
	*size_r = file->cur_physical_size;
	return 1;
}

/* The start of a file: where does the message begin, how long is it? */
static bool
junk_sdbox_parse(const unsigned char *data, size_t size, size_t *pos_r,
		 uoff_t *size_r)
{
	const struct dbox_message_header *hdr;
	const unsigned char *lf;

	if (size < strlen(FILE_HEADER_START) ||
	    memcmp(data, FILE_HEADER_START, strlen(FILE_HEADER_START)) != 0)
		return FALSE;
	lf = memchr(data, '\n', I_MIN(size, FILE_HEADER_MAX_BYTES));
	if (lf == NULL)
		return FALSE;
	*pos_r = (size_t)(lf + 1 - data) + sizeof(*hdr);
	if (size < *pos_r)
		return FALSE;
	hdr = (const void *)(lf + 1);
	*size_r = hex2dec(hdr->message_size_hex, sizeof(hdr->message_size_hex));
	return memcmp(hdr->magic_pre, DBOX_MAGIC_PRE,
		      sizeof(hdr->magic_pre)) == 0 &&
		hdr->save_lf == '\n' && *size_r > 0;
}

bool junk_sdbox_read_fd(int fd, struct junk_body **body_r)
{
	unsigned char data[READ_BYTES];
	struct junk_body *body;
	size_t pos, left;
	ssize_t got;
	uoff_t size;

	got = read(fd, data, sizeof(data));
	if (got <= 0 || !junk_sdbox_parse(data, (size_t)got, &pos, &size))
		return FALSE;
	size = I_MIN(size, JUNK_MAX_READ_BYTES);
	left = (size_t)got - pos;
	if (size > left && (size_t)got < sizeof(data))
		return FALSE;
	body = junk_body_alloc((size_t)size);
	memcpy(body->data, data + pos, I_MIN(size, left));
	for (pos = left; pos < size; pos += (size_t)got) {
		got = read(fd, body->data + pos, (size_t)size - pos);
		if (got <= 0) {
			i_free(body);
			return FALSE;
		}
	}
	*body_r = body;
	return TRUE;
}

bool junk_sdbox_read(struct mail *mail, struct junk_body **body_r)
{
	const char *path;
	bool ret;
	int fd;

	if (strcmp(mail->box->storage->name, SDBOX_STORAGE_NAME) != 0 ||
	    !junk_dbox_is_plain(mail) || mail->uid == 0)
		return FALSE;
	path = t_strconcat(mailbox_get_path(mail->box),
			   "/"SDBOX_MAIL_FILE_PREFIX, dec2str(mail->uid), NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return FALSE;
	ret = junk_sdbox_read_fd(fd, body_r);
	i_close_fd(&fd);
	return ret;
}

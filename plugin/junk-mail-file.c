#include "lib.h"
#include "hex-dec.h"
#include "strnum.h"
#include "index-mail.h"
#include "dbox-storage.h"
#include "dbox-mail.h"
#include "dbox-file.h"
#include "maildir-storage.h"
#include "sdbox-storage.h"
#include "junk-limits.h"
#include "junk-mail-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Most messages come at once. */
#define READ_BYTES 8192
/* "2 M1e C<time>": dbox-file.h */
#define FILE_HEADER_START "2 M1e C"
#define FILE_HEADER_MAX_BYTES 64

/* Is a message's stream nothing but what its format's own function gives? */
static bool
junk_mail_is_plain(struct mail *mail,
		   int (*get_stream)(struct mail *mail, bool get_body,
				     struct message_size *hdr_size,
				     struct message_size *body_size,
				     struct istream **stream_r))
{
	struct index_mail *imail = INDEX_MAIL(mail);

	return imail->mail.v.get_stream == get_stream &&
		imail->mail.v.istream_opened == index_mail_opened &&
		imail->data.stream == NULL;
}

static bool junk_dbox_is_plain(struct mail *mail)
{
	struct dbox_storage *storage;

	if (!junk_mail_is_plain(mail, dbox_mail_get_stream))
		return FALSE;
	storage = DBOX_STORAGE(mail->box->storage);
	return storage->attachment_dir == NULL;
}

/* A message of so many bytes, of which some were read already. Returns FALSE
   if the file has less. */
static bool
junk_read_rest(int fd, size_t size, const void *data, size_t data_size,
	       struct junk_body **body_r)
{
	struct junk_body *body = junk_body_alloc(size);
	ssize_t got;

	memcpy(body->data, data, I_MIN(size, data_size));
	for (size_t pos = data_size; pos < size; pos += (size_t)got) {
		got = read(fd, body->data + pos, size - pos);
		if (got <= 0) {
			i_free(body);
			return FALSE;
		}
	}
	*body_r = body;
	return TRUE;
}

/* --- Maildir --- */

bool junk_maildir_read_fd(int fd, struct junk_body **body_r)
{
	unsigned char data[READ_BYTES];
	struct stat st;
	ssize_t got;

	got = read(fd, data, sizeof(data));
	if (got < 0)
		return FALSE;
	/* less than was asked for is the end of a file */
	st.st_size = got;
	if ((size_t)got == sizeof(data) &&
	    (fstat(fd, &st) < 0 || st.st_size < got))
		return FALSE;
	return junk_read_rest(fd, I_MIN((uoff_t)st.st_size,
					JUNK_MAX_READ_BYTES),
			      data, (size_t)got, body_r);
}

static int
junk_maildir_read_path(struct maildir_mailbox *mbox ATTR_UNUSED,
		       const char *path, struct junk_body **body_r)
{
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		/* 0 = it may have been renamed: try again */
		return errno == ENOENT ? 0 : -1;
	}
	ret = junk_maildir_read_fd(fd, body_r) ? 1 : -1;
	i_close_fd(&fd);
	return ret;
}

static bool junk_maildir_read(struct mail *mail, struct junk_body **body_r)
{
	return strcmp(mail->box->storage->name, MAILDIR_STORAGE_NAME) == 0 &&
		junk_mail_is_plain(mail, maildir_mail_vfuncs.get_stream) &&
		mail->uid != 0 &&
		maildir_file_do(MAILDIR_MAILBOX(mail->box), mail->uid,
				junk_maildir_read_path, body_r) > 0;
}

/* --- dbox --- */

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
	return junk_read_rest(fd, (size_t)size, data + pos, left, body_r);
}

static bool junk_sdbox_read(struct mail *mail, struct junk_body **body_r)
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

bool junk_mail_file_read(struct mail *mail, struct junk_body **body_r)
{
	return junk_maildir_read(mail, body_r) || junk_sdbox_read(mail, body_r);
}

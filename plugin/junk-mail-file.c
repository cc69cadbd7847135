#include "lib.h"
#include "hex-dec.h"
#include "strnum.h"
#include "index-mail.h"
#include "dbox-storage.h"
#include "dbox-mail.h"
#include "dbox-file.h"
#include "maildir-storage.h"
#include "mdbox-storage.h"
#include "mdbox-file.h"
#include "mdbox-map.h"
#include "sdbox-storage.h"
#include "junk-limits.h"
#include "junk-user-file.h"
#include "junk-mail-file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* "2 M1e C<time>": dbox-file.h */
#define FILE_HEADER_START "2 M1e C"
#define FILE_HEADER_MAX_BYTES 64

bool junk_mail_files_are_full(void)
{
	static unsigned int max = 0;
	struct rlimit limit;

	if (max == 0) {
		max = JUNK_MAIL_FILES_MAX;
		if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
			max = I_MIN(max, limit.rlim_cur / 2);
	}
	return junk_body_open_files() >= max;
}

/* Returns TRUE if only the storage format's own function gives the message's
   stream, i.e. no plugin decodes it. */
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
		imail->data.stream == NULL && mail->uid != 0;
}

static bool junk_dbox_is_plain(struct mail *mail)
{
	struct dbox_storage *storage;

	if (!junk_mail_is_plain(mail, dbox_mail_get_stream))
		return FALSE;
	storage = DBOX_STORAGE(mail->box->storage);
	return storage->attachment_dir == NULL;
}

/* Open a message's file. Files of other users are left to Dovecot. */
static int junk_message_open(const char *path)
{
	const char *error;
	struct stat st;
	int fd, open_errno;

	T_BEGIN {
		fd = junk_user_file_open(path, O_RDONLY, UOFF_T_MAX, &st,
					 &error);
		open_errno = errno;
	} T_END;
	errno = open_errno;
	return fd;
}

/* --- Maildir --- */

static int
junk_maildir_open(struct maildir_mailbox *mbox ATTR_UNUSED, const char *path,
		  int *fd_r)
{
	*fd_r = junk_message_open(path);
	if (*fd_r != -1)
		return 1;
	/* 0 = it may have been renamed: the caller tries again */
	return errno == ENOENT ? 0 : -1;
}

static bool junk_maildir_keep(struct mail *mail, struct junk_body **body_r)
{
	int fd;

	if (!junk_mail_is_plain(mail, maildir_mail_vfuncs.get_stream) ||
	    maildir_file_do(MAILDIR_MAILBOX(mail->box), mail->uid,
			    junk_maildir_open, &fd) <= 0)
		return FALSE;
	*body_r = junk_body_keep(fd, JUNK_BODY_FILE, 0);
	return TRUE;
}

/* --- dbox --- */

/* Find a message whose header is at the offset. first: the header follows the
   file's own header. This is done when the message is read later: before the
   answer, most of the time would be spent waiting for memory. */
static bool
junk_dbox_find(int fd, bool first, uoff_t *offset, size_t *size_r)
{
	unsigned char data[FILE_HEADER_MAX_BYTES +
			   sizeof(struct dbox_message_header)];
	const struct dbox_message_header *hdr;
	const unsigned char *lf;
	size_t pos = 0;
	uoff_t size;
	ssize_t got;

	got = pread(fd, data, first ? sizeof(data) : sizeof(*hdr),
		    (off_t)*offset);
	if (got < (ssize_t)sizeof(*hdr))
		return FALSE;
	if (first) {
		lf = memchr(data, '\n', I_MIN(got, FILE_HEADER_MAX_BYTES));
		if (lf == NULL || memcmp(data, FILE_HEADER_START,
					 strlen(FILE_HEADER_START)) != 0)
			return FALSE;
		pos = (size_t)(lf + 1 - data);
		if ((size_t)got < pos + sizeof(*hdr))
			return FALSE;
	}
	hdr = (const void *)(data + pos);
	size = hex2dec(hdr->message_size_hex, sizeof(hdr->message_size_hex));
	if (memcmp(hdr->magic_pre, DBOX_MAGIC_PRE,
		   sizeof(hdr->magic_pre)) != 0 ||
	    hdr->save_lf != '\n' || size == 0)
		return FALSE;
	*offset += pos + sizeof(*hdr);
	*size_r = I_MIN(size, JUNK_MAX_READ_BYTES);
	return TRUE;
}

static bool junk_sdbox_keep(struct mail *mail, struct junk_body **body_r)
{
	const char *path;
	int fd;

	if (!junk_dbox_is_plain(mail))
		return FALSE;
	path = t_strconcat(mailbox_get_path(mail->box),
			   "/"SDBOX_MAIL_FILE_PREFIX, dec2str(mail->uid), NULL);
	fd = junk_message_open(path);
	if (fd == -1)
		return FALSE;
	*body_r = junk_body_keep(fd, JUNK_BODY_SDBOX, 0);
	return TRUE;
}

/* Keep a message of an mdbox file by Dovecot's own descriptor. The duplicate
   shares Dovecot's lock (flock), which ends by unlocking, not by closing. */
static bool junk_mdbox_keep(struct mail *mail, struct junk_body **body_r)
{
	struct mdbox_mailbox *mbox = MDBOX_MAILBOX(mail->box);
	struct dbox_file *file;
	uint32_t map_uid, file_id;
	uoff_t offset;
	bool deleted;
	int fd = -1;

	if (!junk_dbox_is_plain(mail) ||
	    mdbox_mail_lookup(mbox, mail->transaction->view, mail->seq,
			      &map_uid) < 0 ||
	    mdbox_map_lookup(mbox->storage->map, map_uid, &file_id,
			     &offset) <= 0)
		return FALSE;
	file = mdbox_file_init(mbox->storage, file_id);
	if (dbox_file_open(file, &deleted) > 0 && !deleted &&
	    file->msg_header_size == sizeof(struct dbox_message_header))
		fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	dbox_file_unref(&file);
	if (fd == -1)
		return FALSE;
	*body_r = junk_body_keep(fd, JUNK_BODY_MDBOX, offset);
	return TRUE;
}

/* --- any of them --- */

bool junk_mail_file_keep(struct mail *mail, struct junk_body **body_r)
{
	static const struct {
		const char *storage;
		bool (*keep)(struct mail *mail, struct junk_body **body_r);
	} formats[] = {
		{ MAILDIR_STORAGE_NAME, junk_maildir_keep },
		{ SDBOX_STORAGE_NAME, junk_sdbox_keep },
		{ MDBOX_STORAGE_NAME, junk_mdbox_keep },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(formats); i++) {
		if (strcmp(mail->box->storage->name, formats[i].storage) == 0)
			return formats[i].keep(mail, body_r);
	}
	return FALSE;
}

time_t junk_mail_saved_date(struct mail *mail)
{
	const struct index_mail *imail = INDEX_MAIL(mail);

	return imail->data.received_date;
}

/* Find the message in its file and the bytes to read. */
static bool
junk_body_find(const struct junk_body *kept, uoff_t *offset_r, size_t *size_r)
{
	struct stat st;

	*offset_r = kept->offset;
	if (kept->place != JUNK_BODY_FILE) {
		return junk_dbox_find(kept->fd, kept->place == JUNK_BODY_SDBOX,
				      offset_r, size_r);
	}
	if (fstat(kept->fd, &st) < 0 || st.st_size < 0)
		return FALSE;
	*size_r = I_MIN((uoff_t)st.st_size, JUNK_MAX_READ_BYTES);
	return TRUE;
}

struct junk_body *junk_body_load(const struct junk_body *kept)
{
	struct junk_body *body;
	uoff_t offset;
	size_t size;
	ssize_t got;

	if (!junk_body_find(kept, &offset, &size))
		return NULL;
	body = junk_body_alloc(size);
	for (size_t pos = 0; pos < size; pos += (size_t)got) {
		got = pread(kept->fd, body->data + pos, size - pos,
			    (off_t)(offset + pos));
		if (got <= 0) {
			junk_body_free(&body);
			return NULL;
		}
	}
	return body;
}

#include "lib.h"
#include "index-mail.h"
#include "dbox-storage.h"
#include "dbox-mail.h"
#include "dbox-file.h"
#include "junk-dbox.h"

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

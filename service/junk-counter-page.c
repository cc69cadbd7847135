/* See junk-counter-page.h. */

#include "lib.h"
#include "ioloop.h"
#include "junk-counts.h"
#include "junk-counter-page.h"

#include <unistd.h>
#include <sys/stat.h>

#define SOCKET_FNAME "junk-feedback"
#define SAVED_FNAME "counts"
#define SAVE_MSECS (10*60*1000)
/* Any process with access can extend the page. It fills the tmpfs for no longer
   than this interval. */
#define TRIM_MSECS 1000

static int page_fd = -1;
static char *saved_path;
static struct timeout *to_save, *to_trim;

int junk_counter_page_prepare(const char *base_dir, uid_t uid, gid_t gid)
{
	const char *path = t_strconcat(base_dir, "/"JUNK_COUNTS_FNAME, NULL);
	const char *error;
	struct stat st;
	mode_t mode = 0666;
	int fd;

	fd = junk_counts_create(path, &error);
	if (fd == -1) {
		i_error("%s: scored mail is not counted", error);
		return -1;
	}
	if (stat(t_strconcat(base_dir, "/"SOCKET_FNAME, NULL), &st) == 0) {
		mode = st.st_mode & 0666;
		gid = st.st_gid;
		/* if it is the service's file, the service has it open
		   already */
		uid = st.st_uid;
	}
	if (fchown(fd, uid, gid) < 0 || fchmod(fd, mode | 0444) < 0)
		i_error("chown(%s) failed: %m", path);
	return fd;
}

static void junk_counter_page_save(void *context ATTR_UNUSED)
{
	const char *error;

	/* errors of a full disk are logged by more important parts */
	if (junk_counts_save(page_fd, saved_path, &error) < 0)
		i_debug("%s", error);
	/* restore it if it was manipulated or extended */
	(void)junk_counts_begin(page_fd, saved_path, ioloop_time, &error);
}

static void junk_counter_page_trim(void *context ATTR_UNUSED)
{
	junk_counts_trim(page_fd);
}

void junk_counter_page_init(int fd, const char *state_dir)
{
	const char *error;

	page_fd = fd;
	if (fd == -1)
		return;
	saved_path = i_strconcat(state_dir, "/"SAVED_FNAME, NULL);
	if (junk_counts_begin(fd, saved_path, time(NULL), &error) < 0)
		i_error("%s", error);
	to_save = timeout_add(SAVE_MSECS, junk_counter_page_save,
			      (void *)NULL);
	to_trim = timeout_add(TRIM_MSECS, junk_counter_page_trim,
			      (void *)NULL);
}

void junk_counter_page_deinit(void)
{
	if (page_fd == -1)
		return;
	junk_counter_page_save(NULL);
	timeout_remove(&to_save);
	timeout_remove(&to_trim);
	i_free(saved_path);
	i_close_fd(&page_fd);
}

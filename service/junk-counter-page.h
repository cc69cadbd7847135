#ifndef JUNK_COUNTER_PAGE_H
#define JUNK_COUNTER_PAGE_H

/* The service's part of the counter page (junk-counts.h): it makes the page, and
   keeps a copy in the state directory, since base_dir is emptied by a reboot. */

/* Make the page in base_dir, while we are root. Whoever may write to the
   service's socket may write to the page. Logs what fails: the page is not
   needed for anything else. Returns a file descriptor or -1. */
int junk_counter_page_prepare(const char *base_dir, uid_t uid, gid_t gid);

/* The rest, without privileges; fd = -1 does nothing. The copy is written from
   time to time and at the end. The path is copied. */
void junk_counter_page_init(int fd, const char *state_dir);
void junk_counter_page_deinit(void);

#endif

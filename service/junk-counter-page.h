#ifndef JUNK_COUNTER_PAGE_H
#define JUNK_COUNTER_PAGE_H

/* The service's part of the counter page (junk-counts.h). It creates the page
   and keeps a copy in the state directory, since base_dir is emptied by a
   reboot. */

/* Create the page in base_dir, as root. Users that may write to the service's
   socket may write to the page. Errors are logged: nothing else depends on the
   page. Returns a file descriptor, or -1. */
int junk_counter_page_prepare(const char *base_dir, uid_t uid, gid_t gid);

/* Continue without privileges; with fd = -1 this does nothing. The copy is
   written periodically and at the end. The path is copied. */
void junk_counter_page_init(int fd, const char *state_dir);
void junk_counter_page_deinit(void);

#endif

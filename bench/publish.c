/* See publish.h. */

#include "lib.h"
#include "junk-publisher.h"
#include "publish.h"

#include <time.h>

void publish_model(struct junk_learner *learner, const char *path)
{
	struct junk_publisher *publisher;
	const char *error;
	int fd = junk_publisher_prepare(path, (uid_t)-1, (gid_t)-1, 0644,
					&error);

	if (fd == -1 ||
	    junk_publisher_init(path, fd, 0, learner, time(NULL), &publisher,
				&error) < 0)
		i_fatal("%s", error);
	junk_publisher_deinit(&publisher);
	i_close_fd(&fd);
}

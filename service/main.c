/* The junk-feedback service, which Dovecot's master process starts. See
   doc/protocol.md. */

#include "lib.h"
#include "ioloop.h"
#include "restrict-access.h"
#include "master-service.h"
#include "junk-connection.h"
#include "junk-counter-page.h"
#include "junk-engine.h"
#include "junk-libpq.h"
#include "junk-publisher.h"
#include "junk-segment.h"
#include "junk-service-settings.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct event_category event_category_junk_feedback = {
	.name = "junk-feedback",
};

/* What is opened and read as root, before privileges are dropped. */
struct privileged {
	/* the state directory as seen after chroot(); chroot_dir: path of the
	   chroot, or "" */
	const char *state_dir, *chroot_dir;
	int segment_fd, counts_fd;
};

static void client_connected(struct master_service_connection *conn)
{
	master_service_client_connection_accept(conn);
	junk_connection_create(conn->fd);
}

static void client_closed(void)
{
	master_service_client_connection_destroyed(master_service);
}

/* Dovecot stops or was reloaded. What clients have already sent is recorded;
   they send the rest to the new process. */
static void stop(void)
{
	junk_connections_drain();
	master_service_stop(master_service);
}

static bool may_die_idle(void)
{
	return !junk_connections_are_busy();
}

/* Find the chroot. The segment is outside of it, so it must be opened
   before. */
static void find_chroot(const struct junk_service_settings *set,
			const char *dir, struct privileged *priv_r)
{
	size_t len;

	priv_r->chroot_dir = dir == NULL ? "" : dir;
	len = strlen(priv_r->chroot_dir);
	if (strncmp(set->state_dir, priv_r->chroot_dir, len) != 0 ||
	    (set->state_dir[len] != '/' && set->state_dir[len] != '\0')) {
		i_fatal("service junk-feedback { chroot = %s } must be "
			"junk_feedback_state_dir (%s) or a parent of it",
			dir, set->state_dir);
	}
	priv_r->state_dir = set->state_dir + len;
}

static mode_t segment_mode(const struct junk_settings *set)
{
	return (mode_t)strtoul(set->junk_feedback_segment_mode, NULL, 8);
}

static gid_t segment_gid(const struct junk_settings *set, gid_t own_gid)
{
	const struct group *group;

	if (*set->junk_feedback_segment_group == '\0')
		return own_gid;
	group = getgrnam(set->junk_feedback_segment_group);
	if (group == NULL) {
		i_fatal("junk_feedback_segment_group = %s: unknown group",
			set->junk_feedback_segment_group);
	}
	return group->gr_gid;
}

/* Do what needs root privileges, which are dropped afterwards. */
static void
prepare_files(const struct junk_service_settings *set,
	      const char *segment_path, struct privileged *priv_r)
{
	struct restrict_access_settings access_set;
	const char *error;

	restrict_access_get_env(&access_set);
	find_chroot(set, access_set.chroot_dir, priv_r);
	if (access_set.uid == 0 ||
	    (access_set.uid == (uid_t)-1 && geteuid() == 0)) {
		i_fatal("The service must not run as root: "
			"set user = $default_internal_user "
			"in service junk-feedback { }");
	}
	if (mkdir(set->state_dir, 0700) == 0) {
		if (chown(set->state_dir, access_set.uid,
			  access_set.gid) < 0)
			i_error("chown(%s) failed: %m", set->state_dir);
	} else if (errno != EEXIST) {
		i_error("mkdir(%s) failed: %m", set->state_dir);
	}
	priv_r->segment_fd = junk_publisher_prepare(segment_path,
		access_set.uid, segment_gid(set->set, access_set.gid),
		segment_mode(set->set), &error);
	if (priv_r->segment_fd == -1)
		i_error("%s", error);
	/* it can't be loaded inside of a chroot. A failure is a fault of the
	   engine, which loads it again */
	if (*set->set->junk_feedback_cluster != '\0')
		(void)junk_libpq_get(&error);
	priv_r->counts_fd = junk_counter_page_prepare(set->base_dir,
						      access_set.uid,
						      access_set.gid);
}

static void read_settings(struct junk_service_settings *set_r, pool_t pool)
{
	const char *error;
	int ret;

	ret = junk_service_settings_read(master_service, pool, set_r, &error);
	if (ret < 0)
		i_fatal("Error reading configuration: %s", error);
	master_service_init_log(master_service);
	if (ret > 0)
		i_error("Invalid settings: %s", error);
}

static struct junk_engine *
init_engine(const struct junk_service_settings *set,
	    const struct privileged *priv, const char *segment_path,
	    struct event *event)
{
	const struct junk_engine_settings engine_set = {
		.state_dir = priv->state_dir,
		.chroot_dir = priv->chroot_dir,
		.segment_path = segment_path,
		.segment_fd = priv->segment_fd,
		.segment_mode = segment_mode(set->set),
		.publish_delay_secs = set->set->junk_feedback_publish_delay,
		.rate = set->set->junk_feedback_rate,
		.uid_identities = set->set->junk_feedback_uid_identities,
		.retention_days = set->set->junk_feedback_retention /
			(24*60*60),
		.database_size = set->set->junk_feedback_database_size,
		.min_reporters = set->set->junk_feedback_min_reporters,
		.min_reports = set->set->junk_feedback_min_reports,
		.threshold = set->set->junk_feedback_threshold,
		.cluster = set->set->junk_feedback_cluster,
		.wake = junk_connections_wake,
		.event_parent = event,
	};

	return junk_engine_init(&engine_set);
}

static void run(struct junk_engine *engine, struct event *event)
{
	const struct junk_connections_settings set = {
		.engine = engine,
		.event_parent = event,
		.max_connections =
			master_service_get_client_limit(master_service),
		.closed_callback = client_closed,
		.restart_callback = stop,
	};

	junk_connections_init(&set);
	master_service_init_finish(master_service);
	master_service_run(master_service, client_connected);
	junk_connections_deinit();
}

int main(int argc, char *argv[])
{
	const enum master_service_flags flags =
		MASTER_SERVICE_FLAG_UPDATE_PROCTITLE |
		MASTER_SERVICE_FLAG_NO_SSL_INIT;
	struct junk_service_settings set;
	struct privileged priv;
	struct junk_engine *engine;
	struct event *event;
	const char *segment_path;
	pool_t pool;

	master_service = master_service_init("junk-feedback", flags,
					     &argc, &argv, "");
	if (master_getopt(master_service) > 0)
		return FATAL_DEFAULT;
	pool = pool_alloconly_create("settings", 1024);
	read_settings(&set, pool);
	segment_path = p_strdup_printf(pool, "%s/"JUNK_SEGMENT_FNAME,
				       set.base_dir);
	prepare_files(&set, segment_path, &priv);
	/* core dumps stay disabled, since the key is in memory */
	restrict_access_by_env(0, NULL);

	master_service_set_die_with_master(master_service, TRUE);
	master_service_set_die_callback(master_service, stop);
	master_service_set_idle_die_callback(master_service, may_die_idle);

	event = event_create(NULL);
	event_add_category(event, &event_category_junk_feedback);
	engine = init_engine(&set, &priv, segment_path, event);
	junk_counter_page_init(priv.counts_fd, priv.state_dir);
	run(engine, event);
	junk_counter_page_deinit();
	junk_engine_deinit(&engine);
	event_unref(&event);
	pool_unref(&pool);
	master_service_deinit(&master_service);
	return 0;
}

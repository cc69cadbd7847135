/* The protocol between milter and worker, over a socket pair that is the worker's
   standard input:

     request   size_t size, the message
     answer    struct worker_answer

   Both programs are of the same build on the same host. The worker ends when
   its socket is closed. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "junk-limits.h"
#include "junk-score.h"
#include "junk-milter-workers.h"

/* Each worker is a process of some megabytes. If all are busy, further sessions
   wait for one of them. */
#define MAX_WORKERS 64
/* Workers that are kept while they are idle. The others end. */
#define MAX_IDLE_WORKERS 8
#define WORKER_ARG "--worker"

extern char **environ;

struct worker {
	struct worker *next;
	pid_t pid;
	int fd;
};

struct worker_answer {
	int score;
	char reason[JUNK_MILTER_REASON_SIZE];
};

static struct {
	const char *segment_path, *authserv_id, *mx, *allow_file;
	/* the threshold as a command-line argument of the worker */
	char threshold[16];
	/* protects the fields below; never held while a message is scored */
	pthread_mutex_t lock;
	pthread_cond_t free;
	struct worker *idle;
	unsigned int count, idle_count;
} workers = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.free = PTHREAD_COND_INITIALIZER,
};

/* --- processes --- */

static int worker_spawn(struct worker *worker, int fd)
{
	char *argv[] = {
		(char *)"junk-feedback-milter", (char *)WORKER_ARG,
		(char *)workers.segment_path, workers.threshold,
		(char *)workers.authserv_id, (char *)workers.mx,
		(char *)workers.allow_file, NULL
	};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int error;

	/* not fork(): the child would have a copy of the locks that other
	   threads hold */
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	error = posix_spawn(&worker->pid, "/proc/self/exe", &actions, &attr,
			    argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (error != 0) {
		syslog(LOG_ERR, "can't start a worker: %s", strerror(error));
		return -1;
	}
	return 0;
}

static struct worker *worker_start(void)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int fds[2];

	if (worker == NULL)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		syslog(LOG_ERR, "socketpair() failed: %s", strerror(errno));
		free(worker);
		return NULL;
	}
	worker->fd = fds[0];
	if (worker_spawn(worker, fds[1]) < 0) {
		close(fds[0]);
		free(worker);
		worker = NULL;
	}
	close(fds[1]);
	return worker;
}

static void worker_end(struct worker *worker)
{
	close(worker->fd);
	(void)kill(worker->pid, SIGKILL);
	while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR) ;
	free(worker);
}

/* --- the pool --- */

static void deadline_set(struct timespec *deadline_r)
{
	/* the monotonic clock can't be set back */
	clock_gettime(CLOCK_MONOTONIC, deadline_r);
	deadline_r->tv_sec += JUNK_MILTER_SCORE_MSECS / 1000;
}

/* Reserve a worker. Returns 0 with an idle worker, or with NULL if a new one
   may be started; -1 if neither became possible before the deadline. */
static int worker_reserve(struct worker **worker_r)
{
	struct timespec deadline;
	int ret = 0;

	deadline_set(&deadline);
	pthread_mutex_lock(&workers.lock);
	while (workers.idle == NULL && workers.count >= MAX_WORKERS &&
	       ret == 0) {
		ret = pthread_cond_clockwait(&workers.free, &workers.lock,
					     CLOCK_MONOTONIC, &deadline);
	}
	*worker_r = workers.idle;
	if (workers.idle != NULL) {
		workers.idle = workers.idle->next;
		workers.idle_count--;
		ret = 0;
	} else if (workers.count < MAX_WORKERS) {
		workers.count++;
		ret = 0;
	}
	pthread_mutex_unlock(&workers.lock);
	return ret == 0 ? 0 : -1;
}

/* Give a worker back. NULL means that the reserved worker has ended. */
static void worker_release(struct worker *worker)
{
	struct worker *surplus = NULL;

	pthread_mutex_lock(&workers.lock);
	if (worker == NULL) {
		workers.count--;
	} else if (workers.idle_count >= MAX_IDLE_WORKERS) {
		workers.count--;
		surplus = worker;
	} else {
		worker->next = workers.idle;
		workers.idle = worker;
		workers.idle_count++;
	}
	pthread_cond_signal(&workers.free);
	pthread_mutex_unlock(&workers.lock);
	if (surplus != NULL)
		worker_end(surplus);
}

static struct worker *worker_get(void)
{
	struct worker *worker;

	if (worker_reserve(&worker) < 0) {
		syslog(LOG_WARNING, "all %d workers are busy", MAX_WORKERS);
		return NULL;
	}
	if (worker == NULL)
		worker = worker_start();
	if (worker == NULL)
		worker_release(NULL);
	return worker;
}

/* --- requests --- */

static int send_all(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t ret;

	while (size > 0) {
		ret = send(fd, p, size, MSG_NOSIGNAL);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0)
			return -1;
		p += ret;
		size -= (size_t)ret;
	}
	return 0;
}

static int recv_all(int fd, void *data, size_t size)
{
	char *p = data;
	ssize_t ret;

	while (size > 0) {
		ret = recv(fd, p, size, 0);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0)
			return -1;
		p += ret;
		size -= (size_t)ret;
	}
	return 0;
}

static int worker_ask(struct worker *worker, const void *data, size_t size,
		      struct worker_answer *answer_r)
{
	const struct timeval limit = {
		.tv_sec = JUNK_MILTER_SCORE_MSECS / 1000,
	};

	/* the limit is for each call: the worker reads the whole request before
	   it begins and then answers at once */
	if (setsockopt(worker->fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
		       sizeof(limit)) < 0 ||
	    setsockopt(worker->fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
		       sizeof(limit)) < 0 ||
	    send_all(worker->fd, &size, sizeof(size)) < 0 ||
	    send_all(worker->fd, data, size) < 0 ||
	    recv_all(worker->fd, answer_r, sizeof(*answer_r)) < 0)
		return -1;
	answer_r->reason[sizeof(answer_r->reason) - 1] = '\0';
	return 0;
}

int junk_milter_workers_score(const void *data, size_t size,
			      char reason_r[JUNK_MILTER_REASON_SIZE])
{
	struct worker_answer answer;
	struct worker *worker = worker_get();

	memcpy(reason_r, "no worker", strlen("no worker") + 1);
	if (worker == NULL)
		return JUNK_SCORES_UNKNOWN;
	if (worker_ask(worker, data, size, &answer) < 0) {
		syslog(LOG_ERR, "worker %ld returned no score: %s",
		       (long)worker->pid, strerror(errno));
		worker_end(worker);
		worker_release(NULL);
		return JUNK_SCORES_UNKNOWN;
	}
	worker_release(worker);
	memcpy(reason_r, answer.reason, sizeof(answer.reason));
	return answer.score;
}

int junk_milter_workers_init(const char *segment_path, unsigned int threshold,
			     const char *authserv_id, const char *mx,
			     const char *allow_file)
{
	char reason[JUNK_MILTER_REASON_SIZE];

	workers.segment_path = segment_path;
	workers.authserv_id = authserv_id;
	workers.mx = mx;
	workers.allow_file = allow_file;
	snprintf(workers.threshold, sizeof(workers.threshold), "%u",
		 threshold);
	(void)junk_milter_workers_score("", 0, reason);
	return strcmp(reason, "no worker") == 0 ? -1 : 0;
}

/* --- the worker --- */

static int worker_answer_one(struct junk_scores *scores, char *data)
{
	struct worker_answer answer;
	size_t size;

	if (recv_all(STDIN_FILENO, &size, sizeof(size)) < 0 ||
	    size > JUNK_MAX_READ_BYTES ||
	    recv_all(STDIN_FILENO, data, size) < 0)
		return -1;
	memset(&answer, 0, sizeof(answer));
	answer.score = junk_scores_message(scores, data, size, NULL);
	snprintf(answer.reason, sizeof(answer.reason), "%s",
		 junk_scores_reason(scores));
	return send_all(STDIN_FILENO, &answer, sizeof(answer));
}

int junk_milter_worker_main(int argc, char *argv[])
{
	struct junk_scores *scores;
	char *data;

	if (argc < 7 || strcmp(argv[1], WORKER_ARG) != 0)
		return 0;
	data = malloc(JUNK_MAX_READ_BYTES);
	if (data == NULL)
		return 1;
	scores = junk_scores_open(argv[2]);
	junk_scores_set_threshold(scores,
				  (unsigned int)strtoul(argv[3], NULL, 10));
	junk_scores_set_authserv_id(scores, argv[4]);
	junk_scores_set_mx(scores, argv[5]);
	junk_scores_set_allow_file(scores, argv[6]);
	while (worker_answer_one(scores, data) == 0) ;
	junk_scores_close(&scores);
	free(data);
	return 1;
}

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "junk-clock.h"
#include "junk-later.h"

/* The client counts as quiet after this time without a command. */
#define QUIET_USECS (20*1000)
/* Work begins after this time even if the client isn't quiet. */
#define MAX_WAIT_USECS (250*1000)
/* Length of a slice. A command waits for at most a slice and one message. */
#define SLICE_USECS 1000

struct junk_later {
	struct junk_later_callbacks callbacks;
	void *context;

	ARRAY(struct junk_pending) queue;
	/* index of the next message */
	unsigned int next;
	unsigned int kept_count;
	size_t bytes;

	struct timeout *to;
	/* when waiting began, and when the last command was */
	uint64_t wait_usecs, last_usecs;
	bool running;
};

struct junk_later *
junk_later_init(const struct junk_later_callbacks *callbacks, void *context)
{
	struct junk_later *later = i_new(struct junk_later, 1);

	later->callbacks = *callbacks;
	later->context = context;
	i_array_init(&later->queue, 16);
	return later;
}

void junk_later_deinit(struct junk_later **_later)
{
	struct junk_later *later = *_later;

	if (later == NULL)
		return;
	*_later = NULL;
	timeout_remove(&later->to);
	while (!junk_later_is_empty(later)) {
		junk_pending_clear(array_idx_modifiable(&later->queue,
							later->next++));
	}
	array_free(&later->queue);
	i_free(later);
}

bool junk_later_is_empty(const struct junk_later *later)
{
	return later->next == array_count(&later->queue);
}

bool junk_later_is_full(const struct junk_later *later, size_t bytes)
{
	return later->bytes + bytes >= JUNK_LATER_MAX_BYTES;
}

size_t junk_later_bytes(const struct junk_pending *pending)
{
	return sizeof(*pending) + pending->body->size;
}

void junk_later_add(struct junk_later *later,
		    const struct junk_pending *pending)
{
	array_push_back(&later->queue, pending);
	later->bytes += junk_later_bytes(pending);
	if (pending->kept_vname != NULL)
		later->kept_count++;
}

/* Process the first message of the queue. The callback may access the queue. */
static void junk_later_do_next(struct junk_later *later)
{
	struct junk_pending pending =
		*array_idx(&later->queue, later->next++);

	later->bytes -= junk_later_bytes(&pending);
	if (pending.kept_vname != NULL)
		later->kept_count--;
	later->callbacks.report(&pending, later->context);
	junk_pending_clear(&pending);
}

static void junk_later_ended(struct junk_later *later)
{
	if (junk_later_is_empty(later)) {
		timeout_remove(&later->to);
		later->running = FALSE;
		array_clear(&later->queue);
		later->next = 0;
	}
	later->callbacks.done(later->context);
}

static void junk_later_slice(struct junk_later *later)
{
	uint64_t end = junk_clock_usecs() + SLICE_USECS;

	while (!junk_later_is_empty(later)) {
		junk_later_do_next(later);
		if (junk_clock_usecs() >= end)
			break;
	}
	junk_later_ended(later);
}

static void junk_later_wait(struct junk_later *later, uint64_t usecs);

static void junk_later_waited(struct junk_later *later)
{
	const uint64_t now = junk_clock_usecs();
	const uint64_t quiet_usecs = now - later->last_usecs;

	timeout_remove(&later->to);
	if (quiet_usecs < QUIET_USECS &&
	    now - later->wait_usecs < MAX_WAIT_USECS) {
		junk_later_wait(later, QUIET_USECS - quiet_usecs);
		return;
	}
	later->running = TRUE;
	/* one slice after another; the client's input is handled in between */
	later->to = timeout_add_short_to(io_loop_get_root(), 0,
					 junk_later_slice, later);
}

static void junk_later_wait(struct junk_later *later, uint64_t usecs)
{
	later->to = timeout_add_short_to(io_loop_get_root(),
					 (unsigned int)(usecs + 999) / 1000,
					 junk_later_waited, later);
}

void junk_later_start(struct junk_later *later)
{
	if (later->running || junk_later_is_empty(later))
		return;
	/* cheaper than resetting the timeout each time */
	later->last_usecs = junk_clock_usecs();
	if (later->to == NULL) {
		later->wait_usecs = later->last_usecs;
		junk_later_wait(later, QUIET_USECS);
	}
}

void junk_later_finish(struct junk_later *later)
{
	if (junk_later_is_empty(later))
		return;
	while (!junk_later_is_empty(later))
		junk_later_do_next(later);
	junk_later_ended(later);
}

bool junk_later_forget_kept(struct junk_later *later, const char *vname,
			    uint32_t uid)
{
	struct junk_pending *pending;
	unsigned int i = later->next;
	bool found = FALSE;

	while (later->kept_count > 0 && i < array_count(&later->queue)) {
		pending = array_idx_modifiable(&later->queue, i);
		if (pending->kept_vname != NULL && pending->uid == uid &&
		    strcmp(pending->kept_vname, vname) == 0) {
			later->bytes -= junk_later_bytes(pending);
			later->kept_count--;
			junk_pending_clear(pending);
			array_delete(&later->queue, i, 1);
			found = TRUE;
		} else {
			i++;
		}
	}
	return found;
}

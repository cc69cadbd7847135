#ifndef JUNK_CLOCK_H
#define JUNK_CLOCK_H

#include <time.h>

/* Returns microseconds of the monotonic clock, for timeouts and turns: after
   the time of day is set back, a timeout by it would wait for hours. */
static inline uint64_t junk_clock_usecs(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		i_fatal("clock_gettime() failed: %m");
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Returns TRUE if so many seconds have passed since a time of day, or if the
   time of day was set back. */
static inline bool
junk_clock_has_passed(time_t now, time_t since, unsigned int secs)
{
	return now < since || now - since >= (time_t)secs;
}

#endif

#ifndef JUNK_CLOCK_H
#define JUNK_CLOCK_H

#include <time.h>

/* Microseconds of a clock that nobody sets, for what waits or takes turns: where
   the time of day is set back meanwhile, that would wait for hours. */
static inline uint64_t junk_clock_usecs(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		i_fatal("clock_gettime() failed: %m");
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Have so many seconds passed since that time of day? If it has been set back,
   nobody knows: yes. */
static inline bool
junk_clock_has_passed(time_t now, time_t since, unsigned int secs)
{
	return now < since || now - since >= (time_t)secs;
}

#endif

/* Preloaded by sanitizer.py. The leak sanitizer stops or hangs in a process
   that it can't inspect, i.e. one that isn't dumpable. So it is switched off
   there. */

#include <sys/prctl.h>

int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return prctl(PR_GET_DUMPABLE) != 1;
}

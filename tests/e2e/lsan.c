/* Preloaded by sanitizer.py: the leak sanitizer stops a process that it can't
   look into, or hangs: one that the kernel doesn't let be dumped. */

#include <sys/prctl.h>

int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return prctl(PR_GET_DUMPABLE) != 1;
}

#include "lib.h"
#include "junk-memory.h"

#include <malloc.h>

#define KEEP_BYTES (1024*1024)

void junk_memory_keep(void)
{
#ifdef M_TRIM_THRESHOLD
	/* each ends glibc's own adjusting of both */
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
#endif
}

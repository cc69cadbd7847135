#include "lib.h"
#include "junk-fetch.h"

bool junk_fetch_reads_text(const char *args)
{
	for (; *args != '\0'; args++) {
		/* BODY[...], BODY.PEEK[...], BINARY...; not BODY alone */
		if (*args == '[' && strncasecmp(args + 1, "HEADER", 6) != 0 &&
		    strncasecmp(args + 1, "MIME", 4) != 0)
			return TRUE;
		if (strncasecmp(args, "RFC822", 6) != 0)
			continue;
		if (args[6] != '.' || strncasecmp(args + 7, "TEXT", 4) == 0)
			return TRUE;
	}
	return FALSE;
}

#ifndef JUNK_MEMORY_H
#define JUNK_MEMORY_H

/* Let the process keep up to 1 MiB of what it frees, whatever it was that it
   freed.

   A command, or a delivery, needs some hundred kilobytes for a moment. glibc
   gives memory at the end of the heap back once it is more than 128 kB, or twice
   the largest block that was ever mapped and freed, up to 64 MiB: so it depends
   on what the process has done before whether each command has to ask for all
   its pages again (up to 100 page faults: a tenth of what moving a message
   takes). To tokenise a message may bring it there. What it keeps then isn't more
   than it may be without this, only always the same. */
void junk_memory_keep(void);

#endif

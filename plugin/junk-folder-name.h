#ifndef JUNK_FOLDER_NAME_H
#define JUNK_FOLDER_NAME_H

/* Names of folders, as people and clients write them: letters of any case, with
   accents in one character or in two (NFC, NFD), compare equal. */

/* The name as it is compared, from the data stack. */
const char *junk_folder_name_fold(const char *name);

/* Is it what a client calls the folder that it makes for junk mail, in some
   language? folded: of junk_folder_name_fold(). */
bool junk_folder_name_is_usual(const char *folded);
/* Does it look like such a folder, all the same? */
bool junk_folder_name_looks_like_junk(const char *folded);

#endif

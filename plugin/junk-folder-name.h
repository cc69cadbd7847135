#ifndef JUNK_FOLDER_NAME_H
#define JUNK_FOLDER_NAME_H

/* Folder names as users and clients write them. Letter case and the form of
   accents (NFC or NFD) are ignored. */

/* Returns the folded name, allocated from the data stack. */
const char *junk_folder_name_fold(const char *name);

/* Returns TRUE if some client calls the junk folder that it creates so, in some
   language. folded: by junk_folder_name_fold(). */
bool junk_folder_name_is_usual(const char *folded);
/* Returns TRUE if the name only looks like that of a junk folder. */
bool junk_folder_name_looks_like_junk(const char *folded);

#endif

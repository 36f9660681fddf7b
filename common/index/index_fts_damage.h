/* index_fts_damage: a note beside the index (FILE.damaged) that somebody met damage in it. Who meets it is often a search,
 * in a process that mends nothing; who builds the index anew looks for the note, and a new index takes it away. */
#ifndef INDEX_INDEX_FTS_DAMAGE_H
#define INDEX_INDEX_FTS_DAMAGE_H

#include "base/mem.h"

#include <stdbool.h>

/* path is that of the index. All of it is best effort: a note that can't be made is made by the next who meets it. */
void fts_damage_note(const char *path);
bool fts_damage_is_noted(const char *path);
void fts_damage_forget(const char *path);

#endif

/* index_es_pit: points in time: who pages on through what was found does so in the index as it was at his third page,
 * whatever comes in and whichever copy of a shard answers.
 *
 * A point in time is long, and belongs to the server; a cursor names it by a number that means something to this process
 * alone. When it is gone (another process, a restart, a rebuild, too many others) paging goes on without: the place in a
 * cursor is all that a page needs. Any thread may call. */
#ifndef INDEX_INDEX_ES_PIT_H
#define INDEX_INDEX_ES_PIT_H

#include "index/index_es_client.h"

struct es_pits;

struct es_pits *es_pits_new(struct es_client *c, const char *alias, bool elasticsearch) __attribute__((returns_nonnull));
void es_pits_freep(struct es_pits **p); /* closes them all at the server */

#define ES_PIT_KEEP "2m" /* from its last use */

#define ES_PIT_NEXT 1u /* no number of any */

/* Makes one. Its number, over ES_PIT_NEXT; 0 when the server makes none. */
uint32_t es_pits_open(struct es_pits *p);

/* The server's name of one, which the caller frees; NULL: it is gone. */
char *es_pits_get(struct es_pits *p, uint32_t number);

/* The server calls it by another name now. */
void es_pits_rename(struct es_pits *p, uint32_t number, const char *id);

/* Nobody needs it any more. */
void es_pits_close(struct es_pits *p, uint32_t number);

#endif

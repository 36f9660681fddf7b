/* list: a page of a list: the query parameters `limit` and `cursor`, and the answer {"items":[…],"next_cursor"}. Lists go
 * by a key that does not change, from one on; a cursor holds the key of the last item that was given. */
#ifndef QUERYD_LIST_H
#define QUERYD_LIST_H

#include "queryd/call.h"
#include "sys/json.h"

#define LIST_LIMIT_STANDARD 50
#define LIST_LIMIT_MAX 500
#define LIST_KEY_MAX 1023 /* bytes */

/* The `parameters` of a route that is a list and nothing else. Others name "limit" and "cursor" beside their own. */
extern const char *const list_parameters[];

struct list {
	size_t limit; /* ask for one more, to see whether there is another page */
	char *after;  /* the key behind which the page begins; "" for the first */
};

/* list_deinit() frees. -1: the response is a problem. Where keys are numbers or ids: list_after_u64(), list_after_uuid(). */
int list_read(struct call *c, struct list *l_r) MUST_CHECK;
void list_deinit(struct list *l);

/* The key as what it is; 0 on the first page. -1: no such cursor was given out; the response says so. */
int list_after_u64(struct call *c, const struct list *l, uint64_t *key_r) MUST_CHECK;
int list_after_uuid(struct call *c, const struct list *l, struct uuid *key_r) MUST_CHECK;

/* The response: items, which become its. next: the key of the last item when more follow, else NULL. */
void list_answer(struct call *c, cJSON *items, const char *next);

#endif

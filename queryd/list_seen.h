/* list_seen: a list by id, of which an account is given what it may see: read some at a time, until the page is full. */
#ifndef QUERYD_LIST_SEEN_H
#define QUERYD_LIST_SEEN_H

#include "queryd/list.h"

#define LIST_SEEN_AT_ONCE 100

struct list_seen {
	cJSON *items;
	size_t n, limit;
	struct uuid last; /* that was given */
	bool more;	  /* than a page */
};

/* Reads up to LIST_SEEN_AT_ONCE behind *after, moves *after to the last of them, and adds to l->items those that the account may
 * see and that list_seen_room() has room for. How many were read, or -1. */
typedef ssize_t list_seen_some(struct call *c, struct list_seen *l, struct uuid *after, struct err *e);

/* Is there room on the page for the next one? false: a later page begins with it. */
bool list_seen_room(struct list_seen *l, const struct uuid *id);

/* Writes the intent and answers with the page that the request asks for. */
void list_seen_answer(struct call *c, list_seen_some *some);

#endif

/* saved_search: searches that an account keeps. Nobody else's can be reached, but what he has put in a case. */
#ifndef META_SAVED_SEARCH_H
#define META_SAVED_SEARCH_H

#include "base/uuid.h"
#include "meta/meta.h"

#include <stdbool.h>

#define SAVED_SEARCHES_MAX 1000 /* of an account */

struct saved_search {
	struct uuid id; /* uuid_new() */
	uint64_t account_id;
	uint64_t version; /* from 1 */
	char *name;
	bool has_case;
	struct uuid case_id;
	char *request; /* JSON */
	int64_t created_us, changed_us;
};

void saved_search_deinit(struct saved_search *s);

/* Keeps one; its version is 1 and it was changed when it was made. 1; 0: the account has SAVED_SEARCHES_MAX; -1. */
int meta_saved_search_add(struct meta *m, const struct saved_search *s, struct err *e) MUST_CHECK;

/* 1 (caller deinits), 0, -1. */
int meta_saved_search_get(struct meta *m, uint64_t account_id, const struct uuid *id, struct saved_search *s_r, struct err *e)
	MUST_CHECK;

/* One that the account may run: its own, or one that a member has put in a case of which the account is a member, too. As
 * above. */
int meta_saved_search_get_to_run(struct meta *m, uint64_t account_id, const struct uuid *id, struct saved_search *s_r,
	struct err *e) MUST_CHECK;

/* At most limit with an id behind `after` (all zero: from the first), the oldest first. saved_search_list_free() frees. */
int meta_saved_search_list(struct meta *m, uint64_t account_id, const struct uuid *after, size_t limit,
	struct saved_search **list_r, size_t *n_r, struct err *e) MUST_CHECK;

/* The same of those that are put in a case by accounts that are members of it. The only way to another's search. */
int meta_saved_search_list_of_case(struct meta *m, const struct uuid *case_id, const struct uuid *after, size_t limit,
	struct saved_search **list_r, size_t *n_r, struct err *e) MUST_CHECK;
void saved_search_list_free(struct saved_search *list, size_t n);

/* Name, case and request become those of s, and changed_us, if its version is still s->version. 1, 0, -1. */
int meta_saved_search_change(struct meta *m, const struct saved_search *s, struct err *e) MUST_CHECK;

/* 1; 0: there is none of this version; -1. */
int meta_saved_search_remove(struct meta *m, uint64_t account_id, const struct uuid *id, uint64_t version, struct err *e)
	MUST_CHECK;

#endif

/* case: what belongs to one matter, and which accounts know of it. Of a case that an account is no member of it learns
 * nothing. A case is closed, never deleted. */
#ifndef META_CASE_H
#define META_CASE_H

#include "base/uuid.h"
#include "meta/hold.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct legal_case {
	struct uuid id;
	char *name, *description;
	struct hold_act opened, closed;
};

struct legal_cases {
	struct legal_case *items;
	size_t n;
};

void legal_case_deinit(struct legal_case *k);
void legal_cases_deinit(struct legal_cases *list);

/* Opens it; who does is its first member. */
int meta_case_open(struct meta *m, const struct legal_case *k, struct err *e) MUST_CHECK;

/* 1; 0 when it is closed already; -1. */
int meta_case_close(struct meta *m, const struct uuid *id, const struct hold_act *act, struct err *e) MUST_CHECK;

/* If the account is a member of it: 1 (caller deinits), 0, -1. */
int meta_case_get(struct meta *m, const struct uuid *id, uint64_t account_id, struct legal_case *k_r, struct err *e) MUST_CHECK;

/* Up to max cases that the account is a member of, with ids behind `after`, in their order; caller deinits. */
int meta_case_list(struct meta *m, uint64_t account_id, const struct uuid *after, size_t max, struct legal_cases *list_r,
	struct err *e) MUST_CHECK;

/* The same of all there are, for the operator. */
int meta_case_list_all(struct meta *m, const struct uuid *after, size_t max, struct legal_cases *list_r, struct err *e) MUST_CHECK;

/* ---- members ---- */

/* Ids of accounts, ascending; caller frees. */
int meta_case_members(struct meta *m, const struct uuid *id, uint64_t **ids_r, size_t *n_r, struct err *e) MUST_CHECK;

/* 1; 0 when there is no such account; -1. One that is a member stays one. */
int meta_case_admit(struct meta *m, const struct uuid *id, uint64_t account_id, struct err *e) MUST_CHECK;

/* 1; 0 when it is no member, or the last one; -1. */
int meta_case_dismiss(struct meta *m, const struct uuid *id, uint64_t account_id, struct err *e) MUST_CHECK;

/* ---- notes and tags ---- */

struct case_note {
	struct uuid id; /* its time is when it was written */
	struct uuid case_id;
	bool has_message;
	struct uuid message_id;
	uint64_t account_id;
	char *note;
};

struct case_notes {
	struct case_note *items;
	size_t n;
};
void case_notes_deinit(struct case_notes *list);

int meta_case_note_add(struct meta *m, const struct case_note *note, struct err *e) MUST_CHECK;
int meta_case_note_list(struct meta *m, const struct uuid *case_id, const struct uuid *after, size_t max,
	struct case_notes *list_r, struct err *e) MUST_CHECK;

struct case_tag {
	struct uuid case_id, message_id;
	char *tag;
	uint64_t account_id;
	int64_t at_us;
};

struct case_tags {
	struct case_tag *items;
	size_t n;
};
void case_tags_deinit(struct case_tags *list);

/* 1; 0 when it is there already (of remove: when it is not there); -1. */
int meta_case_tag_add(struct meta *m, const struct case_tag *tag, struct err *e) MUST_CHECK;
int meta_case_tag_remove(struct meta *m, const struct uuid *case_id, const struct uuid *message_id, const char *tag,
	struct err *e) MUST_CHECK;

/* Up to max tags behind the one of this message and text, by message and text; caller deinits. */
int meta_case_tag_list(struct meta *m, const struct uuid *case_id, const struct uuid *message_id, const char *tag, size_t max,
	struct case_tags *list_r, struct err *e) MUST_CHECK;

#endif

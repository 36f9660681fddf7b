/* hold: legal holds, and which messages are under them. What is held stays whatever its retention says. A hold is placed and
 * lifted once, each with a reason, and never changed. */
#ifndef META_HOLD_H
#define META_HOLD_H

#include "base/uuid.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored in the database: never renumber. */
enum hold_kind {
	HOLD_MESSAGES = 1,   /* some messages, by id */
	HOLD_CUSTODIANS = 2, /* all messages in its scope, which names mailboxes */
	HOLD_QUERY = 3,	     /* what a query finds in its scope */
};

enum hold_event { HOLD_PLACED = 1, HOLD_LIFTED = 2 };

struct hold_act {
	int64_t at_us; /* 0: not */
	uint64_t account_id;
	char *reason;
};

struct hold {
	struct uuid id;
	bool has_case;
	struct uuid case_id;
	char *name;
	enum hold_kind kind;
	char *scope; /* JSON: scope_print(), scope_parse() */
	char *query; /* "" but of HOLD_QUERY */
	bool standing;
	struct hold_act placed, lifted;
};

struct holds {
	struct hold *items;
	size_t n;
};

void hold_deinit(struct hold *h);
void holds_deinit(struct holds *list);

/* Places it, with the messages of HOLD_MESSAGES. What it is on can't be disposed of any more when it returns. */
int meta_hold_place(struct meta *m, const struct hold *h, const struct uuid *messages, size_t n, struct err *e) MUST_CHECK;

/* 1; 0 when it is lifted already; -1. */
int meta_hold_lift(struct meta *m, const struct uuid *id, const struct hold_act *act, struct err *e) MUST_CHECK;

/* 1 (caller deinits), 0, -1. */
int meta_hold_get(struct meta *m, const struct uuid *id, struct hold *h_r, struct err *e) MUST_CHECK;

/* Up to max holds whose ids come behind `after` (all zero: from the first), in their order; caller deinits. */
int meta_hold_list(struct meta *m, const struct uuid *after, size_t max, struct holds *list_r, struct err *e) MUST_CHECK;

/* The same of those that were placed for a case. */
int meta_hold_list_of_case(struct meta *m, const struct uuid *case_id, const struct uuid *after, size_t max, struct holds *list_r,
	struct err *e) MUST_CHECK;

/* Changes with every hold that is placed or lifted. Cheap. */
int meta_hold_version(struct meta *m, uint64_t *version_r, struct err *e) MUST_CHECK;

/* Up to max messages of a hold on messages, behind `after`. */
int meta_hold_messages(struct meta *m, const struct uuid *hold, const struct uuid *after, struct uuid *ids_r, size_t max,
	size_t *n_r, struct err *e) MUST_CHECK;

/* ---- messages ---- */

struct message_hold {
	struct uuid message, hold;
};

struct message_holds {
	struct message_hold *items;
	size_t n;
};

/* The holds that these messages are under, those that workerd has yet to bring to the store included; caller frees items. */
int meta_message_holds(struct meta *m, const struct uuid *ids, size_t n, struct message_holds *list_r, struct err *e) MUST_CHECK;
bool message_holds_has(const struct message_holds *list, const struct uuid *message, const struct uuid *hold);

/* Up to max messages that are under a hold, behind `after`. */
int meta_hold_members(struct meta *m, const struct uuid *hold, const struct uuid *after, struct uuid *ids_r, size_t max,
	size_t *n_r, struct err *e) MUST_CHECK;

/* Up to max of those that came under a hold when they were captured; caller frees items. For workerd. */
int meta_hold_work(struct meta *m, size_t max, struct message_holds *list_r, struct err *e) MUST_CHECK;

#endif

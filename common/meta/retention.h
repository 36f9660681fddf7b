/* retention: policies that keep messages longer than lock_days says, and for how long a message is kept by now.
 *
 * A policy is never changed: each change adds a revision of it, and the newest one counts. */
#ifndef META_RETENTION_H
#define META_RETENTION_H

#include "base/uuid.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored in the database: never renumber. */
enum retention_kind {
	RETENTION_ALL = 1,	  /* every message */
	RETENTION_DEPARTMENT = 2, /* of the mailboxes of a department */
	RETENTION_MAILBOX = 3,
	RETENTION_SENDER = 4, /* sent by an address, or by any of "@domain" */
};

struct retention_policy {
	uint64_t change; /* rises with each revision of any policy; given by meta_retention_put() */
	struct uuid id;
	uint64_t revision; /* from 1 */
	int64_t at_us;
	uint64_t account_id;
	uint64_t place; /* in their order: of those that keep a message equally long the first one is named */
	char *name;
	enum retention_kind kind;
	char *subject; /* department's name, normalised mailbox, normalised address or "@domain"; "" for all */
	uint64_t days; /* from when a message was received */
	bool ended;
	char *reason;
};

struct retention_policies {
	struct retention_policy *items;
	size_t n;
};

void retention_policy_deinit(struct retention_policy *p);
void retention_policies_deinit(struct retention_policies *list);

/* The newest revision of each, in their order, those that are ended included; caller deinits. */
int meta_retention_list(struct meta *m, struct retention_policies *list_r, struct err *e) MUST_CHECK;

/* All revisions of one, the oldest first; caller deinits. */
int meta_retention_history(struct meta *m, const struct uuid *id, struct retention_policies *list_r, struct err *e) MUST_CHECK;

/* The newest revision: 1 (caller deinits), 0, -1. */
int meta_retention_get(struct meta *m, const struct uuid *id, struct retention_policy *p_r, struct err *e) MUST_CHECK;

/* Adds a revision. 1; 0 when there is one of that number already; -1. */
int meta_retention_put(struct meta *m, const struct retention_policy *p, struct err *e) MUST_CHECK;

/* The change of the newest revision of all; 0: there never was a policy. Cheap. */
int meta_retention_newest(struct meta *m, uint64_t *change_r, struct err *e) MUST_CHECK;

/* Until when each of these is kept by later facts; 0 of those that have none. */
int meta_retention_extended(struct meta *m, const struct uuid *ids, size_t n, int64_t *until_us_r, struct err *e) MUST_CHECK;

#endif

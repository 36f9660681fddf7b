/* reconcile: what the reconciler reads of the archive and keeps about it (schema/0003_capture_reconcile.sql). Not for
 * queryd.
 *
 * The reconciler walks over the archive in slices: ranges of time within one UTC day, by the time in the ids. What it finds
 * in a slice, the account of the day so far and the walk's new place are kept in one transaction: a walk that is cut off
 * does its last slice again. */
#ifndef META_RECONCILE_H
#define META_RECONCILE_H

#include "base/uuid.h"
#include "mail/locator.h"
#include "meta/meta.h"
#include "sys/digest.h"

#include <stdbool.h>

/* ---- reading the archive ---- */

/* What of a message's row is compared with its object. */
struct reconcile_row {
	struct uuid id;
	int64_t received_us;
	struct locator locator;
	char *lock_mode;
	int64_t retain_until_us;
	char *policy_version;
	int64_t disposed_us; /* a disposition took it out of the archive; 0: none */
	int64_t removed_us;  /* and its object is gone since then; 0: it may be there */
};

struct reconcile_rows {
	struct reconcile_row *items; /* by id */
	size_t n;
};

/* The rows of [from, until), at most max of them; caller deinits. */
int meta_reconcile_rows(struct meta *m, const struct uuid *from, const struct uuid *until, size_t max,
	struct reconcile_rows *rows_r, struct err *e) MUST_CHECK;
void reconcile_rows_deinit(struct reconcile_rows *rows);

/* One row: 1 (caller deinits with reconcile_row_deinit()), 0, -1. */
int meta_reconcile_row(struct meta *m, const struct uuid *id, struct reconcile_row *row_r, struct err *e) MUST_CHECK;
void reconcile_row_deinit(struct reconcile_row *row);

/* How many messages of [from, until) the ledger has a leaf of. */
int meta_reconcile_captured(struct meta *m, const struct uuid *from, const struct uuid *until, uint64_t *n_r, struct err *e)
	MUST_CHECK;

/* Does this message wait on the outbox? 1, 0, -1. */
int meta_reconcile_waits(struct meta *m, const struct uuid *id, struct err *e) MUST_CHECK;

/* ---- what is kept ---- */

/* What was counted of one day. */
struct reconcile_tally {
	uint64_t captured, recorded, stored, indexed, waiting, orphans, missing;
	uint64_t removed, unindexed; /* disposed of, when the store was counted, and when the index was: not in the others */
	int64_t first_us, last_us; /* of the messages; 0: none */
};

struct reconcile_walk {
	const char *name; /* "store.new" */
	int64_t at_us;	  /* whatever was archived before was looked at */
	int64_t began_us, finished_us; /* this round; 0: not finished */
	struct reconcile_tally day; /* of at_us, as far as that */
};

struct reconcile_orphan {
	struct uuid id;
	struct locator where;
	uint8_t sha256[SHA256_SIZE];
	int64_t stored_us, found_us;
};
void reconcile_orphan_deinit(struct reconcile_orphan *o);

enum reconcile_alarm_kind {
	RECONCILE_MISSING = 1,	   /* the object is gone */
	RECONCILE_ALTERED = 2,	   /* it has another length */
	RECONCILE_ROW_SHORT = 3,   /* the row keeps the message for less than its policy says */
	RECONCILE_LOCK_SHORT = 4,  /* the object is locked for less than its row says */
	RECONCILE_UNPROTECTED = 5, /* the object may be written to */
	RECONCILE_RETURNED = 6,	   /* the object was removed, and is there */
	RECONCILE_UNAPPROVED = 7,  /* it is disposed of, or to be removed, and no approved disposition is of it */
	RECONCILE_KEPT = 8,	   /* it is disposed of, and a hold or a policy keeps it */
	RECONCILE_KINDS,
};

struct reconcile_alarm {
	struct uuid id;
	enum reconcile_alarm_kind kind;
	int64_t found_us;
	char *detail;
};
void reconcile_alarm_deinit(struct reconcile_alarm *a);

enum reconcile_part { RECONCILE_STORE, RECONCILE_INDEX }; /* of an account */

/* What came out of a slice. */
struct reconcile_result {
	const struct reconcile_walk *walk; /* with its new place */
	enum reconcile_part part;
	int64_t account_day_us;		   /* whose account is walk->day; -1: none is written */
	const struct reconcile_tally *account;
	int64_t account_until_us;
	const struct reconcile_orphan *orphans;
	size_t orphan_count;
	const struct reconcile_alarm *alarms;
	size_t alarm_count;
};

/* 1 with the walk's place, 0 when it was never made. name stays the caller's. */
int meta_reconcile_walk(struct meta *m, const char *name, struct reconcile_walk *w_r, struct err *e) MUST_CHECK;

/* All of it or nothing. What is known already (an orphan, an open alarm) stays as it is. */
int meta_reconcile_keep(struct meta *m, const struct reconcile_result *r, int64_t now_us, struct err *e) MUST_CHECK;

/* Accounts of the last month in which messages waited for the index: those that have left the outbox since are indexed. */
int meta_reconcile_settle(struct meta *m, int64_t now_us, struct err *e) MUST_CHECK;

/* Marks orphans whose row has appeared. */
int meta_reconcile_adopt(struct meta *m, int64_t now_us, uint64_t *adopted_r, struct err *e) MUST_CHECK;

/* Is an object known as an orphan? 1, 0, -1. */
int meta_reconcile_is_orphan(struct meta *m, const struct uuid *id, const char *version, struct err *e) MUST_CHECK;

/* For common/meta/lifecycle.c: what is known already stays as it is. */
struct sql_conn;
int reconcile_keep_alarm(struct sql_conn *c, const struct reconcile_alarm *a, struct err *e) MUST_CHECK;
int reconcile_see_alarm(struct sql_conn *c, const struct uuid *id, enum reconcile_alarm_kind kind, bool cleared, int64_t now_us,
	struct err *e) MUST_CHECK;

/* Up to max open alarms, those that were looked at longest ago first (caller deinits each); says of one that it is still
 * there, or is cleared. */
int meta_reconcile_alarms(struct meta *m, struct reconcile_alarm *alarms_r, size_t max, size_t *n_r, struct err *e)
	MUST_CHECK;
int meta_reconcile_alarm_seen(struct meta *m, const struct reconcile_alarm *a, bool cleared, int64_t now_us, struct err *e)
	MUST_CHECK;

/* ---- for `strongroom status` ---- */

struct reconcile_account {
	int64_t day_us;
	struct reconcile_tally tally;
	int64_t stored_until_us, indexed_until_us; /* how far into the day the two parts were counted; 0: not yet */
	int64_t counted_us;
};

/* The newest max accounts, the newest first. */
int meta_reconcile_accounts(struct meta *m, struct reconcile_account *accounts_r, size_t max, size_t *n_r, struct err *e)
	MUST_CHECK;

/* How many days' accounts (all of them) don't add up. */
int meta_reconcile_unequal(struct meta *m, uint64_t *n_r, struct err *e) MUST_CHECK;

/* Open alarms by kind, and orphans that were not adopted. */
int meta_reconcile_counts(struct meta *m, uint64_t alarms_r[RECONCILE_KINDS], uint64_t *orphans_r, struct err *e) MUST_CHECK;

#endif

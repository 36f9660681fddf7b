/* disposed: messages that a disposition took out of the archive. Their rows, records and leaves stay, as the proof of what was
 * there; but nobody is given a disposed message any more, nor what its row says of it. */
#ifndef META_DISPOSED_H
#define META_DISPOSED_H

#include "base/uuid.h"
#include "meta/meta.h"

#include <stddef.h>
#include <stdint.h>

struct disposed {
	struct uuid id; /* of the message */
	struct uuid disposition;
	int64_t at_us;	    /* 0: it is not disposed */
	int64_t removed_us; /* since then its bytes are not in the store; 0: they may be */
};

/* 1 with *d_r, 0 when it is not disposed, -1. */
int meta_disposed_get(struct meta *m, const struct uuid *id, struct disposed *d_r, struct err *e) MUST_CHECK;

/* Of several, each given once: list_r[i] says it of ids[i]. */
int meta_disposed_of(struct meta *m, const struct uuid *ids, size_t n, struct disposed *list_r, struct err *e) MUST_CHECK;

/* Up to max of those with after < id < until, by id. */
int meta_disposed_list(struct meta *m, const struct uuid *after, const struct uuid *until, struct disposed *list_r, size_t max,
	size_t *n_r, struct err *e) MUST_CHECK;

/* How many are disposed of in all. */
int meta_disposed_count(struct meta *m, uint64_t *n_r, struct err *e) MUST_CHECK;

/* How far an approved disposition was carried out. */
struct disposal {
	struct uuid disposition;
	struct uuid at;	     /* the last message that was looked at */
	uint64_t looked;     /* messages of its scope that had expired when it was proposed; of these: */
	uint64_t disposed;
	uint64_t held, kept; /* are held by now, or kept longer */
	int64_t began_us, walked_us, finished_us; /* 0: not yet. walked: all were looked at; finished: and are gone from the store */
};

/* 1, 0 when it was not begun, -1. */
int meta_disposal_get(struct meta *m, const struct uuid *disposition, struct disposal *d_r, struct err *e) MUST_CHECK;

/* Of its disposed messages, how many have bytes in the store yet; of these, how many the store would not let go. */
int meta_disposal_waiting(struct meta *m, const struct uuid *disposition, uint64_t *waiting_r, uint64_t *refused_r, struct err *e)
	MUST_CHECK;

/* ---- for strongroom-workerd ---- */

/* One whose bytes are still to be removed. */
struct removal {
	struct uuid id, disposition;
	uint64_t tries; /* in vain so far */
};

/* Is there anything to be removed? 1, 0, -1. */
int meta_removal_due(struct meta *m, int64_t now_us, struct err *e) MUST_CHECK;

/* Up to max of those that are due; meta_lifecycle_removed() takes one off. */
int meta_removal_list(struct meta *m, int64_t now_us, struct removal *list_r, size_t max, size_t *n_r, struct err *e) MUST_CHECK;

/* Which of these, each given once, are to be removed: *n_r of them, in the order of nothing; list_r has room for n. */
int meta_removal_of(struct meta *m, const struct uuid *ids, size_t n, struct removal *list_r, size_t *n_r, struct err *e) MUST_CHECK;

/* Those that the index may hold: up to max that were taken off it never, or before again_us and not since. */
int meta_index_removal_list(struct meta *m, int64_t again_us, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e)
	MUST_CHECK;

/* How many the index may hold. */
int meta_index_removal_count(struct meta *m, uint64_t *n_r, struct err *e) MUST_CHECK;

/* They were taken off the index just now; the second time for good. */
int meta_index_removal_done(struct meta *m, const struct uuid *ids, size_t n, int64_t again_us, int64_t now_us, struct err *e)
	MUST_CHECK;

/* ---- for common/meta/lifecycle.c ---- */

struct sql_conn;
int disposed_get_disposal(struct sql_conn *c, const struct uuid *disposition, struct disposal *d_r, struct err *e) MUST_CHECK;
int disposed_list_removals(struct sql_conn *c, int64_t now_us, struct removal *list_r, size_t max, size_t *n_r, struct err *e)
	MUST_CHECK;

#endif

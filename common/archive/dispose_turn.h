/* dispose_turn: what the files of dispose share. */
#ifndef ARCHIVE_DISPOSE_TURN_H
#define ARCHIVE_DISPOSE_TURN_H

#include "archive/archive_private.h"
#include "archive/keeping.h"
#include "meta/disposition.h"

#include <stdatomic.h>

struct dispose_turn {
	struct archive *archive;
	const atomic_bool *stop;
	const struct rules_snapshot *rules; /* all that keeps mail by this generation, or later */
	uint64_t generation;
	int64_t now_us;
	bool standing_queries; /* there are some, and they were asked about messages up to here: */
	struct uuid queried;
};

/* ---- dispose_judge.c ---- */

#define DISPOSE_AT_ONCE KEEPING_AT_ONCE

enum dispose_fate {
	DISPOSE_NOT_OURS, /* outside the scope, or disposed of already */
	DISPOSE_HELD,
	DISPOSE_KEPT,  /* for longer */
	DISPOSE_GO,
	DISPOSE_LATER, /* a standing query was not asked about it yet */
};

/* What becomes of each of these messages, of a disposition of this scope of what was kept until then at most. */
int dispose_judge(struct dispose_turn *t, const struct scope *scope, int64_t until_us, const struct uuid *ids, size_t n,
	enum dispose_fate *fates_r, struct err *e) MUST_CHECK;

/* The same of the i-th of these, which is in the scope; whether it was disposed of already makes no difference. */
enum dispose_fate dispose_judge_one(const struct dispose_turn *t, const struct keeping *k, size_t i, int64_t until_us);

/* ---- dispose_remove.c ---- */

/* Removes the bytes of those that were disposed of: 1; 0 when somebody has placed a hold or the like, or it was told to stop; -1. */
int dispose_remove_due(struct dispose_turn *t, struct err *e) MUST_CHECK;

/* ---- dispose_audit.c ---- */

/* On record once, however often it is said: that it begins, in the name of who has approved it, and what came of it. */
int dispose_audit_begin(struct dispose_turn *t, const struct disposition *d, const struct disposal *p, struct err *e) MUST_CHECK;
int dispose_audit_end(struct dispose_turn *t, const struct disposal *p, struct err *e) MUST_CHECK;

#endif

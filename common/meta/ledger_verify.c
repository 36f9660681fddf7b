#include "meta/maintenance.h"
#include "meta/meta_private.h"
#include "meta/verify.h"

#include <inttypes.h>

static int none(struct verification *v, enum statement s, const char *what)
{
	return verify_none(v, s, "message", what);
}

/* Later facts have sequences of their own, a leaf beside each. */
static int verify_facts(struct verification *v)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(v->c, STMT_FACT_GAPS);
	enum sql_result step;

	while ((step = sql_step(st, v->e)) == SQL_ROW) {
		_free_ char *daemon = sql_get_text(st);
		uint64_t count = sql_get_u64(st), last = sql_get_u64(st);

		verify_fault(v, "daemon %s: it wrote %" PRIu64 " later facts, %" PRIu64 " of them are there", daemon, last, count);
	}
	return step == SQL_FAILED ? -1 : 0;
}

/* What a disposition has counted, which is what everybody who counts messages goes by, and what is there. */
static int verify_disposals(struct verification *v)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(v->c, STMT_VERIFY_DISPOSALS);
	enum sql_result step;

	while ((step = sql_step(st, v->e)) == SQL_ROW) {
		struct uuid id;
		char text[UUID_TEXT_SIZE];

		sql_get_uuid(st, &id);
		uint64_t counted = sql_get_u64(st), there = sql_get_u64(st);

		verify_fault(v, "disposition %s: it counts %" PRIu64 " messages that it disposed of, and %" PRIu64 " are said to be",
			uuid_format(text, &id), counted, there);
	}
	return step == SQL_FAILED ? -1 : 0;
}

int meta_ledger_verify(struct meta *m, void (*report)(void *ctx, const char *fault), void *ctx,
	uint64_t *faults_r, struct err *e)
{
	static const struct verify_sequence messages = { STMT_VERIFY_BATCHES, STMT_VERIFY_RECORDS, "message", NULL };
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader(m->capture, &c, e) || sql_begin_snapshot(c, e))
		return -1;
	struct verification v = { .c = c, .report = report, .ctx = ctx, .e = e };

	if (verify_sequence(&v, &messages) || none(&v, STMT_VERIFY_MESSAGES, "it has no ledger record") ||
		none(&v, STMT_VERIFY_ORPHANS, "its ledger record has no message") ||
		none(&v, STMT_VERIFY_KEYS, "its capture key has no message") ||
		none(&v, STMT_VERIFY_MAILBOXES, "it is missing in a mailbox of its participants") ||
		none(&v, STMT_VERIFY_OUTBOX, "it waits for the index and is not there") ||
		none(&v, STMT_VERIFY_DISPOSED, "it is said to be disposed of and was never there") ||
		none(&v, STMT_VERIFY_REMOVED, "it is said to be removed from the store and was not disposed of") ||
		none(&v, STMT_VERIFY_REMOVALS, "it is to be removed from the store and was not disposed of by that disposition") ||
		verify_facts(&v) || verify_disposals(&v))
		return -1;
	*faults_r = v.faults;
	return 0;
}

#include "cli/check_disposed.h"

#include "archive/approval.h"
#include "archive/fact_check.h"

#include <string.h>

#define FACTS_AT_ONCE 500

int check_disposed(struct meta *m, const struct uuid *id, void (*tell)(void *ctx, const char *what), void *ctx, struct err *e)
{
	struct approval a;
	int failed = approval_look(m, id, 1, &a, e);

	if (!failed && a.verdict != APPROVAL_GIVEN)
		tell(ctx, a.why);
	approval_deinit(&a, 1);
	return failed;
}

/* ---- all facts ---- */

struct facts_check {
	struct meta *meta;
	void (*tell)(void *ctx, const struct uuid *message, const char *what);
	void *ctx;
};

static int check_fact(const struct facts_check *c, const struct meta_fact *row, struct err *e)
{
	CLEANUP(ledger_fact_deinit) struct ledger_fact f = { 0 };
	const char *wrong = fact_read(row, &f);
	struct disposed d;

	if (wrong)
		c->tell(c->ctx, &row->message_id, wrong);
	if (wrong || f.kind != LEDGER_FACT_DISPOSED)
		return 0;
	int disposed = meta_disposed_get(c->meta, &row->message_id, &d, e);

	if (disposed < 0)
		return -1;
	if (!disposed || !fact_disposes(&f, &d.disposition))
		c->tell(c->ctx, &row->message_id, "a fact of the ledger says that it was disposed of, and its tombstone does not");
	return 0;
}

int check_facts(struct meta *m, void (*tell)(void *ctx, const struct uuid *message, const char *what), void *ctx,
	bool (*stop)(void), struct err *e)
{
	const struct facts_check c = { m, tell, ctx };
	_free_ char *daemon = mem_strdup("");
	uint64_t seq = 0;
	size_t n;

	do {
		CLEANUP(meta_facts_deinit) struct meta_facts facts = { 0 };

		if (meta_facts_after(m, daemon, seq, FACTS_AT_ONCE, &facts, e))
			return -1;
		for (size_t i = 0; i < facts.n; i++)
			if (check_fact(&c, &facts.items[i], e))
				return -1;
		n = facts.n;
		if (n) {
			free(daemon);
			daemon = mem_strdup(facts.items[n - 1].ledger.daemon);
			seq = facts.items[n - 1].ledger.seq;
		}
	} while (n && !stop());
	return 0;
}

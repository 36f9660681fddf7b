/* Is what was archived still what was archived? The ledger against itself, each message against its record, each object
 * against both. */
#include "base/clock.h"
#include "cli/check.h"
#include "cli/check_disposed.h"
#include "cli/check_message.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <string.h>

#define NEWEST 100000 /* looked at without --ledger: some seconds. The batches are looked at all or none */
#define WALK_AT_ONCE 256
#define SHOWN_MAX 10 /* of a kind: behind a lost disk there are as many as messages */

#define ALTERED "find out who altered the database; then restore it from a backup"

/* One kind of finding. */
struct kind {
	const char *remedy;
	uint64_t n;
};

struct walk {
	struct check_message check; /* first: see take_fault() */
	struct check *out;
	struct kind kinds[MESSAGE_FAULTS];
	struct progress line;
	uint64_t looked_at, most;
};

static void take_finding(struct walk *w, enum message_fault kind, const char *what)
{
	struct kind *k = &w->kinds[kind];

	progress_end(&w->line);
	if (++k->n <= SHOWN_MAX)
		check_report(w->out, CHECK_PROBLEM, k->remedy, "%s", what);
}

/* A store at a server that is silent is not asked for each message: that takes its time-out each time. */
static void take_fault(struct check_message *c, enum message_fault kind, const char *what)
{
	struct walk *w = CONTAINER_OF(c, struct walk, check);

	take_finding(w, kind, what);
	if (kind == FAULT_READING && w->kinds[kind].n == SHOWN_MAX && !conf_local_path(w->out->conf->store))
		c->store = NULL;
}

/* ---- messages ---- */

static void take_ledger_fault(void *ctx, const char *what)
{
	_free_ char *text = mem_printf("ledger: %s", what);

	take_finding(ctx, FAULT_DATABASE, text);
}

static void take_fact_fault(void *ctx, const struct uuid *message, const char *what)
{
	char id[UUID_TEXT_SIZE];
	_free_ char *text = mem_printf("message %s: %s", uuid_format(id, message), what);

	take_finding(ctx, FAULT_DATABASE, text);
}

static int check_all(struct walk *w, struct err *e)
{
	struct uuid before, ids[WALK_AT_ONCE];
	size_t n = WALK_AT_ONCE;

	memset(&before, 0xff, sizeof(before));
	while (n == WALK_AT_ONCE && w->looked_at < w->most && !progress_stopped()) {
		if (meta_message_walk_back(w->check.meta, &before, ids, WALK_AT_ONCE, &n, e) < 0)
			return -1;
		for (size_t i = 0; i < n && w->looked_at < w->most; i++, w->looked_at++)
			if (check_message(&w->check, &ids[i], e) < 0)
				return -1;
		if (n)
			before = ids[n - 1];
		progress_show(&w->line, "%" PRIu64 " messages looked at", w->looked_at);
	}
	return 0;
}

static uint64_t tell_left_out(struct walk *w)
{
	uint64_t all = 0;

	for (size_t i = 0; i < MESSAGE_FAULTS; i++) {
		const struct kind *k = &w->kinds[i];

		all += k->n;
		if (k->n > SHOWN_MAX)
			check_report(w->out, CHECK_PROBLEM, k->remedy, "%" PRIu64 " more findings of this kind",
				k->n - SHOWN_MAX);
	}
	return all;
}

/* The flag is what stands between a message and a program of the same account. */
static void tell_flag(struct walk *w, uint64_t without)
{
	if (without)
		check_report(w->out, CHECK_NOTE, NULL,
			"store: %" PRIu64 " of %" PRIu64 " messages have no immutable flag: their mode alone keeps programs of "
			"this account from changing them (strongroom(7), \"What protects a message\")", without,
			w->check.objects);
	else
		check_report(w->out, CHECK_OK, NULL, "store: %" PRIu64 " messages, all with the immutable flag",
			w->check.objects);
}

static void tell_object_lock(struct walk *w, uint64_t without)
{
	if (without)
		check_report(w->out, CHECK_NOTE, NULL,
			"store: %" PRIu64 " of %" PRIu64 " messages are not locked: their retention is over, or this account may "
			"not see it (s3:GetObjectRetention)", without, w->check.objects);
	else
		check_report(w->out, CHECK_OK, NULL, "store: %" PRIu64 " messages, all locked", w->check.objects);
}

static void tell_disposed(struct walk *w)
{
	if (w->check.disposed)
		check_report(w->out, CHECK_OK, NULL, "ledger: %" PRIu64 " of these messages were disposed of; the objects of %" PRIu64
			" are gone from the store", w->check.disposed, w->check.removed);
}

static void tell_lock(struct walk *w)
{
	uint64_t without = w->check.objects - w->check.locked;

	if (!w->check.objects)
		return;
	if (conf_local_path(w->out->conf->store))
		tell_flag(w, without);
	else
		tell_object_lock(w, without);
}

static void tell_good(struct walk *w, uint64_t archived)
{
	const char *bytes = w->check.bytes ? ", byte for byte" : "";

	if (!w->check.store) {
		check_report(w->out, CHECK_NOTE, NULL,
			"ledger: %" PRIu64 " messages agree with their records and leaves; their objects can't be looked at",
			w->looked_at);
		return;
	}
	if (w->check.batches)
		check_report(w->out, CHECK_OK, NULL,
			"ledger: no gap in it, and all %" PRIu64 " messages agree with their records, leaves and objects%s",
			w->looked_at, bytes);
	else
		check_report(w->out, CHECK_OK, NULL,
			"ledger: the newest %" PRIu64 " of %" PRIu64 " messages agree with their records, leaves and objects%s "
			"(check --ledger looks at all)", w->looked_at, archived, bytes);
}

static void tell_result(struct walk *w, uint64_t archived)
{
	if (progress_stopped())
		check_report(w->out, CHECK_PROBLEM, NULL, "stopped after %" PRIu64 " of %" PRIu64 " messages", w->looked_at,
			archived);
	else if (tell_left_out(w) == 0)
		tell_good(w, archived);
	else if (!w->check.store)
		check_report(w->out, CHECK_NOTE, NULL, "the objects of some messages were not looked at: the store does not answer");
	tell_disposed(w);
	tell_lock(w);
}

static int walk(struct walk *w, uint64_t *archived_r, struct err *e)
{
	uint64_t faults;

	if (meta_message_count(w->check.meta, archived_r, e) < 0)
		return -1;
	w->check.batches = *archived_r <= w->most;
	if (w->check.batches && (meta_ledger_verify(w->check.meta, take_ledger_fault, w, &faults, e) < 0 ||
		check_facts(w->check.meta, take_fact_fault, w, progress_stopped, e) < 0))
		return -1;
	return check_all(w, e);
}

void check_ledger(struct check *c, struct meta *m, struct store *s)
{
	struct walk w = {
		.check = { .meta = m, .store = s, .bytes = c->depth == CHECK_BYTES, .report = take_fault },
		.out = c,
		.kinds = {
			[FAULT_DATABASE] = { .remedy = ALTERED },
			[FAULT_OBJECT] = { .remedy = "restore this file from a backup of the store; until then nobody can read the "
						     "message" },
			[FAULT_MODE] = { .remedy = "find out who opened it; then chmod 400 the file" },
			[FAULT_LEFT] = { .remedy = "find out who put it there (a restored backup brings back what was removed since); then "
						   "remove it by hand" },
			[FAULT_READING] = { .remedy = conf_local_path(c->conf->store)
				? "look after the disk, its rights and its mount"
				: "see that the object store of [s3] answers, and that its account may read" },
		},
		.line = PROGRESS_INIT,
		.most = c->depth == CHECK_NEWEST ? NEWEST : UINT64_MAX,
	};
	uint64_t archived;
	struct err e;
	int rc = walk(&w, &archived, &e);

	progress_end(&w.line);
	if (rc < 0)
		check_report(c, CHECK_PROBLEM, NULL, "ledger: %s", e.text);
	else
		tell_result(&w, archived);
}

/* ---- the audit ---- */

struct audit_findings {
	struct check *out;
	uint64_t n;
};

static void take_audit_fault(void *ctx, const char *what)
{
	struct audit_findings *f = ctx;

	if (++f->n <= SHOWN_MAX)
		check_report(f->out, CHECK_PROBLEM, ALTERED, "ledger: %s", what);
}

void check_audit(struct check *c, struct meta *m)
{
	struct audit_findings f = { .out = c };
	struct meta_audit_count count;
	struct err e;

	if (c->depth == CHECK_NEWEST || progress_stopped())
		return;
	if (meta_audit_verify(m, take_audit_fault, &f, &count, &e) < 0) {
		check_report(c, CHECK_PROBLEM, NULL, "ledger: %s", e.text);
		return;
	}
	if (count.faults > SHOWN_MAX)
		check_report(c, CHECK_PROBLEM, ALTERED, "%" PRIu64 " more findings of this kind", count.faults - SHOWN_MAX);
	if (count.before)
		check_report(c, CHECK_NOTE, NULL, "ledger: %" PRIu64 " audit entries were written before the audit had a ledger: "
			"they are there, and nothing tells whether they are as they were", count.before);
	if (!count.faults)
		check_report(c, CHECK_OK, NULL, "ledger: no gap in the audit, and all %" PRIu64 " records agree with their rows "
			"and leaves", count.records);
}

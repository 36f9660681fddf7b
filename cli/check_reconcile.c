/* What was found wrong and nobody has mended. */
#include "base/clock.h"
#include "cli/check.h"
#include "cli/status_account.h"

#include <inttypes.h>

#define SHOWN_MAX 10

static const char *const remedies[RECONCILE_KINDS] = {
	[RECONCILE_MISSING] = "restore this object from a backup of the store; until then nobody can read the message",
	[RECONCILE_ALTERED] = "find out who altered it, and restore it from a backup of the store",
	[RECONCILE_ROW_SHORT] = "find out who altered the database; then restore it from a backup",
	[RECONCILE_LOCK_SHORT] = "find out who shortened it; then extend the lock of this object with the store's own tools",
	[RECONCILE_UNPROTECTED] = "find out who opened it, and close it again (chmod 400)",
	[RECONCILE_RETURNED] = "find out who put it there (a restored backup brings back what was removed since); then remove it by hand",
	[RECONCILE_UNAPPROVED] = "find out who wrote that into the database (strongroom-workerd may), and change that account's password; "
		"then put the database back from a backup, or take the message off message_disposed and removal_work",
	[RECONCILE_KEPT] = "tell who keeps it that nobody is given it any more; its object stays while something keeps it",
};

/* Both tell of up to SHOWN_MAX, and how many they were. */

static int tell_alarms(struct check *c, struct meta *m, size_t *n_r, struct err *e)
{
	struct reconcile_alarm alarms[SHOWN_MAX];
	char text[UUID_TEXT_SIZE];

	if (meta_reconcile_alarms(m, alarms, SHOWN_MAX, n_r, e) < 0)
		return -1;
	for (size_t i = 0; i < *n_r; i++) {
		struct reconcile_alarm *a = &alarms[i];
		bool known = a->kind > 0 && a->kind < RECONCILE_KINDS;

		check_report(c, CHECK_PROBLEM, known ? remedies[a->kind] : NULL, "strongroom-workerd found message %s: %s",
			uuid_format(text, &a->id), a->detail);
		reconcile_alarm_deinit(a);
	}
	return 0;
}

static int tell_incidents(struct check *c, struct meta *m, size_t *n_r, struct err *e)
{
	struct mta_found found[SHOWN_MAX];
	char at[CLOCK_TEXT_SIZE];

	if (meta_mta_incidents(m, found, SHOWN_MAX, n_r, e) < 0)
		return -1;
	for (size_t i = 0; i < *n_r; i++) {
		struct mta_found *f = &found[i];

		check_report(c, CHECK_PROBLEM,
			"close that way into Postfix (strongroom check --postfix), then strongroom postfix-log --settle NOTE QUEUE-ID",
			"Postfix accepted %s of %s at %s from %s (Message-ID %s), and it was not captured", f->queue_id, f->host,
			clock_format(at, f->accepted_us), f->client, f->header_id);
		mta_found_deinit(f);
	}
	return 0;
}

/* Some of those that are open, and of the others how many they are. */
static void tell(struct check *c, struct meta *m, uint64_t open,
	int (*some)(struct check *c, struct meta *m, size_t *n_r, struct err *e), const char *what)
{
	struct err e;
	size_t n;

	if (!open)
		return;
	if (some(c, m, &n, &e) < 0)
		check_report(c, CHECK_PROBLEM, NULL, "database: %s", e.text);
	else if (open > n)
		check_report(c, CHECK_PROBLEM, NULL, "%" PRIu64 " more %s", open - n, what);
}

void check_reconcile(struct check *c, struct meta *m)
{
	struct status_account a = { 0 };
	uint64_t open = 0;
	struct err e;

	if (status_account_load(&a, m, &e) < 0) {
		check_report(c, CHECK_PROBLEM, NULL, "database: %s", e.text);
		return;
	}
	for (int i = 1; i < RECONCILE_KINDS; i++)
		open += a.alarms[i];
	tell(c, m, a.mta.incidents, tell_incidents, "were accepted by Postfix and not captured");
	tell(c, m, open, tell_alarms, "messages are not as they should be, as strongroom-workerd found");
	if (a.unequal)
		check_report(c, CHECK_PROBLEM, "strongroom status shows the last days; strongroom check --ledger looks at all messages",
			"account: %" PRIu64 " days do not add up", a.unequal);
	if (a.orphans)
		check_report(c, CHECK_NOTE,
			"none; but if the database was put back from a backup they were: strongroom-production(7), \"Restoring\"",
			"store: %" PRIu64 " objects belong to no message: a daemon ended before it had recorded them, and they were "
			"never acknowledged", a.orphans);
	if (!open && !a.unequal && a.n)
		check_report(c, CHECK_OK, NULL, "account: every day adds up");
}

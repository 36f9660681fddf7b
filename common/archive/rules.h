/* rules: what decides, besides lock_days, for how long a message is kept: the retention policies and legal holds of the
 * database, as a snapshot that a process keeps and renews every few seconds.
 *
 * The snapshot belongs to all threads. Where the database can't be asked the last one known goes on to count, and what it
 * gives is marked: mail is never refused for it, and strongroom-workerd looks at the message again. */
#ifndef ARCHIVE_RULES_H
#define ARCHIVE_RULES_H

#include "archive/holdings.h"
#include "meta/message_row.h"
#include "meta/retention.h"

#define RULES_FOR_US (2 * INT64_C(1000000))	/* how long a snapshot is believed */
#define RULES_DEPARTMENTS_US (60 * INT64_C(1000000)) /* and who is in a department */

struct rules; /* the keeper */
struct rules_snapshot;

struct rules *rules_new(struct meta *meta, const struct conf *conf) __attribute__((returns_nonnull));
void rules_freep(struct rules **r);

/* The snapshot of this moment, which may ask the database; the caller drops it. Never NULL. */
struct rules_snapshot *rules_take(struct rules *r) __attribute__((returns_nonnull));
void rules_drop(struct rules_snapshot **s);

/* Asks the database now. -1: it can't be asked. */
int rules_renew(struct rules *r, struct err *e) MUST_CHECK;

/* The same, who is in a department included: what was in force before the call is known afterwards. */
int rules_reload(struct rules *r, struct err *e) MUST_CHECK;

/* Can a policy of it say anything else than lock_days? Else nobody need be looked at. */
bool rules_matter(const struct rules_snapshot *s);

/* Are there standing holds on custodians? Those that this message comes under: how many ids in *ids_r, which the caller frees. */
bool rules_standing(const struct rules_snapshot *s);
size_t rules_holds_on(const struct rules_snapshot *s, const struct message_row *row, struct uuid **ids_r);

/* All holds that are in force; valid as long as the snapshot. */
const struct holdings *rules_holdings(const struct rules_snapshot *s);

/* Changes with every hold that is placed or lifted. */
uint64_t rules_hold_version(const struct rules_snapshot *s);

/* The mailboxes that have policies, those of departments included, by address: how many, and for how many days the i-th is
 * kept. Valid as long as the snapshot. */
size_t rules_mailboxes(const struct rules_snapshot *s);
const char *rules_mailbox(const struct rules_snapshot *s, size_t i, uint64_t *days_r);

/* Tells this snapshot from any other of the process; never 0. */
uint64_t rules_generation(const struct rules_snapshot *s);

/* The newest change of a policy that it knows of. */
uint64_t rules_change(const struct rules_snapshot *s);

struct rules_verdict {
	int64_t retain_until_us;
	char *version; /* what a record says about it; the caller frees */
};

/* Until when this message is kept: the longest of lock_days and the policies that apply, never over lock_days_max. */
struct rules_verdict rules_judge(const struct rules_snapshot *s, const struct message_row *row);

/* Which messages may be kept longer by the changes in (since, until]: all, or those of some mailboxes. */
struct rules_reach {
	bool all;
	struct strv mailboxes; /* sorted, each once; the caller deinits */
};
struct rules_reach rules_reach(const struct rules_snapshot *s, uint64_t since, uint64_t until);

#endif

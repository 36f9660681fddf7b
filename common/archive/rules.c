#include "archive/rules.h"

#include "archive/policy.h"
#include "base/clock.h"
#include "base/log.h"
#include "mail/scope.h"
#include "meta/account.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define UNREAD_US (60 * CLOCK_SECOND) /* a snapshot that could not be renewed for so long is marked */
#define NONE SIZE_MAX

/* One address with the policy that keeps its messages longest. */
struct keeping {
	char *address; /* "@domain" among the senders */
	size_t policy;
};

struct keepings {
	struct keeping *items; /* sorted, each address once */
	size_t n;
};

struct rules_snapshot {
	unsigned users; /* under the keeper's lock */
	pthread_mutex_t *lock;
	struct retention_policies policies;
	size_t broadest; /* the one for all messages that is longest; NONE */
	struct keepings mailboxes, senders;
	uint64_t change;
	uint64_t generation;
	struct holdings holdings;
	uint64_t hold_version;
	uint64_t standard_days, longest_days;
	bool departments; /* there are policies for some */
	atomic_bool unread; /* the database could not be asked; set while others read it */
};

struct rules {
	struct meta *meta;
	const struct conf *conf;
	pthread_mutex_t lock;
	struct rules_snapshot *now; /* under the lock, as all that follows */
	bool asking;
	int64_t due_us;	    /* monotonic */
	int64_t read_us;    /* when the database last answered; 0: never */
	int64_t members_us; /* when the departments were read */
};

/* ---- snapshots ---- */

static void keepings_deinit(struct keepings *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->items[i].address);
	free(k->items);
}

static struct rules_snapshot *snapshot_new(struct rules *r)
{
	static atomic_uint_fast64_t made;
	struct rules_snapshot *s = MEM_NEW(struct rules_snapshot);

	s->users = 1;
	s->generation = atomic_fetch_add(&made, 1) + 1;
	s->lock = &r->lock;
	s->broadest = NONE;
	s->standard_days = s->longest_days = policy_days(r->conf, 0);
	return s;
}

static void snapshot_free(struct rules_snapshot *s)
{
	retention_policies_deinit(&s->policies);
	keepings_deinit(&s->mailboxes);
	keepings_deinit(&s->senders);
	holdings_deinit(&s->holdings);
	free(s);
}

void rules_drop(struct rules_snapshot **s)
{
	struct rules_snapshot *was = *s;

	*s = NULL;
	if (!was)
		return;
	pthread_mutex_lock(was->lock);
	bool last = --was->users == 0;

	pthread_mutex_unlock(was->lock);
	if (last)
		snapshot_free(was);
}

/* ---- building one ---- */

static void keep(struct keepings *k, const char *address, size_t policy)
{
	if ((k->n & (k->n - 1)) == 0)
		k->items = mem_realloc(k->items, k->n ? 2 * k->n : 1, sizeof(*k->items));
	k->items[k->n++] = (struct keeping){ mem_strdup(address), policy };
}

static uint64_t days_of(const struct rules_snapshot *s, size_t policy)
{
	return policy == NONE ? s->standard_days : s->policies.items[policy].days;
}

/* The one that keeps longer; of two alike the first in order. */
static size_t longer(const struct rules_snapshot *s, size_t a, size_t b)
{
	if (a == NONE || b == NONE)
		return a == NONE ? b : a;
	if (days_of(s, a) != days_of(s, b))
		return days_of(s, a) > days_of(s, b) ? a : b;
	return a < b ? a : b;
}

static int compare_keeping(const void *a, const void *b)
{
	return strcmp(((const struct keeping *)a)->address, ((const struct keeping *)b)->address);
}

static void sort(const struct rules_snapshot *s, struct keepings *k)
{
	size_t kept = 0;

	if (k->n == 0)
		return;
	qsort(k->items, k->n, sizeof(*k->items), compare_keeping);
	for (size_t i = 1; i < k->n; i++) {
		if (strcmp(k->items[kept].address, k->items[i].address) == 0) {
			k->items[kept].policy = longer(s, k->items[kept].policy, k->items[i].policy);
			free(k->items[i].address);
		} else {
			k->items[++kept] = k->items[i];
		}
	}
	k->n = kept + 1;
}

static int keep_department(struct rules *r, struct rules_snapshot *s, size_t policy, struct err *e)
{
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	int found = meta_department_mailboxes(r->meta, s->policies.items[policy].subject, &mailboxes, e);

	s->departments = true;
	for (size_t i = 0; found > 0 && i < mailboxes.n; i++)
		keep(&s->mailboxes, mailboxes.items[i], policy);
	return found < 0 ? -1 : 0;
}

static int take_in(struct rules *r, struct rules_snapshot *s, size_t policy, struct err *e)
{
	struct retention_policy *p = &s->policies.items[policy];

	if (s->change < p->change)
		s->change = p->change;
	p->days = policy_days(r->conf, p->days);
	if (p->ended || p->days <= s->standard_days)
		return 0;
	if (p->days > s->longest_days)
		s->longest_days = p->days;
	switch (p->kind) {
	case RETENTION_ALL:
		s->broadest = longer(s, s->broadest, policy);
		return 0;
	case RETENTION_DEPARTMENT:
		return keep_department(r, s, policy, e);
	case RETENTION_MAILBOX:
		keep(&s->mailboxes, p->subject, policy);
		return 0;
	case RETENTION_SENDER:
		keep(&s->senders, p->subject, policy);
	}
	return 0;
}

/* Caller frees; NULL: the database can't be asked. */
static struct rules_snapshot *load(struct rules *r, struct err *e)
{
	struct rules_snapshot *s = snapshot_new(r);

	if (meta_hold_version(r->meta, &s->hold_version, e) || holdings_load(r->meta, &s->holdings, e) ||
		meta_retention_list(r->meta, &s->policies, e)) {
		snapshot_free(s);
		return NULL;
	}
	for (size_t i = 0; i < s->policies.n; i++) {
		if (take_in(r, s, i, e)) {
			snapshot_free(s);
			return NULL;
		}
	}
	sort(s, &s->mailboxes);
	sort(s, &s->senders);
	return s;
}

/* ---- keeping one ---- */

struct rules *rules_new(struct meta *meta, const struct conf *conf)
{
	struct rules *r = MEM_NEW(struct rules);

	r->meta = meta;
	r->conf = conf;
	pthread_mutex_init(&r->lock, NULL);
	r->now = snapshot_new(r);
	r->now->unread = true; /* until it is read */
	return r;
}

void rules_freep(struct rules **r)
{
	if (!*r)
		return;
	rules_drop(&(*r)->now);
	pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

/* Is what is known still all there is? 1, 0, -1. Asked without the lock. */
static int is_current(const struct rules *r, const struct rules_snapshot *s, int64_t members_us, struct err *e)
{
	uint64_t change, hold_version;

	if (s->unread || (s->departments && clock_monotonic_us() - members_us > RULES_DEPARTMENTS_US))
		return 0;
	if (meta_retention_newest(r->meta, &change, e) || meta_hold_version(r->meta, &hold_version, e))
		return -1;
	return change == s->change && hold_version == s->hold_version;
}

/* The lock is held. */
static struct rules_snapshot *share(struct rules *r)
{
	r->now->users++;
	return r->now;
}

/* Nobody answered: what is known goes on to count, after a while with a mark. The lock is held. */
static void mark_old(struct rules *r)
{
	if (!r->read_us || clock_monotonic_us() - r->read_us > UNREAD_US)
		r->now->unread = true;
}

static void put_in_place(struct rules *r, struct rules_snapshot **fresh, bool answered)
{
	struct rules_snapshot *old = NULL;

	pthread_mutex_lock(&r->lock);
	if (answered) {
		r->read_us = clock_monotonic_us();
		if (*fresh) {
			old = r->now;
			r->now = *fresh;
			r->members_us = r->read_us;
			*fresh = NULL;
		}
	} else {
		mark_old(r);
	}
	r->asking = false;
	pthread_mutex_unlock(&r->lock);
	rules_drop(&old);
}

/* Whoever calls has set r->asking. */
static int renew(struct rules *r, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	CLEANUP(rules_drop) struct rules_snapshot *known = share(r);
	int64_t members_us = r->members_us;

	pthread_mutex_unlock(&r->lock);
	int current = is_current(r, known, members_us, e);
	struct rules_snapshot *fresh = current == 0 ? load(r, e) : NULL;
	bool answered = current > 0 || fresh;

	put_in_place(r, &fresh, answered);
	return answered ? 0 : -1;
}

int rules_renew(struct rules *r, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	r->asking = true;
	r->due_us = clock_monotonic_us() + RULES_FOR_US;
	pthread_mutex_unlock(&r->lock);
	return renew(r, e);
}

int rules_reload(struct rules *r, struct err *e)
{
	struct rules_snapshot *fresh = load(r, e);

	if (!fresh)
		return -1;
	put_in_place(r, &fresh, true);
	return 0;
}

struct rules_snapshot *rules_take(struct rules *r)
{
	int64_t now_us = clock_monotonic_us();
	struct err e = { 0 };

	pthread_mutex_lock(&r->lock);
	bool due = !r->asking && now_us >= r->due_us;

	pthread_mutex_unlock(&r->lock);
	if (due && rules_renew(r, &e))
		log_warn(NULL, "the retention policies and holds can't be read, those known go on to count: %s", e.text);
	pthread_mutex_lock(&r->lock);
	struct rules_snapshot *s = share(r);

	pthread_mutex_unlock(&r->lock);
	return s;
}

/* ---- judging by one ---- */

bool rules_matter(const struct rules_snapshot *s)
{
	return s->longest_days > s->standard_days;
}

bool rules_standing(const struct rules_snapshot *s)
{
	for (size_t i = 0; i < s->holdings.n; i++)
		if (s->holdings.items[i].standing && s->holdings.items[i].kind == HOLD_CUSTODIANS)
			return true;
	return false;
}

size_t rules_holds_on(const struct rules_snapshot *s, const struct message_row *row, struct uuid **ids_r)
{
	return holdings_on(&s->holdings, row, ids_r);
}

const struct holdings *rules_holdings(const struct rules_snapshot *s)
{
	return &s->holdings;
}

uint64_t rules_hold_version(const struct rules_snapshot *s)
{
	return s->hold_version;
}

size_t rules_mailboxes(const struct rules_snapshot *s)
{
	return s->mailboxes.n;
}

const char *rules_mailbox(const struct rules_snapshot *s, size_t i, uint64_t *days_r)
{
	*days_r = days_of(s, s->mailboxes.items[i].policy);
	return s->mailboxes.items[i].address;
}

uint64_t rules_generation(const struct rules_snapshot *s)
{
	return s->generation;
}

uint64_t rules_change(const struct rules_snapshot *s)
{
	return s->change;
}

static size_t find(const struct keepings *k, const char *address)
{
	const struct keeping key = { (char *)(uintptr_t)address, 0 };
	const struct keeping *found = k->n ? bsearch(&key, k->items, k->n, sizeof(*k->items), compare_keeping) : NULL;

	return found ? found->policy : NONE;
}

static bool is_sender(enum participant_role role)
{
	return role == ROLE_ENVELOPE_FROM || role == ROLE_FROM || role == ROLE_SENDER || role == ROLE_RESENT_FROM ||
		role == ROLE_JOURNAL_SENDER;
}

static size_t policy_for(const struct rules_snapshot *s, const struct participant *p)
{
	size_t best = scope_counts_role(p->role) ? find(&s->mailboxes, p->normal) : NONE;
	const char *at = strrchr(p->normal, '@');

	if (!is_sender(p->role))
		return best;
	best = longer(s, best, find(&s->senders, p->normal));
	return at ? longer(s, best, find(&s->senders, at)) : best;
}

static char *version_of(const struct rules_snapshot *s, size_t policy)
{
	const char *mark = s->unread ? " policies=unread" : "";
	char id[UUID_TEXT_SIZE];

	if (policy == NONE)
		return mem_printf("lock_days=%" PRIu64 "%s", s->standard_days, mark);
	const struct retention_policy *p = &s->policies.items[policy];

	return mem_printf("lock_days=%" PRIu64 " policy=%s/%" PRIu64 "%s", p->days, uuid_format(id, &p->id), p->revision, mark);
}

struct rules_verdict rules_judge(const struct rules_snapshot *s, const struct message_row *row)
{
	size_t policy = s->broadest;

	for (size_t i = 0; rules_matter(s) && i < row->participant_count; i++)
		policy = longer(s, policy, policy_for(s, &row->participants[i]));
	return (struct rules_verdict){
		.retain_until_us = row->received_us + (int64_t)days_of(s, policy) * POLICY_DAY_US,
		.version = version_of(s, policy),
	};
}

/* ---- what a change reaches ---- */

static bool has_changed(const struct retention_policy *p, uint64_t since, uint64_t until)
{
	return p->change > since && p->change <= until;
}

static void reach(struct rules_reach *reach, const struct rules_snapshot *s, const struct keepings *k, uint64_t since,
	uint64_t until)
{
	for (size_t i = 0; i < k->n; i++) {
		if (!has_changed(&s->policies.items[k->items[i].policy], since, until))
			continue;
		if (*k->items[i].address == '@') /* the database can't look for a domain */
			reach->all = true;
		strv_add(&reach->mailboxes, k->items[i].address);
	}
}

struct rules_reach rules_reach(const struct rules_snapshot *s, uint64_t since, uint64_t until)
{
	struct rules_reach r = { .all = s->broadest != NONE && has_changed(&s->policies.items[s->broadest], since, until) };

	reach(&r, s, &s->mailboxes, since, until);
	reach(&r, s, &s->senders, since, until);
	strv_sort(&r.mailboxes);
	return r;
}

#include "archive/approval.h"

#include "archive/fact_check.h"
#include "base/clock.h"
#include "base/strv.h"
#include "mail/scope_grant.h"
#include "meta/disposition.h"

#include <string.h>

/* ---- what is read ---- */

/* One of the dispositions that the messages are said to be gone by. */
struct cause {
	struct uuid id;
	bool known; /* is there such a disposition? */
	struct disposition disposition;
	struct scope *scope; /* NULL: it can't be read */
};

struct judging {
	const struct keeping *known;
	const struct uuid *ids;
	struct meta_facts facts;
	struct removal removals[KEEPING_AT_ONCE];
	size_t removal_count;
	struct cause causes[KEEPING_AT_ONCE];
	size_t cause_count;
};

static void judging_freep(struct judging **jp)
{
	struct judging *j = *jp;

	for (size_t i = 0; i < j->cause_count; i++) {
		disposition_deinit(&j->causes[i].disposition);
		scope_freep(&j->causes[i].scope);
	}
	meta_facts_deinit(&j->facts);
	free(j);
}

static const struct cause *find_cause(const struct judging *j, const struct uuid *id)
{
	for (size_t i = 0; i < j->cause_count; i++)
		if (memcmp(&j->causes[i].id, id, UUID_SIZE) == 0)
			return &j->causes[i];
	return NULL;
}

static int add_cause(struct judging *j, struct meta *m, const struct uuid *id, struct err *e)
{
	struct cause *c = &j->causes[j->cause_count];
	int found = meta_disposition_get(m, id, &c->disposition, e);
	struct err unreadable;

	if (found < 0)
		return -1;
	c->id = *id;
	c->known = found;
	c->scope = found ? scope_parse(c->disposition.scope, &unreadable) : NULL;
	j->cause_count++;
	return 0;
}

static int load(struct judging *j, struct meta *m, struct err *e)
{
	size_t n = j->known->n;

	if (meta_facts_of(m, j->ids, n, &j->facts, e) || meta_removal_of(m, j->ids, n, j->removals, &j->removal_count, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct disposed *d = &j->known->disposed[i];

		if (d->at_us && !find_cause(j, &d->disposition) && add_cause(j, m, &d->disposition, e))
			return -1;
	}
	return 0;
}

/* ---- what is found ---- */

static bool has_fact(const struct judging *j, const struct disposed *d)
{
	bool found = false;

	for (size_t i = 0; i < j->facts.n && !found; i++) {
		CLEANUP(ledger_fact_deinit) struct ledger_fact f = { 0 };

		found = memcmp(&j->facts.items[i].message_id, &d->id, UUID_SIZE) == 0 && !fact_read(&j->facts.items[i], &f) &&
			fact_disposes(&f, &d->disposition);
	}
	return found;
}

static void check_fact(const struct judging *j, const struct disposed *d, struct strv *faults)
{
	if (!has_fact(j, d))
		strv_add(faults, "it is said to be disposed of, and no fact of the ledger says so");
}

static void add_fault(struct strv *faults, const struct cause *c, const char *what)
{
	char id[UUID_TEXT_SIZE];
	_free_ char *text = mem_printf("it was disposed of by the disposition %s, %s", uuid_format(id, &c->id), what);

	strv_add(faults, text);
}

static void check_retention(const struct cause *c, int64_t until_us, struct strv *faults)
{
	char until[CLOCK_TEXT_SIZE], by[CLOCK_TEXT_SIZE];
	_free_ char *what = mem_printf("of what had expired by %s, and was to be kept until %s",
		clock_format(by, c->disposition.expired_by_us), clock_format(until, until_us));

	if (until_us > c->disposition.expired_by_us)
		add_fault(faults, c, what);
}

static void check_coverage(const struct judging *j, size_t i, const struct cause *c, struct strv *faults)
{
	const struct message_row *row = &j->known->rows[i];

	if (!message_row_is_there(row))
		strv_add(faults, "it is said to be disposed of and was never there");
	else if (!c->scope || !scope_covers(c->scope, row->date_us, row->participants, row->participant_count))
		add_fault(faults, c, "which it does not come under");
	else
		check_retention(c, keeping_first_us(j->known, i), faults);
}

static void check_disposition(const struct judging *j, size_t i, struct strv *faults)
{
	const struct cause *c = find_cause(j, &j->known->disposed[i].disposition);
	const struct disposition *d = &c->disposition;

	if (!c->known)
		add_fault(faults, c, "which does not exist");
	else if (!d->decided.at_us || !d->approved)
		add_fault(faults, c, "which was never approved");
	else if (d->decided.account_id == d->proposed.account_id)
		add_fault(faults, c, "which was approved by who had proposed it");
	else
		check_coverage(j, i, c, faults);
}

static const struct removal *find_removal(const struct judging *j, const struct uuid *id)
{
	for (size_t i = 0; i < j->removal_count; i++)
		if (memcmp(&j->removals[i].id, id, UUID_SIZE) == 0)
			return &j->removals[i];
	return NULL;
}

/* Of a removal that the tombstone does not ask for. */
static void check_removal(const struct judging *j, const struct uuid *id, const struct disposed *d, struct strv *faults)
{
	const struct removal *r = find_removal(j, id);

	if (r && !d->at_us)
		strv_add(faults, "it is to be removed from the store, and was not disposed of");
	else if (r && memcmp(&d->disposition, &r->disposition, UUID_SIZE) != 0)
		strv_add(faults, "it is to be removed from the store by another disposition than it was disposed of by");
}

/* ---- the verdict ---- */

static char *beaten_by(const struct judging *j, size_t i, int64_t expired_by_us)
{
	int64_t until_us = keeping_until_us(j->known, i);
	char until[CLOCK_TEXT_SIZE];

	if (keeping_is_held(j->known, i))
		return mem_strdup("it was disposed of, and a hold is on it");
	return until_us > expired_by_us ? mem_printf("it was disposed of, and is kept until %s", clock_format(until, until_us)) : NULL;
}

static void judge(const struct judging *j, size_t i, struct approval *a)
{
	const struct disposed *d = &j->known->disposed[i];
	CLEANUP(strv_deinit) struct strv faults = { 0 };

	check_removal(j, &j->ids[i], d, &faults);
	if (d->at_us) {
		check_fact(j, d, &faults);
		check_disposition(j, i, &faults);
		a->expired_by_us = find_cause(j, &d->disposition)->disposition.expired_by_us;
	}
	a->why = faults.n ? strv_join(&faults, "; ") : d->at_us ? beaten_by(j, i, a->expired_by_us) : NULL;
	a->verdict = faults.n ? APPROVAL_LACKS : a->why ? APPROVAL_BEATEN : APPROVAL_GIVEN;
}

int approval_judge(struct meta *m, const struct keeping *known, const struct uuid *ids, struct approval *list_r, struct err *e)
{
	CLEANUP(judging_freep) struct judging *j = MEM_NEW(struct judging);

	for (size_t i = 0; i < known->n; i++)
		list_r[i] = (struct approval){ 0 };
	j->known = known;
	j->ids = ids;
	if (load(j, m, e))
		return -1;
	for (size_t i = 0; i < known->n; i++)
		judge(j, i, &list_r[i]);
	return 0;
}

int approval_look(struct meta *m, const struct uuid *ids, size_t n, struct approval *list_r, struct err *e)
{
	CLEANUP(keeping_freep) struct keeping *known = MEM_NEW(struct keeping);

	for (size_t i = 0; i < n; i++)
		list_r[i] = (struct approval){ 0 };
	return keeping_load(known, m, ids, n, e) || approval_judge(m, known, ids, list_r, e) ? -1 : 0;
}

void approval_deinit(struct approval *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].why);
		list[i] = (struct approval){ 0 };
	}
}

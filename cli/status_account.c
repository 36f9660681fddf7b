#include "cli/status_account.h"

#include "base/buf.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define DAY_US (86400 * CLOCK_SECOND)
#define LINE_MAX_BYTES 1024

static const struct {
	const char *text, *key;
} kinds[RECONCILE_KINDS] = {
	[RECONCILE_MISSING] = { "object missing", "object_missing" },
	[RECONCILE_ALTERED] = { "object of another length", "object_altered" },
	[RECONCILE_ROW_SHORT] = { "kept for less than its policy", "retention_short" },
	[RECONCILE_LOCK_SHORT] = { "locked for less than its row", "lock_short" },
	[RECONCILE_UNPROTECTED] = { "object may be written to", "object_unprotected" },
	[RECONCILE_RETURNED] = { "removed, and its object is there", "object_returned" },
	[RECONCILE_UNAPPROVED] = { "disposed of or to be removed, and nobody has approved it", "removal_unapproved" },
	[RECONCILE_KEPT] = { "disposed of, and something keeps it", "disposed_kept" },
};

const char *status_alarm_name(enum reconcile_alarm_kind kind)
{
	return kinds[kind].text;
}

int status_account_load(struct status_account *a, struct meta *m, struct err *e)
{
	if (meta_reconcile_accounts(m, a->days, STATUS_DAYS, &a->n, e) || meta_reconcile_unequal(m, &a->unequal, e) ||
		meta_reconcile_counts(m, a->alarms, &a->orphans, e) || meta_mta_counts(m, &a->mta, e))
		return -1;
	a->known = true;
	return 0;
}

static uint64_t all_alarms(const struct status_account *a)
{
	uint64_t n = 0;

	for (int i = 1; i < RECONCILE_KINDS; i++)
		n += a->alarms[i];
	return n;
}

bool status_account_is_wrong(const struct status_account *a)
{
	return a->known && (a->unequal || all_alarms(a) || a->mta.incidents);
}

/* ---- for people ---- */

/* ", 3 objects without a row": n of something; nothing for none. Caller's buffer is large enough. */
static void add_note(struct buf *b, uint64_t n, const char *what)
{
	if (n && buf_printf(b, "%s%" PRIu64 " %s", b->len ? ", " : "", n, what))
		abort();
}

/* "" for midnight: the day is whole. */
static void add_until(struct buf *b, const struct reconcile_account *a, int64_t until_us, const char *what)
{
	char text[CLOCK_TEXT_SIZE];

	if (until_us == a->day_us + DAY_US)
		return;
	if (!until_us ? buf_printf(b, "%s%s not yet", b->len ? ", " : "", what) :
			buf_printf(b, "%s%s until %.5s", b->len ? ", " : "", what, clock_format(text, until_us) + 11))
		abort();
}

static void print_day(const struct reconcile_account *a)
{
	const struct reconcile_tally *t = &a->tally;
	CLEANUP(buf_deinit) struct buf why = BUF_INIT(LINE_MAX_BYTES);
	char day[CLOCK_TEXT_SIZE];

	if (a->stored_until_us == a->indexed_until_us) {
		add_until(&why, a, a->stored_until_us, "counted");
	} else {
		add_until(&why, a, a->stored_until_us, "store counted");
		add_until(&why, a, a->indexed_until_us, "index counted");
	}
	add_note(&why, t->captured > t->recorded ? t->captured - t->recorded : 0, "in the ledger without a row");
	add_note(&why, t->recorded > t->captured ? t->recorded - t->captured : 0, "without a ledger record");
	add_note(&why, t->removed > t->unindexed ? t->removed : t->unindexed, "disposed of");
	add_note(&why, t->missing, "missing in the store");
	add_note(&why, t->waiting, "waited for the index");
	add_note(&why, t->orphans, "objects without a row");
	printf("          %.10s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "%s%s\n", clock_format(day, a->day_us),
		t->captured, t->recorded, t->stored, t->indexed, why.len ? "  " : "", why.len ? why.data : "");
}

static void print_mta(const struct mta_counts *m)
{
	char read[CLOCK_TEXT_SIZE];

	if (m->read_us)
		printf("postfix   log read %s, %" PRIu64 " message%s not finished\n", clock_format(read, m->read_us), m->undecided,
			m->undecided == 1 ? "" : "s");
	if (m->unaccepted)
		printf("postfix   %" PRIu64 " captured and not accepted\n", m->unaccepted);
	if (m->incidents)
		printf("INCIDENT  %" PRIu64 " accepted by Postfix and not captured (strongroom check lists them)\n", m->incidents);
}

void status_account_print(const struct status_account *a)
{
	if (!a->known)
		return;
	if (a->n)
		printf("account   day (UTC)   captured  recorded    stored   indexed\n");
	for (size_t i = 0; i < a->n; i++)
		print_day(&a->days[i]);
	if (a->unequal)
		printf("          %" PRIu64 " day%s in all do%s not add up\n", a->unequal, a->unequal == 1 ? "" : "s",
			a->unequal == 1 ? "es" : "");
	if (a->orphans)
		printf("orphans   %" PRIu64 "\n", a->orphans);
	for (int i = 1; i < RECONCILE_KINDS; i++)
		if (a->alarms[i])
			printf("found     %" PRIu64 " message%s: %s\n", a->alarms[i], a->alarms[i] == 1 ? "" : "s", kinds[i].text);
	print_mta(&a->mta);
}

/* ---- for programs ---- */

static void add_time(cJSON *j, const char *name, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	json_add_str(j, name, us ? clock_format(text, us) : NULL);
}

static cJSON *day_json(const struct reconcile_account *a)
{
	const struct reconcile_tally *t = &a->tally;
	cJSON *j = cJSON_CreateObject();
	char day[CLOCK_TEXT_SIZE];

	clock_format(day, a->day_us)[10] = '\0';
	json_add_str(j, "day", day);
	json_add_u64(j, "captured", t->captured);
	json_add_u64(j, "recorded", t->recorded);
	json_add_u64(j, "stored", t->stored);
	json_add_u64(j, "indexed", t->indexed);
	json_add_u64(j, "waiting", t->waiting);
	json_add_u64(j, "missing", t->missing);
	json_add_u64(j, "removed", t->removed);
	json_add_u64(j, "unindexed", t->unindexed);
	json_add_u64(j, "orphans", t->orphans);
	add_time(j, "first", t->first_us);
	add_time(j, "last", t->last_us);
	add_time(j, "stored_until", a->stored_until_us);
	add_time(j, "indexed_until", a->indexed_until_us);
	add_time(j, "counted", a->counted_us);
	return j;
}

void status_account_add(const struct status_account *a, cJSON *j)
{
	cJSON *days = cJSON_CreateArray(), *found = cJSON_CreateObject();

	for (size_t i = 0; i < a->n; i++)
		cJSON_AddItemToArray(days, day_json(&a->days[i]));
	for (int i = 1; i < RECONCILE_KINDS; i++)
		json_add_u64(found, kinds[i].key, a->alarms[i]);
	json_add_u64(found, "orphans", a->orphans);
	json_add_u64(found, "days_unequal", a->unequal);
	cJSON *mta = cJSON_CreateObject();

	json_add_u64(mta, "incidents", a->mta.incidents);
	json_add_u64(mta, "unaccepted", a->mta.unaccepted);
	json_add_u64(mta, "undecided", a->mta.undecided);
	add_time(mta, "read", a->mta.read_us);
	json_add_item(j, "postfix", a->known ? mta : cJSON_CreateNull());
	if (!a->known)
		cJSON_Delete(mta);
	json_add_item(j, "account", days);
	json_add_item(j, "found", a->known ? found : cJSON_CreateNull());
	if (!a->known)
		cJSON_Delete(found);
}

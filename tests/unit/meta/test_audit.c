/* The audit trail: durable, shared commits, one bad record harms no other, and nothing changed later. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "ledger/audit_record.h"
#include "meta/audit.h"
#include "meta/audit_read.h"
#include "meta/watch.h"

#include <pthread.h>

#define THREADS 16
#define EACH 20

static struct audit_intent intent(void)
{
	return (struct audit_intent){
		.id = uuid_new(clock_now_us()),
		.at_us = clock_now_us(),
		.account_id = 1,
		.actor = "alice",
		.strength = "password+totp",
		.action = "search",
		.detail = "{\"query\":\"x\"}",
		.client = "127.0.0.1:5",
		.request_id = "r",
	};
}

static const struct audit_outcome outcome = { .at_us = 5, .result = "allowed", .status = 200,
	.count = 3 };

/* arg: the process, as it were. */
static void *act(void *arg)
{
	struct meta *m = arg;
	struct err e = { 0 };

	for (int i = 0; i < EACH; i++) {
		struct audit_intent a = intent();

		if (meta_audit_intent(m, &a, &e))
			return (void *)1;
		if (meta_audit_intent(m, &a, &e) != -1 || e.class != ERR_PERMANENT) /* its neighbours must not suffer */
			return (void *)2;
		if (meta_audit_outcome(m, &a.id, &outcome, &e))
			return (void *)3;
		if (meta_audit_outcome(m, &a.id, &outcome, &e) != -1 || e.class != ERR_PERMANENT)
			return (void *)4;
	}
	return NULL;
}

static void act_in_threads(struct meta *one, struct meta *other)
{
	pthread_t threads[THREADS];
	void *failed;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, act, i % 2 ? one : other), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

/* Everything that the audit's ledger says of itself. */
static void adds_up(uint64_t records)
{
	struct meta_audit_count count;

	assert_ok(meta_audit_verify(meta, count_fault, NULL, &count, &err));
	assert_int_equal(count.faults, 0);
	assert_int_equal(count.records, records);
}

static void many_threads_share_commits(void **state)
{
	(void)state;
	act_in_threads(meta, meta);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM audit_intent"),
		THREADS * EACH);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM audit_outcome"),
		THREADS * EACH);
	adds_up(2 * THREADS * EACH);
	assert_true(raw_number("control.db", "SELECT count(*) FROM audit_batch") < 2 * THREADS * EACH);
}

/* Its row must not stand without its record, and its neighbours must not suffer. */
static void what_no_record_can_hold_gets_no_row(void **state)
{
	size_t n = LEDGER_AUDIT_MAX;
	_free_ char *long_text = mem_alloc(n + 1, 1);
	int64_t rows = raw_number("control.db", "SELECT count(*) FROM audit_intent");
	struct audit_intent a = intent();

	(void)state;
	memset(long_text, 'x', n);
	long_text[n] = '\0';
	a.detail = long_text;
	assert_int_equal(meta_audit_intent(meta, &a, &err), -1);
	assert_int_equal(err.class, ERR_PERMANENT);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM audit_intent"), rows);
	a = intent();
	assert_ok(meta_audit_intent(meta, &a, &err));
	adds_up((uint64_t)raw_number("control.db", "SELECT count(*) FROM audit_record"));
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM audit_intent"), rows + 1);
}

/* Two replicas that nobody gave names of their own. */
static void processes_share_a_name(void **state)
{
	CLEANUP(meta_closep) struct meta *other = NULL;

	(void)state;
	assert_ok(meta_open(&other, &conf, &err));
	act_in_threads(meta, other);
	adds_up(4 * THREADS * EACH);
}

static struct uuid write_about(const char *actor, const char *action, const char *object, const char *mailbox)
{
	char *one[] = { (char *)(uintptr_t)mailbox };
	struct strv set = { one, 1 };
	struct audit_intent a = intent();

	a.actor = actor;
	a.action = action;
	a.object = object;
	a.case_ref = "17";
	a.mailboxes = mailbox ? &set : NULL;
	assert_ok(meta_audit_intent(meta, &a, &err));
	return a.id;
}

/* Are these, newest first, what the filter takes, page by page? */
static void reads(const struct audit_filter *f, const struct uuid *const *expected, size_t n)
{
	struct uuid behind = { 0 };
	bool more = true;
	size_t at = 0;

	while (more) {
		CLEANUP(audit_page_deinit) struct audit_page page = { 0 };

		assert_ok(meta_audit_list(meta, f, &behind, 2, &page, &err));
		assert_true(page.n <= 2);
		for (size_t i = 0; i < page.n; i++, at++) {
			assert_true(at < n);
			assert_memory_equal(&page.events[i].id, expected[at], sizeof(struct uuid));
		}
		more = page.more;
		behind = page.last;
	}
	assert_int_equal(at, n);
}

static void it_is_read_back(void **state)
{
	struct uuid a = write_about("carol", "read.content", "x", "a@example.org");
	struct uuid b = write_about("carol", "reader", "y", AUDIT_ALL_MAILBOXES);
	struct uuid c = write_about("dave", "read.content", "x", "a@example.org");
	struct uuid d = write_about("dave", "read", "y", "b@example.org");
	struct audit_event event;

	(void)state;
	assert_ok(meta_audit_outcome(meta, &c, &outcome, &err));
	reads(&(struct audit_filter){ .actor = "carol" }, (const struct uuid *[]){ &b, &a }, 2);
	reads(&(struct audit_filter){ .object = "x" }, (const struct uuid *[]){ &c, &a }, 2);
	reads(&(struct audit_filter){ .case_ref = "17", .action = "read" }, (const struct uuid *[]){ &d, &c, &a }, 3);
	reads(&(struct audit_filter){ .mailbox = "a@example.org" }, (const struct uuid *[]){ &c, &b, &a }, 3);
	reads(&(struct audit_filter){ .case_ref = "17", .result = "allowed" }, (const struct uuid *[]){ &c }, 1);
	reads(&(struct audit_filter){ .case_ref = "17", .result = "none" }, (const struct uuid *[]){ &d, &b, &a }, 3);
	reads(&(struct audit_filter){ .actor = "carol", .until_us = 5 }, NULL, 0);
	reads(&(struct audit_filter){ .actor = "dave", .from_us = 5 }, (const struct uuid *[]){ &d, &c }, 2);
	assert_int_equal(meta_audit_get(meta, &c, &event, &err), 1);
	assert_string_equal(event.actor, "dave");
	assert_string_equal(event.reason, "");
	assert_true(event.finished && event.status == 200 && event.count == 3 && !event.has_digest && !event.before);
	audit_event_deinit(&event);
	memset(&a, 0x55, sizeof(a));
	assert_int_equal(meta_audit_get(meta, &a, &event, &err), 0);
}

static void an_outcome_needs_its_intent(void **state)
{
	struct uuid nobody = uuid_new(clock_now_us());

	(void)state;
	assert_refused(meta_audit_outcome(meta, &nobody, &outcome, &err), ERR_PERMANENT,
		"FOREIGN KEY");
}

static void the_trail_stays(void **state)
{
	struct audit_intent a = intent();

	(void)state;
	assert_ok(meta_audit_intent(meta, &a, &err));
	assert_ok(meta_audit_outcome(meta, &a.id, &outcome, &err));
	assert_int_equal(raw_sql("control.db", "UPDATE audit_intent SET actor = 'bob'"),
		SQLITE_CONSTRAINT);
	assert_int_equal(raw_sql("control.db", "UPDATE audit_outcome SET status = 0"),
		SQLITE_CONSTRAINT);
	assert_int_equal(raw_sql("control.db", "DELETE FROM audit_intent"), SQLITE_CONSTRAINT);
	assert_int_equal(raw_sql("control.db", "DELETE FROM audit_outcome"), SQLITE_CONSTRAINT);
}

static void capture_does_not_wait_for_audit(void **state)
{
	struct meta_capture *t;
	struct audit_intent a = intent();

	(void)state;
	assert_ok(meta_capture_begin(meta, &t, &err)); /* holds the capture database */
	assert_ok(meta_audit_intent(meta, &a, &err));
	meta_capture_rollback(&t);
}

static void record(int64_t at_us, const char *action, const char *result)
{
	static uint8_t number;
	struct audit_intent a = intent();
	struct audit_outcome o = outcome;

	a.id = uuid_floor(at_us); /* uuid_new() never goes back */
	a.id.bytes[UUID_SIZE - 1] = ++number;
	a.action = action;
	o.result = result;
	assert_ok(meta_audit_intent(meta, &a, &err));
	if (result)
		assert_ok(meta_audit_outcome(meta, &a.id, &o, &err));
}

static void oddities_are_counted(void **state)
{
	const int64_t from = 1000 * CLOCK_SECOND, until = 2000 * CLOCK_SECOND;
	struct watch_audit s;

	(void)state;
	record(from - CLOCK_SECOND, "search", NULL);
	record(from, "search", NULL);
	record(until - CLOCK_SECOND, "sign-in.password", "refused");
	record(from + CLOCK_SECOND, "sign-in.totp", "refused");
	record(from + CLOCK_SECOND, "sign-in.totp", "allowed");
	record(from + CLOCK_SECOND, "search", "refused");
	record(until, "sign-in.totp", "refused");
	assert_ok(meta_watch_audit(meta, from, until, &s, &err));
	assert_int_equal(s.unfinished, 1);
	assert_int_equal(s.signins_refused, 2);

	struct watch_exports x;

	assert_ok(meta_watch_exports(meta, &x, &err));
	assert_int_equal(x.queued + x.building, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads_share_commits),
		cmocka_unit_test(processes_share_a_name),
		cmocka_unit_test(what_no_record_can_hold_gets_no_row),
		cmocka_unit_test(it_is_read_back),
		cmocka_unit_test(an_outcome_needs_its_intent),
		cmocka_unit_test(the_trail_stays),
		cmocka_unit_test(capture_does_not_wait_for_audit),
		cmocka_unit_test(oddities_are_counted),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}

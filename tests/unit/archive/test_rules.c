/* What keeps a message longest counts; nothing keeps it for less than lock_days, and nothing that can't be read stops it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive/policy.h"
#include "archive/rules.h"
#include "../meta/fixture.h"
#include "base/log.h"
#include "meta/account.h"

#define DAYS(n) ((n) * POLICY_DAY_US)

static struct rules *rules;
static struct uuid last_policy;

static int begin(void **state)
{
	log_set_level(LOG_FATAL);
	conf = (struct conf){ 0 };
	if (open_meta(state))
		return -1;
	conf.lock_days = 100;
	conf.lock_days_max = 1000;
	rules = rules_new(meta, &conf);
	return 0;
}

static int end(void **state)
{
	rules_freep(&rules);
	return remove_directory(state);
}

static void revise(uint64_t revision, enum retention_kind kind, const char *subject, uint64_t days, bool ended)
{
	struct retention_policy p = { .id = last_policy, .revision = revision, .at_us = 1, .place = 1,
		.name = (char *)(uintptr_t)"n", .kind = kind, .subject = (char *)(uintptr_t)subject, .days = days,
		.ended = ended, .reason = (char *)(uintptr_t)"" };

	assert_int_equal(meta_retention_put(meta, &p, &err), 1);
	assert_ok(rules_renew(rules, &err));
}

static void add(enum retention_kind kind, const char *subject, uint64_t days)
{
	last_policy = uuid_new(clock_now_us());
	revise(1, kind, subject, days, false);
}

/* For how many days a message of these people is kept. */
static int64_t days(const char *people)
{
	CLEANUP(rules_drop) struct rules_snapshot *s = rules_take(rules);
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row row = make_row(&id, 1000, people);
	struct rules_verdict v = rules_judge(s, &row);
	int64_t promised;

	assert_int_equal(policy_promised(v.version, 1000, &promised), 0);
	assert_int_equal(promised, v.retain_until_us);
	free(v.version);
	return (v.retain_until_us - 1000) / POLICY_DAY_US;
}

static void the_longest_counts(void **state)
{
	CLEANUP(strv_deinit) struct strv books = { 0 };
	CLEANUP(rules_drop) struct rules_snapshot *none = NULL;

	(void)state;
	assert_ok(rules_renew(rules, &err));
	none = rules_take(rules);
	assert_false(rules_matter(none));
	assert_int_equal(days("1 ann@example.org 2 bob@example.org"), 100);
	strv_add(&books, "bob@example.org");
	strv_add(&books, "ann@example.org");
	assert_ok(meta_department_change(meta, "books", DEPARTMENT_SET, &books, &err));
	add(RETENTION_DEPARTMENT, "books", 300);
	add(RETENTION_DEPARTMENT, "nobody", 900);
	assert_int_equal(days("2 bob@example.org"), 300);
	assert_int_equal(days("5 bob@example.org"), 100); /* Reply-To is nobody's mailbox */
	add(RETENTION_MAILBOX, "bob@example.org", 200);
	assert_int_equal(days("2 bob@example.org"), 300);
	add(RETENTION_MAILBOX, "bob@example.org", 400);
	assert_int_equal(days("2 bob@example.org"), 400);
	assert_int_equal(days("2 ann@example.org"), 300);
	add(RETENTION_SENDER, "carol@example.net", 500);
	assert_int_equal(days("3 carol@example.net 2 ann@example.org"), 500);
	assert_int_equal(days("6 carol@example.net"), 100); /* as a recipient she is nobody's sender */
	add(RETENTION_SENDER, "@example.net", 600);
	assert_int_equal(days("1 dan@example.net"), 600);
	assert_int_equal(days("1 dan@sub.example.net"), 100);
	add(RETENTION_ALL, "", 50);
	assert_int_equal(days("1 x@example.com"), 100);
	add(RETENTION_ALL, "", 5000);
	assert_int_equal(days("1 x@example.com"), 1000); /* lock_days_max */
	revise(2, RETENTION_ALL, "", 150, false);
	assert_int_equal(days("1 x@example.com"), 150);
	assert_int_equal(days("1 dan@example.net"), 600);
	revise(3, RETENTION_ALL, "", 150, true);
	assert_int_equal(days("1 x@example.com"), 100);
}

static void a_change_reaches_those_that_it_may_keep(void **state)
{
	CLEANUP(rules_drop) struct rules_snapshot *s = NULL;
	uint64_t before;

	(void)state;
	assert_ok(meta_retention_newest(meta, &before, &err));
	add(RETENTION_MAILBOX, "zoe@example.org", 700);
	add(RETENTION_SENDER, "eve@example.org", 700);
	s = rules_take(rules);
	struct rules_reach some = rules_reach(s, before, rules_change(s)), nothing = rules_reach(s, rules_change(s), UINT64_MAX),
			   first = rules_reach(s, 0, before);

	assert_false(some.all);
	assert_int_equal(some.mailboxes.n, 2);
	assert_string_equal(some.mailboxes.items[0], "eve@example.org");
	assert_false(nothing.all);
	assert_int_equal(nothing.mailboxes.n, 0);
	assert_true(first.all); /* there was a domain's */
	strv_deinit(&some.mailboxes);
	strv_deinit(&first.mailboxes);
}

static char *version_of(struct rules *r)
{
	CLEANUP(rules_drop) struct rules_snapshot *s = rules_take(r);
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row row = make_row(&id, 1000, "2 zoe@example.org");

	return rules_judge(s, &row).version;
}

static void what_cannot_be_read_is_marked(void **state)
{
	CLEANUP(rules_freep) struct rules *fresh = NULL;

	(void)state;
	assert_int_equal(raw_sql("control.db", "ALTER TABLE retention_policy RENAME TO gone"), 0);
	_free_ char *known = version_of(rules);

	assert_non_null(strstr(known, "lock_days=700 policy="));
	assert_null(strstr(known, "unread")); /* for a while */
	fresh = rules_new(meta, &conf);
	_free_ char *unknown = version_of(fresh);

	assert_string_equal(unknown, "lock_days=100 policies=unread");
	assert_int_equal(raw_sql("control.db", "ALTER TABLE gone RENAME TO retention_policy"), 0);
	assert_ok(rules_renew(fresh, &err));
	_free_ char *read = version_of(fresh);

	assert_string_equal(read, known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_counts),
		cmocka_unit_test(a_change_reaches_those_that_it_may_keep),
		cmocka_unit_test(what_cannot_be_read_is_marked),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

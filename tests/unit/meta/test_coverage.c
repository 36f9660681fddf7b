/* What a scope sees and counts, against a plain loop over random messages. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* A room so small that ranges are split, and outgrown by messages of one date. */
#define SIGHTINGS_MAX ((size_t)8)
static uint64_t short_outbox = 10000;
#define SHORT_OUTBOX short_outbox
#include "meta/coverage.c"

#include "fixture.h"
#include "mail/scope_grant.h"

#define MESSAGES 250
#define MAILBOXES 12
#define DATES 20 /* few, so that many messages share one */

static struct uuid ids[MESSAGES];
static struct message_row rows[MESSAGES];
static bool waiting[MESSAGES];

static char *random_people(void)
{
	struct buf b = BUF_INIT(4096);
	int n = rand() % 6;

	assert_int_equal(buf_add_str(&b, ""), 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(buf_printf(&b, "%d m%d@example.org ", 1 + rand() % 13,
			rand() % MAILBOXES), 0);
	return buf_take(&b);
}

static int fill(void **state)
{
	if (open_meta(state))
		return -1;
	srand(4711);
	for (int i = 0; i < MESSAGES; i++) {
		_free_ char *people = random_people();
		int64_t date = rand() % DATES;

		ids[i] = uuid_new(clock_now_us());
		rows[i] = make_row(&ids[i], date, people);
		waiting[i] = rand() % 3 == 0;
		if (put_as(meta, "lmtpd@test", &ids[i], date, people, &err) ||
			(!waiting[i] && meta_outbox_clear(meta, &ids[i], 1, &err)))
			return -1;
	}
	return 0;
}

static int drop(void **state)
{
	for (int i = 0; i < MESSAGES; i++)
		message_row_deinit(&rows[i]);
	return remove_directory(state);
}

static void counts_are_right(const struct scope *s)
{
	struct meta_coverage c, expected = { 0 };

	for (int i = 0; i < MESSAGES; i++) {
		bool covers = scope_covers(s, rows[i].date_us, rows[i].participants,
			rows[i].participant_count);

		expected.in_scope += covers;
		expected.not_indexed += covers && waiting[i];
	}
	assert_ok(meta_coverage(meta, s, &c, &err));
	assert_int_equal(c.in_scope, expected.in_scope);
	assert_int_equal(c.not_indexed, expected.not_indexed);
}

static void coverage_equals_a_plain_count(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		short_outbox = i % 2 ? 10000 : 10; /* either way to count what waits */
		struct strv mailboxes = { 0 };
		int64_t from = rand() % 3 ? INT64_MIN :
			rand() % DATES, until = rand() % 3 ? INT64_MAX : rand() % DATES;

		for (int n = rand() % (MAILBOXES + 2); n > 0; n--) {
			_free_ char *mailbox = mem_printf("m%d@example.org",
				rand() % (MAILBOXES + 1));

			strv_add(&mailboxes, mailbox);
		}
		CLEANUP(scope_freep) struct scope *s = scope_grant(rand() % 5 == 0, &mailboxes,
			from, until);

		strv_deinit(&mailboxes);
		counts_are_right(s);
	}
}

static void a_message_outside_the_scope_does_not_exist(void **state)
{
	struct strv mailbox = { 0 };

	(void)state;
	strv_add(&mailbox, "M3@example.org");
	CLEANUP(scope_freep) struct scope *s = scope_grant(false, &mailbox, 5, 15);
	CLEANUP(scope_freep) struct scope *none = scope_grant(false, NULL, INT64_MIN, INT64_MAX);
	CLEANUP(scope_freep) struct scope *all = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	struct uuid nowhere = { { 0 } };
	struct message_row r = { 0 };
	int seen = 0;

	strv_deinit(&mailbox);
	for (int i = 0; i < MESSAGES; i++) {
		bool covers = scope_covers(s, rows[i].date_us, rows[i].participants,
			rows[i].participant_count);

		assert_int_equal(meta_message_get(meta, s, &ids[i], &r, &err), covers);
		assert_int_equal(meta_message_in_scope(meta, s, &ids[i], &err), covers);
		seen += covers;
		message_row_deinit(&r);
		assert_int_equal(meta_message_get(meta, none, &ids[i], &r, &err), 0);
		assert_int_equal(meta_message_in_scope(meta, none, &ids[i], &err), 0);
		assert_null(r.subject);
		assert_int_equal(meta_message_get(meta, all, &ids[i], &r, &err), 1);
		assert_int_equal(meta_message_in_scope(meta, all, &ids[i], &err), 1);
		message_row_deinit(&r);
	}
	assert_true(seen > 0 && seen < MESSAGES / 2);
	assert_int_equal(meta_message_get(meta, all, &nowhere, &r, &err), 0);
	assert_int_equal(meta_message_in_scope(meta, all, &nowhere, &err), 0);
}

/* Of as many mailboxes as departments have, and of just as many as one statement looks for. */
static void a_scope_of_many_mailboxes(void **state)
{
	static const int sizes[] = { 1, MAILBOXES_AT_ONCE, MAILBOXES_AT_ONCE + 1, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct strv mailboxes = { 0 };

		strv_add(&mailboxes, "m3@example.org");
		for (int n = 1; n < sizes[i]; n++) {
			_free_ char *other = mem_printf("a%d@example.org", n); /* the one with mail is the last */

			strv_add(&mailboxes, other);
		}
		CLEANUP(scope_freep) struct scope *s = scope_grant(false, &mailboxes, INT64_MIN, INT64_MAX);

		strv_deinit(&mailboxes);
		for (int m = 0; m < MESSAGES; m++)
			assert_int_equal(meta_message_in_scope(meta, s, &ids[m], &err),
				scope_covers(s, rows[m].date_us, rows[m].participants, rows[m].participant_count));
		counts_are_right(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coverage_equals_a_plain_count),
		cmocka_unit_test(a_message_outside_the_scope_does_not_exist),
		cmocka_unit_test(a_scope_of_many_mailboxes),
	};

	return cmocka_run_group_tests(tests, fill, drop);
}

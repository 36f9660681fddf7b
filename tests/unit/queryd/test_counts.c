/* A count is found again by whoever has the very same scope, while it is fresh, and only where counting was slow. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/scope_grant.h"
#include "queryd/counts.h"

#include <stdio.h>

#define SLOW COUNTS_QUICK_US
#define START INT64_C(1000000)

static struct scope *scope_of(const char *mailboxes, int64_t from_us, int64_t until_us)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };

	strv_split(&list, mailboxes, " ");
	return scope_grant(false, &list, from_us, until_us);
}

static void keep(struct counts *c, const struct scope *s, int64_t took_us, uint64_t n)
{
	const struct meta_coverage counted = { .in_scope = n, .not_indexed = n / 2 };

	counts_keep(c, s, START - took_us, START, &counted);
}

static void a_slow_count_is_good_for_a_while(void **state)
{
	CLEANUP(counts_freep) struct counts *c = counts_new();
	CLEANUP(scope_freep) struct scope *s = scope_of("a@example.org b@example.org", INT64_MIN, INT64_MAX);
	struct meta_coverage found;

	(void)state;
	assert_false(counts_find(c, s, START, &found));
	keep(c, s, SLOW - 1, 8);
	assert_false(counts_find(c, s, START, &found));
	keep(c, s, SLOW, 8);
	assert_true(counts_find(c, s, START + SLOW * COUNTS_GOOD_FOR - 1, &found));
	assert_int_equal(found.in_scope, 8);
	assert_int_equal(found.not_indexed, 4);
	assert_false(counts_find(c, s, START + SLOW * COUNTS_GOOD_FOR, &found));
	keep(c, s, INT64_C(3600000000), 10);
	assert_true(counts_find(c, s, START + COUNTS_AGE_MAX_US - 1, &found));
	assert_int_equal(found.in_scope, 10);
	assert_false(counts_find(c, s, START + COUNTS_AGE_MAX_US, &found));
}

static void a_count_of_many_is_good_for_longest(void **state)
{
	CLEANUP(counts_freep) struct counts *c = counts_new();
	CLEANUP(scope_freep) struct scope *s = scope_of("a@example.org b@example.org", INT64_MIN, INT64_MAX);
	struct meta_coverage found;

	(void)state;
	keep(c, s, 1, COUNTS_MANY - 1);
	assert_false(counts_find(c, s, START, &found));
	keep(c, s, 1, COUNTS_MANY);
	assert_true(counts_find(c, s, START + COUNTS_AGE_MAX_US - 1, &found));
	assert_int_equal(found.in_scope, COUNTS_MANY);
	assert_false(counts_find(c, s, START + COUNTS_AGE_MAX_US, &found));
}

static void no_other_scope_gets_it(void **state)
{
	static const struct {
		const char *mailboxes;
		int64_t from_us, until_us;
	} others[] = {
		{ "a@example.org", 1, 9 },
		{ "b@example.org", 1, 9 },
		{ "a@example.org b@example.org c@example.org", 1, 9 },
		{ "a@example.orgb@example.org", 1, 9 },
		{ "a@example.org b@example.org", 1, 10 },
		{ "a@example.org b@example.org", 0, 9 },
		{ "a@example.org b@example.org", INT64_MIN, INT64_MAX },
		{ "", 1, 9 },
	};
	CLEANUP(counts_freep) struct counts *c = counts_new();
	CLEANUP(scope_freep) struct scope *s = scope_of("a@example.org b@example.org", 1, 9);
	CLEANUP(scope_freep) struct scope *same = scope_of("B@example.org a@example.org", 1, 9);
	CLEANUP(scope_freep) struct scope *all = scope_grant(true, NULL, 1, 9);
	struct meta_coverage found;

	(void)state;
	keep(c, s, SLOW, 8);
	assert_true(counts_find(c, same, START, &found));
	assert_false(counts_find(c, all, START, &found));
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		CLEANUP(scope_freep) struct scope *other = scope_of(others[i].mailboxes, others[i].from_us, others[i].until_us);

		assert_false(counts_find(c, other, START, &found));
	}
	keep(c, all, SLOW, 100);
	assert_true(counts_find(c, s, START, &found));
	assert_int_equal(found.in_scope, 8);
}

static void there_is_room_for_the_newest(void **state)
{
	CLEANUP(counts_freep) struct counts *c = counts_new();
	struct meta_coverage found;

	(void)state;
	for (int i = 0; i < 500; i++) {
		_free_ char *mailbox = mem_printf("m%d@example.org", i);
		CLEANUP(scope_freep) struct scope *s = scope_of(mailbox, 1, 9);

		keep(c, s, SLOW + i, (uint64_t)i);
		assert_true(counts_find(c, s, START, &found));
		assert_int_equal(found.in_scope, i);
	}
}

/* What is cut or unreadable stays so: it is counted again when messages came, or went into the index. */
static void incomplete_ones_are_good_while_nothing_comes(void **state)
{
	CLEANUP(counts_freep) struct counts *c = counts_new();
	CLEANUP(scope_freep) struct scope *s = scope_of("a@example.org", 1, 9), *other = scope_of("a@example.org", 1, 8);
	const struct meta_coverage at = { .in_scope = 7, .not_indexed = 1 }, more = { 8, 1 }, indexed = { 7, 0 };
	const struct counts_incomplete counted = { .truncated = 2, .unreadable = 3, .exact = true };
	struct counts_incomplete found = { 0 };

	(void)state;
	counts_keep_incomplete(c, s, START, &at, &counted);
	assert_true(counts_find_incomplete(c, s, START + COUNTS_INCOMPLETE_US - 1, &at, &found));
	assert_int_equal(found.truncated, 2);
	assert_int_equal(found.unreadable, 3);
	assert_true(found.exact);
	assert_false(counts_find_incomplete(c, s, START + COUNTS_INCOMPLETE_US, &at, &found));
	assert_false(counts_find_incomplete(c, other, START, &at, &found));
	assert_false(counts_find_incomplete(c, s, START, &more, &found));
	assert_false(counts_find_incomplete(c, s, START, &indexed, &found));
	counts_keep_incomplete(c, s, START, &more, &counted);
	assert_false(counts_find_incomplete(c, s, START, &at, &found));
	assert_true(counts_find_incomplete(c, s, START, &more, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(incomplete_ones_are_good_while_nothing_comes),
		cmocka_unit_test(a_slow_count_is_good_for_a_while),
		cmocka_unit_test(a_count_of_many_is_good_for_longest),
		cmocka_unit_test(no_other_scope_gets_it),
		cmocka_unit_test(there_is_room_for_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Saved searches: an account's own, changed and removed only as the version that is meant. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "base/buf.h"
#include "base/clock.h"
#include "meta/saved_search.h"

#define ANN 1
#define BOB 2

static struct uuid add(uint64_t account, const char *name, bool has_case)
{
	const struct saved_search s = { .id = uuid_new(clock_now_us()), .account_id = account, .name = (char *)name,
		.has_case = has_case, .case_id = { { 7 } }, .request = (char *)"{\"query\":\"grüße\"}", .created_us = 5 };

	assert_int_equal(meta_saved_search_add(meta, &s, &err), 1);
	return s.id;
}

static void what_was_kept_is_found_by_its_owner(void **state)
{
	CLEANUP(saved_search_deinit) struct saved_search s = { 0 };
	struct uuid id = add(ANN, "first", true);

	(void)state;
	assert_int_equal(meta_saved_search_get(meta, BOB, &id, &s, &err), 0);
	assert_int_equal(meta_saved_search_get(meta, ANN, &id, &s, &err), 1);
	assert_string_equal(s.name, "first");
	assert_string_equal(s.request, "{\"query\":\"grüße\"}");
	assert_true(s.has_case && s.case_id.bytes[0] == 7);
	assert_int_equal(s.version, 1);
	assert_int_equal(s.account_id, ANN);
	assert_int_equal(s.created_us, 5);
	assert_int_equal(s.changed_us, 5);
}

static void a_change_needs_the_version(void **state)
{
	struct uuid id = add(ANN, "old", true);
	struct saved_search s = { .id = id, .account_id = ANN, .version = 1, .name = (char *)"new", .request = (char *)"{}", .changed_us = 9 };
	CLEANUP(saved_search_deinit) struct saved_search found = { 0 };

	(void)state;
	assert_int_equal(meta_saved_search_change(meta, &s, &err), 1);
	assert_int_equal(meta_saved_search_change(meta, &s, &err), 0); /* it is 2 by now */
	s.version = 2;
	s.account_id = BOB;
	assert_int_equal(meta_saved_search_change(meta, &s, &err), 0);
	assert_int_equal(meta_saved_search_remove(meta, BOB, &id, 2, &err), 0);
	assert_int_equal(meta_saved_search_remove(meta, ANN, &id, 1, &err), 0);
	assert_int_equal(meta_saved_search_get(meta, ANN, &id, &found, &err), 1);
	assert_string_equal(found.name, "new");
	assert_false(found.has_case);
	assert_int_equal(found.changed_us, 9);
	assert_int_equal(meta_saved_search_remove(meta, ANN, &id, 2, &err), 1);
	saved_search_deinit(&found);
	assert_int_equal(meta_saved_search_get(meta, ANN, &id, &found, &err), 0);
}

static void lists_go_by_id_and_hold_nobody_elses(void **state)
{
	struct saved_search *list;
	struct uuid ids[3], none = { { 0 } };
	size_t n;

	(void)state;
	for (int i = 0; i < 3; i++) {
		ids[i] = add(3, "mine", false);
		add(4, "other", false);
	}
	assert_int_equal(meta_saved_search_list(meta, 3, &none, 2, &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(&list[1].id, &ids[1], sizeof(ids[1]));
	saved_search_list_free(list, n);
	assert_int_equal(meta_saved_search_list(meta, 3, &ids[1], 5, &list, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "mine");
	saved_search_list_free(list, n);
}

static void an_account_keeps_so_many(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
	struct saved_search s = { .account_id = 5, .name = (char *)"x", .request = (char *)"{}" };

	(void)state;
	for (int i = 0; i < SAVED_SEARCHES_MAX; i++)
		assert_int_equal(buf_printf(&b, "%s(X'%032d', 5, 1, 'x', NULL, '{}', 1, 1)",
			i ? ", " : "INSERT INTO saved_search VALUES ", i), 0);
	assert_int_equal(raw_sql("control.db", b.data), 0);
	s.id = uuid_new(clock_now_us());
	assert_int_equal(meta_saved_search_add(meta, &s, &err), 0);
	assert_int_equal(raw_sql("control.db", "DELETE FROM saved_search WHERE id = X'00000000000000000000000000000009'"), 0);
	assert_int_equal(meta_saved_search_add(meta, &s, &err), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_is_found_by_its_owner),
		cmocka_unit_test(a_change_needs_the_version),
		cmocka_unit_test(lists_go_by_id_and_hold_nobody_elses),
		cmocka_unit_test(an_account_keeps_so_many),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}

/* index_has: which messages an index holds, for those who look after it. */
#include "tests/unit/index/fixture.h"

static void test_has(void **state)
{
	const struct uuid ids[] = { numbered(1), numbered(2), numbered(3), numbered(1) };
	bool present[ARRAY_LEN(ids)] = { false, true, false, false };
	struct fixture f;
	struct err e;

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .body = "x" }, NULL);
	add_doc(f.index, (struct index_doc){ .id = numbered(3), .body = "y" }, NULL);
	assert_int_equal(index_has(f.index, ids, ARRAY_LEN(ids), present, &e), 0);
	assert_true(present[0] && !present[1] && present[2] && present[3]);
	assert_int_equal(index_has(f.index, ids, 0, present, &e), 0);
	fixture_deinit(&f);
}

/* What is gone is not "holds nothing": everything would be indexed again. */
static void test_has_of_a_lost_index(void **state)
{
	const struct uuid id = numbered(1);
	struct fixture f;
	struct err e;
	bool present;

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = id, .body = "x" }, NULL);
	assert_int_equal(unlink(f.file), 0);
	assert_int_equal(index_has(f.index, &id, 1, &present, &e), -1);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has),
		cmocka_unit_test(test_has_of_a_lost_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/index/search_cases.h"

static void test_finds_what_the_table_says(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	search_cases_fill(f.index);
	assert_int_equal(search_cases_run(f.index), 0);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the first step of a sign-in gives is good for its account and time, with the installation's key, and can't be made up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/pending.h"
#include "tests/unit/queryd/two_keys.h"

#include "base/mem.h"

#include <string.h>

#define NOW INT64_C(1790000000)

static const struct pending given = { UINT64_C(0x1122334455667788), 3, "oidc" };

static void test_says_whose_it_is(void **state)
{
	_free_ char *token = pending_format(&given, keys[0], NOW);
	struct pending p;

	(void)state;
	assert_int_equal(pending_parse(&p, keys[0], token, NOW), 0);
	assert_true(p.account_id == given.account_id && p.generation == given.generation);
	assert_string_equal(p.proved, "oidc");
}

static void test_time(void **state)
{
	_free_ char *token = pending_format(&given, keys[0], NOW);
	struct pending p;

	(void)state;
	assert_int_equal(pending_parse(&p, keys[0], token, NOW + PENDING_LIFE_S - 1), 0);
	assert_int_equal(pending_parse(&p, keys[0], token, NOW + PENDING_LIFE_S), -1);
}

static void test_of_another_installation(void **state)
{
	_free_ char *token = pending_format(&given, keys[0], NOW);
	struct pending p;

	(void)state;
	assert_int_equal(pending_parse(&p, keys[1], token, NOW), -1);
}

static void test_a_proof_that_is_none(void **state)
{
	_free_ char *token = pending_format(&(struct pending){ 1, 1, "nothing" }, keys[0], NOW);
	struct pending p;

	(void)state;
	assert_int_equal(pending_parse(&p, keys[0], token, NOW), -1);
}

static void test_altered(void **state)
{
	_free_ char *token = pending_format(&given, keys[0], NOW);
	struct pending p;

	(void)state;
	for (size_t i = 0; i < strlen(token); i++) {
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(pending_parse(&p, keys[0], token, NOW), -1);
		token[i] = '\0';
		assert_int_equal(pending_parse(&p, keys[0], token, NOW), -1);
		token[i] = was;
	}
	assert_int_equal(pending_parse(&p, keys[0], token, NOW), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_whose_it_is),     cmocka_unit_test(test_time),    cmocka_unit_test(test_of_another_installation),
		cmocka_unit_test(test_a_proof_that_is_none), cmocka_unit_test(test_altered),
	};

	return cmocka_run_group_tests(tests, make_keys, remove_keys);
}

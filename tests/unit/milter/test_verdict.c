#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "milter/verdict.h"

#include <stdbool.h>
#include <string.h>

static void test_only_durable_is_accepted(void **state)
{
	(void)state;
	for (int v = 0; v < INTAKE_OUTCOMES; v++)
		assert_int_equal(verdict_reply((enum intake_outcome)v)->action == ACTION_ACCEPT, v == INTAKE_ARCHIVED);
}

/* libmilter takes 4xx only with a temporary failure, 5xx only with a rejection, and '%' for a format. */
static void test_words_fit_the_action(void **state)
{
	(void)state;
	for (int v = 0; v < INTAKE_OUTCOMES; v++) {
		const struct verdict_reply *r = verdict_reply((enum intake_outcome)v);
		bool refusal = r->action == ACTION_TEMPFAIL || r->action == ACTION_REJECT;
		char class = r->action == ACTION_REJECT ? '5' : '4';

		assert_int_equal(refusal, r->code != NULL);
		if (!refusal)
			continue;
		assert_int_equal(r->code[0], class);
		assert_int_equal(r->enhanced[0], class);
		assert_int_equal(strlen(r->code), 3);
		assert_null(strpbrk(r->text, "%\r\n"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_durable_is_accepted),
		cmocka_unit_test(test_words_fit_the_action),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* import_place: how far an import has come: never past a message that is not settled. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/import_place.h"

#include "base/mem.h"

#include <string.h>

/* fates: a letter a message, of the UIDs first, first + 2, …; "17: 3 5" is the UID and those refused. */
static char *advance(struct import_place *p, uint32_t first, const char *fates)
{
	static const char letters[] = { '-', 'l', 'a', 'r', 'g' };
	uint32_t uids[16];
	enum import_fate f[16];
	size_t n = strlen(fates);

	for (size_t i = 0; i < n; i++) {
		uids[i] = first + 2 * (uint32_t)i;
		f[i] = (enum import_fate)((const char *)memchr(letters, fates[i], sizeof(letters)) - letters);
	}
	import_place_advance(p, uids, f, n);
	char *text = mem_printf("%u:", p->uid);

	for (size_t i = 0; i < p->refused_n; i++) {
		char *longer = mem_printf("%s %u", text, p->refused[i]);

		free(text);
		text = longer;
	}
	return text;
}

#define comes_to(p, first, fates, expected)                     \
	do {                                                    \
		_free_ char *got = advance(p, first, fates);    \
		assert_string_equal(got, expected);             \
	} while (0)

static void up_to_the_first_that_is_not_settled(void **state)
{
	struct import_place p CLEANUP(import_place_deinit) = { .uidvalidity = 1 };

	(void)state;
	comes_to(&p, 1, "---", "0:");
	comes_to(&p, 1, "aga", "5:");
	comes_to(&p, 7, "ala", "7:"); /* the last one is archived, and will be recognised */
	comes_to(&p, 9, "laa", "7:");
	comes_to(&p, 9, "aa-", "11:");
}

static void those_refused_are_kept_until_they_pass(void **state)
{
	struct import_place p CLEANUP(import_place_deinit) = { .uidvalidity = 1 };

	(void)state;
	comes_to(&p, 1, "arar", "7: 3 7");
	comes_to(&p, 3, "rar", "7: 3 7"); /* a second try: the place does not go back */
	comes_to(&p, 3, "ar-", "7: 5 7");
	comes_to(&p, 5, "ga", "7:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_to_the_first_that_is_not_settled),
		cmocka_unit_test(those_refused_are_kept_until_they_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

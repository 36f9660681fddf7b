/* Any request target: no segment or parameter may hold a control character, and none may fail to be UTF-8. */
#include "base/str.h"
#include "queryd/path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct strv *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		const char *s = texts->items[i];

		if (!str_utf8_valid(s, strlen(s)))
			abort();
		for (; *s; s++)
			if ((unsigned char)*s < ' ' || *s == 0x7f)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEANUP(strv_deinit) struct strv segments = { 0 }, names = { 0 }, values = { 0 };
	_free_ char *target = mem_dup(data, n);
	const char *why = NULL;

	if (path_parse(&segments, target, &why) < 0 || path_parse_query(&names, &values, target, &why) < 0)
		return why ? 0 : (abort(), 0);
	if (names.n != values.n)
		abort();
	check(&segments);
	check(&names);
	check(&values);
	return 0;
}

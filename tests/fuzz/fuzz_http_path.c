/* Any request target: no segment may hold a control character, and none may fail to be UTF-8. */
#include "base/str.h"
#include "queryd/path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEANUP(strv_deinit) struct strv segments = { 0 };
	_free_ char *target = mem_dup(data, n);
	const char *why = NULL;

	if (path_parse(&segments, target, &why) < 0)
		return why ? 0 : (abort(), 0);
	for (size_t i = 0; i < segments.n; i++) {
		const char *s = segments.items[i];

		if (!str_utf8_valid(s, strlen(s)))
			abort();
		for (; *s; s++)
			if ((unsigned char)*s < ' ' || *s == 0x7f)
				abort();
	}
	return 0;
}

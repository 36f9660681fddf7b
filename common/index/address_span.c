#include "index/address_span.h"

#include "index/fold.h"
#include "index/utf8.h"

#include <string.h>

enum reading { WIDE, CORE };

static bool is_local(int32_t c, enum reading reading)
{
	enum char_class class = fold_class(c);

	if (class != CHAR_NONE)
		return class == CHAR_ALPHA || reading == WIDE;
	if (c == 0 || c >= 0x80)
		return false;
	return strchr(reading == WIDE ? "._+-'!#$%&*/=?^`{|}~" : "._+-'", (int)c) != NULL;
}

static bool is_domain(int32_t c, enum reading reading)
{
	enum char_class class = fold_class(c);

	if (class != CHAR_NONE)
		return class == CHAR_ALPHA || reading == WIDE;
	return c == '.' || c == '-';
}

static bool is_word(int32_t c)
{
	enum char_class class = fold_class(c);

	return class != CHAR_NONE && class != CHAR_IGNORED;
}

/* The start of the local part: as far back as its characters go, at a letter or digit. */
static size_t local_start(const char *text, size_t from, size_t at, enum reading reading)
{
	size_t start = at, i = at;

	if (at - from > ADDRESS_PART_MAX)
		from = at - ADDRESS_PART_MAX;
	while (i > from) {
		int32_t c = utf8_previous(text, from, &i);

		if (!is_local(c, reading))
			break;
		if (is_word(c))
			start = i;
	}
	return start;
}

/* The end of the domain behind the @: behind a letter or digit. */
static size_t domain_end(const char *text, size_t n, size_t at, enum reading reading)
{
	size_t end = at + 1, i = at + 1;

	if (n - at > ADDRESS_PART_MAX)
		n = at + ADDRESS_PART_MAX;
	while (i < n) {
		bool first = i == at + 1;
		int32_t c = utf8_next(text, n, &i);

		if (!is_domain(c, reading) || (first && !is_word(c)))
			break;
		if (is_word(c))
			end = i;
	}
	return end;
}

static struct address_span find(const char *text, size_t n, size_t from, size_t at, enum reading reading)
{
	struct address_span s = { local_start(text, from, at, reading), domain_end(text, n, at, reading) };

	if (s.start == at || s.end == at + 1)
		s.start = s.end = 0;
	return s;
}

void address_span_find(const char *text, size_t n, size_t from, size_t at, struct address_span *wide_r,
	struct address_span *core_r)
{
	*wide_r = find(text, n, from, at, WIDE);
	*core_r = find(text, n, from, at, CORE);
}

#include "index/query_range.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>
#include <string.h>

/* Reads one value, which is a span of its own: a year, a month, a day; one number of bytes. */
typedef int span_reader(struct query_range *span_r, const char *text);

/* Exactly `digits` digits at *text, which moves behind them. */
static int read_digits(int *value_r, const char **text, int digits)
{
	*value_r = 0;
	for (int i = 0; i < digits; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		*value_r = *value_r * 10 + (**text - '0');
	}
	return 0;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static int read_date(struct query_range *span_r, const char *text)
{
	int year, month = 1, day = 1;

	if (read_digits(&year, &text, 4) || year == 0)
		return -1;
	span_r->low = clock_day_us(year, 1, 1);
	span_r->high = clock_day_us(year + 1, 1, 1);
	if (!*text)
		return 0;
	if (*text++ != '-' || read_digits(&month, &text, 2) || month < 1 || month > 12)
		return -1;
	span_r->low = clock_day_us(year, month, 1);
	span_r->high = span_r->low + month_days(year, month) * 86400 * CLOCK_SECOND;
	if (!*text)
		return 0;
	if (*text++ != '-' || read_digits(&day, &text, 2) || *text || day < 1 || day > month_days(year, month))
		return -1;
	span_r->low = clock_day_us(year, month, day);
	span_r->high = span_r->low + 86400 * CLOCK_SECOND;
	return 0;
}

static unsigned unit_shift(char unit)
{
	switch (unit) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	default:
		return 0;
	}
}

static int read_size(struct query_range *span_r, const char *text)
{
	size_t n = strlen(text);
	unsigned shift = n ? unit_shift(text[n - 1]) : 0;
	_free_ char *number = mem_dup(text, shift ? n - 1 : n);
	uint64_t value;

	if (str_parse_u64(&value, number, (uint64_t)(INT64_MAX - 1) >> shift))
		return -1;
	span_r->low = (int64_t)(value << shift);
	span_r->high = span_r->low + 1;
	return 0;
}

/* A..B, with either end left out but not both, and the later one behind. */
static int read_between(struct query_range *r_r, const char *text, const char *dots, span_reader *read)
{
	_free_ char *from = mem_dup(text, (size_t)(dots - text));
	const char *to = dots + 2;
	struct query_range span;

	*r_r = (struct query_range){ INT64_MIN, INT64_MAX };
	if (!*from && !*to)
		return -1;
	if (*from) {
		if (read(&span, from))
			return -1;
		r_r->low = span.low;
	}
	if (*to) {
		if (read(&span, to))
			return -1;
		r_r->high = span.high;
	}
	return r_r->low < r_r->high ? 0 : -1;
}

static int read_range(struct query_range *r_r, const char *text, span_reader *read)
{
	const char *dots = strstr(text, "..");
	char sign = *text == '<' || *text == '>' ? *text : '\0';
	bool equal = sign && text[1] == '=';
	struct query_range span;

	if (dots)
		return read_between(r_r, text, dots, read);
	if (read(&span, text + (sign ? 1 : 0) + (equal ? 1 : 0)))
		return -1;
	*r_r = span;
	if (sign == '>')
		*r_r = (struct query_range){ equal ? span.low : span.high, INT64_MAX };
	if (sign == '<')
		*r_r = (struct query_range){ INT64_MIN, equal ? span.high : span.low };
	return 0;
}

int query_range_date(struct query_range *r_r, const char *text)
{
	return read_range(r_r, text, read_date);
}

int query_range_size(struct query_range *r_r, const char *text)
{
	return read_range(r_r, text, read_size);
}

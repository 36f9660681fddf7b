#include "base/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_day_us(int year, int month, int day)
{
	/* days from civil: years start in March, so that the leap day is the last of its year */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (era * 146097 + day_of_era - 719468) * 86400 * CLOCK_SECOND;
}

/* The day of the calendar so many days after 1970-01-01: clock_day_us() backwards. */
static void civil(int64_t days, int64_t *year_r, int *month_r, int *day_r)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (int)((5 * day_of_year + 2) / 153); /* from March */

	*day_r = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	*month_r = month < 10 ? month + 3 : month - 9;
	*year_r = year_of_era + era * 400 + (*month_r <= 2);
}

/* Not with gmtime_r(): it takes the time zone's lock, which all threads share. */
char *clock_format(char text[CLOCK_TEXT_SIZE], int64_t us)
{
	const int64_t day_us = 86400 * CLOCK_SECOND;
	int64_t days = us / day_us - (us % day_us < 0), rest = us - days * day_us, year;
	int second = (int)(rest / CLOCK_SECOND), fraction = (int)(rest % CLOCK_SECOND), month, day;

	civil(days, &year, &month, &day);
	int n = snprintf(text, CLOCK_TEXT_SIZE, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", year, month, day,
		second / 3600, second / 60 % 60, second % 60);

	if (fraction)
		snprintf(text + n, CLOCK_TEXT_SIZE - (size_t)n, ".%06dZ", fraction);
	else
		snprintf(text + n, CLOCK_TEXT_SIZE - (size_t)n, "Z");
	return text;
}

/* Reads exactly `digits` decimal digits. */
static int number(const char **p, int digits, int *value_r)
{
	int value = 0;

	for (int i = 0; i < digits; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return -1;
		value = value * 10 + (**p - '0');
	}
	*value_r = value;
	return 0;
}

static int literal(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static int parse_day(const char **p, int64_t *us_r)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;

	if (number(p, 4, &year) || literal(p, '-') || number(p, 2, &month) || literal(p, '-') || number(p, 2, &day))
		return -1;
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return -1;
	if (month == 2 && day == 29 && (year % 4 || (year % 100 == 0 && year % 400)))
		return -1;
	*us_r = clock_day_us(year, month, day);
	return 0;
}

static int parse_fraction(const char **p, int *us_r)
{
	int scale = 100000;

	*us_r = 0;
	if (**p != '.')
		return 0;
	(*p)++;
	if (!isdigit((unsigned char)**p))
		return -1;
	for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
		*us_r += (**p - '0') * scale;
	return 0;
}

static int parse_offset(const char **p, int *seconds_r)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes;

	*seconds_r = 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return -1;
	(*p)++;
	if (number(p, 2, &hours) || literal(p, ':') || number(p, 2, &minutes) || hours > 23 || minutes > 59)
		return -1;
	*seconds_r = sign * (hours * 3600 + minutes * 60);
	return 0;
}

/* Can clock_format() write it so that it can be read again? An offset or a leap second may lead out of these years. */
static bool has_four_digits(int64_t us)
{
	return us >= clock_day_us(0, 1, 1) && us < clock_day_us(10000, 1, 1);
}

int clock_parse(int64_t *us_r, const char *text)
{
	const char *p = text;
	int hour, minute, second, fraction, offset;

	if (parse_day(&p, us_r))
		return -1;
	if (!*p)
		return 0;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return -1;
	p++;
	if (number(&p, 2, &hour) || literal(&p, ':') || number(&p, 2, &minute) || literal(&p, ':') ||
		number(&p, 2, &second) || parse_fraction(&p, &fraction) || parse_offset(&p, &offset) || *p)
		return -1;
	if (hour > 23 || minute > 59 || second > 60)
		return -1;
	*us_r += (hour * 3600 + minute * 60 + second - offset) * CLOCK_SECOND + fraction;
	return has_four_digits(*us_r) ? 0 : -1;
}

/* clock: points in time as microseconds since 1970-01-01 UTC (int64_t, suffix _us), and their RFC 3339 text. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/mem.h"

#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000)
#define CLOCK_TEXT_SIZE 32

/* Wall-clock time. */
int64_t clock_now_us(void);

/* Time that never goes back, for time-outs and durations; its origin means nothing. */
int64_t clock_monotonic_us(void);

/* "2026-11-22T17:31:00Z", with ".123456" behind the seconds when they are not whole. Returns text. */
char *clock_format(char text[CLOCK_TEXT_SIZE], int64_t us);

/* Reads RFC 3339 (any offset, 6 digits of a fraction kept) or "YYYY-MM-DD" (midnight UTC); -1 otherwise, and out of years 0 to 9999. */
int clock_parse(int64_t *us_r, const char *text) MUST_CHECK;

/* The first instant of a day of the proleptic Gregorian calendar, UTC; month 1..12, day 1..31 are the caller's to check. */
int64_t clock_day_us(int year, int month, int day);

#endif

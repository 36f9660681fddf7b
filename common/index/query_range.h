/* query_range: the values of date: and size: as half-open ranges of numbers. Pure. */
#ifndef INDEX_QUERY_RANGE_H
#define INDEX_QUERY_RANGE_H

#include "base/mem.h"

#include <stdint.h>

struct query_range {
	int64_t low, high; /* low <= value < high; INT64_MIN and INT64_MAX stand for open ends */
};

/* 2011, 2011-06, 2011-06-15, A..B (B's day, month or year included; either may be left out), >=A >A <=A <A: UTC days,
 * in microseconds. -1 when it is none of these, no such day exists or A comes after B. */
int query_range_date(struct query_range *r_r, const char *text) MUST_CHECK;

/* Bytes, with K, M or G (1024) behind the number: 1000 (exactly), A..B (both included), >=A >A <=A <A. -1 as above. */
int query_range_size(struct query_range *r_r, const char *text) MUST_CHECK;

#endif

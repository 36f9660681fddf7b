/* index_fts_row: row numbers of the embedded index.
 *
 *	row = seconds of the message's date (clamped to 1970 .. 2^40) << 16 | a place within the second
 *
 * So newest first is row descending, a span of time is a range of rows, and a row number is all that a cursor needs. Small
 * numbers matter: FTS5 stores the distance to the row before with every word of every message.
 *
 * The place comes from this message alone, so it tells nothing about what else there is: the fraction of the second, or
 * for a whole second (as a Date header gives) how long after it the message was archived: messages of one second stand
 * in the order of arrival. Pure. */
#ifndef INDEX_INDEX_FTS_ROW_H
#define INDEX_INDEX_FTS_ROW_H

#include "base/uuid.h"

#include <stdbool.h>

#define FTS_ROW_PLACES 65536

/* The row where the search for a free one begins, and the next one to try when `tried` were taken. */
int64_t fts_row_of(int64_t date_us, const struct uuid *id, unsigned tried);

struct fts_rows {
	int64_t low, high; /* both included */
	bool exact;	   /* else rows at the edges need their date looked at */
};

/* The rows of low_us <= date < high_us (INT64_MIN, INT64_MAX: open). */
struct fts_rows fts_rows_between(int64_t low_us, int64_t high_us);

#define FTS_CURSOR_SIZE 25

/* The cursor of the page behind `row`; returns text. */
char *fts_cursor_format(char text[FTS_CURSOR_SIZE], int64_t row);

/* -1 when it is none of ours. */
int fts_cursor_parse(int64_t *row_r, const char *text) MUST_CHECK;

#endif

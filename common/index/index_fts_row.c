#include "index/index_fts_row.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND_MAX (INT64_C(1) << 40)
#define TRIES_A_SECOND 64 /* then on to the next: this one is as good as full */

static int64_t clamped_second(int64_t us)
{
	int64_t second = us / CLOCK_SECOND;

	return us < 0 ? 0 : second > SECOND_MAX ? SECOND_MAX : second;
}

/* Bits of the id that don't come from its time. */
static uint32_t random_bits(const struct uuid *id)
{
	return (uint32_t)id->bytes[12] << 24 | (uint32_t)id->bytes[13] << 16 | (uint32_t)id->bytes[14] << 8 |
		id->bytes[15];
}

static uint64_t first_place(int64_t date_us, const struct uuid *id)
{
	int64_t fraction = date_us < 0 ? 0 : date_us % CLOCK_SECOND;

	if (fraction)
		return (uint64_t)(fraction * FTS_ROW_PLACES / CLOCK_SECOND);
	return ((uint64_t)uuid_time_us(id) - (uint64_t)date_us) / 1000;
}

int64_t fts_row_of(int64_t date_us, const struct uuid *id, unsigned tried)
{
	int64_t second = clamped_second(date_us) + tried / TRIES_A_SECOND;
	uint64_t step = random_bits(id) | 1u; /* odd: comes to every place */
	uint64_t place = (first_place(date_us, id) + step * tried) % FTS_ROW_PLACES;

	return second * FTS_ROW_PLACES + (int64_t)place;
}

static bool is_exact(int64_t us)
{
	return us == INT64_MIN || us == INT64_MAX ||
		(us > 0 && us % CLOCK_SECOND == 0 && us / CLOCK_SECOND <= SECOND_MAX);
}

struct fts_rows fts_rows_between(int64_t low_us, int64_t high_us)
{
	struct fts_rows r = { 0, INT64_MAX, is_exact(low_us) && is_exact(high_us) };

	if (low_us >= high_us)
		return (struct fts_rows){ 1, 0, true };
	if (low_us != INT64_MIN)
		r.low = clamped_second(low_us) * FTS_ROW_PLACES;
	if (high_us != INT64_MAX)
		r.high = clamped_second(high_us - 1) * FTS_ROW_PLACES + FTS_ROW_PLACES - 1;
	return r;
}

/* ---- cursors ---- */

/* Against typing errors and foreign cursors, not against malice: a made-up row shows nothing but what is in scope. */
static uint32_t check_of(uint64_t row)
{
	uint32_t hash = 2166136261u;

	for (int i = 0; i < 8; i++)
		hash = (hash ^ (uint32_t)(row >> (8 * i) & 0xff)) * 16777619u;
	return hash;
}

char *fts_cursor_format(char text[FTS_CURSOR_SIZE], int64_t row)
{
	snprintf(text, FTS_CURSOR_SIZE, "%016" PRIx64 "%08" PRIx32, (uint64_t)row, check_of((uint64_t)row));
	return text;
}

int fts_cursor_parse(int64_t *row_r, const char *text)
{
	char again[FTS_CURSOR_SIZE];
	uint64_t row;

	if (strlen(text) != FTS_CURSOR_SIZE - 1 || sscanf(text, "%16" SCNx64, &row) != 1 || row > INT64_MAX)
		return -1;
	*row_r = (int64_t)row;
	return strcmp(fts_cursor_format(again, *row_r), text) == 0 ? 0 : -1;
}

#include "index/facets.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static struct tm broken_down(int64_t date_us)
{
	time_t seconds = (time_t)(date_us / CLOCK_SECOND - (date_us % CLOCK_SECOND < 0));
	struct tm t;

	gmtime_r(&seconds, &t);
	return t;
}

static void format(char text[FACETS_MONTH_SIZE], const struct tm *t)
{
	snprintf(text, FACETS_MONTH_SIZE, "%04u-%02u", (unsigned)(t->tm_year + 1900) % 10000, (unsigned)(t->tm_mon + 1) % 100);
}

char *facets_month(char text[FACETS_MONTH_SIZE], int64_t date_us)
{
	struct tm t = broken_down(date_us);

	format(text, &t);
	return text;
}

static int64_t first_of_month(int year, int month)
{
	struct tm t = { .tm_year = year, .tm_mon = month, .tm_mday = 1 };

	return (int64_t)timegm(&t) * CLOCK_SECOND;
}

void facets_month_move(struct facets_month *m, int64_t date_us)
{
	if (date_us >= m->from_us && date_us < m->until_us)
		return;
	struct tm t = broken_down(date_us);

	format(m->text, &t);
	m->from_us = first_of_month(t.tm_year, t.tm_mon);
	m->until_us = first_of_month(t.tm_year, t.tm_mon + 1);
}

void facets_take(struct tally *t, enum index_facet f, struct index_facet_list *list_r)
{
	if (f == FACET_MONTH)
		tally_take(t, TALLY_LAST, INDEX_FACET_MONTHS, list_r);
	else
		tally_take(t, TALLY_FREQUENT, INDEX_FACET_VALUES, list_r);
}

void facets_take_groups(const struct index_facets_request *r, const uint64_t *counts, struct index_facet_list *list)
{
	free(list->values);
	list->values = MEM_ARRAY(struct index_value, r->group_count);
	list->n = 0;
	for (size_t g = 0; g < r->group_count; g++)
		if (counts[g])
			list->values[list->n++] = (struct index_value){ mem_strdup(r->groups[g].name), counts[g] };
	tally_sort(list, TALLY_FREQUENT, INDEX_FACET_VALUES);
}

#include "index/tally.h"

#include <search.h>
#include <string.h>

static int compare_texts(const void *a, const void *b)
{
	return strcmp(((const struct index_value *)a)->value, ((const struct index_value *)b)->value);
}

void tally_add(struct tally *t, const char *text, size_t n)
{
	struct index_value *fresh = MEM_NEW(struct index_value), **place;

	fresh->value = mem_dup(text, n);
	place = tsearch(fresh, &t->root, compare_texts);
	if (!place)
		abort(); /* out of memory */
	if (*place == fresh) {
		t->n++;
	} else {
		free(fresh->value);
		free(fresh);
	}
	(*place)->count++;
}

/* ---- taking it ---- */

static int compare_frequency(const void *a, const void *b)
{
	uint64_t x = ((const struct index_value *)a)->count, y = ((const struct index_value *)b)->count;

	return x != y ? (x < y ? 1 : -1) : compare_texts(a, b);
}

static int compare_last(const void *a, const void *b)
{
	return compare_texts(b, a);
}

void tally_sort(struct index_facet_list *list, enum tally_order order, size_t max)
{
	qsort(list->values, list->n, sizeof(*list->values), order == TALLY_LAST ? compare_last : compare_frequency);
	list->more |= list->n > max;
	while (list->n > max)
		free(list->values[--list->n].value);
}

static void take_node(const void *node, VISIT when, void *arg)
{
	struct index_facet_list *list = arg;

	if (when == postorder || when == leaf) /* in the middle of its subtrees: once */
		list->values[list->n++] = **(struct index_value *const *)node;
}

void tally_take(struct tally *t, enum tally_order order, size_t max, struct index_facet_list *list_r)
{
	list_r->values = MEM_ARRAY(struct index_value, t->n);
	list_r->n = 0;
	list_r->more = false;
	twalk_r(t->root, take_node, list_r);
	tdestroy(t->root, free); /* the texts are the list's now */
	*t = (struct tally){ 0 };
	tally_sort(list_r, order, max);
}

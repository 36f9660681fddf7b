#include "index/tally.h"

#include <search.h>
#include <string.h>

/* What a tree holds; a key is one whose text belongs to somebody else. */
struct counted {
	char *text;
	size_t n;
	uint64_t count;
};

static int compare_counted(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static struct counted *add_counted(struct tally *t, const struct counted *key)
{
	struct counted *fresh = MEM_NEW(struct counted);

	*fresh = (struct counted){ .text = mem_dup(key->text, key->n), .n = key->n };
	if (!tsearch(fresh, &t->root, compare_counted))
		abort(); /* out of memory */
	t->n++;
	return fresh;
}

void tally_add(struct tally *t, const char *text, size_t n, uint64_t count)
{
	const struct counted key = { .text = (char *)(uintptr_t)text, .n = n };
	struct counted *const *place = tfind(&key, &t->root, compare_counted);
	struct counted *found = place ? *place : add_counted(t, &key);

	found->count += count;
}

/* ---- taking it ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(((const struct index_value *)a)->value, ((const struct index_value *)b)->value);
}

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

static void free_counted(void *node)
{
	struct counted *e = node;

	free(e->text);
	free(e);
}

void tally_deinit(struct tally *t)
{
	tdestroy(t->root, free_counted);
	*t = (struct tally){ 0 };
}

static void take_node(const void *node, VISIT when, void *arg)
{
	const struct counted *e = *(struct counted *const *)node;
	struct index_facet_list *list = arg;

	if (when == postorder || when == leaf) /* in the middle of its subtrees: once */
		list->values[list->n++] = (struct index_value){ e->text, e->count };
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

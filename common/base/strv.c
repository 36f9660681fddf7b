#include "base/strv.h"

#include "base/buf.h"

#include <string.h>

void strv_add(struct strv *v, const char *s)
{
	if ((v->n & (v->n - 1)) == 0) /* full at every power of two */
		v->items = mem_realloc(v->items, v->n ? v->n * 2 : 1, sizeof(*v->items));
	v->items[v->n++] = mem_strdup(s);
}

bool strv_has(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->items[i], s) == 0)
			return true;
	return false;
}

bool strv_add_unique(struct strv *v, const char *s)
{
	if (strv_has(v, s))
		return false;
	strv_add(v, s);
	return true;
}

void strv_split(struct strv *v, const char *text, const char *separators)
{
	while (*(text += strspn(text, separators))) {
		size_t n = strcspn(text, separators);
		_free_ char *piece = mem_dup(text, n);

		strv_add(v, piece);
		text += n;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->n)
		qsort(v->items, v->n, sizeof(*v->items), compare);
}

struct place {
	const char *text;
	size_t at;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

void strv_dedup(struct strv *v)
{
	_free_ struct place *places = MEM_ARRAY(struct place, v->n);
	const char *first = NULL;
	size_t kept = 0;

	if (v->n < 2)
		return;
	for (size_t i = 0; i < v->n; i++)
		places[i] = (struct place){ v->items[i], i };
	qsort(places, v->n, sizeof(*places), compare_places);
	for (size_t i = 0; i < v->n; i++) {
		if (first && strcmp(first, places[i].text) == 0) {
			free(v->items[places[i].at]);
			v->items[places[i].at] = NULL;
		} else {
			first = places[i].text;
		}
	}
	for (size_t i = 0; i < v->n; i++)
		if (v->items[i])
			v->items[kept++] = v->items[i];
	v->n = kept;
}

char *strv_join(const struct strv *v, const char *separator)
{
	size_t step = strlen(separator), total = 1;

	for (size_t i = 0; i < v->n; i++)
		total += strlen(v->items[i]) + step;
	char *text = mem_alloc(total, 1), *to = text;

	for (size_t i = 0; i < v->n; i++) {
		to = stpcpy(to, i ? separator : "");
		to = stpcpy(to, v->items[i]);
	}
	return text;
}

void strv_deinit(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){ 0 };
}

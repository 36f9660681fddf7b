#include "cli/department_plan.h"

#include "mail/address.h"
#include "meta/account.h"
#include "meta/department.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 500

void department_plan_deinit(struct department_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].name);
		strv_deinit(&p->items[i].added);
		strv_deinit(&p->items[i].gone);
	}
	free(p->items);
	*p = (struct department_plan){ 0 };
}

void department_normalize(struct strv *mailboxes)
{
	struct strv normal = { 0 };

	for (size_t i = 0; i < mailboxes->n; i++) {
		_free_ char *one = address_normalize(mailboxes->items[i]);

		strv_add(&normal, one);
	}
	strv_deinit(mailboxes);
	strv_dedup(&normal);
	strv_sort(&normal);
	*mailboxes = normal;
}

/* ---- comparing ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool stands_in(const struct strv *sorted, const char *text)
{
	return sorted && sorted->n && bsearch(&text, sorted->items, sorted->n, sizeof(*sorted->items), compare_texts);
}

/* Adds to *v what is in a and neither in b nor in c, which are sorted. */
static void add_others(struct strv *v, const struct strv *a, const struct strv *b, const struct strv *c)
{
	for (size_t i = 0; i < a->n; i++)
		if (!stands_in(b, a->items[i]) && !stands_in(c, a->items[i]))
			strv_add(v, a->items[i]);
}

static void compare(struct department_difference *d, const struct strv *wanted, struct strv *has, const struct strv *keep)
{
	CLEANUP(strv_deinit) struct strv normal = { 0 };

	for (size_t i = 0; wanted && i < wanted->n; i++)
		strv_add(&normal, wanted->items[i]);
	department_normalize(&normal);
	strv_sort(has);
	d->before = has->n;
	add_others(&d->added, &normal, has, NULL);
	add_others(&d->gone, has, &normal, keep);
}

static struct department_difference *new_item(struct department_plan *p, const char *name)
{
	p->items = mem_realloc(p->items, p->n + 1, sizeof(*p->items));
	p->items[p->n] = (struct department_difference){ .name = mem_strdup(name) };
	return &p->items[p->n++];
}

/* ---- departments that there are ---- */

struct planning {
	struct department_plan *plan;
	struct meta *meta;
	const struct department_list *wanted;
	bool of_directory;
	const struct strv *keep;
};

static int look_at(struct planning *p, const struct department *d, struct err *e)
{
	const struct department_wanted *w = department_list_find(p->wanted, d->name);
	CLEANUP(strv_deinit) struct strv has = { 0 };

	if (!w && !(p->of_directory && d->directory))
		return 0;
	int found = meta_department_mailboxes(p->meta, d->name, &has, e);

	if (found <= 0)
		return found;
	struct department_difference *item = new_item(p->plan, d->name);

	item->adopted = p->of_directory && !d->directory;
	item->accounts = d->accounts;
	compare(item, w ? &w->mailboxes : NULL, &has, p->keep);
	return 0;
}

/* -1, or how many there were; the last one's name takes the place of *after. */
static int look_at_page(struct planning *p, char **after, struct err *e)
{
	struct department *list;
	size_t n;
	int rc = 0;

	if (meta_department_list(p->meta, *after, PAGE, &list, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = look_at(p, &list[i], e);
	if (n) {
		free(*after);
		*after = mem_strdup(list[n - 1].name);
	}
	department_list_free(list, n);
	return rc < 0 ? -1 : (int)n;
}

static int look_at_all(struct planning *p, struct err *e)
{
	_free_ char *after = mem_strdup("");
	int n;

	while ((n = look_at_page(p, &after, e)) == PAGE)
		;
	return n < 0 ? -1 : 0;
}

/* ---- all of them ---- */

static int compare_items(const void *a, const void *b)
{
	const struct department_difference *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void sort_items(struct department_plan *p)
{
	if (p->n)
		qsort(p->items, p->n, sizeof(*p->items), compare_items);
}

/* Those that there are stand in the plan already, sorted. */
static void add_new(struct planning *p)
{
	const size_t old = p->plan->n;

	for (size_t i = 0; i < p->wanted->n; i++) {
		const struct department_wanted *w = &p->wanted->items[i];
		const struct department_difference key = { .name = w->name };
		struct strv none = { 0 };

		if (old && bsearch(&key, p->plan->items, old, sizeof(key), compare_items))
			continue;
		struct department_difference *item = new_item(p->plan, w->name);

		item->is_new = true;
		compare(item, &w->mailboxes, &none, NULL);
	}
	sort_items(p->plan);
}

int department_plan_make(struct department_plan *p_r, struct meta *m, const struct department_list *wanted, bool of_directory,
	const struct strv *keep, struct err *e)
{
	*p_r = (struct department_plan){ 0 };
	struct planning p = { p_r, m, wanted, of_directory, keep };

	if (look_at_all(&p, e) < 0) {
		department_plan_deinit(p_r);
		return -1;
	}
	sort_items(p_r);
	add_new(&p);
	return 0;
}

bool department_is_unchanged(const struct department_difference *d, bool remove)
{
	return !d->is_new && !d->adopted && !d->added.n && !(remove && d->gone.n);
}

struct department_count department_plan_count(const struct department_plan *p, bool remove)
{
	struct department_count c = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		const struct department_difference *d = &p->items[i];
		bool same = department_is_unchanged(d, remove);

		c.made += d->is_new;
		c.changed += !d->is_new && !same;
		c.unchanged += same;
		c.before += d->before;
		c.added += d->added.n;
		c.gone += d->gone.n;
	}
	return c;
}

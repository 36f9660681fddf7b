#include "queryd/facets.h"

#include <string.h>

#define MEMBERS_MAX 50000 /* mailboxes of all departments together; more departments are left out */

static const char *const names[FACETS] = {
	[FACET_SENDER] = "sender",
	[FACET_DEPARTMENT] = "department",
	[FACET_MONTH] = "month",
	[FACET_ATTACHMENT_TYPE] = "attachment_type",
};

static int find_name(const char *name)
{
	for (int f = 0; f < FACETS; f++)
		if (strcmp(names[f], name) == 0)
			return f;
	return -1;
}

int facets_read(struct call *c, const struct strv *list, unsigned *wanted_r)
{
	*wanted_r = 0;
	for (size_t i = 0; i < list->n; i++) {
		int f = find_name(list->items[i]);

		if (f < 0) {
			response_problem_at(&c->response, "facets", -1,
				"There are facets by sender, department, month and attachment_type.");
			return -1;
		}
		*wanted_r |= 1u << f;
	}
	return 0;
}

/* ---- departments ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Drops the mailboxes that are not in the scope, in which departments are looked into. */
static void narrow(struct department_groups *g, const struct scope *scope)
{
	const struct strv *within = scope_mailboxes(scope);

	for (size_t i = 0; !scope_is_all(scope) && i < g->n; i++) {
		struct strv *list = &g->list[i].mailboxes;
		size_t kept = 0;

		for (size_t k = 0; k < list->n; k++)
			if (within->n && bsearch(&list->items[k], within->items, within->n, sizeof(*within->items), compare))
				list->items[kept++] = list->items[k];
			else
				free(list->items[k]);
		list->n = kept;
	}
}

static int read_groups(struct call *c, const struct scope *scope, struct department_groups *g, struct err *e)
{
	if (meta_department_groups(c->service->meta, MEMBERS_MAX, g, e) < 0)
		return -1;
	narrow(g, scope);
	return 0;
}

/* ---- the request ---- */

const struct index_facets_request *facets_ask(struct call *c, const struct scope *scope, const struct search_request *r, struct facets *f)
{
	struct err e;

	*f = (struct facets){ .groups.whole = true };
	if (!r->facets)
		return NULL;
	if (r->facets & 1u << FACET_DEPARTMENT && read_groups(c, scope, &f->groups, &e) < 0) {
		log_warn(&c->log, "%s", e.text);
		return NULL;
	}
	f->list = MEM_ARRAY(struct index_group, f->groups.n);
	for (size_t i = 0; i < f->groups.n; i++)
		f->list[i] = (struct index_group){ f->groups.list[i].name, &f->groups.list[i].mailboxes };
	f->request = (struct index_facets_request){ .wanted = r->facets, .groups = f->list, .group_count = f->groups.n,
		.time_us = INDEX_FACETS_US };
	return &f->request;
}

void facets_deinit(struct facets *f)
{
	department_groups_deinit(&f->groups);
	free(f->list);
}

/* ---- the answer ---- */

static cJSON *present(const struct index_facet_list *list)
{
	cJSON *j = cJSON_CreateObject(), *values = cJSON_CreateArray();

	json_add_item(j, "values", values);
	for (size_t i = 0; i < list->n; i++) {
		cJSON *value = cJSON_CreateObject();

		json_add_str(value, "value", list->values[i].value);
		json_add_u64(value, "count", list->values[i].count);
		cJSON_AddItemToArray(values, value);
	}
	json_add_bool(j, "more", list->more);
	json_add_bool(j, "exact", list->exact);
	return j;
}

void facets_add(struct call *c, const struct facets *f, const struct search_request *r, struct index_page *page, cJSON *answer)
{
	struct index_facet_list *lists = page->facets.of;

	if (!r->facets)
		return;
	if (!page->has_facets) {
		if (page->facets_error.class)
			log_warn(&c->log, "%s", page->facets_error.text);
		cJSON_AddNullToObject(answer, "facets");
		return;
	}
	cJSON *object = cJSON_CreateObject();

	lists[FACET_DEPARTMENT].more |= !f->groups.whole;
	lists[FACET_DEPARTMENT].exact &= f->groups.whole;
	for (int k = 0; k < FACETS; k++)
		if (r->facets & 1u << k)
			json_add_item(object, names[k], present(&lists[k]));
	json_add_item(answer, "facets", object);
}

#include "queryd/facets.h"

#include "meta/department_group.h"

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

static int count(struct call *c, struct index *index, const struct scope *scope, const struct search_request *r,
	struct index_facets *f_r, struct err *e)
{
	CLEANUP(department_groups_deinit) struct department_groups groups = { .whole = true };

	if (r->facets & 1u << FACET_DEPARTMENT && read_groups(c, scope, &groups, e) < 0)
		return -1;
	_free_ struct index_group *list = MEM_ARRAY(struct index_group, groups.n);
	const struct index_facets_request request = { .query = r->query, .wanted = r->facets, .groups = list,
		.group_count = groups.n, .time_us = INDEX_FACETS_US };

	for (size_t i = 0; i < groups.n; i++)
		list[i] = (struct index_group){ groups.list[i].name, &groups.list[i].mailboxes };
	if (index_facets_count(index, scope, &request, f_r, e) < 0)
		return -1;
	f_r->of[FACET_DEPARTMENT].more |= !groups.whole;
	f_r->of[FACET_DEPARTMENT].exact &= groups.whole;
	return 0;
}

void facets_add(struct call *c, struct index *index, const struct scope *scope, const struct search_request *r, cJSON *answer)
{
	CLEANUP(index_facets_deinit) struct index_facets facets = { 0 };
	struct err e;

	if (!r->facets)
		return;
	if (count(c, index, scope, r, &facets, &e) < 0) {
		log_warn(&c->log, "%s", e.text);
		cJSON_AddNullToObject(answer, "facets");
		return;
	}
	cJSON *object = cJSON_CreateObject();

	for (int f = 0; f < FACETS; f++)
		if (r->facets & 1u << f)
			json_add_item(object, names[f], present(&facets.of[f]));
	json_add_item(answer, "facets", object);
}

#include "workerd/export_list.h"

#include "index/index.h"
#include "sys/json.h"

#include <string.h>

struct export_list {
	const struct scope *scope;
	struct uuid *ids; /* those at hand */
	size_t n, at;
	bool given;
	uint64_t total;
	bool total_known;
	/* of a query */
	struct index *index;
	struct query *query;
	char *cursor; /* of the next page; NULL: there is none */
};

static int read_ids(struct export_list *l, const cJSON *ids, struct err *e)
{
	const cJSON *item;

	l->given = l->total_known = true;
	l->total = (uint64_t)cJSON_GetArraySize(ids);
	l->ids = MEM_ARRAY(struct uuid, l->total);
	cJSON_ArrayForEach(item, ids)
		if (!cJSON_IsString(item) || uuid_parse(&l->ids[l->n++], item->valuestring))
			return err_permanent(e, "export_list failed: one of the ids is none");
	return 0;
}

/* Takes a page of the query's hits. */
static int turn_page(struct export_list *l, struct err *e)
{
	CLEANUP(index_page_deinit) struct index_page page = { 0 };
	const struct index_request r = { .query = l->query, .limit = INDEX_PAGE_MAX, .cursor = l->cursor, .links = true };

	if (index_search(l->index, l->scope, &r, &page, e))
		return -1;
	for (l->at = l->n = 0; l->n < page.n; l->n++)
		l->ids[l->n] = page.hits[l->n].id;
	free(l->cursor);
	l->cursor = page.next;
	page.next = NULL;
	return 0;
}

static int count(struct export_list *l, struct err *e)
{
	CLEANUP(index_page_deinit) struct index_page page = { 0 };
	const struct index_request r = { .query = l->query, .limit = 1 };

	if (index_search(l->index, l->scope, &r, &page, e))
		return -1;
	l->total = page.total;
	l->total_known = page.total_exact;
	return 0;
}

static int begin_query(struct export_list *l, const struct conf *conf, const cJSON *request, struct err *e)
{
	struct query_error error;
	const char *text = "";

	if (json_get_str(request, "query", &text) < 0 || query_parse(&l->query, text, &error))
		return err_permanent(e, "export_list failed: the query can't be read");
	l->ids = MEM_ARRAY(struct uuid, INDEX_PAGE_MAX);
	if (index_open(&l->index, conf, INDEX_READ, e)) {
		e->class = ERR_TEMPORARY; /* it is mended, or built anew */
		return -1;
	}
	return count(l, e) || turn_page(l, e) ? -1 : 0;
}

int export_list_open(struct export_list **l_r, const struct conf *conf, const struct scope *scope, const char *request,
	struct err *e)
{
	CLEANUP(export_list_freep) struct export_list *l = MEM_NEW(struct export_list);
	_json_ cJSON *j = json_parse(request, strlen(request), e);

	if (!j)
		return -1;
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(j, "ids");

	l->scope = scope;
	if (cJSON_IsArray(ids) ? read_ids(l, ids, e) : begin_query(l, conf, j, e))
		return -1;
	*l_r = l;
	l = NULL;
	return 0;
}

void export_list_freep(struct export_list **lp)
{
	struct export_list *l = *lp;

	*lp = NULL;
	if (!l)
		return;
	if (l->index)
		index_closep(&l->index);
	query_freep(&l->query);
	free(l->cursor);
	free(l->ids);
	free(l);
}

bool export_list_is_given(const struct export_list *l)
{
	return l->given;
}

bool export_list_total(const struct export_list *l, uint64_t *total_r)
{
	*total_r = l->total;
	return l->total_known;
}

int export_list_next(struct export_list *l, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e)
{
	if (l->at == l->n && l->cursor && turn_page(l, e))
		return -1;
	size_t left = l->n - l->at, n = left < max ? left : max;

	memcpy(ids_r, l->ids + l->at, n * sizeof(*ids_r));
	l->at += n;
	*n_r = n;
	return 0;
}

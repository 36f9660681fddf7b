#include "workerd/export_list.h"

#include "index/index.h"
#include "sys/json.h"

#include <string.h>

#define AT_HAND (INDEX_PAGE_MAX + EXPORT_LIST_AHEAD)

struct export_list {
	const struct scope *scope;
	struct uuid *ids; /* those at hand, from the first that is not done */
	size_t n, done, at;
	bool given;
	uint64_t total;
	bool total_known;
	/* of a query */
	struct index *index;
	struct query *query;
	bool fresh;   /* no page was taken yet */
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

/* Takes a page of the query's hits behind those that are not done. */
static int turn_page(struct export_list *l, struct err *e)
{
	CLEANUP(index_page_deinit) struct index_page page = { 0 };
	const struct index_request r = { .query = l->query, .limit = INDEX_PAGE_MAX, .cursor = l->cursor, .links = true };

	if (index_search(l->index, l->scope, &r, &page, e))
		return -1;
	l->n = l->at = l->n - l->done;
	memmove(l->ids, l->ids + l->done, l->n * sizeof(*l->ids));
	l->done = 0;
	for (size_t i = 0; i < page.n; i++)
		l->ids[l->n++] = page.hits[i].id;
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
	l->ids = MEM_ARRAY(struct uuid, AT_HAND);
	if (index_open(&l->index, conf, INDEX_READ, e)) {
		e->class = ERR_TEMPORARY; /* it is mended, or built anew */
		return -1;
	}
	l->fresh = true;
	return 0;
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

int export_list_total(struct export_list *l, uint64_t *total_r, bool *known_r, struct err *e)
{
	if (!l->given && count(l, e))
		return -1;
	*total_r = l->total;
	*known_r = l->total_known;
	return 0;
}

int export_list_next(struct export_list *l, struct uuid *ids_r, size_t max, size_t *n_r, struct err *e)
{
	if (l->at == l->n && (l->fresh || l->cursor) && turn_page(l, e))
		return -1;
	size_t left = l->n - l->at, room = EXPORT_LIST_AHEAD - (l->at - l->done), n = left < max ? left : max;

	l->fresh = false;
	n = n < room ? n : room;
	memcpy(ids_r, l->ids + l->at, n * sizeof(*ids_r));
	l->at += n;
	*n_r = n;
	return 0;
}

void export_list_done(struct export_list *l)
{
	l->done++;
}

/* ---- going on ---- */

/* Which making of the index: places of one mean nothing in another. */
static int name_generation(struct export_list *l, char text_r[INDEX_GENERATION_SIZE], struct err *e)
{
	*text_r = '\0';
	return l->given ? 0 : index_generation(l->index, text_r, e);
}

int export_list_save(struct export_list *l, struct buf *state, struct err *e)
{
	char generation[INDEX_GENERATION_SIZE];

	if (name_generation(l, generation, e))
		return -1;
	size_t left = l->given ? 0 : l->n - l->done; /* what was asked for by id is in the request */
	bool failed = pack_str(state, generation) || pack_u8(state, l->fresh) || pack_u8(state, l->cursor != NULL) ||
		pack_str(state, l->cursor) || pack_u64(state, l->given ? l->done : left);

	for (size_t i = 0; i < left; i++)
		failed = failed || pack_bytes(state, l->ids[l->done + i].bytes, UUID_SIZE);
	return failed ? err_permanent(e, "save(export_list) failed: no room for it") : 0;
}

static int unreadable(struct err *e)
{
	return err_permanent(e, "resume(export_list) failed: what was saved can't be read");
}

static int resume_given(struct export_list *l, struct unpack *saved, struct err *e)
{
	uint64_t done = unpack_u64(saved);

	if (unpack_end(saved) || done > l->n)
		return unreadable(e);
	l->done = l->at = (size_t)done;
	return 0;
}

static int resume_query(struct export_list *l, struct unpack *saved, struct err *e)
{
	uint64_t left = unpack_u64(saved);

	if (left > AT_HAND)
		return unreadable(e);
	for (; l->n < left; l->n++) {
		size_t n;
		const uint8_t *id = unpack_bytes(saved, &n);

		if (n != UUID_SIZE)
			return unreadable(e);
		memcpy(l->ids[l->n].bytes, id, UUID_SIZE);
	}
	return unpack_end(saved) ? unreadable(e) : 0;
}

int export_list_resume(struct export_list *l, struct unpack *saved, struct err *e)
{
	_free_ char *then = unpack_str(saved);
	char now[INDEX_GENERATION_SIZE];

	if (!then)
		return unreadable(e);
	if (name_generation(l, now, e))
		return -1;
	if (strcmp(now, then) != 0)
		return err_permanent(e, "resume(export_list) failed: the index was made anew");
	l->fresh = unpack_u8(saved) != 0;
	bool has_cursor = unpack_u8(saved) != 0;
	_free_ char *cursor = unpack_str(saved);

	if (has_cursor) {
		l->cursor = cursor;
		cursor = NULL;
	}
	return l->given ? resume_given(l, saved, e) : resume_query(l, saved, e);
}

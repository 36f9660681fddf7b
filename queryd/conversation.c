#include "queryd/conversation.h"

#include "index/conversation.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/hit.h"
#include "queryd/read.h"

#include <string.h>

static void fail(struct call *c, const struct err *e, const char *detail)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, detail);
}

/* ---- the messages ---- */

static int compare_hits(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->date_us != y->date_us)
		return x->date_us < y->date_us ? -1 : 1;
	return memcmp(&x->id, &y->id, sizeof(x->id));
}

/* Those that are visible, the oldest first, as items of the list. */
static int add_messages(struct call *c, const struct scope *scope, const struct conversation *found, cJSON *items, struct err *e)
{
	_free_ struct hit *hits = MEM_ARRAY(struct hit, found->n);
	size_t n;

	if (hits_read(c, scope, found->ids, NULL, found->n, hits, &n, e) < 0)
		return -1;
	qsort(hits, n, sizeof(*hits), compare_hits);
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, hits[i].json);
	return 0;
}

static void answer(struct call *c, const struct scope *scope, const struct conversation *found)
{
	_json_ cJSON *j = cJSON_CreateObject();
	cJSON *items = cJSON_CreateArray();
	struct err e;

	json_add_item(j, "items", items);
	json_add_bool(j, "complete", found->whole);
	if (add_messages(c, scope, found, items, &e) < 0) {
		fail(c, &e, "The archive's database can't be read at the moment.");
		return;
	}
	uint64_t given = (uint64_t)cJSON_GetArraySize(items);

	response_json(&c->response, j);
	c->response.count = given;
	j = NULL;
}

/* One that is not indexed yet is alone, and that is not all there is to say. */
static void add_itself(struct conversation *found, const struct uuid *id)
{
	if (found->n)
		return;
	found->ids[found->n++] = *id;
	found->whole = false;
}

static void read_conversation(struct call *c)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);
	CLEANUP(conversation_deinit) struct conversation found = { 0 };
	struct err e;

	if (read_row(c, NULL, &row) < 0)
		return;
	struct index *index = service_index(c->service, &e);

	if (!index || conversation_find(index, scope, &row.id, &found, &e) < 0) {
		fail(c, &e, "The search index is not available at the moment; messages can still be read by their id.");
		return;
	}
	add_itself(&found, &row.id);
	answer(c, scope, &found);
}

const struct route conversation_routes[] = {
	{ .method = METHOD_GET,
		.pattern = ROUTE_V1 "/archive/emails/{id}/conversation",
		.permission = "ARCHIVE_READ",
		.action = "read.conversation",
		.fresh = true,
		.turn = true,
		.handle = read_conversation },
	{ 0 },
};

#include "queryd/list.h"

#include "base/hex.h"
#include "base/str.h"

#include <string.h>

const char *const list_parameters[] = { "limit", "cursor", NULL };

void list_deinit(struct list *l)
{
	free(l->after);
	*l = (struct list){ 0 };
}

static int read_limit(struct call *c, size_t *limit_r)
{
	const char *text = request_parameter(c->request, "limit");
	uint64_t limit = LIST_LIMIT_STANDARD;

	if (text && (str_parse_u64(&limit, text, LIST_LIMIT_MAX) < 0 || limit < 1)) {
		response_problem_at(&c->response, "limit", -1, "This must be a whole number from 1 to %d.", LIST_LIMIT_MAX);
		return -1;
	}
	*limit_r = limit;
	return 0;
}

static int refuse_cursor(struct call *c)
{
	response_problem_at(&c->response, "cursor", -1, "This is no cursor of this list.");
	return -1;
}

/* A cursor is the key in hexadecimal, so that nobody takes it for something to be made up. */
static int read_cursor(struct call *c, char **after_r)
{
	const char *text = request_parameter(c->request, "cursor");

	if (!text) {
		*after_r = mem_strdup("");
		return 0;
	}
	size_t n = strlen(text) / 2;
	_free_ char *key = mem_alloc(n + 1, 1);

	if (!n || n > LIST_KEY_MAX || hex_decode((uint8_t *)key, n, text) < 0 || strlen(key) != n ||
		!str_utf8_valid(key, n))
		return refuse_cursor(c);
	*after_r = key;
	key = NULL;
	return 0;
}

int list_read(struct call *c, struct list *l_r)
{
	return read_limit(c, &l_r->limit) < 0 || read_cursor(c, &l_r->after) < 0 ? -1 : 0;
}

int list_after_u64(struct call *c, const struct list *l, uint64_t *key_r)
{
	*key_r = 0;
	return *l->after && str_parse_u64(key_r, l->after, INT64_MAX) < 0 ? refuse_cursor(c) : 0;
}

int list_after_uuid(struct call *c, const struct list *l, struct uuid *key_r)
{
	*key_r = (struct uuid){ 0 };
	return *l->after && uuid_parse(key_r, l->after) < 0 ? refuse_cursor(c) : 0;
}

void list_answer(struct call *c, cJSON *items, const char *next)
{
	cJSON *j = cJSON_CreateObject();
	size_t n = next ? strlen(next) : 0;
	_free_ char *cursor = next ? mem_alloc(2 * n + 1, 1) : NULL;
	uint64_t count = (uint64_t)cJSON_GetArraySize(items);

	if (next)
		hex_encode(cursor, (const uint8_t *)next, n);
	json_add_item(j, "items", items);
	json_add_str(j, "next_cursor", cursor);
	response_json(&c->response, j);
	c->response.count = count;
}

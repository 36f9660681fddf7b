/* The part of a target behind the question mark, in which lists take limits and cursors: what is taken is one that was given out, and is
 * given out again as it came. */
#include "base/hex.h"
#include "index/index_fts_row.h"
#include "queryd/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_answer(struct call *c, const struct list *l)
{
	list_answer(c, cJSON_CreateArray(), l->after);
	struct err e;
	_json_ cJSON *j = json_parse(c->response.body, c->response.length, &e);
	const char *again;

	if (!j || json_get_str(j, "next_cursor", &again) <= 0 || strcasecmp(again, request_parameter(c->request, "cursor")) != 0)
		abort();
}

static void check_list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	struct uuid id;
	uint64_t number;

	if (list_read(c, &l) < 0) {
		if (c->response.status != 400)
			abort();
		return;
	}
	if (l.limit < 1 || l.limit > LIST_LIMIT_MAX)
		abort();
	if (list_after_u64(c, &l, &number) < 0 && c->response.status != 400)
		abort();
	if (list_after_uuid(c, &l, &id) < 0 && c->response.status != 400)
		abort();
	if (*l.after)
		check_answer(c, &l);
}

static void check_row(const char *text)
{
	char again[FTS_CURSOR_SIZE];
	int64_t row;

	if (text && fts_cursor_parse(&row, text) == 0 && strcmp(fts_cursor_format(again, row), text) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_free_ char *text = mem_dup(data, n);
	_free_ char *target = mem_printf("/api/v1/users/?%s", text);
	CLEANUP(request_deinit) struct request request = { 0 };
	struct call c = { .request = &request };
	const char *why;

	request_init(&request, target, "192.0.2.1:1");
	request_header(&request, "Host", "localhost");
	if (!request_head_end(&request, "GET", "HTTP/1.1", n, &why)) {
		check_list(&c);
		check_row(request_parameter(&request, "cursor"));
	}
	response_deinit(&c.response);
	return 0;
}

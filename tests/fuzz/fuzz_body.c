/* Any body: read as a search, and as an object of fields of all types. What is no such is told so as the client's mistake; a search
 * that may be kept reads the same when it was. */
#include "queryd/body.h"
#include "queryd/query.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct body_field fields[] = {
	{ .name = "name", .type = BODY_STRING, .required = true, .max = 16 },
	{ .name = "days", .type = BODY_INTEGER },
	{ .name = "standing", .type = BODY_BOOLEAN },
	{ .name = "messages", .type = BODY_STRINGS, .max = 8, .items = 3 },
	{ .name = "scope", .type = BODY_OBJECT },
	{ .name = "list", .type = BODY_ARRAY, .items = 2 },
	{ .name = "any", .type = BODY_ANY },
	{ 0 },
};

static void refused(const struct call *c)
{
	if (c->response.status != 400 && c->response.status != 415)
		abort();
}

static void check_fields(struct call *c)
{
	CLEANUP(strv_deinit) struct strv messages = { 0 };
	_json_ cJSON *body = body_read(c, fields);

	if (!body) {
		refused(c);
		return;
	}
	if (strlen(body_string(body, "name")) > 16)
		abort();
	body_strings(body, "messages", &messages);
	if (messages.n > 3)
		abort();
}

static void check_search(struct call *c, const void *data, size_t n)
{
	struct search_request r = { 0 };
	struct err e;
	_json_ cJSON *request = json_parse(data, n, &e);

	if (!cJSON_IsObject(request))
		return;
	if (search_request_check(c, request) < 0) {
		refused(c);
	} else if (search_filters_read(c, request, &r) < 0) {
		abort(); /* what was kept can be run */
	} else if (!r.query) {
		abort();
	}
	search_request_deinit(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEANUP(request_deinit) struct request request = { 0 };
	struct call c = { .request = &request };
	const char *why;

	request_init(&request, "/api/v1/searches/", "192.0.2.1:1");
	request_header(&request, "Content-Type", "application/json");
	if (!request_expect(&request, REQUEST_BODY_MAX, &why) && !request_body(&request, data, n, &why)) {
		check_fields(&c);
		check_search(&c, data, n);
	}
	response_deinit(&c.response);
	return 0;
}

#include "queryd/openapi.h"

#include "base/log.h"

#include <pthread.h>
#include <string.h>

static const char *const parts[] = {
#include "queryd/openapi.inc"
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char *text;

/* Moves the members of `from`, which is freed, into `into`. */
static void join(cJSON *into, cJSON *from)
{
	while (from->child) {
		cJSON *item = cJSON_DetachItemViaPointer(from, from->child);
		cJSON *there = cJSON_GetObjectItemCaseSensitive(into, item->string);

		if (!there)
			cJSON_AddItemToObject(into, item->string, item);
		else if (cJSON_IsObject(there) && cJSON_IsObject(item))
			join(there, item);
		else
			log_fatal(NULL, "two parts of the description have %s", item->string);
	}
	cJSON_Delete(from);
}

/* Whoever is signed in may meet a limit (queryd/limit.h), whatever he asks for; openapi/<area>.json need not say so. */
static void add_limits(cJSON *paths)
{
	for (cJSON *path = paths->child; path; path = path->next)
		for (cJSON *operation = path->child; operation; operation = operation->next) {
			cJSON *responses = cJSON_GetObjectItemCaseSensitive(operation, "responses");

			if (!responses || cJSON_HasObjectItem(operation, "security") || cJSON_HasObjectItem(responses, "429"))
				continue;
			cJSON *response = cJSON_CreateObject();

			json_add_str(response, "$ref", "#/components/responses/TooMany");
			json_add_item(responses, "429", response);
		}
}

static void add_parameter(cJSON *operation, const char *where)
{
	cJSON *parameters = cJSON_GetObjectItemCaseSensitive(operation, "parameters");
	cJSON *reference = cJSON_CreateObject();

	if (!parameters) {
		parameters = cJSON_CreateArray();
		json_add_item(operation, "parameters", parameters);
	}
	json_add_str(reference, "$ref", where);
	cJSON_AddItemToArray(parameters, reference);
}

/* Every request of somebody who is signed in may say why it is made. */
static void add_reasons(cJSON *paths)
{
	for (cJSON *path = paths->child; path; path = path->next)
		for (cJSON *operation = path->child; operation; operation = operation->next) {
			if (!cJSON_HasObjectItem(operation, "responses") || cJSON_HasObjectItem(operation, "security"))
				continue;
			add_parameter(operation, "#/components/parameters/auditReason");
			add_parameter(operation, "#/components/parameters/auditForCase");
		}
}

/* All answers that are written out here, and not only referred to, say that they bear the request's id. */
static void add_id_to_answers(cJSON *responses)
{
	for (cJSON *response = responses->child; response; response = response->next) {
		cJSON *headers = cJSON_GetObjectItemCaseSensitive(response, "headers"), *reference;

		if (cJSON_HasObjectItem(response, "$ref"))
			continue;
		if (!headers) {
			headers = cJSON_CreateObject();
			json_add_item(response, "headers", headers);
		}
		reference = cJSON_CreateObject();
		json_add_str(reference, "$ref", "#/components/headers/RequestId");
		json_add_item(headers, "X-Request-ID", reference);
	}
}

/* Every request may bring an id, and every answer has one. */
static void add_request_ids(cJSON *whole)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(whole, "paths");
	const cJSON *components = cJSON_GetObjectItemCaseSensitive(whole, "components");

	for (cJSON *path = paths->child; path; path = path->next)
		for (cJSON *operation = path->child; operation; operation = operation->next) {
			cJSON *responses = cJSON_GetObjectItemCaseSensitive(operation, "responses");

			if (!responses)
				continue;
			add_parameter(operation, "#/components/parameters/requestId");
			add_id_to_answers(responses);
		}
	add_id_to_answers(cJSON_GetObjectItemCaseSensitive(components, "responses"));
}

static void build(void)
{
	_json_ cJSON *whole = cJSON_CreateObject();
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		cJSON *part = json_parse(parts[i], strlen(parts[i]), &e);

		if (!part)
			log_fatal(NULL, "a part of the description is %s", e.text);
		join(whole, part);
	}
	add_limits(cJSON_GetObjectItemCaseSensitive(whole, "paths"));
	add_reasons(cJSON_GetObjectItemCaseSensitive(whole, "paths"));
	add_request_ids(whole);
	text = json_print(whole);
}

const char *openapi_text(size_t *n_r)
{
	pthread_once(&once, build);
	*n_r = strlen(text);
	return text;
}

static void openapi_document(struct call *c)
{
	size_t n;
	const char *document = openapi_text(&n);

	response_text(&c->response, document, n);
}

const struct route openapi_routes[] = {
	{ .method = METHOD_GET, .pattern = ROUTE_V1 "/openapi.json", .handle = openapi_document },
	{ 0 },
};

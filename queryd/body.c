#include "queryd/body.h"

#include "base/str.h"

#include <string.h>

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";

	if (!content_type || !str_istarts(content_type, json))
		return false;
	content_type += strlen(json);
	return !content_type[strspn(content_type, " \t")] || content_type[strspn(content_type, " \t")] == ';';
}

static const struct body_field *find_field(const struct body_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static bool has_type(const cJSON *item, enum body_type type)
{
	if (cJSON_IsNull(item))
		return true;
	return type == BODY_STRING ? cJSON_IsString(item) : cJSON_IsNumber(item);
}

static bool is_too_long(const cJSON *item, const struct body_field *field)
{
	return field->max && cJSON_IsString(item) && strlen(item->valuestring) > field->max;
}

static int check_member(struct response *r, const cJSON *object, const cJSON *item, const struct body_field *fields)
{
	const struct body_field *field = find_field(fields, item->string);

	if (!field)
		response_problem_at(r, item->string, -1, "The request has a field that is not known here.");
	else if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
		response_problem_at(r, item->string, -1, "The request has this field twice.");
	else if (!has_type(item, field->type))
		response_problem_at(r, item->string, -1, "This field must be %s.",
			field->type == BODY_STRING ? "a string" : "a number");
	else if (is_too_long(item, field))
		response_problem_at(r, item->string, -1, "This field has at most %zu bytes.", field->max);
	else
		return 0;
	return -1;
}

static int check(struct response *r, const cJSON *object, const struct body_field *fields)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, object)
		if (check_member(r, object, item, fields) < 0)
			return -1;
	for (; fields->name; fields++) {
		item = cJSON_GetObjectItemCaseSensitive(object, fields->name);
		if (fields->required && (!item || cJSON_IsNull(item))) {
			response_problem_at(r, fields->name, -1, "This field is required.");
			return -1;
		}
	}
	return 0;
}

cJSON *body_read(struct call *c, const struct body_field *fields)
{
	const struct buf *body = &c->request->body;
	_json_ cJSON *j = NULL;
	struct err e;

	if (!is_json(c->request->content_type)) {
		response_problem(&c->response, 415, "The body must be JSON, with Content-Type: application/json.");
		return NULL;
	}
	j = json_parse(body->data ? body->data : "", body->len, &e);
	if (!j) {
		response_problem(&c->response, 400, "The body is %s.", e.text);
		return NULL;
	}
	if (!cJSON_IsObject(j)) {
		response_problem(&c->response, 400, "The body must be a JSON object.");
		return NULL;
	}
	if (check(&c->response, j, fields) < 0)
		return NULL;
	cJSON *checked = j;

	j = NULL;
	return checked;
}

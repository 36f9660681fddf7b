#include "queryd/body.h"

#include "base/uuid.h"

#include <string.h>

static const struct body_field *find_field(const struct body_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static bool are_strings(const cJSON *array)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, array)
		if (!cJSON_IsString(item))
			return false;
	return cJSON_IsArray(array);
}

static bool is_anything(const cJSON *item)
{
	(void)item;
	return true;
}

static bool is_number(const cJSON *item)
{
	return cJSON_IsNumber(item);
}

static bool is_boolean(const cJSON *item)
{
	return cJSON_IsBool(item);
}

static bool is_string(const cJSON *item)
{
	return cJSON_IsString(item);
}

static bool is_object(const cJSON *item)
{
	return cJSON_IsObject(item);
}

static bool is_array(const cJSON *item)
{
	return cJSON_IsArray(item);
}

static const struct {
	const char *name;
	bool (*fits)(const cJSON *item);
} types[] = {
	[BODY_STRING] = { "a string", is_string },
	[BODY_INTEGER] = { "a number", is_number },
	[BODY_BOOLEAN] = { "true or false", is_boolean },
	[BODY_STRINGS] = { "an array of strings", are_strings },
	[BODY_OBJECT] = { "an object", is_object },
	[BODY_ARRAY] = { "an array", is_array },
	[BODY_ANY] = { "there", is_anything },
};

static bool is_too_long(const cJSON *item, const struct body_field *field)
{
	const cJSON *one;

	if (!field->max)
		return false;
	if (cJSON_IsString(item))
		return strlen(item->valuestring) > field->max;
	if (field->type == BODY_STRINGS)
		cJSON_ArrayForEach (one, item)
			if (strlen(one->valuestring) > field->max)
				return true;
	return false;
}

static bool has_too_many(const cJSON *item, const struct body_field *field)
{
	return field->items && cJSON_IsArray(item) && (size_t)cJSON_GetArraySize(item) > field->items;
}

static int check_member(struct response *r, const cJSON *object, const cJSON *item, const struct body_field *fields)
{
	const struct body_field *field = find_field(fields, item->string);

	if (!field)
		response_problem_at(r, item->string, -1, "The request has a field that is not known here.");
	else if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
		response_problem_at(r, item->string, -1, "The request has this field twice.");
	else if (!cJSON_IsNull(item) && !types[field->type].fits(item))
		response_problem_at(r, item->string, -1, "This field must be %s.", types[field->type].name);
	else if (is_too_long(item, field))
		response_problem_at(r, item->string, -1, "This field has at most %zu bytes.", field->max);
	else if (has_too_many(item, field))
		response_problem_at(r, item->string, -1, "This field has at most %zu items.", field->items);
	else
		return 0;
	return -1;
}

int body_check(struct call *c, const cJSON *object, const struct body_field *fields)
{
	struct response *r = &c->response;
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

/* As much of a text as the audit's column takes. Caller frees. */
static char *beginning(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n > max)
		for (n = max; n && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	return mem_dup(text, n);
}

/* What the header does not say, the body may: why, and for which case. */
static void take_why(struct request *r, const cJSON *body)
{
	const char *reason = body_string(body, "reason"), *matter = body_string(body, "case");
	char spelled[UUID_TEXT_SIZE];
	struct uuid id;

	if (reason && *reason && !r->reason)
		r->reason = beginning(reason, REQUEST_REASON_MAX);
	if (matter && *matter && !r->case_ref)
		r->case_ref = beginning(uuid_parse(&id, matter) < 0 ? matter : uuid_format(spelled, &id), REQUEST_CASE_MAX);
}

cJSON *body_read(struct call *c, const struct body_field *fields)
{
	const struct buf *body = &c->request->body;
	cJSON *j = body_read_text(c, body->data ? body->data : "", body->len, fields);

	if (j)
		take_why(c->request, j);
	return j;
}

cJSON *body_read_text(struct call *c, const char *text, size_t n, const struct body_field *fields)
{
	_json_ cJSON *j = NULL;
	struct err e;

	if (!json_is_type(c->request->content_type)) {
		response_problem(&c->response, 415, "The body must be JSON, with Content-Type: application/json.");
		return NULL;
	}
	j = json_parse(text, n, &e);
	if (!j) {
		response_problem(&c->response, 400, "The body is %s.", e.text);
		return NULL;
	}
	if (!cJSON_IsObject(j)) {
		response_problem(&c->response, 400, "The body must be a JSON object.");
		return NULL;
	}
	if (body_check(c, j, fields) < 0)
		return NULL;
	cJSON *checked = j;

	j = NULL;
	return checked;
}

const char *body_string(const cJSON *body, const char *name)
{
	const char *value;

	return json_get_str(body, name, &value) == 1 ? value : NULL;
}

bool body_boolean(const cJSON *body, const char *name, bool otherwise)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : otherwise;
}

bool body_strings(const cJSON *body, const char *name, struct strv *list_r)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(body, name), *item;

	cJSON_ArrayForEach (item, array)
		strv_add(list_r, item->valuestring);
	strv_dedup(list_r);
	return cJSON_IsArray(array);
}

bool body_is_null(const cJSON *body, const char *name)
{
	return cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(body, name));
}

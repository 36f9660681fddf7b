#include "queryd/response.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_MAX 400

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *response_reason(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

unsigned response_status_at(size_t place)
{
	return place < ARRAY_LEN(reasons) ? reasons[place].status : 0;
}

void response_deinit(struct response *r)
{
	for (size_t i = 0; i < r->header_count; i++)
		free(r->headers[i].value);
	free(r->body);
	message_freep(&r->content);
	if (r->stream)
		r->stream->free(r->stream);
	*r = (struct response){ 0 };
}

void response_header(struct response *r, const char *name, const char *value)
{
	assert(r->header_count < RESPONSE_HEADERS_MAX);
	r->headers[r->header_count].name = name;
	r->headers[r->header_count++].value = mem_strdup(value);
}

/* Starts over; that the connection must be closed stays so. */
static void set(struct response *r, unsigned status, const char *content_type, char *body, size_t length)
{
	bool close = r->close;

	response_deinit(r);
	*r = (struct response){ .status = status, .content_type = content_type, .body = body, .length = length,
		.close = close };
	if (body)
		sha256_of(body, length, r->digest);
}

static void set_json(struct response *r, unsigned status, const char *content_type, cJSON *j)
{
	char *body = json_print(j);

	cJSON_Delete(j);
	set(r, status, content_type, body, strlen(body));
}

void response_json(struct response *r, cJSON *j)
{
	set_json(r, 200, "application/json", j);
}

void response_created(struct response *r, const char *location, cJSON *j)
{
	set_json(r, 201, "application/json", j);
	response_header(r, "Location", location);
}

void response_empty(struct response *r, unsigned status)
{
	set(r, status, NULL, NULL, 0);
}

void response_text(struct response *r, const char *json, size_t n)
{
	set(r, 200, "application/json", mem_dup(json, n), n);
}

PRINTF_LIKE(3, 0) static cJSON *problem(unsigned status, const char *name, const char *fmt,
	va_list args)
{
	cJSON *j = cJSON_CreateObject();
	char detail[DETAIL_MAX];

	vsnprintf(detail, sizeof(detail), fmt, args);
	_free_ char *type = name ? mem_printf("urn:strongroom:problem:%s", name) : mem_strdup("about:blank");

	json_add_str(j, "type", type);
	json_add_str(j, "title", response_reason(status));
	json_add_u64(j, "status", status);
	json_add_str(j, "detail", detail);
	return j;
}

void response_problem(struct response *r, unsigned status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_json(r, status, "application/problem+json", problem(status, NULL, fmt, args));
	va_end(args);
}

void response_problem_named(struct response *r, unsigned status, const char *name, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_json(r, status, "application/problem+json", problem(status, name, fmt, args));
	va_end(args);
}

void response_problem_with(struct response *r, unsigned status, const char *name, const cJSON *members, const char *fmt, ...)
{
	const cJSON *member;
	va_list args;

	va_start(args, fmt);
	cJSON *j = problem(status, name, fmt, args);

	va_end(args);
	cJSON_ArrayForEach(member, members)
		json_add_item(j, member->string, cJSON_Duplicate(member, true));
	set_json(r, status, "application/problem+json", j);
}

void response_problem_at(struct response *r, const char *field, int64_t position, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cJSON *j = problem(400, NULL, fmt, args);

	va_end(args);
	json_add_str(j, "field", field);
	if (position >= 0)
		json_add_u64(j, "position", (uint64_t)position);
	set_json(r, 400, "application/problem+json", j);
}

void response_unavailable(struct response *r, const char *detail)
{
	response_problem(r, 503, "%s", detail);
	response_header(r, "Retry-After", "5");
}

void response_content(struct response *r, const char *content_type, struct message *m)
{
	set(r, 200, content_type, NULL, 0);
	r->content = m;
	r->length = message_size(m);
	r->count = message_size(m);
	memcpy(r->digest, message_sha256(m), sizeof(r->digest));
}

void response_stream(struct response *r, const char *content_type, struct response_stream *s, uint64_t length,
	const uint8_t sha256[SHA256_SIZE])
{
	set(r, 200, content_type, NULL, 0);
	r->stream = s;
	r->length = length;
	r->count = length;
	memcpy(r->digest, sha256, sizeof(r->digest));
}

void response_stream_endless(struct response *r, const char *content_type, struct response_stream *s)
{
	set(r, 200, content_type, NULL, 0);
	r->stream = s;
	r->endless = true;
}

#include "queryd/request.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/uuid.h"
#include "queryd/path.h"

#include <string.h>

#define TOKEN_CHARACTERS "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ID_CHARACTERS "._-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

void request_init(struct request *r, const char *target, const char *client)
{
	struct uuid id = uuid_new(clock_now_us());

	*r = (struct request){ .target = mem_strdup(target), .body = BUF_INIT(REQUEST_BODY_MAX) };
	strncpy(r->client, client, sizeof(r->client) - 1);
	uuid_format(r->id, &id);
}

void request_deinit(struct request *r)
{
	free(r->target);
	strv_deinit(&r->path);
	strv_deinit(&r->query_names);
	strv_deinit(&r->query_values);
	free(r->authorization);
	free(r->content_type);
	free(r->if_match);
	free(r->if_none_match);
	if (r->cookie)
		explicit_bzero(r->cookie, strlen(r->cookie));
	free(r->cookie);
	free(r->reason);
	free(r->case_ref);
	if (r->body.data)
		explicit_bzero(r->body.data, r->body.cap); /* passwords come this way */
	buf_deinit(&r->body);
	*r = (struct request){ 0 };
}

static void refuse(struct request *r, unsigned status, const char *why)
{
	if (r->refused)
		return;
	r->refused = status;
	r->why = why;
}

/* ---- header fields ---- */

static void on_host(struct request *r, const char *value)
{
	r->hosts++;
	if (!*value)
		refuse(r, 400, "The Host header is empty.");
}

static void on_content_length(struct request *r, const char *value)
{
	r->lengths++;
	if (str_parse_u64(&r->declared, value, UINT64_MAX) < 0)
		refuse(r, 400, "The Content-Length header is not a number.");
}

static void on_transfer_encoding(struct request *r, const char *value)
{
	r->codings++;
	r->chunked = str_ieq(value, "chunked");
	if (!r->chunked)
		refuse(r, 501, "The only transfer coding known here is chunked.");
}

static void on_request_id(struct request *r, const char *value)
{
	size_t n = strlen(value);

	if (n && n <= REQUEST_ID_MAX && strspn(value, ID_CHARACTERS) == n)
		memcpy(r->id, value, n + 1);
}

static void on_user_agent(struct request *r, const char *value)
{
	size_t n = 0;

	for (; value[n] && n < REQUEST_AGENT_MAX; n++)
		r->agent[n] = value[n] >= ' ' && value[n] <= '~' ? value[n] : '?';
	r->agent[n] = '\0';
}

static void on_authorization(struct request *r, const char *value)
{
	r->authorizations++;
	free(r->authorization);
	r->authorization = mem_strdup(value);
}

static void on_content_type(struct request *r, const char *value)
{
	free(r->content_type);
	r->content_type = mem_strdup(value);
}

/* A list may come in several fields (RFC 9110, 5.3). */
static void add_to_list(char **list, const char *value)
{
	char *both = *list ? mem_printf("%s, %s", *list, value) : mem_strdup(value);

	free(*list);
	*list = both;
}

static void on_if_match(struct request *r, const char *value)
{
	add_to_list(&r->if_match, value);
}

static void on_if_none_match(struct request *r, const char *value)
{
	add_to_list(&r->if_none_match, value);
}

/* RFC 6265, 5.4 allows one field; HTTP/2 proxies may have cut it in several. */
static void on_cookie(struct request *r, const char *value)
{
	char *both = r->cookie ? mem_printf("%s; %s", r->cookie, value) : mem_strdup(value);

	free(r->cookie);
	r->cookie = both;
}

/* A line of UTF-8 that is for people. */
static bool is_line(const char *value, size_t max)
{
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 127)
			return false;
	return n && n <= max && str_utf8_valid(value, n);
}

static void on_reason(struct request *r, const char *value)
{
	if (r->reason || !is_line(value, REQUEST_REASON_MAX))
		refuse(r, 400, "X-Audit-Reason must come once, as a line of UTF-8 of at most 500 bytes.");
	else
		r->reason = mem_strdup(value);
}

static void on_case(struct request *r, const char *value)
{
	if (r->case_ref || !is_line(value, REQUEST_CASE_MAX))
		refuse(r, 400, "X-Case must come once, as a line of UTF-8 of at most 255 bytes.");
	else
		r->case_ref = mem_strdup(value);
}

static const struct {
	const char *name;
	void (*take)(struct request *r, const char *value);
} fields[] = {
	{ "Host", on_host },
	{ "Content-Length", on_content_length },
	{ "Transfer-Encoding", on_transfer_encoding },
	{ "X-Request-ID", on_request_id },
	{ "User-Agent", on_user_agent },
	{ "Authorization", on_authorization },
	{ "Content-Type", on_content_type },
	{ "If-Match", on_if_match },
	{ "If-None-Match", on_if_none_match },
	{ "Cookie", on_cookie },
	{ "X-Audit-Reason", on_reason },
	{ "X-Case", on_case },
};

/* The library appends a folded line to the name of its field and takes no notice of the field then: "Content-Length:" with "5" in
 * the next line comes as "Content-Length5", and another reader of the stream sees a body where it sees none. */
static bool hides_framing(const char *name)
{
	static const char *const framing[] = { "Content-Length", "Transfer-Encoding" };

	for (size_t i = 0; i < ARRAY_LEN(framing); i++)
		if (str_istarts(name, framing[i]) && name[strlen(framing[i])])
			return true;
	return false;
}

/* A CR alone ends the line for some readers. */
static bool has_control(const char *value)
{
	for (; *value; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 127)
			return true;
	return false;
}

void request_header(struct request *r, const char *name, const char *value)
{
	/* "Content-Length : 5" hides a body from us that another reader of the stream sees. */
	if (!*name || name[strspn(name, TOKEN_CHARACTERS)])
		refuse(r, 400, "A header name holds a character that is not allowed.");
	if (hides_framing(name))
		refuse(r, 400, "A header that tells of the body's length is folded, or not known.");
	if (has_control(value))
		refuse(r, 400, "A header holds a control character.");
	_free_ char *copy = mem_strdup(value);
	const char *trimmed = str_trim(copy);

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_ieq(name, fields[i].name))
			fields[i].take(r, trimmed);
}

/* ---- the whole head ---- */

static const char *const method_names[] = {
	[METHOD_OTHER] = "?",
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
};

const char *request_method_name(enum method m)
{
	return method_names[m];
}

static enum method method_of(const char *name)
{
	for (enum method m = METHOD_GET; m < ARRAY_LEN(method_names); m++)
		if (strcmp(name, method_names[m]) == 0)
			return m;
	return METHOD_OTHER;
}

const char *request_parameter(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->query_names.n; i++)
		if (strcmp(r->query_names.items[i], name) == 0)
			return r->query_values.items[i];
	return NULL;
}

char *request_cookie(const struct request *r, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = r->cookie; p && *p; p += strcspn(p, ";"), p += strspn(p, "; "))
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return mem_dup(p + n + 1, strcspn(p + n + 1, ";"));
	return NULL;
}

/* Anything by which two readers could disagree on where the request ends. */
static void check_framing(struct request *r, const char *version)
{
	bool http_1_1 = strcmp(version, "HTTP/1.1") == 0;

	if (!http_1_1 && strcmp(version, "HTTP/1.0") != 0)
		refuse(r, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
	if (r->hosts != 1)
		refuse(r, 400, "There must be exactly one Host header.");
	if (r->lengths > 1)
		refuse(r, 400, "There is more than one Content-Length header.");
	if (r->codings > 1)
		refuse(r, 400, "There is more than one Transfer-Encoding header.");
	if (r->lengths && r->codings)
		refuse(r, 400, "There is both a Content-Length and a Transfer-Encoding header.");
	if (r->codings && !http_1_1)
		refuse(r, 400, "HTTP/1.0 knows no Transfer-Encoding.");
	if (r->authorizations > 1)
		refuse(r, 400, "There is more than one Authorization header.");
}

unsigned request_head_end(struct request *r, const char *method, const char *version, size_t head_size,
	const char **why_r)
{
	const char *why;

	r->method = method_of(method);
	check_framing(r, version);
	if (head_size > REQUEST_HEAD_MAX)
		refuse(r, 431, "The head of the request is over 32 KiB.");
	if (r->declared > REQUEST_BODY_LARGEST)
		refuse(r, 413, "The body of the request is over 96 MiB.");
	if (path_parse(&r->path, r->target, &why) < 0 ||
		path_parse_query(&r->query_names, &r->query_values, r->target, &why) < 0)
		refuse(r, 400, why);
	*why_r = r->why;
	return r->refused;
}

static const char *too_large(const struct request *r)
{
	return r->body.max > REQUEST_BODY_MAX ? "The body of the request is over 96 MiB." :
						"The body of the request is over 1 MiB.";
}

unsigned request_expect(struct request *r, size_t max, const char **why_r)
{
	r->body.max = max;
	if (r->declared > max)
		refuse(r, 413, too_large(r));
	*why_r = r->why;
	return r->refused;
}

unsigned request_body(struct request *r, const void *data, size_t n, const char **why_r)
{
	if (!r->refused && buf_add(&r->body, data, n) == 0)
		return 0;
	buf_deinit(&r->body);
	refuse(r, 413, too_large(r));
	*why_r = r->why;
	return r->refused;
}

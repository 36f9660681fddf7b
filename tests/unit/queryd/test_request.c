/* What makes two readers of one stream disagree on where a request ends is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/request.h"

#include <string.h>

struct field {
	const char *name, *value;
};

/* The status of a request with these fields (Host is added) up to one without a name. */
static unsigned head(const char *version, const struct field *fields, struct request *r)
{
	const char *why = NULL;

	request_init(r, "/healthz", "192.0.2.1:4");
	request_header(r, "Host", "archive.example");
	for (; fields->name; fields++)
		request_header(r, fields->name, fields->value);
	unsigned status = request_head_end(r, "POST", version, 100, &why);

	if (!status)
		status = request_expect(r, REQUEST_BODY_MAX, &why);
	assert_true(status == 0 || why);
	return status;
}

static void expect(unsigned wanted, const char *version, const struct field *fields)
{
	struct request r;
	unsigned got = head(version, fields, &r);

	if (got != wanted)
		fail_msg("%s: %s: got %u, wanted %u", fields[0].name, fields[0].value, got, wanted);
	request_deinit(&r);
}

#define FIELDS(...) ((const struct field[]){ __VA_ARGS__, { NULL, NULL } })

static void test_good(void **state)
{
	(void)state;
	expect(0, "HTTP/1.1", FIELDS({ "content-length", "12" }));
	expect(0, "HTTP/1.0", FIELDS({ "Content-Length", " 12 " }));
	expect(0, "HTTP/1.1", FIELDS({ "Transfer-Encoding", "Chunked" }));
	expect(0, "HTTP/1.1", FIELDS({ "X-Anything", "\xff\tx" }));
	expect(0, "HTTP/1.1", FIELDS({ "Content-Len", "5" }));
}

static void test_smuggling(void **state)
{
	(void)state;
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length", "1" }, { "Transfer-Encoding", "chunked" }));
	expect(400, "HTTP/1.1", FIELDS({ "Transfer-Encoding", "chunked" }, { "Content-Length", "1" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length", "1" }, { "Content-Length", "1" }));
	expect(400, "HTTP/1.1", FIELDS({ "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" }));
	expect(400, "HTTP/1.0", FIELDS({ "Transfer-Encoding", "chunked" }));
	expect(501, "HTTP/1.1", FIELDS({ "Transfer-Encoding", "gzip, chunked" }));
	expect(501, "HTTP/1.1", FIELDS({ "Transfer-Encoding", "identity" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length ", "5" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length\t", "5" }));
	expect(400, "HTTP/1.1", FIELDS({ " Content-Length", "5" }));
	expect(400, "HTTP/1.1", FIELDS({ "", "5" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content\xc3\xa9", "5" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length", "+5" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length", "0x5" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length", "5, 5" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length", "" }));
	expect(400, "HTTP/1.1", FIELDS({ "Content-Length", "99999999999999999999999" }));
	expect(400, "HTTP/1.1", FIELDS({ "content-length5", "" }));
	expect(400, "HTTP/1.1", FIELDS({ "Transfer-Encodingchunked", "" }));
	expect(400, "HTTP/1.1", FIELDS({ "X-Anything", "a\rContent-Length: 5" }));
	expect(400, "HTTP/1.1", FIELDS({ "X-Anything", "\x7f" }));
	expect(400, "HTTP/1.1", FIELDS({ "Host", "archive.example" }));
	expect(400, "HTTP/1.1", FIELDS({ "Authorization", "Bearer a" }, { "Authorization", "Bearer b" }));
	expect(505, "HTTP/2.0", FIELDS({ "Accept", "*/*" }));
	expect(505, "", FIELDS({ "Accept", "*/*" }));
}

static void test_host(void **state)
{
	struct request r;
	const char *why;

	(void)state;
	request_init(&r, "/", "192.0.2.1:4");
	assert_int_equal(request_head_end(&r, "GET", "HTTP/1.1", 10, &why), 400);
	request_deinit(&r);
	request_init(&r, "/", "192.0.2.1:4");
	request_header(&r, "Host", "");
	assert_int_equal(request_head_end(&r, "GET", "HTTP/1.1", 10, &why), 400);
	request_deinit(&r);
}

static void test_limits(void **state)
{
	struct request r;
	const char *why;
	char piece[REQUEST_BODY_MAX / 2];

	(void)state;
	expect(413, "HTTP/1.1", FIELDS({ "Content-Length", "1048577" }));
	expect(413, "HTTP/1.1", FIELDS({ "Content-Length", "100663297" }));
	expect(0, "HTTP/1.1", FIELDS({ "Content-Length", "1048576" }));
	request_init(&r, "/", "192.0.2.1:4");
	request_header(&r, "Host", "a");
	assert_int_equal(request_head_end(&r, "GET", "HTTP/1.1", REQUEST_HEAD_MAX + 1, &why), 431);
	request_deinit(&r);
	memset(piece, 'x', sizeof(piece));
	assert_int_equal(head("HTTP/1.1", FIELDS({ "Transfer-Encoding", "chunked" }), &r), 0);
	assert_int_equal(request_body(&r, piece, sizeof(piece), &why), 0);
	assert_int_equal(request_body(&r, piece, sizeof(piece), &why), 0);
	assert_int_equal(request_body(&r, piece, 1, &why), 413);
	assert_int_equal(request_body(&r, piece, 1, &why), 413); /* and stays so */
	assert_int_equal(r.body.len, 0);
	request_deinit(&r);
}

static void test_request_id(void **state)
{
	struct request r;
	char longest[REQUEST_ID_MAX + 2];

	(void)state;
	assert_int_equal(head("HTTP/1.1", FIELDS({ "X-Request-Id", "a-Z_0.9" }), &r), 0);
	assert_string_equal(r.id, "a-Z_0.9");
	request_deinit(&r);
	assert_int_equal(head("HTTP/1.1", FIELDS({ "X-Request-ID", "a\"b" }), &r), 0);
	assert_int_equal(strlen(r.id), 36);
	request_deinit(&r);
	memset(longest, 'a', sizeof(longest));
	longest[REQUEST_ID_MAX + 1] = '\0';
	assert_int_equal(head("HTTP/1.1", FIELDS({ "X-Request-ID", longest }), &r), 0);
	assert_int_equal(strlen(r.id), 36);
	request_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_smuggling),  cmocka_unit_test(test_host),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_request_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sigv4: the vectors that AWS publishes: the examples of the S3 documentation, and cases of its SigV4 test suite. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/hex.h"
#include "store/sigv4.h"
#include "sys/digest.h"

#include <stdlib.h>
#include <string.h>

#define QUERY_MAX 4
#define HEADERS_MAX 4

static const struct sigv4_account s3_account = {
	.access_key = "AKIAIOSFODNN7EXAMPLE",
	.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1",
	.service = "s3",
};
static const struct sigv4_account suite_account = {
	.access_key = "AKIDEXAMPLE",
	.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1",
	.service = "service",
};

struct vector {
	const char *name, *method, *path, *body;
	const char *query[QUERY_MAX], *headers[HEADERS_MAX];
	const char *signature;
};

static const struct vector s3_vectors[] = {
	{ "GET Object", "GET", "/test.txt", "", { NULL }, { "Range: bytes=0-9" },
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT Object", "PUT", "/test%24file.text", "Welcome to Amazon S3.", { NULL },
		{ "Date: Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class: REDUCED_REDUNDANCY" },
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET Bucket Lifecycle", "GET", "/", "", { "lifecycle=" }, { NULL },
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "Get Bucket (List Objects)", "GET", "/", "", { "prefix=J", "max-keys=2" }, { NULL },
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static const struct vector suite_vectors[] = {
	{ "get-vanilla", "GET", "/", "", { NULL }, { NULL },
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "post-vanilla", "POST", "/", "", { NULL }, { NULL },
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "get-vanilla-query-order-key-case", "GET", "/", "", { "Param2=value2", "Param1=value1" }, { NULL },
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-header-value-trim", "GET", "/", "", { NULL }, { "My-Header1: value1", "My-Header2:  \"a   b   c\" " },
		"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "get-utf8", "GET", "/%E1%88%B4", "", { NULL }, { NULL },
		"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", { NULL },
		{ NULL }, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
};

static int64_t at(const char *text)
{
	int64_t us;

	assert_int_equal(clock_parse(&us, text), 0);
	return us;
}

static void add_all(struct strv *to, const char *const *items, size_t n)
{
	for (size_t i = 0; i < n && items[i]; i++)
		strv_add(to, items[i]);
}

/* The Authorization that a vector's request gets. Caller frees. */
static char *authorize(const struct sigv4_account *a, const struct vector *v, const char *host, const char *now, bool of_s3)
{
	CLEANUP(strv_deinit) struct strv query = { 0 };
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	char payload[SHA256_TEXT_SIZE];
	uint8_t digest[SHA256_SIZE];

	sha256_of(v->body, strlen(v->body), digest);
	hex_encode(payload, digest, SHA256_SIZE);
	add_all(&query, v->query, QUERY_MAX);
	add_all(&headers, v->headers, HEADERS_MAX);
	if (of_s3) {
		_free_ char *line = mem_printf("x-amz-content-sha256: %s", payload);

		strv_add(&headers, line);
	}
	sigv4_sign(a, &(struct sigv4_request){ v->method, host, v->path, &query, payload, at(now) }, &headers);
	assert_int_equal(strncmp(headers.items[headers.n - 1], "Authorization: AWS4-HMAC-SHA256 Credential=", 43), 0);
	return mem_strdup(headers.items[headers.n - 1]);
}

static void test_published_examples_of_s3(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(s3_vectors); i++) {
		const struct vector *v = &s3_vectors[i];
		_free_ char *got = authorize(&s3_account, v, "examplebucket.s3.amazonaws.com", "2013-05-24T00:00:00Z", true);

		if (!strstr(got, v->signature))
			fail_msg("%s: %s", v->name, got);
		assert_non_null(strstr(got, "=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="));
	}
}

static void test_suite_of_aws(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(suite_vectors); i++) {
		const struct vector *v = &suite_vectors[i];
		_free_ char *got = authorize(&suite_account, v, "example.amazonaws.com", "2015-08-30T12:36:00Z", false);

		if (!strstr(got, v->signature))
			fail_msg("%s: %s", v->name, got);
	}
}

static void test_session(void **state)
{
	struct sigv4_account a = suite_account;
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	char payload[SHA256_TEXT_SIZE];
	uint8_t digest[SHA256_SIZE];

	(void)state;
	a.token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
		  "hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVX"
		  "AkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
	sha256_of("", 0, digest);
	hex_encode(payload, digest, SHA256_SIZE);
	sigv4_sign(&a, &(struct sigv4_request){ "POST", "example.amazonaws.com", "/", NULL, payload, at("2015-08-30T12:36:00Z") },
		&headers);
	assert_int_equal(headers.n, 3);
	assert_non_null(strstr(headers.items[1], a.token));
	/* post-sts-header-before */
	assert_non_null(strstr(headers.items[2], "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"));
}

static void test_presigned_url(void **state)
{
	const struct sigv4_request r = { "GET", "examplebucket.s3.amazonaws.com", "/test.txt", NULL, SIGV4_UNSIGNED_PAYLOAD,
		at("2013-05-24T00:00:00Z") };
	_free_ char *query = sigv4_presign(&s3_account, &r, 86400);

	(void)state;
	assert_string_equal(query, "X-Amz-Algorithm=AWS4-HMAC-SHA256"
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
		"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
		"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

static void test_order_of_names(void **state)
{
	CLEANUP(strv_deinit) struct strv query = { 0 };
	static const char *const items[QUERY_MAX] = { "key-marker=b", "key=z", "key=a", "A=%3D" };

	(void)state;
	add_all(&query, items, QUERY_MAX);
	_free_ char *text = sigv4_query(&query);

	assert_string_equal(text, "A=%3D&key=a&key=z&key-marker=b"); /* a bytewise order would put key-marker first */
}

static void test_encoding(void **state)
{
	_free_ char *value = sigv4_encode("a/b c+\xc3\xa9~"), *path = sigv4_encode_path("/m/a b$");

	(void)state;
	assert_string_equal(value, "a%2Fb%20c%2B%C3%A9~");
	assert_string_equal(path, "/m/a%20b%24");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_examples_of_s3), cmocka_unit_test(test_suite_of_aws), cmocka_unit_test(test_session),
		cmocka_unit_test(test_presigned_url), cmocka_unit_test(test_order_of_names), cmocka_unit_test(test_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

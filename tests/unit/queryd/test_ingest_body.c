/* The message is taken out of a large body where it stands, and what is left is the same JSON without it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/ingest_body.h"

#include <stdio.h>
#include <string.h>

/* "message|rest", "-|rest" when there is none, "!" when it is bad. Caller frees. */
static char *split(const char *text)
{
	CLEANUP(buf_deinit) struct buf body = BUF_INIT(1000), rest = BUF_INIT(60);
	struct ingest_message m = { 0 };
	bool bad;

	assert_int_equal(buf_add_str(&body, text), 0);
	if (ingest_body_split(&body, "message", &m, &rest, &bad))
		return mem_printf("%.*s|%s", (int)m.n, (const char *)m.bytes, rest.data);
	return bad ? mem_strdup("!") : mem_printf("-|%s", rest.data ? rest.data : "");
}

static void expect(const char *text, const char *wanted)
{
	_free_ char *got = split(text);

	if (strcmp(got, wanted) != 0)
		fail_msg("%s: got %s, wanted %s", text, got, wanted);
}

static void test_found(void **state)
{
	(void)state;
	expect("{\"message\":\"YQ==\"}", "a|{\"message\":\"\"}");
	expect("{\"message\":\"YWI=\",\"b\":1}", "ab|{\"message\":\"\",\"b\":1}");
	expect("{\"a\":[{\"message\":\"x\"}],\"message\" : \"YWJj\"}", "abc|{\"a\":[{\"message\":\"x\"}],\"message\" : \"\"}");
	expect("{\"a\":\"\\\"message\",\"message\":\"YWJj\"}", "abc|{\"a\":\"\\\"message\",\"message\":\"\"}");
	expect("{\"a\":\"message\",\"message\":\"Pz8\\/\"}", "???|{\"a\":\"message\",\"message\":\"\"}");
	expect("{\"message\":\"\"}", "|{\"message\":\"\"}");
}

static void test_not_there(void **state)
{
	(void)state;
	expect("", "-|");
	expect("{}", "-|{}");
	expect("[\"message\",\"YQ==\"]", "-|[\"message\",\"YQ==\"]");
	expect("{\"message\":null}", "-|{\"message\":null}");
	expect("{\"mess\\u0061ge\":\"YQ==\"}", "-|{\"mess\\u0061ge\":\"YQ==\"}");
	expect("{\"message\"", "-|{\"message\"");
	expect("{\"message\":", "-|{\"message\":");
	expect("\"", "-|\"");
}

static void test_bad(void **state)
{
	static const char *const texts[] = { "YQ=", "YQ", "Y===", "====", "YQ==YQ==", "YQ =", "YR==", "YWJ=", "Y\\nQ==", "Y-_=", "=YQ=",
		"\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_free_ char *text = mem_printf("{\"message\":\"%s\"}", texts[i]);

		expect(text, "!");
	}
	expect("{\"message\":\"YQ==", "!");
	expect("{\"message\":\"", "!");
	expect("{\"message\":\"YQ==\\", "!");
	expect("{\"message\":\"YQ==\",\"a\":\"too long for what may be beside it, far too long\"}", "!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/capture.h"

#include <string.h>

static struct capture make(
	const char *point, const char *content, const char *from, const char *to1, const char *to2)
{
	struct capture c = {
		.kind = CAPTURE_LMTP,
		.point = point,
		.message = message_new("/nonexistent", 1000),
		.mail_from = mem_strdup(from),
	};
	struct err e;

	assert_int_equal(message_append(c.message, content, strlen(content), &e), 0);
	assert_int_equal(message_finish(c.message, &e), 0);
	capture_add_recipient(&c, to1, NULL);
	if (to2)
		capture_add_recipient(&c, to2, "NOTIFY=NEVER");
	return c;
}

static void key_of(uint8_t key[SHA256_SIZE], struct capture c)
{
	capture_key(&c, key);
	capture_deinit(&c);
	assert_null(c.message);
}

static void test_retry_has_the_same_key(void **state)
{
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

	(void)state;
	key_of(a, make("in", "text", "Bob@Example.com", "x@example.org", "y@example.org"));
	key_of(b, make("in", "text", "<bob@example.com>", "Y@example.org", "X@EXAMPLE.org"));
	assert_memory_equal(a, b, SHA256_SIZE);
}

static void test_anything_else_is_another(void **state)
{
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

	(void)state;
	key_of(a, make("in", "text", "bob@example.com", "x@example.org", "y@example.org"));
	key_of(b, make("out", "text", "bob@example.com", "x@example.org", "y@example.org"));
	assert_memory_not_equal(a, b, SHA256_SIZE);
	key_of(b, make("in", "texts", "bob@example.com", "x@example.org", "y@example.org"));
	assert_memory_not_equal(a, b, SHA256_SIZE);
	key_of(b, make("in", "text", "", "x@example.org", "y@example.org"));
	assert_memory_not_equal(a, b, SHA256_SIZE);
	key_of(b, make("in", "text", "bob@example.com", "x@example.org", NULL));
	assert_memory_not_equal(a, b, SHA256_SIZE);
	/* the sender can't be taken for a recipient, nor two names for one */
	key_of(a, make("in", "text", "a", "b", "c"));
	key_of(b, make("in", "text", "b", "a", "c"));
	assert_memory_not_equal(a, b, SHA256_SIZE);
	key_of(a, make("in", "text", "", "ab", "c"));
	key_of(b, make("in", "text", "", "a", "bc"));
	assert_memory_not_equal(a, b, SHA256_SIZE);
}

static void test_envelope_hash_is_of_the_envelope(void **state)
{
	struct capture a = make("in", "text", "bob@example.com", "x@example.org", NULL);
	struct capture b = make("out", "other", "bob@example.com", "x@example.org", NULL);
	uint8_t x[SHA256_SIZE], y[SHA256_SIZE];

	(void)state;
	capture_envelope_hash(&a, x);
	capture_envelope_hash(&b, y);
	assert_memory_equal(x, y, SHA256_SIZE);
	capture_deinit(&a);
	capture_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_has_the_same_key),
		cmocka_unit_test(test_anything_else_is_another),
		cmocka_unit_test(test_envelope_hash_is_of_the_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

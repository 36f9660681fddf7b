/* Decoding: the quick way through base64 finds what GMime finds, whatever the damage. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parser/decode.h"

#include <string.h>

#define LENGTH_MAX 300
#define ROUNDS 60000

static uint32_t random_below(uint32_t limit)
{
	static uint64_t seed = 1;

	seed = seed * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(seed >> 33) % limit;
}

/* Base64 in lines of any length, of which `damage` characters in a thousand are something else. */
static size_t make(char *to, uint32_t damage)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char other[] = "==\r\n !-_\377";
	size_t n = random_below(LENGTH_MAX), line = 5 + random_below(80);

	for (size_t i = 0; i < n; i++) {
		to[i] = alphabet[random_below(64)];
		if (i % line >= line - 2)
			to[i] = i % line == line - 2 ? '\r' : '\n';
		if (random_below(1000) < damage)
			to[i] = other[random_below(sizeof(other))]; /* the NUL too */
	}
	return n;
}

/* In one go, with the cut bytes behind it. */
static size_t expected(char *to, const char *in, size_t n)
{
	GMimeEncoding state;

	g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_BASE64);
	n = g_mime_encoding_flush(&state, in, n, to);
	if (state.state == 2)
		to[n++] = (char)(state.save >> 4);
	if (state.state == 3) {
		to[n++] = (char)(state.save >> 10);
		to[n++] = (char)(state.save >> 2);
	}
	return n;
}

static void test_base64_is_gmimes(void **state)
{
	static const uint32_t damages[] = { 0, 5, 30, 300, 1000 };

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		CLEANUP(buf_deinit) struct buf room = BUF_INIT(0);
		char in[LENGTH_MAX], right[LENGTH_MAX + 8];
		size_t n = make(in, damages[i % ARRAY_LEN(damages)]);
		_free_ char *exact = mem_alloc(n ? n : 1, 1); /* a sanitizer sees what is read behind it */

		memcpy(exact, in, n);
		struct span got = decode(&room, GMIME_CONTENT_ENCODING_BASE64, (struct span){ exact, n });

		assert_int_equal(got.n, expected(right, in, n));
		assert_memory_equal(got.at, right, got.n);
	}
}

static void decodes(GMimeContentEncoding encoding, const char *in, const char *out)
{
	CLEANUP(buf_deinit) struct buf room = BUF_INIT(0);
	struct span got = decode(&room, encoding, (struct span){ in, strlen(in) });

	assert_int_equal(got.n, strlen(out));
	assert_memory_equal(got.at, out, got.n);
}

static void test_encodings(void **state)
{
	(void)state;
	decodes(GMIME_CONTENT_ENCODING_BASE64, "", "");
	decodes(GMIME_CONTENT_ENCODING_BASE64, "aGVs\r\nbG8g\r\nd29ybGQ=\r\n--\r\n", "hello world");
	decodes(GMIME_CONTENT_ENCODING_BASE64, "aGVsbG8gd29ybGQ", "hello world");
	decodes(GMIME_CONTENT_ENCODING_BASE64, "a\nG\r\nV\ns bG8gd29y \r\nbGQ=", "hello world");
	decodes(GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, "a=3Db=\r\nc", "a=bc");
	decodes(GMIME_CONTENT_ENCODING_UUENCODE, "x\nbegin 644 n\n#86)C\n`\nend\n", "abc");
	decodes(GMIME_CONTENT_ENCODING_8BIT, "a=3D", "a=3D");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64_is_gmimes),
		cmocka_unit_test(test_encodings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

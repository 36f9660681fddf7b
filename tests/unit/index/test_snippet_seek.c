/* A snippet is the same whether the text before its first hit was cut into words or not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "index/snippet_seek.h"

/* The one that passes over nothing. */
#define snippet_seek(phrases, phrase_count, text, n) ((n) ? (size_t)0 : (n))
#define snippet_find plain_snippet_find
#define snippet_begin plain_snippet_begin
char *plain_snippet_find(struct tokenizer *t, const struct phrase *phrases, size_t phrase_count, const char *text, size_t n);
char *plain_snippet_begin(const char *text, size_t n);
#include "index/snippet.c"
#undef snippet_seek
#undef snippet_find
#undef snippet_begin

char *snippet_find(struct tokenizer *t, const struct phrase *phrases, size_t phrase_count, const char *text, size_t n);

#include <stdlib.h>

static const char *const pieces[] = { "a", "b", "ab", "B", "A", "1", "12", "a1", "@", ".", "-", "_", "+", " ", " ", " ", "\n", "\x7f", "'",
	"é", "ß", "\xcc\x81", "\xc2\xad", "京", "都", "ก", "\xe2\x80\x8b", "x.org", "\xc2\xa0" };

/* So many pieces, of the first `ascii` percent without what is not ASCII; caller frees. */
static char *random_text(int n, int ascii)
{
	struct buf b = BUF_INIT(1 << 20);

	assert_int_equal(buf_add_str(&b, ""), 0);
	for (int i = 0; i < n; i++) {
		const char *piece;

		do
			piece = pieces[rand() % (int)ARRAY_LEN(pieces)];
		while ((unsigned char)*piece >= 0x80 && i * 100 < n * ascii);
		assert_int_equal(buf_add_str(&b, piece), 0);
	}
	return buf_take(&b);
}

static void compare(struct tokenizer *t, const struct phrase *phrases, size_t n, const char *text)
{
	_free_ char *plain = plain_snippet_find(t, phrases, n, text, strlen(text));
	_free_ char *got = snippet_find(t, phrases, n, text, strlen(text));

	if (!plain || !got)
		assert_ptr_equal(plain, got);
	else
		assert_string_equal(got, plain);
}

static void test_random_texts(void **state)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	struct phrase phrases[2];

	(void)state;
	srand(20);
	for (int i = 0; i < 60000; i++) {
		_free_ char *text = random_text(rand() % 60, rand() % 101);

		for (int k = 0; k < 2; k++) {
			_free_ char *query = random_text(1 + rand() % 4, rand() % 2 * 100);

			phrase_make(&phrases[k], t, query, rand() % 3 == 0);
		}
		compare(t, phrases, 1 + (size_t)i % 2, text);
		phrase_deinit(&phrases[0]);
		phrase_deinit(&phrases[1]);
	}
}

/* What is longer than is looked at of a word or an address. */
static void test_long_words(void **state)
{
	static const char *const queries[] = { "b", "bbb", "a@x.org", "b@x.org", "aaaa*" };
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();

	(void)state;
	for (size_t length = 250; length < 262; length++)
		for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
			_free_ char *run = mem_alloc(length + 1, 1);
			struct phrase p;

			memset(run, 'a', length);
			run[length] = '\0';
			_free_ char *text = mem_printf("so %s%s@x.org b %s", run, i % 2 ? "b" : "", run);

			phrase_make(&p, t, queries[i], i == 4);
			compare(t, &p, 1, text);
			phrase_deinit(&p);
			phrase_make(&p, t, run, false);
			compare(t, &p, 1, text);
			phrase_deinit(&p);
		}
}

static size_t seek(const char *query, const char *text)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	struct phrase p;

	phrase_make(&p, t, query, false);
	size_t at = snippet_seek(&p, 1, text, strlen(text));

	phrase_deinit(&p);
	return at;
}

static void test_words_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(seek("needle", "some needles and a Needle"), 19);
	assert_int_equal(seek("needle", "some needles"), 12);
	assert_int_equal(seek("needle", "some grüße"), 5);
	assert_int_equal(seek("grüße", "some hay"), 8);
	assert_int_equal(seek("a@x.org", "aa a b@x.org (A@x.org)"), 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_texts),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_words_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

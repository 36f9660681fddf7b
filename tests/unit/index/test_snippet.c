#include "tests/unit/index/fixture.h"

#include "base/str.h"
#include "index/snippet.h"

static char *snippet(const char *query, const char *text)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	struct phrase p;

	phrase_make(&p, t, query, false);
	char *s = snippet_find(t, &p, 1, text, strlen(text));

	phrase_deinit(&p);
	return s;
}

static void check(const char *query, const char *text, const char *expected)
{
	_free_ char *got = snippet(query, text);

	assert_string_equal(got ? got : "(none)", expected);
}

static void test_marks_hits_and_escapes_the_rest(void **state)
{
	(void)state;
	check("b", "a B c", "a <mark>B</mark> c");
	check("b", "b b, b", "<mark>b</mark> <mark>b</mark>, <mark>b</mark>");
	check("x", "a b", "(none)");
	check("a b", "a c a b", "a c <mark>a b</mark>");
	check("a a b", "a a a b", "a <mark>a a b</mark>");
	check("script", "<script>alert('1')&\"2\"</script>",
		"&lt;<mark>script</mark>&gt;alert(&#39;1&#39;)&amp;&quot;2&quot;&lt;/<mark>script</mark>&gt;");
	check("mark", "</mark><mark>", "&lt;/<mark>mark</mark>&gt;&lt;<mark>mark</mark>&gt;");
	check("b", "a\r\n\r\n\t b\x01\x1f c", "a <mark>b</mark> c");
	check("STRASSE", "in der Straße.", "in der <mark>Straße</mark>.");
	check("cafe", "Un cafe\xcc\x81!", "Un <mark>cafe\xcc\x81</mark>!");
	check("京都", "東京都庁", "東<mark>京都</mark>庁");
	check("都", "東京都庁", "東京<mark>都庁</mark>");
	check("東京都", "東京都庁", "<mark>東京都</mark>庁");
	check("a@b.org", "from a@b.org.", "from <mark>a@b.org</mark>.");
	check("ประชุม", "ฉันไปประชุมที่นี่", "ฉันไป<mark>ประชุม</mark>ที่นี่");
}

static void test_shows_the_surroundings(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_add_str(&b, i == 3000 ? "needle " : "grüße "), 0);
	_free_ char *got = snippet("needle", b.data), *begin = snippet_begin(b.data, b.len);

	assert_non_null(strstr(got, "grüße <mark>needle</mark> grüße"));
	assert_ptr_equal(strstr(got, "…grüße"), got);
	assert_string_equal(got + strlen(got) - strlen("grüße…"), "grüße…");
	assert_true(strlen(got) < SNIPPET_BYTES + 40);
	assert_ptr_equal(strstr(begin, "grüße "), begin);
	assert_true(str_utf8_valid(begin, strlen(begin)));
}

/* Text without blanks is cut between characters, and a hit longer than the window is cut too. */
static void test_text_without_blanks(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_add_str(&b, i == 500 ? "針金" : "東"), 0);
	_free_ char *got = snippet("針金", b.data), *all = snippet("東東東東東東東東東東", b.data);

	assert_non_null(strstr(got, "東<mark>針金</mark>東"));
	assert_true(str_utf8_valid(got, strlen(got)));
	assert_true(str_utf8_valid(all, strlen(all)));
	assert_ptr_equal(strstr(all, "<mark>"), all);
	assert_string_equal(all + strlen(all) - strlen("</mark>…"), "</mark>…");
}

static void test_empty(void **state)
{
	_free_ char *empty = snippet_begin("", 0), *blank = snippet_begin(" \r\n\t", 4);

	(void)state;
	assert_string_equal(empty, "");
	assert_string_equal(blank, "");
}

/* Does the last word of `filler` 10000 times over get marked by these phrases? */
static bool last_is_found(const char *filler, const char *phrase, size_t phrase_count)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
	struct phrase list[100];

	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_add_str(&b, filler), 0);
	assert_int_equal(buf_add_str(&b, "b"), 0);
	for (size_t i = 0; i < phrase_count; i++)
		phrase_make(&list[i], t, phrase, false);
	_free_ char *got = snippet_find(t, list, phrase_count, b.data, b.len);

	for (size_t i = 0; i < phrase_count; i++)
		phrase_deinit(&list[i]);
	return got != NULL;
}

/* Many words in a long text are fine; what is made to fit nearly everywhere is given up. */
static void test_work_is_bounded(void **state)
{
	(void)state;
	assert_true(last_is_found("word ", "b", 100));
	assert_true(last_is_found("a a a ", "a a b", 10));
	assert_false(last_is_found("a ", "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a b", 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks_hits_and_escapes_the_rest),
		cmocka_unit_test(test_shows_the_surroundings),
		cmocka_unit_test(test_text_without_blanks),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_work_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

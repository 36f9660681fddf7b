#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/parsed.h"
#include "parser/text_html.h"

#include <string.h>

static void is(const char *html, const char *expected)
{
	struct text t = TEXT_INIT(100000);

	text_html(&t, (struct span){ html, strlen(html) });
	assert_string_equal(t.out.data ? t.out.data : "", expected);
	buf_deinit(&t.out);
}

static void test_text(void **state)
{
	(void)state;
	is("plain", "plain\n");
	is("<p>one</p><p>two</p>", "one\ntwo\n");
	is("<b>bo</b>ld <i>a\n\n b</i>", "bold a b\n");
	is(" a  b \t c\r\nd e &amp; f\fg\vh ", "a b c d e & f g\vh\n");
	is("<p> x </p> <p> y z</p>", "x\ny z\n");
	is("a<br>b<BR/>c", "a\nb\nc\n");
	is("<table><tr><td>1<td>2</tr><tr><td>3</table>", "1 2\n3\n");
	is("1 < 2 & 3 > 2 <3", "1 < 2 & 3 > 2 <3\n");
	is("<img src=x alt='the &quot;logo&quot;'>", "the \"logo\"\n");
	is("<p title='a > b'>text", "text\n");
	is("<a b=c'd>it's</a> 'quoted'", "it's 'quoted'\n");
}

static void test_entities(void **state)
{
	(void)state;
	is("&lt;&gt;&amp;&quot;&apos;&eacute;&Eacute;&euro;", "<>&\"'éÉ€\n");
	is("&#233;&#xE9;&#Xe9;&#233 x", "ééé\xc3\xa9 x\n");
	is("a&nbsp;b&#160;c", "a b c\n");
	is("&#147;x&#148; &#128;", "“x” €\n");
	is("&#0;&#xD800;&#99999999999999;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n");
	is("&#120120;", "𝔸\n");
	is("&unknown; & &; &# &#x;", "&unknown; & &; &# &#x;\n");
	is("caf&eacute", "café\n");
}

static void test_what_is_left_out(void **state)
{
	(void)state;
	is("a<script>var x = '<p>no</p>';</script>b<style>p{}</style >c", "abc\n");
	is("a<!-- no <p> no -->b<!-->c<!--->d<!-- x --!>e", "abcde\n");
	is("<!DOCTYPE html><?xml version='1.0'?>x", "x\n");
	is("<SCRIPT>no</ScRiPt>x", "x\n");
}

/* What some programs show, or what is never closed, must be found. */
static void test_what_is_kept(void **state)
{
	(void)state;
	is("<!--[if mso]><p>outlook</p><![endif]-->x", "outlook\nx\n");
	is("<script>never closed", "never closed\n");
	is("<style>never closed", "never closed\n");
	is("a<!-- never closed", "a-- never closed\n");
	is("a<b never closed", "a<b never closed\n");
	is("a<b c=\"never closed>d", "ad\n");
	is("<noscript>shown</noscript><title>t</title>", "shown\nt\n");
}

static void test_links(void **state)
{
	(void)state;
	is("<a href='https://evil.example/path?id=1'>click</a> <a "
	   "href=\"https://evil.example/path?id=2\">here</a>",
		"click here\nhttps://evil.example/path\n");
	is("<a href=mailto:mallory@example.org>m</a><a href='#x'>x</a>",
		"mx\nmailto:mallory@example.org\n");
}

/* Were anything quadratic in it, the test would run for hours. A sanitizer makes each byte dear, and looks for other things. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LONG (256u * 1024)
#else
#define LONG (4u * 1024 * 1024)
#endif

static void check_quick(const char *unit, const char *tail)
{
	size_t n = strlen(unit), total = LONG / n * n;
	char *html = mem_alloc(total + strlen(tail) + 1, 1);
	struct text t = TEXT_INIT(PARSED_TEXT_MAX);

	for (size_t i = 0; i < total; i += n)
		memcpy(html + i, unit, n);
	strcpy(html + total, tail);
	text_html(&t, (struct span){ html, total + strlen(tail) });
	assert_true(str_utf8_valid(t.out.data ? t.out.data : "", t.out.len));
	buf_deinit(&t.out);
	free(html);
}

static void test_time_is_linear(void **state)
{
	static const char *const units[] = { "<", "<b>", "<a '", "<a x=\"", "<a x='y", "<!--",
		"<!-- --", "<!--[if ", "&", "&#", "&#9", "<script>", "<script></", "<style><!--",
		"</", "<a href=http://x.example/>", "x=' ", "<?", "\"'<a ", "<meta charset=" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		check_quick(units[i], "");
		check_quick(units[i], "\">'-->");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_entities),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_what_is_kept),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_time_is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

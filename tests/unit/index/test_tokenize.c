#include "tests/unit/index/fixture.h"

#include "base/buf.h"
#include "base/str.h"
#include "index/phrase.h"

/* Tokens with a blank between positions and = between those at one position. */
static int show(void *arg, const struct token *t)
{
	struct buf *b = arg;

	assert_true(t->len >= 1 && t->len <= TOKEN_MAX);
	assert_true(t->start < t->end);
	assert_true(str_utf8_valid(t->text, t->len));
	if (b->len)
		assert_int_equal(buf_add_char(b, token_is_beside(t->kind) ? '=' : ' '), 0);
	return buf_add(b, t->text, t->len);
}

static char *tokens_of(const char *text)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	struct buf b = BUF_INIT(1 << 20);

	tokenize(t, text, strlen(text), show, &b);
	return buf_take(&b);
}

static char *phrase_of(const char *text, bool prefix)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	struct phrase p;

	phrase_make(&p, t, text, prefix);
	_free_ char *joined = strv_join(&p.tokens, " ");
	char *shown = mem_printf("%s%s", joined, p.prefix ? "*" : "");

	phrase_deinit(&p);
	return shown;
}

static void test_cuts_text_into_words(void **state)
{
	static const struct {
		const char *text, *tokens;
	} cases[] = {
		{ "", "" },
		{ " ...\t", "" },
		{ "Hello, World 42!", "hello world 42" },
		{ "snake_case C++17 don't", "snake case c 17 don t" },
		{ "Straße ﬁn ＡＢＣ", "strasse fin abc" },
		{ "Crème BRÛLÉE naïve", "creme brulee naive" },
		{ "e\xcc\x81te\xcc\x81", "ete" },
		{ "ŁÓDŹ Æsir Œuvre Þing eðli ħal ışık İzmir đak", "lodz aesir oeuvre thing edli hal isik izmir dak" },
		{ "Ἀθῆναι Ελλάς", "αθηναι ελλασ" },
		{ "Tiếng Việt TIẾNG VIỆT", "tieng viet tieng viet" },
		{ "㈱三菱", "三菱 菱" },
		{ "Йод Ёлка", "иод елка" },
		{ "co\xc2\xadoperate zero\xe2\x80\x8bwidth", "cooperate zero width" },
		{ "½ m² ①", "1 2 m2 1" },
		{ "$5million invoice2023.pdf 2FA, 1st", "5million=million invoice2023=invoice pdf 2fa=fa 1st=st" },
		{ "Größe42 a1b2 x86 1a1 4711", "grosse42=grosse a1b2 x86 1a1 4711" },
		{ "café東京abc", "cafe 東京 京 abc" },
		{ "東", "東" },
		{ "東京都", "東京 京都 都" },
		{ "東京 都", "東京 京 都" },
		{ "ﾃﾞｰﾀ", "デー ータ タ" },
		{ "か\xe3\x82\x99", "が" },
		{ "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab국", "한국 국" },
		{ "สวัสดีชาวโลก", "สวัสดี ชาว โลก" },
		{ "हिन्दी में", "हिन्दी में" },
		{ "a@b.c", "a=a@b.c b c" },
		{ "<Alice.B@Example.ORG>,", "alice=alice.b@example.org b example org" },
		{ "'q@x.y' _q@x.y_", "q=q@x.y x y q=q@x.y x y" },
		{ "to=q@x.y", "to=to=q@x.y q=q@x.y x y" },
		{ "a@b@c", "a=a@b b=b@c c" },
		{ "@ a@ @b", "a b" },
		{ "はa@b.cへ", "は=はa@b.cへ a=a@b.c b c へ" },
		{ "用户@例子.广告", "用户=用户@例子.广告 户 例子 子 广告 告" },
		{ "müller@x.y", "muller=muller@x.y x y" },
		{ "user@[192.0.2.1]", "user 192 0 2 1" },
		{ "x@y.z. Next", "x=x@y.z y z next" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *got = tokens_of(cases[i].text);

		assert_string_equal(got, cases[i].tokens);
	}
}

static void test_what_is_asked_for(void **state)
{
	static const struct {
		const char *text;
		bool prefix;
		const char *phrase;
	} cases[] = {
		{ "Word", false, "word" },
		{ "C++17", false, "c 17" },
		{ "2FA must", false, "2fa must" },
		{ "...", false, "" },
		{ "wor", true, "wor*" },
		{ "wor.", true, "wor" },
		{ "alice@example.org", false, "alice@example.org" },
		{ "<bob.alice@example.org>", false, "bob.alice@example.org" },
		{ "mail alice@example.org", false, "mail alice@example.org" },
		{ "alice@example.org now", false, "alice@example.org example org now" },
		{ "b.alice@example.org now", false, "b.alice@example.org alice example org now" },
		{ "alice@example", false, "alice example" },
		{ "alice@", false, "alice" },
		{ "@example.org", false, "example org" },
		{ "alice@exa", true, "alice@exa*" },
		{ "b.alice@", true, "b.alice@*" },
		{ "@exa", true, "exa*" },
		{ "@", true, "" },
		{ "東", false, "東*" },
		{ "東京", false, "東京" },
		{ "東京都", false, "東京 京都" },
		{ "東京 abc", false, "東京 京 abc" },
		{ "abc東", false, "abc 東*" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *got = phrase_of(cases[i].text, cases[i].prefix);

		assert_string_equal(got, cases[i].phrase);
	}
}

static void test_long_words_are_cut_alike(void **state)
{
	char ascii[2000], mixed[2003];

	(void)state;
	memset(ascii, 'a', sizeof(ascii) - 1);
	ascii[sizeof(ascii) - 1] = '\0';
	snprintf(mixed, sizeof(mixed), "%s\xc3\xa9", ascii);
	_free_ char *one = tokens_of(ascii), *two = tokens_of(mixed), *asked = phrase_of(ascii, false);

	assert_int_equal(strlen(one), TOKEN_MAX);
	assert_string_equal(one, two);
	assert_string_equal(one, asked);
}

/* An address whose local part alone fills a token is asked for by its pieces. */
static void test_an_address_longer_than_a_token(void **state)
{
	char text[400];

	(void)state;
	for (size_t i = 0; i < 300; i++)
		text[i] = i % 10 == 9 ? '.' : 'a';
	strcpy(text + 300, "b@example.org");
	_free_ char *asked = phrase_of(text, false);

	assert_non_null(strstr(asked, "aaaaaaaaa b example org"));
}

static int count(void *arg, const struct token *t)
{
	(void)t;
	return ++*(int *)arg == 3;
}

static void test_stops_when_told(void **state)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	int n = 0;

	(void)state;
	tokenize(t, "a b c d e", 9, count, &n);
	assert_int_equal(n, 3);
}

static int check_span(void *arg, const struct token *t)
{
	size_t *last = arg;

	assert_true(t->start < t->end && t->end <= last[1]);
	assert_true(t->kind == TOKEN_ADDRESS || t->start >= last[0]);
	last[0] = t->start;
	return 0;
}

/* Any bytes at all: spans stay inside and in order. */
static void test_survives_bytes_that_are_no_text(void **state)
{
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();
	char bytes[300];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t bounds[2] = { 0, sizeof(bytes) };

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = seed >> 28 == 0 ? '@' : (char)(seed >> 20);
		}
		tokenize(t, bytes, sizeof(bytes), check_span, bounds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts_text_into_words),
		cmocka_unit_test(test_what_is_asked_for),
		cmocka_unit_test(test_long_words_are_cut_alike),
		cmocka_unit_test(test_an_address_longer_than_a_token),
		cmocka_unit_test(test_stops_when_told),
		cmocka_unit_test(test_survives_bytes_that_are_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

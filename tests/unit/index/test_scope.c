/* Random documents, queries and scopes against an evaluator that looks at the raw fields of every document. */
#include "tests/unit/index/fixture.h"

#define DOCS 160
#define ROUNDS 1500
#define ROUNDS_AT_A_SERVER 500 /* each is some requests */
#define WORDS 12
#define PEOPLE 9

static const char *const words[WORDS] = { "red", "green", "blue", "redder", "grey", "black", "white", "pink", "cyan", "olive",
	"teal", "plum" };

/* What a document is made of, as bits and numbers. */
struct raw {
	int64_t date_us;
	uint64_t size;
	bool has_attachment;
	unsigned subject, body; /* bits: words */
	unsigned from, people;	/* who wrote it; bits: who took part, the writer included */
};

static struct raw raws[DOCS];
static uint64_t seed = 7;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static unsigned sparse_bits(void)
{
	return (1u << below(WORDS) | 1u << below(WORDS) | 1u << below(WORDS)) & ~(1u << below(WORDS));
}

static int64_t random_date(void)
{
	int64_t us = clock_day_us(1969, 12, 30) + (int64_t)below(5) * 86400 * CLOCK_SECOND;

	if (below(3))
		us += clock_day_us(2020, 1, 1);
	us += (int64_t)below(4) * 3600 * CLOCK_SECOND;
	return below(4) ? us : us + below(3000000);
}

static const char *person(unsigned n)
{
	static const char *const people[PEOPLE] = { "ann@example.org", "joann@example.org", "ann@example.org.example.net",
		"bob@example.org", "b.ob@example.org", "carol@example.net", "dave@example.net", "eve@example.net",
		"x@\xc3\xbc.example" };

	return people[n];
}

static char *text_of(unsigned bits)
{
	struct buf b = BUF_INIT(1000);

	for (unsigned i = 0; i < WORDS; i++)
		if (bits & 1u << i)
			assert_int_equal(buf_printf(&b, "%s, ", words[i]), 0);
	return buf_take(&b);
}

static void make_docs(struct index *index)
{
	for (unsigned i = 0; i < DOCS; i++) {
		struct raw *r = &raws[i];
		struct strv mailboxes = { 0 };
		struct index_doc doc = { .id = numbered(i) };

		*r = (struct raw){ random_date(), 1u << below(20), below(3) == 0, sparse_bits(), sparse_bits(), below(PEOPLE), 0 };
		r->people = 1u << r->from | 1u << below(PEOPLE);
		r->size += below(3);
		for (unsigned k = 0; k < PEOPLE; k++)
			if (r->people & 1u << k)
				strv_add(&mailboxes, person(k));
		_free_ char *subject = text_of(r->subject), *body = text_of(r->body), *joined = strv_join(&mailboxes, " ");

		doc.date_us = r->date_us;
		doc.size = r->size;
		doc.has_attachment = r->has_attachment;
		doc.from = person(r->from);
		doc.to = joined; /* would betray participants if display text counted for scopes */
		doc.subject = subject;
		doc.body = body;
		strv_deinit(&mailboxes);
		/* scope_grant() normalises; the document must carry the same form */
		struct scope *s = scope_of(joined);
		_free_ char *normal = strv_join(scope_mailboxes(s), " ");

		add_doc(index, doc, normal);
		scope_freep(&s);
	}
}

/* ---- a query as text and as a tree of its own ---- */

struct ask {
	enum { ASK_WORD, ASK_PREFIX, ASK_SUBJECT, ASK_BODY, ASK_FROM, ASK_DATE, ASK_SIZE, ASK_HAS, ASK_NOT, ASK_AND, ASK_OR } op;
	struct ask *left, *right;
	unsigned n;
	int64_t low, high;
};

static struct ask *random_ask(int depth)
{
	struct ask *a = MEM_NEW(struct ask);

	a->op = depth > 0 && below(3) ? ASK_NOT + below(3) : below(ASK_NOT);
	a->n = below(a->op == ASK_FROM ? PEOPLE - 1 : WORDS);
	if (a->op >= ASK_NOT)
		a->left = random_ask(depth - 1);
	if (a->op > ASK_NOT)
		a->right = random_ask(depth - 1);
	if (a->op == ASK_SIZE) {
		a->low = 1 << below(20);
		a->high = a->low * 8;
	}
	if (a->op == ASK_DATE) {
		a->low = below(2) ? clock_day_us(1969, 12, 31) : clock_day_us(2020, 1, 1);
		a->high = a->low + (int64_t)(1 + below(3)) * 86400 * CLOCK_SECOND;
	}
	return a;
}

static void put_day(struct buf *b, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	assert_int_equal(buf_printf(b, "%.10s", clock_format(text, us)), 0);
}

static void print_ask(struct buf *b, const struct ask *a)
{

	switch (a->op) {
	case ASK_WORD:
		assert_int_equal(buf_printf(b, "%s", words[a->n]), 0);
		break;
	case ASK_PREFIX:
		assert_int_equal(buf_printf(b, "%.3s*", words[a->n]), 0);
		break;
	case ASK_SUBJECT:
		assert_int_equal(buf_printf(b, "subject:%s", words[a->n]), 0);
		break;
	case ASK_BODY:
		assert_int_equal(buf_printf(b, "body:(%s)", words[a->n]), 0);
		break;
	case ASK_FROM:
		assert_int_equal(buf_printf(b, "from:%s", person(a->n)), 0);
		break;
	case ASK_DATE:
		assert_int_equal(buf_add_str(b, "date:"), 0);
		put_day(b, a->low);
		assert_int_equal(buf_add_str(b, ".."), 0);
		put_day(b, a->high - 1);
		break;
	case ASK_SIZE:
		assert_int_equal(buf_printf(b, "size:%lld..%lld", (long long)a->low, (long long)a->high - 1), 0);
		break;
	case ASK_HAS:
		assert_int_equal(buf_add_str(b, "has:attachment"), 0);
		break;
	case ASK_NOT:
		assert_int_equal(buf_add_str(b, "NOT ("), 0);
		print_ask(b, a->left);
		assert_int_equal(buf_add_str(b, ")"), 0);
		break;
	case ASK_AND:
	case ASK_OR:
		assert_int_equal(buf_add_str(b, "("), 0);
		print_ask(b, a->left);
		assert_int_equal(buf_add_str(b, a->op == ASK_OR ? " OR " : " "), 0);
		print_ask(b, a->right);
		assert_int_equal(buf_add_str(b, ")"), 0);
		break;
	}
}

static bool begins(unsigned bits, const char *with, size_t n)
{
	for (unsigned i = 0; i < WORDS; i++)
		if (bits & 1u << i && !strncmp(words[i], with, n))
			return true;
	return false;
}

static bool holds(const struct ask *a, const struct raw *r)
{
	switch (a->op) {
	case ASK_WORD:
		return (r->subject | r->body) >> a->n & 1;
	case ASK_PREFIX:
		return begins(r->subject | r->body, words[a->n], 3);
	case ASK_SUBJECT:
		return r->subject >> a->n & 1;
	case ASK_BODY:
		return r->body >> a->n & 1;
	case ASK_FROM:
		return r->from == a->n;
	case ASK_DATE:
		return r->date_us >= a->low && r->date_us < a->high;
	case ASK_SIZE:
		return (int64_t)r->size >= a->low && (int64_t)r->size < a->high;
	case ASK_HAS:
		return r->has_attachment;
	case ASK_NOT:
		return !holds(a->left, r);
	case ASK_AND:
		return holds(a->left, r) && holds(a->right, r);
	case ASK_OR:
		return holds(a->left, r) || holds(a->right, r);
	}
	return false;
}

static void free_ask(struct ask *a)
{
	if (!a)
		return;
	free_ask(a->left);
	free_ask(a->right);
	free(a);
}

/* ---- scopes ---- */

struct seen {
	bool all;
	unsigned people;
	int64_t from_us, until_us;
};

/* Sometimes with so many other mailboxes that the index goes another way about it. */
static struct scope *random_scope(struct seen *s)
{
	struct strv list = { 0 };
	static const unsigned crowds[] = { 0, 0, 0, 0, 0, 0, 40, 2000 };
	unsigned strangers = crowds[below(ARRAY_LEN(crowds))];

	*s = (struct seen){ below(4) == 0, below(1u << PEOPLE), INT64_MIN, INT64_MAX };
	if (below(3) == 0)
		s->from_us = random_date();
	if (below(3) == 0)
		s->until_us = random_date();
	for (unsigned i = 0; i < PEOPLE; i++)
		if (s->people & 1u << i)
			strv_add(&list, person(i));
	for (unsigned i = 0; i < strangers; i++) {
		_free_ char *stranger = mem_printf("stranger%u@example.com", i);

		strv_add(&list, stranger);
	}
	struct scope *scope = scope_grant(s->all, &list, s->from_us, s->until_us);

	strv_deinit(&list);
	return scope;
}

static bool covers(const struct seen *s, const struct raw *r)
{
	return (s->all || s->people & r->people) && r->date_us >= s->from_us && r->date_us < s->until_us;
}

static int64_t second_of(int64_t us)
{
	return us < 0 ? 0 : us / CLOCK_SECOND;
}

/* Pages through everything; the hits must be what holds, each once, in order, and the count must say so on each page. */
static void check_pages(struct index *index, const struct scope *scope, const struct seen *s, const struct ask *a,
	const char *text)
{
	bool expected[DOCS] = { false };
	size_t total = 0, limit = below(2) ? INDEX_PAGE_MAX : 1 + below(20), got = 0;
	_free_ char *cursor = NULL;
	int64_t last = INT64_MAX;

	for (unsigned i = 0; i < DOCS; i++) {
		expected[i] = covers(s, &raws[i]) && holds(a, &raws[i]);
		total += expected[i];
	}
	do {
		struct index_page page;

		search(index, scope, text, limit, cursor, &page);
		if (page.total != total || !page.total_exact)
			fail_msg("%s: %zu expected, %zu counted", text, total, (size_t)page.total);
		for (size_t i = 0; i < page.n; i++, got++) {
			unsigned n = number_of(&page.hits[i].id);

			if (n >= DOCS || !expected[n] || second_of(raws[n].date_us) > last)
				fail_msg("%s: %u should not be found here", text, n);
			expected[n] = false;
			last = second_of(raws[n].date_us);
		}
		free(cursor);
		cursor = page.next;
		page.next = NULL;
		index_page_deinit(&page);
	} while (cursor);
	if (got != total)
		fail_msg("%s: %zu expected, %zu found", text, total, got);
}

static void test_agrees_with_the_raw_fields(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	make_docs(f.index);
	int rounds = f.server ? ROUNDS_AT_A_SERVER : ROUNDS;

	for (int i = 0; i < rounds; i++) {
		struct ask *a = random_ask((int)below(5));
		struct buf text = BUF_INIT(QUERY_TEXT_MAX);
		struct seen seen;
		struct scope *scope = random_scope(&seen);

		print_ask(&text, a);
		check_pages(f.index, scope, &seen, a, text.data);
		scope_freep(&scope);
		buf_deinit(&text);
		free_ask(a);
	}
	fixture_deinit(&f);
}

/* A few messages of one's own among very many of others, by each of the ways that an index may go about it. */
static void test_small_scopes_in_a_large_archive(void **state)
{
	static const unsigned strangers[] = { 0, 20, 900, 1500 };
	enum { N = 9000 };
	struct index_doc *docs = MEM_ARRAY(struct index_doc, N);
	struct strv own = { 0 }, others = { 0 };
	struct fixture f;
	struct err e;

	(void)state;
	fixture_init(&f);
	strv_add(&own, "ann@example.org");
	strv_add(&others, "bob@example.org");
	for (unsigned i = 0; i < N; i++)
		docs[i] = (struct index_doc){ .id = numbered(i), .date_us = i * CLOCK_SECOND, .size = i % 7,
			.body = i % 3 ? "common" : "common third", .mailboxes = i % 3000 == 0 ? &own : &others };
	assert_int_equal(index_add(f.index, docs, N, &e), 0);
	for (size_t k = 0; k < ARRAY_LEN(strangers); k++) {
		struct strv list = { 0 };

		strv_add(&list, "ann@example.org");
		for (unsigned i = 0; i < strangers[k]; i++) {
			_free_ char *stranger = mem_printf("stranger%u@example.com", i);

			strv_add(&list, stranger);
		}
		struct scope *scope = scope_grant(false, &list, INT64_MIN, INT64_MAX);
		_free_ char *all = found(f.index, scope, ""), *word = found(f.index, scope, "common");
		_free_ char *inverse = found(f.index, scope, "NOT third"), *mixed = found(f.index, scope, "third OR size:3");
		_free_ char *sized = found(f.index, scope, "common size:4");

		assert_string_equal(all, "6000 3000 0");
		assert_string_equal(word, "6000 3000 0");
		assert_string_equal(inverse, "");
		assert_string_equal(mixed, "6000 3000 0");
		assert_string_equal(sized, "3000");
		scope_freep(&scope);
		strv_deinit(&list);
	}
	strv_deinit(&own);
	strv_deinit(&others);
	free(docs);
	fixture_deinit(&f);
}

/* ---- what a scope must not be got around with ---- */

static void test_text_never_widens_a_scope(void **state)
{
	struct fixture f;
	struct scope *ann = scope_of("ann@example.org");

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .from = "ann@example.org",
		.subject = "ann@example.org", .body = "\x1f\x02m ann@example.org \x1fscope \x02""a" }, "bob@example.org");
	add_doc(f.index, (struct index_doc){ .id = numbered(2), .body = "mine" }, "ann@example.org");
	add_doc(f.index, (struct index_doc){ .id = numbered(3), .body = "other" }, "joann@example.org");
	add_doc(f.index, (struct index_doc){ .id = numbered(4), .body = "none" }, "");
	_free_ char *everything = found(f.index, ann, ""), *outside = found(f.index, ann, "other OR none OR ann");
	_free_ char *inverse = found(f.index, ann, "NOT mine"), *alternative = found(f.index, ann, "NOT mine OR size:>=0");

	assert_string_equal(everything, "2");
	assert_string_equal(outside, "");
	assert_string_equal(inverse, "");
	assert_string_equal(alternative, "2");
	scope_freep(&ann);
	fixture_deinit(&f);
}

static void test_an_empty_scope_sees_nothing(void **state)
{
	struct fixture f;
	struct scope *nobody = scope_of("");

	(void)state;
	fixture_init(&f);
	add_doc(f.index, (struct index_doc){ .id = numbered(1), .body = "text" }, "ann@example.org");
	_free_ char *everything = found(f.index, nobody, ""), *inverse = found(f.index, nobody, "NOT other");

	assert_string_equal(everything, "");
	assert_string_equal(inverse, "");
	scope_freep(&nobody);
	fixture_deinit(&f);
}

/* Mailboxes may hold whatever an address may hold. */
static void test_strange_mailboxes(void **state)
{
	static const char *const strange[] = { "\"quoted\"@example.org", "a*@example.org", "\x1f@example.org", "or", "NOT",
		"a.very.long.local.part.that.never.ends.a.very.long.local.part.that.never.ends@example.org" };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned i = 0; i < ARRAY_LEN(strange); i++) {
		struct strv list = { 0 };
		strv_add(&list, strange[i]);
		struct scope *scope = scope_grant(false, &list, INT64_MIN, INT64_MAX);
		struct index_doc doc = { .id = numbered(i), .mailboxes = scope_mailboxes(scope) };
		struct err e;
		_free_ char *expected = mem_printf("%u", i);

		assert_int_equal(index_add(f.index, &doc, 1, &e), 0);
		_free_ char *got = found(f.index, scope, "");
		assert_string_equal(got, expected);
		scope_freep(&scope);
		strv_deinit(&list);
	}
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_the_raw_fields),
		cmocka_unit_test(test_small_scopes_in_a_large_archive),
		cmocka_unit_test(test_text_never_widens_a_scope),
		cmocka_unit_test(test_an_empty_scope_sees_nothing),
		cmocka_unit_test(test_strange_mailboxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

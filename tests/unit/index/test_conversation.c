/* Conversations: what belongs together, within a scope, with every driver. */
#include "tests/unit/index/fixture.h"

#include "index/conversation.h"

static void add(struct index *i, unsigned number, const char *mailboxes, const char *ids)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };
	struct index_doc doc = { .id = numbered(number), .date_us = number * CLOCK_SECOND, .ids = &list };

	strv_split(&list, ids, " ");
	add_doc(i, doc, mailboxes);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

/* The numbers of a conversation, and "..." when there may be more; caller frees. */
static char *joined(struct index *i, const struct scope *scope, unsigned number)
{
	struct buf b = BUF_INIT(1 << 20);
	const struct uuid id = numbered(number);
	struct conversation c;
	struct err e = { 0 };

	if (index_sync(i, &e) || conversation_find(i, scope, &id, &c, &e))
		fail_msg("%s", e.text);
	qsort(c.ids, c.n, sizeof(*c.ids), compare);
	for (size_t k = 0; k < c.n; k++)
		assert_int_equal(buf_printf(&b, "%s%u", k ? " " : "", number_of(&c.ids[k])), 0);
	if (!c.whole)
		assert_int_equal(buf_add_str(&b, "..."), 0);
	conversation_deinit(&c);
	return buf_take(&b);
}

static void expect(struct index *i, const struct scope *scope, unsigned number, const char *expected)
{
	_free_ char *got = joined(i, scope, number);

	assert_string_equal(got, expected);
}

static void test_identifiers_join(void **state)
{
	struct scope *all = scope_of_all();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	add(f.index, 1, "ann@x.org", "root@x");
	add(f.index, 2, "ann@x.org", "reply@x root@x");
	add(f.index, 3, "ann@x.org", "late@x reply@x");
	add(f.index, 4, "ann@x.org", "other@x");
	add(f.index, 5, "ann@x.org", "ROOT@x");	   /* case tells them apart */
	add(f.index, 6, "ann@x.org", "root@x.example"); /* and so does the end */
	add(f.index, 7, "ann@x.org", "");
	add(f.index, 8, "ann@x.org", "a@x missing@x"); /* answers to what was never archived */
	add(f.index, 9, "ann@x.org", "b@x missing@x");
	for (unsigned n = 1; n <= 3; n++)
		expect(f.index, all, n, "1 2 3");
	expect(f.index, all, 4, "4");
	expect(f.index, all, 5, "5");
	expect(f.index, all, 6, "6");
	expect(f.index, all, 7, "7");
	expect(f.index, all, 8, "8 9");
	expect(f.index, all, 77, "");
	fixture_deinit(&f);
	scope_freep(&all);
}

/* Message 2 joins 1 and 3: not for him who may not see it. */
static void test_nothing_outside_of_the_scope_joins(void **state)
{
	struct scope *all = scope_of_all(), *ann = scope_of("ann@x.org"), *bob = scope_of("bob@x.org"), *none = scope_of("");
	struct fixture f;

	(void)state;
	fixture_init(&f);
	add(f.index, 1, "ann@x.org", "one@x");
	add(f.index, 2, "bob@x.org", "two@x one@x three@x");
	add(f.index, 3, "ann@x.org bob@x.org", "three@x");
	expect(f.index, all, 1, "1 2 3");
	expect(f.index, ann, 1, "1");
	expect(f.index, ann, 3, "3");
	expect(f.index, ann, 2, "");
	expect(f.index, bob, 3, "2 3");
	expect(f.index, bob, 1, "");
	expect(f.index, none, 1, "");
	fixture_deinit(&f);
	scope_freep(&all);
	scope_freep(&ann);
	scope_freep(&bob);
	scope_freep(&none);
}

/* Each message names only the one before it: it takes as many steps as there are messages. */
static void test_a_chain_is_followed_to_its_end(void **state)
{
	struct scope *all = scope_of_all();
	struct conversation c;
	struct err e = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned n = 1; n <= 40; n++) {
		_free_ char *ids = mem_printf("m%u@x m%u@x", n, n - 1);

		add(f.index, n, "ann@x.org", ids);
	}
	const struct uuid id = numbered(20);

	assert_int_equal(index_sync(f.index, &e), 0);
	assert_int_equal(conversation_find(f.index, all, &id, &c, &e), 0);
	assert_int_equal(c.n, 40);
	assert_true(c.whole);
	conversation_deinit(&c);
	fixture_deinit(&f);
	scope_freep(&all);
}

static void test_a_huge_conversation_is_cut_and_says_so(void **state)
{
	struct scope *all = scope_of_all();
	struct conversation c;
	struct err e = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned n = 1; n <= CONVERSATION_MAX + 20; n++) {
		_free_ char *ids = mem_printf("m%u@x list@x", n);

		add(f.index, n, "ann@x.org", ids);
	}
	const struct uuid id = numbered(1);

	assert_int_equal(index_sync(f.index, &e), 0);
	assert_int_equal(conversation_find(f.index, all, &id, &c, &e), 0);
	assert_int_equal(c.n, CONVERSATION_MAX);
	assert_false(c.whole);
	assert_memory_equal(&c.ids[0], &id, sizeof(id));
	conversation_deinit(&c);
	fixture_deinit(&f);
	scope_freep(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identifiers_join),
		cmocka_unit_test(test_nothing_outside_of_the_scope_joins),
		cmocka_unit_test(test_a_chain_is_followed_to_its_end),
		cmocka_unit_test(test_a_huge_conversation_is_cut_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

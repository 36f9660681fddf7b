/* What groups lead to: each asked for once, cycles, limits, and one that can't be read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/directory_groups.h"

#include <stdio.h>
#include <string.h>

/* A directory: each line a group and one that it is in. */
struct edge {
	const char *dn, *in;
};

struct server {
	const struct edge *edges;
	size_t n;
	unsigned asked;
	const char *unreadable;
};

static void add_text(struct directory_values *v, const char *text)
{
	directory_values_add(v, text, strlen(text));
}

static int ask(void *ctx, const char *dn, struct directory_values *in_r, struct err *e)
{
	struct server *s = ctx;

	s->asked++;
	if (s->unreadable && strcmp(dn, s->unreadable) == 0)
		return err_permanent(e, "read group(%s) failed: No such object", dn);
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->edges[i].dn, dn) == 0)
			add_text(in_r, s->edges[i].in);
	return 0;
}

static bool has(const struct directory_values *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->items[i].bytes, text) == 0)
			return true;
	return false;
}

static const struct edge edges[] = {
	{ "cn=a", "cn=b" }, { "cn=b", "cn=c" }, { "cn=b", "cn=d" }, { "cn=d", "CN=C" }, /* two ways to c */
	{ "cn=x", "cn=y" }, { "cn=y", "cn=x" }, { "cn=self", "cn=self" },		/* in each other */
};

static void test_deep_and_once(void **state)
{
	struct server s = { edges, ARRAY_LEN(edges), 0, NULL };
	CLEANUP(directory_groups_deinit) struct directory_groups g = { .ask = ask, .ctx = &s };
	struct err e;

	(void)state;
	for (int person = 0; person < 3; person++) {
		CLEANUP(directory_values_deinit) struct directory_values v = { 0 };

		add_text(&v, person == 1 ? "CN=A" : "cn=a");
		add_text(&v, "cn=a");
		assert_int_equal(directory_groups_follow(&g, &v, &e), 0);
		assert_true(has(&v, "cn=b") && has(&v, "cn=c") && has(&v, "cn=d"));
	}
	assert_int_equal(s.asked, 4);
}

static void test_in_each_other(void **state)
{
	struct server s = { edges, ARRAY_LEN(edges), 0, NULL };
	CLEANUP(directory_groups_deinit) struct directory_groups g = { .ask = ask, .ctx = &s };
	CLEANUP(directory_values_deinit) struct directory_values v = { 0 };
	struct err e;

	(void)state;
	add_text(&v, "cn=x");
	add_text(&v, "cn=self");
	assert_int_equal(directory_groups_follow(&g, &v, &e), 0);
	assert_true(has(&v, "cn=y"));
	assert_int_equal(s.asked, 3);
}

static void test_unreadable(void **state)
{
	struct server s = { edges, ARRAY_LEN(edges), 0, "cn=d" };
	CLEANUP(directory_groups_deinit) struct directory_groups g = { .ask = ask, .ctx = &s };
	struct err e;

	(void)state;
	for (int person = 0; person < 2; person++) {
		CLEANUP(directory_values_deinit) struct directory_values v = { 0 };

		add_text(&v, "cn=a");
		assert_int_equal(directory_groups_follow(&g, &v, &e), -1);
		assert_non_null(strstr(e.text, "cn=d"));
	}
}

/* They stay for directory_people_add() to refuse. */
static void test_no_names(void **state)
{
	struct server s = { edges, ARRAY_LEN(edges), 0, NULL };
	CLEANUP(directory_groups_deinit) struct directory_groups g = { .ask = ask, .ctx = &s };
	CLEANUP(directory_values_deinit) struct directory_values v = { 0 };
	char huge[5000];
	struct err e;

	(void)state;
	memset(huge, 'a', sizeof(huge));
	memcpy(huge, "cn=", 3);
	add_text(&v, "Sales");
	add_text(&v, "");
	directory_values_add(&v, "cn=a\0cn=b", 9);
	directory_values_add(&v, huge, sizeof(huge));
	assert_int_equal(directory_groups_follow(&g, &v, &e), 0);
	assert_int_equal(v.n, 4);
	assert_int_equal(s.asked, 0);
}

/* Without an end: each group is in another one. */
static int ask_endless(void *ctx, const char *dn, struct directory_values *in_r, struct err *e)
{
	char next[32];

	(void)ctx, (void)e;
	snprintf(next, sizeof(next), "cn=%lu", strtoul(dn + 3, NULL, 10) + 1);
	add_text(in_r, next);
	return 0;
}

static void test_too_deep(void **state)
{
	CLEANUP(directory_groups_deinit) struct directory_groups g = { .ask = ask_endless };
	CLEANUP(directory_values_deinit) struct directory_values v = { 0 };
	struct err e;

	(void)state;
	add_text(&v, "cn=0");
	assert_int_equal(directory_groups_follow(&g, &v, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_non_null(strstr(e.text, "deep"));
	assert_true(g.n <= DIRECTORY_GROUPS_DEPTH_MAX + 1);
}

/* As wide as it likes: one is in all others. */
static int ask_wide(void *ctx, const char *dn, struct directory_values *in_r, struct err *e)
{
	char next[32];

	(void)ctx, (void)e;
	for (unsigned i = 0; strcmp(dn, "cn=all") == 0 && i <= DIRECTORY_GROUPS_MAX; i++) {
		snprintf(next, sizeof(next), "cn=%08u", i);
		add_text(in_r, next);
	}
	return 0;
}

static void test_too_many(void **state)
{
	CLEANUP(directory_groups_deinit) struct directory_groups g = { .ask = ask_wide };
	CLEANUP(directory_values_deinit) struct directory_values v = { 0 };
	struct err e;

	(void)state;
	add_text(&v, "cn=all");
	assert_int_equal(directory_groups_follow(&g, &v, &e), -1);
	assert_non_null(strstr(e.text, "more than 100000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deep_and_once), cmocka_unit_test(test_in_each_other), cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_no_names),      cmocka_unit_test(test_too_deep),	    cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* store_s3 against a real store, or a double (see s3_store.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "sys/http_client.h"
#include "tests/unit/store/s3_store.c"

#include <stdlib.h>
#include <string.h>

#define SOON (1200 * CLOCK_SECOND) /* when the locks of these tests end */
#define CENTURY (INT64_C(36500) * 86400 * CLOCK_SECOND)

static struct uuid id_of_spread(uint8_t spread)
{
	struct uuid id = uuid_new(clock_now_us());

	id.bytes[UUID_SIZE - 1] = spread;
	return id;
}

static void put_at(const struct uuid *id, const char *text, struct locator *where_r)
{
	uint8_t sha256[SHA256_SIZE];
	struct err e;

	sha256_of(text, strlen(text), sha256);
	const struct store_object o = { *id, text, strlen(text), sha256, clock_now_us() + SOON };

	must(store_put(store, &o, where_r, &e), &e);
}

static struct uuid put(const char *text, struct locator *where_r)
{
	struct uuid id = uuid_new(clock_now_us());

	put_at(&id, text, where_r);
	return id;
}

static int collect(void *ctx, const void *data, size_t n)
{
	return buf_add(ctx, data, n);
}

static int add_to_hash(void *ctx, const void *data, size_t n)
{
	sha256_add(ctx, data, n);
	return 0;
}

static void expect_bytes(const struct locator *where, const char *expected)
{
	CLEANUP(buf_deinit) struct buf got = BUF_INIT(1 << 20);
	struct err e;

	must(store_get(store, where, collect, &got, &e), &e);
	assert_string_equal(got.len ? got.data : "", expected);
}

static struct store_state state_of(const struct locator *where)
{
	struct store_state now;
	struct err e;

	if (store_stat(store, where, &now, &e) != 1)
		fail_msg("%s", e.text);
	return now;
}

/* ---- tests ---- */

static void test_put_get_stat(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 }, found = { 0 };
	struct err e;

	(void)state;
	need_store();
	struct uuid id = put("Subject: a\r\n\r\nb\r\n", &where);
	_free_ char *key = store_key(&id);

	assert_string_equal(where.key, key);
	assert_string_equal(where.bucket, conf.store + 3);
	assert_true(*where.version);
	expect_bytes(&where, "Subject: a\r\n\r\nb\r\n");
	struct store_state now = state_of(&where);

	assert_int_equal(now.length, 17);
	assert_true(now.locked && now.read_only && !now.held);
	assert_in_range(now.retain_until_us, clock_now_us() + SOON / 2, clock_now_us() + 2 * SOON);
	assert_int_equal(store_find(store, &id, &found, &e), 1);
	assert_string_equal(found.version, where.version);
	assert_int_equal(found.length, 17);
	assert_int_equal(store_ready(store, &e), 0);
}

static void test_parts_and_nothing(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 }, empty = { 0 };

	(void)state;
	need_store();
	put("0123456789", &where);
	where.offset = 3;
	where.length = 4;
	expect_bytes(&where, "3456");
	put("", &empty);
	expect_bytes(&empty, "");
}

static void test_what_is_not_as_recorded(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	CLEANUP(buf_deinit) struct buf got = BUF_INIT(1000);
	struct uuid id = uuid_new(clock_now_us());
	struct store_state now;
	struct locator found;
	struct err e;

	(void)state;
	need_store();
	put("0123456789", &where);
	where.length = 11;
	assert_int_equal(store_get(store, &where, collect, &got, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	where.length = 10;
	where.offset = 20;
	assert_int_equal(store_get(store, &where, collect, &got, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	where.offset = 0;
	free(where.key);
	where.key = store_key(&id);
	assert_int_equal(store_get(store, &where, collect, &got, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_int_equal(store_stat(store, &where, &now, &e), 0);
	assert_int_equal(store_find(store, &id, &found, &e), 0);
	free(where.bucket);
	where.bucket = mem_strdup("another");
	assert_int_equal(store_get(store, &where, collect, &got, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY); /* a matter of settings */
}

/* Nothing that comes later under the same id takes the place of what is there, whether the store keeps it or refuses it. */
static void test_the_oldest_version_counts(void **state)
{
	CLEANUP(locator_deinit) struct locator first = { 0 }, second = { 0 }, found = { 0 };
	struct uuid id = uuid_new(clock_now_us());
	uint8_t sha256[SHA256_SIZE];
	struct err e;

	(void)state;
	need_store();
	put_at(&id, "the first", &first);
	sha256_of("the second", 10, sha256);
	const struct store_object o = { id, "the second", 10, sha256, clock_now_us() + SOON };

	if (store_put(store, &o, &second, &e) == 0) {
		assert_string_not_equal(first.version, second.version);
		expect_bytes(&second, "the second");
	} else {
		assert_int_equal(e.class, ERR_TEMPORARY);
	}
	assert_int_equal(store_find(store, &id, &found, &e), 1);
	assert_string_equal(found.version, first.version);
	expect_bytes(&first, "the first");
}

static void test_lock_grows_only(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	int64_t until = clock_now_us() / CLOCK_SECOND * CLOCK_SECOND + 2 * SOON;
	struct err e;

	(void)state;
	need_store();
	put("x", &where);
	must(store_extend(store, &where, until, &e), &e);
	assert_int_equal(state_of(&where).retain_until_us, until);
	must(store_extend(store, &where, until - SOON, &e), &e);
	assert_int_equal(state_of(&where).retain_until_us, until);
	assert_int_equal(store_extend(store, &where, clock_now_us() + CENTURY, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_non_null(strstr(e.text, "lock_days_max"));
	assert_int_equal(state_of(&where).retain_until_us, until);
}

static void test_a_lock_for_a_century_is_refused(void **state)
{
	const struct store_object o = { uuid_new(clock_now_us()), "x", 1, (const uint8_t[SHA256_SIZE]){ 0 },
		clock_now_us() + CENTURY };
	struct locator where;
	struct err e;

	(void)state;
	need_store();
	assert_int_equal(store_put(store, &o, &where, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_int_equal(store_find(store, &o.id, &where, &e), 0);
}

/* Bytes that are not those of the sum never become a message. */
static void test_a_wrong_sum_is_refused(void **state)
{
	const struct store_object o = { uuid_new(clock_now_us()), "x", 1, (const uint8_t[SHA256_SIZE]){ 0 }, clock_now_us() + SOON };
	struct locator where;
	struct err e;

	(void)state;
	need_store();
	assert_int_equal(store_put(store, &o, &where, &e), -1);
	assert_int_equal(store_find(store, &o.id, &where, &e), 0);
}

/* A store refuses locks that are over; a message whose time is over is kept all the same when it is copied. */
static void test_a_lock_of_the_past(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	uint8_t sha256[SHA256_SIZE];
	struct err e;

	(void)state;
	need_store();
	sha256_of("old", 3, sha256);
	must(store_put(store, &(struct store_object){ uuid_new(clock_now_us()), "old", 3, sha256, 1 }, &where, &e), &e);
	assert_true(state_of(&where).locked);
}

static void test_hold(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct err e;

	(void)state;
	need_store();
	put("x", &where);
	must(store_hold(store, &where, true, &e), &e);
	assert_true(state_of(&where).held);
	must(store_hold(store, &where, true, &e), &e);
	must(store_hold(store, &where, false, &e), &e);
	assert_false(state_of(&where).held);
}

/* More than two parts, of which none ends where a piece does. */
static void test_upload(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	CLEANUP(sha256_freep) struct sha256 *sent = sha256_new();
	CLEANUP(sha256_freep) struct sha256 *got = sha256_new();
	const size_t piece = 3000017, pieces = 6;
	_free_ char *data = mem_alloc(piece, 1), *key = mem_printf("x/case-1/%lld.tar.gz", (long long)clock_now_us());
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];
	struct store_upload *u;
	struct err e;

	(void)state;
	need_store();
	must(store_upload_begin(store, key, clock_now_us() + SOON, &u, &e), &e);
	for (size_t i = 0; i < pieces; i++) {
		memset(data, (int)('a' + i), piece);
		sha256_add(sent, data, piece);
		must(store_upload_add(u, data, piece, &e), &e);
	}
	must(store_upload_finish(&u, &where, &e), &e);
	assert_null(u);
	assert_string_equal(where.key, key);
	assert_int_equal(where.length, piece * pieces);
	must(store_get(store, &where, add_to_hash, got, &e), &e);
	sha256_finish(sent, a);
	sha256_finish(got, b);
	assert_memory_equal(a, b, SHA256_SIZE);
	struct store_state now = state_of(&where);

	assert_true(now.locked);
	assert_in_range(now.retain_until_us, clock_now_us() + SOON / 2, clock_now_us() + 2 * SOON);
}

/* ---- uploads that are gone on with ---- */

#define PIECE ((size_t)9 * 1024 * 1024) /* more than a part */

struct saved {
	struct buf state, tail;
};

static void saved_deinit(struct saved *s)
{
	buf_deinit(&s->state);
	buf_deinit(&s->tail);
}

static void add_piece(struct store_upload *u, char c)
{
	_free_ char *data = mem_alloc(PIECE, 1);
	struct err e;

	memset(data, c, PIECE);
	must(store_upload_add(u, data, PIECE, &e), &e);
}

static void save(struct store_upload *u, bool whole, struct saved *s_r)
{
	const void *tail;
	size_t n;
	struct err e;

	*s_r = (struct saved){ BUF_INIT(1000000), BUF_INIT(2 * PIECE) };
	must(store_upload_save(u, whole, &s_r->state, &tail, &n, &e), &e);
	assert_true(whole ? n == 0 : n > 0);
	assert_int_equal(buf_add(&s_r->tail, tail, n), 0);
}

static struct store_upload *go_on(const char *key, const struct saved *s)
{
	struct store_upload *u;
	struct err e;

	must(store_upload_resume(store, key, clock_now_us() + SOON, &s->state, &u, &e), &e);
	must(store_upload_add(u, s->tail.data, s->tail.len, &e), &e);
	return u;
}

static void expect_pieces(const struct locator *where, const char *pieces)
{
	CLEANUP(sha256_freep) struct sha256 *expected = sha256_new();
	CLEANUP(sha256_freep) struct sha256 *got = sha256_new();
	_free_ char *data = mem_alloc(PIECE, 1);
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];
	struct err e;

	for (; *pieces; pieces++) {
		memset(data, *pieces, PIECE);
		sha256_add(expected, data, PIECE);
	}
	must(store_get(store, where, add_to_hash, got, &e), &e);
	sha256_finish(expected, a);
	sha256_finish(got, b);
	assert_memory_equal(a, b, SHA256_SIZE);
}

/* What was added behind the mark is not in it; and the same again after it has become an object. */
static void test_upload_gone_on_with(void **state)
{
	_free_ char *key = mem_printf("x/on/%lld", (long long)clock_now_us());
	CLEANUP(saved_deinit) struct saved middle = { 0 }, end = { 0 };
	struct store_upload *u;
	struct err e;

	(void)state;
	need_store();
	must(store_upload_begin(store, key, clock_now_us() + SOON, &u, &e), &e);
	add_piece(u, 'a');
	save(u, false, &middle);
	add_piece(u, 'x');
	store_upload_leavep(&u);
	assert_null(u);
	u = go_on(key, &middle);
	add_piece(u, 'b');
	save(u, true, &end);
	store_upload_leavep(&u);
	for (int round = 0; round < 2; round++) {
		CLEANUP(locator_deinit) struct locator where = { 0 };

		u = go_on(key, &end);
		must(store_upload_finish(&u, &where, &e), &e);
		expect_pieces(&where, "ab");
	}
	assert_int_equal(store_upload_resume(store, key, clock_now_us() + SOON, &middle.state, &u, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

/* A part of somebody who was thought dead comes late: no object is made of the mixture. */
static void test_upload_two_are_at(void **state)
{
	_free_ char *key = mem_printf("x/two/%lld", (long long)clock_now_us());
	CLEANUP(saved_deinit) struct saved middle = { 0 };
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct store_upload *u, *late;
	struct err e;

	(void)state;
	need_store();
	must(store_upload_begin(store, key, clock_now_us() + SOON, &u, &e), &e);
	add_piece(u, 'a');
	save(u, false, &middle);
	store_upload_leavep(&u);
	u = go_on(key, &middle);
	late = go_on(key, &middle);
	add_piece(u, 'b');
	add_piece(late, 'x');
	assert_int_equal(store_upload_finish(&u, &where, &e), -1);
	store_upload_leavep(&late);
	store_upload_abandonp(&u);
	assert_int_equal(store_upload_resume(store, key, clock_now_us() + SOON, &middle.state, &u, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

static void test_uploads_that_come_to_nothing(void **state)
{
	static const char *const bad[] = { "", "x/", "m/a", "x/../m/a", "x/a/", "x/a//b", "x/a b", "/x/a" };
	_free_ char *key = mem_printf("x/%lld", (long long)clock_now_us());
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct store_upload *u = NULL;
	struct err e;

	(void)state;
	need_store();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(store_upload_begin(store, bad[i], clock_now_us() + SOON, &u, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
	must(store_upload_begin(store, key, clock_now_us() + SOON, &u, &e), &e);
	must(store_upload_add(u, "x", 1, &e), &e);
	store_upload_abandonp(&u);
	assert_null(u);
	must(store_upload_begin(store, key, clock_now_us() + SOON, &u, &e), &e); /* of nothing at all */
	must(store_upload_finish(&u, &where, &e), &e);
	assert_int_equal(where.length, 0);
	expect_bytes(&where, "");
}

static int get_url(const char *url, struct http_answer *a)
{
	struct http_client *c = http_client_new(&(struct http_settings){
		.connect_us = 5 * CLOCK_SECOND, .stall_us = 10 * CLOCK_SECOND, .answer_max = 10000 });
	struct err e;
	int rc = http_call(c, &(struct http_request){ .method = "GET", .url = url }, a, &e);

	http_client_freep(&c);
	return rc;
}

static void test_presigned_url(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	_free_ char *url = NULL;
	struct http_answer a;
	struct err e;

	(void)state;
	need_store();
	put("for anybody", &where);
	must(store_presign(store, &where, 60, &url, &e), &e);
	assert_int_equal(get_url(url, &a), 0);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body.data, "for anybody");
	http_answer_deinit(&a);
	url[strlen(url) - 1] = url[strlen(url) - 1] == '0' ? '1' : '0';
	assert_int_equal(get_url(url, &a), 0);
	assert_int_equal(a.status, 403);
	http_answer_deinit(&a);
}

struct seen {
	struct uuid ids[20];
	size_t n, stop_at;
};

static int see(void *ctx, const struct store_listed *object)
{
	struct seen *s = ctx;

	assert_true(s->n < ARRAY_LEN(s->ids));
	assert_true(*object->where->version);
	assert_int_equal(object->where->length, 3);
	assert_in_range(object->modified_us, clock_now_us() - 600 * CLOCK_SECOND, clock_now_us() + 600 * CLOCK_SECOND);
	s->ids[s->n++] = object->id;
	return s->n == s->stop_at ? -1 : 0;
}

static void test_list(void **state)
{
	const uint8_t spread = (uint8_t)(clock_now_us() % 256);
	struct uuid ids[9], all_day = { 0 };
	struct seen seen = { 0 };
	struct err e;

	(void)state;
	need_store();
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		CLEANUP(locator_deinit) struct locator where = { 0 };

		ids[i] = id_of_spread(spread);
		put_at(&ids[i], i == 4 ? "mid" : "abc", &where);
	}
	struct store_range range = { ids[1], ids[7], spread };

	must(store_list(store, &range, see, &seen, &e), &e);
	assert_int_equal(seen.n, 6); /* from the second on, and the eighth no more */
	assert_memory_equal(seen.ids, ids + 1, 6 * sizeof(*ids));
	seen = (struct seen){ .stop_at = 2 };
	assert_int_equal(store_list(store, &range, see, &seen, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(seen.n, 2);
	memset(all_day.bytes, 0xff, UUID_SIZE);
	range = (struct store_range){ ids[8], all_day, (uint8_t)(spread + 1) };
	seen = (struct seen){ 0 };
	must(store_list(store, &range, see, &seen, &e), &e);
	assert_int_equal(seen.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_stat), cmocka_unit_test(test_parts_and_nothing),
		cmocka_unit_test(test_what_is_not_as_recorded), cmocka_unit_test(test_the_oldest_version_counts),
		cmocka_unit_test(test_lock_grows_only), cmocka_unit_test(test_a_lock_for_a_century_is_refused),
		cmocka_unit_test(test_a_wrong_sum_is_refused), cmocka_unit_test(test_a_lock_of_the_past), cmocka_unit_test(test_hold),
		cmocka_unit_test(test_upload), cmocka_unit_test(test_upload_gone_on_with),
		cmocka_unit_test(test_upload_two_are_at), cmocka_unit_test(test_uploads_that_come_to_nothing), cmocka_unit_test(test_presigned_url),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, open_store, close_store);
}

/* store_s3: one version is removed for good when nothing keeps it any more, and none besides. Against a real store, or a
 * double (see s3_store.c), whose answers may be lost or a 503 now and then. S3_TEST_ACCOUNT says what the account may not:
 * "writer", delete anything; "blind", see locks and holds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "store/store_s3.h"
#include "tests/unit/store/s3_store.c"

#include <time.h>

#define LONG (1200 * CLOCK_SECOND)
#define SHORT (3 * CLOCK_SECOND)
#define PATIENCE 8 /* attempts, where what goes wrong goes on for a while */

static bool is_account(const char *kind)
{
	const char *account = getenv("S3_TEST_ACCOUNT");

	return account && strcmp(account, kind) == 0;
}

/* One more version of that id's key, locked for so long (0: not at all), shorter than store_put() would. */
static void put_version(const struct uuid *id, const char *text, int64_t lock_us, struct locator *where_r)
{
	struct store_s3 *s = store_s3(store);
	_free_ char *key = store_key(id);
	uint8_t sha256[SHA256_SIZE];
	struct http_answer a;
	struct err e;

	sha256_of(text, strlen(text), sha256);
	CLEANUP(s3_request_deinit)
	struct s3_request r = { .method = "PUT", .key = key, .body = text, .length = strlen(text), .sha256 = sha256 };

	if (lock_us)
		store_s3_lock_headers(s, &r, clock_now_us() + lock_us);
	store_s3_checksum_headers(&r);
	must(s3_do(s->client, &r, &a, &e), &e);
	*where_r = (struct locator){ mem_strdup(s3_client_bucket(s->client)), mem_strdup(key),
		mem_strdup(http_answer_header(&a, "x-amz-version-id")), 0, strlen(text) };
	http_answer_deinit(&a);
}

static void put(const char *text, int64_t lock_us, struct locator *where_r)
{
	struct uuid id = uuid_new(clock_now_us());

	put_version(&id, text, lock_us, where_r);
}

static bool is_there(const struct locator *where)
{
	struct store_state now;
	struct err e;
	int there = store_stat(store, where, &now, &e);

	must(there < 0, &e);
	return there;
}

/* What the store can't just now is tried again, as callers do. */
static int remove_at_last(const struct locator *where, struct err *e)
{
	int rc = -1;

	for (int i = 0; i < PATIENCE && (rc = store_remove(store, where, e)) != 0 && e->class == ERR_TEMPORARY; i++)
		assert_true(is_there(where));
	return rc;
}

static void expect_removed(const struct locator *where)
{
	struct err e;

	must(remove_at_last(where, &e), &e);
	assert_false(is_there(where));
}

static void expect_kept(const struct locator *where, const char *reason)
{
	struct err e;

	assert_int_equal(remove_at_last(where, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	if (!is_account("blind"))
		assert_non_null(strstr(e.text, reason));
	assert_true(is_there(where));
}

static void sleep_us(int64_t us)
{
	const struct timespec t = { us / CLOCK_SECOND, us % CLOCK_SECOND * 1000 };

	nanosleep(&t, NULL);
}

/* ---- tests ---- */

static void need_rights(void)
{
	need_store();
	if (is_account("writer"))
		skip();
}

static void test_locks_and_holds_keep_it_until_they_are_over(void **state)
{
	CLEANUP(locator_deinit) struct locator locked = { 0 }, held = { 0 }, long_locked = { 0 };
	struct err e;

	(void)state;
	need_rights();
	put("locked for a while", LONG, &long_locked);
	put("locked", SHORT, &locked);
	put("held", SHORT, &held);
	if (!is_account("blind"))
		must(store_hold(store, &held, true, &e), &e);
	expect_kept(&long_locked, "its lock keeps it until 20");
	sleep_us(SHORT + 2 * CLOCK_SECOND);
	expect_removed(&locked);
	if (!is_account("blind")) {
		expect_kept(&held, "a legal hold keeps it");
		must(store_hold(store, &held, false, &e), &e);
	}
	expect_removed(&held);
	expect_removed(&held); /* not there any more */
	assert_true(is_there(&long_locked));
}

static void test_no_other_version_and_no_marker(void **state)
{
	CLEANUP(locator_deinit) struct locator first = { 0 }, second = { 0 }, third = { 0 };
	CLEANUP(strv_deinit) struct strv versions = { 0 };
	struct uuid id = uuid_new(clock_now_us());
	struct err e;

	(void)state;
	need_rights();
	put_version(&id, "first", 0, &first);
	put_version(&id, "second", 0, &second);
	put_version(&id, "third", 0, &third);
	expect_removed(&second);
	must(store_s3_versions(store_s3(store), first.key, &versions, &e), &e);
	assert_int_equal(versions.n, 2);
	assert_string_equal(versions.items[0], third.version);
	assert_string_equal(versions.items[1], first.version);
	expect_removed(&third);
	assert_true(is_there(&first));
	expect_removed(&first);
}

static void expect_refused(const struct locator *where, enum err_class class)
{
	struct err e;

	assert_int_equal(store_remove(store, where, &e), -1);
	assert_int_equal(e.class, class);
}

static void test_only_what_is_named_by_its_version(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };

	(void)state;
	need_rights();
	put("x", 0, &where);
	const struct locator no_version = { where.bucket, where.key, (char[]){ "" }, 0, 1 };
	const struct locator part = { where.bucket, where.key, where.version, 1, 1 };
	const struct locator other_bucket = { (char[]){ "elsewhere" }, where.key, where.version, 0, 1 };
	const struct locator proof = { where.bucket, (char[]){ "strongroom/proof.json" }, where.version, 0, 1 };
	const struct locator export = { where.bucket, (char[]){ "x/case-1/1.tar.gz" }, where.version, 0, 1 };

	expect_refused(&no_version, ERR_PERMANENT);
	expect_refused(&part, ERR_PERMANENT);
	expect_refused(&other_bucket, ERR_TEMPORARY);
	expect_refused(&proof, ERR_PERMANENT);
	expect_refused(&export, ERR_PERMANENT);
	assert_true(is_there(&where));
	expect_removed(&where);
}

/* A daemon that captures, and has come by the deed of another. */
static void test_an_account_that_may_not_delete(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct err e;

	(void)state;
	need_store();
	if (!is_account("writer"))
		skip();
	put("x", 0, &where);
	assert_int_equal(store_remove(store, &where, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, "the account lacks the right"));
	assert_true(is_there(&where));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locks_and_holds_keep_it_until_they_are_over),
		cmocka_unit_test(test_no_other_version_and_no_marker),
		cmocka_unit_test(test_only_what_is_named_by_its_version),
		cmocka_unit_test(test_an_account_that_may_not_delete),
	};

	return cmocka_run_group_tests(tests, open_store, close_store);
}

/* meta_session: a session lives until one of its ends, and of two who refresh it one wins. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/factor.h"

#include <pthread.h>
#include <stdatomic.h>

#define HOUR_US (3600 * CLOCK_SECOND)
#define NOW (1000 * HOUR_US)
#define THREADS 8

static uint64_t account_id;
static char strength[] = "password+totp", here[] = "192.0.2.1:5", there[] = "192.0.2.2:6", agent[] = "Test/1";

static int prepare(void **state)
{
	const struct account_new a = { .username = "ann", .password_hash = "x", .totp_secret = "x", .totp_secret_length = 1,
		.scope = { true, NULL, NULL, INT64_MIN, INT64_MAX } };

	return open_meta(state) || meta_account_add(meta, &a, &account_id, &err) ? -1 : 0;
}

/* One that began at this moment and lasts an hour; its hashes are of this byte. */
static struct session begun(int64_t at_us, uint8_t byte)
{
	struct session s = { .id = uuid_new(at_us), .account_id = account_id, .strength = strength, .created_us = at_us,
		.seen_us = at_us, .factor_us = at_us, .until_us = at_us + HOUR_US, .client = here, .agent = agent,
		.refreshed_us = at_us };

	memset(s.refresh_family, 7, sizeof(s.refresh_family));
	memset(s.refresh_hash, byte, sizeof(s.refresh_hash));
	assert_ok(meta_session_add(meta, &s, &err));
	return s;
}

static bool lives(const struct uuid *id, int64_t now_us)
{
	CLEANUP(session_deinit) struct session s = { 0 };
	CLEANUP(account_deinit) struct account a = { 0 };

	assert_int_equal(meta_session_get(meta, id, &s, &a, &err), 1);
	return session_lives(&s, &a, now_us);
}

static size_t listed(int64_t now_us, const struct uuid *before, size_t max, struct uuid *first_r)
{
	struct session *sessions;
	size_t n;

	assert_ok(meta_session_list(meta, account_id, now_us, before, max, &sessions, &n, &err));
	if (n)
		*first_r = sessions[0].id;
	sessions_free(sessions, n);
	return n;
}

static void test_comes_back_whole(void **state)
{
	struct session s = begun(NOW, 1);
	CLEANUP(session_deinit) struct session got = { 0 };
	CLEANUP(account_deinit) struct account a = { 0 };
	struct uuid unknown = uuid_new(NOW);

	(void)state;
	assert_int_equal(meta_session_get(meta, &s.id, &got, &a, &err), 1);
	assert_memory_equal(&got.id, &s.id, sizeof(s.id));
	assert_int_equal(got.account_id, account_id);
	assert_string_equal(got.strength, "password+totp");
	assert_string_equal(got.client, "192.0.2.1:5");
	assert_string_equal(got.agent, "Test/1");
	assert_true(got.created_us == NOW && got.seen_us == NOW && got.factor_us == NOW && got.refreshed_us == NOW);
	assert_int_equal(got.until_us, NOW + HOUR_US);
	assert_memory_equal(got.refresh_family, s.refresh_family, SHA256_SIZE);
	assert_memory_equal(got.refresh_hash, s.refresh_hash, SHA256_SIZE);
	assert_int_equal(got.ended_us, 0);
	assert_string_equal(a.username, "ann");
	assert_true(a.scope_all);
	assert_int_equal(meta_session_get(meta, &unknown, &got, &a, &err), 0);
}

static void test_ends(void **state)
{
	struct session over = begun(NOW, 1), ended = begun(NOW, 2), signed_out = begun(NOW, 3);
	struct uuid unknown = uuid_new(NOW);

	(void)state;
	assert_true(lives(&over.id, NOW + HOUR_US - 1));
	assert_false(lives(&over.id, NOW + HOUR_US));
	assert_int_equal(meta_session_end(meta, account_id + 1, &ended.id, "x", NOW, &err), 0); /* somebody else's */
	assert_true(lives(&ended.id, NOW));
	assert_int_equal(meta_session_end(meta, account_id, &ended.id, "logout", NOW + 5, &err), 1);
	assert_int_equal(meta_session_end(meta, account_id, &ended.id, "again", NOW + 6, &err), 0);
	assert_int_equal(meta_session_end(meta, account_id, &unknown, "x", NOW, &err), 0);
	assert_false(lives(&ended.id, NOW));
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM session WHERE end_reason = 'logout'"), 1);
	assert_true(lives(&signed_out.id, NOW));
	assert_ok(meta_account_sign_out(meta, "ann", &err));
	assert_false(lives(&signed_out.id, NOW));
	assert_false(lives(&over.id, NOW));
}

static void test_disabled(void **state)
{
	struct session s = begun(NOW, 1);

	(void)state;
	assert_ok(meta_account_disable(meta, "ann", true, &err));
	assert_false(lives(&s.id, NOW));
	assert_ok(meta_account_disable(meta, "ann", false, &err));
	assert_false(lives(&s.id, NOW)); /* not again */
}

static void test_lists_those_that_live(void **state)
{
	struct session first = begun(NOW, 1), second = begun(NOW, 2), third = begun(NOW + HOUR_US / 2, 3);
	struct uuid at;

	(void)state;
	assert_int_equal(listed(NOW, NULL, 10, &at), 3);
	assert_memory_equal(&at, &third.id, sizeof(at));
	assert_int_equal(listed(NOW, NULL, 2, &at), 2);
	assert_int_equal(listed(NOW, &third.id, 10, &at), 2);
	assert_memory_equal(&at, &second.id, sizeof(at));
	assert_int_equal(listed(NOW, &first.id, 10, &at), 0);
	assert_int_equal(listed(NOW + HOUR_US, NULL, 10, &at), 1);
	assert_int_equal(meta_session_end(meta, account_id, &second.id, "logout", NOW, &err), 1);
	assert_int_equal(listed(NOW, NULL, 10, &at), 2);
	assert_ok(meta_account_sign_out(meta, "ann", &err));
	assert_int_equal(listed(NOW, NULL, 10, &at), 0);
}

static void test_forgets_what_is_over(void **state)
{
	(void)state;
	begun(NOW, 1);
	begun(NOW + HOUR_US, 2);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM session"), 2);
	begun(NOW + HOUR_US + 1, 3);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM session"), 2);
}

static void test_factor(void **state)
{
	struct session s = begun(NOW, 1);
	CLEANUP(session_deinit) struct session got = { 0 };
	CLEANUP(account_deinit) struct account a = { 0 };

	(void)state;
	assert_int_equal(meta_session_factor(meta, &s.id, NOW + 5, &err), 1);
	assert_int_equal(meta_session_get(meta, &s.id, &got, &a, &err), 1);
	assert_true(got.factor_us == NOW + 5 && got.seen_us == NOW + 5 && got.created_us == NOW);
	assert_int_equal(meta_session_end(meta, account_id, &s.id, "logout", NOW, &err), 1);
	assert_int_equal(meta_session_factor(meta, &s.id, NOW + 6, &err), 0);
}

static void test_refresh(void **state)
{
	struct session s = begun(NOW, 1), next = s;
	uint8_t from[SHA256_SIZE];
	CLEANUP(session_deinit) struct session got = { 0 };
	CLEANUP(account_deinit) struct account a = { 0 };

	(void)state;
	memset(from, 1, sizeof(from));
	memset(next.refresh_hash, 2, SHA256_SIZE);
	next.seen_us = NOW + 9;
	next.client = there;
	assert_int_equal(meta_session_refresh(meta, &next, from, &err), 1);
	assert_int_equal(meta_session_refresh(meta, &next, from, &err), 0);
	assert_int_equal(meta_session_get(meta, &s.id, &got, &a, &err), 1);
	assert_memory_equal(got.refresh_hash, next.refresh_hash, SHA256_SIZE);
	assert_memory_equal(got.refresh_before, from, SHA256_SIZE);
	assert_true(got.refreshed_us == NOW + 9 && got.seen_us == NOW + 9 && got.until_us == NOW + HOUR_US);
	assert_string_equal(got.client, "192.0.2.2:6");
	assert_int_equal(meta_session_end(meta, account_id, &s.id, "logout", NOW, &err), 1);
	assert_int_equal(meta_session_refresh(meta, &s, next.refresh_hash, &err), 0);
}

static atomic_int winners;
static struct session raced;

static void *race(void *number)
{
	struct session next = raced;
	struct err e;

	memset(next.refresh_hash, 2 + (int)(intptr_t)number, SHA256_SIZE);
	if (meta_session_refresh(meta, &next, raced.refresh_hash, &e) == 1)
		atomic_fetch_add(&winners, 1);
	return NULL;
}

static void test_one_refresh_wins(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	raced = begun(NOW, 1);
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&winners), 1);
}

/* Who changes the password goes on; a session that was dead before is not brought back by it. */
static void test_another_password(void **state)
{
	struct session stays = begun(NOW, 1), other = begun(NOW, 2), ended = begun(NOW, 3);
	CLEANUP(account_deinit) struct account a = { 0 };

	(void)state;
	assert_int_equal(meta_session_end(meta, account_id, &ended.id, "logout", NOW, &err), 1);
	assert_ok(meta_factor_password(meta, account_id, &stays.id, "new hash", &err));
	assert_true(lives(&stays.id, NOW));
	assert_false(lives(&other.id, NOW));
	assert_ok(meta_factor_password(meta, account_id, &other.id, "newer hash", &err));
	assert_false(lives(&other.id, NOW));
	assert_false(lives(&stays.id, NOW));
	assert_ok(meta_factor_password(meta, account_id, &ended.id, "newest hash", &err));
	assert_false(lives(&ended.id, NOW));
	assert_int_equal(meta_account_by_name(meta, "ann", &a, &err), 1);
	assert_string_equal(a.password_hash, "newest hash");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back_whole, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_ends, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_disabled, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_lists_those_that_live, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_forgets_what_is_over, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_factor, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_refresh, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_another_password, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_one_refresh_wins, prepare, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

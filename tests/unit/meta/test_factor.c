/* meta_factor: a second factor counts when it is confirmed, once; recovery codes are good once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/factor.h"

#include <pthread.h>
#include <stdatomic.h>

#define NOW (1000 * CLOCK_SECOND)
#define THREADS 8

static uint64_t id;
static uint8_t codes[FACTOR_RECOVERY_CODES][SHA256_SIZE];

static int prepare(void **state)
{
	const struct account_new a = { .username = "ann", .password_hash = "x", .totp_secret = "old", .totp_secret_length = 3,
		.scope = { true, NULL, NULL, INT64_MIN, INT64_MAX } };

	for (size_t i = 0; i < FACTOR_RECOVERY_CODES; i++)
		memset(codes[i], (int)i + 1, SHA256_SIZE);
	return open_meta(state) || meta_account_add(meta, &a, &id, &err) ? -1 : 0;
}

static struct account account(void)
{
	struct account a = { 0 };

	assert_int_equal(meta_account_by_id(meta, id, &a, &err), 1);
	return a;
}

static void has_secret(const char *wanted, uint64_t generation)
{
	CLEANUP(account_deinit) struct account a = account();

	assert_int_equal(a.totp_secret_length, strlen(wanted));
	assert_memory_equal(a.totp_secret, wanted, strlen(wanted));
	assert_int_equal(a.token_generation, generation);
}

static int finish(const char *sealed)
{
	const struct enrolment x = { .account_id = id, .sealed = sealed, .sealed_length = strlen(sealed), .step = 77,
		.codes = (const uint8_t(*)[SHA256_SIZE])codes };

	return meta_enrolment_finish(meta, &x, &err);
}

static int pending_at(int64_t now_us)
{
	_free_ uint8_t *sealed = NULL;
	size_t n;

	return meta_enrolment_secret(meta, id, now_us, &sealed, &n, &err);
}

static void test_enrolling(void **state)
{
	(void)state;
	assert_int_equal(pending_at(NOW), 0);
	assert_int_equal(meta_enrolment_begin(meta, id, "first", 5, NOW + 5, &err), 1);
	assert_int_equal(meta_enrolment_begin(meta, id, "second", 6, NOW + 5, &err), 1);
	has_secret("old", 0); /* until it is confirmed */
	assert_int_equal(pending_at(NOW + 4), 1);
	assert_int_equal(pending_at(NOW + 5), 0);
	assert_int_equal(finish("first"), 0);
	assert_int_equal(finish("second"), 1);
	has_secret("second", 1);
	assert_int_equal(finish("second"), 0);
	assert_int_equal(pending_at(NOW), 0);
	assert_int_equal(meta_account_totp_use(meta, id, 77, &err), 0); /* the code that confirmed it is used up */
	assert_int_equal(meta_account_totp_use(meta, id, 78, &err), 1);
}

static void test_reset(void **state)
{
	const int64_t end = NOW + FACTOR_TOKEN_LIFE_S * CLOCK_SECOND;
	char token[FACTOR_TOKEN_SIZE];

	(void)state;
	assert_ok(meta_recovery_replace(meta, id, (const uint8_t(*)[SHA256_SIZE])codes, &err));
	assert_int_equal(meta_enrolment_begin(meta, id, "mine", 4, NOW + 9, &err), 1);
	assert_ok(meta_factor_reset(meta, id, NOW, token, &err));
	has_secret("", 1);
	assert_int_equal(pending_at(NOW), 0);
	assert_int_equal(meta_recovery_use(meta, id, codes[0], NOW, &err), 0);
	assert_int_equal(finish("mine"), 0);
	assert_int_equal(meta_enrolment_begin_by_token(meta, id, "wrong", "new", 3, NOW, NOW + 20, &err), 0);
	assert_int_equal(meta_enrolment_begin_by_token(meta, id + 1, token, "new", 3, NOW, NOW + 20, &err), 0);
	assert_int_equal(meta_enrolment_begin_by_token(meta, id, token, "new", 3, end, end + 20, &err), 0);
	assert_int_equal(meta_enrolment_begin_by_token(meta, id, token, "new", 3, NOW, NOW + 20, &err), 1);
	assert_int_equal(pending_at(NOW + 19), 1);
	assert_int_equal(pending_at(NOW + 20), 0); /* sooner than the token, with which it can begin again */
	assert_int_equal(meta_enrolment_begin_by_token(meta, id, token, "new", 3, NOW + 30, NOW + 50, &err), 1);
	assert_int_equal(pending_at(NOW + 30), 1);
	assert_int_equal(finish("new"), 1);
	has_secret("new", 2);
	assert_int_equal(meta_enrolment_begin_by_token(meta, id, token, "again", 5, NOW, NOW + 20, &err), 0); /* good once */
}

static void test_recovery_codes(void **state)
{
	const uint8_t unknown[SHA256_SIZE] = { 99 };

	(void)state;
	assert_ok(meta_recovery_replace(meta, id, (const uint8_t(*)[SHA256_SIZE])codes, &err));
	for (int i = 0; i < ACCOUNT_CODE_TRIES; i++)
		assert_int_equal(meta_account_code_try(meta, id, NOW, &err), 1);
	assert_int_equal(meta_account_code_try(meta, id, NOW, &err), 0);
	assert_int_equal(meta_recovery_use(meta, id, unknown, NOW, &err), 0);
	assert_int_equal(meta_recovery_use(meta, id + 1, codes[0], NOW, &err), 0);
	assert_int_equal(meta_account_code_try(meta, id, NOW, &err), 0);
	assert_int_equal(meta_recovery_use(meta, id, codes[0], NOW, &err), 1);
	assert_int_equal(meta_recovery_use(meta, id, codes[0], NOW, &err), 0);
	assert_int_equal(meta_account_code_try(meta, id, NOW, &err), 1); /* all tries are back */
	assert_int_equal(meta_recovery_use(meta, id, codes[1], NOW, &err), 1);
	assert_ok(meta_recovery_replace(meta, id, (const uint8_t(*)[SHA256_SIZE])codes, &err));
	assert_int_equal(meta_recovery_use(meta, id, codes[0], NOW, &err), 1);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM recovery_code"), FACTOR_RECOVERY_CODES);
}

static atomic_int winners;

static void *use_one(void *unused)
{
	struct err e;

	(void)unused;
	if (meta_recovery_use(meta, id, codes[0], NOW, &e) == 1)
		atomic_fetch_add(&winners, 1);
	return NULL;
}

static void test_of_many_at_once_one_wins(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	assert_ok(meta_recovery_replace(meta, id, (const uint8_t(*)[SHA256_SIZE])codes, &err));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_one, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&winners), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_enrolling, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_reset, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_recovery_codes, prepare, remove_directory),
		cmocka_unit_test_setup_teardown(test_of_many_at_once_one_wins, prepare, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Accounts: who exists, what they may do, whose mail they may see, and that a one-time password is used one time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/account.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 8

static struct strv list(const char *words)
{
	struct strv v = { 0 };

	strv_split(&v, words, " ");
	return v;
}

static int add(const char *name, const char *roles, const char *mailboxes, const char *departments,
	uint64_t *id_r)
{
	CLEANUP(strv_deinit) struct strv role_list = list(roles), mailbox_list = list(mailboxes);
	CLEANUP(strv_deinit) struct strv department_list = list(departments);
	struct account_new a = {
		.username = name,
		.password_hash = "$argon2id$…",
		.totp_secret = "sealed\0secret",
		.totp_secret_length = 13,
		.roles = &role_list,
		.scope = { false, &mailbox_list, &department_list, INT64_MIN, 77 },
	};

	return meta_account_add(meta, &a, id_r, &err);
}

static int change_department(const char *name, enum department_change change, const char *mailboxes)
{
	CLEANUP(strv_deinit) struct strv v = list(mailboxes);

	return meta_department_change(meta, name, change, &v, &err);
}

static void an_account_comes_back_whole(void **state)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	uint64_t id;

	(void)state;
	assert_ok(change_department("sales", DEPARTMENT_ADD, "b@example.org C@Example.ORG"));
	assert_ok(change_department("sales", DEPARTMENT_ADD, "d@example.org b@example.org"));
	assert_ok(add("alice", "investigator auditor investigator", "A@example.org b@example.org",
		"sales", &id));
	assert_int_equal(meta_account_by_name(meta, "alice", &a, &err), 1);
	assert_int_equal(a.id, id);
	assert_int_equal(a.permissions.n + a.scope_mailboxes.n, 0); /* time that only a user who exists would take */
	account_deinit(&a);
	assert_int_equal(meta_account_by_id(meta, id, &a, &err), 1);
	assert_int_equal(a.id, id);
	assert_string_equal(a.username, "alice");
	assert_int_equal(a.totp_secret_length, 13);
	assert_memory_equal(a.totp_secret, "sealed\0secret", 13);
	assert_false(a.disabled);
	assert_false(a.scope_all);
	assert_int_equal(a.scope_from_us, INT64_MIN);
	assert_int_equal(a.scope_until_us, 77);
	_free_ char *mailboxes = strv_join(&a.scope_mailboxes, " ");
	_free_ char *permissions = strv_join(&a.permissions, " ");

	assert_string_equal(mailboxes, "a@example.org b@example.org c@example.org d@example.org");
	assert_string_equal(permissions, "ARCHIVE_READ ARCHIVE_SEARCH AUDIT_READ SYSTEM_STATUS");
	account_deinit(&a);
	assert_int_equal(meta_account_by_id(meta, id, &a, &err), 1);
	assert_string_equal(a.username, "alice");
	account_deinit(&a);
	assert_int_equal(meta_account_by_id(meta, 999, &a, &err), 0);
	assert_int_equal(meta_account_by_name(meta, "Alice", &a, &err), 0);
	assert_int_equal(meta_account_by_name(meta, "alice ", &a, &err), 0);
}

static void what_does_not_exist_leaves_nothing(void **state)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	uint64_t id;

	(void)state;
	assert_refused(add("alice", "auditor", "", "", &id), ERR_PERMANENT, "this name");
	assert_refused(add("bob", "auditor emperor", "", "", &id), ERR_PERMANENT,
		"emperor) failed: there is no such role");
	assert_refused(add("bob", "auditor", "a@example.org", "moon", &id), ERR_PERMANENT,
		"no such department");
	assert_refused(add("bob", "auditor", "<>", "", &id), ERR_PERMANENT, "no mailbox");
	assert_int_equal(meta_account_by_name(meta, "bob", &a, &err), 0);
	assert_int_equal(meta_department_mailboxes(meta, "moon", &mailboxes, &err), 0);
	assert_int_equal(meta_department_mailboxes(meta, "sales", &mailboxes, &err), 1);
	assert_int_equal(mailboxes.n, 3);
}

/* The administrator and the auditor see no mail, whatever else they may do. */
static void roles_keep_their_distance(void **state)
{
	(void)state;
	assert_int_equal(raw_number("control.db",
		"SELECT count(*) FROM role_permission WHERE permission LIKE 'ARCHIVE%'"
						  " AND role IN ('administrator', 'auditor')"), 0);
	assert_int_equal(raw_number("control.db",
		"SELECT count(*) FROM role_permission WHERE role = 'service'"), 1);
	assert_int_equal(raw_number("control.db",
		"SELECT count(*) FROM permission p WHERE NOT EXISTS"
						  " (SELECT 1 FROM role_permission r WHERE r.permission = p.name)"), 0);
}

static atomic_int winners;
static uint64_t totp_id;
static pthread_barrier_t start;

static void *use_step(void *arg)
{
	struct err e = { 0 };

	(void)arg;
	pthread_barrier_wait(&start);
	int used = meta_account_totp_use(meta, totp_id, 1000, &e);

	if (used > 0)
		atomic_fetch_add(&winners, 1);
	return used < 0 ? (void *)1 : NULL;
}

static void a_one_time_password_is_used_one_time(void **state)
{
	pthread_t threads[THREADS];
	void *failed;

	(void)state;
	assert_ok(add("carol", "", "", "", &totp_id));
	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_step, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	pthread_barrier_destroy(&start);
	assert_int_equal(winners, 1);
	assert_int_equal(meta_account_totp_use(meta, totp_id, 1000, &err), 0);
	assert_int_equal(meta_account_totp_use(meta, totp_id, 999, &err), 0);
	reopen_meta();
	assert_int_equal(meta_account_totp_use(meta, totp_id, 1000, &err), 0);
	assert_int_equal(meta_account_totp_use(meta, totp_id, 1001, &err), 1);
	assert_int_equal(meta_account_totp_use(meta, 999, 5000, &err), 0);
}

static void *try_code(void *arg)
{
	struct err e = { 0 };

	(void)arg;
	for (int i = 0; i < ACCOUNT_CODE_TRIES; i++) {
		int allowed = meta_account_code_try(meta, totp_id, CLOCK_SECOND, &e);

		if (allowed < 0)
			return (void *)1;
		atomic_fetch_add(&winners, allowed);
	}
	return NULL;
}

/* However many connections guess, and whenever the process begins anew. */
static void tries_of_codes_are_few(void **state)
{
	const int64_t later = CLOCK_SECOND + ACCOUNT_CODE_TRY_US;
	pthread_t threads[THREADS];
	uint64_t other;
	void *failed;

	(void)state;
	winners = 0;
	assert_ok(add("dave", "", "", "", &totp_id));
	assert_ok(add("erin", "", "", "", &other));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, try_code, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(winners, ACCOUNT_CODE_TRIES);
	reopen_meta();
	assert_int_equal(meta_account_code_try(meta, totp_id, later - 1, &err), 0);
	assert_int_equal(meta_account_code_try(meta, totp_id, later, &err), 1);
	assert_int_equal(meta_account_code_try(meta, totp_id, later, &err), 0);
	assert_int_equal(meta_account_code_try(meta, other, later, &err), 1);
	assert_int_equal(meta_account_code_try(meta, 999, later, &err), 0);
}

/* Nobody saves up tries, and who signs in has all of them again. */
static void tries_come_back(void **state)
{
	const int64_t year = INT64_C(31536000) * CLOCK_SECOND;
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 2 * ACCOUNT_CODE_TRIES; i++)
		allowed += meta_account_code_try(meta, totp_id, year, &err);
	assert_int_equal(allowed, ACCOUNT_CODE_TRIES);
	assert_int_equal(meta_account_totp_use(meta, totp_id, 1000, &err), 1);
	for (int i = 0; i < 2 * ACCOUNT_CODE_TRIES; i++)
		allowed += meta_account_code_try(meta, totp_id, year, &err);
	assert_int_equal(allowed, 2 * ACCOUNT_CODE_TRIES);
}

static void accounts_are_never_deleted(void **state)
{
	(void)state;
	assert_int_equal(raw_sql("control.db", "DELETE FROM account"), SQLITE_CONSTRAINT);
}

static void departments_gain_and_lose_mailboxes(void **state)
{
	CLEANUP(strv_deinit) struct strv v = { 0 };

	(void)state;
	assert_ok(change_department("moving", DEPARTMENT_ADD, "a@example.org b@example.org c@example.org"));
	assert_ok(change_department("moving", DEPARTMENT_REMOVE, "B@Example.org"));
	assert_refused(change_department("moving", DEPARTMENT_REMOVE, "a@example.org b@example.org"), ERR_PERMANENT, "not in the department");
	assert_refused(change_department("nowhere", DEPARTMENT_REMOVE, "a@example.org"), ERR_PERMANENT, "no such department");
	assert_int_equal(meta_department_mailboxes(meta, "moving", &v, &err), 1);
	assert_int_equal(v.n, 2); /* of a removal that was refused nothing was done */
	strv_deinit(&v);
	assert_ok(change_department("moving", DEPARTMENT_SET, "d@example.org"));
	assert_int_equal(meta_department_mailboxes(meta, "moving", &v, &err), 1);
	assert_int_equal(v.n, 1);
	assert_string_equal(v.items[0], "d@example.org");
}

static void an_account_can_be_changed_and_kept_out(void **state)
{
	CLEANUP(strv_deinit) struct strv other = list("z@example.org"), wrong = list("nosuch");
	struct account_scope scope = { .mailboxes = &other, .from_us = 5, .until_us = INT64_MAX };
	struct account before, a;
	uint64_t id;

	(void)state;
	assert_ok(change_department("old", DEPARTMENT_ADD, "y@example.org"));
	assert_ok(add("zoe", "investigator", "x@example.org", "old", &id));
	assert_int_equal(meta_account_by_id(meta, id, &before, &err), 1);
	assert_ok(meta_account_scope_set(meta, "zoe", &scope, &err));
	scope.departments = &wrong;
	assert_refused(meta_account_scope_set(meta, "zoe", &scope, &err), ERR_PERMANENT, "no such department");
	assert_int_equal(meta_account_by_id(meta, id, &a, &err), 1);
	assert_int_equal(a.scope_mailboxes.n, 1);
	assert_string_equal(a.scope_mailboxes.items[0], "z@example.org");
	assert_int_equal(a.scope_from_us, 5);
	assert_true(a.scope_until_us == INT64_MAX);
	assert_int_equal(a.token_generation, before.token_generation);
	account_deinit(&a);
	assert_ok(meta_account_sign_out(meta, "zoe", &err));
	assert_ok(meta_account_disable(meta, "zoe", true, &err));
	assert_int_equal(meta_account_by_id(meta, id, &a, &err), 1);
	assert_true(a.disabled && a.token_generation == before.token_generation + 2);
	account_deinit(&a);
	assert_ok(meta_account_disable(meta, "zoe", false, &err));
	assert_int_equal(meta_account_by_id(meta, id, &a, &err), 1);
	assert_true(!a.disabled && a.token_generation > before.token_generation);
	account_deinit(&a);
	account_deinit(&before);
	assert_refused(meta_account_sign_out(meta, "nobody", &err), ERR_PERMANENT, "no account of this name");
	assert_refused(meta_account_disable(meta, "nobody", true, &err), ERR_PERMANENT, "no account of this name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_comes_back_whole),
		cmocka_unit_test(what_does_not_exist_leaves_nothing),
		cmocka_unit_test(roles_keep_their_distance),
		cmocka_unit_test(a_one_time_password_is_used_one_time),
		cmocka_unit_test(tries_of_codes_are_few),
		cmocka_unit_test(tries_come_back),
		cmocka_unit_test(accounts_are_never_deleted),
		cmocka_unit_test(departments_gain_and_lose_mailboxes),
		cmocka_unit_test(an_account_can_be_changed_and_kept_out),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}

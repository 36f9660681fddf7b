/* What is managed: accounts, roles, departments, and the tokens of programs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/department.h"
#include "meta/permission.h"
#include "meta/role.h"
#include "meta/service.h"
#include "meta/user.h"

static struct strv list(const char *words)
{
	struct strv v = { 0 };

	strv_split(&v, words, " ");
	return v;
}

static void assert_list(const struct strv *v, const char *wanted)
{
	_free_ char *got = strv_join(v, " ");

	assert_string_equal(got, wanted);
}

static uint64_t add_user(const char *name)
{
	CLEANUP(strv_deinit) struct strv roles = list("investigator");
	const struct account_new a = { .username = name, .password_hash = "hash", .totp_secret = "secret",
		.totp_secret_length = 6, .roles = &roles, .scope = { false, NULL, NULL, INT64_MIN, INT64_MAX } };
	uint64_t id;

	assert_ok(meta_account_add(meta, &a, &id, &err));
	return id;
}

static void put_department(const char *name, const char *mailboxes)
{
	CLEANUP(strv_deinit) struct strv v = list(mailboxes);

	assert_ok(meta_department_change(meta, name, DEPARTMENT_SET, &v, &err));
}

static void a_user_is_changed_once(void **state)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	CLEANUP(strv_deinit) struct strv roles = list("auditor legal"), mailboxes = list("A@Example.org"),
				 departments = list("sales"), unknown = list("nobody");
	const struct account_scope scope = { false, &mailboxes, &departments, 5, INT64_MAX };
	const struct user_change change = { &roles, &scope, NULL }, bad = { &unknown, NULL, NULL };
	uint64_t id = add_user("u1");

	(void)state;
	put_department("sales", "b@example.org");
	assert_int_equal(meta_user_get(meta, id, &u, &err), 1);
	assert_list(&u.roles, "investigator");
	assert_refused(meta_user_change(meta, id, u.version, &bad, &err), ERR_PERMANENT, "no such role");
	assert_int_equal(meta_user_change(meta, id, u.version, &change, &err), 1);
	assert_int_equal(meta_user_change(meta, id, u.version, &change, &err), 0); /* of two, one */
	user_deinit(&u);
	assert_int_equal(meta_user_get(meta, id, &u, &err), 1);
	assert_list(&u.roles, "auditor legal");
	assert_list(&u.mailboxes, "a@example.org");
	assert_list(&u.departments, "sales");
	assert_int_equal(u.from_us, 5);
	assert_true(u.until_us == INT64_MAX);
	uint64_t version = u.version;

	assert_ok(meta_account_disable(meta, "u1", true, &err));
	user_deinit(&u);
	assert_int_equal(meta_user_get(meta, id, &u, &err), 1);
	assert_true(u.disabled && u.version != version);
	assert_int_equal(meta_user_get(meta, 4711, &u, &err), 0);
}

static void users_come_in_pages(void **state)
{
	uint64_t first = add_user("p1"), second = add_user("p2");
	struct user *users;
	size_t n;

	(void)state;
	assert_ok(meta_user_list(meta, USER_PERSON, first - 1, 1, &users, &n, &err));
	assert_int_equal(n, 1);
	assert_string_equal(users[0].username, "p1");
	assert_list(&users[0].roles, "investigator");
	user_list_free(users, n);
	assert_ok(meta_user_list(meta, USER_PERSON, first, 10, &users, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(users[0].id, second);
	user_list_free(users, n);
}

/* ---- roles ---- */

static void the_program_knows_the_permissions_of_the_database(void **state)
{
	size_t known = 0, used = 0;
	struct role *roles;
	size_t n;

	(void)state;
	while (permission_names[known])
		known++;
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM permission"), known);
	for (size_t i = 0; i < known; i++) {
		_free_ char *sql = mem_printf("SELECT count(*) FROM permission WHERE name = '%s'", permission_names[i]);

		assert_int_equal(raw_number("control.db", sql), 1);
	}
	assert_ok(meta_role_list(meta, "", 100, &roles, &n, &err));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < roles[i].permissions.n; k++)
			used += permission_exists(roles[i].permissions.items[k]);
	assert_int_equal(used, raw_number("control.db", "SELECT count(*) FROM role_permission"));
	role_list_free(roles, n);
}

static void roles_of_ones_own(void **state)
{
	CLEANUP(role_deinit) struct role r = { 0 };
	CLEANUP(strv_deinit) struct strv two = list("ARCHIVE_READ AUDIT_READ"), none = { 0 }, unknown = list("FLY");
	CLEANUP(strv_deinit) struct strv mine = list("mine");

	(void)state;
	assert_refused(meta_role_add(meta, "mine", "of ours", &unknown, &err), ERR_PERMANENT, "no such permission");
	assert_int_equal(meta_role_add(meta, "mine", "of ours", &two, &err), 1);
	assert_int_equal(meta_role_add(meta, "mine", "again", &two, &err), 0);
	assert_int_equal(meta_role_get(meta, "mine", &r, &err), 1);
	assert_list(&r.permissions, "ARCHIVE_READ AUDIT_READ");
	assert_true(r.custom && r.accounts == 0);
	assert_int_equal(meta_role_change(meta, "mine", r.version, "less", &none, &err), 1);
	assert_int_equal(meta_role_change(meta, "mine", r.version, "less", &none, &err), 0);
	const struct user_change change = { &mine, NULL, NULL };

	assert_int_equal(meta_user_change(meta, add_user("has"), 0, &change, &err), 1);
	assert_int_equal(meta_role_remove(meta, "mine", 1, &err), 0); /* somebody has it */
	assert_int_equal(raw_sql("control.db", "DELETE FROM account_role WHERE role = 'mine'"), SQLITE_OK);
	assert_int_equal(meta_role_remove(meta, "mine", r.version, &err), 0); /* it was changed since */
	assert_int_equal(meta_role_remove(meta, "mine", r.version + 1, &err), 1);
	assert_int_equal(meta_role_remove(meta, "mine", r.version + 1, &err), 0);
}

static void what_comes_with_the_program_stays(void **state)
{
	CLEANUP(strv_deinit) struct strv all = list("ARCHIVE_READ");
	CLEANUP(role_deinit) struct role r = { 0 };

	(void)state;
	assert_int_equal(meta_role_get(meta, "auditor", &r, &err), 1);
	assert_false(r.custom);
	assert_int_equal(meta_role_change(meta, "auditor", r.version, "more", &all, &err), 0);
	assert_int_equal(meta_role_remove(meta, "auditor", r.version, &err), 0);
	role_deinit(&r);
	assert_int_equal(meta_role_get(meta, "auditor", &r, &err), 1);
	assert_list(&r.permissions, "AUDIT_READ SYSTEM_STATUS");
}

/* ---- departments ---- */

static void departments_of_the_directory(void **state)
{
	CLEANUP(strv_deinit) struct strv added = list("A1@example.org a2@example.org"), none = list(""), wrong = list("a3@example.org <>"),
				 page = { 0 }, after = { 0 };
	CLEANUP(department_deinit) struct department d = { 0 };

	(void)state;
	put_department("plain", "a2@example.org old@example.org");
	assert_int_equal(meta_department_get(meta, "plain", &d, &err), 1);
	assert_false(d.directory);
	const uint64_t version = d.version;

	department_deinit(&d);
	CLEANUP(strv_deinit) struct strv removed = list("Old@example.org nobody@example.org");

	assert_ok(meta_department_sync(meta, "plain", &added, &removed, &err));
	assert_int_equal(meta_department_get(meta, "plain", &d, &err), 1);
	assert_true(d.directory && d.version > version);
	assert_int_equal(meta_department_page(meta, "plain", "", 5, &page, &err), 1);
	assert_list(&page, "a1@example.org a2@example.org");
	assert_refused(meta_department_sync(meta, "plain", &wrong, &added, &err), ERR_PERMANENT, "no mailbox");
	assert_int_equal(meta_department_page(meta, "plain", "", 5, &after, &err), 1);
	assert_list(&after, "a1@example.org a2@example.org");
	department_deinit(&d);
	assert_ok(meta_department_sync(meta, "fresh", &added, &none, &err));
	assert_int_equal(meta_department_get(meta, "fresh", &d, &err), 1);
	assert_true(d.directory && d.mailboxes == 2);
}

static void departments_and_their_mailboxes(void **state)
{
	CLEANUP(strv_deinit) struct strv page = { 0 }, of = { 0 }, both = list("east west"), none = { 0 },
				 unknown = list("east north");
	CLEANUP(department_deinit) struct department d = { 0 };

	(void)state;
	put_department("east", "x1@example.org x2@example.org");
	put_department("west", "x3@example.org");
	assert_int_equal(meta_department_page(meta, "east", "x1@example.org", 5, &page, &err), 1);
	assert_list(&page, "x2@example.org");
	assert_int_equal(meta_department_page(meta, "north", "", 5, &page, &err), 0);
	assert_int_equal(meta_department_get(meta, "east", &d, &err), 1);
	assert_int_equal(d.mailboxes, 2);
	uint64_t version = d.version;

	assert_ok(meta_member_set(meta, "X3@Example.ORG", &both, &err));
	assert_ok(meta_member_departments(meta, "x3@example.org", &of, &err));
	assert_list(&of, "east west");
	department_deinit(&d);
	assert_int_equal(meta_department_get(meta, "east", &d, &err), 1);
	assert_true(d.mailboxes == 3 && d.version != version);
	assert_refused(meta_member_set(meta, "x3@example.org", &unknown, &err), ERR_PERMANENT, "no such department");
	assert_ok(meta_member_set(meta, "x3@example.org", &none, &err));
	strv_deinit(&of);
	assert_ok(meta_member_departments(meta, "x3@example.org", &of, &err));
	assert_int_equal(of.n, 0);
	department_deinit(&d);
	assert_int_equal(meta_department_get(meta, "west", &d, &err), 1);
	assert_int_equal(meta_department_remove(meta, "west", d.version - 1, &err), 0); /* it was changed since */
	assert_int_equal(meta_department_remove(meta, "west", d.version, &err), 1);
	assert_int_equal(meta_department_remove(meta, "west", d.version, &err), 0);
}

static void a_department_in_a_scope_stays(void **state)
{
	CLEANUP(strv_deinit) struct strv used = list("used");
	const struct account_scope scope = { false, NULL, &used, INT64_MIN, INT64_MAX };
	const struct user_change change = { NULL, &scope, NULL };

	(void)state;
	put_department("used", "u@example.org");
	assert_int_equal(meta_user_change(meta, add_user("uses"), 0, &change, &err), 1);
	CLEANUP(department_deinit) struct department d = { 0 };

	assert_int_equal(meta_department_get(meta, "used", &d, &err), 1);
	assert_int_equal(meta_department_remove(meta, "used", d.version, &err), 0);
}

/* ---- programs ---- */

static void a_token_finds_its_account(void **state)
{
	CLEANUP(strv_deinit) struct strv roles = list("service");
	const struct account_new a = { .username = "robot", .password_hash = "none", .totp_secret = "x",
		.totp_secret_length = 1, .roles = &roles, .scope = { false, NULL, NULL, INT64_MIN, INT64_MAX } };
	struct service_identity s = { .token = { 1 }, .certificate = { 2 }, .token_us = 7 };
	CLEANUP(account_deinit) struct account found = { 0 };
	uint8_t certificate[SHA256_SIZE], other[SHA256_SIZE] = { 9 };
	struct user *users;
	uint64_t id;
	size_t n;

	(void)state;
	assert_ok(meta_service_add(meta, &a, &s, &id, &err));
	assert_int_equal(meta_service_by_token(meta, s.token, &found, certificate, &err), 1);
	assert_int_equal(found.id, id);
	assert_list(&found.permissions, "ARCHIVE_STORE");
	assert_memory_equal(certificate, s.certificate, sizeof(certificate));
	const uint64_t generation = found.token_generation;

	assert_int_equal(meta_service_set_token(meta, id, 1, other, 8, &err), 0);
	assert_int_equal(meta_service_set_token(meta, id, 0, other, 8, &err), 1);
	account_deinit(&found);
	assert_int_equal(meta_service_by_token(meta, s.token, &found, certificate, &err), 0);
	account_deinit(&found);
	assert_int_equal(meta_service_by_token(meta, other, &found, certificate, &err), 1);
	assert_true(found.token_generation > generation);
	CLEANUP(strv_deinit) struct strv bad = list("nobody");
	const struct user_change half = { &bad, NULL, other }, change = { NULL, NULL, other };

	assert_refused(meta_user_change(meta, id, 1, &half, &err), ERR_PERMANENT, "no such role");
	assert_int_equal(meta_service_get(meta, id, &s, &err), 1);
	assert_memory_not_equal(s.certificate, other, sizeof(other));
	assert_int_equal(meta_user_change(meta, id, 1, &change, &err), 1);
	assert_int_equal(meta_service_get(meta, id, &s, &err), 1);
	assert_memory_equal(s.certificate, other, sizeof(other));
	assert_int_equal(s.token_us, 8);
	assert_ok(meta_user_list(meta, USER_SERVICE, 0, 10, &users, &n, &err));
	assert_int_equal(n, 1);
	user_list_free(users, n);
	assert_ok(meta_user_list(meta, USER_PERSON, id - 1, 10, &users, &n, &err));
	assert_int_equal(n, 0);
	user_list_free(users, n);
	assert_int_equal(meta_service_get(meta, 1, &s, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_changed_once),
		cmocka_unit_test(users_come_in_pages),
		cmocka_unit_test(the_program_knows_the_permissions_of_the_database),
		cmocka_unit_test(roles_of_ones_own),
		cmocka_unit_test(what_comes_with_the_program_stays),
		cmocka_unit_test(departments_and_their_mailboxes),
		cmocka_unit_test(departments_of_the_directory),
		cmocka_unit_test(a_department_in_a_scope_stays),
		cmocka_unit_test(a_token_finds_its_account),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
